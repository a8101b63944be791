"""A product of matrices whose rows depend on no neighbour."""

from fractions import Fraction

import numba
import numpy as np
import pytest

from rntk.products import product


def matrices(n: int, terms: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, terms)), rng.normal(size=(terms, columns))


@pytest.mark.parametrize(("n", "terms", "columns"), [(1, 1, 1), (7, 5, 3), (8, 4, 17), (130, 67, 33)])
def test_every_sum_is_added_up_from_the_left(n, terms, columns):
    """Each operation is rounded by itself: Python's own numbers, one at a time, to the last bit."""
    A, B = matrices(n, terms, columns)
    C = product(A, B)
    assert C.shape == (n, columns)
    for i in range(n):
        for j in range(columns):
            total = 0.0
            for a, b in zip(A[i].tolist(), B[:, j].tolist(), strict=True):
                total += a * b
            assert C[i, j] == total


def test_it_is_the_product():
    """Within the rounding of as many operations, against rational numbers."""
    A, B = matrices(5, 300, 4)
    exact = [[sum(Fraction(a) * Fraction(b) for a, b in zip(row, column, strict=True)) for column in B.T] for row in A]
    bound = 300 * 2.0**-53 * (abs(A) @ abs(B))
    assert (abs(product(A, B) - np.array(exact, dtype=float)) <= bound).all()


def test_a_row_depends_on_no_neighbour_and_on_no_thread():
    A, B = matrices(401, 130, 67)
    C, before = product(A, B), numba.get_num_threads()
    try:
        for threads in (1, before):
            numba.set_num_threads(threads)
            for rows in (slice(0, 401), slice(3, 4), slice(250, 401), slice(400, 0, -1), slice(0, 401, 7)):
                np.testing.assert_array_equal(product(A[rows], B), C[rows])
    finally:
        numba.set_num_threads(before)


def test_it_takes_single_precision_and_any_order_in_memory():
    A, B = matrices(9, 6, 5)
    np.testing.assert_array_equal(product(np.asfortranarray(A), np.asfortranarray(B)), product(A, B))
    single = A.astype(np.float32)
    np.testing.assert_array_equal(product(single, B), product(single.astype(float), B))
