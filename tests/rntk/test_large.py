"""Grams larger than memory: in blocks, in files that go on where they were interrupted, or by landmarks."""

import json
import subprocess
import sys
import tracemalloc
from contextlib import nullcontext

import numpy as np
import pytest

from baselines import NTK, RBF, Polynomial
from datasets.synthetic import noisy_sinusoids
from rntk import RNTK, NystroemFeatures, gram_blocks, gram_file, machine

KERNEL = RNTK(sigma_w=1.3, sigma_b=0.2, sigma_h=0.5)


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(53, 12))


@pytest.mark.parametrize("block", [1, 7, 53, 100])
@pytest.mark.parametrize("kernel", [KERNEL, RBF(gamma=0.1)])
def test_blocks_are_the_gram(X, block, kernel):
    K, seen = np.full((53, 53), np.nan), np.zeros((53, 53), int)
    for rows, columns, values in gram_blocks(kernel, X, block=block):
        K[rows, columns], K[columns, rows] = values, values.T
        seen[rows, columns] += 1
    np.testing.assert_allclose(K, kernel(X), rtol=1e-12)
    assert (seen + seen.T > 0).all() and seen.max() == 1
    K = np.full((53, 20), np.nan)
    for rows, columns, values in gram_blocks(kernel, X, X[:20].copy(), block=block):
        K[rows, columns] = values
    np.testing.assert_allclose(K, kernel(X, X[:20].copy()), rtol=1e-12)


def test_blocks_of_unequal_lengths_are_the_gram():
    """Sorted by length, so that all sequences of a block are shorter than the longest of the set."""
    rng = np.random.default_rng(0)
    X = [rng.normal(size=length) for length in range(2, 16)]
    K = np.full((14, 14), np.nan)
    for rows, columns, values in gram_blocks(KERNEL, X, block=4):
        K[rows, columns], K[columns, rows] = values, values.T
    np.testing.assert_allclose(K, KERNEL(X), rtol=1e-12)


def test_a_file_holds_the_gram_and_says_what_it_holds(X, tmp_path):
    K = gram_file(KERNEL, X, tmp_path / "K.npy", block=20)
    np.testing.assert_allclose(K, KERNEL(X), rtol=1e-12)
    np.testing.assert_array_equal(K, np.asarray(K).T)
    note = json.loads((tmp_path / "K.npy.json").read_text())
    assert note["kernel"] == (
        "RNTK(sigma_w=1.3, sigma_u=1.0, sigma_b=0.2, sigma_h=0.5, sigma_v=1.0, nonlinearity='relu', depth=1, frozen=0, "
        "readout='last', direction='forward', output='ntk', dtype='float64', backend='cpu')"
    )
    assert note["done"] == 6
    single = RNTK(sigma_w=1.3, dtype="float32")
    assert gram_file(single, X, tmp_path / "single.npy").dtype == np.float32
    rectangular = gram_file(KERNEL, X, tmp_path / "xy.npy", X[:9].copy(), block=20)
    np.testing.assert_allclose(rectangular, KERNEL(X, X[:9].copy()), rtol=1e-12)


def test_an_interrupted_file_goes_on_and_a_finished_one_is_not_computed_again(X, tmp_path):
    blocks = []

    class Interrupted(RNTK):
        def __call__(self, *arguments):
            if len(arguments[0]) > 2:  # two series are what the file is known by
                blocks.append(arguments)
                if len(blocks) == 4:
                    raise KeyboardInterrupt
            return super().__call__(*arguments)

    kernel = Interrupted(sigma_w=1.3)
    with pytest.raises(KeyboardInterrupt):
        gram_file(kernel, X, tmp_path / "K.npy", block=20)
    done = []
    K = gram_file(kernel, X, tmp_path / "K.npy", block=20, report=lambda *count: done.append(count))
    assert done == [(4, 6), (5, 6), (6, 6)] and len(blocks) == 7
    np.testing.assert_allclose(K, RNTK(sigma_w=1.3)(X), rtol=1e-12)
    gram_file(kernel, X, tmp_path / "K.npy", block=20)
    assert len(blocks) == 7


def test_a_process_that_is_killed_leaves_a_file_that_goes_on(tmp_path):
    code = """
import os, sys, numpy as np
from rntk import RNTK, gram_file
X = np.random.default_rng(0).normal(size=(60, 12))
gram_file(RNTK(), X, sys.argv[1], block=16, report=lambda done, all: done == 5 and os.kill(os.getpid(), 9))
"""
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path / "K.npy")])
    assert killed.returncode == -9
    X, done = np.random.default_rng(0).normal(size=(60, 12)), []
    K = gram_file(RNTK(), X, tmp_path / "K.npy", block=16, report=lambda *count: done.append(count))
    assert done[0] == (6, 10)
    np.testing.assert_allclose(K, RNTK()(X), rtol=1e-12)


