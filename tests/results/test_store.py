"""Records survive what happens to files, and tables are made from them alone."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from results import store
from results.integrity import DamagedRecord
from results.tables import write_tables
from results.writing import write_text
from tests.results.records import record, rewritten


def test_what_is_written_is_read(tmp_path):
    written = record(
        "Coffee",
        "rntk",
        np.float64(0.9),
        selected={"sigma_w": np.float64(1.4), "C": 10.0},
        n_tied=np.int64(3),
        grid=[{"sigma_w": 1.4, "C=1": 20, "note": ""}],
    )
    path = store.write(written, tmp_path)
    head = json.loads(path.read_text())
    assert head["selected"] == {"sigma_w": 1.4, "C": 10.0}
    assert head["test_accuracy"] == 0.9
    assert "grid" not in head
    (back,) = store.heads(tmp_path)
    assert (back.dataset, back.method, back.key, back.n_tied) == ("Coffee", "rntk", written.key, 3)
    assert store.read_table(back, tmp_path, "grid") == [{"sigma_w": "1.4", "C=1": "20", "note": ""}]
    predictions = store.read_table(back, tmp_path, "predictions")
    assert predictions[:19:18] == [
        {"case": str(i), "label": "1", "predicted": guess} for i, guess in ((0, "1"), (18, "2"))
    ]


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ({"test_accuracy": None}, "the test_accuracy of its predictions"),
        ({"test_accuracy": 0.95}, "the test_accuracy of its predictions"),
        ({"cv_accuracy": None, "n_tied": None}, r"a cv_accuracy in \[0, 1\] and an n_tied of at least 1"),
        ({"cv_accuracy": 1.5}, "a cv_accuracy in"),
        ({"n_tied": 0}, "an n_tied of at least 1"),
        ({"n_test": 21}, "predictions for 21 test cases"),
        ({"predictions": []}, "predictions for 20 test cases and the test_accuracy of its predictions"),
    ],
)
def test_a_record_that_does_not_hold_what_ok_promises_is_not_written(tmp_path, spoilt, message):
    whole = record("Coffee", "rntk", 0.9)
    for name, value in spoilt.items():
        setattr(whole, name, value)
    with pytest.raises(ValueError, match=f"Coffee rntk: a record of status ok needs {message}"):
        store.write(whole, tmp_path)
    assert not (tmp_path / "records").exists()


def test_a_failed_record_leaves_no_older_tables(tmp_path):
    store.write(record("Coffee", "rntk", grid=[{"C=1": 1}]), tmp_path)
    store.write(record("Coffee", "rntk", None, status="failed", reason="it broke"), tmp_path)
    (head,) = store.heads(tmp_path)
    assert (head.status, head.reason) == ("failed", "it broke")
    assert store.read_table(head, tmp_path, "grid") == []


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path):
    """The process dies after writing half of the new content; the file holds the old."""
    path = tmp_path / "file.json"
    write_text(path, "old")
    code = f"""
import os, pathlib
from results.writing import write_text
os.fsync = lambda descriptor: os.kill(os.getpid(), 9)
write_text(pathlib.Path({str(path)!r}), "new" * 100000)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert path.read_text() == "old"


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_head_is_there_once_its_tables_are(tmp_path, monkeypatch, written):
    """The disk is full after so many of the three files."""
    fsync, left = os.fsync, [written]

    def full(descriptor):
        if not left[0]:
            raise OSError(28, "No space left on device")
        left[0] -= 1
        fsync(descriptor)

    whole = record("Coffee", "rntk", grid=[{"C=1": 1}])
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        OSError,
        match=r"\.(csv|json) cannot be written: No space left on device; make room, and run the same command again",
    ):
        store.write(whole, tmp_path)
    assert list(store.heads(tmp_path)) == []
    assert len(list((tmp_path / "records").iterdir())) == written
    left[0] = 3
    store.write(whole, tmp_path)
    (head,) = store.heads(tmp_path)
    assert [len(store.read_table(head, tmp_path, table)) for table in ("grid", "predictions")] == [1, 20]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    """Root may write everywhere, but not into a file."""
    (tmp_path / "file").write_text("")
    for use in (lambda: store.locked(tmp_path / "file"), lambda: store.locked(tmp_path / "file" / "study")):
        with pytest.raises(OSError, match=r"lock cannot be written: .*another folder, and run the same command"), use():
            pass


def test_who_reads_a_file_while_it_is_replaced_reads_the_old_one(tmp_path):
    """The new file is another, which takes the old one's name: what is open keeps its content."""
    path = tmp_path / "file.json"
    write_text(path, "old")
    with open(path) as reader:
        write_text(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644  # and everyone may read it
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_no_record_is_named(tmp_path):
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "x.json").write_text('{"dataset": "Coffee"')
    with pytest.warns(DamagedRecord, match=r"x\.json is damaged: it is no record"):
        assert list(store.heads(tmp_path)) == []


