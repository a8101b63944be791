"""More series than memory holds: blocks learn what all at once would, and go on where they were interrupted."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from datasets.synthetic import noisy_sinusoids
from rntk import RNTK, NystroemFeatures, streaming
from rntk.sklearn import RNTKFeatures
from rntk.streamed_ridge import StreamedRidge
from rntk.streaming import StreamedClassifier

KERNEL = RNTK(sigma_w=1.38, sigma_b=0.1)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def data():
    X, y = noisy_sinusoids(700, 20, classes=3, noise=0.3)
    return X, np.array(["a", "b", "c"])[y]


def streamed(model=None, **options) -> StreamedClassifier:
    options = {"block": 128, "sample": 300} | options
    return StreamedClassifier(NystroemFeatures(KERNEL, 40), model or StreamedRidge(), **options)


def sgd(**options) -> SGDClassifier:
    return SGDClassifier(alpha=1e-4, random_state=0, **options)


def learned(model) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in streaming.state(model).items()}


@pytest.mark.parametrize("mode", ["r", "c"])
@pytest.mark.parametrize("model", [StreamedRidge(), sgd()])
def test_a_mapped_file_gives_the_bits_that_memory_gives(data, tmp_path, model, mode):
    X, y = data
    np.save(tmp_path / "X.npy", X)
    here = streamed(model, epochs=2).fit(X, y)
    mapped = np.load(tmp_path / "X.npy", mmap_mode=mode)
    there = streamed(model, epochs=2).fit(mapped, y)
    assert learned(here.model_) == learned(there.model_)
    np.testing.assert_array_equal(here.predict(X), there.predict(mapped))
    assert here.score(X, y) > 0.75


def test_what_gives_arrays_for_slices_is_enough(data):
    """As zarr's arrays do."""

    class Sliced:
        shape = data[0].shape

        def __getitem__(self, rows):
            assert isinstance(rows, slice)
            return data[0][rows]

    assert learned(streamed().fit(Sliced(), data[1]).model_) == learned(streamed().fit(*data).model_)


def test_what_was_changed_in_a_private_map_stays(data, tmp_path):
    """Pages are given back of what can only be read."""
    np.save(tmp_path / "X.npy", np.zeros_like(data[0]))
    X = np.load(tmp_path / "X.npy", mmap_mode="c")
    X[:] = data[0]
    assert learned(streamed().fit(X, data[1]).model_) == learned(streamed().fit(*data).model_)


def test_the_ridge_is_that_of_all_series_at_once(data):
    """Against scikit-learn's on the same features, with their penalty in its unit."""
    found = streamed(StreamedRidge([1e-3])).fit(*data)
    F = found._features(data[0])
    centred = F - F.mean(axis=0)
    expected = RidgeClassifier(alpha=1e-3 * (centred**2).sum() / F.shape[1]).fit(F, data[1])
    np.testing.assert_allclose(found.model_.decision_function(F), (expected.decision_function(F) + 1) / 2, atol=1e-7)
    np.testing.assert_array_equal(found.predict(data[0]), expected.predict(F))


def test_the_penalty_is_that_of_generalised_cross_validation():
    """Against its formula with the matrix that smooths, on noise, where much penalty is right, and on what is linear."""
    rng = np.random.default_rng(0)
    F = rng.normal(size=(60, 20))
    chosen = []
    for y in (rng.integers(2, size=60), (F[:, 0] > 0).astype(int)):
        model = StreamedRidge().partial_fit(F, y, classes=[0, 1])
        Fc, Y = F - F.mean(axis=0), np.eye(2)[y]
        unit, n, scores = np.linalg.eigvalsh(Fc.T @ Fc).mean(), 60, []
        for ridge in model.ridges:
            H = Fc @ np.linalg.solve(Fc.T @ Fc + ridge * unit * np.eye(20), Fc.T) + 1 / n
            scores.append((((Y - H @ Y) ** 2).sum()) / (1 - np.trace(H) / n) ** 2)
        assert model.ridge_ == model.ridges[int(np.argmin(scores))]
        chosen.append(model.ridge_)
    assert chosen[0] > chosen[1]


def test_every_epoch_has_an_order_of_its_own_and_shows_every_series_once(data):
    seen = []

    class Watching(StreamedRidge):
        def partial_fit(self, F, y, classes=None):
            seen.append(F[:, 0])
            return super().partial_fit(F, y, classes)

    identity = FunctionTransformer()
    X, y = np.arange(700.0)[:, None] + 1, data[1]
    found = StreamedClassifier(identity, Watching(), epochs=2, block=128, sample=10).fit(X, y)
    first, second = (np.concatenate(part) * found.scale_ for part in (seen[:6], seen[6:]))
    assert not np.array_equal(first, second) and not np.array_equal(first, X[:, 0])
    assert [part.min() for part in seen[:6]] != [part.min() for part in seen[6:]]  # the blocks' order, too
    for epoch in (first, second):
        np.testing.assert_allclose(np.sort(epoch), X[:, 0])
    again = list(seen)
    seen.clear()
    StreamedClassifier(identity, Watching(), epochs=2, block=128, sample=10).fit(X, y)
    assert all(np.array_equal(a, b) for a, b in zip(again, seen, strict=True))
    seen.clear()
    StreamedClassifier(identity, Watching(), epochs=2, block=128, sample=10, seed=1).fit(X, y)
    assert not np.array_equal(again[0], seen[0])


