"""The report of a study, from its records and its datasets' series: one page that opens in a browser.

python -m runners.report study=ucr56                      # `make report`
python -m runners.report study=family output=/tmp/mine data.root=/data/UCRArchive_2018

Writes `outputs/<study>/report/index.html` from the records in `outputs/<study>`, or, where there are none, from those of the reference
run. Nothing is downloaded: series are drawn of the datasets that lie on this machine.
"""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from runners.config import begin, protocol_of, stop

REFERENCE = Path(__file__).parent.parent / "results" / "reference"


def report(config: DictConfig) -> None:
    """Write the report of a configuration's study, and say where."""
    from results.store import has_records

    name = config.study.name
    places = [Path(config.output) / name, REFERENCE / name]
    try:
        folder = next(filter(has_records, places), places[0])
        print(f"{write(config, folder)}\nmade from the records in {folder}")
    except ValueError as error:
        stop(str(error))


def write(config: DictConfig, folder: Path) -> Path:
    """Write the report of the study in `folder` to where the configuration has its output; returns its path."""
    from datasets import load
    from datasets.catalogue import catalogue
    from results.report.data import Series
    from results.report.page import write_report

    missing = protocol_of(config).missing

    def series(name: str) -> Series | str:
        try:
            found = load(name, config.data.root, downloads=False, missing=missing)
        except (ValueError, LookupError) as error:
            return str(error)
        return Series(found.X_train, found.y_train, found.X_test, found.y_test)

    kinds = {entry.name: entry.type for entry in catalogue().values()}
    return write_report(folder, Path(config.output) / config.study.name / "report", kinds, series)


main = hydra.main(version_base="1.3", config_path="../conf", config_name="report")(report)

if __name__ == "__main__":
    begin()
    main()
