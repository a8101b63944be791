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
from runners.tracking import View

RESULT = "result.json"


def note_result(folder: str, status: str, text: str) -> None:
    """Leave in a job's own folder how it ended, for the parent."""
    write_text(Path(folder) / RESULT, json.dumps({"status": status, "text": text}) + "\n")


class TrackSweep(Callback):
    """Around a sweep: data are fetched before; after, records go to MLflow, and a failure makes the exit status 1."""

    def on_multirun_start(self, config: DictConfig, **kwargs) -> None:
        """Hydra calls this in the parent before any job: downloads are not for several workers at once."""
        from hydra.core.override_parser.overrides_parser import OverridesParser

        from datasets.fetch import fetch

        names = [str(config.dataset)]
        for override in OverridesParser.create().parse_overrides(list(config.hydra.overrides.task)):
            if override.key_or_group == "dataset" and override.is_sweep_override():
                names = [str(name) for name in override.sweep_string_iterator()]
        known = [name for name in names if name in catalogue()]  # an unknown one is its own job's failure
        for name, reason in fetch(known, config.data.root, config.data.downloads).items():
            print(f"missing: {name}: {reason}", file=sys.stderr)

    def on_multirun_end(self, config: DictConfig, **kwargs) -> None:
        """Hydra calls this in the parent when all jobs have ended."""
        results = [json.loads(path.read_text()) for path in sorted(Path(config.hydra.sweep.dir).glob(f"*/{RESULT}"))]
        failed = [result for result in results if result["status"] != "ok"]
        folder = Path(config.output) / "run"
        print(f"{len(results) - len(failed)} of {len(results)} tasks ok, records in {folder}", file=sys.stderr)
        for result in failed:
            print(f"{result['status']}: {result['text']}", file=sys.stderr)
        View("run", config).close()
        if failed:
            sys.exit(1)
