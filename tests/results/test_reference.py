"""The committed reference run: complete, of today's configuration, true to the published errors, and what the README shows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

from datasets import find, listed, load
from results import store
from results.tables import write_tables
from runners.config import method_of, protocol_of
from runners.method import Method
from runners.plan import estimate
from runners.protocol import Protocol, normalise
from runners.selection import cross_validate, scaled
from runners.task import Task

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference" / "ucr56"


@pytest.fixture(scope="module")
def records():
    return {(record.dataset, record.method): record for record in store.study_records(REFERENCE)}


def test_it_is_the_study_of_today(records):
    """Every task of the full study has its record, under the key that today's grids, protocol and data give it."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = compose("reproduce", ["study=ucr56"])
    tasks = [
        Task(name, method_of(method), protocol_of(config)) for name in listed() for method in config.methods.values()
    ]
    assert len(tasks) == 56 * 6
    assert {task.key for task in tasks} == {record.key for record in records.values()}
    assert {record.status for record in records.values()} == {"ok"}
    # what the plan says of it is what it took
    taken = sum(record.timings["total"] for record in records.values())
    assert abs(sum(map(estimate, tasks)) / taken - 1) < 0.3


@pytest.mark.parametrize("name", listed())
def test_nearest_neighbour_reproduces_the_archives_published_error(records, name):
    assert f"{1 - records[name, '1nn_ed'].test_accuracy:.4f}" == f"{find(name).ed_error:.4f}"


def test_heads_agree_with_their_tables(records):
    """Accuracy is that of the predictions, and the selected setting is the first in grid order that reaches the best score."""
    for (_, method), record in records.items():
        predictions = pd.DataFrame(store.read_table(record, REFERENCE, "predictions"))
        assert len(predictions) == record.n_test
        assert (predictions.label == predictions.predicted).mean() == pytest.approx(record.test_accuracy, abs=1e-12)
        if method == "1nn_ed":
            continue
        grid = pd.DataFrame(store.read_table(record, REFERENCE, "grid"))
        scores = grid[[name for name in grid if name.startswith("C=")]].astype(int)
        assert len(grid) == record.n_settings
        assert record.cv_accuracy == scores.max(axis=None) / record.n_train
        assert record.n_tied == (scores == scores.max(axis=None)).sum(axis=None)
        row, column = divmod(int(scores.to_numpy().argmax()), scores.shape[1])
        axes = {name: values for name, values in record.method_config["kernel"].items() if isinstance(values, list)}
        assert {name: float(grid[name][row]) for name in axes} == {name: record.selected[name] for name in axes}
        assert float(scores.columns[column][2:]) == record.selected["C"]


@pytest.mark.parametrize(
    ("method", "every"), [("rntk", 45), ("ntk", 45), ("rbf", 1), ("polynomial", 1), ("gaussian", 1)]
)
def test_todays_code_finds_its_scores_again(records, method, every):
    """Every so many settings of the grid, on a bundled dataset, from the series on. Another processor rounds otherwise, and may
    move a case that lies on a boundary: one for each score is let pass.
    """
    record, dataset = records["GunPoint", method], load("GunPoint", downloads=False)
    protocol, kernel = Protocol(**record.protocol), Method(**record.method_config).build()
    X, y = normalise(dataset.X_train, protocol.normalisation), np.unique(dataset.y_train, return_inverse=True)[1]
    if hasattr(kernel, "fit"):
        kernel.fit(X)
    grid = pd.DataFrame(store.read_table(record, REFERENCE, "grid"))[::every]
    axes = list(grid.columns[: list(grid.columns).index("C=0.01")])
    for _, row in grid.iterrows():
        K, scale = scaled(kernel.set_params(**{name: float(row[name]) for name in axes})(X))
        C = [c * scale for c in protocol.C]
        found, _ = cross_validate(K, y, protocol.split(y, "GunPoint"), C, protocol.max_iter)
        assert np.abs(found - row[len(axes) : -1].astype(int).to_numpy()).max() <= 1


def test_the_readme_shows_its_summary(tmp_path):
    write_tables(REFERENCE, tmp_path)
    assert (tmp_path / "summary.md").read_text() in (ROOT / "README.md").read_text()
    assert (tmp_path / "summary.md").read_text().endswith("56 of 56 datasets.\n")
