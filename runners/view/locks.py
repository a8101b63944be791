"""Files that one process holds at a time: none makes or replaces a database that another one is making or writes to."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

FILE = ".mlflow.lock"
PATIENCE = 60.0  # seconds: a database is made in a few


def making(output: Path):
    """Alone make a database, or replace that of an output folder: MLflow's own way does not bear two at once."""
    return held(
        Path(output) / FILE,
        f"another process has been making the database of {output} for {PATIENCE:.0f} seconds: wait for it, or end it first",
        PATIENCE,
    )


def writing(folder: Path, patience: float = 0.0):
    """Alone write a study's runs; another process that does so is waited for so many seconds."""
    refusal = f"the runs of {folder} are being written by another process, a study or a `rebuild`: wait for it, or end it first"
    return held(Path(folder) / FILE, refusal, patience)


@contextmanager
def held(path: Path, refusal: str, patience: float) -> Iterator[None]:
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
