"""The C-SVM on a Gram, compiled: the algorithm of LIBSVM, step for step, so that its solutions are LIBSVM's to the last bit.

LIBSVM as scikit-learn ships it is the reference, and tests compare with it. It is not called, because it spends most of
its time around the solver: a study solves millions of small problems, on Grams that differ in nothing but a
hyperparameter. Here folds and pairs of classes are laid out once, rows of the Gram are read where they are, and the
loops over the active cases run in vectors. No operation is reordered and none is fused: rounding is the same.

The problem of one pair of classes, y_i = ±1, is

    min_α ½ Σ_ij α_i α_j y_i y_j K_ij − Σ_i α_i,        0 ≤ α_i ≤ C,        Σ_i y_i α_i = 0

and the solver looks at g_i = −y_i ∂/∂α_i. With I_up the cases whose y_i α_i may grow and I_low those whose may shrink, a
step takes the i in I_up of largest g and the j in I_low that promises most, (g_i − g_j)²/(K_ii + K_jj − 2 K_ij), and
moves both; it ends when max_up g − min_low g < 10⁻³. Cases that stay at a bound are set aside for a while
("shrinking") and looked at again before the end.

Sources: Fan, Chen, Lin, "Working Set Selection Using Second Order Information for Training SVM", JMLR 2005; Chang, Lin,
"LIBSVM: A Library for Support Vector Machines", ACM TIST 2011. LIBSVM's licence is in `LICENSE.libsvm` beside this file.
"""

import numba
import numpy as np

TOLERANCE = 1e-3
TAU = 1e-12  # stands in for a curvature that is not positive
SHRINK_EVERY = 1000  # iterations, or the number of cases if that is less
LONG = 64  # values from which on they are compared as whole numbers, which runs in vectors
SOLVED, SAME, GIVEN_UP, NOT_FINITE = range(4)  # how the problem of one C ended; from GIVEN_UP on there is no solution

# The state: a row a quantity, an entry a case. (Views of it in a tuple would have their references counted at each call,
# which takes longer than a small step.) w holds the row of K, the place in the problem as given, the place in `rows`,
# and, by that place, whether the row has been read; f holds y, 0 or −∞ for cases in or out of I_up and I_low, g, the
# part of g due to cases at C, α, K_ii, and values to compare, with an entry to spare at the end.
AT, ORIGIN, SLOT, FILLED = range(4)
Y, UP, LOW, G, G_BAR, ALPHA, CURVATURE, VALUES = range(8)

exact = numba.njit(cache=True, nogil=True, error_model="numpy")
inlined = numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)


@inlined
def order(bits):
    """The bits of a float as a whole number of the same order: those of a negative one but its sign turned over. Its
    own inverse.
    """
    return bits ^ ((bits >> 63) & np.int64(2**63 - 1))


@exact
def read_row(i, K, rows, w, n):
    """Read row i of the problem's Gram from K, in single precision, as LIBSVM keeps it."""
    slot, source = w[SLOT, i], K[w[AT, i]]
    w[FILLED, slot] = 1
    for k in range(n):
        rows[slot, k] = source[w[AT, k]]


@inlined
def move(alpha_i, alpha_j, y_i, y_j, G_i, G_j, bend, C):
    """New α_i and α_j: along the direction that keeps Σ y α, to the minimum or to where the box ends."""
    if y_i != y_j:
        delta, difference = (-G_i - G_j) / bend, alpha_i - alpha_j
        alpha_i, alpha_j = alpha_i + delta, alpha_j + delta
        if difference > 0:
            if alpha_j < 0:
                alpha_i, alpha_j = difference, 0.0
            if alpha_i > C:
                alpha_i, alpha_j = C, C - difference
        else:
            if alpha_i < 0:
                alpha_i, alpha_j = 0.0, -difference
            if alpha_j > C:
                alpha_i, alpha_j = C + difference, C
    else:
        delta, total = (G_i - G_j) / bend, alpha_i + alpha_j
        alpha_i, alpha_j = alpha_i - delta, alpha_j + delta
        if total > C:
            if alpha_i > C:
                alpha_i, alpha_j = C, total - C
            if alpha_j > C:
                alpha_i, alpha_j = total - C, C
        else:
            if alpha_j < 0:
                alpha_i, alpha_j = total, 0.0
            if alpha_i < 0:
                alpha_i, alpha_j = 0.0, total
    return alpha_i, alpha_j


