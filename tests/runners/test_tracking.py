"""MLflow holds what the records say, under the names they have there, and what the command line answers."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from omegaconf import OmegaConf

from results import store
from results.record import Record
from results.statistics import summary
from results.tables import study_accuracies
from runners.tracking import View, default_uri, rebuild
from runners.view.locks import writing
from runners.view.pages import last_page
from runners.view.tracker import Tracker
from tests.results.studies import task, write_study

SMALL = 12  # tasks
LONG_AGO = {"total": 1.0, "finished": "2025-01-02T10:00:00+00:00"}
DOCS = Path(__file__).parents[2] / "docs" / "mlflow.md"


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
def output(tmp_path_factory):
    """The folder of three studies, and their database, made anew where something else lay: it is made once, as that takes seconds."""
    output = tmp_path_factory.mktemp("tracked")
    write_study(output / "small")
    store.write(record("rbf", **GOOD | {"timings": LONG_AGO}), output / "one")
    store.write(record("ntk", "failed", reason="it broke", timings=LONG_AGO), output / "two")
    (output / "mlflow.db").write_text("no database")
    assert rebuild(output) == SMALL + 2
    return output


@pytest.fixture
def uri(output):
    return default_uri(output)


@pytest.fixture
def tracker(output, uri):
    return Tracker("mine", uri, output)


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
    tags = {"study": "mine", "dataset": "Coffee", "dataset_type": "Spectro", "status": "ok", "key": rbf.key}
    assert tags.items() <= run.data.tags.items() and "reason" not in run.data.tags
    assert run.info.status == "FINISHED"
    artifacts = {file.path for file in tracker.client.list_artifacts(run.info.run_id)}
    assert artifacts == {"record.json", "grid.csv", "predictions.csv", "confusion.html"}
    (given,) = run.inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.source_type) == ("Coffee", "archive")
    assert "test accuracy **75.00 %**" in run.data.tags["mlflow.note.content"]


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


@pytest.fixture
def small(output, uri):
    """The small study: its tracker and its folder."""
    return Tracker("small", uri, output), output / "small"


def test_a_study_has_a_run_over_those_of_its_tasks_methods_and_datasets(small):
    made, folder = small
    (study,) = made.client.search_runs([made.experiment], "tags.kind = 'study' and tags.study = 'small'")
    table = summary(study_accuracies(folder)).set_index("method")
    for method in table.index:
        found = {name: study.data.metrics[f"{name}/{method}"] for name in table}
        assert found == pytest.approx(dict(table.loc[method]))
    assert study.info.status == "FINISHED" and study.info.end_time - study.info.start_time == 12 * 2000
    children = made.client.search_runs([made.experiment], f"tags.mlflow.parentRunId = '{study.info.run_id}'")
    kinds = [run.data.tags["kind"] for run in children]
    assert [kinds.count(kind) for kind in ("task", "method", "dataset")] == [12, 3, 4]
    figures = {file.path for file in made.client.list_artifacts(study.info.run_id, "figures")}
    assert "figures/pairs_rbf.png" in figures


def test_what_says_the_same_is_not_written_again_and_what_changed_is(small, monkeypatch):
    """Where one result is another: its task, its dataset, its method and the study."""
    made, folder = small
    again = Tracker("small", made.client.tracking_uri, folder.parent)
    written, fill = [], Tracker._fill
    monkeypatch.setattr("runners.view.studies.figures", lambda *study: {})
    monkeypatch.setattr(
        Tracker, "_fill", lambda self, run_id, run, now: written.append(run.key) or fill(self, run_id, run, now)
    )
    again.sync(folder)
    again.close(folder)
    assert written == []
    store.write(task("Wine", "rbf", 3), folder)
    again.sync(folder)
    again.close(folder)
    (wine,) = (key for key in written if key.startswith("Wine-rbf"))
    assert {wine, "dataset Wine", "method rbf", "study"} <= set(written) and "dataset Beef" not in written
    store.write(task("Wine", "rbf", 13), folder)
    again.sync(folder)
    again.close(folder)


def snippets():
    """The Python of the documentation, a block a question."""
    return re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)


def test_the_documentations_questions_are_answered(small, monkeypatch, capsys):
    """Its lines run one after the other, on the small study in place of the 56 datasets', and print what the study says."""
    made, folder = small
    text = "\n".join(snippets())
    for theirs, ours in (("sqlite:///outputs/mlflow.db", made.client.tracking_uri), ("'ucr56'", "'small'")):
        assert theirs in text
        text = text.replace(theirs, ours)
    names, before = {}, mlflow.get_tracking_uri()
    exec(compile(text, DOCS, "exec"), names)
    mlflow.set_tracking_uri(before)
    accuracy = study_accuracies(folder)
    assert dict(names["means"]) == pytest.approx(dict(accuracy.mean()))
    assert names["lead"].to_dict() == pytest.approx((accuracy.rntk - accuracy.rbf).to_dict())


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


def test_every_study_is_in_the_database_that_is_made_anew_and_nothing_is_twice(command, capsys, output, uri, tracker):
    studies = "tags.kind = 'task' and tags.study != 'mine' and tags.study != 'swept'"
    before = tracker.client.search_runs([tracker.experiment], studies)
    found = [(run.data.tags["study"], run.info.status) for run in before]
    assert sorted(found) == [("one", "FINISHED"), *[("small", "FINISHED")] * SMALL, ("two", "FAILED")]
    assert command("runners.tracking", "rebuild", output, "--uri", uri) == 0
    assert capsys.readouterr().out == f"{SMALL + 2} records are in {uri}\n"
    after = tracker.client.search_runs([tracker.experiment], studies)
    assert {run.info.run_id for run in after} == {run.info.run_id for run in before}


