"""Draw all figures that a study's records allow: `python -m results.figures results/reference/family --kinds datasets/archive.csv`."""

import argparse
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from results.figures import NO_DATE, save
from results.figures.study import Drawing, dataset_drawings, drawings, kinds_in
from results.integrity import telling
from results.store import has_records, read_table, study_records, to_csv
from results.tables import describe_coverage, study_accuracies
from results.writing import write_text


def write(found: Iterable[Drawing], to: Path) -> tuple[list[Path], dict[str, str]]:
    """Write figures under `to` as PDF, SVG and PNG, with `captions.csv`; returns the paths, and by name why others could not be drawn,
    whose earlier files are removed.
    """
    paths, captions, reasons = [], [], {}
    for drawing in found:
        try:
            paths += save(drawing.draw(), to, drawing.name)
            captions.append({"name": drawing.name, "title": drawing.title, "caption": drawing.caption})
        except ValueError as error:
            reasons[drawing.name] = str(error)
            for ending in NO_DATE:
                (to / f"{drawing.name}.{ending}").unlink(missing_ok=True)
    if captions:
        paths.append(to / "captions.csv")
        write_text(paths[-1], to_csv(captions))
    return paths, reasons


@telling
def main() -> int:
    """Draw the figures of the first of the folders named on the command line that has records."""
    parser = argparse.ArgumentParser(
        prog="python -m results.figures", description="Draw a study's figures from its records."
    )
    parser.add_argument(
        "folders", type=Path, nargs="+", help="studies' folders: the first that has any record is taken"
    )  # fmt: skip
    parser.add_argument("--to", type=Path, help="where to write the figures (default: that folder's own `figures`)")
    parser.add_argument(
        "--kinds", type=Path, metavar="CSV", help="a table of datasets' names and types, the kinds of data"
    )
    parser.add_argument(
        "--of", nargs="+", default=[], metavar="METHOD", help="compare these (default: the best by rank)"
    )
    parser.add_argument("--against", nargs="+", default=[], metavar="METHOD", help="with these (default: all others)")
    parser.add_argument(
        "--datasets", nargs="+", default=[], metavar="DATASET", help="draw these by themselves, too (all: every one)"
    )
    arguments = parser.parse_args()
    try:
        folder = next(filter(has_records, arguments.folders), arguments.folders[0])
        accuracy, records = study_accuracies(folder), study_records(folder)
        kinds = kinds_in(arguments.kinds) if arguments.kinds else None
        names = list(accuracy.index) if arguments.datasets == ["all"] else arguments.datasets
        if strange := [name for name in names if name not in accuracy.index]:
            raise ValueError(f"the study has no dataset {strange[0]!r}: it has {', '.join(accuracy.index)}")
        grid = partial(read_table, folder=folder, table="grid")
        found = drawings(accuracy, records, grid, kinds, arguments.of, arguments.against)
        for name in names:
            found += dataset_drawings(name, records, grid)
        to = arguments.to or folder / "figures"
        paths, reasons = write(found, to)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for stem in dict.fromkeys(path.with_suffix("") for path in paths):
        endings = [path.suffix[1:] for path in paths if path.with_suffix("") == stem]
        print(f"{stem}.{{{','.join(endings)}}}" if len(endings) > 1 else f"{stem}.{endings[0]}")
    for name, reason in reasons.items():
        print(f"not drawn: {name}: {reason}", file=sys.stderr)
    print(
        f"{len(found) - len(reasons)} of {len(found)} figures from the records in {folder}; {describe_coverage(accuracy)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
