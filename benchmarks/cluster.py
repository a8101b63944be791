"""The tasks of the quick study on a Dask cluster of two processes, against two of joblib's: `python -m benchmarks.cluster`.

Both are warm: each worker has run a task, and what is compiled is. What remains is what Dask adds to each task: the way of the dataset
there, of the record back, and the process beside the worker. Turn about, and the least of each counts.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from distributed import LocalCluster
from hydra import compose, initialize_config_dir

from benchmarks.measure import Row, table
from runners.cluster import Cluster
from runners.config import datasets_of, methods_of, protocol_of
from runners.plan import longest_first
from runners.study import run_tasks
from runners.task import Task

CONF = Path(__file__).parents[1] / "conf"
WORKERS, REPEATS = 2, 3


def quick() -> list[Task]:
    """The tasks of the quick study, longest first."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("reproduce", ["study=quick"])
    found, _ = datasets_of(config.study.datasets)
    methods, protocol = methods_of(config), protocol_of(config)
    return longest_first(Task(source, method, protocol) for source in found for method in methods)


def seconds(tasks: list[Task], executor: Cluster | None) -> float:
    """How long an executor takes for tasks whose records go into a new folder."""
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        run_tasks(tasks, Path(folder), root=None, workers=WORKERS, executor=executor)
        return time.perf_counter() - began


def rows() -> list[Row]:
    """What Dask takes more than joblib."""
    tasks = quick()
    with (
        LocalCluster(WORKERS, threads_per_worker=1, dashboard_address=None) as local,
        Cluster(local.scheduler_address, "returned", "shipped") as dask,
    ):
        starting = [seconds(tasks[-4 * WORKERS :], executor) for executor in (None, dask)]
        turns = [(seconds(tasks, None), seconds(tasks, dask)) for _ in range(REPEATS)]
    loky, taken = (min(column) for column in zip(*turns, strict=True))
    return [
        Row(
            f"quick study, {len(tasks)} tasks, {WORKERS} processes: Dask against joblib, warm",
            f"{taken:.1f} s",
            f"{loky:.1f} s",
            taken / loky,
            "≤ 1.10",
        ),
        Row(f"  its {4 * WORKERS} shortest tasks, cold", f"{starting[1]:.1f} s", f"{starting[0]:.1f} s"),
    ]


if __name__ == "__main__":
    print(table(rows()))
