"""MLflow breaks, and the study does not: real processes, a real database, a real server. Afterwards `rebuild` makes the view whole."""

import os
import signal
import sqlite3
from contextlib import suppress
from urllib.request import urlopen

import psutil
import pytest

from runners.tracking import default_uri
from tests.runners.processes import LOST, ended, free_port, rebuild, runs, server, start, study, tables, until

pytestmark = [pytest.mark.slow, pytest.mark.faults]
N_TASKS = 8
ONE_TASK = ("study.datasets=[GunPoint]", *(f"~methods.{name}" for name in ("rbf", "polynomial", "gaussian")))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The study's tables and runs where nothing goes wrong."""
    output = tmp_path_factory.mktemp("undisturbed")
    assert LOST not in ended(study(output))
    found = runs(default_uri(output))
    assert len(found) == N_TASKS
    return tables(output), found


def tracked(database):
    """Whether a run is finished, read as another program would."""

    def some():
        with suppress(sqlite3.Error), sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            return connection.execute("SELECT count(*) FROM runs WHERE status = 'FINISHED'").fetchone()[0] > 0
        return False

    return some


@pytest.mark.parametrize("n", [2, 4])
def test_studies_that_begin_at_once_on_a_fresh_database_all_keep_it(tmp_path, n):
    names = [f"study{i}" for i in range(n)]
    begun = [study(tmp_path, *ONE_TASK, name=name) for name in names]
    for process in begun:
        assert LOST not in ended(process)
    assert runs(default_uri(tmp_path)) == [(name, "GunPoint", "1nn_ed") for name in names]
    assert [name for name, *_ in runs(default_uri(tmp_path), "study")] == names


def test_single_runs_at_once_are_each_there_once(tmp_path):
    methods = ["1nn_ed", "rbf", "polynomial"]
    begun = [
        start("runners.run", tmp_path, "dataset=GunPoint", f"method={method}", f"output={tmp_path}")
        for method in methods
    ]
    for process in begun:
        assert LOST not in ended(process)
    assert runs(default_uri(tmp_path)) == sorted(("run", "GunPoint", method) for method in methods)
    assert len(runs(default_uri(tmp_path), "study")) == 1


def corrupt(database):
    with open(database, "r+b") as file:
        file.write(os.urandom(50_000))


def truncate(database):
    os.truncate(database, database.stat().st_size // 2)


def empty(database):
    os.truncate(database, 0)


def lock(database):
    connection = sqlite3.connect(database, timeout=60, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return connection  # which holds it until it is closed


@pytest.mark.parametrize("fault", [corrupt, truncate, empty, lock])
def test_a_database_that_breaks_in_mid_study_stops_nothing(tmp_path, undisturbed, fault):
    database = tmp_path / "mlflow.db"
    process = study(tmp_path)
    until(tracked(database), process)
    kept = fault(database)
    errors = ended(process)
    assert errors.count(LOST) == 1 and "Traceback" not in errors
    assert f"`python -m runners.tracking rebuild {tmp_path}` writes them later" in errors
    if kept:
        kept.close()
    assert tables(tmp_path) == undisturbed[0]
    rebuild(tmp_path)
    assert runs(default_uri(tmp_path)) == undisturbed[1]


@pytest.mark.parametrize("fault", [corrupt, lock])
def test_nor_does_one_that_is_broken_from_the_start(tmp_path, fault):
    ended(study(tmp_path, *ONE_TASK))
    kept = fault(tmp_path / "mlflow.db")
    errors = ended(study(tmp_path, *ONE_TASK, name="later"))
    assert errors.count(LOST) == 1 and "Traceback" not in errors
    if kept:
        kept.close()
    rebuild(tmp_path)
    assert runs(default_uri(tmp_path)) == [(name, "GunPoint", "1nn_ed") for name in ("later", "smoke")]


def test_a_rebuild_that_is_killed_leaves_the_old_view(tmp_path):
    database = tmp_path / "mlflow.db"
    ended(study(tmp_path, *ONE_TASK))
    before = database.read_bytes()
    process = start("runners.tracking", tmp_path, "rebuild", tmp_path)
    until(lambda: any(tracked(path)() for path in tmp_path.glob(".mlflow-*.db")), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert database.read_bytes() == before
    assert runs(default_uri(tmp_path)) == [("smoke", "GunPoint", "1nn_ed")]
    rebuild(tmp_path)
    assert list(tmp_path.glob(".mlflow-*.db*")) == []
    assert runs(default_uri(tmp_path)) == [("smoke", "GunPoint", "1nn_ed")]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
def test_a_server_that_goes_away_in_mid_study_stops_nothing(tmp_path, undisturbed, end):
    """Killed it refuses, and hung it does not answer. When it is back, a rebuild adds what is missing, and nothing twice."""
    port, database, output = free_port(), tmp_path / "server.db", tmp_path / "out"
    uri, backend = f"http://127.0.0.1:{port}", ("--backend-store-uri", f"sqlite:///{database}")
    with server(tmp_path, port, *backend) as one:
        process = study(output, MLFLOW_TRACKING_URI=uri, MLFLOW_HTTP_REQUEST_TIMEOUT="2")
        until(tracked(database), process)
        os.killpg(one.pid, end)
        errors = ended(process)
    assert errors.count(LOST) == 1 and "Traceback" not in errors and "Retrying" not in errors
    assert f"rebuild {output} --uri {uri}` writes them later" in errors
    assert tables(output) == undisturbed[0]
    with server(tmp_path, port, *backend):
        before = runs(uri)
        assert 0 < len(before) < N_TASKS
        rebuild(output, "--uri", uri)
        assert runs(uri) == undisturbed[1]
        rebuild(output, "--uri", uri)
        assert runs(uri) == undisturbed[1]


def test_the_view_in_the_browser_is_of_this_machine_alone(tmp_path):
    """The process and those it starts listen on the loopback interface and nowhere else."""
    ended(study(tmp_path, "study.datasets=[GunPoint]", "~methods.polynomial", "~methods.gaussian"))
    port = free_port()
    process = start("runners.tracking", tmp_path, "ui", tmp_path, "--port", port)
    try:
        said = next(line for line in process.stdout if line.startswith("the last study"))
        assert f"http://127.0.0.1:{port}/#/experiments/" in said
        with urlopen(f"http://127.0.0.1:{port}/health") as answer:
            assert answer.status == 200
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        listening = {
            one.laddr.ip for each in family for one in each.net_connections("inet") if one.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
