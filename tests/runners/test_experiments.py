"""The theory's experiments, reduced: their laws within the errors that they state, and their parts against NumPy and scikit-learn."""

import json

import numpy as np
import pytest
from sklearn.svm import SVC

from rntk import RNTK
from rntk.finite import FiniteNetwork
from rntk.recursion import Parameters, gram
from runners.experiments import distance, noise, power_law
from runners.experiments.constancy import constancy
from runners.experiments.convergence import convergence
from runners.experiments.descent import Descent, predicted, times_until
from runners.experiments.dynamics import dynamics
from runners.experiments.evolution import alignment, centred, evolution, gains, svm_accuracy
from runners.experiments.initialisation import initialisation
from runners.experiments.sensitivity import sensitivity

NETWORK = {"sigma_w": 2**0.5, "sigma_b": 0.1, "T": 3}


def within(fitted, exponent, errors=3.5):
    """Whether a fitted exponent is that of the law, and is known well enough to tell."""
    return abs(fitted["exponent"] - exponent) < errors * fitted["error"] and fitted["error"] < 0.15


def test_a_power_law_is_found_again():
    rng, widths = np.random.default_rng(0), np.repeat([16, 64, 256, 1024], 30)
    fitted = power_law(widths, 3 * widths**-0.7 * np.exp(0.3 * rng.normal(size=len(widths))))
    assert fitted["exponent"] == pytest.approx(-0.7, abs=4 * fitted["error"])
    assert fitted["error"] == pytest.approx(0.3 / np.sqrt(120) / np.log(4) / np.sqrt(1.25), rel=0.2)
    assert distance(np.full((2, 2), 3.0), np.full((2, 2), 2.0)) == pytest.approx(0.5)
    np.testing.assert_allclose(np.linalg.norm(noise(3, 5, 0), axis=1), 1)


def test_a_law_needs_two_widths():
    with pytest.raises(ValueError, match=r"two widths or more, from `fit_from` on .* got \[8\]"):
        power_law([8, 8, 8], [1.0, 2.0, 3.0])


@pytest.mark.slow
def test_the_empirical_kernel_converges_as_the_root_of_the_width():
    found = convergence([64, 256, 1024], 12, ["relu", "erf"], n=4, fit_from=64, **NETWORK)
    for nonlinearity in ("relu", "erf"):
        assert within(found.numbers[nonlinearity], -0.5)
        assert found.numbers[nonlinearity]["widest"] < 0.12
    assert len(found.rows) == 72


@pytest.mark.slow
def test_kernel_and_weights_move_less_in_wider_networks():
    found = constancy([64, 256, 1024], 4, n=4, steps=60, times=3, fit_from=64, **NETWORK)
    assert within(found.numbers["recurrent"], -1.0)
    assert within(found.numbers["input"], -0.5)
    assert found.numbers["kernel"]["exponent"] < -0.5 + 2 * found.numbers["kernel"]["error"]  # the bound of theory
    assert found.numbers["loss"] < 0.05
    assert all(row["kernel"] == row["recurrent"] == 0 for row in found.rows if row["time"] == 0)


@pytest.mark.slow
def test_a_wide_network_follows_the_closed_form():
    """The worst difference falls as n^−½, and is small at 1,024 units, for what is learned and for what is predicted."""
    found = dynamics([64, 256, 1024], 4, n=4, n_test=3, steps=100, times=6, **NETWORK)
    assert within(found.numbers["law"], -0.5)
    assert found.numbers["width 1024"] < 0.25  # measured: 0.195
    last = [row for row in found.rows if row["time"] == 100 and row["width"] == 1024]
    assert {row["set"] for row in last} == {"training", "test"}
    assert np.mean([(row["network"] - row["limit"]) ** 2 for row in last]) < 0.05


def test_the_closed_form_is_gradient_descent_on_the_kernel():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(7, 5))
    K = A @ A.T
    f, y, rate = rng.normal(size=7), rng.normal(size=4), 0.01
    now = f.copy()
    for _ in range(37):
        now -= rate * K[:, :4] @ (now[:4] - y)
    fitted, other = predicted(K[:4, :4], K[4:, :4], f[:4], f[4:], y, rate, 37)
    np.testing.assert_allclose(np.concatenate([fitted, other]), now, rtol=1e-9)


