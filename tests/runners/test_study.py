"""Whole studies through real processes: determinism, resume, failures, missing data, MLflow, and what the command
line says.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from results.pack import pack
from runners import tracking
from runners.view.tracker import Tracker

pytestmark = pytest.mark.xdist_group("study")  # on one worker, for whose fixture a study runs

ROOT = Path(__file__).parents[2]
METHODS = ["rntk", "ntk", "rbf", "polynomial", "gaussian", "1nn_ed"]
OFF = "tracking.enabled=false"
BROKEN = (
    "+method@methods.{name}=rbf",
    "methods.{name}.name={name}",
    "methods.{name}.kernel._target_=tests.runners.kernels.{kernel}",
)


def environment(tmp_path):
    clean = {name: value for name, value in os.environ.items() if name != "RNTK_DATA"}
    return {**clean, "RNTK_CACHE": str(tmp_path / "cache"), "NUMBA_NUM_THREADS": "1"}


def command(module, *arguments):
    without_report = ["report=false"] if module == "reproduce" else []  # it takes seconds, as pictures do
    return [sys.executable, "-m", f"runners.{module}", *without_report, *arguments]


def run(tmp_path, module, *arguments, code=0):
    finished = subprocess.run(
        command(module, *arguments), cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, timeout=300
    )
    assert finished.returncode == code, finished.stdout + finished.stderr
    return finished


def heads(folder):
    """The records by dataset and method, without what may differ between two runs."""
    records = {}
    for path in sorted((folder / "records").glob("*.json")):
        head = json.loads(path.read_text())
        head.pop("timings")
        head.pop("checksum")
        records[head["dataset"], head["method"]] = head
    return records


def every_head(folder):
    """All records, where several are of one dataset and method."""
    return [json.loads(path.read_text()) for path in sorted((folder / "records").glob("*.json"))]


def tables(folder):
    """Every other file that must be the same, byte for byte."""
    return {
        path.name: path.read_bytes()
        for part in ("records", "tables")
        for path in sorted((folder / part).iterdir())
        if path.suffix != ".json" and not path.name.startswith(".")
    }


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """The smoke study, tracked, in two workers."""
    output = tmp_path_factory.mktemp("smoke")
    return output, run(output, "reproduce", "study=smoke", "workers=2", f"output={output}", "report=true")


def test_a_study_leaves_what_other_scripts_rely_on(smoke):
    output, finished = smoke
    assert "smoke: 0 of 12 done, 12 to run, about" in finished.stdout
    assert "12 of 12 tasks have a result" in finished.stdout
    records = heads(output / "smoke")
    assert set(records) == {(dataset, method) for dataset in ("GunPoint", "ItalyPowerDemand") for method in METHODS}
    for (_, method), head in records.items():
        assert {"dataset", "method", "status", "selected", "cv_accuracy", "test_accuracy", "n_tied"} <= set(head)
        assert head["status"] == "ok"
        assert ("C" in head["selected"]) == (method != "1nn_ed")
    assert set(records["GunPoint", "rntk"]["selected"]) == {
        "sigma_w",
        "sigma_u",
        "sigma_b",
        "sigma_h",
        "sigma_v",
        "nonlinearity",
        "depth",
        "frozen",
        "readout",
        "direction",
        "output",
        "C",
    }
    summary = pd.read_csv(output / "smoke" / "tables" / "summary.csv")
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
    assert list(pd.read_csv(output / "smoke" / "tables" / "per_dataset.csv").columns) == ["dataset", *METHODS]
    predictions = pd.read_csv(next((output / "smoke" / "records").glob("GunPoint__rntk__*.predictions.csv")))
    assert (predictions.label == predictions.predicted).mean() == records["GunPoint", "rntk"]["test_accuracy"]


def test_mlflow_holds_one_run_a_task_under_one_run_a_study(smoke):
    from mlflow.tracking import MlflowClient

    output, _ = smoke
    client = MlflowClient(f"sqlite:///{output}/mlflow.db")
    (experiment,) = [found for found in client.search_experiments() if found.name == "rntk"]
    (parent,) = client.search_runs([experiment.experiment_id], "tags.kind = 'study' and tags.study = 'smoke'")
    below = f"tags.kind = 'task' and tags.mlflow.parentRunId = '{parent.info.run_id}'"
    children = client.search_runs([experiment.experiment_id], below)
    assert len(children) == 12
    summary = pd.read_csv(output / "smoke" / "tables" / "summary.csv").set_index("method")
    assert parent.data.metrics["accuracy_mean/rntk"] == pytest.approx(summary.accuracy_mean["rntk"], abs=1e-15)
    artifacts = {file.path for part in ("tables", "report") for file in client.list_artifacts(parent.info.run_id, part)}
    assert {"tables/summary.md", "report/index.html"} <= artifacts
    head = heads(output / "smoke")["GunPoint", "rntk"]
    (child,) = [
        run for run in children if run.data.params["dataset"] == "GunPoint" and run.data.params["method"] == "rntk"
    ]
    assert child.data.metrics["test_accuracy"] == head["test_accuracy"]
    assert child.data.params["C"] == str(head["selected"]["C"])
    assert child.data.tags.get("commit", "") == head["environment"]["commit"]  # none where Git does not know the code
    (given,) = child.inputs.dataset_inputs
    assert given.dataset.digest == ":".join(part[:16] for part in head["dataset_sha256"].split(":"))
    assert len(child.data.tags["dataset_sha256"]) == len(head["dataset_sha256"]) > 2 * 16


def test_a_run_that_was_cut_off_is_written_again_and_others_are_left(smoke):
    """The parent is killed between making a run and ending it: the run is there, with its key, and empty."""
    output, _ = smoke
    view = Tracker("smoke", f"sqlite:///{output}/mlflow.db", output)
    key, (run_id, _) = next(iter(view.known.items()))
    others = {other: found for other, found in view.known.items() if other != key}
    view.client.update_run(run_id, status="RUNNING")
    again = Tracker("smoke", f"sqlite:///{output}/mlflow.db", output)
    again.sync(output / "smoke")
    assert again.known[key][0] != run_id
    assert {other: found for other, found in again.known.items() if other != key} == others
    assert len(again.client.search_runs([again.experiment], "tags.kind = 'task'")) == 12


@pytest.mark.slow
def test_a_study_goes_on_without_mlflow(tmp_path):
    arguments = ("study=smoke", "study.datasets=[GunPoint]", *(f"~methods.{name}" for name in METHODS[:4]))
    finished = run(tmp_path, "reproduce", *arguments, f"output={tmp_path}", "tracking.uri=http://127.0.0.1:9")
    assert "2 of 2 tasks have a result" in finished.stdout
    assert finished.stderr.count("the study goes on without it") == 1


def test_running_again_runs_nothing(smoke):
    output, _ = smoke
    before = heads(output / "smoke"), tables(output / "smoke")
    finished = run(output, "reproduce", "study=smoke", f"output={output}", OFF)
    assert "12 of 12 done, nothing to run" in finished.stdout
    assert (heads(output / "smoke"), tables(output / "smoke")) == before


def test_mlflow_can_be_rebuilt_from_packed_records(smoke, tmp_path):
    """The same runs, with the same files; a folder without records is no study."""
    from mlflow.tracking import MlflowClient

    output, _ = smoke
    pack(output / "smoke", tmp_path / "smoke")
    (tmp_path / "empty" / "records").mkdir(parents=True)
    assert tracking.rebuild(tmp_path) == 12
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("rntk").experiment_id
    assert len(client.search_runs([experiment], "tags.kind = 'study'")) == 1
    (run,) = client.search_runs(
        [experiment], "tags.kind = 'task' and params.dataset = 'GunPoint' and params.method = 'rntk'"
    )
    artifacts = Path(client.download_artifacts(run.info.run_id, ""))
    for ending in ("json", "grid.csv", "predictions.csv"):
        (written,) = (output / "smoke" / "records").glob(f"GunPoint__rntk__*.{ending}")
        assert (artifacts / ending.replace("json", "record.json")).read_bytes() == written.read_bytes()
    assert len(client.search_runs([experiment], "tags.kind = 'task' and tags.status = 'ok'")) == 12


@pytest.mark.slow
def test_one_worker_and_two_give_the_same_bytes_also_when_killed_and_resumed(smoke, tmp_path):
    """The study in one worker, killed without warning after a few records, and run again, against the one in two
    workers.
    """
    output, _ = smoke
    arguments = ("study=smoke", "workers=1", f"output={tmp_path}", OFF)
    process = subprocess.Popen(
        command("reproduce", *arguments),
        cwd=ROOT,
        env=environment(tmp_path),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    records = tmp_path / "smoke" / "records"
    deadline = time.monotonic() + 120
    while len(list(records.glob("*.json"))) < 3 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    with pytest.raises(ProcessLookupError):  # the workers are gone, too: nobody is left in the process group
        while time.monotonic() < deadline:
            os.killpg(process.pid, 0)
            time.sleep(0.1)
    survived = {path: path.stat().st_mtime_ns for path in records.glob("*.json")}
    assert 3 <= len(survived) < 12

    finished = run(tmp_path, "reproduce", *arguments)
    assert f"smoke: {len(survived)} of 12 done, {12 - len(survived)} to run" in finished.stdout
    assert {path: path.stat().st_mtime_ns for path in survived} == survived
    assert heads(tmp_path / "smoke") == heads(output / "smoke")
    assert tables(tmp_path / "smoke") == tables(output / "smoke")


@pytest.mark.slow
def test_failing_and_killed_tasks_and_missing_datasets_stop_nothing(tmp_path, monkeypatch):
    """One method raises, one kills its worker (and the pool with it), one dataset is not there: the others get their
    results, on a system that has Python and no other tool.
    """
    monkeypatch.setenv("PATH", str(tmp_path))
    strange = [
        text.format(name=name, kernel=kernel)
        for name, kernel in (("broken", "Broken"), ("deadly", "Deadly"))
        for text in BROKEN
    ]
    drop = ["~methods.rntk", "~methods.ntk", "~methods.polynomial", "~methods.gaussian"]
    arguments = [
        "study=smoke",
        "study.datasets=[GunPoint,Coffee]",
        "data.downloads=false",
        "workers=2",
        f"output={tmp_path}",
        OFF,
        *drop,
        *strange,
    ]
    finished = run(tmp_path, "reproduce", *arguments, code=1)
    status = {key: head["status"] for key, head in heads(tmp_path / "smoke").items()}
    expected = {"rbf": "ok", "1nn_ed": "ok", "broken": "failed", "deadly": "failed"}
    assert status == {("GunPoint", name): word for name, word in expected.items()} | {
        ("Coffee", name): "skipped" for name in expected
    }
    broken = heads(tmp_path / "smoke")["GunPoint", "broken"]
    assert "broken on purpose" in broken["reason"]
    assert "kernels.py" in broken["traceback"]
    assert "killed" in heads(tmp_path / "smoke")["GunPoint", "deadly"]["reason"]
    assert "missing: Coffee" in finished.stderr
    assert "GunPoint broken: failed: RuntimeError: broken on purpose" in finished.stderr
    assert "1 of 2 datasets" in (tmp_path / "smoke" / "tables" / "summary.md").read_text()
    again = run(tmp_path, "reproduce", *arguments, code=1)
    assert "2 of 8 done, 6 to run" in again.stdout  # failures are not cached


@pytest.mark.slow
def test_a_file_that_is_not_the_archives_is_refused_by_name_and_stops_nothing(tmp_path):
    folder = tmp_path / "data" / "GunPoint"
    folder.mkdir(parents=True)
    for split in ("TRAIN", "TEST"):
        (folder / f"GunPoint_{split}.tsv").write_text("1\t0.5\t0.5\n2\t0.1\t0.2\n")
    arguments = [
        "study=smoke",
        f"data.root={tmp_path / 'data'}",
        f"output={tmp_path}",
        OFF,
        *(f"~methods.{name}" for name in METHODS[:4]),
    ]
    finished = run(tmp_path, "reproduce", *arguments, code=1)
    assert "GunPoint_TRAIN.tsv: SHA-256" in finished.stderr
    status = {key: head["status"] for key, head in heads(tmp_path / "smoke").items()}
    assert status["ItalyPowerDemand", "gaussian"] == "ok"
    assert status["GunPoint", "gaussian"] == "failed"


@pytest.mark.slow
def test_a_sweep_is_found_in_mlflow_by_search(tmp_path):
    """Hydra's multirun through the joblib launcher: four tasks, each found by its hyperparameter, and shown side by side."""
    from mlflow.tracking import MlflowClient

    sweep = (
        "dataset=GunPoint,ItalyPowerDemand",
        "method.kernel.sigma_w=1.34,1.41",
        "method.kernel.sigma_b=0.1",
        "method.kernel.sigma_h=0",
    )
    finished = run(tmp_path, "run", "-m", *sweep, f"output={tmp_path}", "workers=2")
    assert "4 of 4 tasks ok" in finished.stderr
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("rntk").experiment_id
    found = client.search_runs(
        [experiment], "params.sigma_w = '1.41' and params.method = 'rntk' and metrics.test_accuracy > 0.5"
    )
    assert {run.data.params["dataset"] for run in found} == {"GunPoint", "ItalyPowerDemand"}
    assert len(client.search_runs([experiment], "tags.kind = 'task'")) == 4
    (tagged,) = client.search_runs([experiment], "tags.sigma_w = '1.41' and tags.dataset = 'GunPoint'")
    assert tagged.info.run_name == "GunPoint rntk sigma_w=1.41"
    assert tagged.data.params["protocol.C"] == "[0.01 … 100] (5)"
    shown = [line.split() for line in finished.stdout.splitlines() if " ok " in line]
    accuracy = {(row[0], row[2]): row[4] for row in shown}
    assert {(head["dataset"], str(head["selected"]["sigma_w"])) for head in every_head(tmp_path / "run")} == set(
        accuracy
    )
    for head in every_head(tmp_path / "run"):
        assert accuracy[head["dataset"], str(head["selected"]["sigma_w"])] == f"{100 * head['test_accuracy']:.2f}"
    (figure,) = (tmp_path / "run").glob("hydra/*/*/figures/sweep_sigma_w.png")
    assert f"figure {figure}" in finished.stdout


