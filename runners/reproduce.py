"""A whole study from the command line: plan, run what is missing, track, tables.

python -m runners.reproduce study=ucr56
python -m runners.reproduce study=quick output=/tmp/here workers=1

Killed and started again, it goes on where it was. The exit status is 0 if every task has a result, 1 if not, 2 for a mistake in the configuration.
"""

import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig

from runners.config import check_names, dataset_names, method_of, protocol_of, register_resolvers, stop, workers_of


def reproduce(config: DictConfig) -> None:
    """Run the study of a configuration."""
    try:
        failures = run_study(config)
    except ValueError as error:
        stop(str(error))
    except KeyboardInterrupt:
        print("\nstopped: what is done is recorded; run the same command again to go on", file=sys.stderr)
        sys.exit(130)
    if failures:
        sys.exit(1)


def run_study(config: DictConfig) -> int:
    """Plan and run a study, write its tables; returns the number of tasks without a result."""
    from results import store
    from results.tables import write_tables

    from runners.plan import make_plan
    from runners.study import describe, run_tasks
    from runners.task import Task

    name, folder = config.study.name, Path(config.output) / config.study.name
    protocol = protocol_of(config)
    methods = [method_of(method) for method in config.methods.values()]
    names = dataset_names(config.study.datasets)
    workers = workers_of(config.workers)
    tasks = [Task(dataset, method, protocol) for dataset in names for method in methods]
    plan = make_plan(tasks, folder)
    store.write_plan(folder, name, names, [method.name for method in methods], [task.key for task in tasks])
    print(f"{name}: {plan.describe(workers)}", flush=True)

    if plan.to_run and config.data.downloads:
        from datasets.fetch import fetch

        for dataset, reason in fetch(sorted({task.dataset for task in plan.to_run}), config.data.root).items():
            print(f"missing: {dataset}: {reason}", file=sys.stderr)
    tracker = None
    if config.tracking.enabled:
        from runners.tracking import open_tracker

        tracker = open_tracker(name, config)
        tracker.sync(folder)
    run_tasks(
        plan.to_run,
        folder,
        root=config.data.root,
        workers=workers,
        timeout=config.timeout,
        on_record=(lambda record: tracker.log(record, folder)) if tracker else (lambda record: None),
    )
    if tracker:
        tracker.close()

    records = store.study_records(folder)
    faults = [record for record in records if record.status != "ok"]
    written = write_tables(folder)
    print(written[1].read_text())
    print(f"{len(records) - len(faults)} of {len(tasks)} tasks have a result; tables in {written[0].parent}")
    for record in faults:
        print(describe(record), file=sys.stderr)
    return len(tasks) - (len(records) - len(faults))


register_resolvers()
main = hydra.main(version_base="1.3", config_path="../conf", config_name="reproduce")(reproduce)

if __name__ == "__main__":
    check_names(sys.argv[1:])
    main()
