"""Runs side by side: what tells them apart, their table, and their figures read from the drawing itself."""

import itertools
import random

import numpy as np
import pandas as pd
import pytest

from results import store
from results.sweep_figures import draw_sweeps, sweeps, write_sweeps
from results.sweeps import differing, parameters, readable, runs, title, write_runs
from results.tables import study_accuracies
from tests.results.records import record

C = [0.01, 0.1, 1, 10, 100]
KEYS = itertools.count()


def ran(accuracy=0.5, dataset="Coffee", method="rntk", protocol=None, finished="2026-01-02T10:00:00+00:00", **kernel):
    """A run of a kernel with these parameters; failed where the accuracy is None."""
    said = {
        "method_config": {"name": method, "kernel": {"_target_": "rntk.RNTK", **kernel}},
        "protocol": {"folds": 10, "C": C, **(protocol or {})},
        "timings": {"total": 1.25, "finished": finished, "peak_memory_mib": 100},
        "environment": {"processor": "Abacus", "python": "3.11.7"},
        "reason": "" if accuracy is not None else "RuntimeError: broken",
    }
    return record(dataset, method, accuracy, key=f"{next(KEYS):04}".ljust(64, "0"), **said)


def told(records):
    """What tells each run from others, in the order given."""
    found = differing(records)
    return [found[run.key] for run in records]


SWEEP = [(1.2, 0.25), (1.34, 0.5), (1.4142135623730951, None), (1.47, 1.0)]


@pytest.fixture
def swept():
    return [ran(accuracy, sigma_w=w, sigma_b=[0, 0.1, 0.5, 1]) for w, accuracy in SWEEP]


def test_one_row_a_run_and_a_column_for_what_differs(swept, tmp_path):
    """Four runs of one dataset and method, of which one failed; what is the same in all is no column."""
    write_runs(random.Random(0).sample(swept, 4), tmp_path)
    assert (tmp_path / "runs.md").read_text() == (
        "| Dataset | Method | sigma_w | CV | Test | Status | Seconds |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| Coffee | rntk | 1.2 | 50.00 | 25.00 | ok | 1.2 |\n"
        "| Coffee | rntk | 1.34 | 50.00 | 50.00 | ok | 1.2 |\n"
        "| Coffee | rntk | 1.41421 | – | – | failed | 1.2 |\n"
        "| Coffee | rntk | 1.47 | 50.00 | 100.00 | ok | 1.2 |\n"
        "\n"
        "4 runs: 3 ok, 1 failed. Accuracies in per cent.\n"
    )
    table = pd.read_csv(tmp_path / "runs.csv", dtype={"key": str})
    assert list(zip(table.sigma_w, table.test_accuracy.replace(np.nan, None), strict=True)) == SWEEP
    assert table.reason.dropna().to_list() == ["RuntimeError: broken"]
    assert table.key.to_list() == [run.key for run in swept]
    assert r"Coffee & rntk & 1.41421 & -- & -- & failed & 1.2 \\" in (tmp_path / "runs.tex").read_text().splitlines()


def test_runs_of_one_key_are_one_run(swept):
    """As a sweep has them that says 1 and 1.0."""
    assert len(runs([*swept, swept[0]])) == 4
    assert runs([swept[0], swept[0]]).columns.to_list() == runs(swept[:1]).columns.to_list()


def test_what_differs_is_what_runs_of_one_method_do_not_share():
    """One method is swept, another has a grid of the same parameter, a third has none, and lacks what the first two have."""
    records = [
        ran(sigma_w=1.2, depth=1),
        ran(sigma_w=1.3, depth=1),
        ran(method="ntk", sigma_w=[1, 2], depth=3),
        ran(method="rbf", gamma=0.1),
    ]
    assert told(records) == [{"sigma_w": 1.2}, {"sigma_w": 1.3}, {"sigma_w": [1, 2]}, {}]
    assert told(records[2:]) == [{}, {}]


def test_what_differs_may_be_of_the_protocol_of_the_method_or_deep_in_the_kernel():
    relu, leaky = {"_target_": "rntk.Rectifier", "slope": 0.0}, {"_target_": "rntk.Rectifier", "slope": 0.2}
    records = [ran(phi=relu), ran(phi=leaky), ran(phi=relu, protocol={"C": [1, 10], "missing": "interpolate"})]
    records[2].method_config["lengths"] = "pad"
    assert told(records) == [
        {"phi.slope": 0.0, "protocol.C": C, "protocol.missing": "not set", "method.lengths": "not set"},
        {"phi.slope": 0.2, "protocol.C": C, "protocol.missing": "not set", "method.lengths": "not set"},
        {"phi.slope": 0.0, "protocol.C": [1, 10], "protocol.missing": "interpolate", "method.lengths": "pad"},
    ]
    last = ["phi.slope", "method.lengths", "protocol.C", "protocol.missing"]
    assert runs(records).columns.to_list()[2:6] == last


