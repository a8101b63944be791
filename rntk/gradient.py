"""The gradient of a Gram by the logarithms of the network's scales, exact: forward beside the recursion.

With c = K/(N_x N_y) and τ = Θ/(N_x N_y) as the engine has them (`rntk.duals`, `rntk.coefficients`), and a derivative by log σ written
as a dot, the recursion of a pair carries along, for each scale,

    K̇/(N_x N_y) = α_x α_y (Ġ + 2 [σ_w] G) + 2 [σ_b] β_x β_y + 2 [σ_u] ⟨u_x, u_y⟩        (γ_x γ_y (Ġ + 2 [σ_u] G) of the layer below)
    Θ̇/(N_x N_y) = K̇/(N_x N_y) + α_x α_y (Ḣ + 2 [σ_w] H)        (and γ_x γ_y (Ḣ + 2 [σ_u] H) of the layer below)

where G = V/(ρ_x ρ_y), H = V' Θ/(ρ_x ρ_y), Ġ and Ḣ are the derivatives of V and V' Θ over ρ_x ρ_y, and [σ] is 1 for the scale by which
is derived. What the variances of single series hand on stands in g = (log N_x)˙ + (log N_y)˙.
"""

from collections.abc import Sequence

import numpy as np

from rntk import engine_cpu
from rntk.base import check_choice, is_number, square
from rntk.coefficients import ERF, LINEAR, RECTIFIER
from rntk.gradient_tiles import MOST, by_tiles
from rntk.kernel import RNTK, Layout
from rntk.machine import require
from rntk.nonlinearities import Rectifier, as_nonlinearity
from rntk.recursion import Parameters, alignments, variances
from rntk.sequences import Sequences, as_sequences

SCALES = ("sigma_w", "sigma_u", "sigma_b", "sigma_h")


def free_scales(kernel: RNTK) -> list[str]:
    """The scales that are not 0, whose logarithms the Gram can be derived by."""
    return [name for name in (*SCALES, "sigma_v") if np.all(np.asarray(getattr(kernel, name)) != 0)]


