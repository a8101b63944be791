"""Classifiers of other libraries as methods: their seeds, what their keys and records say of the code, and what is not there."""

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

import runners.method as methods
from datasets import load
from results import store
from rntk.normalisation import normalise
from runners.evaluate import run_task
from runners.method import Method, distribution_of
from runners.protocol import Protocol
from runners.task import Task
from tests.datasets import ragged

TREE = "sklearn.tree.DecisionTreeClassifier"
WARPING = {"_target_": "baselines.warping.WarpingNeighbour", "window": 1}


def tree(**config) -> Method:
    return Method("tree", classifier={"_target_": TREE, "max_features": 1, **config}, normalisation="zscore")


def predicted(record) -> list[str]:
    return [row["predicted"] for row in record.predictions]


def test_a_seed_that_is_left_open_is_the_datasets(tmp_path):
    """It is in the record, and a tree with it, fitted outside, gives the same labels; another dataset has another."""
    record = run_task(Task("GunPoint", tree(), Protocol()), tmp_path, None)
    data = load("GunPoint")
    X, X_test = (normalise(X, "zscore") for X in (data.X_train, data.X_test))
    seed = record.seeds["classifier"]
    assert 0 <= seed < 2**31 and seed == Protocol().fold_seed("GunPoint") >> 1
    model = DecisionTreeClassifier(max_features=1, random_state=seed).fit(X, data.y_train)
    assert predicted(record) == model.predict(X_test).tolist()
    assert predicted(run_task(Task("GunPoint", tree(), Protocol()), tmp_path, None)) == predicted(record)
    other = run_task(Task("ItalyPowerDemand", tree(), Protocol()), tmp_path, None)
    assert other.seeds["classifier"] != seed


def test_a_seed_that_is_given_stays_and_who_has_none_gets_none(tmp_path):
    record = run_task(Task("GunPoint", tree(random_state=[3, 4]), Protocol()), tmp_path, None)
    assert set(record.seeds) == {"folds"} and record.selected["random_state"] in (3, 4)
    nearest = Method("knn", classifier={"_target_": "sklearn.neighbors.KNeighborsClassifier"})
    assert set(run_task(Task("GunPoint", nearest, Protocol()), tmp_path, None).seeds) == {"folds"}


def test_a_classifier_of_sktime_takes_the_series_as_they_are(tmp_path):
    """The most frequent class of GunPoint's training set is the second, with 26 of 50, and it has 74 of 150 test cases."""
    config = {"_target_": "sktime.classification.dummy.DummyClassifier", "strategy": "prior"}
    record = run_task(Task("GunPoint", Method("prior", classifier=config), Protocol()), tmp_path, None)
    data = load("GunPoint")
    classes, counts = np.unique(data.y_train, return_counts=True)
    assert (record.status, set(predicted(record))) == ("ok", {classes[counts.argmax()]})
    assert record.test_accuracy == np.mean(data.y_test == classes[counts.argmax()])


def test_the_version_of_a_library_is_part_of_the_key_and_of_the_record(tmp_path, monkeypatch):
    """And of the record of no other method that runs in the same process."""
    before = Task("GunPoint", tree(), Protocol())
    again = Task("GunPoint", tree(), Protocol())
    assert again.key == before.key and distribution_of(TREE)[0] == "scikit-learn"
    assert distribution_of("baselines.RBF") is None
    record = run_task(before, tmp_path, None)
    assert record.environment["scikit-learn"] == distribution_of(TREE)[1]

    monkeypatch.setattr(methods, "version", lambda name: f"{name} of tomorrow")
    distribution_of.cache_clear()
    try:
        later = Task("GunPoint", tree(), Protocol())
        assert later.key != before.key
        assert run_task(later, tmp_path, None).environment["scikit-learn"] == "scikit-learn of tomorrow"
        kernel = Method("rbf", {"_target_": "baselines.RBF", "gamma": 1})
        assert run_task(Task("GunPoint", kernel, Protocol()), tmp_path, None).environment == record.environment
    finally:
        distribution_of.cache_clear()


def test_what_dynamic_time_warping_needs_is_in_the_record(tmp_path):
    dtaidistance = pytest.importorskip("dtaidistance")
    record = run_task(
        Task("GunPoint", Method("dtw", classifier=WARPING, normalisation="published"), Protocol()), tmp_path, None
    )
    assert record.environment["dtaidistance"] == dtaidistance.__version__
    assert f"{1 - record.test_accuracy:.4f}" == "0.0933"  # the archive's


def test_series_of_unequal_lengths_are_refused_with_what_to_do(tmp_path, monkeypatch):
    ragged.example(monkeypatch, tmp_path / "data")
    record = run_task(Task("Ragged", tree(), Protocol()), tmp_path / "study", str(tmp_path / "data"))
    assert record.status == "failed"
    assert "compares those of one length: set the method's `lengths`" in record.reason


# Without dtaidistance


@pytest.fixture
def no_dtaidistance(monkeypatch):
    found = methods.find_spec
    monkeypatch.setattr(methods, "find_spec", lambda name: None if name == "dtaidistance" else found(name))


def test_without_its_package_a_method_says_how_to_install_it(no_dtaidistance):
    assert Method("dtw", classifier=WARPING).validate().absent == "needs dtaidistance: pip install '.[context]'"
    assert tree().absent == Method("rbf", {"_target_": "baselines.RBF"}).absent == ""


def test_without_its_package_it_is_listed_and_the_rest_runs(no_dtaidistance, command, capsys, tmp_path):
    study = ["study=context", "study.datasets=[GunPoint]", "study.beside=[]"]
    study += [f"~methods.{name}" for name in ("minirocket", "rntk", "rntk_mean", "rbf")]
    assert command("runners.reproduce", *study, f"output={tmp_path}", "tracking.enabled=false", "workers=1") == 0
    printed = capsys.readouterr()
    assert printed.err.count("not run: 1nn_dtw, 1nn_dtw_learned: needs dtaidistance: pip install '.[context]'\n") == 2
    assert "1 of 3 tasks have a result" in printed.out
    heads = {head.method: head for head in store.heads(tmp_path / "context")}
    assert {name: head.status for name, head in heads.items()} == {
        "1nn_ed": "ok",
        "1nn_dtw": "skipped",
        "1nn_dtw_learned": "skipped",
    }
    assert heads["1nn_dtw"].reason == "needs dtaidistance: pip install '.[context]'"
