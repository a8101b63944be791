"""What MLflow's runs say, before they are written: of the small study of `tests.results.studies`."""

import json
from io import BytesIO
from types import SimpleNamespace

import pandas as pd
import pytest

from results import store
from results.statistics import ranks, summary
from results.tables import study_accuracies
from runners.view.pages import SAVED, pages
from runners.view.studies import colour, dataset_runs, method_runs, study_digest, study_run
from runners.view.tasks import describe_task, task_digest, task_run
from tests.results.studies import SHARES, task, write_study


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = write_study(tmp_path_factory.mktemp("view") / "small")
    (folder / "report").mkdir()
    (folder / "report" / "index.html").write_text("<p>the report</p>")
    accuracy, records = study_accuracies(folder), store.study_records(folder)
    return SimpleNamespace(folder=folder, accuracy=accuracy, records=records)


def of(runs, key):
    (found,) = (run for run in runs if run.key == key)
    return found


def metrics(run):
    return {name: value for name, value, step in run.metrics if step == 0}


def test_a_task(small):
    """Name, tags, description, files as the record has them, and tables in colour: the same bytes again."""
    record = next(head for head in small.records if (head.dataset, head.method) == ("GunPoint", "rntk"))
    record.environment["commit"] = "0123456789abcdef"
    run = task_run(record, small.folder)
    assert (run.name, run.kind, run.key, run.ok) == ("GunPoint rntk", "task", record.key, True)
    of_dataset = {"dataset": "GunPoint", "dataset_type": "Motion", "dataset_sha256": ""}
    assert run.tags == {**of_dataset, "method": "rntk", "status": "ok", "commit": "0123456789abcdef"}
    scores = {"test_accuracy": 0.85, "cv_accuracy": 0.9, "n_tied": 1, "seconds_total": 2}
    assert scores.items() <= metrics(run).items()
    assert run.params.items() >= {"sigma_b": 0.5, "C": 10.0, "sigma_u": 1.0, "protocol.folds": 10}.items()
    assert run.note.split("\n\n")[:3] == [
        "**rntk** on **GunPoint**: test accuracy **85.00 %**, cross-validation 90.00 %.",
        "GunPoint (Motion, 2 classes): 50 training and 150 test series of 150 steps.",
        "Chosen among 6 settings, each with 3 values of C: sigma_w = 1.41421, sigma_b = 0.5, C = 10.",
    ]
    assert run.begin == run.end - 2000 and run.end % 60000 == 0
    own = {name: run.files[name] for name in ("record.json", "grid.csv", "predictions.csv")}
    assert {f"{record.name}.{name.removeprefix('record.')}": file for name, file in own.items()} == store.read_files(
        small.folder, record
    )
    assert set(run.files) == {*own, "confusion.html", "grid.html"}
    assert run.files == task_run(record, small.folder).files
    confusion, grid = (run.files[f"{name}.html"].decode() for name in ("confusion", "grid"))
    assert "rntk on GunPoint: " in confusion and "σ_w across and σ_b down" in grid


def test_a_failed_task_says_why_with_the_end_of_its_traceback_and_has_no_picture(tmp_path):
    fields = vars(task("Coffee", "rntk", 0)) | {"selected": {}, "predictions": [], "grid": [], "test_accuracy": None}
    broken = store.Record(**fields | {"status": "failed", "reason": "it broke", "traceback": "a\n" * 9000 + "the end"})
    store.write(broken, tmp_path)
    run = task_run(broken, tmp_path)
    assert (run.tags["status"], run.tags["reason"], run.ok) == ("failed", "it broke", False)
    assert "**rntk** on **Coffee**: failed. it broke" in run.note and "the end" in run.note
    assert 6000 < len(run.note) < 8000
    assert set(run.files) == {"record.json"} and "test_accuracy" not in metrics(run)


def test_several_seeds_and_several_best_settings_are_told():
    seeds = [{"seed": seed, "test_accuracy": 0.9} for seed in range(3)]
    told = describe_task(task("Coffee", "rntk", 18, n_tied=4, runs=seeds))
    assert "test accuracy **90.00 %** ± 0.00 over 3 seeds" in told
    assert "Chosen among 6 settings, each with 3 values of C (the first of 4 with the best score): sigma_w" in told
    own = describe_task(task("Mine", "rntk", 18, length=None))
    assert "\n\nMine: 10 training and 20 test series of different lengths.\n\n" in own


def test_a_task_has_another_digest_when_anything_of_its_files_changes(small, tmp_path):
    record = small.records[0]
    store.write(task(record.dataset, record.method, SHARES[record.dataset][record.method]), tmp_path)
    assert task_digest(record, tmp_path) == task_digest(record, small.folder)
    (grid,) = (tmp_path / "records").glob("*.grid.csv")
    grid.write_text(grid.read_text() + "\n")
    assert task_digest(record, tmp_path) != task_digest(record, small.folder)


