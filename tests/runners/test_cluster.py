"""A study on a Dask cluster of real processes, and in shards: what comes out is what one machine would have made, whatever dies."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import numpy as np
import psutil
import pytest

from results import store
from tests.runners.processes import ROOT, answers, ended, environment, free_port, start
from tests.runners.test_faults import results, until, written

pytestmark = [pytest.mark.slow, pytest.mark.faults]
STUDY = ("study=smoke", "report=false", "tracking.enabled=false", "~methods.ntk")


def dask(command, folder, *arguments, cwd=ROOT, **more):
    """A process of Dask's scheduler or worker, which writes to a file."""
    with open(folder / f"{command}-{time.monotonic_ns()}.log", "w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", command, *map(str, arguments), "--no-dashboard"],
            cwd=cwd,
            env=environment(folder, **more),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def end(process):
    """End a process, and all that it began."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def cluster(folder, workers=3, **more):
    """The address of a scheduler, and its workers, without nannies."""
    port = free_port()
    with ExitStack() as stack:
        scheduler = dask("scheduler", folder, "--host", "127.0.0.1", "--port", port)
        stack.callback(end, scheduler)
        assert until(partial(answers, port), scheduler)
        address = f"tcp://127.0.0.1:{port}"
        processes = [worker(folder, address, **more) for _ in range(workers)]
        for process in processes:
            stack.callback(end, process)
        assert until(lambda: count(address) == workers)
        yield address, processes


def worker(folder, address, **more):
    options = ("--nthreads", 1, "--no-nanny", "--local-directory", folder / "scratch")
    return dask("worker", folder, address, *options, **more)


def count(address):
    from distributed import Client

    with Client(address, timeout=20, set_as_default=False) as client:
        return len(client.scheduler_info(n_workers=-1)["workers"])


def named(part, processes):
    """Those whose command holds a text; without what ends meanwhile."""
    found = []
    for process in processes:
        with suppress(psutil.Error):
            found += [process] if part in " ".join(process.cmdline()) else []
    return found


def begin(folder, address, *arguments, **more):
    executor = ("executor=dask", f"executor.scheduler={address}")
    return start("runners.reproduce", folder, *STUDY, *executor, f"output={folder}", *arguments, **more)


def begun(output):
    return [*(output / "smoke" / "records").glob("*.json")]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    output = tmp_path_factory.mktemp("undisturbed")
    ended(start("runners.reproduce", output, *STUDY, "workers=2", f"output={output}"))
    return results(output)


@pytest.mark.parametrize("output, data", [("returned", "shipped"), ("shared", "shared")])
def test_three_workers_of_which_one_is_killed_make_what_one_machine_makes(undisturbed, tmp_path, output, data):
    with cluster(tmp_path) as (address, workers):
        process = begin(tmp_path, address, f"executor.output={output}", f"executor.data={data}")
        assert until(partial(begun, tmp_path), process)
        end(workers[0])
        assert process.poll() is None
        ended(process)
    assert results(tmp_path) == undisturbed


def test_a_scheduler_that_cannot_be_reached_is_named_within_seconds(tmp_path):
    since = time.monotonic()
    said = ended(begin(tmp_path, f"tcp://127.0.0.1:{free_port()}"), 2)
    assert said.startswith("error: executor.scheduler=tcp://127.0.0.1:") and "no scheduler answers" in said
    assert time.monotonic() - since < 30 and not (tmp_path / "smoke" / "records").exists()


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A checkout of which a line is different."""
    folder = tmp_path_factory.mktemp("other")
    for package in ("baselines", "datasets", "results", "rntk", "runners"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "reference"))
    with open(folder / "baselines" / "kernels.py", "a") as file:
        file.write("# changed\n")
    return folder


def test_workers_that_would_compute_something_else_are_refused_by_name(other, tmp_path):
    """One has no checkout, one another."""
    with cluster(tmp_path, workers=1) as (address, _), ExitStack() as stack:
        for cwd in (tmp_path, other):
            stack.callback(end, worker(tmp_path, address, cwd=cwd))
        assert until(lambda: count(address) == 3)
        said = ended(begin(tmp_path, address), 2)
    differs, cannot = sorted(said.removeprefix("error: ").splitlines(), key=lambda line: "cannot" in line)
    assert re.match(r"worker tcp://127.0.0.1:\d+ is of another version: code \w+, here \w+: start it in", differs)
    assert re.match(r"worker tcp://127.0.0.1:\d+ cannot load this study .*: start it in a checkout", cannot)
    assert not (tmp_path / "smoke" / "records").exists()


def test_a_study_waits_for_workers_and_takes_none_of_another_version(undisturbed, other, tmp_path):
    with cluster(tmp_path, workers=1) as (address, [first]), ExitStack() as stack:
        said = tmp_path / "said"
        process = begin(tmp_path, address, output=stack.enter_context(open(said, "w")))
        assert until(partial(begun, tmp_path), process)
        end(first)
        assert until(lambda: "no worker is left at tcp://" in said.read_text(), process)
        time.sleep(3)  # that is not said each second
        stack.callback(end, worker(tmp_path, address, cwd=other))
        assert process.wait(120) == 2 and "is of another version: code" in said.read_text()
        assert said.read_text().count("no worker is left") == 1
        kept = written(tmp_path)
        assert 0 < len(kept) < len(undisturbed)
    with cluster(tmp_path, workers=1) as (address, _):
        ended(begin(tmp_path, address))
    assert kept.items() <= written(tmp_path).items()
    assert results(tmp_path) == undisturbed


