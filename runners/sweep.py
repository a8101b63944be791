"""What happens around Hydra's multirun: its jobs run in workers, write records and say how they ended.

The parent does the rest.
"""

import json
import sys
from pathlib import Path

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from datasets import catalogue
from results.store import write_text

RESULT = "result.json"


def note_result(folder: str, status: str, text: str) -> None:
    """Leave in a job's own folder how it ended, for the parent."""
    write_text(Path(folder) / RESULT, json.dumps({"status": status, "text": text}) + "\n")


class TrackSweep(Callback):
    """Around a sweep: data are fetched before.

    Records go to MLflow after, written by this one process; failures make the exit status 1.
    """

    def on_multirun_start(self, config: DictConfig, **kwargs) -> None:
        """Hydra calls this in the parent before any job: downloads and compilation belong here, never in several
        workers at once.
        """
        from hydra.core.override_parser.overrides_parser import OverridesParser

        from datasets.fetch import fetch
        from runners.study import warm_up

        overrides = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
        swept = [override for override in overrides if override.key_or_group == "dataset"]
        names = [
            str(name) for override in swept if override.is_sweep_override() for name in override.sweep_string_iterator()
        ]
        names = [
            name for name in names or [str(config.dataset)] if name in catalogue()
        ]  # a wrong name is its job's own failure
        for name, reason in fetch(names, config.data.root, config.data.downloads).items():
            print(f"missing: {name}: {reason}", file=sys.stderr)
        warm_up()

    def on_multirun_end(self, config: DictConfig, **kwargs) -> None:
        """Hydra calls this in the parent when all jobs have ended."""
        jobs = sorted(
            (path for path in Path(config.hydra.sweep.dir).iterdir() if path.is_dir()), key=lambda path: int(path.name)
        )
        results = [
            json.loads((job / RESULT).read_text())
            if (job / RESULT).exists()
            else {"status": "failed", "text": f"{job}: died"}
            for job in jobs
        ]
        if config.tracking.enabled:
            from runners.tracking import open_tracker

            open_tracker("run", config).sync_and_close(Path(config.output) / "run")
        failed = [result for result in results if result["status"] != "ok"]
        print(
            f"{len(results) - len(failed)} of {len(results)} tasks ok, records in {Path(config.output) / 'run' / 'records'}",
            file=sys.stderr,
        )
        for result in failed:
            print(f"{result['status']}: {result['text']}", file=sys.stderr)
        if failed:
            sys.exit(1)
