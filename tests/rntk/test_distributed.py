"""Grams and features as Dask arrays: the numbers of the local ones, computed where they are needed."""

import re
import subprocess
import sys
from types import SimpleNamespace

import dask
import dask.array as da
import numba
import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

from baselines import NTK, RBF, Polynomial
from datasets.synthetic import noisy_sinusoids
from rntk import RNTK, NystroemFeatures, distributed, gram_blocks
from rntk.distributed import gram
from rntk.sequences import as_sequences

KERNEL = RNTK(sigma_w=1.3, sigma_b=0.2, sigma_h=0.5)


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(53, 12))


@pytest.fixture
def ragged():
    rng = np.random.default_rng(0)
    return [rng.normal(size=length) for length in rng.integers(3, 13, size=31)]


class Counted(RNTK):
    """A kernel that keeps what it is called with, and on how many threads."""

    calls: list = []  # noqa: RUF012
    threads = numba.get_num_threads

    def __call__(self, X, Y=None):
        self.calls.append((len(X), None if Y is None else len(Y), Counted.threads()))
        return super().__call__(X, Y)


@pytest.fixture
def counted():
    Counted.calls.clear()
    with dask.config.set(scheduler="sync"):
        yield Counted(sigma_b=0.2)


def by_blocks(kernel, X, Y=None, block=20):
    X, Y = as_sequences(X), None if Y is None else as_sequences(Y)
    K = np.full((len(X), len(X if Y is None else Y)), np.nan, getattr(kernel, "dtype", "float64"))
    for rows, columns, values in gram_blocks(kernel, X, Y, block):
        K[rows, columns] = values
        if Y is None:
            K[columns, rows] = values.T
    return K


@pytest.mark.parametrize(
    "kernel",
    [
        KERNEL,
        RNTK(dtype="float32", sigma_b=0.1),
        RNTK(depth=2, direction="both"),
        RNTK(nonlinearity="erf", output="nngp"),
        RNTK(readout="mean_untied", sigma_v=0.7),
    ],
)
def test_a_gram_is_the_local_one_to_the_last_digit(X, kernel):
    X[40] = X[3]  # a pair that is computed in the precise form, off the diagonal
    K = gram(kernel, X, block=20)
    assert K.chunks == ((20, 20, 13), (20, 20, 13)) and K.dtype == kernel.dtype
    np.testing.assert_array_equal(K.compute(scheduler="threads"), kernel(X), strict=True)
    Y = X[:7].copy()
    np.testing.assert_array_equal(gram(kernel, X, Y, block=20).compute(), kernel(X, Y), strict=True)


@pytest.mark.parametrize("kernel", [RNTK(readout="mean", sigma_b=0.1), NTK(), Polynomial(), RBF(gamma=0.1)])
def test_a_gram_is_that_of_the_same_blocks_to_the_last_digit(X, kernel):
    """Also of kernels whose sums depend on the block."""
    np.testing.assert_array_equal(gram(kernel, X, block=20).compute(), by_blocks(kernel, X))
    Y = X[:30].copy()
    np.testing.assert_array_equal(gram(kernel, X, Y, block=20).compute(), by_blocks(kernel, X, Y))
    np.testing.assert_allclose(gram(kernel, X, block=20).compute(), kernel(X), rtol=1e-12)


def test_series_of_unequal_lengths(ragged):
    np.testing.assert_array_equal(gram(KERNEL, ragged, block=7).compute(), KERNEL(ragged))
    np.testing.assert_array_equal(
        gram(KERNEL, as_sequences(ragged), ragged[:9], 7).compute(), KERNEL(ragged, ragged[:9])
    )
    with pytest.raises(ValueError, match="X has 12 steps and Y has 5: they must be equal"):
        gram(RBF(), np.ones((3, 12)), np.ones((3, 5)))


def test_chunks_of_series_are_blocks(X):
    lazy = da.from_array(X, chunks=((10, 30, 13), 12))
    K = gram(KERNEL, lazy)
    assert K.chunks == ((10, 30, 13), (10, 30, 13))
    np.testing.assert_array_equal(K.compute(), KERNEL(X))
    mixed = gram(KERNEL, X[:25], lazy, block=20)
    assert mixed.chunks == ((20, 5), (10, 30, 13))
    np.testing.assert_array_equal(mixed.compute(), KERNEL(X[:25], X))
    channels = X.reshape(53, 4, 3)
    lazy = da.from_array(channels, chunks=(20, -1, -1))
    np.testing.assert_array_equal(gram(KERNEL, lazy).compute(), KERNEL(channels))
    np.testing.assert_array_equal(gram(KERNEL, (10 * lazy).round()).compute(), KERNEL((10 * channels).round()))


def test_what_is_symmetric_is_computed_once(X, counted):
    K = gram(counted, X, block=20)
    assert not Counted.calls
    full = K.compute()
    assert sorted(call[:2] for call in Counted.calls if call[1]) == [(20, 13), (20, 13), (20, 20)]
    assert sorted(call[0] for call in Counted.calls if not call[1]) == [13, 20, 20]
    np.testing.assert_array_equal(full, full.T)


