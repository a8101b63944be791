"""The fast engine: Grams, on as many threads as pay.

Four pieces, each on the one before it: compiled dual activations (`rntk.duals`), what belongs to single series
(`rntk.coefficients`), a step of a row of pairs (`rntk.steps`), tiles of rows (`rntk.tiles`). Here they are compiled, and
a Gram is shared out among threads: as many as `numba.get_num_threads()` says; set them with `numba.set_num_threads` or
the environment variable NUMBA_NUM_THREADS.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import numba
import numpy as np

from rntk import coefficients, duals, steps
from rntk.coefficients import RECTIFIER, TIED, Form, Prepared
from rntk.compiling import alone, announced
from rntk.machine import cores
from rntk.recursion import Parameters
from rntk.steps import LANES, REACH, ROWS
from rntk.tiles import BOTH, PROCESS, TANGENT, Side, fill, workspace
from rntk.waiting import loop, watching

SERIAL = 10**6  # pairs and steps below which threads do not pay
LONG = 10**8  # from which on a Gram takes longer than a person waits who has pressed Ctrl-C


@cache
def compiled(dtype: str) -> None:
    """Compile, or load from the compiler's cache, all that a dtype needs: once a process, one process at a time."""
    rows, readout, none = np.zeros((1, 3, 1), dtype), np.zeros((1, 1, 1), dtype), np.zeros(0, np.int64)
    nothing = np.empty((0, 0))
    with alone(fill.stats.cache_path, duals, coefficients, steps), announced(f"the kernel for {dtype}", 22):
        coefficients.compiled()
        one = Side(rows, readout, np.zeros((1, 1)), none, none)
        form = Form(RECTIFIER, np.dtype(dtype).type(0), 1, 0, 1, 0, 0)
        memory = workspace(form, 3, dtype)
        fill(
            np.zeros((1, 1, 1), dtype),
            memory,
            np.zeros(1, np.int64),
            form,
            one,
            one,
            nothing,
            True,
            False,
            TANGENT,
            (1, 1),
            0,
            1,
        )


def prepare(x: np.ndarray, p: Parameters, dtype: str = "float64", starts=None, places=None) -> Prepared:
    """`rntk.coefficients.prepare`, with all compiled code in place."""
    compiled(dtype)
    return coefficients.prepare(x, p, dtype, starts, places)


def threads() -> int:
    """How many threads a Gram may take. Raises ValueError where there are not as many cores."""
    wanted = numba.get_num_threads()
    if wanted > cores():
        raise ValueError(
            f"{wanted} threads are asked for, and this process may use {cores()} cores: set NUMBA_NUM_THREADS or "
            f"numba.set_num_threads to {cores()} or less"
        )
    return wanted


def side(X: Prepared, ragged: bool, steps: int, times: int = 1) -> Side:
    """Series as the tiles read them: the last `steps` steps, the set `times` times over."""
    rows, readout, initial = X.rows[len(X.rows) - steps :], X.readout[None, None], X.initial
    starts = places = np.zeros(0, np.int64)
    if ragged:
        n = rows.shape[2]
        starts = np.zeros(n, np.int64) if X.starts is None else np.maximum(X.starts - (len(X.rows) - steps), 0)
        places = np.arange(n) if X.places is None else X.places
    if times > 1:
        rows, readout, initial, starts = (np.tile(part, times) for part in (rows, readout, initial, starts))
    return Side(rows, readout, initial, starts, places)


