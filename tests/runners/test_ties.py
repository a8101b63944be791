"""The choices that tie in cross-validation, each refitted and scored: against scikit-learn's SVC, for reporting alone."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC

from datasets import load
from results import store
from results.ties import TIES, read_ties, row_of, summary
from rntk.normalisation import normalise
from runners.evaluate import run_task
from runners.method import Method
from runners.protocol import Protocol
from runners.task import Task
from runners.ties import write_ties
from tests.results.records import rewritten

GAMMAS = [10, 2, 5, 0.5]
RBF = Method("rbf", {"_target_": "baselines.RBF", "gamma": GAMMAS})
ONE = Method("one", {"_target_": "baselines.RBF", "gamma": 2})
NEAREST = Method("knn", classifier={"_target_": "sklearn.neighbors.KNeighborsClassifier"})
C = (1.0, 10.0, 100.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study of two kernels and a classifier on GunPoint: of one kernel several choices tie, of the other only one is there."""
    folder = tmp_path_factory.mktemp("study")
    tasks = [
        Task("GunPoint", RBF, Protocol(C=C)),
        Task("GunPoint", ONE, Protocol(C=[1])),
        Task("GunPoint", NEAREST, Protocol()),
    ]
    return folder, {task.method.name: run_task(task, folder, None) for task in tasks}


@pytest.fixture
def study(made, tmp_path):
    return shutil.copytree(made[0], tmp_path / "study"), made[1]


def edit(folder: Path, record, **changes):
    """Change a record's head on disk."""
    rewritten(folder / "records" / f"{record.name}.json", **changes)


def test_every_tied_choice_is_scored_as_scikit_learn_scores_it(study):
    folder, records = study
    record = records["rbf"]
    assert write_ties(folder) == {}
    rows = read_ties(folder / TIES).set_index("method")
    assert list(rows.index) == ["one", "rbf"]  # a classifier has no C to choose

    data = load("GunPoint")
    X, X_test = normalise(data.X_train, "unit"), normalise(data.X_test, "unit")
    grid = pd.DataFrame(store.read_table(record, folder, "grid"))
    best = str(round(record.cv_accuracy * record.n_train))
    found = []
    for gamma, (_, cells) in zip(GAMMAS, grid.iterrows(), strict=True):
        for c in C:
            if cells[f"C={c:g}"] == best:
                machine = SVC(kernel="precomputed", C=c).fit(rbf_kernel(X, gamma=gamma), data.y_train)
                found.append(machine.score(rbf_kernel(X_test, X, gamma=gamma), data.y_test))
    row = rows.loc["rbf"]
    assert row.tied == row.refitted == len(found) == record.n_tied > 2
    assert len(set(found)) > 2 and found[0] not in (min(found), max(found))
    assert row.chosen == record.test_accuracy == found[0]
    assert (row["min"], row["max"], row["median"]) == (min(found), max(found), np.median(found))
    assert row["mean"] == pytest.approx(np.mean(found)) and row["std"] == pytest.approx(np.std(found))
    assert row.spread == max(found) - min(found)
    assert row.better == np.mean([score > found[0] for score in found])
    assert row.worse == np.mean([score < found[0] for score in found])


def test_one_choice_has_no_spread_and_is_scored_all_the_same(study):
    folder, records = study
    write_ties(folder)
    row = read_ties(folder / TIES).set_index("method").loc["one"]
    assert (row.tied, row.spread, row.better, row.worse, row["std"]) == (1, 0, 0, 0, 0)
    assert row.chosen == row["min"] == row["max"] == records["one"].test_accuracy