@pytest.fixture
def called(monkeypatch):
    """The programs that would be started, which end at once."""
    programs = []

    class Ended:
        def __init__(self, arguments, env):
            programs.append((arguments, env["MLFLOW_BACKEND_STORE_URI"]))

        def poll(self):
            return 0

        wait = poll

    monkeypatch.setattr(subprocess, "Popen", Ended)
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


def test_the_browsers_view_is_mlflows_own_for_this_machine_alone(command, called, small):
    made, folder = small
    assert command("runners.tracking", "ui", folder.parent, "--port", "5001") == 0
    uri = made.client.tracking_uri
    where = ["--host", "127.0.0.1", "--port", "5001", "--workers", "1"]
    assert called == [([sys.executable, "-m", "mlflow", "ui", *where], uri)]


def test_a_port_that_is_taken_is_a_mistake(command, capsys, called, small):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert command("runners.tracking", "ui", small[1].parent, "--port", port) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: port {port} is taken by another program") and called == []


def test_the_page_that_is_opened_is_the_last_studys(small):
    """Of its methods; of its tasks where it is no study but single runs."""
    made, _ = small
    start = f"#/experiments/{made.experiment}/runs?workflowType=machine_learning&viewStateShareKey="
    assert last_page(made.client.tracking_uri) == f"{start}small-methods"


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and ".lock" not in path.name}


def test_a_rebuild_reads_the_records_first(output, command, capsys):
    before = contents(output)
    damaged = output / "two" / "records.zip"
    damaged.write_text("no archive")
    try:
        assert command("runners.tracking", "rebuild", output) == 2
    finally:
        damaged.unlink()
    assert capsys.readouterr().err.startswith(f"error: {damaged}")
    assert contents(output) == before


@pytest.mark.parametrize("study", ["small", "new"])
def test_a_rebuild_leaves_a_study_alone_that_is_being_tracked(output, command, capsys, study):
    """Also one that has no record yet."""
    view = View(study, settings(output))
    before = contents(output)
    assert command("runners.tracking", "rebuild", output) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: the runs of {output / study} are being written by another process")
    assert contents(output) == before
    view.tracker.client = None  # the study loses MLflow, and goes on
    view.log(record("never", **GOOD))
    assert "the study goes on without it" in capsys.readouterr().err
    with writing(output / study):  # as a rebuild does
        pass


def settings(output, uri=None):
    return OmegaConf.create({"output": str(output), "tracking": {"enabled": True, "uri": uri}})


def test_a_database_that_is_none_is_said_and_left_as_it_is(tmp_path, capsys):
    (tmp_path / "mlflow.db").write_text("no database, but long enough to look like one" * 50)
    before = contents(tmp_path)
    View("one", settings(tmp_path)).close()
    (line,) = capsys.readouterr().err.splitlines()
    assert "file is not a database; the study goes on without it" in line
    assert line.endswith(f"`python -m runners.tracking rebuild {tmp_path}` writes them later")
    assert contents(tmp_path) == before


def test_a_database_that_does_not_answer_is_asked_once(tmp_path, capsys, monkeypatch):
    """MLflow itself would ask ten times, for minutes."""
    monkeypatch.setattr("mlflow.store.db.utils.time.sleep", lambda seconds: pytest.fail("it is asked again"))
    View("one", settings(tmp_path, "postgresql+psycopg://me@127.0.0.1:9/runs")).close()
    (line,) = capsys.readouterr().err.splitlines()
    assert "port 9" in line and "the study goes on without it" in line


def test_a_driver_that_is_missing_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pg8000", None)
    View("one", settings(tmp_path, "postgresql+pg8000://u@h/d")).close()
    error = capsys.readouterr().err
    assert "pg8000" in error and "pip install -e '.[server]' brings PostgreSQL's" in error


@pytest.mark.slow
def test_a_rebuild_that_fails_leaves_the_old_view_and_one_that_does_not_leaves_nothing_else(
    tmp_path, command, monkeypatch, capsys
):
    """It fails at the second study, when the first is written already."""
    for name in ("one", "two"):
        store.write(record("rbf", **GOOD), tmp_path / name)
    assert rebuild(tmp_path) == 2
    before, close = contents(tmp_path), Tracker.close

    def fail(self, folder):
        if folder.name == "two":
            raise OSError("the disk is full")
        close(self, folder)

    with monkeypatch.context() as patch:
        patch.setattr(Tracker, "close", fail)
        assert command("runners.tracking", "rebuild", tmp_path) == 2
    assert capsys.readouterr().err == "error: the disk is full\n"
    assert contents(tmp_path) == before
    left = tmp_path / ".mlflow-1.db-journal"  # by a process that was killed
    left.write_text("anything")
    (tmp_path / "mlflow.db-journal").write_bytes((tmp_path / "mlflow.db").read_bytes())
    assert command("runners.tracking", "rebuild", tmp_path) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", "mlartifacts", ".mlflow.lock", "one", "two"}
    again = Tracker("two", default_uri(tmp_path), tmp_path)
    runs = again.client.search_runs([again.experiment])
    folders = {path.name for path in (tmp_path / "mlartifacts").iterdir()}
    assert folders == {run.info.run_id for run in runs if run.data.tags["kind"] == "task"} and len(folders) == 2
