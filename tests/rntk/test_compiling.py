"""Compiled code is cached, and many processes may start on an empty cache at once."""

import os
import re
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from types import ModuleType

import numba
import numpy as np
import pytest

from results.store import locked
from rntk import RNTK, compiling
from rntk.compiling import alone, announced

CODE = """
import sys, numpy as np
from rntk import RNTK
X = np.random.default_rng(0).normal(size=(20, 10))
np.save(sys.argv[1], RNTK(dtype=sys.argv[2], nonlinearity=sys.argv[3])(X))
"""


@pytest.mark.slow
def test_many_processes_fill_one_cache_at_once(tmp_path):
    """Different types and functions: each must get its own code, and none a file that another is writing."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    X = np.random.default_rng(0).normal(size=(20, 10))
    wanted = [(dtype, nonlinearity) for dtype in ("float64", "float32") for nonlinearity in ("relu", "erf")]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", CODE, str(tmp_path / f"{i}.npy"), *wanted[i % 4]],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(8)
    ]
    for i, process in enumerate(running):
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        dtype, nonlinearity = wanted[i % 4]
        np.testing.assert_array_equal(np.load(tmp_path / f"{i}.npy"), RNTK(dtype=dtype, nonlinearity=nonlinearity)(X))


def test_one_process_at_a_time_holds_the_folder(tmp_path):
    code = (
        "import sys, time\nfrom rntk.compiling import alone\n"
        "with alone(sys.argv[1]):\n    print('held', flush=True)\n    time.sleep(0.5)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        started = time.perf_counter()
        with alone(str(tmp_path)):
            assert time.perf_counter() - started > 0.2


def test_a_file_system_without_locks_stops_nothing(tmp_path, monkeypatch):
    def unknown(*arguments):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", unknown)
    with alone(str(tmp_path)), locked(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_to_stops_nothing():
    with alone("/proc/nothing/here"):
        pass


def test_code_compiled_from_other_sources_is_forgotten(tmp_path):
    """The compiler looks at the file of a function alone, not at those of what it calls."""
    called, folder = ModuleType("called"), tmp_path / "cache"
    called.__file__ = str(tmp_path / "called.py")
    for source, kept in (("one", False), ("one", True), ("two", False), ("two", True)):
        folder.mkdir(exist_ok=True)
        compiled = folder / "function.nbi"
        compiled.touch()
        Path(called.__file__).write_text(source)
        with alone(str(folder), called):
            assert compiled.exists() == kept


COMPILING = """
import time, numpy as np
from rntk import RNTK
from rntk.gradient import gram_gradient
from rntk.svm.machine import Machine
X = np.random.default_rng(0).normal(size=(6, 5))
started = time.perf_counter()
RNTK()(X)
print(time.perf_counter() - started)
Machine(np.arange(6), np.arange(6) % 2).path(np.eye(6), [1.0])
{more}
"""


def errors_of(code, folder, **environment):
    clean = {name: value for name, value in os.environ.items() if name != "RNTK_QUIET"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=clean | {"NUMBA_CACHE_DIR": str(folder)} | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.slow
def test_what_is_compiled_is_said_in_one_line_once_a_machine(tmp_path):
    """About how long is said within a factor of three, also where others use the machine; kernel and solver are one line."""
    kernel = COMPILING.format(more="")
    taken, said = errors_of(kernel, tmp_path)
    found = re.fullmatch(r"rntk: compiling the kernel for float64, about (\d+) s, once on this machine \(.*\)\n", said)
    assert found, said
    assert float(taken) / 3 < int(found[1]) < 3 * float(taken)
    assert errors_of(kernel, tmp_path)[1] == ""
    gradient = COMPILING.format(more="gram_gradient(RNTK(), X, ['sigma_w'])")
    once = r"rntk: compiling the gradient of the kernel, about \d+ s, once a process \(.*\)\n"
    for _ in range(2):  # which no cache keeps
        assert re.fullmatch(once, errors_of(gradient, tmp_path)[1])
    assert errors_of(gradient, tmp_path, RNTK_QUIET="1")[1] == ""


def test_the_compiler_is_heard_and_only_in_the_block(capsys, monkeypatch):
    monkeypatch.setattr(compiling, "announcements", count())
    monkeypatch.delenv("RNTK_QUIET", raising=False)
    numba.njit(lambda x: x + 1)(1)
    with announced("a sum", 5):
        assert capsys.readouterr().err == ""
        numba.njit(lambda x: x + 2)(1)
        assert capsys.readouterr().err.startswith("rntk: compiling a sum, about ")
        numba.njit(lambda x: x + 3)(1)
    with announced("another sum", 5):
        numba.njit(lambda x: x + 4)(1)
    assert capsys.readouterr().err == ""  # one line a process


def test_whoever_wants_quiet_has_it_and_a_slow_machine_is_given_its_time(capsys, monkeypatch):
    monkeypatch.setattr(compiling, "announcements", count())
    monkeypatch.setattr(compiling, "slowness", lambda: 4.0)
    monkeypatch.setenv("RNTK_QUIET", "1")
    with announced("a sum", 5):
        numba.njit(lambda x: x + 5)(1)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(compiling, "announcements", count())
    monkeypatch.delenv("RNTK_QUIET")
    with announced("a sum", 5, "today"):
        numba.njit(lambda x: x + 6)(1)
    assert "about 20 s, today" in capsys.readouterr().err
