"""The report of a study, from its records and its datasets' series: one page that opens in a browser.

python -m runners.report study=ucr56                      # `make report`
python -m runners.report study=family output=/tmp/mine data.root=/data/UCRArchive_2018
python -m runners.report study=ucr56 pictures='[GunPoint,Trace]'

Writes `outputs/<study>/report/index.html` from the records in `outputs/<study>`, or, where there are none, from those of the reference
run. Nothing is downloaded: series are drawn of the datasets that lie on this machine.
`pictures` names datasets whose chosen kernels are computed anew, for their sections to show Grams, spectra and the steps that count.
"""

from collections.abc import Sequence
from pathlib import Path

import hydra
from omegaconf import DictConfig

from runners.config import begin, check_settings, protocol_of, stop, study_folder

REFERENCE = Path(__file__).parent.parent / "results" / "reference"


def report(config: DictConfig) -> None:
    """Write the report of a configuration's study, and say where."""
    from results.store import has_records

    try:
        check_settings(config)
        places = [study_folder(config), REFERENCE / config.study.name]
        folder = next(filter(has_records, places), places[0])
        print(f"{write(config, folder, config.pictures)}\nmade from the records in {folder}")
    except (ValueError, LookupError) as error:
        stop(str(error))


def write(config: DictConfig, folder: Path, pictured: Sequence[str] = ()) -> Path:
    """Write the report of the study in `folder` to where the configuration has its output, with pictures of the kernels on the datasets
    `pictured`; returns its path.

    Raises ValueError or LookupError also where no kernel has a result on one of these, or it is not on this machine.
    """
    from datasets import load
    from datasets.catalogue import catalogue
    from results.figures.study import Drawing
    from results.record import Record
    from results.report.data import Series
    from results.report.page import write_report
    from results.store import study_records
    from runners.pictures import pictures

    missing = protocol_of(config).missing

    own = {record.dataset: record.source for record in study_records(folder) if record.own}

    def series(name: str) -> Series | str:
        try:
            found = load(own.get(name, name), config.data.root, downloads=False, missing=missing)
        except (ValueError, LookupError) as error:
            return str(error)
        return Series(found.X_train, found.y_train, found.X_test, found.y_test)

    def kernels(tasks: Sequence[Record]) -> list[Record]:
        return [task for task in tasks if task.status == "ok" and "kernel" in task.method_config]

    def more(name: str, tasks: list[Record]) -> list[Drawing]:
        return pictures(name, kernels(tasks), config.data.root) if name in pictured else []

    if pictured:
        with_kernels = {task.dataset for task in kernels(study_records(folder))}
        if strange := [name for name in pictured if name not in with_kernels]:
            raise ValueError(f"pictures={strange[0]}: no kernel of this study has a result on it")
    kinds = {entry.name: entry.type for entry in catalogue().values()} | dict.fromkeys(own, "own")
    return write_report(folder, study_folder(config) / "report", kinds, series, more)


main = hydra.main(version_base="1.3", config_path="../conf", config_name="report")(report)

if __name__ == "__main__":
    begin("report")
    main()
