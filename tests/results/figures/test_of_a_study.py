"""All figures of a study: which there are, what becomes of bad input, and the command that writes them."""

import csv
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from results import store
from results.figures.study import comparable, core_seconds, dataset_drawings, drawings
from results.tables import study_accuracies
from tests.results.figures.reading import texts
from tests.results.records import older
from tests.results.studies import KINDS, task, write_study

ROOT = Path(__file__).parents[3]


def found_in(folder, *arguments):
    """The drawings of the records in a folder, by name."""
    grid = partial(store.read_table, folder=folder, table="grid")
    found = drawings(study_accuracies(folder), store.study_records(folder), grid, KINDS, *arguments)
    assert len({drawing.name for drawing in found}) == len(found)
    return {drawing.name: drawing for drawing in found}


def drawn(found):
    """What is written in each figure, or the reason why it cannot be drawn."""
    said = {}
    for name, drawing in found.items():
        try:
            said[name] = texts(drawing.draw())
        except ValueError as error:
            said[name] = str(error)
            assert said[name]
    return said


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("figures") / "small")


def test_a_study_has_these_figures(study):
    """Ranks: rbf 2, 1, 1.5, 1.5; rntk 1, 2, 3, 3; 1nn_ed 3, 3, 1.5, 1.5."""
    found = found_in(study)
    assert list(found) == [
        "ranks_nemenyi",
        "ranks_wilcoxon",
        "pairs_rbf",
        "differences_rbf_rntk",
        "relative",
        "validation",
        "cost",
        "choices",
        "grid_rntk",
        "grid_rntk_datasets",
    ]
    said = drawn(found)
    assert {"rbf  1.50", "rntk  2.25", "2.25  1nn_ed", "critical difference 1.66"} <= set(said["ranks_nemenyi"])
    assert {"2 won, 2 drawn, 0 lost", "3 won, 0 drawn, 1 lost"} <= set(said["pairs_rbf"])
    assert "rbf less rntk\n3 won, 0 drawn, 1 lost, mean +5.0" in said["differences_rbf_rntk"]
    assert {"rntk, +18.8", "rbf, +13.8", "1nn_ed, +20.0"} <= set(said["validation"])
    assert said["choices"].startswith("no method with a result chooses between direction, depth")
    assert "Beef\n80 to 90" in said["grid_rntk_datasets"]  # 9 of ten cases in one cell, 8 in all others
    assert "averaged over 4 datasets" in found["grid_rntk"].caption


def test_the_reader_chooses_what_is_compared(study):
    found = found_in(study, ["rntk", "1nn_ed"], ["rbf"])
    assert [name for name in found if name.startswith(("pairs", "differences"))] == [
        "pairs_rntk",
        "differences_rntk_rbf",
        "pairs_1nn_ed",
        "differences_1nn_ed_rbf",
    ]
    with pytest.raises(ValueError, match="the study has no method 'svm': it has rntk, rbf, 1nn_ed"):
        found_in(study, ["svm"])


def test_one_dataset_has_a_map_of_every_grid(study):
    grid = partial(store.read_table, folder=study, table="grid")
    (found,) = dataset_drawings("Beef", store.study_records(study), grid)
    assert found.name == "Beef_grid_rntk"
    assert "Beef, rntk" in texts(found.draw())


def remove(folder, dataset, method):
    (folder / "records" / f"{task(dataset, method, 0).name}.json").unlink()


def test_an_empty_study_says_so_of_every_figure(tmp_path):
    store.write_plan(tmp_path, "small", ["Beef", "Wine"], ["rntk", "rbf"], ["0" * 64])
    accuracy = study_accuracies(write_study(tmp_path / "other"))
    for empty in (accuracy * float("nan"), accuracy.iloc[:0], accuracy.iloc[:0, :0]):
        said = drawn({drawing.name: drawing for drawing in drawings(empty, [], None)})
        assert set(said) == {"ranks_nemenyi", "ranks_wilcoxon", "relative", "validation", "cost", "choices", "grid"}
        assert all(isinstance(reason, str) for reason in said.values())
        assert said["ranks_nemenyi"] == "two methods with a dataset in common are needed: there are none"
        assert said["cost"] == "no dataset has a time and an accuracy of every method"
        assert said["grid"].startswith("no method with a result has a grid")


