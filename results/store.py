"""Records on disk: `<folder>/records/<dataset>__<method>__<key>.json`, with `.grid.csv` and `.predictions.csv` beside
it.

The two tables are written first and the head last, each to a temporary file that is synced and renamed into place: a
head that is there is whole, and so is what belongs to it.
"""

import csv
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from io import StringIO
from pathlib import Path

from results.record import Record

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PLAN = "plan.json"


def write(record: Record, folder: Path) -> Path:
    """Write a record under `folder`/records, atomically; returns the path of its head.

    A record of the same key is replaced. Raises ValueError where it says `ok` and does not hold what that promises.
    """
    if record.status == "ok":
        record.succeed()
    records = Path(folder) / "records"
    records.mkdir(parents=True, exist_ok=True)
    for table, rows in (("grid", record.grid), ("predictions", record.predictions)):
        path = records / f"{record.name}.{table}.csv"
        if rows:
            write_text(path, to_csv(rows))
        else:
            path.unlink(missing_ok=True)
    head = records / f"{record.name}.json"
    write_text(head, json.dumps(record.head(), indent=1, ensure_ascii=False) + "\n")
    return head


def write_text(path: Path, text: str) -> None:
    """Write a file atomically: it holds the old text or the new, whatever happens."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
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


def read_head(path: Path) -> Record:
    """A record without its tables; raises ValueError naming the file where it is not a record."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        known = {field.name for field in fields(Record)}
        return Record(**{name: value for name, value in content.items() if name in known})
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not a record: {error}; remove it and run the study again") from error


def read_table(record: Record, folder: Path, table: str) -> list[dict[str, str]]:
    """The rows of a record's "grid" or "predictions", as text; empty where it has none."""
    for place in folders(folder):
        path = place / "records" / f"{record.name}.{table}.csv"
        if path.exists():
            with open(path, newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))
    return []


def heads(folder: Path) -> Iterator[Record]:
    """Every record under a folder, in the order of the file names, without the tables."""
    for path in sorted((Path(folder) / "records").glob("*.json")):
        yield read_head(path)


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


def study_records(folder: Path) -> list[Record]:
    """The records that make up the study in a folder: those its plan names, or, without a plan, the latest of each
    dataset and method.
    """
    plan = read_plan(folder)
    records = [record for place in folders(folder) for record in heads(place)]
    if plan:
        keys = set(plan["keys"])
        records = [record for record in records if record.key in keys]
    latest = {}
    for record in sorted(records, key=lambda record: str(record.timings.get("finished", ""))):
        latest[record.dataset, record.method] = record
    return [latest[name] for name in sorted(latest)]
