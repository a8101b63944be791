"""`python -m runners.pictures`: the kernels that a study chose, computed anew from records and series."""

import numpy as np
import pytest

from datasets import load
from results import store
from rntk import RNTK
from rntk.normalisation import normalise
from runners.pictures import chosen, examples, pictures, steps_looked_at
from tests.results.figures.reading import texts
from tests.results.records import record

RECURRENT = {"_target_": "rntk.RNTK", "sigma_w": [1.34, 1.4], "sigma_b": 0.1}
GAUSSIAN = {"_target_": "baselines.Gaussian", "multiple": [0.5, 1.0]}
PROTOCOL = {"normalisation": "unit", "folds": 10, "C": [1.0]}


def task(method, what, selected, dataset="GunPoint", **more):
    """A task as a study leaves it, of a dataset that sktime brings."""
    fields = {"method_config": {"name": method, **what}, "protocol": PROTOCOL, "selected": selected}
    return record(dataset, method, **{"accuracy": 0.5} | fields | more)


@pytest.fixture(scope="module")
def tasks():
    return {
        "rntk": task("rntk", {"kernel": RECURRENT}, {"sigma_w": 1.4, "C": 1.0}),
        "gaussian": task("gaussian", {"kernel": GAUSSIAN}, {"multiple": 0.5, "C": 1.0}),
        "1nn_ed": task("1nn_ed", {"classifier": {"_target_": "baselines.NearestNeighbour"}}, {}),
    }


def test_a_gram_is_that_of_the_chosen_setting_over_its_mean_diagonal(tasks):
    """The Gaussian's bandwidth is a multiple of the median distance in the training set."""
    X = normalise(load("GunPoint").X_train, "unit")
    K = RNTK(sigma_w=1.4, sigma_b=0.1)(X)
    assert np.allclose(chosen(tasks["rntk"]).gram(), K / np.diag(K).mean(), rtol=1e-9)
    found = chosen(tasks["gaussian"]).gram()
    distance = np.linalg.norm(X[:, None] - X[None], axis=2)
    median = np.median(distance[np.triu_indices(len(X), 1)])
    assert np.allclose(found, np.exp(-(distance**2) / (2 * (0.5 * median) ** 2)))


def test_the_sensitivity_is_the_mean_slope_of_the_kernel():
    """Against central differences, over the other series, of the mean of |∂k(x, y)/∂x_t|."""
    X, k, h = np.random.default_rng(0).normal(size=(4, 5)), RNTK(sigma_w=1.3, sigma_b=0.2), 1e-6
    others = X[[0, 1, 3]]
    slopes = []
    for t in range(5):
        step = h * np.eye(5)[t]
        slopes.append(np.abs(k((X[2] + step)[None], others) - k((X[2] - step)[None], others)).mean() / (2 * h))
    for series in (X, list(X)):
        assert np.allclose(steps_looked_at(k, series, 2), slopes, rtol=1e-5)


def test_of_several_channels_each_has_its_slope():
    X, k, h = np.random.default_rng(0).normal(size=(4, 5, 2)), RNTK(sigma_w=1.3, sigma_b=0.2), 1e-6
    slopes = np.zeros((5, 2))
    for t, c in np.ndindex(5, 2):
        step = np.zeros((5, 2))
        step[t, c] = h
        slopes[t, c] = np.abs(k((X[2] + step)[None], X[[0, 1, 3]]) - k((X[2] - step)[None], X[[0, 1, 3]])).mean() / (
            2 * h
        )
    for series in (X, list(X)):
        assert np.allclose(steps_looked_at(k, series, 2), slopes, rtol=1e-5)


def test_the_caption_says_which_channels_and_which_series():
    for name, said in {
        "BasicMotions": "of each class the series nearest to its mean. 6 of 6 channels one below another",
        "JapaneseVowels": "of each class the first series. 6 of 12 channels one below another",
    }.items():
        _, steps = pictures(name, [task("rntk", {"kernel": RECURRENT}, {"sigma_w": 1.4, "C": 1.0}, name)])
        assert said in steps.caption


def test_of_a_class_the_series_nearest_to_its_mean_is_shown():
    X = np.array([[0.0, 0.0], [9.0, 9.0], [4.0, 4.0], [1.0, 0.0], [0.0, 1.0]])
    y = np.array(["10", "10", "10", "9", "9"])
    assert examples(X, y) == {"9": 3, "10": 2}  # the means are (4.3, 4.3) and (0.5, 0.5), in which both are equal
    assert list(examples(X, y)) == ["9", "10"]
    assert examples([*X], y) == {"9": 3, "10": 0}
    assert examples(np.stack([X, X], axis=2), y) == {"9": 3, "10": 2}
    assert len(examples(np.zeros((9, 2)), np.array(list("abcdefghi")))) == 6


def test_the_pictures_of_a_dataset(tasks):
    grams, steps = pictures("GunPoint", [tasks["rntk"], tasks["gaussian"]])
    assert (grams.name, steps.name) == ("GunPoint_grams", "GunPoint_sensitivity")
    said = texts(grams.draw())
    assert any(text.startswith("rntk\n") for text in said) and any(text.startswith("gaussian\n") for text in said)
    assert sum("for 90 %" in text for text in said) == 2
    said = texts(steps.draw())
    assert {"rntk", "class 1", "class 2"} <= set(said) and "gaussian" not in said
    with pytest.raises(ValueError, match="sensitivities are of RNTKs, and none is among gaussian"):
        pictures("GunPoint", [tasks["gaussian"]])[1].draw()


def test_the_command_writes_them_and_says_what_is_not_drawn(command, capsys, tmp_path, tasks):
    store.write(tasks["gaussian"], tmp_path)
    arguments = (tmp_path, "--datasets", "GunPoint", "--methods", "gaussian")
    assert command("runners.pictures", *arguments) == 0
    said = capsys.readouterr()
    assert [line.rsplit("/", 1)[1] for line in said.out.splitlines()] == [
        "GunPoint_grams.pdf",
        "GunPoint_grams.svg",
        "GunPoint_grams.png",
        "captions.csv",
    ]
    assert said.err == "not drawn: GunPoint_sensitivity: sensitivities are of RNTKs, and none is among gaussian\n"
    assert (tmp_path / "pictures" / "GunPoint_grams.pdf").exists()


@pytest.mark.parametrize(
    ("dataset", "method", "message"),
    [
        ("GunPoint", "svm", " has no record of GunPoint svm"),
        ("GunPoint", "1nn_ed", "1nn_ed is a classifier: it has no Gram"),
        ("GunPoint", "broken", "GunPoint broken has no result: failed"),
        ("Beef", "rntk", "Beef is in no local source"),
    ],
)
def test_what_cannot_be_had_is_an_error(command, capsys, tmp_path, tasks, dataset, method, message):
    found = [*tasks.values(), task("broken", {"kernel": GAUSSIAN}, {}, accuracy=None)]
    for one in [*found, task("rntk", {"kernel": RECURRENT}, {"sigma_w": 1.4}, "Beef")]:
        store.write(one, tmp_path)
    assert command("runners.pictures", tmp_path, "--datasets", dataset, "--methods", method) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ") and message in said.err
    assert not (tmp_path / "pictures").exists()
