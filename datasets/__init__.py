"""The UCR time-series archive: its catalogue, its sources, and a loader that trusts nothing; and datasets of one's own."""

from datasets.catalogue import catalogue, in_study, listed
from datasets.loading import find, load
from datasets.reading import Dataset
from datasets.sources import DataError, DatasetMissing

__all__ = ["DataError", "Dataset", "DatasetMissing", "catalogue", "find", "in_study", "listed", "load"]
