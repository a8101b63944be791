"""MLflow holds what the records say, under the names they have there, and what the command line answers."""

import os
import sys

import pytest
from mlflow.tracking import MlflowClient

from results import store
from results.record import Record
from runners.tracking import Tracker
from tests.results.records import record as whole


def record(method, status="ok", **more):
    return Record("Coffee", method, method.ljust(64, "0"), status, **more)


GOOD = {
    "selected": {"gamma": 0.5, "C": 10.0},
    "cv_accuracy": 0.875,
    "test_accuracy": 0.75,
    "n_tied": 3,
    "timings": {"kernel": 1.5, "total": 2.5, "threads": 1, "finished": "2026-01-02T10:00:00+00:00"},
    "grid": [{"gamma": 0.5, "C=10": 21, "note": ""}],
    "n_test": 4,
    "predictions": [{"case": i, "label": "1", "predicted": "1" if i else "0"} for i in range(4)],
}


@pytest.fixture(scope="module")
def tracker(tmp_path_factory):
    output = tmp_path_factory.mktemp("tracked")
    return Tracker("mine", f"sqlite:///{output}/mlflow.db", output)


def of_method(tracker, method):
    mine = f"tags.kind = 'task' and tags.study = '{tracker.study}' and tags.method = '{method}'"
    return tracker.client.search_runs([tracker.experiment], mine)


def test_a_run_is_its_record(tracker, tmp_path):
    rbf = record("rbf", **GOOD)
    store.write(rbf, tmp_path)
    tracker.log(rbf, tmp_path)
    tracker.log(rbf, tmp_path)  # once
    (run,) = of_method(tracker, "rbf")
    scores = {"cv_accuracy": 0.875, "test_accuracy": 0.75, "n_tied": 3.0}
    assert run.data.metrics == {**scores, "seconds_kernel": 1.5, "seconds_total": 2.5}
    assert run.data.params == {"dataset": "Coffee", "method": "rbf", "gamma": "0.5", "C": "10.0"}
    tags = {"study": "mine", "dataset": "Coffee", "status": "ok", "key": rbf.key}
    assert tags.items() <= run.data.tags.items() and "reason" not in run.data.tags
    assert run.info.status == "FINISHED"
    artifacts = {file.path for file in tracker.client.list_artifacts(run.info.run_id)}
    assert artifacts == {f"{rbf.name}{suffix}" for suffix in (".json", ".grid.csv", ".predictions.csv")}


def test_a_run_that_failed_is_replaced_when_its_task_has_a_result(tracker, tmp_path):
    tracker.log(record("ntk", "failed", reason="it broke", timings={"total": 0.5}), tmp_path)
    (failed,) = of_method(tracker, "ntk")
    assert failed.info.status == "FAILED"
    assert failed.data.metrics == {"seconds_total": 0.5}
    assert (failed.data.tags["status"], failed.data.tags["reason"]) == ("failed", "it broke")
    again = Tracker("mine", tracker.client.tracking_uri, tmp_path)
    again.log(record("ntk", **GOOD), tmp_path)
    (run,) = of_method(tracker, "ntk")
    assert run.info.run_id != failed.info.run_id
    assert (run.info.status, run.data.metrics["test_accuracy"]) == ("FINISHED", 0.75)


def test_a_studys_run_has_its_summary(tracker, tmp_path):
    """Of another study in the same database, two methods on two datasets."""
    for dataset, rbf, ntk in (("Coffee", 1.0, 0.5), ("Wine", 0.5, 0.25)):
        for method, accuracy in (("rbf", rbf), ("ntk", ntk)):
            key = f"{dataset}-{method}".ljust(64, "0")
            store.write(whole(dataset, method, accuracy, key=key), tmp_path)
    store.write_plan(
        tmp_path, "other", ["Coffee", "Wine"], ["rbf", "ntk"], [head.key for head in store.heads(tmp_path)]
    )
    other = Tracker("other", tracker.client.tracking_uri, tmp_path)
    assert other.sync(tmp_path) == 4
    other.close(tmp_path)
    (study,) = other.client.search_runs([other.experiment], "tags.kind = 'study' and tags.study = 'other'")
    metrics = study.data.metrics
    assert (metrics["accuracy_mean/rbf"], metrics["accuracy_mean/ntk"]) == (0.75, 0.375)
    assert (metrics["wins/rbf"], metrics["friedman_rank/ntk"], metrics["pma/ntk"]) == (2, 2, 0.5)
    children = other.client.search_runs([other.experiment], f"tags.mlflow.parentRunId = '{study.info.run_id}'")
    assert len(children) == 4 and study.info.status == "FINISHED"


