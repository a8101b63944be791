"""A whole study from the command line: plan, run what is missing, track, tables, report.

python -m runners.reproduce study=ucr56
python -m runners.reproduce study=quick output=/tmp/here workers=1
python -m runners.reproduce study=quick shard=1/3
python -m runners.reproduce study=quick executor=dask executor.scheduler=tcp://127.0.0.1:8786

Killed and started again, it goes on where it was. The exit status is 0 if no task failed, 1 if one did, 2 for a
mistake in the configuration. Datasets that cannot be had are listed, and are no failure: the study runs on the rest.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import hydra
from omegaconf import DictConfig

from runners.config import (
    begin,
    check_settings,
    datasets_of,
    limits_of,
    methods_of,
    protocol_of,
    scores_of,
    shard_of,
    stop,
    study_folder,
    workers_of,
)


def reproduce(config: DictConfig) -> None:
    """Run the study of a configuration."""
    from results.integrity import told
    from results.store import locked
    from results.writing import CannotWrite
    from runners.ending import stoppable

    try:
        check_settings(config)
        with (
            stoppable(),
            executor_of(config) as (executor, workers),
            locked(study_folder(config), shard_of(config.shard)),
            told() as damaged,
        ):
            failures = run_study(config, executor, workers)
    except (ValueError, CannotWrite) as error:
        stop(str(error))
    for message in damaged:
        print(message, file=sys.stderr)
    if failures or damaged:
        sys.exit(1)


@contextmanager
def executor_of(config: DictConfig) -> Iterator[tuple[Callable | None, int]]:
    """Who runs the tasks of a study (None: processes of this machine), and how many at a time; raises ValueError where it cannot be had."""
    if config.executor.name == "loky":
        yield None, workers_of(config.workers)
        return
    try:
        from runners.cluster import Cluster
    except ModuleNotFoundError as error:
        raise ValueError(f"executor=dask: {error.name} is not installed: pip install '.[cluster]'") from error
    settings = config.executor
    with Cluster(settings.scheduler, settings.output, settings.data) as cluster:
        yield cluster, cluster.workers


def run_study(config: DictConfig, executor: Callable | None, workers: int) -> int:
    """Plan and run a study, or a shard of it, and once it is whole write its tables and its report; returns the number of tasks that
    failed.

    A dataset that cannot be had is no failure of a task.
    """
    from datasets.fetch import fetch
    from datasets.own import own_name
    from results import store
    from results.names import check_name
    from results.overview import write_overview
    from results.tables import write_tables
    from rntk.machine import cores
    from runners.evaluate import blank_record, head_of
    from runners.pace import measure
    from runners.plan import Forecast, make_plan, parts, shard
    from runners.report import write
    from runners.study import describe, run_tasks
    from runners.task import Task
    from runners.tracking import View

    name, folder = config.study.name, study_folder(config)
    protocol = protocol_of(config)
    methods = methods_of(config)
    found, missing = datasets_of(config.study.datasets, config.data.root, config.data.downloads)
    scores, part = scores_of(config), shard_of(config.shard)
    tasks = [Task(source, method, protocol) for source in found for method in methods]
    names = [*(entry.name for entry in found.values()), *map(own_name, missing)]
    beside = [f"../{check_name('study.beside', other)}" for other in config.study.get("beside", [])]
    store.write_plan(
        folder, name, dict.fromkeys(names), [method.name for method in methods], [task.key for task in tasks], beside
    )
    mine = shard(tasks, *part) if part else tasks
    plan = make_plan(mine, folder)
    heads = {head_of(task) for task in mine} if part else set()
    for (place, head), fault in plan.damaged.items():
        own = place == folder and (not part or head in heads)  # what others write meanwhile is theirs
        print(set_aside(place, head, fault, own), file=sys.stderr)
    forecast = Forecast(measure({kind for task in plan.able for kind in parts(task)}, min(workers, cores())))
    said = f"shard {part[0]}/{part[1]}, {len(mine)} of {len(tasks)} tasks: " if part else ""
    print(f"{name}: {said}{plan.describe(workers, forecast)}", flush=True)

    missing |= fetch(sorted({task.source for task in plan.able}), config.data.root, config.data.downloads)
    for task in plan.to_run:
        if reason := task.method.absent or missing.get(task.source):
            store.write(blank_record(task, "skipped", reason), folder)
    report_missing(missing)
    report_absent(methods)
    for entry in found.values():
        for note in entry.notes:
            print(f"note: {entry.name}: {note}", file=sys.stderr)
    view = View(name, config)
    view.sync()
    run_tasks(
        [task for task in plan.able if task.source not in missing],
        folder,
        root=config.data.root,
        workers=workers,
        limits=limits_of(config),
        scores=scores,
        on_record=view.log,
        forecast=forecast,
        executor=executor,
    )
    records = store.study_records(folder)
    if part and len(records) < len(tasks):
        view.close()
        print(
            f"{len(records)} of {len(tasks)} tasks have a record in {folder}; tables are made once all have: by the shard that ends last "
            f"or, where shards have folders of their own, by `python -m results.merge {config.output} OTHER ... --to NEW`"
        )
    else:
        written = write_tables(folder) + write_overview(folder)
        report = write(config, folder) if config.report else None
        view.close()
        print(written[1].read_text())
        ok = sum(record.status == "ok" for record in records)
        print(f"{ok} of {len(tasks)} tasks have a result; tables in {written[0].parent}, figure {written[-1]}")
        if report:
            print(f"report: {report}")
    keys = {task.key for task in mine}
    faults = [record for record in records if record.key in keys and record.status not in ("ok", "skipped")]
    report_missing(missing)
    report_absent(methods)
    for record in faults:
        print(describe(record), file=sys.stderr)
    if faults:
        print(
            f"{len(faults)} without a result: run the same command again, and all but those that did not converge are tried again",
            file=sys.stderr,
        )
    return len(faults)


def set_aside(folder: Path, head: str, fault: str, own: bool) -> str:
    """Move a damaged record of a study's own folder out of the records; returns what is said of it, also where it is left."""
    from results import store
    from results.integrity import Damage

    said = f"damaged: {store.path_of(head, folder)}: {fault}"
    try:
        return (
            f"{said}; it is kept in {store.set_aside(folder, head)}, and computed anew where it belongs to the study"
            if own
            else said
        )
    except Damage:  # it is packed, or gone meanwhile
        return said


def report_missing(missing: dict[str, str]) -> None:
    """Say which datasets are not there, and why."""
    from datasets.own import own_name

    for source, reason in missing.items():
        print(f"missing: {own_name(source)}: {reason}", file=sys.stderr)
    if missing:
        print(
            f"{len(missing)} missing: put the archive's into a folder named by data.root or RNTK_DATA, mend your own, and run again",
            file=sys.stderr,
        )


def report_absent(methods: list) -> None:
    """Say which methods cannot run here, and what they need."""
    reasons = {method.name: method.absent for method in methods if method.absent}
    for reason in sorted(set(reasons.values())):
        names = [name for name in reasons if reasons[name] == reason]
        print(f"not run: {', '.join(names)}: {reason}", file=sys.stderr)


main = hydra.main(version_base="1.3", config_path="../conf", config_name="reproduce")(reproduce)

if __name__ == "__main__":
    begin("reproduce")
    main()