def test_a_file_of_another_gram_is_refused(X, tmp_path):
    gram_file(KERNEL, X, tmp_path / "K.npy", block=20)
    gram_file(KERNEL, X, tmp_path / "XY.npy", X[:9].copy(), block=20)
    for arguments, what in (
        ((RNTK(), X, tmp_path / "K.npy"), "kernel, values"),
        ((KERNEL, X + 1, tmp_path / "K.npy"), "X, values"),
        ((KERNEL, X[:50], tmp_path / "K.npy"), "X, shape"),
        ((KERNEL, X, tmp_path / "XY.npy", X[9:18]), "Y"),
        ((KERNEL, X, tmp_path / "K.npy", X.copy()), "Y"),
    ):
        with pytest.raises(ValueError, match=f"another Gram \\({what} differ\\): remove it"):
            gram_file(*arguments, block=20)
    note = tmp_path / "K.npy.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "version": "0.0"}))
    with pytest.raises(ValueError, match=r"another Gram \(version differ\)"):
        gram_file(KERNEL, X, tmp_path / "K.npy", block=20)
    np.save(tmp_path / "mine.npy", X)
    with pytest.raises(ValueError, match="another Gram"):
        gram_file(KERNEL, X, tmp_path / "mine.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "mine.npy"), X)


def test_a_file_that_was_removed_is_computed_again(X, tmp_path):
    """Its note alone, which says that it is complete, is worth nothing."""
    gram_file(KERNEL, X, tmp_path / "K.npy")
    (tmp_path / "K.npy").unlink()
    np.testing.assert_allclose(gram_file(KERNEL, X, tmp_path / "K.npy"), KERNEL(X), rtol=1e-12)


@pytest.mark.parametrize("complete", [False, True])
def test_a_file_begun_in_other_blocks_is_refused(X, tmp_path, complete):
    """How many blocks are done says nothing of blocks of another size."""

    def interrupt(done, blocks):
        if done == 2 and not complete:
            raise KeyboardInterrupt

    with nullcontext() if complete else pytest.raises(KeyboardInterrupt):
        gram_file(KERNEL, X, tmp_path / "K.npy", block=20, report=interrupt)
    with pytest.raises(ValueError, match=r"another Gram \(block differ\)"):
        gram_file(KERNEL, X, tmp_path / "K.npy", block=10)
    np.testing.assert_allclose(gram_file(KERNEL, X, tmp_path / "K.npy", block=20), KERNEL(X), rtol=1e-12)


def test_silence_before_a_sequence_is_no_part_of_it(tmp_path):
    """A sequence that begins with zeros, and the same one without them: padded, they are equal."""
    first = np.random.default_rng(0).normal(size=(2, 5))
    late, silent = [*first, np.ones(3)], [*first, np.array([0, 0, 1, 1, 1.0])]
    K = gram_file(KERNEL, late, tmp_path / "K.npy")
    with pytest.raises(ValueError, match=r"another Gram \(X differ\)"):
        gram_file(KERNEL, silent, tmp_path / "K.npy")
    assert K[2, 2] != KERNEL(silent)[2, 2]


def test_a_function_is_known_by_what_it_computes(X, tmp_path):
    """Its representation names an address, which the next function may have."""
    rise = lambda a: 1.5 * np.tanh(a)  # noqa: E731
    K = gram_file(RNTK(nonlinearity=rise), X, tmp_path / "K.npy")
    again = lambda a: 1.5 * np.tanh(a)  # noqa: E731
    done = []
    gram_file(RNTK(nonlinearity=again), X, tmp_path / "K.npy", report=lambda *count: done.append(count))
    assert done == []
    other = lambda a: np.tanh(a)  # noqa: E731
    with pytest.raises(ValueError, match=r"another Gram \(values differ\)"):
        gram_file(RNTK(nonlinearity=other), X, tmp_path / "K.npy")
    np.testing.assert_array_equal(K, RNTK(nonlinearity=rise)(X))


@pytest.mark.parametrize("block", [0, -1, 2.5, "8"])
def test_a_block_is_a_whole_number_of_series(X, block, tmp_path):
    with pytest.raises(ValueError, match=r"block=.*at least 1"):
        list(gram_blocks(KERNEL, X, block=block))
    with pytest.raises(ValueError, match=r"block=.*at least 1"):
        gram_file(KERNEL, X, tmp_path / "K.npy", block=block)
    assert not list(tmp_path.iterdir())


def test_what_will_not_fit_is_refused_before_it_is_computed(monkeypatch, tmp_path):
    X = np.zeros((10**6, 1))
    with pytest.raises(
        MemoryError, match=r"1000000 × 1000000 float64 by RNTK needs 7450.6 GiB, and .* are free: .*gram_file"
    ):
        RNTK()(X)
    with pytest.raises(MemoryError, match=r"float32 by RNTK needs 3725\.3 GiB"):
        RNTK(dtype="float32")(X)
    with pytest.raises(MemoryError, match="by RBF"):
        RBF()(X)
    monkeypatch.setattr(machine, "available", lambda: 100 * 2**20)
    with pytest.raises(MemoryError, match="needs 122 MiB, and 100 MiB of memory are free"):
        RNTK()(np.zeros((4000, 1)))
    RNTK()(np.zeros((3000, 1)))
    with pytest.raises(MemoryError, match=r"belongs to 200 series of 1000 steps \(67 numbers a step\) needs 102 MiB"):
        RNTK(nonlinearity="tanh")(np.zeros((200, 1000)))
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("usage", (), {"free": 10**6}))
    with pytest.raises(OSError, match=r"needs 7450\.6 GiB, and .* has 1 MiB"):
        gram_file(RNTK(), X, tmp_path / "K.npy")