def test_records_stay_as_they_are_and_what_is_done_is_not_done_again(study, monkeypatch):
    folder, records = study
    before = store.read_files(folder)
    write_ties(folder)
    whole = (folder / TIES).read_bytes()
    assert store.read_files(folder) == before

    lines = whole.decode().splitlines(keepends=True)
    (folder / TIES).write_text("".join(lines[:2]))  # as if killed after the first
    asked = []
    monkeypatch.setattr("runners.ties.load", lambda name, *rest, **more: asked.append(name) or load(name))
    write_ties(folder)
    assert (folder / TIES).read_bytes() == whole and asked == ["GunPoint"]
    write_ties(folder)
    assert asked == ["GunPoint"]

    (folder / TIES).write_text("".join(lines).replace(records["rbf"].key, "0" * 64))  # of a record that is no more
    write_ties(folder)
    assert (folder / TIES).read_bytes() == whole


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_accuracy": 0.5}, "right on 0.5000 of the test set, and refitted here the first of the tied is"),
        ({"selected": {"gamma": 0.1, "C": 1.0}}, "chose {'gamma': 0.1, 'C': 1.0}"),
        ({"n_tied": 1}, "says that 1 tied, and its grid table has"),
        ({"key": "0" * 64}, "of other code or data than today's"),
    ],
)
def test_a_record_that_is_not_borne_out_is_refused(changes, message, study):
    folder, records = study
    if "test_accuracy" in changes:  # of other predictions, which bear it out
        predictions = pd.DataFrame(store.read_table(records["rbf"], folder, "predictions"))
        predictions["predicted"] = predictions.label.where(predictions.index % 2 == 0, "none")
        predictions.to_csv(folder / "records" / f"{records['rbf'].name}.predictions.csv", index=False)
    edit(folder, records["rbf"], **changes)
    if "key" in changes:  # the file's name goes by the key
        for path in (folder / "records").glob(f"{records['rbf'].name}*"):
            path.rename(path.with_name(path.name.replace(records["rbf"].key[:10], "0" * 10)))
    with pytest.raises(ValueError, match=message):
        write_ties(folder)


def test_the_command_prints_a_row_a_method_and_lists_what_is_missing(study, command, capsys, monkeypatch):
    folder, _ = study
    assert command("runners.ties", folder) == 0
    printed = capsys.readouterr().out
    assert "| rbf | 1 of 1 |" in printed and "| one | 0 of 1 |" in printed
    assert command("results.ties", folder) == 0
    assert capsys.readouterr().out == printed
    assert command("results.ties", folder / "none") == 2
    assert "python -m runners.ties" in capsys.readouterr().err
    assert command("runners.ties", folder / "none") == 2
    assert "run the study first" in capsys.readouterr().err


def test_a_dataset_that_is_not_there_is_listed_and_the_rest_is_done(tmp_path, command, capsys):
    folder = tmp_path / "study"
    record = run_task(Task("GunPoint", ONE, Protocol(C=[1])), folder, None)
    gone = Task("Coffee", ONE, Protocol(C=[1]))
    record.dataset, record.key = gone.dataset, gone.key
    store.write(record, folder)
    run_task(Task("GunPoint", ONE, Protocol(C=[1])), folder, None)
    assert command("runners.ties", folder) == 0
    assert capsys.readouterr().err.count("missing: Coffee: ") == 1
    assert read_ties(folder / TIES).dataset.tolist() == ["GunPoint"]


def test_where_all_tied_settings_vote_there_is_no_choice_to_look_at(tmp_path):
    run_task(Task("GunPoint", ONE, Protocol(C=[1, 10], tie_break="vote")), tmp_path, None)
    with pytest.raises(ValueError, match="tie_break=vote"):
        write_ties(tmp_path)


def test_the_summary_is_that_of_independent_draws(made):
    """Against a million draws: mean accuracy of a method whose ties are broken by chance, and its deviation."""
    record = made[1]["rbf"]
    found = [[0.5, 0.9, 0.7, 0.7], [0.2], [0.4, 0.3]]
    rows = pd.DataFrame([row_of(record, len(accuracies), accuracies) for accuracies in found])
    (row,) = summary(rows).itertuples()
    rng = np.random.default_rng(0)
    drawn = sum(rng.choice(accuracies, 1_000_000) for accuracies in found) / 3
    assert row.random == pytest.approx(drawn.mean(), abs=1e-3)
    assert row.random_std == pytest.approx(drawn.std(), rel=1e-2)
    assert (row.tasks, row.with_ties, row.tied) == (3, 2, 2)
    assert (row.chosen, row.least, row.most) == pytest.approx((1.1 / 3, 1.0 / 3, 1.5 / 3))
    assert (row.spread, row.spread_max) == pytest.approx((0.1, 0.4))
    assert (row.better, row.worse) == pytest.approx((0.75 / 3, 0.5 / 3))
