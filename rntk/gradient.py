"""The exact gradient of a Gram by the logarithms of the network's scales: derivatives are carried along beside the recursion.

As the engine has it (`rntk.coefficients`), c = K/(N_x N_y), τ = Θ/(N_x N_y), G = V/(ρ_x ρ_y) and H = V' Θ/(ρ_x ρ_y) of two series x
and y. K̇, Θ̇, Ġ and Ḣ are the derivatives of K, Θ, V and V' Θ by log σ, for one scale σ, each divided as above. [σ_w] is 1 if σ is σ_w,
and 0 if not. A step of one layer, with G and H of the step before, is

    K̇ = α_x α_y (Ġ + 2 [σ_w] G) + 2 [σ_b] β_x β_y + 2 [σ_u] ⟨u_x, u_y⟩
    Θ̇ = K̇ + α_x α_y (Ḣ + 2 [σ_w] H).

Above the first layer, γ_x γ_y (Ġ + 2 [σ_u] G) of the layer below stands in place of the term of the inputs, and γ_x γ_y (Ḣ + 2 [σ_u] H)
is added to Θ̇. The nonlinearity turns K̇, Θ̇ and g, the derivative of log N_x + log N_y, into the next Ġ and Ḣ (`rntk.gradient_tiles`).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from rntk import engine_cpu
from rntk.base import check_choice, is_number, square
from rntk.coefficients import ERF, LINEAR, RECTIFIER
from rntk.gradient_tiles import MOST, by_tiles
from rntk.kernel import RNTK, Layout
from rntk.machine import require
from rntk.nonlinearities import Rectifier, as_nonlinearity
from rntk.recursion import Parameters, alignments
from rntk.sequences import Sequences, as_sequences

OF_LAYERS = ("sigma_w", "sigma_u", "sigma_b", "sigma_h")
SCALES = (*OF_LAYERS, "sigma_v")


def free_scales(kernel: RNTK) -> list[str]:
    """The scales that are not 0, whose logarithms the Gram can be derived by."""
    return [name for name in SCALES if np.all(np.asarray(getattr(kernel, name)) != 0)]


def gram_gradient(kernel: RNTK, X, by: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The Gram of X with itself, (n, n), and its derivatives by the logarithms of the scales `by`, (n, n, k), in float64.

    `by` are among `sigma_w`, `sigma_u`, `sigma_b`, `sigma_h` and `sigma_v`; a scale with a value for each layer has as many
    derivatives. X as the kernel takes it, of equal lengths. Compiled for rectifiers and erf (`python -m benchmarks networks` measures it
    against the Gram alone); in NumPy for other nonlinearities and for backend="numpy".

    A rectifier's kernel of one layer is homogeneous, of degree 2 in σ_u, σ_b and σ_h: its derivative by σ_u follows from the others.

    Relative errors are about 1e-12; 1e-7 in deep rectifiers where two series are proportional (those of one channel without a bias are at
    their first step), and there, by backend="numpy", up to 1e-2.

    Raises ValueError for another name, a scale of 0, different lengths, and where the kernel does; MemoryError for what will not fit.
    """
    kernel._validate()
    for name in by:
        check_choice("by", name, SCALES)
        if name not in free_scales(kernel):
            raise ValueError(f"{name}={getattr(kernel, name)!r}: of 0 there is no logarithm to derive by")
    X = as_sequences(X)
    if X.ragged:
        raise ValueError(
            f"the sequences have {X.lengths.min()} to {X.lengths.max()} steps: the gradient needs equal lengths"
        )
    kernel = kernel.with_params(dtype="float64")
    kernel._refuse_lost(X)
    powers = {name: powers_of(kernel, name) for name in by if name in OF_LAYERS}
    others = [name for name in ("sigma_b", "sigma_h") if name in free_scales(kernel)]
    homogeneous = isinstance(as_nonlinearity(kernel.nonlinearity), Rectifier) and kernel.depth == 1
    if homogeneous and {"sigma_u", *others} <= set(powers):
        del powers["sigma_u"]
    n, count = len(X), sum(map(len, powers.values()))
    require(
        3 * (1 + count) * 8 * n**2 + 8 * count * kernel.depth * X.shape[1] * n,
        f"the gradient of a Gram of {n} × {n}",
        "use fewer series",
    )
    total = _total(kernel, X, np.concatenate([np.zeros((0, kernel.depth, 4)), *powers.values()]))
    found, place = {"sigma_v": 2 * total[:1]}, 1
    for name, given in powers.items():
        found[name] = total[place : place + len(given)]
        place += len(given)
    if "sigma_u" in by and "sigma_u" not in found:
        found["sigma_u"] = 2 * total[:1] - sum(found[name] for name in others)
    return total[0], np.moveaxis(np.concatenate([total[:0], *(found[name] for name in by)]), 0, 2)


def powers_of(kernel: RNTK, name: str) -> np.ndarray:
    """How the square of each scale of each layer goes with σ: (values, depth, 4), the derivatives of log σ² by log σ."""
    column = OF_LAYERS.index(name)
    if is_number(getattr(kernel, name)):
        powers = np.zeros((1, kernel.depth, 4))
        powers[0, :, column] = 2
    else:
        powers = np.zeros((kernel.depth, kernel.depth, 4))
        powers[range(kernel.depth), range(kernel.depth), column] = 2
    return powers


