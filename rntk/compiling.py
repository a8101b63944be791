"""Compiled code is cached in a folder that many processes may share; what they may not do is fill it at the same time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def alone(folder: str) -> Iterator[None]:
    """Hold a lock on a cache folder between processes: to be held while code is compiled, or loaded, for the first time.

    The compiler chooses file names by what it finds there, and two processes may choose one name for different code.
    Does nothing where the system has no such locks (Windows), or the folder cannot be written to (nothing is then
    cached there either).
    """
    try:
        import fcntl

        os.makedirs(folder, exist_ok=True)
        lock = open(os.path.join(folder, "rntk.lock"), "a")  # noqa: SIM115
    except (ImportError, OSError):
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
