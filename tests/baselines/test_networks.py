"""Networks and their training: against NumPy, against the kernel they are the limit of, and against trainings one by one."""

import jax
import numpy as np
import pytest

from baselines import training
from baselines.networks import GRU, GaussianRNN, IdentityRNN
from baselines.selection import UNUSABLE, NetworkSearch, curve, epochs_of, named, note, score
from baselines.training import History, Run, Trainer, padded
from rntk import RNTK
from rntk.sequences import as_sequences
from rntk.svm.folds import folds
from rntk.svm.machine import NotConverged
from rntk.svm.scores import OutOfTime

NETWORKS = (GaussianRNN, IdentityRNN, GRU)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def hidden(network, parameters, x):
    """The states of the last layer, (T, n), a step and a layer at a time."""
    below = x
    for layer in range(network.depth):
        h, states = np.zeros(network.width), []
        for heard in below:
            if isinstance(network, GRU):
                cell = parameters["cells"][layer]
                own = np.asarray(cell.weight_hh) @ h
                fresh = np.asarray(cell.weight_ih) @ heard + np.asarray(cell.bias)
                (r_x, z_x, c_x), (r_h, z_h, c_h) = np.split(fresh, 3), np.split(own, 3)
                z, candidate = sigmoid(z_x + z_h), np.tanh(c_x + sigmoid(r_x + r_h) * (c_h + np.asarray(cell.bias_n)))
                h = candidate + z * (h - candidate)
            else:
                W, U, b = (np.asarray(parameters["forward"][name][layer], np.float64) for name in "WUb")
                scale, bias = (np.sqrt(2), 0) if type(network) is GaussianRNN else (1, b)
                h = np.maximum(scale / np.sqrt(network.width) * W @ h + U @ heard / np.sqrt(len(heard)) + bias, 0)
            states.append(h)
        below = np.array(states)
    return below


@pytest.mark.parametrize("readout", ["last", "mean"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_outputs_are_those_of_the_formula(kind, readout):
    """Two layers, two channels; and of a sequence that begins later those of the shorter one."""
    network = kind(depth=2, width=7, readout=readout)
    parameters = network.init(jax.random.PRNGKey(3), 2, 3)
    x = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    states = hidden(network, parameters, x)
    state = states[-1] if readout == "last" else states.mean(axis=0)
    if kind is GRU:
        expected = np.asarray(parameters["readout"].weight) @ state + np.asarray(parameters["readout"].bias)
    else:
        expected = np.sqrt(2 / 7) * np.asarray(parameters["forward"]["v"]) @ state
    np.testing.assert_allclose(network.logits(parameters, x), expected, rtol=2e-5, atol=1e-6)
    longer = np.concatenate([np.full((3, 2), 5.0, np.float32), x])
    np.testing.assert_allclose(network.logits(parameters, longer, 3), expected, rtol=2e-5, atol=1e-6)


@pytest.mark.slow
def test_initialisations_have_the_stated_moments():
    """Within four standard errors of mean and variance; the identity exactly."""
    n, key = 300, jax.random.PRNGKey(1)
    for W in (GaussianRNN(width=n).init(key, 1, 40)["forward"][name] for name in ("W", "U", "v")):
        draws = np.ravel(W)
        assert abs(draws.mean()) < 4 / np.sqrt(draws.size)
        assert abs(draws.var() - 1) < 4 * np.sqrt(2 / draws.size)
    identity = IdentityRNN(width=n, depth=2).init(key, 1, 2)["forward"]
    for W, b in zip(identity["W"], identity["b"], strict=True):
        np.testing.assert_allclose(W / np.sqrt(n), np.eye(n), atol=1e-6)
        assert not np.any(b)
    cell = GRU(width=n).init(key, 1, 2)["cells"][0]
    draws = np.ravel(cell.weight_hh) * np.sqrt(n)
    assert np.abs(draws).max() <= 1
    assert abs(draws.var() - 1 / 3) < 4 * np.sqrt(4 / 45 / draws.size)


@pytest.mark.slow
@pytest.mark.parametrize("readout", ["last", "mean"])
def test_the_gaussian_network_is_that_of_the_kernel(readout):
    """The mean of f² over 400 networks is the process' kernel, with σ_w = σ_v = √2, σ_u = 1, within five standard errors."""
    X = as_sequences(np.random.default_rng(2).normal(size=(4, 5)))
    kernel = RNTK(sigma_w=np.sqrt(2), sigma_v=np.sqrt(2), readout=readout, output="nngp")
    network = GaussianRNN(width=200, readout=readout)
    values = np.float32(X.values)

    def outputs(key):
        parameters = network.init(key, 1, 1)
        return jax.vmap(lambda x: network.logits(parameters, x)[0])(values)

    f = np.asarray(jax.lax.map(outputs, jax.random.split(jax.random.PRNGKey(0), 400), batch_size=50), float)
    products = f[:, :, None] * f[:, None, :]
    error = products.std(axis=0) / np.sqrt(len(f))
    assert (np.abs(products.mean(axis=0) - kernel(X)) < 5 * error).all()


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("width", 0, "width=0"),
        ("depth", 1.5, "depth=1.5"),
        ("learning_rate", 0.0, "learning_rate=0.0"),
        ("clip", float("nan"), "clip=nan"),
        ("readout", "first", "readout='first'"),
        ("folds", 1, "folds=1: at least 2"),
        ("seeds", 0, "seeds=0"),
    ],
)
def test_parameters_out_of_range(parameter, value, message):
    with pytest.raises(ValueError, match=message):
        GRU(**{parameter: value})
    with pytest.raises(ValueError, match=message):
        GRU().set_params(**{parameter: value})


