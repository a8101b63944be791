"""Series that would be computed silently and wrongly: hidden values, values too small or too large, what is no number."""

import re

import numpy as np
import pytest

import baselines
from rntk import RNTK, NystroemFeatures, gram_blocks, gram_file
from rntk.gradient import gram_gradient
from rntk.normalisation import normalise
from rntk.sensitivity import sensitivity
from rntk.sklearn import RNTKClassifier, RNTKFeatures, RNTKRegressor
from rntk.sktime import RNTKClassifier as SktimeClassifier
from rntk.sktime import RNTKPairwise
from rntk.sktime import RNTKRegressor as SktimeRegressor

X = np.random.default_rng(0).normal(size=(8, 6))
Y = np.repeat([0, 1], 4)
HUGE = np.where(X > 1, 10**400, X.astype(object))
KERNEL = RNTK(backend="numpy")
FITS = {
    "kernel": KERNEL,
    "diagonal": KERNEL.diag,
    "over": KERNEL.over,
    "both": KERNEL.both,
    "pairs": lambda X: KERNEL(X[0], X[1]),
    "blocks": lambda X: list(gram_blocks(KERNEL, X)),
    "gradient": lambda X: gram_gradient(KERNEL, X, ["sigma_w"]),
    "sensitivity": lambda X: sensitivity(KERNEL, X[0], X),
    "landmarks": lambda X: NystroemFeatures(KERNEL).fit(X),
    "RBF": baselines.RBF(),
    "polynomial": baselines.Polynomial(),
    "NTK": baselines.NTK(),
    "median": baselines.Gaussian().fit,
    "classifier": lambda X: RNTKClassifier(KERNEL).fit(X, Y),
    "regressor": lambda X: RNTKRegressor(KERNEL).fit(X, Y),
    "features": lambda X: RNTKFeatures(KERNEL).fit(X),
    "sktime's classifier": lambda X: SktimeClassifier(KERNEL).fit(X, Y),
    "sktime's regressor": lambda X: SktimeRegressor(KERNEL).fit(X, Y),
    "sktime's kernel": lambda X: RNTKPairwise(KERNEL).transform(X),
}


@pytest.mark.parametrize("name", FITS)
def test_hidden_values_are_not_computed_with(name):
    hidden = np.ma.array(X, mask=False)
    hidden[0, 2] = np.ma.masked
    for given in (hidden, list(hidden)):
        with pytest.raises(ValueError, match=r"is masked, and hides 1 of its values.*Fill them in"):
            FITS[name](given)
    FITS[name](np.ma.array(X))  # that hides nothing


def test_hidden_values_of_a_second_set_of_a_file_and_among_labels_are_refused(tmp_path):
    hidden = np.ma.masked_greater(X, 1)
    with pytest.raises(ValueError, match="Y is masked"):
        KERNEL(X, hidden)
    with pytest.raises(ValueError, match="X is masked"):
        gram_file(KERNEL, hidden, path=tmp_path / "K.npy")
    assert not list(tmp_path.iterdir())
    for estimator in (RNTKClassifier(KERNEL), SktimeClassifier(KERNEL)):
        with pytest.raises(ValueError, match="y is masked, and hides 4"):
            estimator.fit(X, np.ma.masked_equal(Y, 1))
        with pytest.raises(ValueError, match="X is masked"):
            estimator.fit(X, Y).predict(hidden)
    with pytest.raises(ValueError, match="sequence 0 of X is masked"):
        KERNEL([[1.0, np.ma.masked, 2.0]])


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (X.astype("M8[s]"), "must be real numbers|do not support"),
        (X.astype(str), "must be real numbers|do not support"),
        (X.astype(str).astype(object), "must be real numbers|type str"),
        (X + 1j, "real numbers|Complex data"),
        (HUGE, "holds a whole number that no float64 can.*at most 1.8e308"),
    ],
    ids=["dates", "texts", "texts as objects", "complex", "huge"],
)
def test_what_is_no_real_number_is_refused(name, given, message):
    if name == "pairs" and given is HUGE:
        message = r"sequence 0 of X has shape \(\)"  # such an array of one axis is a list of series
    with pytest.raises((ValueError, TypeError), match=message):
        FITS[name](given)


def test_lists_of_different_lengths_go_through_the_same_door():
    big = [[10**400, 1.0, 2.0], *(x[i % 3 :] for i, x in enumerate(X[1:]))]
    for fit in (KERNEL, lambda X: RNTKClassifier(KERNEL).fit(X, Y)):
        with pytest.raises(ValueError, match="sequence 0 of X holds a whole number that no float64 can"):
            fit(big)
    with pytest.raises(ValueError, match="sequence 0 of X holds a whole number"):
        SktimeClassifier(KERNEL).fit([np.array(x, object) for x in big], Y)