@pytest.mark.parametrize("model", [StreamedRidge(), sgd(), sgd(average=True)])
@pytest.mark.parametrize("classes", [2, 3])
def test_an_interrupted_fit_goes_on_and_a_finished_one_is_not_computed_again(
    data, tmp_path, monkeypatch, model, classes
):
    monkeypatch.setattr(streaming, "EVERY", 0)
    X, y = data[0], np.arange(700) % classes
    streamed(model, epochs=3).fit(X, y, tmp_path / "whole.npz")
    blocks = []

    class Interrupted(NystroemFeatures):
        def transform(self, X):
            blocks.append(len(X))
            if len(blocks) in (6, 14):
                raise KeyboardInterrupt
            return super().transform(X)

    options = {"block": 128, "sample": 300, "epochs": 3}
    fit = StreamedClassifier(Interrupted(KERNEL, 40), model, **options)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            fit.fit(X, y, tmp_path / "part.npz")
    fit.fit(X, y, tmp_path / "part.npz")
    assert len(blocks) == 3 + 18 + 2  # the sample three times, each block once, and again the two that were interrupted
    note = {}
    for name in ("whole", "part"):
        with np.load(tmp_path / f"{name}.npz") as held:
            note[name] = {key: held[key].tobytes() for key in held.files if key != "note"}
    assert note["whole"] == note["part"] and len(note["whole"]) >= 2
    fit.fit(X, y, tmp_path / "part.npz")
    assert len(blocks) == 3 + 18 + 2 + 1


RUN = """
import sys
import numpy as np
from sklearn.linear_model import SGDClassifier
from datasets.synthetic import noisy_sinusoids
from rntk import RNTK, NystroemFeatures, streaming
from rntk.streamed_ridge import StreamedRidge
streaming.EVERY = 0
X, y = noisy_sinusoids(3000, 40, classes=3, noise=0.3)
model = StreamedRidge() if sys.argv[2] == "ridge" else SGDClassifier(random_state=0)
features = NystroemFeatures(RNTK(sigma_w=1.38, sigma_b=0.1), 50)
print("begins", flush=True)
streaming.StreamedClassifier(features, model, epochs=60, block=100, sample=300).fit(X, y, sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.parametrize("model", ["ridge", "sgd"])
def test_a_process_killed_at_any_moment_goes_on_to_the_same_bytes(tmp_path, model):
    def begun(path):
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, str(path), model],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": "."},
        )
        process.stdout.readline()
        return process

    whole, part, rng = tmp_path / "whole.npz", tmp_path / "part.npz", np.random.default_rng(0)
    assert begun(whole).wait() == 0
    began = time.monotonic()
    assert begun(tmp_path / "timed.npz").wait() == 0
    took, progress = time.monotonic() - began, []
    for _ in range(6):
        process = begun(part)
        time.sleep(rng.uniform(0.05, 0.25) * took)
        process.kill()
        if process.wait() == 0:
            break
        if part.exists():
            with np.load(part) as held:
                progress.append(json.loads(str(held["note"]))["done"])
    assert progress == sorted(progress) and progress and 0 < progress[0] < 60 * 30
    assert begun(part).wait() == 0
    assert part.read_bytes() == whole.read_bytes()


def test_a_file_of_another_fit_is_refused(data, tmp_path):
    X, y = data
    path = tmp_path / "fit.npz"
    streamed().fit(X, y, path)
    before = path.read_bytes()
    other = X.copy()
    other[650, 3] += 1e-9
    for fit, those, what in (
        (streamed(), (other, y), "X"),
        (streamed(), (X, y[::-1].copy()), "y"),
        (streamed(), (X[:650], y[:650]), "X, shape, values, y"),
        (streamed(StreamedRidge([1.0])), (X, y), "model"),
        (streamed(sgd()), (X, y), "model"),
        (streamed(epochs=2), (X, y), "epochs"),
        (streamed(seed=1), (X, y), "seed, values"),
        (StreamedClassifier(NystroemFeatures(RNTK(), 40), block=128, sample=300), (X, y), "features, values"),
    ):
        with pytest.raises(ValueError, match=rf"fit\.npz is of another fit \({what} differ\): remove it"):
            fit.fit(*those, path)
        assert path.read_bytes() == before
    streamed(verbose=1).fit(X, y, path)


def test_a_kernel_within_other_estimators_is_part_of_what_a_file_is_known_by(data, tmp_path):
    for i, features in enumerate((lambda k: RNTKFeatures(k, 40), lambda k: make_pipeline(RNTKFeatures(k, 40)))):
        path = tmp_path / f"{i}.npz"
        StreamedClassifier(features(RNTK(sigma_w=1.3))).fit(*data, path)
        StreamedClassifier(features(RNTK(sigma_w=1.3))).fit(*data, path)
        with pytest.raises(ValueError, match=r"another fit \(features, values differ\)"):
            StreamedClassifier(features(RNTK(sigma_w=1.31))).fit(*data, path)


class Opened:
    """What makes a file when it is read from a pickle."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("left", [0, 10, 0.5, -1, "other", "pickle"])