def test_only_what_is_needed_is_computed(X, counted):
    K = gram(counted, da.from_array(X, chunks=(20, 12)))
    part = K[45:, :20].compute()  # below the diagonal: of the block above
    assert [call[:2] for call in Counted.calls] == [(20, 13)]
    np.testing.assert_array_equal(part, RNTK(sigma_b=0.2)(X)[45:, :20])


def test_a_task_takes_one_thread_and_leaves_the_rest_as_they_were(X, counted, monkeypatch):
    threads = [5]
    stand_in = SimpleNamespace(get_num_threads=lambda: threads[0], set_num_threads=lambda n: threads.__setitem__(0, n))
    monkeypatch.setattr(distributed, "numba", stand_in)
    monkeypatch.setattr(Counted, "threads", lambda: threads[0])
    gram(counted, X, block=20).sum().compute()
    assert {call[2] for call in Counted.calls} == {1} and threads == [5]
    with pytest.raises(ValueError, match="NaN"):
        gram(counted, da.full((4, 3), np.nan)).compute()
    assert threads == [5]


def test_names_are_of_kernel_and_data(X):
    lazy = da.from_array(X, chunks=(20, 12))
    names = [
        gram(*arguments, **options).name
        for arguments, options in (
            ((KERNEL, X), {}),
            ((RNTK(), X), {}),
            ((RNTK(nonlinearity=lambda a: np.tanh(a)), X), {}),
            ((RNTK(nonlinearity=lambda a: np.tanh(a) / 2), X), {}),
            ((KERNEL, X + 1), {}),
            ((KERNEL, X, X.copy()), {}),
            ((KERNEL, X), {"block": 20}),
            ((KERNEL, lazy), {}),
        )
    ]
    assert len(set(names)) == len(names)
    assert gram(RNTK(sigma_w=1.3, sigma_b=0.2, sigma_h=0.5), X.copy()).name == names[0]


@pytest.mark.slow
def test_names_are_the_same_in_every_process(X):
    code = """
import numpy as np
from rntk import RNTK
from rntk.distributed import gram
print(gram(RNTK(sigma_w=1.3, sigma_b=0.2, sigma_h=0.5), np.random.default_rng(0).normal(size=(53, 12))).name)
"""
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == gram(KERNEL, X).name


def test_bad_series_are_refused_at_once(X):
    lazy = da.from_array(X, chunks=(20, 12))
    for bad, message in (
        (lazy[:, 0], r"X has shape \(53,\): expected a Dask array"),
        (lazy.rechunk((20, 5)), r"cut across its steps .* X.rechunk\(\{0: 'auto', 1: -1\}\)"),
        (lazy[lazy[:, 0] > 0], r"chunks of unknown size: call X.compute_chunk_sizes\(\)"),
        (lazy.astype(str), "must be real numbers .*: they are str"),
        (lazy.astype(complex), "they are complex128"),
        (lazy[:0], "none may be empty"),
        (np.full((3, 4), np.nan), "X holds NaN in sequence 0 at step 0"),
    ):
        with pytest.raises(ValueError, match=message):
            gram(KERNEL, bad)
    with pytest.raises(ValueError, match="X has 1 channels and Y has 2"):
        gram(KERNEL, lazy, np.ones((3, 4, 2)))
    with pytest.raises(ValueError, match="block=0: a whole number of at least 1"):
        gram(KERNEL, X, block=0)


def test_bad_values_are_refused_where_they_are_computed_and_placed(X):
    X[41, 3] = np.nan
    K = gram(KERNEL, da.from_array(X, chunks=(20, 12)))
    np.testing.assert_array_equal(K[:40, :40].compute(), KERNEL(X[:40]))
    with pytest.raises(ValueError, match=r"in X\[0:20\] with X\[40:53\]: Y holds NaN in sequence 1 at step 3"):
        K[:20, 40:].compute()
    features = NystroemFeatures(KERNEL, 5).fit(X[:40])
    with pytest.raises(ValueError, match=r"in X\[40:53\]: X holds NaN in sequence 1 at step 3"):
        features.transform(da.from_array(X, chunks=(20, 12))).compute()


def test_a_worker_of_another_version_is_refused(X, monkeypatch):
    K = gram(KERNEL, X)
    monkeypatch.setattr(distributed, "__version__", "0.0")
    with pytest.raises(
        RuntimeError, match=r"this worker has rntk 0\.0, and was sent work of rntk .*: install one version"
    ):
        K.compute()


