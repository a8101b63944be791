"""A real server: MLflow's, which asks who one is, on PostgreSQL, which does too. Both are started here, on this machine alone."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from mlflow import MlflowException
from mlflow.tracking import MlflowClient

from tests.runners.processes import LOST, ended, free_port, rebuild, runs, server, study, tables, until

SECRET = "s3cret-Pa55word"
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
PROGRAM = shutil.which("pg_ctl") or (BINARIES and BINARIES[-1] / "pg_ctl")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.faults,
    pytest.mark.xdist_group("tracking server"),
    pytest.mark.skipif(not PROGRAM, reason="PostgreSQL is not installed: apt-get install -y postgresql"),
]


@contextmanager
def postgres():
    """A PostgreSQL of its own, with a password; gives the beginning of its databases' URIs."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # not below pytest's, which is closed to others
    other = {}
    if os.getuid() == 0:  # as which it does not run
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        other = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    password, port, programs = folder / "password", free_port(), Path(PROGRAM).parent
    password.write_text(SECRET)
    password.chmod(0o644)

    def run(program, *arguments):
        subprocess.run([programs / program, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL, **other)

    data = ("--pgdata", folder / "data")
    here = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    try:
        run("initdb", *data, "--username=rntk", f"--pwfile={password}", "--auth=scram-sha-256", "--no-sync")
        run("pg_ctl", *data, "--wait", f"--log={folder / 'log'}", "-o", here, "start")
        yield f"postgresql+psycopg://rntk:{SECRET}@127.0.0.1:{port}"
    finally:
        run("pg_ctl", *data, "--mode=immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def databases():
    """Three fresh databases: of MLflow's server, of who may use it, and one to be written to directly."""
    import psycopg

    with postgres() as there:
        with psycopg.connect(f"{there.replace('+psycopg', '')}/postgres", autocommit=True) as connection:
            for name in ("server", "users", "direct"):
                connection.execute(f"CREATE DATABASE {name}")
        yield there


@pytest.fixture
def known(monkeypatch):
    """This process and those it starts say who they are, by the environment."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET)


@contextmanager
def guarded(folder, port, databases):
    """MLflow's server with authentication, its secrets in its environment and in a file of its own."""
    settings = folder / "auth.ini"
    settings.write_text(
        "[mlflow]\ndefault_permission = NO_PERMISSIONS\nadmin_username = admin\n"
        f"admin_password = {SECRET}\ndatabase_uri = {databases}/users\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    secret = {
        "MLFLOW_BACKEND_STORE_URI": f"{databases}/server",
        "MLFLOW_AUTH_CONFIG_PATH": str(settings),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": SECRET,
    }
    with server(folder, port, "--app-name", "basic-auth", **secret) as process:
        yield process


def leaks(folder):
    return [path for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


def test_studies_at_once_on_a_server_which_is_killed_and_comes_back(tmp_path, databases, known, monkeypatch):
    """Runs, figures and artifacts of both are there. A third study loses the server, goes on, and is written when that is back."""
    port, output = free_port(), tmp_path / "out"
    uri = f"http://127.0.0.1:{port}"
    with guarded(tmp_path, port, databases) as process:
        begun = [study(output, name=name, MLFLOW_TRACKING_URI=uri) for name in ("one", "two")]
        errors = [ended(process) for process in begun]
        assert not any(LOST in said for said in errors), errors
        found = runs(uri)
        assert len(found) == len(set(found)) == 2 * 8
        look_at_files(MlflowClient(uri), output)
        third = study(output, name="three", MLFLOW_TRACKING_URI=uri)
        until(lambda: len(runs(uri)) > 2 * 8, third)
        os.killpg(process.pid, signal.SIGKILL)
        errors = ended(third)
        assert errors.count(LOST) == 1 and f"rebuild {output} --uri {uri}`" in errors
        assert tables(output, "three") == tables(output, "one")
    with guarded(tmp_path, port, databases):
        assert 2 * 8 < len(runs(uri)) < 3 * 8
        ids = all_ids(uri)
        rebuild(output, MLFLOW_TRACKING_URI=uri)
        assert len(runs(uri)) == len(set(runs(uri))) == 3 * 8
        assert len(runs(uri, "study")) == 3 and len(runs(uri, "method")) == 3 * 4
        whole = all_ids(uri)
        assert len(ids - whole) <= 1  # the one that was cut off
        rebuild(output, "--uri", uri)
        assert all_ids(uri) == whole
        monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD")
        monkeypatch.delenv("MLFLOW_TRACKING_USERNAME")
        with pytest.raises(MlflowException, match="not authenticated"):
            MlflowClient(uri).search_experiments()
        assert LOST in ended(study(output, name="unknown", MLFLOW_TRACKING_URI=uri))
    assert leaks(output) == [] and not (output / "mlflow.db").exists() and not (output / "mlartifacts").exists()


def all_ids(uri):
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("rntk").experiment_id
    return {run.info.run_id for run in client.search_runs([experiment])}


def look_at_files(client, output):
    """Those of a task and of a study, through the server, byte for byte."""
    experiment = client.get_experiment_by_name("rntk")
    assert experiment.artifact_location.startswith("mlflow-artifacts:")
    of_task = "tags.kind = 'task' and tags.study = 'two' and tags.dataset = 'GunPoint' and tags.method = 'rbf'"
    (task,) = client.search_runs([experiment.experiment_id], of_task)
    names = {file.path for file in client.list_artifacts(task.info.run_id)}
    assert names == {"record.json", "grid.csv", "predictions.csv", "confusion.html"}
    (path,) = (output / "two" / "records").glob("GunPoint__rbf__*.json")
    assert Path(client.download_artifacts(task.info.run_id, "record.json")).read_bytes() == path.read_bytes()
    (whole,) = client.search_runs([experiment.experiment_id], "tags.kind = 'study' and tags.study = 'two'")
    figures = {file.path for file in client.list_artifacts(whole.info.run_id, "figures")}
    assert "figures/ranks_nemenyi.png" in figures
    summary = Path(client.download_artifacts(whole.info.run_id, "tables/summary.csv"))
    assert summary.read_bytes() == (output / "two" / "tables" / "summary.csv").read_bytes()


def test_studies_at_once_on_a_fresh_database_of_postgresql(tmp_path, databases):
    """From two output folders, as from two machines: one of them makes the database. The password is in no file and no line."""
    uri = f"{databases}/direct"
    folders = [tmp_path / name for name in ("one", "two")]
    begun = [study(folder, name=folder.name, MLFLOW_TRACKING_URI=uri) for folder in folders]
    errors = [ended(process) for process in begun]
    assert not any(LOST in said or SECRET in said for said in errors), errors
    found = runs(uri)
    assert len(found) == len(set(found)) == 2 * 8
    assert not any(leaks(folder) or (folder / "mlflow.db").exists() for folder in folders)
    (artifacts,) = tmp_path.glob("*/mlartifacts-elsewhere")  # of the one that came first
    assert len(list(artifacts.glob("*/artifacts/record.json"))) == 2 * 8
