"""A product of matrices whose rows depend on no neighbour: BLAS sums a row in another order at another place, beside other rows, or on
other threads.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numba
import numpy as np

from rntk.compiling import alone, announced
from rntk.engine_cpu import threads

STEP = 4  # rows, and terms of their sums, a pass over the columns: each number is used four times when it is read


@numba.njit(cache=True, nogil=True, error_model="numpy")  # without fastmath: no operation is reordered, none is fused
def add(out, A, B):
    """out += A B; STEP divides the rows and the terms."""
    for i in range(0, len(A), STEP):
        o0, o1, o2, o3 = out[i], out[i + 1], out[i + 2], out[i + 3]
        a0, a1, a2, a3 = A[i], A[i + 1], A[i + 2], A[i + 3]
        for k in range(0, len(B), STEP):
            b0, b1, b2, b3 = B[k], B[k + 1], B[k + 2], B[k + 3]
            a00, a01, a02, a03 = a0[k], a0[k + 1], a0[k + 2], a0[k + 3]
            a10, a11, a12, a13 = a1[k], a1[k + 1], a1[k + 2], a1[k + 3]
            a20, a21, a22, a23 = a2[k], a2[k + 1], a2[k + 2], a2[k + 3]
            a30, a31, a32, a33 = a3[k], a3[k + 1], a3[k + 2], a3[k + 3]
            for j in range(B.shape[1]):
                o0[j] = o0[j] + a00 * b0[j] + a01 * b1[j] + a02 * b2[j] + a03 * b3[j]
                o1[j] = o1[j] + a10 * b0[j] + a11 * b1[j] + a12 * b2[j] + a13 * b3[j]
                o2[j] = o2[j] + a20 * b0[j] + a21 * b1[j] + a22 * b2[j] + a23 * b3[j]
                o3[j] = o3[j] + a30 * b0[j] + a31 * b1[j] + a32 * b2[j] + a33 * b3[j]


@cache
def compiled() -> None:
    """Compile the product, or load it: once a process, one process at a time."""
    with alone(add.stats.cache_path), announced("a product of matrices", 0.5):
        add(np.zeros((STEP, 1)), np.zeros((STEP, STEP)), np.zeros((STEP, 1)))


def product(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """A B, (n, m), of A (n, l) and B (l, m), in double precision and on as many threads as the engine takes.

    c_ij = a_i1 b_1j + … + a_il b_lj is added up from the left, and each operation is rounded by itself: a row of C is the same
    wherever it stands in A, whatever stands beside it, and on every machine.
    """
    compiled()
    n, terms = len(A), -(-len(B) // STEP) * STEP
    share = -(-n // (threads() * STEP)) * STEP  # rows a thread
    rows, factor = np.zeros((-(-n // STEP) * STEP, terms)), np.zeros((terms, B.shape[1]))
    rows[:n, : len(B)], factor[: len(B)] = A, B
    out = np.zeros((len(rows), B.shape[1]))
    parts = [slice(top, top + share) for top in range(0, len(rows), share)]
    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(lambda part: add(out[part], rows[part], factor), parts))
    return out[:n]
