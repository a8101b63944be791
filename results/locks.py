"""Files that one process holds at a time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


@contextmanager
def held(path: Path, refusal: str, patience: float = 0.0) -> Iterator[None]:
    """Hold a file; raises ValueError, which says `refusal`, where another process still has it after so many seconds.

    The operating system lets go when the process ends, however it ends. Where it has no such lock, nothing is held.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + patience
    with open(path, "w") as file:
        while not taken(file):
            if time.monotonic() >= deadline:
                raise ValueError(refusal)
            time.sleep(0.1)
        yield


def taken(file: IO) -> bool:
    """Whether an open file could be had for this process alone."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