def test_a_record_of_another_version_is_read(tmp_path):
    """A field that it lacks is empty, and one that is not known today is left out."""
    path = store.write(record("Coffee", "rntk", 0.5), tmp_path)
    rewritten(path, "seeds", colour="blue")
    (found,) = store.heads(tmp_path)
    assert (found.dataset, found.test_accuracy, found.seeds) == ("Coffee", 0.5, {})


def test_an_unknown_status_is_refused():
    with pytest.raises(ValueError, match="one of ok, failed"):
        record("Coffee", "rntk", status="fine")


def test_tables_from_records_alone(tmp_path):
    for dataset, a, b in (("Coffee", 1.0, 0.9), ("Wine", 0.5, 0.6), ("Beef", 0.7, None)):
        store.write(record(dataset, "rntk", a), tmp_path)
        store.write(record(dataset, "rbf", b), tmp_path)
    store.write_plan(
        tmp_path,
        "mine",
        ["Beef", "Coffee", "Fish", "Wine"],
        ["rntk", "rbf"],
        [record.key for record in store.heads(tmp_path)],
    )
    names = {path.name for path in write_tables(tmp_path)}
    assert names == {f"{table}.{suffix}" for table in ("summary", "per_dataset") for suffix in ("csv", "md", "tex")}
    summary = pd.read_csv(tmp_path / "tables" / "summary.csv")
    assert list(summary.columns) == [
        "method",
        "datasets",
        "accuracy_mean",
        "accuracy_std",
        "p90",
        "p95",
        "pma",
        "friedman_rank",
        "wins",
    ]
    assert summary.set_index("method").datasets.to_dict() == {"rntk": 3, "rbf": 2}
    per_dataset = pd.read_csv(tmp_path / "tables" / "per_dataset.csv")
    assert list(per_dataset.columns) == ["dataset", "rntk", "rbf"]
    assert per_dataset.dataset.to_list() == ["Beef", "Coffee", "Fish", "Wine"]
    for name in ("summary.md", "summary.tex", "per_dataset.md", "per_dataset.tex"):
        text = (tmp_path / "tables" / name).read_text()
        assert "3 of 4 datasets; 2 have a result of every method. Not there: Beef (rbf); Fish." in text


def test_the_plan_tells_a_studys_records_from_older_ones(tmp_path):
    """Two grids of one method lie in the folder; the plan says which is meant, and without a plan the latest counts."""
    store.write(record("Coffee", "rntk", 0.1, key="a" * 64, timings={"finished": "2026-01-02T00:00:00"}), tmp_path)
    store.write(
        record("Coffee", "rntk", 0.2, key="a" * 9 + "b" * 55, timings={"finished": "2026-01-01T00:00:00"}), tmp_path
    )
    assert [found.test_accuracy for found in store.study_records(tmp_path)] == [0.1]
    store.write_plan(tmp_path, "mine", ["Coffee"], ["rntk"], ["a" * 9 + "b" * 55])
    assert [found.test_accuracy for found in store.study_records(tmp_path)] == [0.2]


def test_a_method_that_was_not_run_yet_is_shown_as_a_hole(tmp_path):
    store.write(record("Coffee", "rntk", 1.0), tmp_path)
    store.write_plan(tmp_path, "mine", ["Coffee"], ["rntk", "rbf"], ["Coffee-rntk".ljust(64, "0"), "another"])
    write_tables(tmp_path)
    summary = (tmp_path / "tables" / "summary.md").read_text()
    assert "| rbf | 0 | – | – | – | – | – | 0 |" in summary
    assert "0 have a result of every method. Not there: Coffee (rbf)." in summary
    assert "| rntk | 1 | 100.00 | 100.0 |" in summary  # one dataset has no deviation


def test_one_process_at_a_time(tmp_path):
    code = f"from results import store\nwith store.locked({str(tmp_path)!r}): pass"
    with store.locked(tmp_path):
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "is in use by another run of this study" in other.stderr
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_no_records_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(ValueError, match="run the study first"):
        write_tables(tmp_path)


def test_a_study_that_builds_on_another_takes_its_records(tmp_path):
    """Those of the same tasks, and their tables; what lies beside it and is no task of its own stays out."""
    first, second = tmp_path / "first", tmp_path / "second"
    store.write(record("Coffee", "rntk", 0.1, key="a" * 64), first)
    store.write(record("Coffee", "rbf", 0.2, key="b" * 64), first)
    store.write(record("Coffee", "rntk_deep", 0.3, key="c" * 64), second)
    store.write_plan(second, "second", ["Coffee"], ["rntk", "rntk_deep"], ["a" * 64, "c" * 64], ["../first"])
    found = store.study_records(second)
    assert [(record.method, record.test_accuracy) for record in found] == [("rntk", 0.1), ("rntk_deep", 0.3)]
    assert store.read_table(found[0], second, "predictions") == store.read_table(found[0], first, "predictions") != []
    assert {record.method for record in store.study_records(first)} == {"rntk", "rbf"}