def test_one_dataset_only(tmp_path):
    said = drawn(found_in(write_study(tmp_path / "one", ["Beef"])))
    assert {"rbf  1.50", "1.50  1nn_ed"} <= {*said["ranks_nemenyi"]} or {"1nn_ed  1.50"} <= {*said["ranks_nemenyi"]}
    assert any("more than any two can differ" in text for text in said["ranks_nemenyi"])
    assert [name for name, reason in said.items() if isinstance(reason, str)] == ["choices"]


def test_one_method_only(tmp_path):
    said = drawn(found_in(write_study(tmp_path / "one", methods=["rntk"])))
    assert said["ranks_nemenyi"] == "two methods with a dataset in common are needed: there are rntk"
    assert said["pairs_rntk"] == "there is no method to compare rntk with"
    assert said["relative"].startswith("two methods with results are needed, and there are 1")
    assert "rntk" in said["cost"] and "rntk, +18.8" in said["validation"]


def test_two_methods_of_equal_accuracy_everywhere(tmp_path):
    """Nobody wins: equal ranks in one group, every point on the diagonal, every difference 0."""
    folder = write_study(tmp_path / "equal", ["Beef", "Wine"], ["rbf", "1nn_ed"])
    said = drawn(found_in(folder))
    for name in ("ranks_nemenyi", "ranks_wilcoxon"):
        assert {"rbf  1.50", "1.50  1nn_ed"} <= set(said[name])
        bars = [line for line in found_in(folder)[name].draw().axes[0].lines if line.get_linewidth() == 2.5]
        assert len(bars) == 1
    assert "0 won, 2 drawn, 0 lost" in said["pairs_rbf"]
    assert "rbf less 1nn_ed\n0 won, 2 drawn, 0 lost, mean +0.0" in said["differences_rbf_1nn_ed"]
    assert said["relative"].count("100.0") == 2


def test_a_method_on_one_dataset_is_left_out_of_ranks_and_named(tmp_path):
    folder = write_study(tmp_path / "few")
    for dataset in ("Beef", "Coffee", "GunPoint"):
        remove(folder, dataset, "rntk")
    found = found_in(folder)
    assert "over the 4 datasets on which each has a result (without rntk, which have results on few)" in (
        found["ranks_nemenyi"].caption
    )
    said = drawn(found)
    assert not [text for text in said["ranks_nemenyi"] if "rntk" in text]
    assert {"rntk (%)", "1 won, 0 drawn, 0 lost"} <= set(said["pairs_rbf"])
    assert "Wine\n80 to 90" in said["grid_rntk_datasets"]
    assert list(comparable(study_accuracies(folder))) == ["rbf", "1nn_ed"]


def test_methods_without_a_dataset_in_common_have_no_ranks(tmp_path):
    folder = write_study(tmp_path / "apart", ["Beef", "Wine"], ["rntk", "rbf"])
    remove(folder, "Beef", "rntk")
    remove(folder, "Wine", "rbf")
    said = drawn(found_in(folder))
    assert said["ranks_nemenyi"].startswith("two methods with a dataset in common are needed")
    assert said["pairs_rntk"] == "there is no method to compare rntk with"
    assert said["cost"] == "no dataset has a time and an accuracy of every method"


def test_failed_records_and_records_of_an_older_schema_leave_the_rest(tmp_path):
    """One failed, one of a time when a record had neither times nor settings, and one without its sizes."""
    folder = write_study(tmp_path / "old")
    failed = task("Coffee", "rbf", 0, cv_accuracy=None)
    failed.status, failed.test_accuracy = "failed", None
    store.write(failed, folder)
    for dataset, fields in (("Beef", ("timings", "selected")), ("Wine", ("n_train",))):
        older(folder / "records" / f"{task(dataset, 'rntk', 0).name}.json", *fields)
    found = found_in(folder)
    said = drawn(found)
    assert [name for name, reason in said.items() if isinstance(reason, str)] == ["choices"]
    assert "rntk, +18.8" in said["validation"]  # (4 · 90 − 100 − 85 − 55 − 45) / 4
    assert [text.split("\n")[0] for text in said["grid_rntk_datasets"] if "80 to 90" in text] == [
        "Beef",
        "Coffee",
        "GunPoint",
    ]
    for name in ("grid_rntk", "grid_rntk_datasets"):
        assert "(without Wine, whose grids cannot be read)" in found[name].caption
    assert "averaged over 3 datasets" in found["grid_rntk"].caption