@pytest.mark.parametrize("kernel", [RNTK(), RNTK(dtype="float32"), RBF(), Polynomial(), NTK()])
def test_what_a_gram_takes_is_foreseen(kernel, monkeypatch):
    """As measured, but for the buffers of threads, which a large Gram does not notice."""
    X = np.random.default_rng(0).normal(size=(1500, 1))
    monkeypatch.setattr(machine, "WORTH_ASKING", 0)
    kernel(X[:2])
    tracemalloc.start()
    kernel(X)
    _, taken = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    monkeypatch.setattr(machine, "available", lambda: int(0.75 * taken))
    with pytest.raises(MemoryError, match="of memory are free"):
        kernel(X)
    monkeypatch.setattr(machine, "available", lambda: 2 * taken)
    kernel(X)


def test_a_containers_limit_counts_and_its_file_cache_does_not(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("700000\n")
    (tmp_path / "memory.stat").write_text("anon 500000\ninactive_file 200000\n")
    assert machine.available() == 500_000
    (tmp_path / "memory.max").write_text("max\n")
    assert machine.available() > 500_000


def test_features_are_the_kernel_where_all_series_are_landmarks(X):
    kernel = RNTK(sigma_w=1.3, sigma_b=0.2)
    features = NystroemFeatures(kernel, n_landmarks=100)
    F = features.fit_transform(X)
    np.testing.assert_allclose(F @ F.T, kernel(X), rtol=1e-6)
    Y = np.random.default_rng(1).normal(size=(9, 12))
    np.testing.assert_allclose(features.transform(Y) @ F.T, kernel(Y, X), rtol=1e-6)


def test_more_landmarks_come_closer_and_blocks_change_nothing(X):
    kernel = RNTK(sigma_w=1.3, sigma_b=0.2)
    errors = []
    for m in (5, 15, 40):
        F = NystroemFeatures(kernel, n_landmarks=m, seed=3).fit_transform(X)
        assert F.shape == (53, m)
        np.testing.assert_allclose(F, NystroemFeatures(kernel, m, 3, block=10).fit_transform(X), rtol=1e-10)
        errors.append(np.abs(F @ F.T - kernel(X)).max())
    assert errors[0] > errors[1] > errors[2]


def test_landmarks_are_drawn_by_their_seed(X):
    """From the set, without repetition; a product is exact where one of the two is a landmark."""
    kernel = RNTK(sigma_w=1.3, sigma_b=0.2)
    drawn = [NystroemFeatures(kernel, 10, seed).fit(X) for seed in (1, 1, 2)]
    rows = [{row.tobytes() for row in features.landmarks_.values} for features in drawn]
    assert rows[0] == rows[1] != rows[2]
    for features, found in zip(drawn, rows, strict=True):
        assert len(found) == 10 and found <= {row.tobytes() for row in X}
        Z = features.landmarks_
        np.testing.assert_allclose(features.transform(Z) @ features.transform(X).T, kernel(Z, X), rtol=1e-13)


def test_duplicates_among_the_landmarks_lower_the_rank_and_break_nothing(X):
    doubled = np.concatenate([X[:10], X[:10]])
    F = NystroemFeatures(RNTK(), 20).fit_transform(doubled)
    assert F.shape == (20, 10)
    np.testing.assert_allclose(F @ F.T, RNTK()(doubled), rtol=1e-13)


def test_landmarks_work_with_scikit_learn(X):
    from sklearn.base import clone
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    X, y = noisy_sinusoids(400, 40, classes=3, noise=0.3)
    model = make_pipeline(NystroemFeatures(RNTK(sigma_w=1.38, sigma_b=0.1), 100), LinearSVC())
    model = clone(model).set_params(nystroemfeatures__n_landmarks=80)
    assert model.fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.8


@pytest.mark.parametrize("bad", [{"n_landmarks": 0}, {"n_landmarks": 2.5}, {"block": 0}])
def test_landmarks_out_of_range_are_refused(X, bad):
    with pytest.raises(ValueError, match="a whole number of at least 1"):
        NystroemFeatures(KERNEL, **bad).fit(X)


def test_transform_needs_fit(X):
    with pytest.raises(ValueError, match="call fit"):
        NystroemFeatures(KERNEL).transform(X)
    with pytest.raises(ValueError, match="no parameter 'landmark'"):
        NystroemFeatures(KERNEL).set_params(landmark=3)
