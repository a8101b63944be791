"""The theory's experiments: what the limit means for networks of finite width.

python -m runners.theory experiment=convergence
python -m runners.theory -m 'experiment=glob(*)'          # all, one after another: `make theory`
python -m runners.theory experiment=evolution experiment.datasets='[ECG200]' experiment.seeds=3

Each writes `outputs/theory/<experiment>/`: record.json, what was asked and found; rows.csv; and its figure as PDF, SVG and PNG. An
experiment that was asked the same before is only drawn again.
"""

import json
import time
from io import StringIO
from pathlib import Path

import hydra
from omegaconf import DictConfig

from runners.config import begin, plain, stop
from runners.method import absent_networks

VERSION = 1  # raised when a change of the code changes what an experiment finds


def theory(config: DictConfig) -> None:
    """Run the experiment of a configuration, unless its record is there, and draw it."""
    from results.figures import save
    from results.theory import draw

    if fault := absent_networks():
        stop(f"this {fault}")
    asked = plain(config.experiment)
    name = asked["_target_"].rsplit(".", 1)[-1]
    folder = Path(config.output) / "theory" / name
    try:
        record, rows, fresh = found(folder, {"version": VERSION, **asked}, config)
    except (ValueError, LookupError) as error:
        stop(f"{name}: {error}")
    paths = save(draw(name, rows, record["numbers"]), folder, name)
    print(f"{name}: {record['seconds']:.0f} s" + ("" if fresh else ", taken from its record"))
    print(json.dumps(record["numbers"], indent=1, ensure_ascii=False))
    print(f"{paths[0].with_suffix('')}.{{{','.join(path.suffix[1:] for path in paths)}}}")


def found(folder: Path, asked: dict, config: DictConfig):
    """The record of an experiment, its rows, and whether it was computed now."""
    import pandas as pd
    from hydra.utils import instantiate

    from results.store import to_csv, write_text
    from runners.environment import environment

    head, table = folder / "record.json", folder / "rows.csv"
    if head.exists() and table.exists():
        record = json.loads(head.read_text())
        if record["asked"] == asked:
            return record, pd.read_csv(table), False
    started = time.perf_counter()
    findings = instantiate(config.experiment, _convert_="all")
    seconds = round(time.perf_counter() - started, 1)
    record = {"asked": asked, "numbers": findings.numbers, "seconds": seconds, "environment": environment()}
    text = to_csv(findings.rows)
    write_text(table, text)
    write_text(head, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return record, pd.read_csv(StringIO(text)), True


main = hydra.main(version_base="1.3", config_path="../conf", config_name="theory")(theory)

if __name__ == "__main__":
    begin()
    main()
