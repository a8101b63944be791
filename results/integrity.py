"""What lets a record be believed: its head knows the SHA-256 of its tables and of itself, and nothing of it is shown that its tables do
not bear out.

Records that an older version wrote have no checksums: they are believed where their accuracy is that of their predictions.
"""

import csv
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from functools import wraps
from hashlib import sha256
from io import StringIO

from results.record import TABLES, Record

SCHEMA = 2  # of heads: the first with checksums
MARK, BLANK = b'"checksum": "', b"0" * 64
KNOWN = {field.name for field in fields(Record)}


class DamagedRecord(UserWarning):
    """A record that is left out, as it is not what was written."""


class Damage(ValueError):
    """What is wrong with a record."""


@contextmanager
def told() -> Iterator[list[str]]:
    """Collect the messages of `DamagedRecord` warnings in the block, each once; other warnings go where they went."""
    messages = []

    def show(message, category, *arguments, **named):
        if not issubclass(category, DamagedRecord):
            before(message, category, *arguments, **named)
        elif str(message) not in messages:
            messages.append(str(message))

    with warnings.catch_warnings():
        before = warnings.showwarning
        warnings.simplefilter("always", DamagedRecord)
        warnings.showwarning = show
        yield messages


def telling(main: Callable[[], int]) -> Callable[[], int]:
    """A command that says at its end, on stderr, which records it left out, as they are damaged; its exit status is 1 then."""

    @wraps(main)
    def command() -> int:
        with told() as messages:
            status = main()
        for message in messages:
            print(message, file=sys.stderr)
        return status or bool(messages)

    return command


def sealed(head: Mapping, tables: Mapping[str, bytes]) -> bytes:
    """A head as it is written: with its schema, the checksums of its tables, and as its last field that of all of it but that field."""
    sums = {name: sha256(content).hexdigest() for name, content in tables.items()}
    whole = {**head, "schema": SCHEMA, "tables": sums, "checksum": BLANK.decode()}
    content = json.dumps(whole, indent=1, ensure_ascii=False).encode("utf-8") + b"\n"
    before, mark, after = content.rpartition(MARK)
    return before + mark + sha256(content).hexdigest().encode() + after[len(BLANK) :]


def opened(content: bytes) -> Record:
    """The record of a head, without its tables; raises Damage where it is none, or has been changed."""
    try:
        head = json.loads(content.decode("utf-8"))
        schema = head.get("schema", 1)
        if schema not in (1, SCHEMA):
            raise Damage(f"its schema is {schema!r}, and this version reads those up to {SCHEMA}")
        if schema == SCHEMA or "checksum" in head:
            before, mark, after = content.rpartition(MARK)
            if sha256(before + mark + BLANK + after[len(BLANK) :]).hexdigest().encode() != after[: len(BLANK)]:
                raise Damage("it was changed after it was written: its checksum is that of another content")
        return Record(**{name: value for name, value in head.items() if name in KNOWN})
    except Damage:
        raise
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Damage(f"it is no record: {error}") from error


def check(record: Record, read: Callable[[str], bytes | None]) -> None:
    """Raise Damage where the tables are not those of a record's head, or its accuracy is not theirs. `read` gives a table's bytes."""
    if record.tables:
        for name in TABLES:
            content = read(name)
            if (sha256(content).hexdigest() if content is not None else None) != record.tables.get(name):
                raise Damage(f"its {name} table is {'gone' if content is None else 'not the one that was written'}")
    if record.status == "ok":
        predictions = read("predictions") or b""
        scores = record.test_accuracy, record.cv_accuracy, record.n_tied, record.n_test, str(record.runs)
        said = *scores, sha256(predictions).digest()
        if said not in _borne_out:
            try:
                lacking = record.lacking(outcomes(predictions))
            except (KeyError, TypeError) as error:
                raise Damage("its runs cannot be read") from error
            if lacking:
                raise Damage(f"a record of status ok needs {' and '.join(lacking)}")
            _borne_out.add(said)


_borne_out: set[tuple] = set()  # what heads say, and the predictions that bear it out: a report asks many times


def outcomes(table: bytes) -> list[bool]:
    """Whether each prediction of a table is right; raises Damage where it is no table of predictions."""
    try:
        names, *rows = csv.reader(StringIO(table.decode("utf-8"), newline=""))
        label, predicted = names.index("label"), names.index("predicted")
        return [row[label] == row[predicted] for row in rows]
    except (ValueError, IndexError, csv.Error) as error:
        raise Damage("its predictions cannot be read") from error
