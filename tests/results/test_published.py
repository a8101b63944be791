"""Published figures beside ours: read with their source, held to their digits, and true to the counts that they must come from."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from datasets import catalogue, listed
from datasets.catalogue import HERE as CATALOGUE
from results.published import HERE, beside_ours, overview, read_published
from results.store import write, write_plan
from tests.results.records import record

FILES = sorted(HERE.glob("*.csv"))


def published(tmp_path, text, source="# source: a paper, table 3\n") -> Path:
    path = tmp_path / "paper.csv"
    path.write_text(source + text)
    return path


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_shipped_names_its_source_and_knows_its_datasets(path):
    table = read_published(path)
    assert len(table) and (table.source.str.len() > 20).all()
    assert set(table.dataset) <= set(catalogue())
    assert path.name in (HERE / "README.md").read_text()


@pytest.mark.parametrize(("name", "runs"), [("minirocket", 1), ("rocket", 10)])
def test_a_mean_accuracy_is_a_whole_number_of_test_cases(name, runs):
    """Over all runs together, on each of the 56: a digit that was copied wrongly is none."""
    table = read_published(HERE / f"{name}.csv")
    assert table.dataset.tolist() == sorted(listed())
    cases = table.published * runs * table.dataset.map(lambda dataset: catalogue()[dataset].n_test)
    digits = {"minirocket": 6, "rocket": 8}[name]
    n_test = table.dataset.map(lambda dataset: catalogue()[dataset].n_test)
    assert ((cases - cases.round()).abs() <= 0.5 * 10.0**-digits * runs * n_test * 1.001).all()


def test_the_archives_figures_are_those_of_the_catalogue():
    """1 − error of its three columns, to the digit, of all 128 datasets."""
    table = read_published(HERE / "archive.csv").pivot(index="dataset", columns="method", values="published")
    errors = pd.read_csv(CATALOGUE / "archive.csv").set_index("name")
    columns = {"1nn_ed": "ed_error", "1nn_dtw": "dtw_full_window_error", "1nn_dtw_learned": "dtw_learned_window_error"}
    assert set(table) == set(columns)
    for method, column in columns.items():
        assert (table[method].round(4) == (1 - errors[column]).round(4).reindex(table.index)).all()


def test_a_figure_is_held_to_its_digits_and_to_what_chance_does(tmp_path):
    """Of one run and the mean of four the difference has √(1 + 1/4) of the deviation."""
    text = "dataset,method,accuracy,std,runs\nA,m,0.90,,\nB,m,0.9000,,\nC,m,0.9000,0.01,4\nD,m,0.9000,0.01,4\nE,m,0.9,,\nZ,m,0.9,,\n"
    table = read_published(published(tmp_path, text))
    chance = 0.02 * np.sqrt(1.25)
    np.testing.assert_allclose(table.tolerance, [0.005, 0.00005, 0.00005 + chance, 0.00005 + chance, 0.05, 0.05])
    ours = pd.DataFrame({"m": [0.905, 0.9001, 0.9223, 0.8775, np.nan], "other": 0.9}, index=list("ABCDE"))
    rows = beside_ours(ours, table)
    assert rows.dataset.tolist() == ["A", "B", "C", "D"]  # where we have a result, and they have
    assert rows.verdict.tolist() == ["reproduced", "differs", "reproduced", "differs"]
    np.testing.assert_allclose(rows.difference, [0.005, 0.0001, 0.0223, -0.0225])
    (row,) = overview(rows).itertuples()
    assert (row.datasets, row.reproduced, row.at) == (4, 2, "D")
    assert (row.mean, row.median_size, row.largest) == pytest.approx((0.001225, 0.01365, 0.0225))


def test_two_sources_for_one_method_stand_beside_each_other(tmp_path):
    first = read_published(published(tmp_path, "dataset,method,accuracy\nA,m,0.5\n"))
    other = read_published(published(tmp_path, "dataset,method,accuracy\nA,m,0.7\n", "# source: another\n"))
    rows = beside_ours(pd.DataFrame({"m": [0.7]}, index=["A"]), pd.concat([first, other]))
    assert rows[["source", "verdict"]].to_numpy().tolist() == [
        ["a paper, table 3", "differs"],
        ["another", "reproduced"],
    ]
    assert overview(rows).source.tolist() == ["a paper, table 3", "another"]


@pytest.mark.parametrize(
    ("source", "text", "message"),
    [
        ("", "dataset,method,accuracy\nA,m,0.5\n", "names no source"),
        ("# source:\n", "dataset,method,accuracy\nA,m,0.5\n", "names no source"),
        ("# source: x\n", "dataset,accuracy\nA,0.5\n", "no column 'method'"),
        ("# source: x\n", "dataset,method,accuracy\nA,m,55.0\n", "A m has accuracy='55.0': a number from 0 to 1"),
        ("# source: x\n", "dataset,method,accuracy\nA,m,\n", "A m has accuracy=''"),
        ("# source: x\n", "dataset,method,accuracy\nA,m,a half\n", "A m has accuracy='a half'"),
        ("# source: x\n", "dataset,method,accuracy,std,runs\nA,m,0.5,0.1,0\n", "A m has runs='0'"),
        ("# source: x\n", "dataset,method,accuracy\nA,m,0.5\nA,m,0.6\n", "A m twice"),
    ],
)
def test_a_file_that_is_none(source, text, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_published(published(tmp_path, text, source))


def test_the_command_shows_what_differs_and_writes_all(tmp_path, command, capsys):
    folder = tmp_path / "study"
    keys = []
    for name, accuracy in (("Coffee", 1.0), ("GunPoint", 0.5)):
        made = record(name, "1nn_ed", accuracy)
        write(made, folder)
        keys.append(made.key)
    write_plan(folder, "study", ["Coffee", "GunPoint"], ["1nn_ed"], keys)
    assert command("results.published", folder, "--csv", tmp_path / "all.csv") == 0
    printed = capsys.readouterr().out
    assert "| GunPoint | 1nn_ed | 91.33 | 50.00 | -41.33 | 0.005 | differs |" in printed
    assert "| Coffee |" not in printed and "1 of 2 published figures" in printed
    assert "| 1nn_ed | 2 | 1 | -20.6" in printed and "| 41.33 (GunPoint) |" in printed
    assert "UCR Time Series Archive" in printed
    rows = pd.read_csv(tmp_path / "all.csv")
    assert rows.dataset.tolist() == ["Coffee", "GunPoint"] and rows.verdict.tolist() == ["reproduced", "differs"]
    assert command("results.published", folder, "--all") == 0
    assert "| Coffee | 1nn_ed | 100.00 | 100.00 | +0.00 | 0.005 | reproduced |" in capsys.readouterr().out
    mine = published(tmp_path, "dataset,method,accuracy\nCoffee,mine,0.5\n")
    assert command("results.published", folder, "--from", mine) == 0
    assert capsys.readouterr().out.startswith("nothing published is at hand")
    assert command("results.published", folder, "--from", tmp_path / "none.csv") == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert command("results.published", tmp_path / "nothing") == 2