def test_numbers_of_other_kinds_are_numbers():
    for given in (X > 0, np.array([[2**70, -1], [0, 1]], object), X.astype(np.float32), X.astype(np.longdouble)):
        np.testing.assert_array_equal(KERNEL(given), KERNEL(given.astype(float)))
    pandas = pytest.importorskip("pandas")
    whole = pandas.DataFrame(np.rint(X)).astype("Int64")
    np.testing.assert_array_equal(KERNEL(whole), KERNEL(np.rint(X)))
    whole.iloc[0, 1] = pandas.NA
    with pytest.raises(ValueError, match="one is of type NAType"):
        KERNEL(whole)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("backend", ["cpu", "numpy"])
@pytest.mark.parametrize("readout", ["last", "mean"])
def test_small_values_are_computed_right_or_refused(dtype, backend, readout):
    """A rectifier's kernel without a bias is homogeneous: k(s X) = s² k(X), at every s down to which it is computed."""
    if (dtype, backend) == ("float32", "numpy"):
        pytest.skip("the recursion in NumPy is in float64 alone")
    kernel = RNTK(dtype=dtype, backend=backend, readout=readout)
    K, computed, refused = kernel(X).astype(float), [], []
    for power in range(0, -200 if dtype == "float64" else -30, -1):
        s = 10.0**power
        try:
            scaled = kernel(X * s)
        except ValueError as error:
            assert re.search(
                r"sequence \d of X holds nothing above .*Multiply all sequences by one number first", str(error)
            )
            assert ('dtype="float64"' in str(error)) == (dtype == "float32")
            refused.append(power)
        else:
            np.testing.assert_allclose(scaled / s / s, K, rtol=0, atol=2e-4 * K.max())
            computed.append(power)
    assert min(computed) <= (-153 if dtype == "float64" else -18) and min(computed) > max(refused)


@pytest.mark.parametrize("backend", ["cpu", "numpy"])
@pytest.mark.parametrize("nonlinearity", ["relu", "leaky_relu", "abs", "linear", "erf", "sin", "tanh"])
def test_small_values_keep_their_digits_whatever_the_nonlinearity(nonlinearity, backend):
    """What is small is nearly linear: k(s X)/s² has a limit, and is as near to it at s = 1e-8 as at 1e-100."""
    kernel = RNTK(nonlinearity=nonlinearity, backend=backend)
    near, limit = kernel(X * 1e-8) * 1e16, kernel(X * 1e-100) * 1e100 * 1e100
    np.testing.assert_allclose(
        near, limit, rtol=0, atol=1e-9 * limit.max()
    )  # of c = ±1, where arccos halves the digits


def test_one_small_sequence_among_others_is_named():
    small = X.copy()
    small[3] *= 1e-25
    with pytest.raises(ValueError, match=r"sequence 3 of Y holds nothing above 1\.4e-25.*float32"):
        RNTK(dtype="float32")(X, small)
    assert RNTK()(small)[3, 3] > 0


def test_where_nothing_is_lost_nothing_is_refused():
    """Zeros, what a bias outweighs, and what the network itself forgets."""
    silent, forgotten = np.zeros((2, 6)), np.eye(1, 500)
    assert (RNTK(dtype="float32")(silent) == 0).all()
    np.testing.assert_allclose(
        RNTK(sigma_b=0.1, dtype="float32")(X * 1e-30), RNTK(sigma_b=0.1)(np.zeros_like(X)), rtol=1e-5
    )
    assert RNTK(sigma_w=0.5, dtype="float32")(forgotten) == 0
    assert (baselines.RBF()(X * 1e-200) == 1).all()


@pytest.mark.parametrize("kernel", [baselines.NTK(), baselines.Polynomial(degree=3), baselines.Polynomial(degree=1)])
def test_the_baselines_lose_nothing_either(kernel):
    order = 2 * getattr(kernel, "degree", 1)
    kept, lost = 10.0 ** (-290 / order), 10.0 ** (-330 / order)
    np.testing.assert_allclose(kernel(X * kept) / kept**order, kernel(X))
    with pytest.raises(ValueError, match=r"sequence \d of X holds nothing above.*float64"):
        kernel(X * lost)


def test_sensitivity_and_gradient_are_of_numbers_that_are_there():
    kernel = RNTK(dtype="float32")
    for call in (lambda X: sensitivity(kernel, X[0], X), lambda X: gram_gradient(kernel, X, ["sigma_w"])):
        for size, message in ((1e-170, "nothing above"), (1e200, "overflows float64")):
            with pytest.raises(ValueError, match=message):
                call(X * size)
        call(X * 1e-25)  # they are in float64


@pytest.mark.parametrize("how", ["unit", "zscore"])
def test_normalisation_is_of_any_size(how):
    """Bit for bit where the size is a power of two, and so for all sizes that were computed right before."""
    plain = X / np.linalg.norm(X, axis=1, keepdims=True)
    if how == "zscore":
        plain = (X - X.mean(axis=1, keepdims=True)) / (X - X.mean(axis=1, keepdims=True)).std(axis=1, keepdims=True)
    for power in (-1000, -600, 0, 600, 1000):
        np.testing.assert_array_equal(normalise(np.ldexp(X, power), how), plain)
    np.testing.assert_array_equal(RNTKClassifier().fit(X * 1e-170, Y).predict(X), RNTKClassifier().fit(X, Y).predict(X))
