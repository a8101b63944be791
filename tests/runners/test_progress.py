"""How far a study is: a bar, what its workers report, and what reaches a reader who has no bar."""

import io
import time
from types import SimpleNamespace

import pytest

from rntk.waiting import Watch, each, watched
from runners import study
from runners.method import Method
from runners.plan import END_SECONDS, Forecast
from runners.protocol import Protocol
from runners.study import Progress, Report, read
from runners.task import Task
from tests.results.records import record


def tasks(*names):
    return [Task(name, Method("rbf", {"_target_": "baselines.RBF", "gamma": [0.1, 1.0]}), Protocol()) for name in names]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr(study, "SOON", 0.0)
    monkeypatch.setattr(study, "TICK", 0.0)


def test_a_task_reports_how_far_its_grid_is_and_then_its_end(tmp_path, at_once):
    path, found = tmp_path / "key", []
    with watched(Watch(Report(path))):
        for _ in each(range(4), "kernels"):
            found.append(read(path))
        for _ in each(range(2), ""):
            found.append(read(path))
    shares, seconds, words = zip(*found, strict=True)
    assert words == ("0 of 4 kernels", "1 of 4 kernels", "2 of 4 kernels", "3 of 4 kernels", "0%", "50%")
    assert shares == (0, 0.25, 0.5, 0.75, 1, 1)
    assert list(seconds) == sorted(seconds)


def test_a_task_of_less_than_two_seconds_reports_nothing(tmp_path):
    with watched(Watch(Report(tmp_path / "key"))):
        list(each(range(4), "kernels"))
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_cannot_be_written_stops_nothing(tmp_path, at_once):
    with watched(Watch(Report(tmp_path / "nowhere" / "key"))):
        assert list(each(range(4), "kernels")) == [0, 1, 2, 3]


def test_half_a_report_is_none(tmp_path):
    for text in ("", "0.5", "0.5 3.0", "0.5 3.0 5 of 10 ker"):
        (tmp_path / "key").write_text(text)
        assert read(tmp_path / "key") is None
    (tmp_path / "key").write_text("0.5 3.0 5 of 10 kernels\n")
    assert read(tmp_path / "key") == (0.5, 3.0, "5 of 10 kernels")


def test_the_bar_says_how_far_the_running_tasks_are(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "TICK", 0.01)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    fish, car = tasks("Fish", "Car")
    (tmp_path / fish.key).write_text("0.5 3.0 5 of 10 kernels\n")
    (tmp_path / "of another study").write_text("0.5 3.0 5 of 10 kernels\n")
    with Progress([fish, car], 2, Forecast(), tmp_path) as progress:
        until(lambda: "left; Fish rbf 5 of 10 kernels" in last(terminal))
        assert "another" not in terminal.getvalue()
        progress.advance(record("Fish", "rbf", key=fish.key, timings={"total": 0.1}))
        until(lambda: "s left" in last(terminal) and "kernels" not in last(terminal))


def last(terminal):
    """What stands on a terminal's last line."""
    return terminal.getvalue().rpartition("\r")[2]


def until(true):
    deadline = time.monotonic() + 10
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert true()


def test_without_a_terminal_a_line_a_record_says_what_is_left(tmp_path, capsys):
    """What has ended is learnt from, and what failed is not."""
    given = SimpleNamespace(learnt=[], left=[])
    given.learn = lambda task, seconds: given.learnt.append((task.dataset, seconds))
    given.remaining = lambda left, workers, running: given.left.append((len(left), workers)) or 42.0
    fish, car = tasks("Fish", "Car")
    with Progress([fish, car], 2, given, tmp_path) as progress:
        progress.advance(record("Fish", "rbf", key=fish.key, timings={"total": 3.5}))
        progress.advance(record("Car", "rbf", key=car.key, status="failed", timings={}))
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("[1/2] Fish rbf: cv") and first.endswith(", about 42 s left")
    assert second.startswith("[2/2] Car rbf: failed")
    assert given.learnt == [("Fish", 3.5)]
    assert given.left == [(1, 2), (0, 2)]


def test_at_the_end_tables_and_report_are_left(tmp_path, capsys):
    (fish,) = tasks("Fish")
    with Progress([fish], 1, None, tmp_path) as progress:
        progress.advance(record("Fish", "rbf", key=fish.key, timings={"total": 0.1}))
    assert f"about {END_SECONDS} s left" in capsys.readouterr().err
