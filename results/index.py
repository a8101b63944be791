"""Which tasks have a final record, without opening again what has not changed since it was last found whole.

`records/.index` has a line a record: its head's file name, a digest of size, times and inode of each of its files, and its key, where it
is final. It can be removed at any time.
"""

import os
import time
from collections import defaultdict
from contextlib import suppress
from hashlib import blake2b, sha256
from pathlib import Path

from results.integrity import Damage
from results.store import RECORDS, packed, record_name, sound
from results.writing import write_text

INDEX = ".index"
SETTLED = 2 * 10**9  # nanoseconds after which a file that is changed again has another time on every file system


def final_keys(folder: Path) -> tuple[set[str], dict[str, str]]:
    """The keys of a folder's final records, loose or packed; and what is wrong with those that are damaged, by their heads' names."""
    known, seen = _read(folder), {}
    keys, damaged = set(), {}
    signatures = _signatures(folder)
    for name in sorted({*signatures, *(name for name in packed(folder) if name.endswith(".json"))}):
        signature = signatures.get(name)
        if signature and known.get(name, ("",))[0] == signature:
            seen[name] = known[name]
        else:
            try:
                record = sound(folder, name)
            except Damage as damage:
                damaged[name] = str(damage)
                continue
            seen[name] = (signature or "", record.key if record.is_final else "")
        keys.add(seen[name][1])
    settled = {name: entry for name, entry in seen.items() if entry[0]}
    if settled != known:
        _write(folder, settled)
    return keys - {""}, damaged


def _signatures(folder: Path) -> dict[str, str]:
    """For each head a digest of its record's files, as the file system has them; "" where one is too new to tell a later change."""
    files, newest = defaultdict(list), defaultdict(int)
    with suppress(FileNotFoundError), os.scandir(Path(folder) / RECORDS) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                status = entry.stat(follow_symlinks=False)
                record = record_name(entry.name)
                files[record].append(
                    (entry.name, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
                )
                newest[record] = max(newest[record], status.st_mtime_ns, status.st_ctime_ns)
    before = time.time_ns() - SETTLED
    return {
        f"{record}.json": blake2b(repr(sorted(found)).encode(), digest_size=16).hexdigest()
        if newest[record] < before
        else ""
        for record, found in files.items()
        if any(one[0] == f"{record}.json" for one in found)
    }


def _read(folder: Path) -> dict[str, tuple[str, str]]:
    """The entries of an index; none where there is no such file, or it is damaged."""
    try:
        first, *lines = (Path(folder) / RECORDS / INDEX).read_text(encoding="utf-8").splitlines()
        if first != _digest(lines):
            return {}
        return {name: (signature, key) for name, signature, key in (line.split("\t") for line in lines)}
    except (OSError, ValueError):
        return {}


def _write(folder: Path, entries: dict[str, tuple[str, str]]) -> None:
    lines = [f"{name}\t{signature}\t{key}" for name, (signature, key) in sorted(entries.items())]
    with suppress(OSError):  # a folder that cannot be written to, or is full: the next plan reads the records again
        write_text(Path(folder) / RECORDS / INDEX, "\n".join([_digest(lines), *lines]) + "\n")


def _digest(lines: list[str]) -> str:
    return sha256("\n".join(lines).encode()).hexdigest()
