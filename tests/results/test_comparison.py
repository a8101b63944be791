"""The command that compares methods: what it prints, and says of numbers that are not there; and what README and results.md take of it."""

import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from results import significance
from results.comparison import compared
from results.published import beside_ours, overview, read_published
from results.significance import comparisons
from results.tables import study_accuracies

ROOT = Path(__file__).parents[2]
UCR56 = ROOT / "results" / "reference" / "ucr56"
FAMILY = UCR56.with_name("family")


def said(accuracy, rope=0.01):
    return compared(accuracy, list(accuracy), list(accuracy), rope)[1]


@pytest.fixture
def accuracy():
    """Twelve datasets and three methods, of which c is 20 points behind."""
    table = pd.DataFrame(np.random.default_rng(0).integers(8, 20, (12, 3)) / 20, columns=list("abc"))
    return table.assign(c=table.c - 0.2)


def test_each_with_each_is_tested_at_once(accuracy):
    """What is printed is what `results.significance` computes."""
    table, text = compared(accuracy, list("abc"), list("abc"), 0.01)
    found, p = significance.friedman(accuracy), significance.nemenyi(accuracy)
    assert list(table.p_nemenyi) == [p.loc["a", "b"], p.loc["a", "c"], p.loc["b", "c"]]
    row = table.iloc[1]
    assert (
        f"| a | c | 12 | {100 * row.lead:+.2f} | {100 * row.low:+.2f} to {100 * row.high:+.2f} | {row.wins}–{row.ties}–{row.losses} | "
        f"{row.p:.2g} | {row.p_holm:.2g} | {row.p_nemenyi:.2g} | {row.ahead:.3f} | {row.within:.3f} | {row.behind:.3f} |\n"
    ) in text
    assert "\n".join(f"| {name} | {rank:.2f} |" for name, rank in found.ranks.items()) in text
    assert (
        f"Friedman: χ² = {found.statistic:.2f} (2 degrees of freedom), p = {found.p:.2g}; F = {found.F:.2f} (2 and 22)"
        in text
    )
    assert f"critical difference of average ranks {significance.critical_difference(12, 3):.2f} at α = 0.05" in text
    for test, matrix in (("Nemenyi", p), ("Wilcoxon with Holm's correction", significance.square(table, "p_holm"))):
        (group,) = significance.cliques(found.ranks, matrix)
        assert f"Not told apart by {test} at α = 0.05: {', '.join(group)}.\n" in text
        assert set(group) == {"a", "b"}


def test_every_choice_is_said(accuracy):
    text = said(accuracy, rope=0.025)
    for words in (
        "two-sided; datasets without a lead left out; no correction for continuity",
        "95 % interval: of the mean lead, for one pair; bootstrap over datasets, bias-corrected and accelerated (BCa), 10,000 resamples, "
        "seed 0",
        "p, Holm: p corrected for the 3 comparisons",
        "mostly within ±2.5",
        "prior: a Dirichlet process of strength 0.5 at no lead; 20,000 samples, seed 0",
        "Friedman: χ² corrected for ties",
        "p, Nemenyi: two-sided, from average ranks, corrected for all pairs",
        "by p ≤ 0.05",
    ):
        assert words in text, words


def test_some_with_others_are_compared_in_pairs_alone(accuracy):
    table, text = compared(accuracy, ["a", "b"], ["c"], 0.01)
    assert len(table) == 2 and "p_nemenyi" not in table
    assert "2 comparisons. 12 of 12 datasets.\n" in text
    assert "χ²" not in text
    assert "these tests are for three methods or more, each compared with each" in text
    # chosen so, three of four are tested at once
    assert "Average ranks on the 12 datasets" in compared(accuracy.assign(d=0.5), list("abc"), list("abc"), 0.01)[1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda table: table[:1], ["a and b; a and c; b and c: no interval from one dataset", "and there are 1."]),
        (
            lambda table: table.assign(b=table.a, c=table.a),
            ["b and c: never differ: nothing to test, and no interval", "on the 12 datasets", "no two methods differ"],
        ),
        (lambda table: table.assign(c=table.a - 0.05), ["a and c: no interval from leads that are all equal"]),
        (
            lambda table: table.assign(c=table.c.where(table.index == 3)),
            [
                "a and c; b and c: differ on fewer than 6 datasets",
                "Fewest results: c (1).",
                "12 of 12 datasets; 1 have",
            ],
        ),
        (
            lambda table: table.assign(c=np.nan),
            ["a and c; b and c: no dataset has a result of both", "| a | c | 0 | – | – | 0–0–0 | – | – | – | – | – |"],
        ),
        (
            lambda table: table.assign(a=table.a.where(table.index != 3)),
            ["| a | b | 11 |", "| b | c | 12 |", "11 have"],
        ),
        (lambda table: table[["a"]], ["0 comparisons", "no pair of methods to compare"]),
        (lambda table: table[["a", "b"]], ["1 comparisons", "for three methods or more"]),
        (lambda table: table[:0], ["0 of 0 datasets", "no dataset has a result of both"]),
        (lambda table: table[:6], ["more than 10 and more than 5; here are 6 and 3"]),
    ],
    ids=["one dataset", "equal", "a step apart", "one result", "none", "a hole", "one", "two", "empty", "few"],
)
def test_it_says_what_could_not_be_said(accuracy, change, words):
    text = said(change(accuracy))
    for some in words:
        assert some in text, text


