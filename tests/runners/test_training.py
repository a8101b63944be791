"""Trained networks as methods of the study: their records, their tables, MLflow, and what happens without JAX."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest

from results import store
from results.tables import study_accuracies
from runners import method as methods
from runners.evaluate import run_task
from runners.method import Method
from runners.plan import estimate
from runners.protocol import Protocol
from runners.task import Task
from runners.view.tracker import Tracker

pytestmark = pytest.mark.xdist_group("training")  # on one worker, for whose fixture a study runs

SMALL = {"_target_": "baselines.networks.IdentityRNN", "width": 6, "epochs": 6, "seeds": 2, "folds": 2}


def task(rates=(0.01,), **more):
    network = {**SMALL, "learning_rate": list(rates), **more}
    return Task("ItalyPowerDemand", Method("rnn", network=network, normalisation="zscore"), Protocol())


@pytest.fixture(scope="module")
def record_and_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    return run_task(task((0.01, 1e30)), folder, None), folder


def test_a_record_holds_every_seed(record_and_folder):
    """The accuracy is the mean over seeds, and that of the predictions; the spread is that of the seeds."""
    record, folder = record_and_folder
    assert record.status == "ok", record.reason
    table = pd.DataFrame(store.read_table(record, folder, "predictions"))
    assert table.groupby("seed").size().to_dict() == {"0": 1029, "1": 1029}
    right = (table.label == table.predicted).groupby(table.seed).mean()
    assert [run["test_accuracy"] for run in record.runs] == right.tolist()
    assert record.test_accuracy == pytest.approx(right.mean())
    assert record.spread == pytest.approx(right.std(ddof=1))
    assert record.spread > 0  # each from a draw of its own
    assert record.selected == {**{k: v for k, v in SMALL.items() if k != "_target_"}, "learning_rate": 0.01}
    (head,) = store.heads(folder)
    assert (head.runs, head.spread, head.is_final) == (record.runs, record.spread, True)
    assert study_accuracies(folder).loc["ItalyPowerDemand", "rnn"] == record.test_accuracy
    assert {"jax", "optax", "equinox", "device"} <= set(record.environment)


def test_a_setting_that_diverged_is_known_with_its_epoch(record_and_folder):
    record, folder = record_and_folder
    good, broken = store.read_table(record, folder, "grid")
    assert (broken["correct"], broken["note"]) == ("-1", "diverged in fold 0, epoch 1; diverged in fold 1, epoch 1")
    assert int(good["correct"]) == round(record.cv_accuracy * 67)
    assert (record.n_unusable, record.n_settings) == (1, 2)


def test_learning_curves_are_metrics_by_epoch(record_and_folder, tmp_path):
    record, folder = record_and_folder
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    tracker = Tracker("study", uri, tmp_path)
    tracker.log(record, folder)
    client = mlflow.MlflowClient(tracking_uri=uri)
    (run,) = client.search_runs([tracker.experiment], "tags.kind = 'task'")
    curves = [row for row in store.read_table(record, folder, "curves") if row["on"] == "folds"]
    for name in ("loss", "validation_accuracy"):
        history = sorted(client.get_metric_history(run.info.run_id, f"folds/{name}"), key=lambda metric: metric.step)
        assert [(metric.step, metric.value) for metric in history] == [
            (int(r["epoch"]), float(r[name])) for r in curves
        ]
    assert len(client.get_metric_history(run.info.run_id, "all/loss")) == record.runs[0]["epochs"]
    assert run.data.metrics["test_accuracy_std"] == record.spread
    assert "curves.csv" in [artifact.path for artifact in client.list_artifacts(run.info.run_id)]


@pytest.mark.slow
def test_where_all_diverges_there_is_no_accuracy(tmp_path):
    record = run_task(task((1e30,)), tmp_path, None)
    assert (record.status, record.test_accuracy, record.predictions) == ("not_converged", None, [])
    assert "diverged in fold 0, epoch 1" in record.reason
    assert record.is_final
    assert len(store.read_table(record, tmp_path, "curves")) > 0
    tracker = Tracker("study", f"sqlite:///{tmp_path}/mlflow.db", tmp_path)
    tracker.log(record, tmp_path)
    (run,) = tracker.client.search_runs([tracker.experiment], "tags.kind = 'task'")
    assert not [name for name in run.data.metrics if "/" in name]


def test_a_seed_that_diverged_has_no_part_in_the_mean(record_and_folder):
    record, _ = record_and_folder
    lost = json.loads(json.dumps(record.runs))
    lost[1] = {"seed": 1, "epochs": 2, "kept": 0, "diverged": 2}
    record = store.Record(**{**vars(record), "runs": lost})
    assert "predictions for 1029 test cases" in record.lacking()
    record.predictions = [row for row in record.predictions if row["seed"] == 0]
    record.test_accuracy = lost[0]["test_accuracy"]
    assert not record.lacking()
    assert record.spread is None


def test_a_network_that_will_not_fit_is_a_record(tmp_path):
    record = run_task(task(width=10**6), tmp_path, None)
    assert record.status == "memory"
    assert record.reason.startswith("2 trainings of IdentityRNN")


def test_the_key_is_that_of_the_training_code(monkeypatch):
    """Another version of the kernels' arithmetic is none of the networks'."""
    before = task().key
    monkeypatch.setattr("runners.task.NUMERICS", 99)
    assert task().key == before
    monkeypatch.setattr("runners.task.TRAINING", 99)
    assert task().key != before
    assert task((0.1,)).key != task().key


def test_more_and_wider_trainings_are_planned_for_longer():
    base = estimate(task())
    assert estimate(task((0.1, 0.01))) > base
    assert estimate(task(width=200)) > base
    assert estimate(task(folds=10)) > base


# Without JAX


@pytest.fixture
def no_jax(monkeypatch):
    found = methods.find_spec
    monkeypatch.setattr(methods, "find_spec", lambda name: None if name in ("jax", "optax") else found(name))


def test_without_jax_a_method_says_what_it_needs(no_jax):
    network = Method("gru", network={"_target_": "baselines.networks.GRU"}).validate()
    assert network.absent == "needs jax and optax: pip install '.[networks]'"
    assert Method("rbf", {"_target_": "baselines.RBF"}).absent == ""


@pytest.mark.slow
def test_without_jax_networks_are_listed_and_the_rest_runs(no_jax, command, capsys, tmp_path):
    """The study does not fail; a task alone has no result, and the experiments end with the same words."""
    study = [
        "study=smoke",
        "study.datasets=[GunPoint]",
        "+method@methods.gru=gru",
        f"output={tmp_path}",
        "tracking.enabled=false",
    ]
    assert command("runners.reproduce", *study) == 0
    printed = capsys.readouterr()
    assert printed.err.count("not run: gru: needs jax and optax: pip install '.[networks]'\n") == 2
    assert "6 of 7 tasks have a result" in printed.out
    (skipped,) = [head for head in store.heads(tmp_path / "smoke") if head.status == "skipped"]
    assert (skipped.method, skipped.reason) == ("gru", "needs jax and optax: pip install '.[networks]'")
    assert command("runners.run", "dataset=GunPoint", "method=gru", f"output={tmp_path}", "tracking.enabled=false") == 1
    assert capsys.readouterr().out.startswith("GunPoint · gru · skipped: needs jax and optax")
    assert command("runners.theory", f"output={tmp_path}") == 2
    assert capsys.readouterr().err == "error: this needs jax and optax: pip install '.[networks]'\n"


@pytest.mark.slow
def test_the_command_says_mean_and_spread(command, capsys, tmp_path):
    given = [f"method.network.{name}={value}" for name, value in SMALL.items() if name in ("width", "epochs")]
    given += [
        "method.network.depth=1",
        "method.network.learning_rate=0.01",
        "+method.network.seeds=2",
        "+method.network.folds=2",
    ]
    said = ["dataset=ItalyPowerDemand", "method=identity_rnn", f"output={tmp_path}", "tracking.enabled=false"]
    assert (
        command(
            "runners.run", *said, *[g if "width" in g else f"+{g.lstrip('+')}" if "epochs" in g else g for g in given]
        )
        == 0
    )
    (record,) = store.heads(tmp_path / "run")
    spread = f"test {record.test_accuracy:.4f} ± {record.spread:.4f} over 2 seeds (1029 cases)"
    assert spread in capsys.readouterr().out
    assert np.isfinite(record.spread)