# Early stopping and the choice of the epoch, on cases made by hand.


def history(*seen):
    made = History()
    for epoch in seen:
        made.see(*epoch)
    return made


def test_the_best_epoch_is_that_of_most_correct_then_of_least_loss():
    made = history((1.0, 5, 0.9), (0.9, 7, 0.8), (0.8, 7, 0.6), (0.7, 7, 0.6), (0.6, 6, 0.1))
    assert made.best == 3
    assert not made.diverged


def test_a_training_ends_after_so_many_epochs_without_a_better_score():
    made = History()
    on = []
    for epoch in [(1.0, 5, 0.9), (0.9, 6, 0.8), (0.8, 6, 0.9), (0.7, 5, 0.1), (0.6, 6, 0.8)]:
        made.see(*epoch)
        on.append(not made.over(3))
    assert on == [True, True, True, True, False]
    assert not made.over(4)


@pytest.mark.parametrize("broken", [(np.nan, 9, 0.1), (np.inf, 9, 0.1), (0.1, 9, np.nan)])
def test_a_training_that_diverges_ends_and_its_epoch_is_known(broken):
    made = history((1.0, 5, 0.9), broken)
    assert (made.diverged, made.best) == (2, 1)
    assert made.over(100)


def test_scores_epochs_and_notes_leave_out_folds_that_diverged():
    good, late = history((1, 3, 0.5), (1, 5, 0.4)), history(*[(1, k, 0.5) for k in range(6)])
    broken = history((np.nan, 9, 0.1))
    assert score([good, late, broken]) == 5 + 5
    assert epochs_of([good, late, broken]) == 4
    assert epochs_of([good, good, late]) == 2
    assert note([good, broken]) == "diverged in fold 1, epoch 1"
    assert score([broken, broken]) == UNUSABLE
    assert epochs_of([broken]) == 0


def test_curves_are_means_over_the_runs_that_still_train():
    rows = curve("folds", {"a": 1}, [history((1.0, 2, 0.4), (0.5, 3, 0.2)), history((2.0, 4, 0.8))], [4, 8])
    assert rows == [
        {
            "on": "folds",
            "a": 1,
            "epoch": 1,
            "running": 2,
            "loss": 1.5,
            "validation_loss": 0.6,
            "validation_accuracy": 0.5,
        },
        {
            "on": "folds",
            "a": 1,
            "epoch": 2,
            "running": 1,
            "loss": 0.5,
            "validation_loss": 0.2,
            "validation_accuracy": 0.75,
        },
    ]


def test_indices_of_runs_are_filled_in_to_whole_batches():
    assert padded([np.arange(5), np.arange(2)], 2).tolist() == [[[0, 1], [2, 3], [4, -1]], [[0, 1], [-1, -1], [-1, -1]]]


# The program.


