"""A finished study as two files, `plan.json` and `records.zip`, and back, byte for byte.

python -m results.pack outputs/ucr56 results/reference/ucr56
python -m results.pack --unpack results/reference/ucr56 outputs/ucr56

`results.store` reads a packed study like any other. What else lies in a study's folder, tables and logs, is made from
the records and is not packed.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from results import store
from results.integrity import told
from results.writing import write_bytes

# of a head: they differ on another day or, in the last digits, on another processor, and with them its checksum
NO_RESULTS = ("timings", "environment", "gram", "schema", "tables", "checksum")


def pack(folder: Path, packed: Path) -> list[str]:
    """Pack the study in `folder` into `packed`; returns the names of the records that are new there, changed or gone.

    Where there are none, timings, environment and the Gram's state aside, the packed records stay as they are. A plan that differs is
    replaced, and named among the records. Raises ValueError where there is nothing to pack, a record is damaged, or `packed` is no place
    for it.
    """
    with told() as damaged:
        list(store.whole(folder, store.heads(folder)))
    if damaged:
        raise ValueError(damaged[0])
    files = store.read_files(folder)
    if not files:
        raise ValueError(f"{folder} holds no records: run the study first, or name a folder that has `records`")
    if packed.exists() and not packed.is_dir():
        raise ValueError(f"{packed} is a file: name the folder that is to hold the packed study")
    own = {name: path.read_bytes() for name, path in store.loose(packed).items()}
    _refuse_others(packed, own, files, "they would count before the packed ones; remove them, or was --unpack meant?")
    changed = changes(store.packed(packed), files)
    if changed:
        store.write_pack(packed, files)
    if _plan(folder) != _plan(packed):
        _write_plan(folder, packed)
        changed.append(store.PLAN)
    return changed


def unpack(packed: Path, folder: Path) -> int:
    """Write the files of a packed study into `folder`/records, and its plan; returns how many records there are.

    Raises ValueError where `packed` is no packed study, or `folder` holds other records or another plan.
    """
    if not store.packed(packed):
        raise ValueError(f"{packed} is no packed study: name a folder that has `{store.PACK}`")
    files = store.read_files(packed)
    _refuse_others(folder, store.read_files(folder), files, "unpack into another folder, or remove them")
    if _plan(folder) not in (None, _plan(packed)):
        raise ValueError(f"{folder} has another plan than {packed}: unpack into another folder, or remove it")
    for name in sorted(files, key=lambda name: (name.endswith(".json"), name)):  # a head comes after its tables
        write_bytes(Path(folder) / store.RECORDS / name, files[name])
    _write_plan(packed, folder)
    return len({store.record_name(name) for name in files})


def changes(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[str]:
    """The names of the records that are in one of them only, or whose results differ, in order."""
    differ = {name for name in {*old, *new} if result(name, old.get(name)) != result(name, new.get(name))}
    return sorted({store.record_name(name) for name in differ})


def result(name: str, content: bytes | None) -> bytes | str | None:
    """What a file says of the result: all of it, or of a head all but timings, environment and the Gram's state."""
    if content is None or not name.endswith(".json"):
        return content
    try:
        head = {field: value for field, value in json.loads(content).items() if field not in NO_RESULTS}
    except (ValueError, AttributeError):  # not a head: the reader says so
        return content
    return json.dumps(head)  # as text: the order of a grid's axes counts, and a NaN is equal to itself


def _refuse_others(folder: Path, present: Mapping[str, bytes], files: Mapping[str, bytes], remedy: str) -> None:
    others = [name for name, content in present.items() if files.get(name) != content]
    if others:
        raise ValueError(f"{folder} holds other records ({some(others)}): {remedy}")


def _plan(folder: Path) -> bytes | None:
    path = Path(folder) / store.PLAN
    return path.read_bytes() if path.exists() else None


def _write_plan(source: Path, target: Path) -> None:
    plan = _plan(source)
    if plan is None:
        (Path(target) / store.PLAN).unlink(missing_ok=True)
    elif plan != _plan(target):
        write_bytes(Path(target) / store.PLAN, plan)


def some(names: list[str], n: int = 3) -> str:
    """How many names there are, and the first of them."""
    return f"{len(names)}: {', '.join(names[:n])}{', …' if len(names) > n else ''}"


def main() -> int:
    """Pack a study's folder, or unpack one."""
    parser = argparse.ArgumentParser(
        description="Pack a finished study into a few compact files, and back, byte for byte.",
        usage="python -m results.pack [-h] FOLDER PACKED\n       python -m results.pack [-h] --unpack PACKED FOLDER",
    )
    parser.add_argument("--unpack", action="store_true", help="from PACKED to FOLDER")
    parser.add_argument("source", type=Path, help="FOLDER, the study's own, e.g. outputs/ucr56 (with --unpack: PACKED)")
    parser.add_argument("target", type=Path, help="PACKED, e.g. results/reference/ucr56 (with --unpack: FOLDER)")
    arguments = parser.parse_args()
    source, target = arguments.source, arguments.target
    try:
        if arguments.unpack:
            print(f"{unpack(source, target)} records of {source} are in {target}")
        elif changed := pack(source, target):
            print(f"{target} is written; of its records and its plan are new, changed or gone {some(changed)}")
        else:
            print(
                f"{target} stays as it is: {source} has the same results; only timings, machine or last digits of Grams differ"
            )
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
