"""Records on disk: `<folder>/records/<dataset>__<method>__<key>.json`, with `.grid.csv`, `.predictions.csv` and, of networks,
`.curves.csv` beside it, or the same files in one `<folder>/records.zip`.

The tables are written first and the head last, each to a temporary file that is synced and renamed into place: a
head that is there is whole, and so is what belongs to it. Of a packed record (`results.pack`) and a loose one of the same
name the loose one counts, with its tables.
"""

import csv
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from functools import lru_cache
from io import StringIO
from pathlib import Path

from results.record import TABLES, Record
from results.zipped import Zipped, to_zip

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PLAN, RECORDS, PACK = "plan.json", "records", "records.zip"
ENDINGS = (".json", *(f".{table}.csv" for table in TABLES))


def write(record: Record, folder: Path) -> Path:
    """Write a record under `folder`/records, atomically; returns the path of its head.

    A record of the same key is replaced. Raises ValueError where it says `ok` and does not hold what that promises.
    """
    if record.status == "ok":
        record.succeed()
    records = Path(folder) / RECORDS
    records.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        rows = getattr(record, table)
        path = records / f"{record.name}.{table}.csv"
        if rows:
            write_text(path, to_csv(rows))
        else:
            path.unlink(missing_ok=True)
    head = records / f"{record.name}.json"
    write_text(head, json.dumps(record.head(), indent=1, ensure_ascii=False) + "\n")
    return head


def write_text(path: Path, text: str) -> None:
    """Write a file atomically, in UTF-8, line ends as they are."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: it holds the old content or the new, whatever happens."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
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


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a study's folder for this process alone; raises ValueError where another process has it.

    The operating system lets go when the process ends, however it ends. Where it has no such lock, nothing is held.
    """
    if fcntl is None:
        yield
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    with open(Path(folder) / ".lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(
                f"{folder} is in use by another run of this study: wait for it, or end it first"
            ) from error
        except OSError:  # a file system without locks
            pass
        yield


def to_csv(rows: list[dict]) -> str:
    """Rows as CSV text, columns in the order of the first row."""
    text = StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def loose(folder: Path) -> dict[str, Path]:
    """The files in a folder's `records`, by name; those being written are none."""
    return {path.name: path for path in (Path(folder) / RECORDS).glob("[!.]*")}


def packed(folder: Path) -> Mapping[str, bytes]:
    """The files in a folder's `records.zip`, by name; none where there is no such file.

    Raises ValueError naming it where it is damaged.
    """
    path = Path(folder) / PACK
    if not path.exists():
        return {}
    status = path.stat()
    return _zipped(path, status.st_mtime_ns, status.st_size, status.st_ino)


@lru_cache(maxsize=8)
def _zipped(path: Path, *version: int) -> Zipped:
    return Zipped(path)


def write_pack(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files of records as `folder`/records.zip, atomically; returns its path."""
    path = Path(folder) / PACK
    write_bytes(path, to_zip(files))
    return path


def record_name(file: str) -> str:
    """The name of the record that a file belongs to."""
    for ending in ENDINGS:
        file = file.removesuffix(ending)
    return file


def read_file(folder: Path, name: str) -> bytes | None:
    """One of the files that hold a folder's records, loose or packed; None where there is none."""
    path = Path(folder) / RECORDS / name
    if path.exists():
        return path.read_bytes()
    if path.with_name(f"{record_name(name)}.json").exists():  # a packed record's table is not the loose one's
        return None
    return packed(folder).get(name)


def read_files(folder: Path, record: Record | None = None) -> dict[str, bytes]:
    """All files that hold a folder's records, or those of one record, by name: loose or packed."""
    names = [record.name + ending for ending in ENDINGS] if record else _names(folder)
    files = {name: read_file(folder, name) for name in names}
    return {name: content for name, content in files.items() if content is not None}


def path_of(name: str, folder: Path) -> Path:
    """Where such a file lies, or would: by itself, or in the pack."""
    path = Path(folder) / RECORDS / name
    return path if path.exists() or name not in packed(folder) else Path(folder) / PACK / name


def _names(folder: Path) -> list[str]:
    return sorted({*loose(folder), *packed(folder)})


def read_table(record: Record, folder: Path, table: str) -> list[dict[str, str]]:
    """The rows of one of a record's TABLES, as text; empty where it has none."""
    for place in folders(folder):
        content = read_file(place, f"{record.name}.{table}.csv")
        if content is not None:
            return list(csv.DictReader(StringIO(content.decode("utf-8"), newline="")))
    return []


def heads(folder: Path, faults: list[str] | None = None) -> Iterator[Record]:
    """Every record under a folder, in the order of the file names, without the tables.

    Raises ValueError naming a file that is not a record; where there is a list of `faults`, the message is added to it instead, and the
    file passed over.
    """
    known = {field.name for field in fields(Record)}
    for name in _names(folder):
        if not name.endswith(".json"):
            continue
        try:
            content = json.loads(read_file(folder, name).decode("utf-8"))
            record = Record(**{name: value for name, value in content.items() if name in known})
        except (ValueError, TypeError, AttributeError) as error:
            fault = f"{path_of(name, folder)} is not a record: {error}; remove it and run the study again"
            if faults is None:
                raise ValueError(fault) from error
            faults.append(fault)
        else:
            yield record


def has_records(folder: Path) -> bool:
    """Whether a folder holds any record, loose or packed."""
    return any(name.endswith(".json") for name in _names(folder))


def folders(folder: Path) -> list[Path]:
    """The folder of a study, and those of the studies that it builds on, whose records are its own too."""
    return [Path(folder), *(Path(folder) / other for other in read_plan(folder).get("beside", []))]


def write_plan(
    folder: Path,
    study: str,
    datasets: Iterable[str],
    methods: Iterable[str],
    keys: Iterable[str],
    beside: Iterable = (),
) -> None:
    """Note which records make up a study, so that those of an earlier grid lying beside them are not mistaken for it.

    `beside` are the folders of other studies, relative to this one, whose records are taken where they are the same tasks.
    """
    plan = {"study": study, "datasets": list(datasets), "methods": list(methods), "keys": sorted(keys)}
    if beside:
        plan["beside"] = list(beside)
    write_text(Path(folder) / PLAN, json.dumps(plan, indent=1) + "\n")


def read_plan(folder: Path) -> dict:
    """The plan of a study's folder, or an empty one."""
    path = Path(folder) / PLAN
    return json.loads(path.read_text()) if path.exists() else {}


def study_records(folder: Path, faults: list[str] | None = None) -> list[Record]:
    """The records that make up the study in a folder: those its plan names, or, without a plan, the latest of each
    dataset and method. `faults` is as for `heads`.
    """
    plan = read_plan(folder)
    records = [record for place in folders(folder) for record in heads(place, faults)]
    if plan:
        keys = set(plan["keys"])
        records = [record for record in records if record.key in keys]
    latest = {}
    for record in sorted(records, key=lambda record: str(record.timings.get("finished", ""))):
        latest[record.dataset, record.method] = record
    return [latest[name] for name in sorted(latest)]
