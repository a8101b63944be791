"""Compiled code is cached in a folder that many processes may share; what they may not do is fill it at the same time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import ModuleType


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
