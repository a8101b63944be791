"""Secrets in a tracking URI: whichever way it is given, they are in no file, no line and no list of processes that is ours."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from runners.tracking import View, default_uri
from runners.uri import mask, out_of_arguments, secrets, uri_of

ROOT = Path(__file__).parents[2]
SECRET = "s3cret-Pa55"
AWAY = f"postgresql://rntk:{SECRET}@127.0.0.1:9/runs"  # nobody listens there
GONE = f"http://rntk:{SECRET}@127.0.0.1:9"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://user:pass@host/db", "postgresql://user:***@host/db"),
        ("postgresql+psycopg2://user:pass@host:5432/db", "postgresql+psycopg2://user:***@host:5432/db"),
        ("postgresql://user:p@ss@host/db", "postgresql://user:***@host/db"),
        ("postgresql://user:p/ss@host/db", "postgresql://user:***@host/db"),
        ("postgresql://user:p:ss@host/db", "postgresql://user:***@host/db"),
        ("postgresql://:pass@host/db", "postgresql://:***@host/db"),
        ("postgresql://host/db?user=a&password=pass", "postgresql://host/db?user=a&password=***"),
        ("https://host/path?x=1&access_token=abc&y=2", "https://host/path?x=1&access_token=***&y=2"),
        ("https://token@host/path", "https://***@host/path"),
        ("HTTPS://user:PASS@host", "HTTPS://user:***@host"),
        ("postgresql://user@host/db?sslmode=require", None),
        ("http://127.0.0.1:5000", None),
        ("sqlite:////home/me/out:puts/mlflow.db", None),
        ("databricks", None),
        ("postgresql://user:${oc.env:PASSWORD}@host/db", None),
    ],
)
def test_what_is_secret_is_masked_and_nothing_else(uri, shown):
    assert mask(uri, uri) == (shown or uri)
    assert mask(f"not at {uri} now") == f"not at {shown or uri} now"
    assert bool(secrets(uri)) == bool(shown)


def test_a_message_that_quotes_the_password_alone_is_masked_too():
    assert mask("no role 'a b', nor 'a%20b'", "postgresql://u:a%20b@h/db") == "no role '***', nor '***'"


def test_the_configuration_wins_then_the_environment_then_the_output_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server")
    assert uri_of(tmp_path, "http://other") == "http://other"
    assert uri_of(tmp_path, None) == "http://server"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert uri_of(tmp_path, None) == default_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"


@pytest.mark.parametrize("form", ["tracking.uri={}", "++tracking.uri={}", "tracking.uri='{}'", 'tracking.uri="{}"'])
@pytest.mark.parametrize("uri", [AWAY, f"postgresql://h/db?a=b&password={SECRET}"])
def test_an_argument_goes_to_the_environment(form, uri, capsys):
    kept = out_of_arguments(["study=smoke", form.format(uri), "workers=1"])
    assert kept == ["study=smoke", "tracking.uri=null", "workers=1"]
    assert os.environ["MLFLOW_TRACKING_URI"] == uri
    said = capsys.readouterr().err
    assert "list of processes" in said and SECRET not in said


@pytest.mark.parametrize("argument", [f"tracking={{uri:'{AWAY}'}}", f"+hydra.job.env_set.MLFLOW_TRACKING_URI={AWAY}"])
def test_another_argument_with_a_secret_is_refused(command, capsys, argument):
    assert command("runners.run", argument) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "holds a secret" in error and SECRET not in error


def in_process(folder, module, *arguments, **environment):
    """Everything that a command says, in a process of its own with `folder` for its own files."""
    clean = os.environ | {"RNTK_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(
        [sys.executable, "-m", f"runners.{module}", *arguments],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr


def files_with(folder, secret=SECRET):
    return [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


TASK = ["dataset=GunPoint", "method=1nn_ed"]


@pytest.mark.slow
def test_a_run_leaves_no_trace_of_a_password(tmp_path):
    """Of the command line; the study goes on, and says where it did not write."""
    output = f"output={tmp_path}"
    code, said = in_process(tmp_path, "run", *TASK, output, f"tracking.uri={AWAY}", "hydra.verbose=true")
    assert code == 0 and "GunPoint · 1nn_ed · ok" in said
    assert "rebuild" in said and "--uri 'postgresql://rntk:***@127.0.0.1:9/runs'" in said
    saved = list(tmp_path.rglob(".hydra/*.yaml"))
    assert {path.name for path in saved} == {"config.yaml", "hydra.yaml", "overrides.yaml"}
    assert SECRET not in said and files_with(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("where", ["environment", "variable of one's own", "sweep"])
def test_nor_of_one_that_is_given_otherwise(tmp_path, where):
    arguments, environment = [*TASK, f"output={tmp_path}/out"], {}
    if where == "environment":
        environment["MLFLOW_TRACKING_URI"] = GONE
    elif where == "sweep":
        arguments = ["-m", *arguments, "protocol.seed=0,1", f"tracking.uri={GONE}"]
    else:
        (tmp_path / "conf" / "place").mkdir(parents=True)
        mine = f"# @package _global_\ntracking:\n  uri: {GONE.replace(SECRET, '${oc.env:MINE}')}\n"
        (tmp_path / "conf" / "place" / "mine.yaml").write_text(mine)
        arguments += ["+place=mine"]
        environment["MINE"] = SECRET
    code, said = in_process(tmp_path, "run", *arguments, **environment)
    assert code == 0 and "http://rntk:***@127.0.0.1:9" in said, said
    assert SECRET not in said and files_with(tmp_path / "out") == []
    assert bool(list(tmp_path.rglob("multirun.yaml"))) == (where == "sweep")


@pytest.mark.parametrize(
    "arguments", [[], ["--config-dir", "other"], ["--config-name", "mine", "--config-path", "{}/other"]]
)
def test_a_file_with_a_password_is_refused(command, capsys, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ("other" if arguments else "conf")
    (folder / "study").mkdir(parents=True)
    (folder / "study" / "mine.yaml").write_text(f"# @package _global_\ntracking:\n  uri: {GONE}\n")
    assert command("runners.run", *TASK, *(argument.format(tmp_path) for argument in arguments)) == 2
    error = capsys.readouterr().err
    assert "study/mine.yaml, line 3 holds a secret" in error and "MLFLOW_TRACKING_URI" in error and SECRET not in error
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("what", ["rebuild", "ui"])
def test_the_commands_of_tracking_mask_it(tmp_path, what, command, capsys, monkeypatch):
    from results import store
    from results.record import Record

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    store.write(Record("Coffee", "ntk", "0" * 64, "failed", reason="it broke"), tmp_path / "one")
    assert command("runners.tracking", what, tmp_path, "--uri", GONE) == 2
    said = "".join(capsys.readouterr())
    assert "http://rntk:***@127.0.0.1:9" in said and SECRET not in said
    assert files_with(tmp_path) == []


def test_an_error_is_one_line_without_the_password(tmp_path, capsys, monkeypatch):
    """Whatever it says: here all that MLflow was told."""

    def fail(study, uri, output):
        raise RuntimeError(f"cannot reach {uri}\nnor {uri}")

    monkeypatch.setattr("runners.view.tracker.Tracker", fail)
    View("one", OmegaConf.create({"output": str(tmp_path), "tracking": {"enabled": True, "uri": AWAY}})).close()
    said = capsys.readouterr().err
    assert (
        said.count("\n") == 1 and SECRET not in said and "cannot reach postgresql://rntk:***@127.0.0.1:9/runs" in said
    )