def test_runs_of_a_sweep_are_told_apart_by_name_and_tags_also_when_another_parameter_is_swept_later(tracker, tmp_path):
    """In a folder without a plan; the runs that are there stay, with new names. A grid is a tag, and its choice the param."""

    def swept(key, selected=None, **kernel):
        config = {"name": "swept", "kernel": {"_target_": "baselines.RBF", **kernel}}
        good = {**GOOD, "selected": selected or {}} if selected else {"status": "failed"}
        made = Record("Coffee", "swept", key.ljust(64, "0"), **{"status": "ok", **good}, method_config=config)
        store.write(made, tmp_path)

    def found():
        runs = {run.data.tags["key"][0]: run for run in of_method(again, "swept")}
        return dict(sorted(runs.items()))

    again = Tracker("swept", tracker.client.tracking_uri, tmp_path)
    swept("a", {"gamma": 0.5, "C": 1.0}, gamma=0.5, depth=1)
    swept("b", gamma=2, depth=1)
    again.sync(tmp_path)
    first = found()
    assert [run.info.run_name for run in first.values()] == ["Coffee swept gamma=0.5", "Coffee swept gamma=2"]
    assert first["b"].data.params.items() >= {"gamma": "2", "depth": "1", "_target_": "baselines.RBF"}.items()
    assert "depth" not in first["b"].data.tags

    swept("c", {"gamma": 1.5, "C": 1.0}, gamma=[0.5, 1.5], depth=2)
    again = Tracker("swept", tracker.client.tracking_uri, tmp_path)
    again.sync(tmp_path)
    later = found()
    assert [run.info.run_name for run in later.values()] == [
        "Coffee swept gamma=0.5 depth=1",
        "Coffee swept gamma=2 depth=1",
        "Coffee swept gamma=[0.5, 1.5] depth=2",
    ]
    assert (later["c"].data.tags["gamma"], later["c"].data.params["gamma"]) == ("[0.5, 1.5]", "1.5")
    assert later["b"].data.tags["depth"] == "1" and later["b"].data.tags["key"] == "b".ljust(64, "0")
    assert [later[key].info.run_id for key in "ab"] == [first[key].info.run_id for key in "ab"]


def test_the_database_is_made_anew(command, capsys, tmp_path):
    """Whatever lies in its place, from the records of every study under the folder."""
    store.write(record("rbf", **GOOD), tmp_path / "one")
    store.write(record("ntk", "failed", reason="it broke"), tmp_path / "two")
    (tmp_path / "mlflow.db").write_text("no database")
    assert command("runners.tracking", "rebuild", tmp_path) == 0
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert capsys.readouterr().out == f"2 records are in {uri}\n"
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("rntk").experiment_id
    found = client.search_runs([experiment], "tags.kind = 'task'")
    assert {(run.data.tags["study"], run.info.status) for run in found} == {("one", "FINISHED"), ("two", "FAILED")}


@pytest.fixture
def called(monkeypatch):
    """The programs that take this one's place."""
    programs = []
    monkeypatch.setattr(os, "execv", lambda *arguments: programs.append(arguments))
    return programs


@pytest.mark.parametrize(
    ("what", "message"),
    [("rebuild", "holds no study: name an output folder"), ("ui", "/mlflow.db does not exist: run a study first")],
    ids=["rebuild", "ui"],
)
def test_a_folder_without_studies_is_a_mistake(command, capsys, called, tmp_path, what, message):
    assert command("runners.tracking", what, tmp_path) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {tmp_path}") and message in error
    assert list(tmp_path.iterdir()) == called == []


def test_the_browsers_view_is_mlflows_own(command, called, tmp_path):
    (tmp_path / "mlflow.db").touch()
    command("runners.tracking", "ui", tmp_path, "--port", "5001")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    mlflow = ["-m", "mlflow", "ui", "--backend-store-uri", uri, "--port", "5001"]
    assert called == [(sys.executable, [sys.executable, *mlflow])]
