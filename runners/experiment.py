"""An experiment: asked, computed unless its record is there, and drawn."""

import json
import time
from io import StringIO
from pathlib import Path

from omegaconf import DictConfig

from runners.config import plain, stop

VERSION = 2  # raised when a change of the code changes what an experiment finds


def run_experiment(config: DictConfig, folder: Path) -> None:
    """Run the experiment of a configuration, unless `folder` holds its record, draw it, and print what it found."""
    from results.experiments import draw
    from results.figures import save

    asked = plain(config.experiment)
    name = asked["_target_"].rsplit(".", 1)[-1]
    try:
        record, rows, fresh = found(folder, {"version": VERSION, **asked}, config)
    except (ValueError, LookupError, TypeError) as error:
        stop(f"{name}: {error}")
    paths = save(draw(name, rows, record["numbers"]), folder, name)
    for what, number in record["numbers"].items():
        print(f"  {what}: {json.dumps(number, ensure_ascii=False)}")
    print(f"{name}: {record['seconds']:.0f} s" + ("" if fresh else ", taken from its record"))
    print(f"{paths[0].with_suffix('')}.{{{','.join(path.suffix[1:] for path in paths)}}}")


def found(folder: Path, asked: dict, config: DictConfig):
    """The record of an experiment, its rows, and whether it was computed now."""
    import pandas as pd
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    from results.store import to_csv
    from results.writing import write_text
    from runners.environment import environment, quiet_jax, trainers

    quiet_jax()
    head, table = folder / "record.json", folder / "rows.csv"
    if head.exists() and table.exists():
        record = json.loads(head.read_text())
        if record["asked"] == asked:
            return record, pd.read_csv(table), False
    started = time.perf_counter()
    try:
        findings = instantiate(config.experiment, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, ValueError | LookupError | TypeError):
            raise error.__cause__ from error
        raise
    seconds = round(time.perf_counter() - started, 1)
    record = {
        "asked": asked,
        "numbers": findings.numbers,
        "seconds": seconds,
        "environment": environment() | trainers(),
    }
    text = to_csv(findings.rows)
    write_text(table, text)
    write_text(head, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return record, pd.read_csv(StringIO(text)), True