@pytest.mark.slow
def test_a_sweep_with_a_wrong_job_lists_it_and_keeps_the_others(tmp_path):
    finished = run(
        tmp_path, "run", "-m", "dataset=GunPoint,Gunpoint", "method=1nn_ed", f"output={tmp_path}", OFF, code=1
    )
    assert "1 of 2 tasks ok" in finished.stderr
    assert "Gunpoint 1nn_ed: failed: unknown dataset 'Gunpoint': did you mean GunPoint" in finished.stderr
    shown = [line.split() for line in finished.stdout.splitlines() if line.lstrip().lower().startswith("gunpoint 1nn")]
    assert [(row[0], row[4]) for row in shown] == [("GunPoint", "ok"), ("Gunpoint", "failed")]


@pytest.mark.slow
def test_a_sweep_in_which_a_kernel_breaks_keeps_the_others_and_tracks_all(tmp_path):
    broken = ("method=rbf", "method.name=broken", "method.kernel._target_=baselines.RBF,tests.runners.kernels.Broken")
    run(tmp_path, "run", "dataset=GunPoint", "method=1nn_ed", f"output={tmp_path}")
    finished = run(tmp_path, "run", "-m", "dataset=GunPoint", *broken, f"output={tmp_path}", code=1)
    assert "1 of 2 tasks ok" in finished.stderr
    assert "broken on purpose" in finished.stderr
    assert "2 runs: 1 ok, 1 failed." in finished.stdout  # those of the sweep alone
    tracker = Tracker("run", f"sqlite:///{tmp_path}/mlflow.db", tmp_path)
    tasks = tracker.client.search_runs([tracker.experiment], "tags.kind = 'task'")
    assert sorted(task.data.tags["status"] for task in tasks) == ["failed", "ok", "ok"]


