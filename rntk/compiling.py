"""Compiled code is cached in a folder that many processes may share; what they may not do is fill it at the same time. While it is
filled, whoever waits is told.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import count
from pathlib import Path
from types import ModuleType

from numba.core.event import Event, Listener, install_listener

LOOP, LOOP_SECONDS = 50_000, 0.00195  # a loop of Python's, and what it takes where the times to compile were measured
announcements = count()  # of this process


@contextmanager
def alone(folder: str, *modules: ModuleType) -> Iterator[None]:
    """Hold a lock on a cache folder between processes: to be held while code is compiled, or loaded, for the first time.

    The compiler chooses file names by what it finds there, and two processes may choose one name for different code.
    It also takes code for unchanged whose own file is: where `modules`, which compiled code calls, are not what they
    were when the folder was filled, the folder is emptied first. Does nothing where the system has no such locks
    (Windows, some network file systems), or the folder cannot be written to (nothing is then cached there either).
    """
    try:
        import fcntl

        os.makedirs(folder, exist_ok=True)
        lock = open(os.path.join(folder, "rntk.lock"), "a+")  # noqa: SIM115
        fcntl.flock(lock, fcntl.LOCK_EX)
    except (ImportError, OSError):
        yield
        return
    with lock:
        if modules:
            _forget_other_sources(Path(folder), modules)
        yield


def _forget_other_sources(folder: Path, modules: tuple[ModuleType, ...]) -> None:
    sources = b"".join(Path(module.__file__).read_bytes() for module in modules)
    note, found = folder / "rntk.sources", sha256(sources).hexdigest()
    if note.exists() and note.read_text() == found:
        return
    for name in ("*.nbi", "*.nbc"):
        for file in folder.glob(name):
            file.unlink(missing_ok=True)
    note.write_text(found)


@contextmanager
def announced(what: str, seconds: float, often: str = "once on this machine") -> Iterator[None]:
    """Say on stderr what is compiled in the block, and about how long that takes, before it begins: one line a process, and none
    where all is loaded from the cache, or the environment variable RNTK_QUIET is set to anything.

    `seconds` is what it takes where a loop of Python's takes LOOP_SECONDS; here it takes in proportion.
    """
    with install_listener(
        "numba:compile", _Announcer(what, seconds, often)
    ):  # the compiler's event: none for what is cached
        yield


class _Announcer(Listener):
    def __init__(self, what: str, seconds: float, often: str):
        self.what, self.seconds, self.often = what, seconds, often

    def on_start(self, event: Event) -> None:
        if next(announcements) == 0 and not os.environ.get("RNTK_QUIET"):
            print(
                f"rntk: compiling {self.what}, about {self.seconds * slowness():.0f} s, {self.often} "
                f"(what else is needed, when it is first used)",
                file=sys.stderr,
                flush=True,
            )

    def on_end(self, event: Event) -> None:
        """The compiler asks for it."""


def slowness() -> float:
    """How many times as long as where compiling was measured Python takes here: the best of three loops."""
    return min(_loop() for _ in range(3)) / LOOP_SECONDS


def _loop() -> float:
    started, total = time.perf_counter(), 0
    for i in range(LOOP):
        total += i * i % 7
    return time.perf_counter() - started