def test_pairs_are_named_six_at_a_time():
    text = said(pd.DataFrame(0.5, index=range(8), columns=list("abcde")))
    assert "b and d; and 4 more: never differ" in text.replace("a and b; a and c; a and d; a and e; b and c; ", "")


def readme():
    return " ".join((ROOT / "README.md").read_text().split())


def test_the_figures_of_results_md_are_those_of_the_records():
    members = ["rntk", "rntk_direction", "rntk_deep", "rntk_erf", "rntk_mean", "rntk_gp", "rntk_family"]
    baselines = ["ntk", "rbf", "polynomial", "gaussian"]
    accuracy = study_accuracies(FAMILY)
    table = comparisons(accuracy, members, baselines).set_index(["method", "other"])
    paper = comparisons(accuracy, ["rntk_direction", "rntk_deep", "rntk_erf", "rntk_gp"], ["rntk"]).set_index("method")
    text = " ".join((ROOT / "docs" / "results.md").read_text().split())
    mean, family = (table.loc[method] for method in ("rntk_mean", "rntk_family"))
    leading = table.loc[["rntk_mean", "rntk_family"]]
    rest = leading.drop("rbf", level=1)
    direction, deep, erf, gp = (paper.loc[method] for method in paper.index)

    def points(row):
        return f"{100 * row.low:.1f} to {100 * row.high:.1f}"

    for words in (
        f"{100 * mean.lead.rbf:.1f} points over RBF (95 % interval {points(mean.loc['rbf'])}; {mean.wins.rbf} datasets won, "
        f"{mean.ties.rbf} tied, {mean.losses.rbf} lost), {100 * mean.lead.polynomial:.1f} over the polynomial, "
        f"{100 * mean.lead.ntk:.1f} over the NTK, {100 * mean.lead.gaussian:.1f} over the Gaussian.",
        f"{100 * family.lead.rbf:.1f} points over RBF ({points(family.loc['rbf'])}; {family.wins.rbf}–{family.ties.rbf}–"
        f"{family.losses.rbf}), {100 * family.lead.polynomial:.1f} to {100 * family.lead.gaussian:.1f} over the others",
        f"all {len(table)} comparisons of a member with a baseline (Holm), the leads over the NTK, the polynomial and the Gaussian "
        f"stand (p ≤ {rest.p_holm.max():.2g}), those over RBF do not (p = {family.p_holm.rbf:.2g} for `rntk_family`, "
        f"{mean.p_holm.rbf:.2g} for `rntk_mean`; {family.p.rbf:.2g} and {mean.p.rbf:.2g} uncorrected)",
        f"in each of these eight (probability ≥ {np.floor(1000 * leading.ahead.min()) / 1000:.3f})",
        f"corrected for four comparisons, the RNTK with a choice of direction and of σ_u has {100 * direction.lead:.1f} points "
        f"({points(direction)}; p = {direction.p_holm:.2g}), with two layers and a choice of σ_u {100 * deep.lead:.1f} "
        f"({points(deep)}; p = {deep.p_holm:.2g};",
        f"({100 * erf.lead:.1f} more and {-100 * gp.lead:.1f} less; p = {erf.p_holm:.2g} both)",
    ):
        assert words in text, words
    assert (
        f"after correction (p ≤ {rest.p_holm.max():.2g}), those over RBF do not (p = {mean.p_holm.rbf:.2g} and {family.p_holm.rbf:.2g})"
    ) in readme()
    assert rest.p_holm.max() <= 0.05 < leading.p_holm.xs("rbf", level=1).min() and len(leading) == 8
    assert erf.p_holm == pytest.approx(gp.p_holm)
    assert [table.p_holm[method, "rbf"] for method in ("rntk_direction", "rntk_deep")] == [1, 1]


def test_the_figures_of_results_md_of_the_paper_s_kernel_are_those_of_the_records():
    accuracy = study_accuracies(UCR56)
    table, nemenyi = comparisons(accuracy), significance.nemenyi(accuracy)
    kernels = table[table.other != "1nn_ed"]
    apart = min(nemenyi.loc[pair] for pair in combinations(accuracy.columns.drop("1nn_ed"), 2))
    behind = table[table.other == "1nn_ed"]
    assert (behind.lead > 0).all() and len(behind) == 5
    assert f"(Wilcoxon, corrected by Holm; p ≥ {kernels.p_holm.min():.2f})" in readme()
    assert (
        f"corrected for all {len(table)} comparisons (Holm; p ≥ {kernels.p_holm.min():.2f}), nor by Nemenyi's (p ≥ {apart:.2f}); each "
        f"is ahead of 1-NN (p ≤ {behind.p_holm.max():.2g})"
    ) in " ".join((ROOT / "docs" / "results.md").read_text().split())