def test_descent_is_plain_gradient_descent_whatever_is_looked_at():
    network, X = FiniteNetwork(RNTK(sigma_b=0.3), 5), noise(3, 4, 0)
    y = np.array([1.0, -1.0, 1.0])
    descent = Descent(network, X, y, X, 0.1)
    often, once = list(descent.path([0, 1, 2, 5], 0)), list(descent.path([0, 5], 0))
    np.testing.assert_allclose(often[-1][1], once[-1][1], rtol=1e-5)
    np.testing.assert_array_equal(often[-1][1], often[-1][2])
    kernel = network.kernels(often[0][0], X)[0]
    np.testing.assert_allclose(  # the first step, to first order in the rate
        often[1][1] - often[0][1], -0.1 * kernel @ (often[0][1] - y), atol=0.3 * np.abs(often[1][1] - often[0][1]).max()
    )


def test_times_are_spread_over_the_logarithm():
    assert times_until(100, 3) == [0, 1, 10, 100]
    assert times_until(3, 9) == [0, 1, 2, 3]


def test_sensitivity_of_a_linear_network_is_geometric():
    """∂k(x, y)/∂x_{T−j} = σ_v² (2 + j) σ_w^{2j} y_{T−j} without biases: the share of each step, by hand."""
    T, n, w = 12, 4, 0.8
    found = sensitivity(T, n, ["linear"], ["last"], [1], [w], [0.0])
    j = np.arange(T)[::-1]
    X = noise(n, T, 0)
    weight = (2 + j) * w ** (2 * j) * np.abs(X).sum(axis=0)  # each sequence is y as often as the others
    np.testing.assert_allclose([row["share"] for row in found.rows], weight / weight.sum(), rtol=1e-9)
    half = int(np.searchsorted(np.cumsum((weight / weight.sum())[::-1]), 0.5)) + 1
    assert list(found.numbers["half"].values()) == [half]


def test_sensitivity_is_that_of_pairs_of_different_sequences():
    """By central differences of k(x, y) and k(y, x), for two sequences and ReLU: there k(x, x) leans on other steps."""
    T, w, b, eps = 8, 1.2, 0.1, 1e-5
    kernel = RNTK(sigma_w=w, sigma_b=b)
    X = noise(2, T, 0)
    steps = eps * np.eye(T)
    slopes = sum(np.abs(kernel(x + steps, y[None]) - kernel(x - steps, y[None]))[:, 0] for x, y in (X, X[::-1]))
    found = sensitivity(T, 2, ["relu"], ["last"], [1], [w], [b])
    np.testing.assert_allclose([row["share"] for row in found.rows], slopes / slopes.sum(), rtol=1e-6)


def test_what_a_network_remembers_grows_with_sigma_w_and_with_the_mean():
    half = sensitivity(40, 3, ["relu"], ["last", "mean"], [1], [0.8, 1.4], [0.1]).numbers["half"]
    last_short, last_long, mean_short, _ = half.values()
    assert last_short <= 3 < last_long
    assert 15 <= mean_short <= 25  # all steps count alike


@pytest.mark.slow
def test_orthogonal_weights_have_the_same_limit():
    found = initialisation([32, 64, 256], 8, n=4, n_test=2, steps=60, fit_from=32, **NETWORK)
    for name in ("gaussian", "orthogonal"):
        assert within(found.numbers[f"kernel, {name}"], -0.5, 4)
        widest = [row for row in found.rows if row["initialisation"] == name and row["width"] == 256]
        assert np.mean([row["kernel"] for row in widest]) < 0.3
        assert np.mean([row["trained"] for row in widest]) < 0.3


def test_orthogonal_weights_are_orthogonal():
    import jax

    parameters = FiniteNetwork(RNTK(depth=2), 6, orthogonal=True).init(jax.random.PRNGKey(0), 2)["forward"]
    for W in [*parameters["W"], *parameters["U"]]:
        np.testing.assert_allclose(W.T @ W, 6 * np.eye(W.shape[1]), atol=1e-5)
    assert [U.shape for U in parameters["U"]] == [(6, 2), (6, 6)]
    with pytest.raises(ValueError, match="width=1: orthogonal input weights for 2 channels"):
        FiniteNetwork(RNTK(), 1, orthogonal=True).init(jax.random.PRNGKey(0), 2)


# evolution