def test_numbers_are_the_same_however_they_are_written_and_null_is_nothing():
    assert told([ran(depth=1), ran(depth=1.0, sigma_h=None)]) == [{"key": f"{n:04}000000"} for n in last_keys(2)]


def last_keys(count):
    after = next(KEYS)
    return range(after - count, after)


def test_runs_that_only_the_code_tells_apart_have_their_keys():
    """Two of the same parameters, which an older version of the code has computed, and a third of others."""
    records = [ran(0.1, gamma=1), ran(0.2, gamma=1), ran(0.3, gamma=2)]
    assert [set(values) for values in told(records)] == [{"gamma", "key"}, {"gamma", "key"}, {"gamma"}]
    assert (
        len({title(run, values) for run, values in zip(records, readable(differing(records)).values(), strict=True)})
        == 3
    )
    assert len(runs(records)) == 3


def test_a_name_that_means_something_else_in_the_table_is_given_in_full():
    calibrated = ran(method="svc")
    calibrated.method_config = {"name": "svc", "classifier": {"_target_": "a.B", "method": "sigmoid", "kind": 1}}
    assert set(parameters(calibrated)) == {
        "_target_",
        "method.classifier.method",
        "method.classifier.kind",
        "protocol.folds",
        "protocol.C",
    }


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([[1.34 + i / 100 for i in range(14)], [1.0, 2]], ["[1.34 … 1.47] (14)", "[1, 2]"]),
        ([[0, 0.1, 0.5, 1], [0, 0.2, 0.5, 1], [0, 1]], ["[0, 0.1, 0.5, 1]", "[0, 0.2, 0.5, 1]", "[0, 1]"]),
        ([2**0.5, 1.41421, 1.4], ["1.4142135623730951", "1.41421", "1.4"]),
        ([[[1, 1], [1, 2], [2, 1], [2, 2]], [1, 2]], ["[[1, 1] … [2, 2]] (4)", "[1, 2]"]),
        (["relu", ["relu", "erf"], 1e-8], ["relu", "[relu, erf]", "1e-08"]),
    ],
    ids=["a long grid", "long grids with the same ends", "close numbers", "a grid of lists", "names"],
)
def test_values_are_readable_and_never_alike(values, texts):
    records = [ran(value=value) for value in values]
    shown = readable(differing(records))
    assert [shown[run.key]["value"] for run in records] == texts


# --- figures


def lines_of(axes):
    return {line.get_label(): line.get_xydata().tolist() for line in axes.lines}


def test_one_number_is_drawn_as_a_line_and_a_failure_as_a_cross(swept):
    figures, notes = draw_sweeps(swept)
    assert list(figures) == ["sweep_sigma_w"] and notes == []
    (axes,) = figures["sweep_sigma_w"].axes
    drawn = lines_of(axes)
    assert drawn["test"] == [[w, 100 * accuracy] for w, accuracy in SWEEP if accuracy is not None]
    assert drawn["cross-validation"] == [[w, 50] for w, accuracy in SWEEP if accuracy is not None]
    assert [x for x, _ in drawn["no result"]] == [2**0.5]
    assert axes.get_title() == "Coffee\nrntk" and axes.get_xlabel() == "sigma_w"
    assert axes.lines[0].get_linestyle() == "-"


