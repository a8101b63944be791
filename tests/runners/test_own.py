"""Data, methods and studies of one's own, from a folder outside the repository, through the study to records and tables."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sktime
from omegaconf import OmegaConf
from scipy.spatial.distance import cdist
from sktime.datasets import load_from_tsfile

from results import store
from rntk import RNTK
from runners.config import datasets_of, sources_of
from runners.evaluate import normalised, run_task
from runners.method import Method
from runners.new import files
from runners.protocol import Protocol
from runners.sweep import TrackSweep
from runners.task import Task

ROOT = Path(__file__).parents[2]
MOTIONS = str(Path(sktime.__file__).parent / "datasets" / "data" / "BasicMotions")
OFF = "tracking.enabled=false"
NEAREST = Method("nn", classifier={"_target_": "baselines.NearestNeighbour"}, normalisation="none")
ONE_C = Protocol(C=(10.0,), folds=3)


class Seen:
    """A classifier that remembers what it was given."""

    takes_channels = False

    def set_params(self, **params):
        return self

    def get_params(self, deep=True):
        return {}

    def fit(self, X, y):
        Seen.shape = X.shape
        self.y = y
        return self

    def predict(self, X):
        return np.full(len(X), self.y[0])


class SeenWhole(Seen):
    takes_channels = True


class SeenBySktime(Seen):
    def get_tag(self, name):
        return None


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The empty folder that a command is run in, whose modules can be imported."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(here)
    yield here
    for name in [name for name, module in sys.modules.items() if str(here) in str(getattr(module, "__file__", ""))]:
        del sys.modules[name]


def write(path, labels, T=6, seed=0):
    """A file of one series a label, whose mean is its label's number."""
    rng, names = np.random.default_rng(seed), sorted(set(labels))
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = ([label, *map(str, rng.normal(3 * names.index(label), 1, size=T))] for label in labels)
    path.write_text("\n".join(map("\t".join, rows)) + "\n")


def test_vectors_of_all_channels_are_what_the_nearest_neighbour_compares(tmp_path):
    """Against distances summed channel by channel, from what sktime reads."""
    record = run_task(Task(MOTIONS, NEAREST, ONE_C), tmp_path, None)
    sets = [
        load_from_tsfile(f"{MOTIONS}/BasicMotions_{split}.ts", return_data_type="numpy3D")
        for split in ("TRAIN", "TEST")
    ]
    (X, y), (X_test, y_test) = sets
    distances = sum(cdist(X_test[:, m], X[:, m], "sqeuclidean") for m in range(6))
    assert [row["predicted"] for row in record.predictions] == y[distances.argmin(axis=1)].tolist()
    assert record.test_accuracy == np.mean(y[distances.argmin(axis=1)] == y_test)
    assert record.own == {"source": MOTIONS, "channels": 6}


def test_a_series_of_several_channels_is_normalised_by_its_norm_or_channel_by_channel():
    """Of equal lengths and as a list, as `rntk.classifier` has it."""
    X = np.random.default_rng(0).normal(size=(4, 5, 3))
    expected = {
        "unit": [x / np.sqrt((x**2).sum()) for x in X],
        "zscore": [np.stack([(c - c.mean()) / c.std() for c in x.T], axis=1) for x in X],
        "none": X,
    }
    for how, by_hand in expected.items():
        for given in (X, list(X)):
            np.testing.assert_allclose(normalised(given, how), by_hand, rtol=1e-13)


