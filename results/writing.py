"""Files that hold the old content or the new, whatever happens, and an error that says what to do where they cannot be written."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)  # the disk, or this user's share of it


class CannotWrite(OSError):
    """A file that cannot be written, and what to do."""

    def __str__(self) -> str:
        return self.strerror


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """What the operating system refuses meanwhile is a CannotWrite of this path."""
    try:
        yield
    except OSError as error:
        advice = "make room" if error.errno in FULL else "let this user write there, or choose another folder"
        raise CannotWrite(
            error.errno,
            f"{path} cannot be written: {error.strerror}; {advice}, and run the same command again: what is recorded is kept",
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a file atomically, in UTF-8, line ends as they are."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: it holds the old content or the new. Raises CannotWrite."""
    with writing_to(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".being-written-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