@inlined
def box(y, alpha, C):
    """0 or −∞ for I_up and I_low: in which directions y α may move."""
    at_C, at_zero = alpha >= C, alpha <= 0
    return -np.inf if (at_C if y > 0 else at_zero) else 0.0, -np.inf if (at_zero if y > 0 else at_C) else 0.0


@inlined
def is_idle(up, low, g, top, bottom):
    """Whether a case sits at a bound, and optimality holds there with room to spare."""
    return g > top if up != 0 else (low != 0 and g < bottom)


@exact
def reconstruct(K, rows, w, f, active, n):
    """g of the cases that were set aside, anew."""
    if active == n:
        return
    free = 0
    for t in range(n):
        if t >= active:
            f[G, t] = f[G_BAR, t] + f[Y, t]
        elif f[UP, t] == 0 and f[LOW, t] == 0:
            free += 1
    by_rows = free * n > 2 * active * (n - active)
    for i in range(active, n) if by_rows else range(active):
        if by_rows or (f[UP, i] == 0 and f[LOW, i] == 0):
            if not w[FILLED, w[SLOT, i]]:
                read_row(i, K, rows, w, n)
            slot = w[SLOT, i]
            if by_rows:
                for j in range(active):
                    if f[UP, j] == 0 and f[LOW, j] == 0:
                        f[G, i] += -f[Y, j] * f[ALPHA, j] * rows[slot, j]
            else:
                step = -f[Y, i] * f[ALPHA, i]
                for j in range(active, n):
                    f[G, j] += step * rows[slot, j]


@exact
def exchange(a, b, rows, w, f, n):
    """Let two cases change places."""
    for quantity in (AT, ORIGIN, SLOT):
        w[quantity, a], w[quantity, b] = w[quantity, b], w[quantity, a]
    for quantity in range(VALUES):
        f[quantity, a], f[quantity, b] = f[quantity, b], f[quantity, a]
    for slot in range(n):
        if w[FILLED, slot]:
            rows[slot, a], rows[slot, b] = rows[slot, b], rows[slot, a]


@exact
def shrink(K, rows, w, f, active, n, opened):
    """Set idle cases aside, behind the active ones; returns how many are active, and whether all were opened again once."""
    top, bottom = -np.inf, np.inf
    for t in range(active):
        top, bottom = max(top, f[G, t] + f[UP, t]), min(bottom, f[G, t] - f[LOW, t])
    if not opened and top - bottom <= TOLERANCE * 10:
        opened = True
        reconstruct(K, rows, w, f, active, n)
        active = n
    i = 0
    while i < active:
        if is_idle(f[UP, i], f[LOW, i], f[G, i], top, bottom):
            active -= 1
            while active > i:
                if not is_idle(f[UP, active], f[LOW, active], f[G, active], top, bottom):
                    exchange(i, active, rows, w, f, n)
                    break
                active -= 1
        i += 1
    return active, opened


@exact
def begin(w, f, cases, positive, K, C):
    """Every α is 0: the first `positive` cases have y = 1, the others −1, and g = y."""
    for t in range(len(cases)):
        w[AT, t], w[ORIGIN, t], w[SLOT, t], w[FILLED, t] = cases[t], t, t, 0
        f[Y, t] = f[G, t] = 1.0 if t < positive else -1.0
        f[UP, t], f[LOW, t] = box(f[Y, t], 0.0, C)
        f[ALPHA, t], f[G_BAR, t], f[CURVATURE, t] = 0.0, 0.0, K[cases[t], cases[t]]


@exact
def account(f, rows, slot, step, was_at_C, is_at_C, n):
    """Enter a case that has come to C into the part of g due to such cases, or take it out when it has left."""
    if was_at_C != is_at_C:
        step = step if is_at_C else -step
        for k in range(n):
            f[G_BAR, k] += step * rows[slot, k]


@exact
def offset(f, n):
    """ρ of the decision function Σ y α K − ρ: the mean of −g over the free cases, or the middle of what the others allow."""
    upper, lower, total, free = np.inf, -np.inf, 0.0, 0
    for t in range(n):
        value = -f[G, t]
        if f[LOW, t] != 0:
            upper = min(upper, value)
        elif f[UP, t] != 0:
            lower = max(lower, value)
        else:
            free += 1
            total += value
    return total / free if free else (upper + lower) / 2


