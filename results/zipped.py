"""Files in one zip file, read like a dictionary, each when it is asked for.

What is written depends on the files alone: they are in the order of their names, and bear no time. As a comment stands a
digest of the list of files, for damage to that list can lose some of them without an error; each file has its own check.
"""

import hashlib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path


class Zipped(Mapping):
    """The contents, as bytes, by the names of the files in a zip file that `to_zip` made.

    Raises ValueError naming the zip file where it is damaged, or was made by others, or a name in it is a path.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        content = BytesIO(self.path.read_bytes())  # nothing stays open: the file may be replaced
        with self._damage_named():
            self.file = zipfile.ZipFile(content)
            self.entries = {entry.filename: entry for entry in self.file.infolist()}
            _check(self.entries)
            if self.file.comment != _digest(self.file.infolist()):
                raise ValueError("the list of its files is not the one that was written")

    def __getitem__(self, name: str) -> bytes:
        entry = self.entries[name]
        with self._damage_named():
            return self.file.read(entry)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @contextmanager
    def _damage_named(self):
        try:
            yield
        except Exception as error:  # the reader raises many kinds
            raise ValueError(
                f"{self.path} is damaged, or no packed study: {error}; take it from the repository again, or remove it and "
                f"pack the study anew"
            ) from error


def to_zip(files: Mapping[str, bytes]) -> bytes:
    """Files as a zip file; raises ValueError where a name is a path."""
    _check(files)
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in sorted(files):
            file.writestr(zipfile.ZipInfo(name), files[name], zipfile.ZIP_DEFLATED, compresslevel=9)
        file.comment = _digest(file.infolist())
    return content.getvalue()


def _check(names: Iterable[str]) -> None:
    for name in names:
        if name.startswith(".") or set(name) & set("/\\:"):
            raise ValueError(f"{name!r} is not the plain name of a file")


def _digest(entries: Iterable[zipfile.ZipInfo]) -> bytes:
    lines = [f"{entry.filename} {entry.file_size} {entry.CRC}\n" for entry in entries]
    return hashlib.sha256("".join(lines).encode()).hexdigest().encode()