def test_names_are_drawn_as_dots_in_their_places():
    (made,) = draw_sweeps([ran(a, phi=phi) for a, phi in ((0.1, "relu"), (0.2, "erf"), (0.3, ["relu", "erf"]))])[
        0
    ].values()
    (axes,) = made.axes
    assert lines_of(axes)["test"] == [[0, 30], [1, 20], [2, 10]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["[relu, erf]", "erf", "relu"]
    assert axes.lines[0].get_linestyle() == "None"


@pytest.mark.parametrize(
    ("values", "kind"), [((1, 2, 100), "linear"), ((0.01, 1, 2), "log"), ((0, 0.01, 2), "symlog"), ((0, 0), None)]
)
def test_an_axis_is_logarithmic_where_numbers_span_more_than_a_hundredfold(values, kind):
    figures, _ = draw_sweeps([ran(gamma=value) for value in values])
    assert [made.axes[0].get_xscale() for made in figures.values()] == ([kind] if kind else [])


def test_two_numbers_are_drawn_as_a_heat_map():
    """σ_w with three values along the side, σ_b with two; one run failed, and one was not run."""
    accuracy = {(1.2, 0): 0.1, (1.3, 0): 0.2, (1.4, 0): 0.3, (1.2, 1): 0.4, (1.3, 1): None}
    figures, notes = draw_sweeps([ran(a, sigma_b=b, sigma_w=w) for (w, b), a in accuracy.items()])
    assert list(figures) == ["sweep_sigma_w-sigma_b"] and notes == []
    validation, test, _ = figures["sweep_sigma_w-sigma_b"].axes
    assert (test.get_xlabel(), test.get_ylabel()) == ("sigma_w", "sigma_b")
    assert [label.get_text() for label in test.get_xticklabels()] == ["1.2", "1.3", "1.4"]
    shown = test.images[0].get_array().filled(np.nan)
    np.testing.assert_allclose(shown, [[10, 20, 30], [40, np.nan, np.nan]], rtol=1e-15)
    written = {text.get_position(): text.get_text() for text in test.texts}
    assert written == {(0, 0): "10.0", (1, 0): "20.0", (2, 0): "30.0", (0, 1): "40.0", (1, 1): "×"}
    assert validation.images[0].get_clim() == test.images[0].get_clim() == (10, 50)


def test_what_else_differs_makes_panels():
    """Datasets, a third number, and names, each panel with its own runs."""
    values = list(itertools.product(("Coffee", "Wine"), (1.2, 1.3, 1.4), (0, 0.1, 1, 2), ("relu", "erf"), (1,)))
    values += [("Wine", 1.2, 0, "relu", 2)]
    (found,), _ = sweeps([ran(dataset=d, sigma_w=w, sigma_b=b, phi=p, depth=k) for d, w, b, p, k in values])
    assert found.over == ("sigma_b", "sigma_w")
    assert [(panel.title, len(panel.runs)) for panel in found.panels] == [
        ("Coffee\nrntk, phi = erf, depth = 1", 12),
        ("Coffee\nrntk, phi = relu, depth = 1", 12),
        ("Wine\nrntk, phi = erf, depth = 1", 12),
        ("Wine\nrntk, phi = relu, depth = 1", 12),
        ("Wine\nrntk, phi = relu, depth = 2", 1),
    ]


def test_sweeps_over_each_others_grids_are_drawn_apart():
    """σ_w over a grid of σ_b, σ_b over a grid of σ_w, of two methods, and a run of both grids, which no figure can place."""
    grid = [1.2, 1.3, 1.4]
    records = [ran(method=m, sigma_w=w, sigma_b=grid) for w in grid for m in ("rntk", "rntk_mean")]
    records += [ran(sigma_w=grid, sigma_b=b) for b in grid] + [ran(sigma_w=grid, sigma_b=grid)]
    found, notes = sweeps(records)
    assert {sweep.over: [(panel.title, len(panel.runs)) for panel in sweep.panels] for sweep in found} == {
        ("sigma_w",): [
            ("Coffee\nrntk, sigma_b = [1.2, 1.3, 1.4]", 3),
            ("Coffee\nrntk_mean, sigma_b = [1.2, 1.3, 1.4]", 3),
        ],
        ("sigma_b",): [("Coffee\nrntk, sigma_w = [1.2, 1.3, 1.4]", 3)],
    }
    assert notes == ["rntk: 1 run not drawn, alone of its kind"]


def test_what_is_not_drawn_is_said():
    many = [ran(dataset=f"D{i:02}", gamma=g) for i in range(13) for g in (1, 2)]
    assert draw_sweeps(many)[1] == [
        "no figure over gamma: datasets, methods and other parameters make 13 panels, and 12 are the most that are drawn"
    ]
    assert list(draw_sweeps(many[2:])[0]) == ["sweep_gamma"]
    lost = [ran(None, gamma=1), ran(None, gamma=2)]
    assert draw_sweeps(lost) == ({}, ["gamma: 1 panel not drawn, as no run has a result"])
    assert draw_sweeps([ran(gamma=1), ran(method="ntk", depth=1)]) == ({}, [])
    figures, notes = draw_sweeps([ran(gamma=1), ran(None, dataset="Wine", gamma=2)])
    assert notes == ["gamma: 1 panel not drawn, as no run has a result"]
    assert lines_of(figures["sweep_gamma"].axes[0]) == {"cross-validation": [[1, 50]], "test": [[1, 50]]}


def test_of_runs_that_only_the_code_tells_apart_the_latest_is_drawn():
    old, new = "2026-01-02T10:00:00+00:00", "2026-01-03T09:00:00+00:00"
    records = [
        ran(a, gamma=g, finished=at) for a, g, at in ((0.1, 1, new), (0.2, 1, old), (0.3, 2, old), (0.4, 2, new))
    ]
    figures, notes = draw_sweeps(records)
    assert lines_of(figures["sweep_gamma"].axes[0])["test"] == [[1, 10], [2, 40]]
    assert notes == ["rntk: 2 runs not drawn, as a later one differs in its key alone"]


def test_a_value_that_is_no_number_does_not_keep_the_others_from_a_line():
    """A job that was refused for its value, as a sweep has it when a letter slips in."""
    records = [ran(gamma=1), ran(gamma=2), ran(None, gamma="3x"), ran(None, gamma=float("nan"))]
    figures, notes = draw_sweeps(records)
    assert lines_of(figures["sweep_gamma"].axes[0])["test"] == [[1, 50], [2, 50]]
    assert len(notes) == 1 and len(runs(records)) == 4


def test_the_same_runs_give_the_same_bytes_in_any_order_and_others_take_their_place(swept, tmp_path):
    heat = [ran(0.5, gamma=g, depth=d) for g in (1, 2) for d in (1, 2)]
    for name, order in (("a", 1), ("b", -1)):
        write_runs([*swept, *heat][::order], tmp_path / name)
        write_sweeps([*swept, *heat][::order], tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(files) == 3 + 2 * 3
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    (tmp_path / "a" / "sweep_notes.txt").touch()
    write_sweeps(swept, tmp_path / "a")
    left = {path.name for path in (tmp_path / "a").glob("sweep*")}
    assert left == {"sweep_notes.txt", *(f"sweep_sigma_w.{ending}" for ending in ("pdf", "svg", "png"))}


# --- a folder of runs


def test_a_folder_without_a_plan_shows_every_run(command, capsys, swept, tmp_path):
    """Before the sweep one run of it: the tables of a study, which it is no more, must not stay as if they held all."""
    store.write(swept[0], tmp_path)
    assert command("results.tables", tmp_path) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Dataset Method    CV  Test Status Seconds\n") and "| rntk | 1 | 25.00 |" in printed
    assert (tmp_path / "tables" / "summary.md").exists() and (tmp_path / "figures" / "overview.png").exists()
    (tmp_path / "tables" / "summary.txt").touch()

    for run in swept:
        store.write(run, tmp_path)
    assert command("results.tables", tmp_path) == 0
    printed = capsys.readouterr()
    rows = [line.split() for line in printed.out.splitlines() if line.lstrip().startswith("Coffee")]
    assert rows == [
        ["Coffee", "rntk", "1.2", "50.00", "25.00", "ok", "1.2"],
        ["Coffee", "rntk", "1.34", "50.00", "50.00", "ok", "1.2"],
        ["Coffee", "rntk", "1.41421", "–", "–", "failed", "1.2"],
        ["Coffee", "rntk", "1.47", "50.00", "100.00", "ok", "1.2"],
    ]
    assert f"tables in {tmp_path / 'tables'}, figure {tmp_path / 'figures' / 'sweep_sigma_w.png'}\n" in printed.out
    assert printed.err == "Coffee rntk sigma_w=1.41421: failed: RuntimeError: broken\n"
    assert {path.name for path in (tmp_path / "tables").iterdir()} == {"runs.csv", "runs.md", "runs.tex", "summary.txt"}
    assert not list((tmp_path / "figures").glob("overview.*"))


def test_methods_are_not_compared_by_whichever_run_came_last(command, capsys, swept, tmp_path):
    for run in swept:
        store.write(run, tmp_path)
    with pytest.raises(ValueError, match=r"several runs of one dataset and method, and no plan .*results\.tables"):
        study_accuracies(tmp_path)
    assert command("results.comparison", tmp_path) == 2
    assert f"`python -m results.tables {tmp_path}` lists them all" in capsys.readouterr().err
    store.write_plan(tmp_path, "mine", ["Coffee"], ["rntk"], [swept[1].key])
    assert study_accuracies(tmp_path).to_numpy().tolist() == [[0.5]]
    assert command("results.tables", tmp_path) == 0
    assert not (tmp_path / "tables" / "runs.md").exists()
