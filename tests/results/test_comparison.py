"""Pairs of methods: on a worked example, against the definition, and what the README says of the reference study."""

import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, rankdata

from results.comparison import compare, comparisons
from results.tables import study_accuracies

ROOT = Path(__file__).parents[2]
FAMILY = ROOT / "results" / "reference" / "family"


def test_a_worked_example():
    """Six leads of ranks 1 … 6, of which those of ranks 1 and 3 are negative: how many of the 64 ways to choose the signs give
    negative ranks of a sum of 4 or less, on either side.
    """
    lead = np.array([-0.01, 0.02, -0.03, 0.04, 0.05, 0.06])
    accuracy = pd.DataFrame({"a": 0.5 + lead, "b": 0.5})
    sums = [
        sum(rank for rank, sign in zip(range(1, 7), signs, strict=True) if sign) for signs in product((0, 1), repeat=6)
    ]
    found = compare(accuracy, "a", "b")
    assert (found.wins, found.ties, found.losses) == (4, 0, 2)
    assert found.lead == pytest.approx(0.13 / 6)
    assert found.p == pytest.approx(2 * np.mean(np.array(sums) <= 4))
    assert compare(accuracy, "b", "a").p == pytest.approx(found.p)


def test_ties_are_left_out_and_holes_count_for_nobody():
    rng = np.random.default_rng(0)
    accuracy = pd.DataFrame(rng.integers(0, 20, (60, 2)) / 20, columns=["a", "b"])
    accuracy.loc[[3, 7], "a"] = np.nan
    found = compare(accuracy, "a", "b")
    lead = np.round(20 * (accuracy.a - accuracy.b).dropna().to_numpy())  # whole numbers: many share a rank
    assert (found.wins + found.ties + found.losses, found.ties) == (58, (lead == 0).sum())
    differ = lead[lead != 0]  # the normal approximation, with its correction of the variance for equal ranks
    ranks, n = rankdata(np.abs(differ)), len(differ)
    _, groups = np.unique(ranks, return_counts=True)
    variance = n * (n + 1) * (2 * n + 1) / 24 - (groups**3 - groups).sum() / 48
    z = (ranks[differ > 0].sum() - n * (n + 1) / 4) / np.sqrt(variance)
    assert found.p == pytest.approx(2 * norm.sf(abs(z)))
    assert compare(accuracy, "a", "a").p == 1.0


def test_a_correction_is_for_the_comparisons_in_the_table():
    accuracy = pd.DataFrame(np.random.default_rng(1).random((30, 3)), columns=["a", "b", "c"])
    every = comparisons(accuracy, ["a", "b", "c"], ["a", "b", "c"])
    assert list(zip(every.method, every.other, strict=True)) == [("a", "b"), ("a", "c"), ("b", "c")]
    np.testing.assert_allclose(every.p_corrected, np.minimum(3 * every.p, 1))
    assert len(comparisons(accuracy, ["a", "b"], ["c"])) == 2


def test_the_readmes_figures_are_those_of_the_records():
    members = ["rntk", "rntk_direction", "rntk_deep", "rntk_erf", "rntk_mean", "rntk_gp", "rntk_family"]
    baselines = ["ntk", "rbf", "polynomial", "gaussian"]
    accuracy = study_accuracies(FAMILY)
    table = comparisons(accuracy, members, baselines).set_index(["method", "other"])
    text = " ".join((ROOT / "README.md").read_text().split())
    mean, family = (table.loc[method] for method in ("rntk_mean", "rntk_family"))
    said = [
        f"all {len(table)} comparisons",
        f"{100 * mean.lead.rbf:.1f} points over RBF ({mean.wins.rbf} datasets won, {mean.ties.rbf} tied, {mean.losses.rbf} lost; "
        f"p = {mean.p.rbf:.1g} by a two-sided Wilcoxon test), {100 * mean.lead.polynomial:.1f} over the polynomial, "
        f"{100 * mean.lead.ntk:.1f} over the NTK, {100 * mean.lead.gaussian:.1f} over the Gaussian (p < 0.002 each)",
        f"{100 * family.lead.rbf:.1f} points over RBF ({family.wins.rbf}–{family.ties.rbf}–{family.losses.rbf}; "
        f"p = {family.p.rbf:.2g}), {100 * family.lead.polynomial:.1f} to {100 * family.lead.gaussian:.1f} over the others "
        f"(p < 0.0005 each)",
        f"(p = {family.p_corrected.rbf:.1g} for `rntk_family`, {mean.p_corrected.rbf:.2f} for `rntk_mean`)",
        f"{100 * compare(accuracy, 'rntk_direction', 'rntk').lead:.1f} points more than with the paper's grid "
        f"(p = {compare(accuracy, 'rntk_direction', 'rntk').p:.1g})",
        f"{100 * compare(accuracy, 'rntk_deep', 'rntk').lead:.1f} more (p = {compare(accuracy, 'rntk_deep', 'rntk').p:.1g}",
        f"({100 * compare(accuracy, 'rntk_erf', 'rntk').lead:.1f} more, p = {compare(accuracy, 'rntk_erf', 'rntk').p:.1g}; "
        f"{-100 * compare(accuracy, 'rntk_gp', 'rntk').lead:.1f} less, p = {compare(accuracy, 'rntk_gp', 'rntk').p:.1g})",
    ]
    for words in said:
        assert words in text, words
    assert max(mean.p.drop("rbf")) < 0.002 and max(family.p.drop("rbf")) < 0.0005
    assert (table.p_corrected.loc[["rntk_mean", "rntk_family"]].drop("rbf", level=1) <= 0.05).all()


def run(*arguments):
    command = [sys.executable, "-m", "results.comparison", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_command_line():
    done = run(str(FAMILY), "--of", "rntk_mean", "--against", "rbf", "ntk")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "| Method | Against | Lead | Won–tied–lost | p | p, corrected |"
    assert lines[2].startswith("| rntk_mean | rbf | +4.10 | 30–5–21 | 0.0071 | 0.014 |")
    assert lines[-2] == "56 of 56 datasets have a result of every method; 2 comparisons."
    assert len(run(str(FAMILY), "--against", "rntk").stdout.splitlines()) == 2 + 11 + 3
    for arguments, message in (
        ([str(FAMILY), "--of", "rntk_men"], "has no method 'rntk_men': it has rntk, ntk"),
        (["nowhere"], "nowhere holds no records: run the study first"),
    ):
        refused = run(*arguments)
        assert refused.returncode == 2
        assert message in refused.stderr and refused.stderr.startswith("error: ")
