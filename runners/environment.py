"""What the numbers may depend on besides the task: versions and machine; and how threads are held."""

import logging
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numba
from threadpoolctl import threadpool_limits

import rntk
from runners.protocol import NUMERICS

PACKAGES = ("numpy", "scipy", "scikit-learn", "numba", "pandas", "sktime", "joblib", "hydra-core", "mlflow")


@cache
def environment() -> dict[str, Any]:
    """Versions and machine, as a record keeps them."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": processor(),
        "numerics": NUMERICS,
        "rntk": rntk.__version__,
        "commit": commit(),
        **{package: version(package) for package in PACKAGES},
    }


def commit() -> str:
    """The commit of this code, with `-dirty` where files have changed since; "" where Git does not know it."""
    describe = ["git", "--no-optional-locks", "describe", "--always", "--exclude=*", "--abbrev=40", "--dirty"]
    try:
        done = subprocess.run(describe, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def processor() -> str:
    """The processor's name, where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else []
    return names[0] if names else platform.processor()


def trainers() -> dict[str, str]:
    """Versions of what trains networks, and the device it runs on; nothing where JAX was not asked for."""
    if "jax" not in sys.modules:
        return {}
    import jax

    return {name: version(name) for name in ("jax", "optax", "equinox")} | {"device": jax.devices()[0].device_kind}


def quiet_jax() -> None:
    """No word of JAX about kinds of devices that are not there."""
    logging.getLogger("jax").setLevel(logging.ERROR)


@contextmanager
def limit_threads(threads: int) -> Iterator[None]:
    """Set the threads of the kernel engine, whose results do not depend on them, and hold BLAS to one, whose might; both as
    they were afterwards. JAX, which asks once, when it begins, is told here too.
    """
    if threads == 1 and "jax" not in sys.modules:
        os.environ.setdefault("NPROC", "1")
    before = numba.get_num_threads()
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
    try:
        with threadpool_limits(1):
            yield
    finally:
        numba.set_num_threads(before)
