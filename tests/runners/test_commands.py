"""What the commands answer: a task that failed, one that was run before, records whose worker died; and their exit status."""

import json
import shutil
from pathlib import Path

import pytest

from baselines import RBF
from results import store
from results.record import Record
from runners.method import Method
from runners.protocol import Protocol
from runners.study import run_tasks
from runners.task import Task
from tests.runners import kernels

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference"
OFF = "tracking.enabled=false"


def heads(folder):
    return [json.loads(path.read_text()) for path in sorted((folder / "records").glob("*.json"))]


def test_a_failed_task_is_run_again_and_one_with_a_result_is_not(command, capsys, monkeypatch, tmp_path):
    """The same task three times: its kernel is broken, then mended, then broken again."""
    broken, mended = kernels.Broken._gram, RBF._gram
    named = ("dataset=GunPoint", "method=rbf", "method.kernel._target_=tests.runners.kernels.Broken")
    printed, found = [], []
    for gram, status in ((broken, 1), (mended, 0), (broken, 0)):
        monkeypatch.setattr(kernels.Broken, "_gram", gram)
        assert command("runners.run", *named, f"output={tmp_path}", OFF) == status
        printed.append(capsys.readouterr().out)
        found += heads(tmp_path / "run")
    assert [head["status"] for head in found] == ["failed", "ok", "ok"]  # one record, replaced once
    assert found[2] == found[1]
    assert printed[0].startswith("GunPoint · rbf · failed: RuntimeError: broken on purpose\nTraceback")
    assert (
        f"cross-validation {found[2]['cv_accuracy']:.4f}, test {found[2]['test_accuracy']:.4f} (150 cases)"
        in printed[2]
    )
    assert ["the task was run before" in text for text in printed] == [False, False, True]


def test_a_task_whose_dataset_is_missing_is_run_once_it_is_there(command, capsys, monkeypatch, tmp_path):
    arguments = ("dataset=GunPoint", "method=1nn_ed", "data.downloads=false", f"output={tmp_path}", OFF)
    with monkeypatch.context() as nothing_bundled:
        nothing_bundled.setattr("datasets.sources.find_spec", lambda name: None)
        assert command("runners.run", *arguments) == 1
    assert capsys.readouterr().out.startswith("GunPoint · 1nn_ed · skipped: in no local source\n")
    (head,) = heads(tmp_path / "run")
    assert (head["status"], head["test_accuracy"]) == ("skipped", None)
    assert command("runners.run", *arguments) == 0
    assert capsys.readouterr().out.startswith("GunPoint · 1nn_ed · ok\n")


def test_a_study_whose_datasets_are_missing_has_tables_that_say_so_and_did_not_fail(command, capsys, tmp_path):
    arguments = ("study=smoke", "study.datasets=[Coffee]", "data.downloads=false", f"output={tmp_path}", OFF)
    assert command("runners.reproduce", *arguments) == 0
    printed = capsys.readouterr()
    assert "0 of 6 tasks have a result" in printed.out
    assert "0 of 1 datasets; 0 have a result of every method. Not there: Coffee." in printed.out
    assert printed.err.count("missing: Coffee: in no local source") == 2  # before the study, and after it
    assert {head["status"] for head in heads(tmp_path / "smoke")} == {"skipped"}
    assert len(heads(tmp_path / "smoke")) == 6


@pytest.mark.slow
def test_what_the_reference_run_did_is_not_done_again(command, capsys, tmp_path):
    """The larger study in a folder of its own, beside the one that it builds on: nothing is left to run, and the tables are
    those of docs/results.md.
    """
    for study in ("ucr56", "family"):
        shutil.copytree(REFERENCE / study, tmp_path / study, ignore=shutil.ignore_patterns("*.csv", "plan.json"))
    assert command("runners.reproduce", "study=family", "data.downloads=false", f"output={tmp_path}", OFF) == 0
    printed = capsys.readouterr().out
    assert "family: 672 of 672 done, nothing to run" in printed
    summary = (tmp_path / "family" / "tables" / "summary.md").read_text()
    assert summary in printed and summary in (ROOT / "docs" / "results.md").read_text()


def test_a_record_whose_worker_died_before_it_answered_is_taken(command, capsys, tmp_path):
    """Computed again, it would kill the next worker, and the last one alone: the task would have failed."""
    drop = [f"~methods.{name}" for name in ("rntk", "ntk", "polynomial", "gaussian")]
    mute = "methods.rbf.kernel._target_=tests.runners.kernels.Mute"
    study = ("study=smoke", "study.datasets=[GunPoint]", *drop, mute)
    assert command("runners.reproduce", *study, "workers=2", f"output={tmp_path}", OFF) == 0
    printed = capsys.readouterr()
    assert "a worker was killed" in printed.err
    assert "2 of 2 tasks have a result" in printed.out
    assert [(head["method"], head["status"]) for head in heads(tmp_path / "smoke")] == [("1nn_ed", "ok"), ("rbf", "ok")]
    for head in heads(tmp_path / "smoke"):
        scores = f"cv {head['cv_accuracy']:.4f}, test {head['test_accuracy']:.4f}"
        assert f"/2] GunPoint {head['method']}: {scores}, " in printed.err


@pytest.mark.slow
def test_an_older_record_is_no_answer_of_a_worker_that_died(tmp_path):
    task = Task("GunPoint", Method("deadly", {"_target_": "tests.runners.kernels.Deadly"}), Protocol())
    timings = {"total": 1.0, "finished": "2026-01-02T10:00:00+00:00"}
    store.write(Record("GunPoint", "deadly", task.key, "failed", "it broke", timings=timings), tmp_path)
    taken = []
    run_tasks([task], tmp_path, root=None, workers=1, on_record=taken.append)
    assert [record.reason for record in taken] == [
        "its worker process was killed 3 times, or could not begin (out of memory?)"
    ]
    assert [head["reason"] for head in heads(tmp_path)] == [taken[0].reason]