def test_alignment_is_one_for_the_labels_themselves():
    y = np.array([1.0, 1, -1, 1, 1, 1])
    assert alignment(np.outer(y, y) + 3, y) == pytest.approx(1)
    assert alignment(np.outer(1 - y, 1 - y), y) == pytest.approx(1)  # whatever the classes are called
    H = np.eye(6) - 1 / 6
    K = gram(noise(6, 4, 0), None, Parameters(1, 1, 0, 0, 1, "relu"))
    np.testing.assert_allclose(centred(K), H @ K @ H, atol=1e-12)


def test_the_svm_on_a_given_kernel_is_libsvm():
    rng = np.random.default_rng(3)
    labels = np.arange(60) % 2
    X = rng.normal(size=(60, 4)) + labels[:, None]
    K = X @ X.T
    s = np.diag(K[:40, :40]).mean()
    best = {
        SVC(kernel="precomputed", C=C).fit(K[:40, :40], labels[:40]).score(K[40:, :40], labels[40:])
        for C in (0.01, 0.1, 1, 10, 100)
    }
    assert svm_accuracy(K, labels, 40, "GunPoint") in best
    assert svm_accuracy(K / s, labels, 40, "GunPoint") > 0.7


def test_gains_are_over_seeds_and_must_last():
    rows = [
        {"epoch": epoch, "svm": svm, "network": 0.5}
        for epoch, values in {0: (0.5, 0.6), 1: (0.7, 0.8), 2: (0.5, 0.7), 4: (0.7, 0.81)}.items()
        for svm in values
    ]
    found = gains(rows)
    assert (found["svm at first"], found["gain"]) == (pytest.approx(0.55), pytest.approx(0.205))
    assert found["error"] == pytest.approx(np.std([0.2, 0.21], ddof=1) / np.sqrt(2), abs=1e-4)
    assert found["since"] == 4  # at 1 it was clear, at 2 it was not
    assert gains(rows[:-4])["since"] == 1
    assert gains(rows[:2])["since"] is None


@pytest.mark.slow
def test_the_kernel_of_a_network_that_trains():
    """On ItalyPowerDemand: it moves, the network learns, and what is found is found again to the digit."""
    asked = {
        "width": 12,
        "seeds": 1,
        "readouts": ["last"],
        "epochs": 40,
        "times": 2,
        "learning_rate": 0.01,
        "sigma_w": 1.2,
    }
    found, again = (evolution(["ItalyPowerDemand"], **asked) for _ in range(2))
    assert found.rows == again.rows
    first, *_, last = found.rows
    assert first["velocity"] == 0 < last["velocity"]
    assert last["network"] > max(0.8, first["network"])
    assert last["svm"] > 0.8
    with pytest.raises(ValueError, match="ArrowHead has 3 classes"):
        evolution(["ArrowHead"], **asked)


# The commands.


@pytest.fixture
def theory(command, tmp_path, capsys):
    def run(*overrides, code=0):
        assert command("runners.theory", f"output={tmp_path}", *overrides) == code
        return capsys.readouterr()

    return run


@pytest.mark.slow
def test_an_experiment_leaves_a_record_and_the_same_figure_from_it(theory, tmp_path):
    asked = ["experiment=sensitivity", "experiment.T=8", "experiment.n=3", "experiment.depths=[1]"]
    said = theory(*asked).out
    folder = tmp_path / "theory" / "sensitivity"
    assert str(folder / "sensitivity.{pdf,svg,png}") in said
    figures = {path.name: path.read_bytes() for path in folder.glob("sensitivity.*")}
    assert set(figures) == {"sensitivity.pdf", "sensitivity.svg", "sensitivity.png"}
    record = json.loads((folder / "record.json").read_text())
    assert record["asked"]["T"] == 8
    assert len(record["numbers"]["half"]) == 2 * 2 * 1 * 3 * 2
    assert "taken from its record" not in said
    assert "taken from its record" in theory(*asked).out
    assert figures == {path.name: path.read_bytes() for path in folder.glob("sensitivity.*")}
    assert "taken from its record" not in theory(*asked, "experiment.n=2").out


def test_an_experiment_that_cannot_be(theory):
    said = theory("experiment=evolution", "experiment.datasets=[Cofee]", code=2).err
    assert said.startswith("error: evolution: unknown dataset 'Cofee': did you mean Coffee?")