def gram(X: Prepared, Y: Prepared | None, cosines=None, output: int = TANGENT, shifts=None) -> np.ndarray:
    """The kernels, at σ_v = 1, of all sequences of X and Y, or of X with itself when Y is None: (n_x, n_y), or (2, n_x, n_y)
    for BOTH, the tangent kernel first.

    `cosines`, (n_x, n_y), are factors of the products of the first step. `shifts` are those to compute, instead of all.
    """
    symmetric = Y is None
    Y = X if symmetric else Y
    form, every = X.form, X.form.every == TIED
    n_x, n_y = X.rows.shape[2], Y.rows.shape[2]
    out = np.empty((2 if output == BOTH else 1, n_x, n_y), X.rows.dtype)
    swapped = n_x > n_y  # the lanes are the longer side
    lanes, others = (X, Y) if swapped else (Y, X)
    ragged = X.starts is not None or Y.starts is not None
    steps = min(len(X.rows), len(Y.rows))
    few = min(n_x, n_y)
    times = -(-REACH // few) if few < REACH and not symmetric else 1  # a tile then finds its series in few pieces
    lanes = side(lanes, ragged, len(lanes.rows) if every else steps)
    others = lanes if symmetric else side(others, ragged, len(others.rows) if every else steps, times)
    cosines = np.empty((0, 0)) if cosines is None else np.ascontiguousarray(cosines.T if swapped else cosines)
    shifts = shifts or ((0 if every else 1, n_x // 2 + 1) if symmetric else (0, few))
    run(out, form, lanes, others, cosines, symmetric, swapped, output, shifts)
    if symmetric:
        closed = X.diagonal[None, PROCESS] if output == PROCESS else X.diagonal[: len(out)]
        for K, diagonal in zip(out, closed, strict=True):
            np.fill_diagonal(K, diagonal + (np.diag(K) if every else 0))
    return out if output == BOTH else out[0]


def diagonal(X: Prepared, output: int = TANGENT) -> np.ndarray:
    """k(x, x) of every sequence at σ_v = 1, (n,): the diagonal of `gram(X, None)`, without the rest of it."""
    if X.form.every != TIED:
        return X.diagonal[output]
    n = X.rows.shape[2]
    values, places = np.empty(n), np.arange(n) if X.places is None else X.places
    for left in range(0, n, LANES):
        part = slice(left, left + LANES)
        few = X._replace(
            rows=np.ascontiguousarray(X.rows[:, :, part]),
            readout=X.readout[part],
            diagonal=X.diagonal[:, places[part]],
            initial=np.ascontiguousarray(X.initial[:, part]),
            starts=None if X.starts is None else X.starts[part],
            places=None,
        )
        values[places[part]] = np.diag(gram(few, None, output=output, shifts=(0, 1)))
    return values


def run(out, form, lanes, others, cosines, symmetric, swapped, output, shifts) -> None:
    """Fill `out`, on as many threads as pay.

    Python hears of a signal in the calling thread alone, and not while that is in compiled code. So this thread takes its
    share of what is soon done, which keeps it where its caches are, and leaves what takes long to others, which it can stop.
    """
    steps = len(lanes.rows) * (len(others.rows) if form.every == TIED else 1)
    n = lanes.rows.shape[2]
    steps_of_pairs = n * (shifts[1] - shifts[0]) * steps
    workers = threads() if steps_of_pairs * (2 if symmetric else 1) > SERIAL else 1
    waits = steps_of_pairs * form.depth * max(form.extras, 1) > LONG * workers
    tiles = -(-n // LANES) * -(-(shifts[1] - shifts[0]) // ROWS)
    # more than threads: one that is held up delays less; where somebody watches also of one thread, whose caches that costs 2 %
    shares = min(32 * workers, tiles) if workers > 1 or (waits and watching.get()) else 1
    todo, stop = iter(range(shares)), np.zeros(1, np.int64)

    def work(memory):
        for share in todo:
            fill(out, memory, stop, form, lanes, others, cosines, symmetric, swapped, output, shifts, share, shares)
            done()

    memories = [workspace(form, lanes.rows.shape[1], out.dtype) for _ in range(workers)]
    with loop(shares, "") as done:
        if workers == 1 and not waits:
            work(memories[0])
            return
        with stopping(workers, stop) as pool:
            shared = [pool.submit(work, memory) for memory in memories[0 if waits else 1 :]]
            if not waits:
                work(memories[0])
            for one in shared:
                one.result()


@contextmanager
def stopping(workers: int, stop: np.ndarray) -> Iterator[ThreadPoolExecutor]:
    """Threads for compiled work that ends soon after stop[0] is set: by whatever ends this block before its end, Ctrl-C among it."""
    with ThreadPoolExecutor(workers) as pool:
        try:
            yield pool
        except BaseException:
            stop[0] = 1
            raise