def test_the_figures_of_results_md_of_trained_networks_are_those_of_the_records():
    accuracy = study_accuracies(UCR56.with_name("networks_small"))
    rows = [significance.compare(accuracy, f"{name}_mean", name) for name in ("gaussian_rnn", "identity_rnn", "gru")]
    p = significance.holm(pd.Series([row.p for row in rows]))
    plain, identity, gru = (100 * row.lead for row in rows)
    assert (
        f"by {plain:.1f} points for the Gaussian RNN (p = {p[0]:.2g}), {identity:.1f} for the identity RNN (p = {p[1]:.1g}), "
        f"{gru:.1f} for the GRU (p = {p[2]:.2g}; Wilcoxon"
    ) in " ".join((ROOT / "docs" / "results.md").read_text().split())


def test_the_figures_of_results_md_of_everyday_classifiers_are_those_of_the_records():
    folder = UCR56.with_name("context")
    table = comparisons(study_accuracies(folder)).set_index(["method", "other"])
    lead, p = -table.lead, table.p_holm
    mini, mean = ("rntk_mean", "minirocket"), ("rntk_mean", "1nn_dtw")
    row = table.loc[mini]
    text = " ".join((ROOT / "docs" / "results.md").read_text().split())
    learned = ("rntk_mean", "1nn_dtw_learned")
    assert f"**MiniRocket is ahead of it**, with {100 * study_accuracies(folder).minirocket.mean():.1f} %" in readme()
    for words in (
        f"{100 * lead[mini]:.1f} points over `rntk_mean` (95 % interval {-100 * row.high:.1f} to {-100 * row.low:.1f}; {row.losses:.0f} "
        f"datasets won, {row.ties:.0f} tied, {row.wins:.0f} lost), {100 * lead['rbf', 'minirocket']:.1f} over RBF, "
        f"{100 * lead['rntk', 'minirocket']:.1f} over the paper's kernel (p < 1e-5 each, corrected for all {len(table)} comparisons)",
        f"warping without a band ({-100 * lead[mean]:.1f} points) and in a learned one ({-100 * lead[learned]:.1f}; p ≤ "
        f"{max(p[mean], p[learned]):.2g})",
    ):
        assert words in text, words
    assert max(p[method, "minirocket"] for method in ("rntk", "rntk_mean", "rbf")) < 1e-5
    assert min(p["rntk", "1nn_dtw"], p["rntk", "1nn_dtw_learned"]) > 0.05
    published = ROOT / "results" / "published" / "archive.csv"
    found = overview(beside_ours(study_accuracies(folder), read_published(published))).set_index("method").reproduced
    assert (
        f"are met on all {found['1nn_dtw']} datasets to the last digit, those in a learned band on {found['1nn_dtw_learned']},"
        in text
    )


def run(*arguments):
    command = [sys.executable, "-m", "results.comparison", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.slow
def test_the_command_line(tmp_path):
    done = run(FAMILY, "--of", "rntk_mean", "--against", "rbf", "ntk", "--csv", tmp_path / "pairs.csv", "--rope", "2")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "| Method | Against | Datasets | Lead | 95 % interval | Won–tied–lost | p | p, Holm | Ahead | Within | Behind |"
    )
    assert lines[2].startswith("| rntk_mean | rbf | 56 | +4.10 | +1.56 to +6.91 | 30–5–21 | 0.0071 | 0.0071 |")
    assert "2 comparisons. 56 of 56 datasets." in lines
    written = pd.read_csv(tmp_path / "pairs.csv", float_precision="round_trip")
    expected = comparisons(study_accuracies(FAMILY), ["rntk_mean"], ["rbf", "ntk"], rope=0.02)
    pd.testing.assert_frame_equal(written, expected, check_exact=True)
    for arguments, message in (
        ([FAMILY, "--of", "rntk_men"], "has no method 'rntk_men': it has rntk, ntk"),
        (["nowhere"], "nowhere holds no records: run the study first"),
        ([FAMILY, "--rope", "-1"], "the rope is -0.01, a lead in accuracy: give 0 or more"),
        ([FAMILY, "--of", "rbf", "--against", "ntk", "--csv", tmp_path], "directory"),
    ):
        refused = run(*arguments)
        assert refused.returncode == 2
        assert message in refused.stderr and refused.stderr.startswith("error: ")
        assert not refused.stdout
