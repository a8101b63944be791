"""A task that takes too long or too much memory ends by itself, says so, and leaves its process able to go on."""

import resource
import signal
import time

import numpy as np
import pytest

from rntk.svm.scores import OutOfTime
from runners.evaluate import run_task
from runners.limits import Limits, limited
from runners.method import Method
from runners.protocol import Protocol
from runners.task import Task

GREEDY = {"_target_": "tests.runners.kernels.Greedy"}
SLOW = {"_target_": "tests.runners.kernels.Slow"}


def run(kernel, folder, **limits):
    return run_task(Task("GunPoint", Method("m", kernel=kernel), Protocol()), folder, None, Limits(**limits))


@pytest.mark.slow
def test_time_is_over_in_the_middle_of_a_gram(tmp_path):
    """Not only between two settings: this one would take a minute."""
    started = time.monotonic()
    record = run(SLOW, tmp_path, timeout=2)
    assert (record.status, record.reason) == ("timeout", "stopped in the middle (limit 2 s)")
    assert time.monotonic() - started < 30
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert run({"_target_": "baselines.RBF", "gamma": 1.0}, tmp_path).status == "ok"


def test_memory_is_over_and_the_process_goes_on(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_DATA)
    record = run(GREEDY, tmp_path, memory=0.5)
    assert record.status == "memory"
    assert record.reason.startswith("Unable to allocate") and record.reason.endswith("(limit 0.5 GiB)")
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert run(GREEDY, tmp_path / "more", memory=8).status == "ok"


def test_limits_are_those_of_the_block():
    with pytest.raises(OutOfTime), limited(Limits(0.05)):
        time.sleep(5)
    with limited(Limits(0.05, 0.1)):
        pass
    time.sleep(0.7)  # no signal comes after the block
    np.ones(2**26)  # half a gigabyte


@pytest.mark.parametrize("value", [0, -5, float("nan"), float("inf"), "abc", True, [1]])
@pytest.mark.parametrize("name", ["timeout", "memory"])
def test_what_is_no_limit_is_refused(name, value):
    with pytest.raises(ValueError, match=rf"{name}=.*: a finite number of (seconds|GiB) > 0 is needed, or null"):
        Limits(**{name: value})