def test_a_methods_run_has_its_row_of_the_summary_and_a_step_a_dataset_from_the_hardest_on(small):
    runs = method_runs(small.accuracy, small.records)
    table = summary(small.accuracy).set_index("method")
    for method in small.accuracy:
        run = of(runs, f"method {method}")
        assert run.name == method
        assert metrics(run) == pytest.approx(dict(table.loc[method]))
        names = pd.read_csv(BytesIO(run.files["datasets.csv"])).set_index("step")
        by_step = {step: value for name, value, step in run.metrics if name == "accuracy_by_dataset"}
        assert {names.dataset[step]: value for step, value in by_step.items()} == dict(small.accuracy[method])
        assert list(by_step) == [1, 2, 3, 4]
        assert small.accuracy.mean(axis=1)[names.dataset].is_monotonic_increasing
    rbf = of(runs, "method rbf")
    assert "**rbf** over 4 datasets: mean accuracy **76.25 %**" in rbf.note
    assert rbf.params.items() >= {"gamma": "[1, 10]", "protocol.folds": "10"}.items()


def test_a_dataset_without_a_result_of_a_method_is_a_step_less_of_that_method_alone(small):
    accuracy = small.accuracy.copy()
    accuracy.loc["Beef", "rbf"] = None
    runs = method_runs(accuracy, small.records)
    steps = {run.name: {step for name, _, step in run.metrics if name == "accuracy_by_dataset"} for run in runs}
    assert steps["rntk"] == steps["1nn_ed"] == {1, 2, 3, 4} and len(steps["rbf"]) == 3
    beef = of(dataset_runs(accuracy, small.records), "dataset Beef")
    assert set(metrics(beef)) == {"accuracy/rntk", "accuracy/1nn_ed", "rank/rntk", "rank/1nn_ed"}


def test_a_datasets_run_has_every_methods_accuracy_and_rank_the_best_first(small):
    runs = dataset_runs(small.accuracy, small.records)
    run = of(runs, "dataset GunPoint")
    accuracies = {"accuracy/rbf": 0.9, "accuracy/rntk": 0.85, "accuracy/1nn_ed": 0.8}
    assert metrics(run) == {**accuracies, "rank/rbf": 1, "rank/rntk": 2, "rank/1nn_ed": 3}
    assert (run.name, run.tags["dataset_type"], run.data.dataset) == ("GunPoint", "Motion", "GunPoint")
    assert [line.split(" | ")[0] for line in run.note.splitlines()[2:5]] == ["| rbf", "| rntk", "| 1nn_ed"]
    assert metrics(of(runs, "dataset Beef"))["rank/rbf"] == ranks(small.accuracy).at["Beef", "rbf"] == 1.5


def test_the_studys_run_compares_and_has_figures_tables_and_report(small):
    run = study_run("small", small.folder, small.accuracy, small.records)
    found, mean = metrics(run), small.accuracy.mean()
    assert found["accuracy_mean/rbf"] == mean["rbf"]
    assert found["lead/rbf over rntk"] == pytest.approx(mean["rbf"] - mean["rntk"])
    assert [found[f"{name}/rbf over rntk"] for name in ("wins", "ties", "losses")] == [3, 0, 1]
    assert 0 < found["p_holm/rbf over rntk"] <= 1
    figures = {f"figures/{name}.png" for name in ("ranks_nemenyi", "ranks_wilcoxon", "pairs_rbf", "relative", "cost")}
    assert {*figures, "report/index.html", "comparison.md", "comparison.csv"} == set(run.files)
    assert run.files["report/index.html"] == b"<p>the report</p>"
    assert run.note.startswith("| Method |") and "4 of 4 datasets." in run.note


def test_a_studys_digest_is_of_results_times_and_files_alone(small):
    def told(accuracy=small.accuracy, records=small.records):
        return study_digest(small.folder, accuracy, records)

    first = told()
    assert first == told(records=small.records[::-1])
    assert told(small.accuracy * 0.5) != first
    slower = [task(record.dataset, record.method, 9, timings={"total": 99.0}) for record in small.records]
    assert told(records=slower) != first
    report = small.folder / "report" / "index.html"
    report.write_text("<p>another</p>")
    assert told() != first
    report.write_text("<p>the report</p>")
    assert told() == first


def test_of_one_method_there_is_nothing_to_compare(small):
    mine = [record for record in small.records if record.method == "rbf"]
    run = study_run("small", small.folder, small.accuracy[["rbf"]], mine)
    assert not any(name.startswith("lead") for name in metrics(run)) and "comparison.md" not in run.files
    assert metrics(run)["accuracy_mean/rbf"] == pytest.approx(0.7625)


def test_twelve_methods_have_twelve_colours():
    colours = [colour(i) for i in range(12)]
    assert len(set(colours)) == 12 and colours[0] == "#0072b2"


def test_the_pages_of_a_study(small):
    """As MLflow reads them, a text in a text. Points are of the method of the best rank against each other one."""
    found = pages("small", small.accuracy)
    assert set(found) == {f"{SAVED}small-{kind}" for kind in ("tasks", "methods", "datasets")}
    page = json.loads(found[f"{SAVED}small-datasets"])
    state = json.loads(page["state"])
    assert page["name"] == "small: datasets"
    assert state["searchFilter"] == "tags.study = 'small' and tags.kind = 'dataset'"
    axes = {(chart["xaxis"]["key"], chart["yaxis"]["key"]) for chart in state["compareRunCharts"]}
    assert axes == {("accuracy/rbf", "accuracy/rntk"), ("accuracy/rbf", "accuracy/1nn_ed")}
    assert set(pages("runs", None)) == {f"{SAVED}runs-tasks"}
