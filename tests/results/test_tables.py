"""The tables and what is printed with them, from records small enough to do by hand."""

import pytest

from results import store
from results.tables import write_tables
from tests.results.records import record


def write(folder, dataset, method, accuracy, **timings):
    """A record of a task that took so long; of nothing, where no timings are given."""
    more = {"timings": timings, "environment": {"processor": "Abacus", "python": "3.11.7"}}
    store.write(record(dataset, method, accuracy, status="ok" if timings else "skipped", n_test=162, **more), folder)


@pytest.fixture
def study(tmp_path):
    """Four tasks, of which the first began at 10:00 and the last ended at 11:00, and a dataset that is not there."""
    folder = tmp_path / "study"
    at = "2026-01-02T{}:00+00:00".format
    write(folder, "Beef", "rntk_gp", 37 / 81, total=3000.0, finished=at("10:50"), peak_memory_mib=300)
    write(folder, "Beef", "half_50%", 0.5, total=600.0, finished=at("11:00"), peak_memory_mib=700)
    write(folder, "Coffee", "rntk_gp", 1.0, total=30.0, finished=at("10:55"), peak_memory_mib=200)
    write(folder, "Coffee", "half_50%", 1.0, total=30.0, finished=at("10:56"), peak_memory_mib=100)
    write(folder, "Wine", "rntk_gp", None)
    write(folder, "Wine", "half_50%", None)
    keys = [record.key for record in store.heads(folder)]
    store.write_plan(folder, "study", ["Coffee", "Beef", "Wine"], ["rntk_gp", "half_50%"], keys)
    return folder


COVERAGE = "2 of 3 datasets; 2 have a result of every method. Not there: Wine."
RUN = "4 tasks on 2026-01-02 (Abacus, Python 3.11.7): 61 min of work in 60 min, at most 700 MiB a process"


def test_per_cent_a_star_for_the_best_and_a_dash_for_nothing(study):
    """The deviations are |a − b|/√2: of 45.679 and 100, 38.41; of 50 and 100, 35.36. Of half_50% the other has 0.91358."""
    write_tables(study)
    assert (study / "tables" / "per_dataset.md").read_text() == (
        "| Dataset | rntk_gp | half_50% |\n"
        "| --- | ---: | ---: |\n"
        "| Beef | 45.68 | 50.00* |\n"
        "| Coffee | 100.00* | 100.00* |\n"
        "| Wine | – | – |\n"
        "\n"
        f"{COVERAGE}\n"
    )
    assert (study / "tables" / "summary.md").read_text() == (
        "| Method | Datasets | Accuracy | P90 | P95 | PMA | Rank | Wins |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        "| half_50% | 2 | 75.00 ± 35.36 | 100.0 | 100.0 | 100.0 | 1.25 | 2 |\n"
        "| rntk_gp | 2 | 72.84 ± 38.41 | 100.0 | 50.0 | 95.7 | 1.75 | 1 |\n"
        "\n"
        f"{COVERAGE}\n"
    )
    assert (study / "tables" / "per_dataset.csv").read_text() == (
        "dataset,rntk_gp,half_50%\nBeef,0.4567901234567901,0.5\nCoffee,1.0,1.0\nWine,,\n"
    )


def test_latex_holds_the_same_and_no_character_that_means_something_there(study):
    write_tables(study)
    about = f"{COVERAGE} The records do not say the protocol."
    per_dataset = (study / "tables" / "per_dataset.tex").read_text().splitlines()
    assert per_dataset[2:6] == [
        r"\begin{longtable}{lrr}",
        rf"\caption{{{about} Test accuracy in per cent; of each dataset the best bold, the second underlined.}}"
        r"\label{tab:per-dataset}\\",
        r"\toprule",
        r"Dataset & rntk\_gp & half\_50\% \\",
    ]
    assert per_dataset[-5:] == [
        r"Beef & \underline{45.68} & \textbf{50.00} \\",
        r"Coffee & \textbf{100.00} & \textbf{100.00} \\",
        r"Wine & -- & -- \\",
        r"\end{longtable}",
        r"\endgroup",
    ]
    summary = (study / "tables" / "summary.tex").read_text()
    assert summary.splitlines()[-4] == (
        r"rntk\_gp & 2 & \underline{72.84} & $\pm$ 38.41 & \textbf{100.0} & \underline{50.0} & \underline{95.7} & \underline{1.75} "
        r"& \underline{1} \\"
    )
    assert rf"\caption{{{about} Accuracy is" in summary
    assert r"\label{tab:summary}" in summary and r"\begin{tabular}{lrr@{\,}rrrrrr}" in summary


def test_the_caption_names_the_methods_that_lack_a_dataset(study):
    write(study, "Coffee", "half_50%", None)
    write_tables(study)
    assert r"\caption{2 of 3 datasets; 1 have a result of every method. Not there: Coffee (half\_50\%); Wine. " in (
        (study / "tables" / "per_dataset.tex").read_text()
    )


def test_of_many_holes_twelve_are_named(study):
    names = [f"dataset_{i:02}" for i in range(14)]
    keys = [record.key for record in store.heads(study)]
    store.write_plan(study, "study", ["Coffee", *names], ["rntk_gp", "half_50%"], keys)
    write_tables(study)
    named = "; ".join(names[:12])
    coverage = f"1 of 15 datasets; 1 have a result of every method. Not there: {named}; and 2 more."
    assert (study / "tables" / "summary.md").read_text().endswith(f"\n\n{coverage}\n")


def test_the_first_folder_with_records_is_taken_and_its_run_described(command, capsys, study, tmp_path):
    other = tmp_path / "other"
    write(other, "Fish", "rbf", 0.5)
    assert command("results.tables", tmp_path / "nothing", study, other, "--to", tmp_path / "here") == 0
    printed = capsys.readouterr().out
    assert printed.startswith((tmp_path / "here" / "summary.md").read_text())
    made = f"tables in {tmp_path / 'here'}, figure {tmp_path / 'figures' / 'overview.png'}"
    assert printed.endswith(f"\n{RUN}\nmade from the records in {study}; {made}\n")
    assert "rntk_gp" in printed and not (study / "tables").exists()
    assert command("results.tables", other) == 0
    assert "no task was run\n" in capsys.readouterr().out
    assert (other / "tables" / "per_dataset.csv").exists()


def test_folders_without_records_are_a_mistake(command, capsys, tmp_path):
    assert command("results.tables", tmp_path / "a", tmp_path / "b") == 2
    printed = capsys.readouterr()
    assert f"error: {tmp_path / 'a'} holds no records: run the study first" in printed.err
    assert printed.out == "" and list(tmp_path.iterdir()) == []