def test_kernels_of_vectors_take_the_channels_one_after_another_and_the_rntk_step_by_step(tmp_path):
    from sklearn.svm import SVC

    from datasets import load

    data = load(MOTIONS)
    X, X_test = (Z / np.linalg.norm(Z.reshape(len(Z), -1), axis=1)[:, None, None] for Z in (data.X_train, data.X_test))
    rbf = np.exp(-cdist(X.reshape(40, -1), X.reshape(40, -1), "sqeuclidean"))
    rbf_test = np.exp(-cdist(X_test.reshape(40, -1), X.reshape(40, -1), "sqeuclidean"))
    k = RNTK(sigma_w=1.3)
    for target, K, K_test in (("baselines.RBF", rbf, rbf_test), ("rntk.RNTK", k(X), k(X_test, X))):
        parameters = {"sigma_w": 1.3} if target == "rntk.RNTK" else {"gamma": 1.0}
        record = run_task(Task(MOTIONS, Method("one", {"_target_": target, **parameters}), ONE_C), tmp_path, None)
        expected = SVC(kernel="precomputed", C=10.0).fit(K, data.y_train).predict(K_test)
        assert [row["predicted"] for row in record.predictions] == expected.tolist(), record.reason


@pytest.mark.parametrize(
    ("kind", "shape"), [("Seen", (40, 600)), ("SeenWhole", (40, 100, 6)), ("SeenBySktime", (40, 6, 100))]
)
def test_a_classifier_gets_channels_as_it_takes_them(tmp_path, kind, shape):
    method = Method("seen", classifier={"_target_": f"tests.runners.test_own.{kind}"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runners.classify.clone", lambda model: model)
        record = run_task(Task(MOTIONS, method, ONE_C), tmp_path, None)
    from tests.runners.test_own import Seen

    assert (record.status, Seen.shape) == ("ok", shape), record.reason


def test_dynamic_time_warping_refuses_several_channels(tmp_path):
    warping = Method("dtw", classifier={"_target_": "baselines.warping.WarpingNeighbour"})
    record = run_task(Task(MOTIONS, warping, ONE_C), tmp_path, None)
    assert record.reason == "ValueError: WarpingNeighbour compares series of one channel, and these have 6"


def test_a_record_says_where_own_data_came_from_and_how_they_were_split(folder, tmp_path):
    """And nothing of it stands in the records of the archive's datasets, or in the key but the content."""
    write(folder / "Sines.tsv", ["a", "b"] * 10)
    record = run_task(Task("Sines.tsv", NEAREST, ONE_C), tmp_path, None)
    assert (record.dataset, record.status, record.n_train, record.n_test) == ("Sines", "ok", 14, 6)
    (head,) = store.heads(tmp_path)
    assert head.own == record.own and head.source == str(folder / "Sines.tsv")
    assert record.own["split"].startswith("stratified, 30% for the test, seed ")
    shutil.copytree(folder, tmp_path / "moved")
    assert Task(str(tmp_path / "moved" / "Sines.tsv"), NEAREST, ONE_C).key == record.key
    archive = run_task(Task("GunPoint", NEAREST, ONE_C), tmp_path, None)
    assert "own" not in archive.head() and archive.source == "GunPoint"


def test_data_that_change_between_plan_and_task_fail_it(folder, tmp_path):
    (folder / "fickle.py").write_text(
        "import numpy as np\nrng = np.random.default_rng(0)\n\n"
        "def load():\n    return rng.normal(size=(20, 5)), ['a', 'b'] * 10\n"
    )
    from datasets.own import _from_function

    task = Task("fickle.load", NEAREST, ONE_C)
    _from_function.cache_clear()  # as in another process
    record = run_task(task, tmp_path, None)
    assert record.status == "failed"
    assert "load is not what it was when the task was planned" in record.reason and "give it a seed" in record.reason


def test_a_study_goes_on_with_the_datasets_that_can_be_classified(folder):
    write(folder / "data" / "Good_TRAIN.tsv", ["a", "b"] * 6)
    write(folder / "data" / "Good_TEST.tsv", ["a", "b", "c"])
    write(folder / "data" / "One" / "One_TRAIN.tsv", ["a"] * 6)
    write(folder / "data" / "One" / "One_TEST.tsv", ["a"] * 6)
    write(folder / "more" / "Good.tsv", ["a", "b"] * 6)
    found, faults = datasets_of(["data", "more", "GunPoint"])
    assert [entry.name for entry in found.values()] == ["Good", "GunPoint"]
    assert list(faults) == [str(folder / "data" / "One"), str(folder / "more")]
    one, double = faults.values()
    assert one == "One: all training series are of class 'a': at least two classes are needed"
    assert (
        double == f"{folder}/more has the name of {folder}/data/Good_TRAIN.tsv, Good: give its file or folder another"
    )
    (folder / "mine.txt").write_text("# mine\nGunPoint\ndata\n")
    assert sources_of(["data/Good_TRAIN.tsv", "./data/Good_TRAIN.tsv"]) == [str(folder / "data" / "Good_TRAIN.tsv")]
    (folder / "Wine").mkdir()
    assert sources_of(["Wine"]) == ["Wine"]  # the archive's, whatever lies here
    assert sources_of("mine.txt") == ["GunPoint", *sources_of("data")]
    with pytest.raises(ValueError, match=r"there is no .*Goood.tsv': did you mean Good.tsv\?"):
        datasets_of(["data", "more/Goood.tsv"])


def test_a_dataset_of_the_multivariate_archive_by_name_is_that_of_its_path(command, capsys, folder):
    """One key for both, under its own name; where it cannot be had, or has no such name, that is said and what to do."""
    assert command("runners.run", "dataset=BasicMotions", "method=rbf", f"output={folder}/out", OFF) == 0
    assert capsys.readouterr().out.startswith("BasicMotions · rbf · ok\n")
    (record,) = store.heads(folder / "out" / "run")
    of = Method(**record.method_config), Protocol(**record.protocol)
    assert record.own == {"source": MOTIONS, "channels": 6}
    assert record.key == Task(MOTIONS, *of).key == Task("BasicMotions", *of).key
    for name, message in {
        "NATOPS": "NATOPS is in no local source: run `python -m datasets.fetch NATOPS`, or set RNTK_DATA to a folder that holds it",
        "BasicMotion": "unknown dataset 'BasicMotion': did you mean BasicMotions?",
    }.items():
        arguments = (f"dataset={name}", "method=rbf", f"output={folder}/out", "data.downloads=false", OFF)
        assert command("runners.run", *arguments) == 2
        assert capsys.readouterr().err.startswith(f"error: {message}")


def test_names_of_both_archives_stand_in_a_study_and_those_that_cannot_be_had_are_left_out(folder):
    found, faults = datasets_of(["BasicMotions", "NATOPS", "GunPoint", MOTIONS])
    assert {source: entry.name for source, entry in found.items()} == {MOTIONS: "BasicMotions", "GunPoint": "GunPoint"}
    assert faults == {"NATOPS": "in no local source"}
    found, faults = datasets_of("uea30")
    assert [entry.name for entry in found.values()] == ["BasicMotions", "JapaneseVowels"] and len(faults) == 28
    (folder / "root").mkdir()
    shutil.copytree(MOTIONS, folder / "root" / "BasicMotions")
    assert list(datasets_of("BasicMotions", root=str(folder / "root"))[0]) == [str(folder / "root" / "BasicMotions")]


def test_before_a_sweep_what_is_not_here_is_fetched_of_both_archives(capsys):
    override = "dataset=BasicMotions,NATOPS,GunPoint,my.load"
    TrackSweep().on_multirun_start(
        OmegaConf.create(
            {
                "dataset": "Wine",
                "data": {"root": None, "downloads": False},
                "hydra": {"overrides": {"task": [override]}},
            }
        )
    )
    assert capsys.readouterr().err == "missing: NATOPS: in no local source\n"


def test_one_task_of_own_data_says_how_it_was_split_and_what_to_know(command, capsys, folder):
    write(folder / "Odd_TRAIN.tsv", ["a", "b"] * 6)
    write(folder / "Odd_TEST.tsv", ["a", "b", "c"])
    assert command("runners.run", "dataset=Odd_TEST.tsv", "method=rbf", f"output={folder}/out", OFF) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Odd · rbf · ok\n") and "test 0.6667 (3 cases)" in printed
    assert "note      1 test series have labels that training lacks (c): they count as errors" in printed
    assert command("runners.run", "dataset=nowhere.tsv", "method=rbf", f"output={folder}/out", OFF) == 2
    assert capsys.readouterr().err.startswith(f"error: there is no '{folder}/nowhere.tsv'")


@pytest.mark.parametrize("what", ["method", "kernel", "dataset"])
def test_a_skeleton_runs_as_it_is_and_nothing_is_overwritten(command, capsys, folder, what):
    name = f"own_{what}"
    assert command("runners.new", what, name) == 0
    printed = capsys.readouterr().out
    assert "next:\n  python -m runners.run " in printed
    module, *arguments = printed.rsplit("python -m ", 1)[1].split()
    assert all(path.exists() for path in files(what, name))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert command("runners.new", what, name) == 2
    assert "is there already, and nothing is overwritten" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert command(module, *arguments, f"output={folder}/out", OFF) == 0, capsys.readouterr()
    (record,) = store.heads(folder / "out" / "run")
    assert (record.status, record.method) == ("ok", "rbf" if what == "dataset" else name)
    assert record.test_accuracy > 0.9


def test_names_that_are_taken_are_refused_before_anything_is_written(command, capsys, folder):
    for arguments, message in {
        ("study", "smoke"): "smoke is the name of a study of ours",
        ("method", "rntk"): "rntk is the name of a method of ours",
        ("kernel", "rntk"): "rntk is the name of a Python package that is installed",
        ("kernel", "numpy"): "numpy is the name of a Python package",
        ("dataset", "my-data"): "'my-data' is no name: letters, digits and _ are, and a letter first",
        ("dataset", "class"): "'class' is no name",
        ("kernel", "gaussian"): "gaussian is the name of a method of ours",
    }.items():
        assert command("runners.new", *arguments) == 2
        assert capsys.readouterr().err.startswith(f"error: {message}")
    assert not list(folder.iterdir())


@pytest.mark.slow
def test_the_page_on_own_data_from_an_empty_folder(tmp_path):
    """Its commands one after another, as they stand there."""
    text = (ROOT / "docs" / "own.md").read_text()
    commands = re.search(r"```sh\n(.*?)```", text, re.DOTALL)[1]
    first, *rest = commands.splitlines()
    assert first.startswith("export PYTHONPATH=")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "bin" / "python").chmod(0o755)
    (tmp_path / "empty").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-e"], input="\n".join(rest), cwd=tmp_path / "empty", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "6 of 6 tasks have a result" in done.stdout
    plan = json.loads((tmp_path / "empty" / "outputs" / "mine" / "plan.json").read_text())
    assert plan["datasets"] == ["waves", "ItalyPowerDemand"] and plan["methods"] == ["rntk", "rbf", "laplace"]
    assert (tmp_path / "empty" / "outputs" / "mine" / "report" / "index.html").exists()


@pytest.mark.slow
def test_a_study_with_data_that_cannot_be_classified_lists_them_and_has_tables_of_the_rest(command, capsys, folder):
    command("runners.new", "study", "mine")
    write(folder / "data" / "Good_TRAIN.tsv", ["a", "b"] * 6)
    write(folder / "data" / "Good_TEST.tsv", ["a", "b", "c"])
    (folder / "data" / "Fake.ts").write_text("a\t1\t2\n")
    datasets = "study.datasets=[data,BasicMotions,NATOPS]"
    study = ("study=mine", datasets, "workers=1", "data.downloads=false", f"output={folder}/out", OFF)
    assert command("runners.reproduce", *study) == 0
    printed = capsys.readouterr()
    assert printed.err.count(f"missing: Fake: {folder}/data/Fake.ts: not a .ts file of labelled series") == 2
    assert "note: Good: 1 test series have labels that training lacks (c)" in printed.err
    assert printed.err.count("missing: NATOPS: in no local source") == 2
    assert "2 of 4 datasets; 2 have a result of every method. Not there: Fake; NATOPS." in printed.out
    assert "4 of 4 tasks have a result" in printed.out
