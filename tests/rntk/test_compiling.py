"""Compiled code is cached, and many processes may start on an empty cache at once."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from results.store import locked
from rntk import RNTK
from rntk.compiling import alone

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