def test_grids_that_cannot_be_read_or_are_others(tmp_path):
    folder = write_study(tmp_path / "s", ["Beef", "Wine"], ["rntk"])
    table = folder / "records" / f"{task('Wine', 'rntk', 0).name}.grid.csv"
    older(folder / "records" / f"{task('Wine', 'rntk', 0).name}.json")
    table.write_text("sigma_w,sigma_b,C=1,note\n1,2,5,\n")
    said = drawn(found_in(folder))
    assert said["grid_rntk"] == said["grid_rntk_datasets"]
    assert said["grid_rntk"] == "the grid of Wine is not that of Beef: they cannot be shown as one"
    for content in ("sigma_w,sigma_b\n1,2\n", "gamma,C=1\n1,many\n", None):
        table.write_text(content) if content else table.unlink()
        assert "averaged over 1 dataset (without Wine" in found_in(folder)["grid_rntk"].caption


def test_times_are_of_one_core():
    assert core_seconds(task("Beef", "rntk", 9, timings={"total": 2.0, "threads": 3})) == 6
    assert core_seconds(task("Beef", "rntk", 9, timings={"total": 2.0})) == 2
    assert core_seconds(task("Beef", "rntk", 9, timings={})) is None


# ---- The command


def test_the_command_writes_every_figure_and_says_which_cannot_be(command, capsys, tmp_path):
    folder = write_study(tmp_path / "one", ["Wine"], ["rntk"])
    to = folder / "figures"
    to.mkdir()
    for old in ("cost.png", "relative.pdf", "kept.pdf"):
        (to / old).write_bytes(b"old")
    assert command("results.figures", tmp_path / "none", folder, "--datasets", "Wine") == 0
    said = capsys.readouterr()
    names = ["validation", "cost", "grid_rntk", "grid_rntk_datasets", "Wine_grid_rntk"]
    assert said.out.splitlines() == [
        *(f"{to}/{name}.{{pdf,svg,png}}" for name in names),
        f"{to}/captions.csv",
        f"5 of 10 figures from the records in {folder}; 1 of 1 datasets.",
    ]
    assert "not drawn: relative: two methods with results are needed, and there are 1" in said.err
    files = [f"{name}.{ending}" for name in names for ending in ("pdf", "svg", "png")]
    assert sorted(path.name for path in to.iterdir()) == sorted([*files, "captions.csv", "kept.pdf"])
    assert (to / "cost.png").read_bytes() != b"old"
    with open(to / "captions.csv") as file:
        assert [row["name"] for row in csv.DictReader(file)] == names


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--of", "svm"], "the study has no method 'svm': it has rbf"),
        (["--against", "svm"], "the study has no method 'svm': it has rbf"),
        (["--datasets", "Bee"], "the study has no dataset 'Bee': it has Beef"),
        (["--kinds", "none.csv"], "none.csv is no CSV file with the columns `name` and `type`"),
        (["--kinds", __file__], "test_of_a_study.py is no CSV file with the columns `name` and `type`"),
    ],
)
def test_what_the_study_has_not_is_an_error(command, capsys, tmp_path, arguments, message):
    folder = write_study(tmp_path / "one", ["Beef"], ["rbf"])
    assert command("results.figures", folder, *arguments) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ") and message in said.err
    assert not said.out and not (folder / "figures").exists()


def test_a_folder_without_records_is_an_error(command, capsys, tmp_path):
    assert command("results.figures", tmp_path) == 2
    assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.slow
def test_the_same_records_give_the_same_bytes_in_two_processes(study, tmp_path):
    """Whatever the order in which Python's sets come."""
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-m", "results.figures", str(study), "--datasets", "all", "--to", str(tmp_path / seed)],
            cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed}, check=True, capture_output=True,
        )  # fmt: skip
    names = sorted(path.name for path in (tmp_path / "1").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "2").iterdir())
    assert len(names) == 3 * (9 + 4) + 1
    for name in names:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name
