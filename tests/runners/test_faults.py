"""Faults injected into a real study: whatever happens to it, it ends with the tables and records of one that nothing happened to."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import psutil
import pytest
from hydra import compose, initialize_config_dir

from results import store
from results.tables import write_tables
from runners.config import methods_of, protocol_of
from runners.study import run_tasks
from runners.task import Task
from tests.results.records import older, rewritten
from tests.runners.processes import ROOT, ended, start

pytestmark = [pytest.mark.slow, pytest.mark.faults]
STUDY = ("study=smoke", "report=false", "tracking.enabled=false")
DEADLINE = 120  # seconds


def begin(output, *arguments, workers=2, **more):
    return start("runners.reproduce", output, *STUDY, f"workers={workers}", f"output={output}", *arguments, **more)


def finish(output, *arguments, **more):
    return ended(begin(output, *arguments, **more))


def results(output):
    """What must be the same: the tables of the study and of its records byte for byte, and heads but for times."""
    folder, found = output / "smoke", {}
    for path in sorted([*(folder / "records").glob("[!.]*.csv"), *(folder / "tables").iterdir()]):
        found[path.name] = path.read_bytes()
    for path in sorted((folder / "records").glob("*.json")):
        head = json.loads(path.read_text())
        found[path.name] = {name: value for name, value in head.items() if name not in ("timings", "checksum")}
    return found


def written(output):
    """When each head was written that is there: none is written twice."""
    return {path.name: path.stat().st_mtime_ns for path in (output / "smoke" / "records").glob("*.json")}


def until(condition, process=None):
    """Wait for a condition; whether it came about before the process ended."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end and (process is None or process.poll() is None):
        if condition():
            return True
        time.sleep(0.005)
    return bool(condition())


def workers_of(process):
    """The processes of a study's workers."""
    try:
        return [one for one in psutil.Process(process.pid).children() if "LokyProcess" in " ".join(one.cmdline())]
    except psutil.Error:
        return []


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    output = tmp_path_factory.mktemp("undisturbed")
    finish(output)
    return output, results(output)


@pytest.fixture
def output(undisturbed, tmp_path):
    """A copy of the study that nothing happened to, to be damaged."""
    shutil.copytree(undisturbed[0] / "smoke", tmp_path / "smoke", copy_function=shutil.copy2)
    return tmp_path


def test_killed_fifty_times_at_random(undisturbed, tmp_path):
    """The study's process, or one of its workers, in turn. No record that was finished is lost or computed again."""
    rng, kills, kept, rounds = random.Random(0), Counter(), {}, 0
    while sum(kills.values()) < 50:
        rounds += 1
        assert rounds < 100
        if len(written(tmp_path)) > 9:  # nearly done: as if a few had never been
            for name in rng.sample(sorted(written(tmp_path)), 8):
                for path in (tmp_path / "smoke" / "records").glob(f"{store.record_name(name)}*"):
                    path.unlink()
            kept = written(tmp_path)
        process = begin(tmp_path)
        if not until(partial(workers_of, process), process):
            ended(process)
            continue
        time.sleep(rng.uniform(0, 2.0))
        victim = rng.choice(["study", "worker"])
        for _ in range(1 if victim == "study" else 3):
            targets = [psutil.Process(process.pid)] if victim == "study" else workers_of(process)
            if process.poll() is None and targets:
                try:
                    rng.choice(targets).kill()
                    kills[victim] += 1
                except psutil.NoSuchProcess:
                    pass
                time.sleep(rng.uniform(0, 1.0))
        if victim == "study":
            process.communicate()
            assert until(partial(all_gone, process.pid))
        else:
            ended(process)
        now = written(tmp_path)
        assert kept.items() <= now.items()
        assert {head.status for head in store.heads(tmp_path / "smoke")} <= {"ok"}
        kept = now
    finish(tmp_path)
    assert kept.items() <= written(tmp_path).items()
    assert results(tmp_path) == undisturbed[1]
    assert min(kills.values()) > 5, kills


def all_gone(group):
    return not [one for one in psutil.process_iter() if in_group(one, group)]


def in_group(process, group):
    try:
        return process.status() != psutil.STATUS_ZOMBIE and os.getpgid(process.pid) == group
    except (ProcessLookupError, psutil.Error):
        return False


