"""What happens around Hydra's multirun: its jobs run in workers, write records and say how they ended.

The parent does the rest.
"""

import json
import sys
from pathlib import Path

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from datasets.catalogue import archive_names
from results.record import Record
from results.writing import write_text
from runners.tracking import View

RESULT = "result.json"


def note_result(folder: str, record: Record) -> None:
    """Leave in a job's own folder the record that it ended with, for the parent."""
    write_text(Path(folder) / RESULT, json.dumps(record.head()) + "\n")


def refused(config: DictConfig, job: int, error: Exception) -> Record:
    """What stands for the record of a job that is no task, as its configuration is wrong; such a record is not kept."""
    method, protocol = (OmegaConf.to_container(part, resolve=False) for part in (config.method, config.protocol))
    name = str(method.get("name", ""))
    return Record(
        str(config.dataset), name, f"job {job}", "failed", str(error), method_config=method, protocol=protocol
    )


class TrackSweep(Callback):
    """Around a sweep: data are fetched before; after, records go to MLflow, its runs are shown side by side, and a failure makes
    the exit status 1.
    """

    def on_multirun_start(self, config: DictConfig, **kwargs) -> None:
        """Hydra calls this in the parent before any job: downloads are not for several workers at once."""
        from hydra.core.override_parser.overrides_parser import OverridesParser

        from datasets.fetch import fetch

        names = [str(config.dataset)]
        for override in OverridesParser.create().parse_overrides(list(config.hydra.overrides.task)):
            if override.key_or_group == "dataset" and override.is_sweep_override():
                names = [str(name) for name in override.sweep_string_iterator()]
        known = [name for name in names if name in archive_names()]  # an unknown one is its own job's failure
        for name, reason in fetch(known, config.data.root, config.data.downloads).items():
            print(f"missing: {name}: {reason}", file=sys.stderr)

    def on_multirun_end(self, config: DictConfig, **kwargs) -> None:
        """Hydra calls this in the parent when all jobs have ended."""
        from results.sweep_figures import show_runs
        from results.sweeps import describe_faults

        folder = Path(config.hydra.sweep.dir)
        records = [Record(**json.loads(path.read_text())) for path in sorted(folder.glob(f"*/{RESULT}"))]
        ok = sum(record.status == "ok" for record in records)
        print(f"{ok} of {len(records)} tasks ok, records in {Path(config.output) / 'run'}", file=sys.stderr)
        for fault in describe_faults(records):
            print(fault, file=sys.stderr)
        View("run", config).close()
        print(show_runs(records, folder / "tables"))
        if ok < len(records):
            sys.exit(1)
