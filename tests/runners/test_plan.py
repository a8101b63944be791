"""The plan: what is done, what is to run and in which order, and how it is said."""

import json

import pytest

from datasets import find
from results import store
from results.pack import pack
from runners import pace
from runners.method import Method
from runners.plan import (
    BEGIN_SECONDS,
    END_SECONDS,
    LEARNED,
    RECORD_SECONDS,
    Forecast,
    Plan,
    duration,
    estimate,
    make_plan,
    parts,
)
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
    assert plan.describe(2, Forecast()).startswith("2 of 6 done, 4 to run, about ")
    assert plan.describe(2, Forecast()).endswith(" with 2 workers")
    assert plan.describe(1, Forecast()).endswith(" with 1 worker")
    assert make_plan([coffee], tmp_path).describe(1, Forecast()) == "1 of 1 done, nothing to run"


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


def of(target, name="mine", kind="kernel", dataset="Coffee"):
    return Task(dataset, Method(name, **{kind: {"_target_": target}}), Protocol())


class Given(Forecast):
    """A forecast of tasks that take 7, 5, 4 … seconds: as many as their dataset's place says."""

    def seconds(self, task):
        return {"Strawberry": 7.0, "Fish": 5.0, "Car": 4.0, "Wine": 3.0, "Coffee": 100.0}[task.dataset]


def test_what_is_left_is_a_schedule_computed_by_hand():
    """Two workers: 7, then 3; and 5, then 4, which ends at 9 and not at the mean of both, 9.5."""
    study, forecast = tasks("Strawberry", "Fish", "Car", "Wine"), Given()
    assert forecast.remaining(study, 2) - END_SECONDS == 10
    assert forecast.remaining(study, 1) - END_SECONDS == 19
    assert forecast.remaining(study, 9) - END_SECONDS == 7  # never less than the longest
    assert forecast.remaining([], 2) == END_SECONDS
    # of the first a quarter is done, in the time that it should take: 5.25 are left, and 3 more, but 5 and 4 end later
    share = {study[0].key: (0.25, 7 / 4)}
    assert forecast.remaining(study, 2, share) - END_SECONDS == 9
    # in ten times the time: (10 + 17.5) / (10 + 1.75) as slow as was thought
    slow = {study[0].key: (0.25, 17.5)}
    assert forecast.remaining(study[:1], 2, slow) - END_SECONDS == pytest.approx(5.25 * 27.5 / 11.75)


def test_no_more_tasks_end_than_can_be_recorded():
    study = tasks(*["Wine"] * 100)
    assert Given().remaining(study, 100) == 100 * RECORD_SECONDS + END_SECONDS
    assert Given({"other": 2.0}).remaining(study, 100) == 200 * RECORD_SECONDS + 2 * END_SECONDS


def test_a_plan_counts_from_its_beginning_and_leaves_out_what_cannot_run(monkeypatch):
    (coffee,), (wine,) = tasks("Coffee"), tasks("Wine")
    assert duration(100 + BEGIN_SECONDS + END_SECONDS) in Plan([], [coffee, wine]).describe(2, Given())
    monkeypatch.setattr(Method, "absent", property(lambda method: "needs more" if method is coffee.method else ""))
    said = Plan([], [coffee, wine]).describe(2, Given())
    assert said == f"0 of 2 done, 2 to run, about {duration(3 + BEGIN_SECONDS + END_SECONDS)} with 2 workers"


def test_a_slower_machine_takes_longer_by_kind_of_work():
    double, single = (
        Task("Coffee", Method("rntk", {"_target_": "rntk.RNTK", "dtype": dtype}), Protocol())
        for dtype in ("float64", "float32")
    )
    for task, kind in ((double, "float64"), (single, "float32")):
        own = parts(task)
        assert set(own) == {kind, "machine", "other"}
        assert estimate(task) == pytest.approx(sum(own.values()))
        pace = {kind: 3.0, "machine": 5.0, "other": 7.0}
        assert estimate(task, pace) == pytest.approx(3 * own[kind] + 5 * own["machine"] + 7 * own["other"])
        assert estimate(task, {"other": 2.0}) == pytest.approx(2 * estimate(task))
    assert set(parts(of("baselines.RBF"))) == {"machine", "other"}
    assert set(parts(of("baselines.NTK"))) == {"float64", "machine", "other"}
    assert set(parts(of("baselines.NearestNeighbour", kind="classifier"))) == {"other"}