def test_a_damaged_file_is_named_and_kept(data, tmp_path, left):
    path = tmp_path / "fit.npz"
    streamed().fit(*data, path)
    content = path.read_bytes()
    if left == "other":
        np.save(path.open("wb"), np.zeros(3))
    elif left == "pickle":
        np.savez(path, note=np.array([Opened(tmp_path / "opened")], dtype=object))
    else:
        path.write_bytes(content[: int(left * len(content)) if isinstance(left, float) else left])
    damaged = path.read_bytes()
    with pytest.raises(ValueError, match=r"fit\.npz is damaged, or no file of a StreamedClassifier .*: remove it"):
        streamed().fit(*data, path)
    assert path.read_bytes() == damaged and not (tmp_path / "opened").exists()


def test_one_byte_that_has_changed_is_found(data, tmp_path):
    path = tmp_path / "fit.npz"
    streamed().fit(*data, path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        streamed().fit(*data, path)


def test_bad_input_is_refused_before_anything_is_learned(data, tmp_path):
    X, y = data
    broken = X.copy()
    broken[300, 7] = np.nan
    for fit, those, what in (
        (streamed(), (broken, y), r"the block of series 256 to 383 holds NaN.* in sequence 44 at step 7"),
        (streamed(), (X, y[:-1]), r"y has shape \(699,\), and X has 700 series"),
        (streamed(), (X, np.where(y == "a", np.nan, 1.0)), "y holds NaN at"),
        (streamed(), (X, np.ones(700)), "y holds one class, .*: two at least"),
        (streamed(), (list(X), y), r"X is of type list .*: an array \(n, T\)"),
        (streamed(SGDClassifier()), (X, y), "give it a random_state"),
        (streamed(RidgeClassifier()), (X, y), "has no partial_fit"),
        (streamed(block=0), (X, y), "block=0: a whole number"),
        (streamed(epochs=0), (X, y), "epochs=0: a whole number"),
        (streamed(sample=0), (X, y), "sample=0: a whole number"),
    ):
        with pytest.raises(ValueError, match=what):
            fit.fit(*those, tmp_path / "fit.npz")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="call fit first"):
        streamed().predict(X)


def test_the_ridge_refuses_what_it_cannot_use():
    F = np.eye(4)
    for wrong in ([], [0.0], [-1.0], 3.0, [np.nan]):
        with pytest.raises(ValueError, match="ridges="):
            StreamedRidge(wrong)
    with pytest.raises(ValueError, match="first call of partial_fit needs"):
        StreamedRidge().partial_fit(F, [0, 1, 0, 1])
    model = StreamedRidge().partial_fit(F, [0, 1, 0, 1], classes=[0, 1])
    with pytest.raises(ValueError, match="the label 2 is none of"):
        model.partial_fit(F, np.array([0, 1, 0, 2]))
    with pytest.raises(ValueError, match="has 3 features, and those before it 4"):
        model.partial_fit(F[:, :3], [0, 1, 0, 1])
    with pytest.raises(ValueError, match="call partial_fit first"):
        StreamedRidge().predict(F)


MEMORY = """
import sys
import numpy as np
from rntk import RNTK, NystroemFeatures
from rntk.streaming import StreamedClassifier
X, y = np.load(sys.argv[1], mmap_mode="r"), np.load(sys.argv[2])
StreamedClassifier(NystroemFeatures(RNTK(sigma_w=1.3), 100), sample=2000, block=1024).fit(X, y)
status = open("/proc/self/status").read().splitlines()  # (ru_maxrss counts what the parent had when this process began, too)
print(next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the most memory that a process had")
def test_memory_does_not_grow_with_the_number_of_series(tmp_path):
    """Three times the series, whose file is 64 MiB larger and whose features 30."""
    found = []
    for n in (20_000, 60_000):
        X, y = noisy_sinusoids(n, 200)
        np.save(tmp_path / "X.npy", X)
        np.save(tmp_path / "y.npy", y)
        paths = [str(tmp_path / name) for name in ("X.npy", "y.npy")]
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, *paths], cwd=ROOT, capture_output=True, text=True, check=True
        )
        found.append(float(done.stdout))
    assert found[1] - found[0] < 8