def problem(n=40, T=6, classes=2, seed=0):
    """Classes that differ in their mean, which any of these networks hears."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % classes)
    return rng.normal(size=(n, T)) + 1.5 * y[:, None], y


@pytest.mark.slow
@pytest.mark.parametrize("worth", [0, training.WORTH_COMPILING])
def test_one_batch_of_trainings_is_the_trainings_one_by_one(monkeypatch, worth):
    """Runs of unequal numbers of batches, of several rates, some of which end early and, where it is worth a program, are left out
    from then on: each as if it were alone. Rounding apart, which differs with the shapes.
    """
    monkeypatch.setattr(training, "WORTH_COMPILING", worth)
    X, y = problem(41)
    network = GaussianRNN(width=8, epochs=12, patience=3, batch=4)
    trainer = Trainer(network, as_sequences(X), y, 2)
    train, held = np.arange(28), np.arange(28, 41)
    runs = [
        Run(5, 1e-12, train, held),  # moves nowhere, and ends early
        Run(5, 0.01, train[:25], held[:6]),  # as many batches, the last one short
        Run(6, 0.01, train[:21], held),  # a batch fewer, so that it has an empty one
        Run(7, 1e-12, train, held),
    ]
    together = trainer.validate(runs)
    for run, found in zip(runs, together, strict=True):
        (alone,) = trainer.validate([run])
        assert (found.best, found.correct, found.diverged) == (alone.best, alone.correct, 0)
        np.testing.assert_allclose(found.loss, alone.loss, rtol=2e-4)
        np.testing.assert_allclose(found.validation_loss, alone.validation_loss, rtol=2e-4)
    ends = [len(found.loss) for found in together]
    assert ends[0] == ends[3] == 4 < min(ends[1:3])


@pytest.mark.slow
def test_a_training_is_rmsprop_on_clipped_gradients():
    """Two epochs of two batches, each a tenth of the series, by hand: v ← 0.9 v + 0.1 g², θ ← θ − rate g/√(v + ε), g of norm 0.01 at
    most, and another order in each epoch.
    """
    X, y = problem(20, T=3)
    network = IdentityRNN(width=4, clip=0.01)
    trainer = Trainer(network, as_sequences(X), y, 2)
    train = np.arange(4)
    (found,), kept = trainer.train([Run(9, 0.02, train, train)], 2)
    key = jax.random.PRNGKey(9)
    parameters = network.init(key, 1, 2)
    orders = [np.argsort(jax.random.uniform(jax.random.fold_in(key, epoch), 4)) for epoch in (1, 2)]
    v, losses = jax.tree.map(np.zeros_like, parameters), []

    def loss(parameters, batch):
        logits = jax.vmap(lambda x: network.logits(parameters, x))(np.float32(X[batch])[:, :, None])
        return -jax.nn.log_softmax(logits)[np.arange(2), y[batch]].mean()

    for batch in np.reshape(orders, (4, 2)):
        value, gradient = jax.value_and_grad(loss)(parameters, batch)
        losses.append(float(value))
        norm = np.sqrt(sum(float((leaf**2).sum()) for leaf in jax.tree.leaves(gradient)))
        gradient = jax.tree.map(lambda g, norm=norm: g * min(1, 0.01 / norm), gradient)
        v = jax.tree.map(lambda v, g: 0.9 * v + 0.1 * g**2, v, gradient)
        parameters = jax.tree.map(lambda p, g, v: p - 0.02 * g / np.sqrt(v + 1e-8), parameters, gradient, v)
    assert found.loss == pytest.approx([np.mean(losses[:2]), np.mean(losses[2:])], rel=1e-5)
    assert found.best == 2
    for ours, theirs in zip(jax.tree.leaves(kept), jax.tree.leaves(parameters), strict=True):
        np.testing.assert_allclose(ours[0], theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_what_is_kept_is_the_best_epoch():
    """At a rate at which the last epoch is a bad one, the parameters that are kept classify as the best did."""
    X, y = problem(30)
    trainer = Trainer(GaussianRNN(width=6, batch=8), as_sequences(X), y, 2)
    everything = np.arange(30)
    histories, kept = trainer.train([Run(seed, 0.5, everything, everything) for seed in range(3)], 8)
    labels = trainer.classify(kept, as_sequences(X))
    for found, predicted in zip(histories, labels, strict=True):
        assert np.count_nonzero(predicted == y) == found.correct[found.best - 1] == max(found.correct)
    assert any(found.correct[-1] < max(found.correct) for found in histories)


@pytest.mark.slow
def test_a_search_chooses_what_classifies_and_says_what_diverged():
    """Seeds reproduce to the digit; a rate at which everything overflows is left out, with fold and epoch."""
    X, y = problem(30)
    settings = [{"learning_rate": 1e30}, {"learning_rate": 0.01}]
    network = IdentityRNN(width=8, epochs=20, seeds=2)
    split = folds(y, 3, 0)
    search, again = (NetworkSearch(network, settings, 4).fit(X, y, split) for _ in range(2))
    assert search.setting == {"learning_rate": 0.01}
    assert search.rows[0]["correct"] == UNUSABLE
    assert search.rows[0]["note"].startswith("diverged in fold 0, epoch 1")
    assert search.cv_accuracy == search.rows[1]["correct"] / 30 > 0.8
    assert [run["seed"] for run in search.runs] == [0, 1]
    assert {run["epochs"] for run in search.runs} == {search.rows[1]["epochs"]}
    fresh, labels = problem(50, seed=1)
    predicted = search.predict(fresh)
    assert predicted.shape == (2, 50)
    assert (predicted == labels).mean() > 0.8
    assert (search.rows, search.runs, search.curves) == (again.rows, again.runs, again.curves)
    np.testing.assert_array_equal(predicted, again.predict(fresh))
    assert {row["on"] for row in search.curves} == {"folds", "all"}
    assert {row["learning_rate"] for row in search.curves} == {0.01}
    search.runs[0]["diverged"] = 3  # a network that diverged classifies nothing
    np.testing.assert_array_equal(search.predict(fresh), predicted[1:])


@pytest.mark.slow
def test_each_architecture_is_trained_as_if_it_were_alone():
    """Settings that differ in more than the rate share no program: the same rows as in searches of their own."""
    X, y = problem(20)
    settings = [{"width": 3, "learning_rate": 0.01}, {"width": 5, "learning_rate": 0.1}]
    network, split = IdentityRNN(epochs=4, seeds=1), folds(y, 2, 0)
    whole = NetworkSearch(network, settings, 1).fit(X, y, split)
    alone = [NetworkSearch(network, [setting], 1).fit(X, y, split) for setting in settings]
    assert whole.rows == [search.rows[0] for search in alone]
    scores = [row["correct"] for row in whole.rows]
    assert whole.setting == settings[int(np.argmax(scores))]
    assert whole.n_tied == scores.count(max(scores))


def test_a_search_in_which_all_diverges():
    X, y = problem(20)
    search = NetworkSearch(IdentityRNN(width=4, epochs=3), [{"learning_rate": 1e30}], 0)
    with pytest.raises(NotConverged, match="the last diverged in fold 0, epoch 1"):
        search.fit(X, y, folds(y, 2, 0))
    assert search.curves


@pytest.mark.slow
def test_sequences_of_different_lengths_are_trained_as_they_are():
    X, y = problem(24)
    ragged = [x[i % 4 :] for i, x in enumerate(X)]
    search = NetworkSearch(IdentityRNN(width=8, epochs=15, seeds=1), [{"learning_rate": 0.01}], 0)
    search.fit(ragged, y, folds(y, 2, 0))
    assert (search.predict(ragged)[0] == y).mean() > 0.8


def test_what_will_not_fit_is_refused_before_it_is_computed():
    X, y = problem(20)
    search = NetworkSearch(GaussianRNN(width=10**6), [{"learning_rate": 0.01}], 0)
    with pytest.raises(MemoryError, match=r"2 trainings of GaussianRNN.*a smaller width"):
        search.fit(X, y, folds(y, 2, 0))


@pytest.mark.slow
def test_architectures_that_fit_go_on_without_those_that_do_not():
    X, y = problem(20)
    settings = [{"width": 10**6}, {"width": 4}]
    search = NetworkSearch(IdentityRNN(epochs=2, seeds=1), settings, 0).fit(X, y, folds(y, 2, 0))
    assert search.setting == {"width": 4}
    assert search.rows[0]["correct"] == UNUSABLE
    assert "a smaller width" in search.rows[0]["note"]


def test_a_choice_that_diverges_on_the_whole_set_names_seeds_and_epochs(monkeypatch):
    """It keeps what was said of its folds, and what became of its seeds."""
    X, y = problem(20)
    broken = [History([np.nan], [0], [np.nan], diverged=1), History([0.1, np.nan], [3, 0], [0.1, np.nan], 1, 2)]
    monkeypatch.setattr(Trainer, "train", lambda *given: (broken, {}))
    search = NetworkSearch(IdentityRNN(width=4, epochs=2, seeds=2), [{"learning_rate": 0.01}], 0)
    with pytest.raises(
        NotConverged, match=r"the last diverged on the whole training set in epoch 1 \(seed 0\), 2 \(seed 1\)"
    ):
        search.fit(X, y, folds(y, 2, 0))
    assert [run["diverged"] for run in search.runs] == [1, 2]


def test_a_search_stops_in_time():
    X, y = problem(20)
    with pytest.raises(OutOfTime, match="stopped after 0 epochs"):
        NetworkSearch(GRU(width=4), [{"learning_rate": 0.01}], 0).fit(X, y, folds(y, 2, 0), deadline=0.0)


def test_seeds_come_from_names():
    assert named(3, "fold 0") == named(3, "fold 0")
    assert len({named(3, "fold 0"), named(3, "fold 1"), named(4, "fold 0"), named(3, "seed 0")}) == 4
    assert 0 <= named(3, "fold 0") < 2**32