@exact
def solve(K, cases, positive, C, max_iter, rows, w, f):
    """One pair of classes: the first `positive` cases have y = 1, the others −1.

    Returns ρ, whether any α ever was at C (otherwise every larger C goes the same way, step for step), and the number of
    iterations, `max_iter` only where it did not converge before; α, with the places of the cases, is in the state.
    """
    n, bits, spare = len(cases), f.view(np.int64), f.shape[1] - 1
    begin(w, f, cases, positive, K, C)
    active, iteration, counter, opened, touched = n, 0, min(n, SHRINK_EVERY) + 1, False, False
    whole = False  # whether this look is at all cases, the last before the end
    while True:
        if not whole:
            if iteration >= max_iter:
                reconstruct(K, rows, w, f, active, n)
                return offset(f, n), touched, max_iter
            counter -= 1
            if counter == 0:
                counter = min(n, SHRINK_EVERY)
                active, opened = shrink(K, rows, w, f, active, n, opened)

        # the smallest g in I_low, then i, of largest g in I_up, then j, which promises most: three times the values of
        # all cases, the largest, and the last place where it stands (of equal ones, LIBSVM takes the last)
        bottom, top, K_ii, i, j, row_i = 0.0, 0.0, 0.0, -1, -1, 0
        for quest in range(3 if active > 0 else 0):  # all may have been set aside
            if quest == 0:
                for t in range(active):
                    f[VALUES, t] = f[LOW, t] - f[G, t]
            elif quest == 1:
                for t in range(active):
                    f[VALUES, t] = f[G, t] + f[UP, t]
            else:
                for t in range(active):
                    violation = top - f[G, t]
                    bend = K_ii + f[CURVATURE, t] - 2.0 * rows[row_i, t]
                    bend = bend if bend > 0 else TAU
                    gain = violation * violation / bend + f[LOW, t]
                    f[VALUES, t] = gain if violation > 0 else -np.inf
            if active < LONG:
                best = f[VALUES, 0]
                for t in range(1, active):
                    best = max(best, f[VALUES, t])
            else:
                highest = order(bits[VALUES, 0])
                for t in range(active):
                    highest = max(highest, order(bits[VALUES, t]))
                bits[VALUES, spare] = order(highest)
                best = f[VALUES, spare]
            if quest == 0:
                bottom = -best
                continue
            if best == -np.inf or (quest == 1 and not best - bottom >= TOLERANCE):
                break
            place = active - 1
            if active < LONG:
                while place > 0 and f[VALUES, place] != best:
                    place -= 1
            else:
                place = -1
                for t in range(active):
                    place = max(place, t if f[VALUES, t] == best else -1)
            if quest == 2:
                j = place
                break
            i, top, K_ii, row_i = place, best, f[CURVATURE, place], w[SLOT, place]
            if not w[FILLED, row_i]:
                read_row(i, K, rows, w, n)

        if j < 0:  # optimal among the active cases: is it among all?
            if whole:
                return offset(f, n), touched, iteration
            reconstruct(K, rows, w, f, active, n)
            active, whole = n, True
            continue
        if whole:
            counter, whole = 1, False
        iteration += 1
        row_j = w[SLOT, j]
        if not w[FILLED, row_j]:
            read_row(j, K, rows, w, n)
        y_i, y_j, old_i, old_j = f[Y, i], f[Y, j], f[ALPHA, i], f[ALPHA, j]
        bend = f[CURVATURE, i] + f[CURVATURE, j] - 2.0 * rows[row_i, j]
        bend = bend if bend > 0 else TAU
        new_i, new_j = move(old_i, old_j, y_i, y_j, -y_i * f[G, i], -y_j * f[G, j], bend, C)
        f[ALPHA, i], f[ALPHA, j] = new_i, new_j
        f[UP, i], f[LOW, i] = box(y_i, new_i, C)
        f[UP, j], f[LOW, j] = box(y_j, new_j, C)
        step_i, step_j = -y_i * (new_i - old_i), -y_j * (new_j - old_j)
        for k in range(active):
            f[G, k] += rows[row_i, k] * step_i + rows[row_j, k] * step_j
        if new_i >= C or new_j >= C or old_i >= C or old_j >= C:
            touched = True
            account(f, rows, row_i, -y_i * C, old_i >= C, new_i >= C, n)
            account(f, rows, row_j, -y_j * C, old_j >= C, new_j >= C, n)