def test_what_has_ended_corrects_its_own_method_most():
    """Tasks of 30 s that took 90: of that method (10·r + 90)/(10 + 30) of what was thought, r = (10 + 90)/(10 + 30) of all others."""
    one, other = of("baselines.RBF", "one"), of("baselines.RBF", "other")
    forecast = Forecast({"other": 30 / estimate(one), "machine": 30 / estimate(one)})
    assert forecast.seconds(one) == pytest.approx(30)
    forecast.learn(one, 90)
    overall = (LEARNED + 90) / (LEARNED + 30)
    assert forecast.seconds(other) == pytest.approx(30 * overall)
    assert forecast.seconds(one) == pytest.approx(30 * (LEARNED * overall + 90) / (LEARNED + 30))
    for _ in range(1000):
        forecast.learn(one, 90)
    assert forecast.seconds(one) == pytest.approx(90, rel=0.01)


def test_of_a_method_of_which_nothing_is_known_nothing_is_said_until_one_has_ended():
    known, own = of("baselines.RBF", "rbf"), of("somebody.Kernel")
    forecast, plan = Forecast(), Plan([], [known, own])
    assert forecast.seconds(own) is None
    assert forecast.remaining([own], 1) == RECORD_SECONDS + END_SECONDS
    assert plan.describe(1, forecast).endswith(" with 1 worker, and what mine takes, which is not known")
    forecast.learn(own, 1000)
    assert forecast.seconds(own) == pytest.approx(1000)
    assert forecast.seconds(of("somebody.Kernel", dataset="Wine")) > 1000  # in proportion
    assert plan.describe(1, forecast).endswith(" with 1 worker")
    minirocket = {"_target_": "sktime.classification.kernel_based.RocketClassifier", "rocket_transform": "minirocket"}
    assert Forecast().seconds(Task("Coffee", Method("minirocket", classifier=minirocket), Protocol())) > 10
    rocket = minirocket | {"rocket_transform": "rocket"}
    assert Forecast().seconds(Task("Coffee", Method("rocket", classifier=rocket), Protocol())) is None


def test_a_wider_band_is_dearer():
    def seconds(window):
        config = {"_target_": "baselines.warping.WarpingNeighbour", "window": window}
        return estimate(Task("Coffee", Method("dtw", classifier=config), Protocol()))

    assert seconds(0.01) < seconds(0.1) < seconds(1.0)
    assert seconds([1.0, 1.0]) > seconds(1.0)


def test_the_machine_is_measured_by_what_is_needed_of_it(monkeypatch):
    monkeypatch.setattr(pace, "seconds", lambda work: work() and 1.0)
    monkeypatch.setattr(pace, "piece", lambda kind: lambda: kind)
    monkeypatch.setattr(pace, "REFERENCE", {"float64": 0.5, "machine": 2.0, "float32": 0.1})
    assert pace.measure({"float64", "machine", "other"}) == {"float64": 2.0, "machine": 0.5, "other": 1.0}
    assert pace.measure({"other"}) == {"other": 1.0}


def test_a_machine_that_cannot_be_measured_is_taken_for_the_reference(monkeypatch, capsys):
    def broken(kind):
        raise ImportError("nothing to measure with")

    monkeypatch.setattr(pace, "piece", broken)
    assert pace.measure(["float64", "machine"]) == {"other": 1.0}
    assert "note: no calibration by machine: nothing to measure with" in capsys.readouterr().err


def test_the_pieces_of_a_calibration_are_work(monkeypatch):
    monkeypatch.setattr(pace, "TRIAL", 0.01)
    found = pace.measure(["float64", "float32", "machine"], 2)
    assert set(found) == {"float64", "float32", "machine", "other"}
    assert min(found.values()) <= found["other"] <= max(found.values())
    assert all(0.05 < factor < 50 for factor in found.values())
