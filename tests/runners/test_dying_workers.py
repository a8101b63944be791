"""Pools that break: what runs again, in how many workers, and which task is to blame."""

from collections import Counter

import pytest
from joblib.externals.loky.process_executor import BrokenProcessPool

from runners import study
from runners.evaluate import run_task
from runners.method import Method
from runners.protocol import Protocol
from runners.task import Task

TASKS = [
    Task("ItalyPowerDemand", Method(f"nearest_{i}", classifier={"_target_": "baselines.NearestNeighbour"}), Protocol())
    for i in range(8)
]


@pytest.fixture
def pools(monkeypatch):
    """The workers and tasks of each pool that is asked for; `breaks` says, by its number and a task, whether it breaks there."""
    asked, breaks = [], []

    def parallel(tasks, workers, stop, reports, *arguments):
        asked.append((workers, len(tasks)))
        for task in tasks:
            if breaks[0](len(asked), task):
                raise BrokenProcessPool("a worker was killed")
            yield run_task(task, *arguments)

    monkeypatch.setattr(study, "_parallel", parallel)
    return asked, breaks


def run(folder, workers):
    taken = []
    study.run_tasks(TASKS, folder, root=None, workers=workers, on_record=taken.append)
    return taken


def test_after_a_death_there_are_fewer_workers_and_then_one_more_after_each_few_tasks(pools, tmp_path):
    asked, breaks = pools
    breaks.append(lambda pool, task: pool <= 2)
    assert Counter(record.status for record in run(tmp_path, 3)) == {"ok": 8}
    assert asked == [(3, 8), (2, 4), (1, 2), (2, 4), (3, 2)]


def test_a_task_whose_worker_dies_three_times_alone_has_failed_and_the_others_have_not(pools, tmp_path):
    asked, breaks = pools
    breaks.append(lambda pool, task: task is TASKS[2])
    taken = {record.method: record for record in run(tmp_path, 1)}
    assert [name for name, record in taken.items() if record.status == "failed"] == ["nearest_2"]
    assert "killed 3 times" in taken["nearest_2"].reason and len(taken) == 8
    assert [tasks for _, tasks in asked] == [8, 6, 6, 5]


def test_a_disk_that_is_full_ends_the_study_and_is_no_death(pools, tmp_path):
    def full(pool, task):
        raise OSError(28, "No space left on device")

    asked, breaks = pools
    breaks.append(full)
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path, 2)
    assert len(asked) == 1


def test_a_system_that_starts_no_more_processes_is_one(pools, tmp_path):
    def none(pool, task):
        if pool == 1:
            raise OSError(11, "Resource temporarily unavailable")

    asked, breaks = pools
    breaks.append(none)
    assert {record.status for record in run(tmp_path, 2)} == {"ok"}
    assert [workers for workers, _ in asked] == [2, 1, 2]
