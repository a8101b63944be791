"""Grams and features as Dask arrays: blocks of series, computed on the threads, processes or machines that Dask has (`pip install
rntk[cluster]`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import Any, NamedTuple

import numba
import numpy as np

from rntk.base import check_count
from rntk.extras import needs
from rntk.nystroem import NystroemFeatures
from rntk.sequences import as_chunks, as_sequences, check_pair, in_chunks
from rntk.version import __version__

with needs("cluster"):
    import dask.array as da
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph


def gram(kernel: Callable, X, Y=None, block: int = 2048) -> da.Array:
    """The Gram of X and Y, (n_x, n_y), as a Dask array whose chunks are computed where they are needed, one task each.

    X and Y are what the kernel takes, which is cut into blocks of `block` series, or Dask arrays (n, T) or (n, T, m), cut along
    the series alone, whose chunks are the blocks. Where Y is None the chunks below the diagonal are those above, transposed.
    A chunk takes one thread, whatever Numba has: Dask says how many run at once.

    Equal to `gram_blocks` and `gram_file` of the same blocks, bit for bit; to `kernel(X, Y)`, too, for an RNTK that reads out the
    last step or each by a readout of its own (the mean over steps, and the kernels that are products of matrices, are summed in
    an order that depends on the block, and differ in their last digits). The names of the tasks are made from kernel and data.

    Raises ValueError for a block below 1, and for shapes and dtypes that do not fit; values that lie in memory are checked at
    once, those of a Dask array by the task that reads them, whose message names the block.

    >>> from rntk import RNTK
    >>> from rntk.distributed import gram
    >>> K = gram(RNTK(), np.ones((5, 3)), block=2)
    >>> K.shape, K.chunks[0]
    ((5, 5), (2, 2, 1))
    >>> bool((K.compute() == RNTK()(np.ones((5, 3)))).all())
    True
    """
    check_count("block", block)
    rows = _cut(X, "X", block)
    columns = rows if Y is None or Y is X else _cut(Y, "Y", block)
    check_pair(rows.shape, columns.shape, ragged=getattr(kernel, "takes_unequal_lengths", True))
    symmetric = columns is rows
    name = f"gram-{tokenize(__version__, kernel, rows.name, None if symmetric else columns.name)}"
    tasks: dict[tuple, Any] = dict(rows.series) | dict(columns.series)
    for i, x in enumerate(rows.keys):
        for j, y in enumerate(columns.keys):
            where = f"{rows.places[i]} with {columns.places[j]}"
            if symmetric and i > j:
                tasks[name, i, j] = (np.transpose, (name, j, i))
            else:
                tasks[name, i, j] = (_block, kernel, x, None if symmetric and i == j else y, where, __version__)
    lazy = [one for one in (X, Y) if in_chunks(one)]
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=lazy)
    return da.Array(graph, name, (rows.sizes, columns.sizes), dtype=getattr(kernel, "dtype", "float64"))


def features(fitted: NystroemFeatures, X: da.Array) -> da.Array:
    """The features of a Dask array of series, (n, rank): a task a chunk, on one thread; the landmarks are sent to a worker once.

    Raises ValueError as `rntk.sequences.as_chunks`, and for series that do not fit the landmarks.
    """
    X = as_chunks(X)
    check_pair(
        _shape(X),
        fitted.landmarks_.shape,
        getattr(fitted.kernel, "takes_unequal_lengths", True),
        "the set of landmarks",
    )
    fitted = fitted.with_params(verbose=0)
    of_fitted = tokenize(__version__, fitted.kernel, fitted.block, fitted.landmarks_, fitted.normalisation_)
    name, landmarks = f"features-{tokenize(of_fitted, X.name)}", f"landmarks-{of_fitted}"
    cut = _cut(X, "X", 1)
    tasks = {
        (name, i, 0): (_features, landmarks, key, place, __version__)
        for i, (key, place) in enumerate(zip(cut.keys, cut.places, strict=True))
    }
    graph = HighLevelGraph.from_collections(name, {landmarks: fitted} | tasks, dependencies=[X])
    return da.Array(graph, name, (cut.sizes, (fitted.normalisation_.shape[1],)), dtype=np.float64)


class Cut(NamedTuple):
    """Series in blocks: a name for all of it, the shape of the whole, the size of each block, the key of each, what messages
    call each, and what of it lies in memory, by key.
    """

    name: str
    shape: tuple[int, int, int]
    sizes: tuple[int, ...]
    keys: list[tuple]
    places: list[str]
    series: dict[tuple, Any]


def _cut(X, called: str, block: int) -> Cut:
    if in_chunks(X):
        X = as_chunks(X, called)
        name, sizes, series = X.name, X.chunks[0], {}
        keys = [(name, i, *(0,) * (X.ndim - 1)) for i in range(len(sizes))]
        shape = _shape(X)
    else:
        X = as_sequences(X, called)
        shape = X.shape
        sizes = tuple(min(block, len(X) - start) for start in range(0, len(X), block))
        name = f"series-{tokenize(X, sizes)}"
        keys = [(name, i) for i in range(len(sizes))]
        series = {key: X[start : start + block] for key, start in zip(keys, range(0, len(X), block), strict=True)}
    ends = list(accumulate(sizes))
    places = [f"{called}[{end - size}:{end}]" for end, size in zip(ends, sizes, strict=True)]
    return Cut(name, shape, sizes, keys, places, series)


def _shape(X: da.Array) -> tuple[int, int, int]:
    return X.shape if X.ndim == 3 else (*X.shape, 1)


def _block(kernel, x, y, where: str, version: str) -> np.ndarray:
    with _task(where, version):
        return kernel(as_sequences(x)) if y is None else kernel(as_sequences(x), as_sequences(y, "Y"))


def _features(fitted: NystroemFeatures, x, where: str, version: str) -> np.ndarray:
    with _task(where, version):
        return fitted.transform(x)


@contextmanager
def _task(where: str, version: str) -> Iterator[None]:
    """Work on one block, by the version that has asked for it, on the thread that it is given: what goes wrong says where."""
    if version != __version__:
        raise RuntimeError(
            f"this worker has rntk {__version__}, and was sent work of rntk {version}: install one version on all"
        )
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        yield
    except ValueError as error:
        raise ValueError(f"in {where}: {error}") from error
    finally:
        numba.set_num_threads(threads)