def gram_gradient(kernel: RNTK, X, by: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The Gram of X with itself, (n, n), and its derivatives by the logarithms of the scales `by`, (n, n, k), in float64.

    `by` are among `sigma_w`, `sigma_u`, `sigma_b`, `sigma_h` and `sigma_v`; a scale with a value for each layer has as many
    derivatives. X as the kernel takes it, of equal lengths. Compiled for rectifiers and erf (`python -m benchmarks networks` measures it
    against the Gram alone); in NumPy for other nonlinearities and for backend="numpy".

    A rectifier's kernel of one layer is homogeneous, of degree 2 in σ_u, σ_b and σ_h: its derivative by σ_u follows from the others.

    Raises ValueError for another name, a scale of 0, different lengths, and where the kernel does; MemoryError for what will not fit.
    """
    kernel._validate()
    for name in by:
        check_choice("by", name, (*SCALES, "sigma_v"))
        if name not in free_scales(kernel):
            raise ValueError(f"{name}={getattr(kernel, name)!r}: of 0 there is no logarithm to derive by")
    X = as_sequences(X)
    if X.ragged:
        raise ValueError(
            f"the sequences have {X.lengths.min()} to {X.lengths.max()} steps: the gradient needs equal lengths"
        )
    powers = {name: powers_of(kernel, name) for name in by if name in SCALES}
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
    if "sigma_u" not in found:
        found["sigma_u"] = 2 * total[:1] - sum(found[name] for name in others if name in found)
    return total[0], np.moveaxis(np.concatenate([total[:0], *(found[name] for name in by)]), 0, 2)


def powers_of(kernel: RNTK, name: str) -> np.ndarray:
    """How the square of each scale of each layer goes with σ: (values, depth, 4), the derivatives of log σ² by log σ."""
    column = SCALES.index(name)
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
        return kernel.with_params(dtype="float64")(X)[None]
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


def of_series(
    X: Sequences, p: Parameters, powers: np.ndarray, tangent: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The variances (depth, T, n), their derivatives (k, depth, T, n), and k(x, x) with its derivatives (1 + k, n); where every step meets
    every other, the share of equal steps.
    """
    phi = as_nonlinearity(p.nonlinearity)
    n, T, m = X.shape
    K = variances(X, p)
    dK = np.zeros((len(powers), p.depth, T, n))
    diagonal = np.zeros((1 + len(powers), n))
    weight = {"last": 1.0, "mean": 1 / T**2, "mean_untied": 1 / T}[p.readout]
    V, slope, theta = np.zeros((3, p.depth, n))
    dV, dslope, dtheta = np.zeros((3, len(powers), p.depth, n))
    for layer, (_, _, _, h) in enumerate(p.layers):  # the initial state stands where V does, and no Θ before it
        V[layer], dV[:, layer] = h**2, (powers[:, layer, 3] * h**2)[:, None]
    for t in range(T):
        heard, dheard = (X.values[:, t] ** 2).sum(axis=1) / m, np.zeros((len(powers), n))
        trained, dtrained = 0.0, 0.0  # V' Θ of the layer below, and its derivatives
        for layer, (w, u, b, _) in enumerate(p.layers):
            W, U, B, _ = powers[:, layer].T[:, :, None]
            dK[:, layer, t] = w**2 * (dV[:, layer] + W * V[layer]) + u**2 * (dheard + U * heard) + B * b**2
            memory, dmemory = (
                slope[layer] * theta[layer],
                dslope[:, layer] * theta[layer] + slope[layer] * dtheta[:, layer],
            )
            theta[layer] = K[layer, t] + w**2 * memory + u**2 * trained
            dtheta[:, layer] = dK[:, layer, t] + w**2 * (dmemory + W * memory) + u**2 * (dtrained + U * trained)
            if layer < p.frozen:
                theta[layer], dtheta[:, layer] = 0, 0
            here = K[layer, t]
            V[layer], slope[layer] = phi.dual(here, here, here)
            by_p, slope_by_p, slope_by_r = phi.derivatives(here, here, here)
            dV[:, layer] = (slope[layer] + 2 * by_p) * dK[:, layer, t]
            dslope[:, layer] = (2 * slope_by_p + slope_by_r) * dK[:, layer, t]
            heard, dheard = V[layer], dV[:, layer]
            trained = slope[layer] * theta[layer]
            dtrained = dslope[:, layer] * theta[layer] + slope[layer] * dtheta[:, layer]
        if p.readout != "last" or t == T - 1:
            diagonal[0] += weight * (heard + tangent * trained)
            diagonal[1:] += weight * (dheard + tangent * dtrained)
    return K, dK, diagonal


def by_steps(X: Sequences, p: Parameters, powers: np.ndarray, tangent: bool) -> tuple[np.ndarray, np.ndarray]:
    """The same as `by_tiles` for any nonlinearity, as `rntk.recursion` computes the Gram."""
    own, by_scale, diagonal = of_series(X, p, powers, tangent)
    phi = as_nonlinearity(p.nonlinearity)
    n, T, m = X.shape
    total = np.zeros((1 + len(powers), n, n))
    weight = {"last": 1.0, "mean": 1 / T**2, "mean_untied": 1 / T}[p.readout]
    for first_t, first_s, steps in alignments(T, T, p.readout):
        V, slope, theta = np.zeros((3, p.depth, n, n))
        dV, dslope, dtheta = np.zeros((3, len(powers), p.depth, n, n))
        for t, s in zip(range(first_t, first_t + steps), range(first_s, first_s + steps), strict=True):
            heard, dheard = X.values[:, t] @ X.values[:, s].T / m, np.zeros((len(powers), n, n))
            trained, dtrained = 0.0, 0.0
            for layer, (w, u, b, _) in enumerate(p.layers):
                W, U, B, _ = powers[:, layer].T[:, :, None, None]
                K = u**2 * heard + b**2 + w**2 * V[layer]
                dK = u**2 * (dheard + U * heard) + B * b**2 + w**2 * (dV[:, layer] + W * V[layer])
                memory, dmemory = (
                    slope[layer] * theta[layer],
                    dslope[:, layer] * theta[layer] + slope[layer] * dtheta[:, layer],
                )
                theta[layer] = K + w**2 * memory + u**2 * trained
                dtheta[:, layer] = dK + w**2 * (dmemory + W * memory) + u**2 * (dtrained + U * trained)
                if layer < p.frozen:
                    theta[layer], dtheta[:, layer] = 0, 0
                Kx, Ky = own[layer, t][:, None], own[layer, s][None]
                dx, dy = by_scale[:, layer, t][:, :, None], by_scale[:, layer, s][:, None]
                V[layer], slope[layer] = phi.dual(Kx, K, Ky)
                by_p, slope_by_p, slope_by_r = phi.derivatives(Kx, K, Ky)
                by_q, slope_by_q, _ = phi.derivatives(Ky, K, Kx)
                dV[:, layer] = slope[layer] * dK + by_p * dx + by_q * dy
                dslope[:, layer] = slope_by_r * dK + slope_by_p * dx + slope_by_q * dy
                heard, dheard = V[layer], dV[:, layer]
                trained = slope[layer] * theta[layer]
                dtrained = dslope[:, layer] * theta[layer] + slope[layer] * dtheta[:, layer]
            if p.readout != "last" or t == T - 1:
                new = np.concatenate([(heard + tangent * trained)[None], dheard + tangent * dtrained])
                if t == s:
                    new[:, range(n), range(n)] = 0
                total += weight * new
    return total, diagonal
