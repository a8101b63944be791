"""The plan: what is done, what is to run and in which order, and how it is said."""

import json

import pytest

from datasets import find
from results import store
from results.pack import pack
from runners.method import Method
from runners.plan import duration, estimate, make_plan
from runners.protocol import Protocol
from runners.task import Task
from tests.results.records import record


def tasks(*names):
    return [Task(name, Method("rbf", {"_target_": "baselines.RBF", "gamma": [0.1, 1.0]}), Protocol()) for name in names]


def test_final_records_are_done_and_the_rest_runs_longest_first(tmp_path):
    coffee, wine, strawberry, fish, car, fly = study = tasks("Coffee", "Wine", "Strawberry", "Fish", "Car", "BeetleFly")
    statuses = ("ok", "failed", "not_converged", "timeout", "skipped")
    for task, status in zip((coffee, wine, fish, car, fly), statuses, strict=True):
        store.write(record(task.dataset, "rbf", key=task.key, status=status), tmp_path)
    plan = make_plan(study, tmp_path)
    assert plan.done == [coffee, fish]
    assert plan.to_run == [strawberry, car, wine, fly]
    assert plan.describe(2).startswith("2 of 6 done, 4 to run, about ")
    assert plan.describe(2).endswith(" with 2 workers")
    assert plan.describe(1).endswith(" with 1 worker")
    assert plan.seconds(100) == estimate(strawberry)
    assert plan.seconds(1) == pytest.approx(sum(map(estimate, plan.to_run)))
    assert make_plan([coffee], tmp_path).describe(1) == "1 of 1 done, nothing to run"


def test_packed_records_are_done(tmp_path):
    """Those of the study's own folder, and of one that it builds on; a later attempt at a packed failure counts."""
    coffee, wine, fish = study = tasks("Coffee", "Wine", "Fish")
    for task, status, folder in ((coffee, "ok", "own"), (fish, "failed", "own"), (wine, "ok", "other")):
        store.write(record(task.dataset, "rbf", key=task.key, status=status), tmp_path / folder)
    store.write_plan(tmp_path / "own", "own", [], ["rbf"], [], ["../packed_other"])
    for folder in ("own", "other"):
        pack(tmp_path / folder, tmp_path / f"packed_{folder}")
    plan = make_plan(study, tmp_path / "packed_own")
    assert (plan.done, plan.to_run) == ([coffee, wine], [fish])
    store.write(record("Fish", "rbf", key=fish.key), tmp_path / "packed_own")
    assert make_plan(study, tmp_path / "packed_own").to_run == []


def test_a_record_of_another_grid_does_not_count(tmp_path):
    (task,) = tasks("Coffee")
    store.write(record("Coffee", "rbf", key=Task("Coffee", task.method, Protocol(seed=7)).key), tmp_path)
    assert make_plan([task], tmp_path).to_run == [task]


def test_a_record_that_says_ok_without_a_score_does_not_count(tmp_path):
    (task,) = tasks("Coffee")
    head = store.write(record("Coffee", "rbf", key=task.key), tmp_path)
    assert make_plan([task], tmp_path).done == [task]
    for name in ("test_accuracy", "cv_accuracy"):
        store.write(record("Coffee", "rbf", key=task.key), tmp_path)
        head.write_text(json.dumps(json.loads(head.read_text()) | {name: None}))
        assert make_plan([task], tmp_path).to_run == [task]


def test_durations():
    assert [duration(seconds) for seconds in (5, 89, 600, 7200)] == ["5 s", "89 s", "10 min", "2.0 h"]


def cost(**kernel):
    fixed = {"_target_": "rntk.RNTK", "sigma_w": [1.3, 1.4], **kernel}
    return estimate(Task("Coffee", Method("rntk", fixed), Protocol()))


def test_a_kernel_costs_what_its_steps_do():
    """Two layers or directions take twice the steps, a mean of a readout T times, and single precision less than half the time."""
    step = cost(depth=2) - cost()
    assert step > 0
    assert cost(direction="both") - cost() == pytest.approx(step)
    assert 2 * cost(depth=[1, 2]) == pytest.approx(cost(depth=[1, 1]) + cost(depth=[2, 2]))
    assert cost(depth=4, direction="both") - cost() == pytest.approx(7 * step)
    assert cost(readout="mean") - cost() == pytest.approx((find("Coffee").length - 1) * step)
    assert 0.5 * step < cost() - cost(dtype="float32") < 0.6 * step