def _total(kernel: RNTK, X: Sequences, powers: np.ndarray) -> np.ndarray:
    """The Gram and its derivatives by scales but σ_v, (1 + k, n, n), of all directions."""
    if not len(powers):
        return kernel(X)[None]
    total = 0.0
    for way in kernel._ways:
        here = X if way == "forward" else X.reversed()
        parts = [_one_way(kernel, here, powers[k : k + MOST]) for k in range(0, len(powers), MOST)]
        total = total + np.concatenate([parts[0][:1], *(part[1:] for part in parts)])
    return square(kernel.sigma_v) * total


def _one_way(kernel: RNTK, X: Sequences, powers: np.ndarray) -> np.ndarray:
    """The Gram and its derivatives at σ_v = 1 in one direction, (1 + k, n, n)."""
    p, tangent, x = kernel.parameters, kernel.output == "ntk", Layout(X).steps
    prepared = engine_cpu.prepare(x, p) if kernel.backend == "cpu" else None
    if prepared is not None and prepared.form.code in (RECTIFIER, LINEAR, ERF):
        K, diagonals = by_tiles(prepared, x, p, powers, tangent)
    else:
        K, diagonals = by_steps(X, p, powers, tangent)
    for one, diagonal in zip(K, diagonals, strict=True):
        np.fill_diagonal(one, diagonal + (np.diag(one) if p.readout == "mean" else 0))
    kernel._refuse_overflow(K, X.shape[1])
    return K


def by_steps(X: Sequences, p: Parameters, powers: np.ndarray, tangent: bool) -> tuple[np.ndarray, np.ndarray]:
    """The same as `by_tiles` for any nonlinearity, as `rntk.recursion` computes the Gram."""
    n, T, m = X.shape
    own = np.zeros((T, p.depth, 1 + len(powers), n))  # variances, and their derivatives behind them
    total, diagonal = np.zeros((1 + len(powers), n, n)), np.zeros((1 + len(powers), n))
    weight = {"last": 1.0, "mean": 1 / T**2, "mean_untied": 1 / T}[p.readout]
    squares = ((X.values[:, t] ** 2).sum(axis=1) / m for t in range(T))
    for t, (K, V, trained) in enumerate(steps_of(squares, p, powers)):
        own[t] = K
        if p.readout != "last" or t == T - 1:
            diagonal += weight * (V + tangent * trained)
    for first_t, first_s, steps in alignments(T, T, p.readout):
        products = (X.values[:, first_t + i] @ X.values[:, first_s + i].T / m for i in range(steps))
        sides = own[first_t : first_t + steps, ..., None], own[first_s : first_s + steps, ..., None, :]
        for i, (_, V, trained) in enumerate(steps_of(products, p, powers, *sides)):
            if p.readout != "last" or i == steps - 1:
                new = V + tangent * trained
                if first_t == first_s:
                    new[:, range(n), range(n)] = 0
                total += weight * new
    return total, diagonal


def steps_of(products, p: Parameters, powers: np.ndarray, x=None, y=None) -> Iterator[tuple[np.ndarray, ...]]:
    """K of all layers, (depth, 1 + k, …), and V and V' Θ of the last, (1 + k, …), after each step: a value, and behind it its derivatives.

    products: ⟨x_t, y_s⟩/m of the pairs at each step, (…). x, y: the variances of both series of a pair at each step, (steps, depth,
    1 + k, …). Without them the pairs are series with themselves: K is the variance, and σ_h² the first V.
    """
    phi = as_nonlinearity(p.nonlinearity)
    for i, product in enumerate(products):
        if i == 0:
            ones = (1,) * product.ndim
            K, V, memory = np.zeros((3, p.depth, 1 + len(powers), *product.shape))
            scales = [
                [np.array([s**2, *(s**2 * powers[:, layer, kind])]).reshape(-1, *ones) for kind, s in enumerate(sigmas)]
                for layer, sigmas in enumerate(p.layers)
            ]
            if x is None:
                for layer in range(p.depth):
                    V[layer] += scales[layer][3]
        heard, trained = np.zeros((2, 1 + len(powers), *product.shape))
        heard[0] = product
        for layer, (w, u, b, _) in enumerate(scales):
            K[layer] = times(u, heard) + b + times(w, V[layer])
            theta = (K[layer] + times(w, memory[layer]) + times(u, trained)) * (layer >= p.frozen)
            Kx, Ky = (K[layer] if one is None else one[i, layer] for one in (x, y))
            V[layer, 0], slope = phi.dual(Kx[0], K[layer, 0], Ky[0])
            by_p, slope_by_p, slope_by_r = phi.derivatives(Kx[0], K[layer, 0], Ky[0])
            by_q, slope_by_q, _ = phi.derivatives(Ky[0], K[layer, 0], Kx[0])
            V[layer, 1:] = slope * K[layer, 1:] + by_p * Kx[1:] + by_q * Ky[1:]
            dslope = slope_by_r * K[layer, 1:] + slope_by_p * Kx[1:] + slope_by_q * Ky[1:]
            memory[layer] = trained = times(np.concatenate([slope[None], dslope]), theta)
            heard = V[layer]
        yield K, heard, trained


def times(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The product of two values, with its derivatives behind it, (1 + k, …)."""
    return np.concatenate([a[:1] * b[:1], a[1:] * b[:1] + a[:1] * b[1:]])
