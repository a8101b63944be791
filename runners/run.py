"""One task from the command line, or a sweep of tasks.

python -m runners.run dataset=GunPoint method=rntk
python -m runners.run -m dataset=GunPoint,ArrowHead method.kernel.sigma_w=1.34,1.41
"""

import sys
from contextlib import nullcontext
from pathlib import Path

import hydra
from omegaconf import DictConfig

from runners.config import begin, check_settings, limits_of, method_of, protocol_of, scores_of, stop, workers_of
from runners.ending import stoppable


def run(config: DictConfig) -> None:
    """Evaluate the task of a configuration, print its result, and leave word of how it ended."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from datasets import DatasetMissing
    from results.writing import CannotWrite
    from runners.sweep import note_result, refused

    runtime = HydraConfig.get()
    sweeping = runtime.mode == RunMode.MULTIRUN
    try:
        check_settings(config)
        record, fresh = result_of(
            config,
            downloads=config.data.downloads and not sweeping,
            threads=1 if sweeping else workers_of(config.workers),
            shown=not sweeping,
        )
    except Exception as error:
        if sweeping:  # a job that raises would end the sweep without a summary
            note_result(runtime.runtime.output_dir, refused(config, runtime.job.num, error))
            print(f"error: {error}", file=sys.stderr)
            return
        if isinstance(error, (ValueError, DatasetMissing, CannotWrite)):
            stop(str(error))
        raise
    folder = Path(config.output) / "run"
    print(report(record, folder, fresh))
    if sweeping:
        note_result(runtime.runtime.output_dir, record)
        return
    from runners.tracking import View

    View("run", config).close()
    if record.status != "ok":
        sys.exit(1)


def result_of(config: DictConfig, downloads: bool, threads: int, shown: bool):
    """The record of a configuration's task, and whether it was computed now.

    A task that has a record is not run again. `shown`: how far it is, on stderr. Raises DatasetMissing for a dataset of UEA's that
    cannot be had: by its content its task is known.
    """
    from datasets.fetch import fetch
    from datasets.loading import placed
    from results import store
    from rntk import progress
    from runners.evaluate import blank_record, run_task
    from runners.task import Task

    method, protocol, scores, root = method_of(config.method), protocol_of(config), scores_of(config), config.data.root
    task = Task(placed(str(config.dataset), root, downloads), method, protocol)
    folder = Path(config.output) / "run"
    if record := found(task, folder):
        return record, False
    reason = task.method.absent or fetch([task.source], root, downloads).get(task.source)
    if reason:
        record = blank_record(task, "skipped", reason)
        store.write(record, folder)
        return record, True
    with progress(f"{task.dataset} {task.method.name}") if shown else nullcontext():
        return run_task(task, folder, root, limits_of(config), threads, scores), True


def found(task, folder: Path):
    """The final record of a task; None where there is none. One that is damaged is set aside."""
    from results.integrity import Damage
    from runners.evaluate import head_of, recorded
    from runners.reproduce import set_aside

    try:
        record = recorded(task, folder)
    except Damage as damage:
        print(set_aside(folder, head_of(task), str(damage), own=True), file=sys.stderr)
        return None
    return record if record and record.is_final else None


def report(record, folder: Path, fresh: bool) -> str:
    """A record in a few lines."""
    from results.store import path_of

    lines = [f"{record.dataset} · {record.method} · {record.status}" + (f": {record.reason}" if record.reason else "")]
    if record.status == "ok":
        selected = " ".join(
            f"{name}={value:.6g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in record.selected.items()
        )
        tied = f"   (first of {record.n_tied} tied)" if record.n_tied > 1 else ""
        spread = "" if record.spread is None else f" ± {record.spread:.4f} over {len(record.runs)} seeds"
        stages = ", ".join(
            f"{name} {record.timings[name]:.1f}"
            for name in ("kernel", "selection", "refit", "predict")
            if name in record.timings
        )
        lines.append(f"  selected  {selected or 'nothing to select'}{tied}")
        lines.append(
            f"  accuracy  cross-validation {record.cv_accuracy:.4f}, test {record.test_accuracy:.4f}{spread} ({record.n_test} cases)"
        )
        lines.append(
            f"  seconds   {record.timings['total']:.1f} ({stages})"
            + ("" if fresh else ", taken from its record: the task was run before")
        )
    lines += [f"  split     {record.own['split']}"] if record.own.get("split") else []
    lines += [f"  note      {note}" for note in record.own.get("notes", [])]
    if record.traceback:
        lines.append(record.traceback.rstrip())
    lines.append(f"  record    {path_of(f'{record.name}.json', folder)}")
    return "\n".join(lines)


main = hydra.main(version_base="1.3", config_path="../conf", config_name="run")(run)

if __name__ == "__main__":
    begin("run")
    with stoppable():
        main()
