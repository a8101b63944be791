"""Folds, normalisation, and the key of a task."""

import numpy as np
import pytest
from sklearn.model_selection import KFold, StratifiedKFold

from rntk.normalisation import normalise
from runners.method import Method, hash_of_source
from runners.protocol import Protocol
from runners.task import Task


def test_folds_are_stratified_where_a_class_has_as_many_members_as_folds():
    y = np.repeat([0, 1], [30, 20])
    folds = Protocol().split(y, "Coffee")
    assert len(folds) == 10
    assert all(np.bincount(y[validate]).tolist() == [3, 2] for _, validate in folds)
    assert sorted(np.concatenate([validate for _, validate in folds])) == list(range(50))


@pytest.mark.parametrize(
    ("counts", "splitter"),
    [((12, 9, 3), StratifiedKFold), ((10, 10), StratifiedKFold), ((9, 9, 9), KFold), ((9, 9, 2), KFold)],
)
@pytest.mark.filterwarnings("ignore:The least populated class")
def test_folds_are_scikit_learns_and_the_largest_class_decides_which(counts, splitter):
    """Stratified where one class has ten members, however few the others have; plain where none has."""
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    protocol = Protocol(seed=3)
    theirs = splitter(10, shuffle=True, random_state=protocol.fold_seed("Coffee")).split(y, y)
    for ours, expected in zip(protocol.split(y, "Coffee"), theirs, strict=True):
        np.testing.assert_array_equal(ours[0], expected[0])
        np.testing.assert_array_equal(ours[1], expected[1])


def test_folds_where_classes_and_sets_are_small():
    assert len(Protocol().split(np.arange(12) % 6, "Coffee")) == 10  # two of each class: plain K-fold
    assert len(Protocol().split(np.array([0, 1, 0, 1, 1]), "Coffee")) == 5  # fewer series than folds


def test_folds_depend_on_seed_and_dataset_alone():
    y = np.repeat([0, 1], 40)
    validation = [
        np.concatenate([v for _, v in Protocol(seed=seed).split(y, name)])
        for seed, name in ((0, "A"), (0, "A"), (1, "A"), (0, "B"))
    ]
    np.testing.assert_array_equal(validation[0], validation[1])
    assert not np.array_equal(validation[0], validation[2])
    assert not np.array_equal(validation[0], validation[3])


def test_normalisation():
    X = np.array([[3.0, 4.0], [0.0, 0.0], [5.0, 5.0]])
    np.testing.assert_allclose(normalise(X, "unit"), [[0.6, 0.8], [0, 0], [0.5**0.5, 0.5**0.5]])
    np.testing.assert_allclose(normalise(X, "zscore"), [[-1, 1], [0, 0], [0, 0]])
    assert normalise(X, "none") is X


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"normalisation": "l1"}, "choose one of unit, zscore, none"),
        ({"tie_break": "last"}, "choose one of first, vote"),
        ({"folds": 1}, "folds=1: a whole number from 2 to 1000 is needed"),
        ({"folds": 1_000_000}, "folds=1000000"),
        ({"folds": 10.0}, "folds=10.0"),
        ({"folds": True}, "folds=True"),
        ({"max_iter": 0}, "max_iter=0"),
        ({"max_iter": True}, "max_iter=True"),
        ({"max_iter": 2**31}, "max_iter=2147483648"),
        ({"seed": "abc"}, "seed='abc': a whole number from 0 to 4294967295 is needed"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 2**32}, "seed=4294967296"),
        ({"seed": None}, "seed=None"),
        ({"C": [10**400]}, "finite values"),
        ({"C": [float("nan")]}, "finite values"),
        ({"C": "123"}, "C='123': a list of numbers"),
        ({"C": ["1"]}, "a list of numbers"),
        ({"C": [True]}, "a list of numbers"),
        ({"C": [1, 0.1]}, "ascending"),
        ({"C": [-1.0]}, "> 0"),
        ({"C": []}, "C="),
        ({"C": 10}, "C=10: a list of numbers"),
    ],
)
def test_a_protocol_that_makes_no_sense(change, message):
    with pytest.raises(ValueError, match=message):
        Protocol(**change)


def rbf(**changes):
    return Method("rbf", {"_target_": "baselines.RBF", "gamma": [0.1, 1], **changes})


def test_the_key_holds_everything_that_matters():
    task = Task("Coffee", rbf(), Protocol())
    others = [
        Task("Wine", rbf(), Protocol()),
        Task("Coffee", rbf(gamma=[0.1, 2]), Protocol()),
        Task("Coffee", rbf(gamma=[1, 0.1]), Protocol()),  # the order decides ties
        Task("Coffee", rbf(depth=[1], gamma=[0.1, 1]), Protocol()),
        Task("Coffee", Method("rbf", {"_target_": "baselines.RBF", "depth": [1], "gamma": [0.1, 1]}), Protocol()),
        Task("Coffee", rbf(), Protocol(seed=1)),
        Task("Coffee", rbf(), Protocol(C=[1])),
    ]
    assert len({task.key, *(other.key for other in others)}) == 8
    assert Task("Coffee", rbf(gamma=[0.1, 1.0]), Protocol()).key == task.key  # 1 is 1.0
    assert Task("Coffee", rbf(), Protocol()).key == task.key


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"kernel": {"_target_": "baselines.RBF", "gamma": [1, -1]}}, "method 'm': gamma=-1"),
        ({"kernel": {"_target_": "baselines.RBF", "gamma": []}}, "the list of gamma is empty"),
        ({"kernel": {"gamma": 1}}, "needs a `_target_`"),
        ({"kernel": {"_target_": "baselines.RFB"}}, "method 'm'.*RFB"),
        ({}, "exactly one of"),
        ({"kernel": {"_target_": "sklearn.svm.SVC"}}, "has no __call__, which the study calls"),
        ({"kernel": {"_target_": "baselines.RBF"}, "normalisation": "l2"}, "normalisation='l2'"),
    ],
)
def test_a_method_that_makes_no_sense(config, message):
    with pytest.raises(ValueError, match=message):
        Method("m", **config).validate()


def test_a_nonlinearity_that_is_none_is_refused_by_its_methods_name():
    method = Method("odd", {"_target_": "rntk.RNTK", "nonlinearity": ["relu", 3]})
    with pytest.raises(ValueError, match="method 'odd': nonlinearity=3"):
        method.validate()


def test_a_class_of_ones_own_is_known_by_its_file(tmp_path, monkeypatch):
    """What it computes may change while its config does not."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_kernels.py").write_text("class Mine:\n    pass\n")
    keys = []
    for comment in ("", "# another\n"):
        with open(tmp_path / "my_kernels.py", "a") as file:
            file.write(comment)
        hash_of_source.cache_clear()
        keys.append(Task("GunPoint", Method("mine", {"_target_": "my_kernels.Mine"}), Protocol()).key)
    assert keys[0] != keys[1]
    assert Method("rbf", {"_target_": "baselines.RBF"}).code is None