@exact
def solve_path(K, cases, bounds, C, max_iter, keep_going):
    """Every pair of classes at every C, which ascend. `cases` are in the order of their classes, which begin at `bounds`.

    Returns, for each C, the coefficients (classes − 1, cases), ρ of the pairs, their iterations, and a state: SOLVED, SAME
    (nothing had to be solved: the solution of the C before), GIVEN_UP or NOT_FINITE. y α of class a against class b stands in
    row b − 1 of the coefficients where a < b, and in row b otherwise. A pair whose solution is that of every larger C is not
    solved again. Where one is given up, the others are solved only if `keep_going`. Returns nothing where C is no ascending row
    above 0.
    """
    if not ascend(C):
        C = C[:0]
    classes, size = len(bounds) - 1, largest_pair(bounds)
    coefficients = np.zeros((len(C), max(classes - 1, 1), len(cases)))
    rho, states = np.zeros((len(C), classes * (classes - 1) // 2)), np.empty(len(C), np.int64)
    iterations = np.zeros(rho.shape, np.int64)
    w, f, members = np.empty((4, size), np.int64), np.empty((8, size + 1)), np.empty(size, np.int64)
    rows, unsettled = np.empty((size, size), np.float32), np.ones(rho.shape[1], np.bool_)
    for c in range(len(C)):
        if c > 0:
            coefficients[c], rho[c], iterations[c] = coefficients[c - 1], rho[c - 1], iterations[c - 1]
        states[c] = SOLVED if c == 0 or unsettled.any() else SAME
        pair = -1
        for a in range(classes):
            for b in range(a + 1, classes):
                pair += 1
                if not unsettled[pair] or (states[c] == GIVEN_UP and not keep_going):
                    continue
                first, both = bounds[a + 1] - bounds[a], bounds[a + 1] - bounds[a] + bounds[b + 1] - bounds[b]
                for t in range(both):
                    members[t] = cases[bounds[a] + t if t < first else bounds[b] + t - first]
                found = solve(K, members[:both], first, C[c], max_iter, rows, w, f)
                rho[c, pair], touched, iterations[c, pair] = found
                unsettled[pair] = touched
                if iterations[c, pair] == max_iter:
                    states[c] = GIVEN_UP
                finite = np.isfinite(rho[c, pair])
                for t in range(both):
                    place, value = w[ORIGIN, t], f[Y, t] * f[ALPHA, t]
                    finite = finite and np.isfinite(value)
                    if place < first:
                        coefficients[c, b - 1, bounds[a] + place] = value
                    else:
                        coefficients[c, a, bounds[b] + place - first] = value
                if not finite and states[c] == SOLVED:
                    states[c] = NOT_FINITE
        if states[c] >= GIVEN_UP:
            unsettled[:] = True
    return coefficients, rho, iterations, states


@exact
def ascend(C):
    """Whether there are values, all above 0, none below the one before it."""
    before, fine = 0.0, C.size > 0
    for c in C:
        fine = fine and c > 0 and c >= before
        before = c
    return fine


@exact
def largest_pair(bounds):
    """How many cases the two largest classes have together."""
    first, second = 0, 0
    for k in range(len(bounds) - 1):
        size = bounds[k + 1] - bounds[k]
        if size > first:
            first, second = size, first
        elif size > second:
            second = size
    return first + second


@exact
def vote(K, held, cases, bounds, coefficients, rho):
    """The class, by its number, that wins most pairs for each of the rows `held` of K; of equally many, the first."""
    for h in range(len(held)):
        if held[h] < 0 or held[h] >= K.shape[0]:
            raise IndexError("a row is asked for that the Gram does not have")
    classes, pair = len(bounds) - 1, 0
    votes, decision = np.zeros((len(held), classes), np.int64), np.empty(len(held))
    columns = np.empty((len(cases), len(held)))
    for k in range(len(cases)):
        for h in range(len(held)):
            columns[k, h] = K[held[h], cases[k]]
    for a in range(classes):
        for b in range(a + 1, classes):
            decision[:] = 0
            for of, against in ((a, b - 1), (b, a)):
                for k in range(bounds[of], bounds[of + 1]):
                    coefficient, column = coefficients[against, k], columns[k]
                    if coefficient != 0:
                        for h in range(len(held)):
                            decision[h] += coefficient * column[h]
            for h in range(len(held)):
                votes[h, a if decision[h] - rho[pair] > 0 else b] += 1
            pair += 1
    winner = np.zeros(len(held), np.int64)
    for h in range(len(held)):
        for k in range(classes):
            if votes[h, k] > votes[h, winner[h]]:
                winner[h] = k
    return winner
