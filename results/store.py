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
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from io import StringIO
from pathlib import Path
from unicodedata import normalize

from results.integrity import Damage, DamagedRecord, check, opened, sealed
from results.locks import held
from results.names import check_name
from results.record import TABLES, Record
from results.writing import write_bytes, write_text, writing_to
from results.zipped import Zipped, to_zip

PLAN, RECORDS, PACK, ASIDE = "plan.json", "records", "records.zip", "set_aside"
ENDINGS = (".json", *(f".{table}.csv" for table in TABLES))


def write(record: Record, folder: Path) -> Path:
    """Write a record under `folder`/records, atomically; returns the path of its head.

    A record of the same key is replaced. Raises ValueError where it says `ok` and does not hold what that promises.
    """
    check_name("dataset", record.dataset)
    check_name("method", record.method)
    if record.status == "ok":
        record.succeed()
    records = Path(folder) / RECORDS
    tables = {table: to_csv(rows).encode("utf-8") for table in TABLES if (rows := getattr(record, table))}
    for table in TABLES:
        path = records / f"{record.name}.{table}.csv"
        if table in tables:
            write_bytes(path, tables[table])
        else:
            path.unlink(missing_ok=True)
    head = records / f"{record.name}.json"
    write_bytes(head, sealed(record.head(), tables))
    return head


@contextmanager
def locked(folder: Path, shard: tuple[int, int] | None = None) -> Iterator[None]:
    """Hold a study's folder, or its k-th shard of n, for this process alone; raises ValueError where another process has it
    (`results.locks.held`). Shards of one n share a folder with each other, and not with those of another n, which overlap with them, nor
    with a run of the whole study.
    """
    refusal = "is in use by another run of this study: wait for it, or end it first"
    with held(Path(folder) / ".lock", f"{folder} {refusal}", shared=shard is not None):
        if shard is None:
            yield
            return
        k, n = shard
        with held(Path(folder) / f".lock-{k}-of-{n}", f"shard {k}/{n} of {folder} {refusal}"):
            for lock in Path(folder).glob(".lock-*-of-*"):
                other = lock.name.removeprefix(".lock-").replace("-of-", "/")
                if not other.endswith(f"/{n}"):
                    overlap = f"shard {other} of {folder} is running, and those of {n} overlap with it: wait for it, or end it first"
                    with held(lock, overlap):
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


def heads(folder: Path) -> Iterator[Record]:
    """Every record under a folder, in the order of the file names, without the tables.

    A head that is damaged is left out, with a `DamagedRecord` warning that names it.
    """
    for name in _names(folder):
        if name.endswith(".json"):
            try:
                yield head(folder, name)
            except Damage as damage:
                _warn(path_of(name, folder), damage)


def whole(folder: Path, records: Iterable[Record]) -> Iterator[Record]:
    """Those of a folder's records whose tables are theirs, and bear out what the head says; with a warning for each that is left out."""
    for record in records:
        try:
            check(record, partial(table, folder, record))
            yield record
        except Damage as damage:
            _warn(path_of(f"{record.name}.json", folder), damage)


def _warn(path: Path, damage: Damage) -> None:
    advice = "it is left out: run the study again, which sets it aside and computes it anew"
    warnings.warn(f"{path} is damaged: {damage}; {advice}", DamagedRecord, stacklevel=3)


def head(folder: Path, name: str) -> Record:
    """The record of a head's file, without its tables; raises Damage where it is none, or another's."""
    try:
        content = read_file(folder, name)
    except OSError as error:
        raise Damage(f"it cannot be read: {error.strerror}") from error
    if content is None:
        raise Damage("it is gone")
    found = opened(content)
    if f"{found.name}.json" != normalize("NFC", name):  # as some file systems have other forms of letters
        raise Damage(f"it is that of {found.dataset} {found.method}, under another name")
    return found


def sound(folder: Path, name: str) -> Record:
    """The record of a head's file, without its tables; raises Damage also where these are not its own, or do not bear it out."""
    record = head(folder, name)
    check(record, partial(table, folder, record))
    return record


def table(folder: Path, record: Record, name: str) -> bytes | None:
    """One of a record's TABLES, as it lies in this folder; None where there is none."""
    return read_file(folder, f"{record.name}.{name}.csv")


def set_aside(folder: Path, name: str) -> Path:
    """Move what there is of a damaged record, by the file name of its head, out of the records; returns where it is kept.

    Raises Damage where it is packed: a loose record of the same name, once there is one, counts before it.
    """
    aside = Path(folder) / ASIDE
    files = [
        file for file in (record_name(name) + ending for ending in ENDINGS) if (Path(folder) / RECORDS / file).exists()
    ]
    if not files:
        raise Damage(f"{path_of(name, folder)} is packed: it cannot be set aside")
    with writing_to(aside):
        aside.mkdir(exist_ok=True)
        place = Path(tempfile.mkdtemp(dir=aside, prefix=f"{record_name(name)}-"))
        for file in files:  # the head first: what is left without one is no record
            os.replace(Path(folder) / RECORDS / file, place / file)
    return place


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
    """The plan of a study's folder, or an empty one. Raises ValueError for one that is damaged."""
    path = Path(folder) / PLAN
    if not path.exists():
        return {}
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(plan[name], list) for name in ("datasets", "methods", "keys")):
            raise ValueError("its datasets, methods and keys are no lists")
        return plan
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{path} is no plan of a study ({error!r}): run the study again, which writes it anew"
        ) from error


def study_records(folder: Path) -> list[Record]:
    """The records that make up the study in a folder: those its plan names, or, without a plan, the latest of each
    dataset and method. One that is damaged is left out, with a `DamagedRecord` warning.
    """
    plan = read_plan(folder)
    keys = set(plan["keys"]) if plan else None
    found = []
    for place in folders(folder):
        found += whole(place, (record for record in heads(place) if keys is None or record.key in keys))
    latest = {}
    for record in sorted(found, key=lambda record: str(record.timings.get("finished", ""))):
        latest[record.dataset, record.method] = record
    return [latest[name] for name in sorted(latest)]
