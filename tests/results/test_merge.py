"""Shards of a study, from folders of their own, become the study that one machine would have made."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from results import store
from results.merge import merge
from results.overview import write_overview
from results.pack import pack
from results.tables import write_tables
from tests.results.records import record
from tests.results.studies import SHARES, task, write_study

ROOT = Path(__file__).parents[2]
METHODS = ("rntk", "rbf", "1nn_ed")
TASKS = [(dataset, method) for dataset in SHARES for method in METHODS]


def shard(folder, tasks, **more):
    """A study's folder with the plan of all tasks, and the records of some."""
    for dataset, method in tasks:
        store.write(task(dataset, method, SHARES[dataset][method], **more), folder)
    keys = [f"{dataset}-{method}".ljust(64, "0") for dataset, method in TASKS]
    store.write_plan(folder, "small", SHARES, METHODS, keys)
    return folder


def command(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "results.merge", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def head(folder, dataset, method):
    return next((folder / "records").glob(f"{dataset}__{method}__*.json"))


@pytest.fixture
def shards(tmp_path):
    return [shard(tmp_path / str(i) / "small", TASKS[i::3]) for i in range(3)]


@pytest.mark.slow
def test_shards_become_the_study_of_one_machine_byte_for_byte(shards, tmp_path):
    whole = write_study(tmp_path / "whole" / "small")
    write_tables(whole), write_overview(whole)
    assert pack(shards[2], tmp_path / "2p" / "small")  # a packed shard is read like any other
    status, said = command(tmp_path / "0", tmp_path / "1", tmp_path / "2p", "--to", tmp_path / "all")
    assert status == 0, said
    found = files(tmp_path / "all" / "small")
    assert found == files(whole)
    assert command(*shards, "--to", tmp_path / "all" / "small")[0] == 0  # and once more
    assert files(tmp_path / "all" / "small") == found


@pytest.mark.slow
def test_what_is_missing_is_counted_and_what_is_there_is_kept(shards, tmp_path):
    status, said = command(*shards[:2], "--to", tmp_path / "all")
    assert status == 1 and "4 of 12 tasks are missing" in said and not (tmp_path / "all" / "tables").exists()
    assert len(store.study_records(tmp_path / "all")) == 8
    status, said = command(shards[2], "--to", tmp_path / "all")
    assert status == 0 and "12 records" in said and (tmp_path / "all" / "tables" / "summary.md").exists()


@pytest.mark.slow
def test_a_damaged_record_is_named_and_left_out(shards, tmp_path):
    damaged = next((shards[1] / "records").glob("*.predictions.csv"))
    damaged.write_text(damaged.read_text().replace("1", "2", 1))
    status, said = command(*shards, "--to", tmp_path / "all")
    assert status == 1 and store.record_name(damaged.name) in said and "1 of 12 tasks are missing" in said
    assert not (tmp_path / "all" / "records" / damaged.name).exists()


def test_a_sound_copy_takes_the_place_of_a_damaged_one(shards, tmp_path):
    twin = shutil.copytree(shards[0], tmp_path / "twin")
    damaged = next((shards[0] / "records").glob("*.predictions.csv"))
    whole = damaged.read_bytes()
    damaged.write_text("case,label,predicted\n")
    with pytest.warns(match="damaged"):
        merge([shards[0], twin], tmp_path / "all")
    assert (tmp_path / "all" / "records" / damaged.name).read_bytes() == whole


def test_records_of_one_task_that_differ_in_time_are_the_same(shards, tmp_path):
    timings = {"total": 9.0, "finished": "2030-01-01T00:00:00+00:00"}
    twin = shard(tmp_path / "twin", TASKS[::3], timings=timings)
    merge([shards[0], twin], tmp_path / "all")
    assert all(record.timings["total"] == 2.0 for record in store.study_records(tmp_path / "all"))


def test_two_results_of_one_task_are_refused_before_anything_is_written(shards, tmp_path):
    store.write(task("Coffee", "rntk", 3), shards[1])
    with pytest.raises(
        ValueError,
        match=r"(?s)two results of one task.*Coffee rntk in .*0/small and .*1/small.*test_accuracy.*predictions",
    ):
        merge(shards, tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_what_is_in_the_target_is_not_replaced_by_another_result(shards, tmp_path):
    target = shard(tmp_path / "all", TASKS[:1])
    before = files(target)
    other = shard(tmp_path / "other", TASKS[1:])
    store.write(task("Coffee", "rntk", 3), other)
    with pytest.raises(ValueError, match="Coffee rntk"):
        merge([other], target)
    assert files(target) == before


def test_a_result_comes_before_a_failure_which_is_kept_aside(shards, tmp_path):
    failed = record("Coffee", "rntk", None)
    target = shard(tmp_path / "all", [])
    store.write(failed, target)
    kept = head(target, "Coffee", "rntk").read_bytes()
    merge(shards, target)
    assert store.head(target, head(target, "Coffee", "rntk").name).status == "ok"
    assert [path.read_bytes() for path in (target / "set_aside").rglob("*.json")] == [kept]
    failing = shard(tmp_path / "failing", [])
    store.write(failed, failing)
    for order in ([failing, shards[0]], [shards[0], failing]):
        to = tmp_path / f"{order[0].name} first"
        merge(order, to)
        assert {record.status for record in store.heads(to)} == {"ok"}


def test_other_plans_are_refused_with_what_differs(shards, tmp_path):
    plan = json.loads((shards[1] / "plan.json").read_text())
    (shards[1] / "plan.json").write_text(
        json.dumps(plan | {"methods": ["rntk", "rbf", "gru"], "keys": plan["keys"][2:]})
    )
    with pytest.raises(
        ValueError,
        match=r"methods: only in the first 1nn_ed, only in the second gru.*2 of 12 tasks are only in the first, 0 of 10",
    ):
        merge(shards, tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_a_record_of_an_earlier_grid_stays_where_it_is(shards, tmp_path):
    store.write(record("Coffee", "rntk", 0.5, key="another".ljust(64, "0")), shards[0])
    merge(shards, tmp_path / "all")
    assert len([*store.heads(tmp_path / "all")]) == 12


def test_what_holds_no_study_is_named(shards, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no study"):
        merge([tmp_path / "empty"], tmp_path / "all")
    pack(shards[0], tmp_path / "packed")
    with pytest.raises(ValueError, match="packed is packed"):
        merge(shards, tmp_path / "packed")


@pytest.mark.slow
def test_mistakes_on_the_command_line_end_with_2(shards, tmp_path):
    for arguments, what in (
        ((tmp_path / "0", shards[1]), "name either"),
        ((tmp_path / "none",), "is no folder"),
        ((tmp_path,), "holds no study"),
    ):
        status, said = command(*arguments, "--to", tmp_path / "all")
        assert status == 2 and what in said and said.startswith("error: ")