def test_one_task_prints_its_result_in_a_few_lines(tmp_path):
    finished = run(tmp_path, "run", "dataset=GunPoint", "method=1nn_ed", f"output={tmp_path}", OFF)
    assert finished.stdout.splitlines()[0] == "GunPoint · 1nn_ed · ok"
    assert "test 0.9133 (150 cases)" in finished.stdout
    assert len(finished.stdout.splitlines()) <= 6
    assert (
        "the task was run before"
        in run(tmp_path, "run", "dataset=GunPoint", "method=1nn_ed", f"output={tmp_path}", OFF).stdout
    )


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        ("run", ["dataset=GunPont"], "unknown dataset 'GunPont': did you mean GunPoint"),
        ("run", ["method=rtnk"], "unknown method 'rtnk': did you mean rntk"),
        ("run", ["method.kernel.sigma_w=-1"], "sigma_w=-1: RNTK needs sigma_w to be a finite number >= 0"),
        ("run", ["method.kernel.sigma_w=[1.4,nan]"], "sigma_w=nan"),
        ("run", ["method.kernel.nonlinearity=rely"], "nonlinearity='rely' is unknown: choose one of relu, gelu"),
        ("run", ["protocol.normalisation=l2"], "choose one of unit, zscore, none"),
        ("reproduce", ["study=ucr65"], "unknown study 'ucr65': did you mean ucr56"),
        ("reproduce", ["study.datasets=[Coffe]"], "unknown dataset 'Coffe': did you mean Coffee?"),
        ("reproduce", ["study.datasets=lists/mine.txt"], "study.datasets='lists/mine.txt': there is no such file"),
        ("reproduce", ["study.datasets=3"], "study.datasets=3: a list of datasets"),
        ("reproduce", ["study=smoke", "+method@methods.again=rbf"], "two methods are named 'rbf'"),
        ("reproduce", ["study=smoke", "workers=0"], "workers=0"),
        ("reproduce", ["study=smoke", "workers=10000"], "workers=10000: this process may use"),
        ("run", ["workers=10000"], "workers=10000: this process may use"),
        ("run", ["scores=some"], "scores='some': best, to drop what cannot win, or all"),
    ],
)
def test_mistakes_on_the_command_line(tmp_path, module, arguments, message, command, capsys):
    assert command(f"runners.{module}", *arguments, f"output={tmp_path}", OFF) == 2
    assert message in capsys.readouterr().err
