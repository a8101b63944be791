"""Files that one process holds at a time."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from results.writing import writing_to

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


@contextmanager
def held(path: Path, refusal: str, patience: float = 0.0, shared: bool = False) -> Iterator[None]:
    """Hold a file, alone or `shared` with others that do; raises ValueError, which says `refusal`, where another process still has it
    after so many seconds, and CannotWrite where there can be no such file.

    The operating system lets go when the process ends, however it ends. Where it has no such lock, nothing is held.
    """
    deadline = time.monotonic() + patience
    with ExitStack() as opened:
        with writing_to(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = opened.enter_context(open(path, "w+"))  # NFS shares only what may be read
        while not taken(file, shared):
            if time.monotonic() >= deadline:
                raise ValueError(refusal)
            time.sleep(0.1)
        yield


def taken(file: IO, shared: bool = False) -> bool:
    """Whether an open file could be had for this process alone, or for those that share it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