def test_a_task_that_kills_its_process_takes_no_worker_along(tmp_path):
    kernel = "+methods.deadly={name:deadly,kernel:{_target_:tests.runners.kernels.Deadly,gamma:1}}"
    given = ("~methods.rntk", "~methods.rbf", "~methods.gaussian", "study.datasets=[GunPoint]", kernel)
    with cluster(tmp_path, workers=1) as (address, [process]):
        said = ended(begin(tmp_path, address, *given), 1)
        assert process.poll() is None and "tried again alone" in said
    statuses = {head.method: head.status for head in store.heads(tmp_path / "smoke")}
    assert statuses == {"deadly": "failed", "polynomial": "ok", "1nn_ed": "ok"}


def test_limits_hold_on_a_worker(tmp_path):
    slow = "+methods.slow={name:slow,kernel:{_target_:tests.runners.kernels.Slow,gamma:1}}"
    greedy = "+methods.greedy={name:greedy,kernel:{_target_:tests.runners.kernels.Greedy,gamma:1}}"
    given = ("~methods.rntk", "~methods.rbf", "~methods.gaussian", "study.datasets=[GunPoint]", slow, greedy)
    with cluster(tmp_path, workers=1) as (address, _):
        ended(begin(tmp_path, address, *given, "timeout=5", "memory=0.7"), 1)
    statuses = {head.method: head.status for head in store.heads(tmp_path / "smoke")}
    assert statuses == {"slow": "timeout", "greedy": "memory", "polynomial": "ok", "1nn_ed": "ok"}


def test_a_worker_without_the_data_is_named_with_what_it_lacks_unless_they_are_shipped(tmp_path):
    """The data are where the study's process sees them, and its worker does not."""
    rng, here = np.random.default_rng(0), tmp_path / "here"
    here.mkdir()
    lines = ["\t".join([str(i % 2), *map(str, rng.normal(size=6))]) for i in range(30)]
    for part in ("TRAIN", "TEST"):
        (here / f"Mine_{part}.tsv").write_text("\n".join(lines) + "\n")
    given = ("study.datasets=[/proc/self/cwd/Mine_TRAIN.tsv]", "~methods.rntk")
    with cluster(tmp_path, workers=1) as (address, _):
        where = {"cwd": here, "PYTHONPATH": str(ROOT)}
        said = ended(begin(tmp_path, address, *given, "executor.data=shared", **where), 2)
        assert re.match(r"error: worker tcp://\S+ has no /proc/self/cwd/Mine_TRAIN.tsv: .*executor.data=shipped", said)
        unseen = ("executor.output=shared", "output=/proc/self/cwd/out")
        said = ended(begin(tmp_path, address, *given, *unseen, **where), 2)
        assert re.match(r"error: tcp://\S+ does not see /proc/self/cwd/out/smoke, .*executor.output=returned", said)
        ended(begin(tmp_path, address, *given, **where))
    assert {head.status for head in store.study_records(tmp_path / "smoke")} == {"ok"}


def test_ctrl_c_finishes_what_runs_and_the_same_command_goes_on(undisturbed, tmp_path):
    with cluster(tmp_path, workers=2) as (address, _):
        process = begin(tmp_path, address)
        assert until(partial(begun, tmp_path), process)
        os.kill(process.pid, signal.SIGINT)
        ended(process, 130)
        there = len(begun(tmp_path))
        assert 0 < there < 10
        assert "ItalyPowerDemand" in ended(begin(tmp_path, address))
    assert results(tmp_path) == undisturbed


def twice(process):
    for _ in range(2):
        os.kill(process.pid, signal.SIGINT)
        time.sleep(0.3)


@pytest.mark.parametrize(
    ("stop", "code"), [(twice, 130), (subprocess.Popen.terminate, 143), (subprocess.Popen.kill, -signal.SIGKILL)]
)
def test_what_ends_a_study_at_once_ends_its_tasks_and_leaves_the_workers_free(stop, code, undisturbed, tmp_path):
    """Each Gram takes a minute, on both workers: without their being freed the next study would not end in time."""
    slow = "+methods.slow={name:slow,kernel:{_target_:tests.runners.kernels.Slow}}"
    drop = [f"~methods.{name}" for name in ("rntk", "polynomial", "gaussian", "rbf", "nn_ed")]
    with cluster(tmp_path, workers=2) as (address, workers):
        process = begin(tmp_path / "slow", address, slow, *drop)

        def tasks():
            return [one for worker in workers for one in named("LokyProcess", psutil.Process(worker.pid).children())]

        assert until(lambda: len(tasks()) >= 2, process)
        time.sleep(1)
        running, started = tasks(), time.monotonic()
        stop(process)
        errors = process.communicate(timeout=60)[1]
        assert process.returncode == code, errors
        assert code < 0 or "stopped: what is done is recorded; run the same command again to go on" in errors
        assert "Traceback" not in errors
        assert until(lambda: not any(one.is_running() for one in running))
        assert time.monotonic() - started < 40
        ended(begin(tmp_path, address))
    assert results(tmp_path) == undisturbed


def test_a_scheduler_that_goes_takes_nothing_along_that_is_recorded(undisturbed, tmp_path):
    with cluster(tmp_path, workers=2) as (address, _):
        process = begin(tmp_path, address)
        assert until(partial(begun, tmp_path), process)
        port = int(address.rpartition(":")[2])
        [scheduler] = named(f"--port {port}", psutil.process_iter())
        scheduler.kill()
        assert "is gone" in ended(process, 2)
    ended(start("runners.reproduce", tmp_path, *STUDY, "workers=2", f"output={tmp_path}"))
    assert results(tmp_path) == undisturbed