def test_a_task_beyond_its_memory(undisturbed, tmp_path):
    """A method that takes all memory there is, beside others: it is recorded as such, by its own limit or the system's."""
    greedy = "+methods.greedy={name:greedy,kernel:{_target_:tests.runners.kernels.Greedy}}"
    errors = ended(begin(tmp_path, greedy, "memory=0.7"), code=1)
    (lost,) = [
        head for head in store.heads(tmp_path / "smoke") if head.status == "memory" and head.dataset == "GunPoint"
    ]
    assert "(limit 0.7 GiB)" in lost.reason and "memory: Unable to allocate" in errors
    assert Counter(head.status for head in store.heads(tmp_path / "smoke") if head.method != "greedy") == {"ok": 12}
    finish(tmp_path)
    without = {name: value for name, value in results(tmp_path).items() if "greedy" not in name}
    assert without == undisturbed[1]


DAMAGE = {
    "cut": lambda head: head.write_bytes(head.read_bytes()[:100]),
    "a flipped bit": lambda head: head.write_bytes(head.read_bytes()[:50] + b"~" + head.read_bytes()[51:]),
    "emptied": lambda head: head.write_bytes(b""),
    "of a newer schema": lambda head: head.write_text(head.read_text().replace('"schema": 2', '"schema": 9')),
    "another accuracy": lambda head: head.write_text(
        head.read_text().replace('"test_accuracy": 0', '"test_accuracy": 1')
    ),
    "another accuracy, of before": lambda head: (rewritten(head, test_accuracy=0.99), older(head)),
    "predictions gone": lambda head: head.with_name(head.name.replace(".json", ".predictions.csv")).unlink(),
    "a folder": lambda head: (head.unlink(), head.mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_record_is_set_aside_and_computed_again(damage, undisturbed, output):
    (head,) = (output / "smoke" / "records").glob("GunPoint__rbf__*.json")
    before = written(output)
    damage(head)
    errors = finish(output)
    assert errors.count(f"damaged: {head}: ") == 1 and f"it is kept in {output / 'smoke' / 'set_aside'}" in errors
    assert results(output) == undisturbed[1]
    after = written(output)
    assert {name for name in before if after[name] != before[name]} == {head.name}


@pytest.mark.skipif(os.geteuid() != 0, reason="a file system of its own is mounted by root alone")
def test_a_full_disk(undisturbed, tmp_path):
    """So small a disk that records do not fit; what is written is whole, the message says what to do, and with room it goes on."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", tmp_path], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        cache = {"RNTK_CACHE": str(undisturbed[0] / "cache"), "TMPDIR": str(undisturbed[0])}
        process = begin(tmp_path, f"hydra.run.dir={undisturbed[0]}/hydra", **cache)
        errors = ended(process, code=2)
        assert "cannot be written: No space left on device; make room, and run the same command again" in errors
        assert "Traceback" not in errors
        kept = written(tmp_path)
        subprocess.run(["mount", "-o", "remount,size=64m", tmp_path], check=True)
        ended(begin(tmp_path, f"hydra.run.dir={undisturbed[0]}/hydra", **cache))
        assert kept.items() <= written(tmp_path).items()
        assert results(tmp_path) == undisturbed[1]
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)


def test_a_clock_that_is_set_back(undisturbed, output):
    """What is there was finished tomorrow: it is taken, and what is missing is computed."""
    tomorrow = time.time() + 86400
    for path in (output / "smoke" / "records").iterdir():
        os.utime(path, (tomorrow, tomorrow))
    for head in (output / "smoke" / "records").glob("*.json"):
        timings = json.loads(head.read_text())["timings"]
        rewritten(head, timings=timings | {"finished": "2099-01-01T00:00:00+00:00"})
    for path in (output / "smoke" / "records").glob("GunPoint__rbf__*"):
        path.unlink()
    before = written(output)
    finish(output)
    assert results(output) == undisturbed[1]
    assert before.items() <= written(output).items()


def press(process, times=1):
    """Ctrl-C, of which a terminal tells the study and its workers."""
    for _ in range(times):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.3)


def test_ctrl_c_once_finishes_what_runs(undisturbed, tmp_path):
    slow = "+methods.slow={name:slow,kernel:{_target_:tests.runners.kernels.Unhurried}}"
    process = begin(tmp_path, slow, "study.datasets=[GunPoint]", workers=1)
    assert until(lambda: workers_of(process) and list((tmp_path / "smoke" / "records").glob("*.json")), process)
    press(process)
    errors = ended(process, code=130)
    assert "what runs is finished, and nothing else is begun" in errors
    assert "stopped: what is done is recorded; run the same command again to go on" in errors
    assert "Traceback" not in errors
    assert 1 <= len(written(tmp_path)) < 7
    kept = written(tmp_path)
    finish(tmp_path)
    assert kept.items() <= written(tmp_path).items()
    assert {name: value for name, value in results(tmp_path).items() if "slow" not in name} == undisturbed[1]


@pytest.mark.parametrize(("end", "code"), [(lambda process: press(process, 2), 130), (subprocess.Popen.terminate, 143)])
def test_ctrl_c_twice_and_sigterm_end_at_once(end, code, tmp_path):
    endless = "+methods.endless={name:endless,kernel:{_target_:tests.runners.kernels.Slow}}"
    drop = [f"~methods.{name}" for name in ("rntk", "ntk", "polynomial", "gaussian", "rbf")]
    process = begin(tmp_path, endless, *drop, "study.datasets=[GunPoint]", workers=1)
    assert until(lambda: workers_of(process), process)
    time.sleep(1)
    started = time.monotonic()
    end(process)
    errors = process.communicate(timeout=DEADLINE)[1]
    # Python dies of the signal itself where it came while a string was executed, as in an import: a shell sees 130, too
    assert process.returncode in (code, 128 - code), errors
    assert time.monotonic() - started < 20
    assert "stopped: what is done is recorded" in errors and "Traceback" not in errors
    assert until(partial(all_gone, process.pid))


@pytest.mark.parametrize("sweep", [(), ("-m",)])
def test_a_queue_ends_a_single_run_and_a_sweep(sweep, tmp_path):
    kernel = "method.kernel={_target_:tests.runners.kernels.Slow}"
    process = start(
        "runners.run", tmp_path, *sweep, "dataset=GunPoint", "method=rbf", kernel, f"output={tmp_path}", STUDY[2]
    )
    assert until((tmp_path / "run" / "hydra").exists, process)
    time.sleep(5)
    process.terminate()
    errors = process.communicate(timeout=DEADLINE)[1]
    assert (process.returncode, errors.count("stopped: what is done is recorded"), "Traceback" in errors) == (
        143,
        1,
        False,
    )
    assert until(partial(all_gone, process.pid))


def test_two_at_once_on_one_folder(undisturbed, tmp_path):
    one, other = begin(tmp_path), begin(tmp_path)
    said = [process.communicate(timeout=DEADLINE)[1] for process in (one, other)]
    assert sorted([one.returncode, other.returncode]) == [0, 2]
    assert sum("is in use by another run of this study: wait for it, or end it first" in text for text in said) == 1
    assert results(tmp_path) == undisturbed[1]


@pytest.mark.parametrize("workers", [1, 4])
def test_the_number_of_workers_and_the_order_of_tasks_change_nothing(workers, undisturbed, tmp_path):
    """The command takes no more workers than there are cores: here they are asked for directly, in an order of their own."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = compose("reproduce", list(STUDY))
    protocol = protocol_of(config)
    tasks = [Task(name, method, protocol) for name in config.study.datasets for method in methods_of(config)]
    random.Random(workers).shuffle(tasks)
    run_tasks(tasks, tmp_path / "smoke", root=None, workers=workers)
    shutil.copy(undisturbed[0] / "smoke" / "plan.json", tmp_path / "smoke")
    write_tables(tmp_path / "smoke")
    assert results(tmp_path) == undisturbed[1]


def test_names_that_leave_the_folder_are_refused(tmp_path):
    for argument in (
        "study.name=../../evil",
        "methods.rbf.name=../../../evil",
        "study.name=a/b",
        f"study.name={'x' * 500}",
    ):
        errors = ended(begin(tmp_path / "inside" / "deep", argument), code=2)
        assert errors.startswith("error: ") and "a name is needed, which becomes that of files" in errors
    assert not list(tmp_path.glob("**/*evil*"))


def test_code_that_nobody_trusts_is_not_run(tmp_path):
    evil = f"+methods.evil={{name:evil,kernel:{{_target_:os.system,command:'touch {tmp_path / 'run'}'}}}}"
    errors = ended(begin(tmp_path / "out", evil), code=2)
    assert "os.system would be run, and is neither ours" in errors
    assert not (tmp_path / "run").exists()


def test_one_study_goes_on_beside_a_process_that_holds_its_lock_no_more(tmp_path):
    """The lock is the process's: what is left of one that was killed hinders nobody."""
    code = f"import os, signal\nfrom results import store\nwith store.locked({str(tmp_path / 'smoke')!r}): os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == -9
    finish(tmp_path)