@pytest.mark.parametrize("landmarks", ["uniform", "kmeans++", "leverage"])
def test_features_are_the_local_ones_to_the_last_digit(landmarks):
    """Whatever the chunks are, down to one series, and with more landmarks than BLAS sums at once."""
    X = np.random.default_rng(0).normal(size=(400, 5))
    local = NystroemFeatures(RNTK(sigma_b=0.1), 260, landmarks=landmarks).fit(X)
    F = local.transform(X)
    for chunks in (1, 33, 350):
        few = X[:5] if chunks == 1 else X
        found = local.transform(da.from_array(few, chunks=(chunks, 5)))
        assert found.shape == (len(few), F.shape[1]) and found.numblocks[1] == 1
        np.testing.assert_array_equal(found.compute(), F[: len(few)])
    lazy = da.from_array(X, chunks=(100, 5))
    np.testing.assert_array_equal(NystroemFeatures(RNTK(sigma_b=0.1), 260, landmarks=landmarks).fit_transform(lazy), F)


def test_features_are_of_what_was_fitted(X):
    """Two maps with the same parameters, fitted on other series, and the same one fitted twice."""
    lazy = da.from_array(X, chunks=(20, 12))
    maps = [NystroemFeatures(RNTK(sigma_b=0.1), 5).fit(part) for part in (X[:20], X[20:40], X[:20].copy())]
    names = [one.transform(lazy).name for one in maps]
    assert names[0] == names[2] != names[1]


def test_only_chunks_with_drawn_series_are_computed():
    read = []

    def chunk(values, block_info=None):
        read.append(block_info[0]["chunk-location"][0])
        return values

    X = np.random.default_rng(0).normal(size=(600, 5))
    lazy = da.from_array(X, chunks=(10, 5)).map_blocks(chunk, meta=np.zeros((0, 0)))
    features = NystroemFeatures(KERNEL, 3).fit(lazy)
    drawn = {int(np.flatnonzero((z == X).all(axis=1))[0]) // 10 for z in features.landmarks_.values[..., 0]}
    assert set(read) == drawn and len(drawn) == 3


def test_a_linear_model_learns_chunk_by_chunk():
    """As on the features of the whole."""
    X, y = noisy_sinusoids(600, 40, classes=3, noise=0.3)
    lazy = da.from_array(X, chunks=(100, 40))
    features = NystroemFeatures(RNTK(sigma_w=1.38, sigma_b=0.1), 60).fit(lazy[:400])
    model, whole = (SGDClassifier(alpha=1e-5, random_state=0) for _ in range(2))
    F = NystroemFeatures(RNTK(sigma_w=1.38, sigma_b=0.1), 60).fit(X[:400]).transform(X)
    scale = np.sqrt(np.mean(F**2))
    for _ in range(5):
        for i, block in enumerate(features.transform(lazy[:400]).blocks):
            model.partial_fit(block.compute() / scale, y[100 * i : 100 * i + 100], classes=[0, 1, 2])
            whole.partial_fit(F[100 * i : 100 * i + 100] / scale, y[100 * i : 100 * i + 100], classes=[0, 1, 2])
    np.testing.assert_array_equal(model.coef_, whole.coef_)
    assert model.score(features.transform(lazy[400:]).compute() / scale, y[400:]) > 0.8


def test_features_of_series_that_do_not_fit_are_refused(X):
    lazy = da.from_array(X, chunks=(20, 12))
    with pytest.raises(ValueError, match="call fit"):
        NystroemFeatures(KERNEL).transform(lazy)
    with pytest.raises(ValueError, match="cut across"):
        NystroemFeatures(KERNEL).fit(lazy.rechunk((20, 5)))
    with pytest.raises(ValueError, match="X has 2 channels and the set of landmarks has 1"):
        NystroemFeatures(KERNEL, 5).fit(lazy).transform(da.ones((20, 12, 2)))


@pytest.mark.slow
def test_without_dask_the_command_is_named():
    code = "import sys; sys.modules['dask'] = None; import rntk; import rntk.distributed"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert re.search(r"ImportError: dask(\.array)? is not installed: pip install 'rntk\[cluster\]'", done.stderr)
    code = "import sys, rntk; rntk.RNTK()([[1.0, 2.0]]); sys.exit('dask' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.slow
def test_processes_on_loopback_give_the_same(X, ragged):
    from distributed import Client, LocalCluster

    options = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "processes": True,
        "dashboard_address": ":0",
        "host": "127.0.0.1",
    }
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        np.testing.assert_array_equal(gram(KERNEL, X, block=8).compute(), KERNEL(X))
        lazy = da.from_array(X, chunks=(8, 12))
        np.testing.assert_array_equal(gram(KERNEL, lazy, X[:9].copy()).compute(), KERNEL(X, X[:9].copy()))
        np.testing.assert_array_equal(gram(KERNEL, ragged, block=7).compute(), KERNEL(ragged))
        features = NystroemFeatures(RNTK(sigma_b=0.1), 20, landmarks="kmeans++").fit(lazy)
        local = NystroemFeatures(RNTK(sigma_b=0.1), 20, landmarks="kmeans++").fit(X)
        np.testing.assert_array_equal(features.transform(lazy).compute(), local.transform(X))
        K = gram(KERNEL, X, block=8).persist()
        K.compute()
        assert all(client.nthreads().get(address) == 1 for address in client.has_what())
        held = {address for address, keys in client.has_what().items() if any("gram" in str(key) for key in keys)}
        assert len(held) == 2
