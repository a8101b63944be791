"""Series of different lengths through the study, against the same by hand."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.svm import SVC

from rntk import RNTK
from runners.evaluate import published_normalisation, run_task
from runners.method import Method
from runners.protocol import Protocol
from runners.task import Task
from tests.datasets import ragged

C = 1.0
PROTOCOL = Protocol(C=(C,), folds=4)


def unit(x):
    return x / np.linalg.norm(x)


def zscore(x):
    return (x - x.mean()) / x.std()


def at(x, T):
    """Linear interpolation at T times, one by one."""
    times = [i * (len(x) - 1) / (T - 1) for i in range(T)]
    return np.array([x[int(t)] + (t - int(t)) * (x[min(int(t) + 1, len(x) - 1)] - x[int(t)]) for t in times])


def filled(x, T):
    return np.append(x[:T], np.zeros(max(T - len(x), 0)))


@pytest.fixture
def example(monkeypatch, tmp_path):
    return ragged.example(monkeypatch, tmp_path / "data")


def evaluated(tmp_path, method, protocol=PROTOCOL):
    return run_task(Task("Ragged", method, protocol), tmp_path, str(tmp_path / "data"))


def svc(K, K_test, y):
    return SVC(kernel="precomputed", C=C).fit(K, y).predict(K_test).tolist()


def predicted(record):
    assert record.status == "ok", record.reason
    return [row["predicted"] for row in record.predictions]


def test_the_rntk_compares_series_as_they_are(example, tmp_path):
    """Prediction by prediction: each series of unit norm, aligned at its end, and plain LIBSVM on the Gram."""
    record = evaluated(tmp_path, Method("rntk", {"_target_": "rntk.RNTK", "sigma_w": 1.3, "sigma_b": 0.2}))
    k = RNTK(sigma_w=1.3, sigma_b=0.2)
    (X, y), (X_test, y_test) = example.values()
    X, X_test = [unit(x) for x in X], [unit(x) for x in X_test]
    expected = svc(k(X), k(X_test, X), y)
    assert predicted(record) == expected
    assert record.test_accuracy == np.mean(np.array(expected) == y_test)
    assert record.length is None


@pytest.mark.parametrize("lengths", ["pad", "cut", "resample"])
def test_a_kernel_of_one_length_sees_series_brought_to_it(example, tmp_path, lengths):
    """To the longest or shortest training series, while there are shorter and longer ones in the test set; padded after, cut and
    resampled before the normalisation.
    """
    (X, y), (X_test, _) = example.values()
    T = (min if lengths == "cut" else max)(len(x) for x in X)
    assert {min(map(len, X)), max(map(len, X)), min(map(len, X_test)), max(map(len, X_test))} == {5, 12, 3, 14}
    change = {
        "pad": lambda x: filled(zscore(x), T),
        "cut": lambda x: zscore(filled(x, T)),
        "resample": lambda x: zscore(at(x, T)),
    }[lengths]
    A, B = (np.array([change(x) for x in Z]) for Z in (X, X_test))
    K, K_test = (np.exp(-0.05 * cdist(Z, A, "sqeuclidean")) for Z in (A, B))
    kernel = {"_target_": "baselines.RBF", "gamma": 0.05}
    record = evaluated(tmp_path, Method("rbf", kernel, normalisation="zscore", lengths=lengths))
    assert predicted(record) == svc(K, K_test, y)
    assert record.length == T


def test_published_errors_are_of_series_padded_to_the_files_width_and_then_normalised(example, tmp_path):
    method = Method("1nn_ed", classifier={"_target_": "baselines.NearestNeighbour"}, normalisation="published")
    (X, y), (X_test, _) = example.values()
    A, B = (np.array([zscore(filled(x, 15)) for x in Z]) for Z in (X, X_test))
    assert predicted(evaluated(tmp_path, method)) == y[cdist(B, A).argmin(axis=1)].tolist()


def test_a_kernel_of_one_length_says_what_to_do(example, tmp_path):
    for target in ("baselines.RBF", "baselines.Gaussian"):
        record = evaluated(tmp_path, Method("mine", {"_target_": target}))
        assert record.status == "failed"
        assert "Ragged has series of 5 to 12 steps" in record.reason
        assert record.reason.endswith("set the method's `lengths` to pad, cut or resample")


def test_a_classifier_of_one_length_says_what_to_do(example, tmp_path):
    target = {"_target_": "baselines.NearestNeighbour"}
    record = evaluated(tmp_path, Method("mine", classifier=target))
    assert record.status == "failed"
    assert record.reason.endswith(
        "NearestNeighbour compares those of one length: set the method's `lengths` to pad, cut or resample"
    )
    with pytest.raises(ValueError, match="normalisation=published pads series to the width of the archive's files"):
        Method("mine", classifier=target, normalisation="published", lengths="cut")


def test_lengths_that_there_are_not():
    with pytest.raises(ValueError, match="lengths='stretch': choose one of pad, cut, resample"):
        Method("rbf", {"_target_": "baselines.RBF"}, lengths="stretch")


def test_what_is_done_to_lengths_and_holes_is_in_the_key(example):
    plain = Task("Ragged", Method("rbf", {"_target_": "baselines.RBF"}), PROTOCOL)
    padded = Task("Ragged", Method("rbf", {"_target_": "baselines.RBF"}, lengths="pad"), PROTOCOL)
    filled = Task("Ragged", plain.method, Protocol(C=(C,), folds=4, missing="interpolate"))
    assert len({plain.key, padded.key, filled.key}) == 3
    assert "missing" not in plain.protocol.as_dict()


def test_holes_are_filled_in_where_the_protocol_says_so(monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    sets = {"TRAIN": ragged.series(rng, 12, (6, 6)), "TEST": ragged.series(rng, 8, (6, 6))}
    for X, _ in sets.values():
        X[0][2] = np.nan
    ragged.write(tmp_path / "data", "Ragged", sets, 6)
    ragged.add(monkeypatch, ragged.entry("Ragged", sets, length=6, missing=True))
    method = Method("rbf", {"_target_": "baselines.RBF"})
    refused = evaluated(tmp_path, method)
    assert (refused.status, "protocol.missing" in refused.reason) == ("failed", True)
    record = evaluated(tmp_path, method, Protocol(C=(C,), folds=4, missing="interpolate"))
    X, X_test = ([*X] for X, _ in sets.values())
    for x in (X[0], X_test[0]):
        x[2] = (x[1] + x[3]) / 2
    K, K_test = (np.exp(-cdist([unit(x) for x in Z], [unit(x) for x in X], "sqeuclidean")) for Z in (X, X_test))
    assert predicted(record) == svc(K, K_test, sets["TRAIN"][1])


def test_how_the_archive_treated_them():
    assert published_normalisation("GestureMidAirD1") == "zscore"
    assert published_normalisation("GestureMidAirD2") == "none"
    assert published_normalisation("PLAID") == "zscore"  # not known, and so it was of the others
    with pytest.raises(ValueError, match="how SemgHandGenderCh2 was normalised"):
        published_normalisation("SemgHandGenderCh2")
