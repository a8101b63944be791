"""Figures: a module an idea, each function pure: from numbers to a `Figure`. `results.figures.study` draws all that a study's records
allow: `python -m results.figures results/reference/family --kinds datasets/archive.csv`.
"""

from results.figures.style import COLOURS, COLUMN, NARROW, NO_DATE, encoded, figure, save

__all__ = ["COLOURS", "COLUMN", "NARROW", "NO_DATE", "encoded", "figure", "save"]
