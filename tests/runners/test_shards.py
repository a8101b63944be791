"""A study in parts: which part has what, who may run beside whom, and what comes out of them together."""

import os
import random
import stat
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from results import store
from runners.config import datasets_of, methods_of, protocol_of, shard_of
from runners.plan import estimate, longest_first, shard
from runners.task import Task
from tests.runners.processes import ROOT, ended, start, until
from tests.runners.test_faults import results

STUDY = ("study=smoke", "report=false", "tracking.enabled=false", "~methods.ntk", "workers=1")


@pytest.fixture(scope="module")
def tasks():
    """Those of the study of the 56."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = compose("reproduce", ["study=ucr56"])
    found, _ = datasets_of(config.study.datasets)
    return [Task(source, method, protocol_of(config)) for source in found for method in methods_of(config)]


@pytest.mark.parametrize("n", [1, 3, 8])
def test_each_task_is_in_one_part_whatever_the_order(tasks, n):
    parts = [shard(tasks, k, n) for k in range(1, n + 1)]
    assert sorted(task.key for part in parts for task in part) == sorted(task.key for task in tasks)
    shuffled = random.Random(n).sample(tasks, len(tasks))
    for k, part in enumerate(parts, 1):
        assert {task.key for task in shard(shuffled, k, n)} == {task.key for task in part}
    assert not shard(tasks[:2], 3, 3)


@pytest.mark.parametrize("n", [2, 8, 40])
def test_the_longest_part_keeps_the_bound_of_longest_first(tasks, n):
    """Graham: no more than 4/3 - 1/(3n) of the best there is, and that is no less than the mean and the longest task."""
    loads = [sum(map(estimate, shard(tasks, k, n))) for k in range(1, n + 1)]
    assert max(loads) <= (4 / 3 - 1 / (3 * n)) * max(sum(loads) / n, *map(estimate, tasks))
    assert max(loads) - min(loads) <= max(map(estimate, tasks))


def test_the_longest_task_begins_first(tasks):
    seconds = [estimate(task) for task in longest_first(tasks)]
    assert seconds == sorted(seconds, reverse=True)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/", "/3", "a/b", "1/0", "-1/3", 3, "1/3/5", ""])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(ValueError, match=r"shard=.*: k/n is needed"):
        shard_of(text)
    assert shard_of("2/3") == (2, 3) and shard_of(None) is None


def test_shards_share_a_folder_with_each_other_and_not_with_the_whole_study(tmp_path):
    with store.locked(tmp_path, (1, 2)), store.locked(tmp_path, (2, 2)):
        with pytest.raises(ValueError, match=r"shard 1/2 of .* is in use"), store.locked(tmp_path, (1, 2)):
            pass
        overlap = pytest.raises(ValueError, match=r"shard [12]/2 of .* is running, and those of 3 overlap with it")
        with overlap, store.locked(tmp_path, (3, 3)):
            pass
        with pytest.raises(ValueError, match="in use by another run"), store.locked(tmp_path):
            pass
    used = pytest.raises(ValueError, match="in use by another run")
    with store.locked(tmp_path), used, store.locked(tmp_path, (1, 2)):
        pass
    with store.locked(tmp_path):
        pass
    with store.locked(tmp_path, (1, 3)), store.locked(tmp_path, (3, 3)):  # those of 2 have ended
        pass


def reproduce(output, *arguments, **more):
    return start("runners.reproduce", output, *STUDY, f"output={output}", *arguments, **more)


@pytest.mark.slow
@pytest.mark.faults
def test_shards_at_once_in_one_folder_or_merged_from_several_are_the_whole_study(tmp_path):
    whole, one, other, merged, together = (tmp_path / name for name in ("whole", "one", "other", "merged", "together"))
    ended(reproduce(whole))
    process = reproduce(one, "shard=1/2")
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert "shard 1/2" in said and "5 of 10 tasks have a record" in said and "results.merge" in said
    assert not (one / "smoke" / "tables").exists()
    ended(reproduce(other, "shard=2/2"))
    ended(start("results.merge", tmp_path, one, other, "--to", merged))
    assert results(merged) == results(whole)
    both = [reproduce(together, f"shard={k}/2") for k in (1, 2)]
    for process in both:
        ended(process)
    assert results(together) == results(whole)
    theirs = together / "smoke" / "records" / next((other / "smoke" / "records").glob("*.json")).name
    theirs.write_bytes(b"")
    assert f"damaged: {theirs}" in ended(reproduce(together, "shard=1/2"), code=1)
    assert theirs.exists() and not (together / "smoke" / "set_aside").exists()  # another shard's is left to it
    ended(reproduce(together, "shard=2/2"))
    assert results(together) == results(whole)


@pytest.mark.slow
def test_an_array_of_jobs_goes_to_the_queue_of_slurm(tmp_path):
    """To a stand-in for `sbatch`, which keeps what it is given."""
    sbatch, kept = tmp_path / "sbatch", tmp_path / "kept"
    sbatch.write_text(f'#!/bin/sh\ncp "$1" {kept}.part && mv {kept}.part {kept}\necho Submitted batch job 12\n')
    sbatch.chmod(sbatch.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "srun").symlink_to(sbatch)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    queue = ("hydra/launcher=slurm", "hydra.launcher.partition=short", "shard=1/3,2/3,3/3", "-m")
    process = reproduce(tmp_path, *queue, PATH=path)
    try:
        until(kept.exists, process)
    finally:
        process.kill()
        process.communicate()
    script = kept.read_text()
    for line in ("--array=0-2%3", "--partition=short", "--cpus-per-task=4", "--mem=8GB", "--time=1440"):
        assert f"#SBATCH {line}\n" in script
    assert str(Path(tmp_path / "smoke" / "hydra")) in script
