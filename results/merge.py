"""Study folders of several machines as one: every record is checked on the way, and none that is there is replaced by another result.

python -m results.merge outputs-1 outputs-2 --to outputs
python -m results.merge outputs-1/ucr56 outputs-2/ucr56 --to outputs/ucr56

The folders are those of a study, or outputs with several: studies of the same name become one. The exit status is 0 where it is whole, and
its tables are written; 1 where tasks are missing or records are damaged, which are named; 2, and nothing is written, where the folders
have different plans, or two results of one task.
"""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from results import store
from results.integrity import telling
from results.overview import write_overview
from results.pack import NO_RESULTS, result
from results.record import TABLES, Record
from results.tables import write_tables
from results.writing import write_bytes


@dataclass(frozen=True)
class Copy:
    """A record as it lies in a folder."""

    folder: Path
    record: Record

    @property
    def files(self) -> dict[str, bytes]:
        """The files that hold it."""
        return store.read_files(self.folder, self.record)

    @property
    def result(self) -> dict[str, bytes | str | None]:
        """All that it says but for timings and machine."""
        return {name: result(name, content) for name, content in self.files.items()}


def merge(folders: list[Path], target: Path) -> None:
    """Bring the records of a study from `folders` into `target`; with a `DamagedRecord` warning for each that is damaged and left out.

    Of one task's records the first counts, what is in `target` before all, and one with a result before one without, which is set aside
    there. Raises ValueError, and writes nothing, where there is nothing to merge, plans differ, or two results of one task do.
    """
    folders = [folder for folder in folders if folder.resolve() != target.resolve()]
    for folder in folders:
        if not (store.read_plan(folder) or store.has_records(folder)):
            raise ValueError(f"{folder} holds no study: name a folder that has `{store.PLAN}` and `{store.RECORDS}`")
    if store.packed(target):
        raise ValueError(f"{target} is packed, and nothing is merged into a pack: choose another folder, and pack that")
    there = [target] if store.read_plan(target) or store.has_records(target) else []
    plan = one_plan({folder: store.read_plan(folder) for folder in [*there, *folders]})
    chosen, conflicts = {}, []
    for copy in copies([*there, *folders]):
        before = chosen.setdefault(copy.record.name, copy)
        if copy.record.is_final and not before.record.is_final:
            chosen[copy.record.name] = copy
        elif copy.record.is_final and copy is not before and copy.result != before.result:
            conflicts.append(different(before, copy))
    if conflicts:
        listed = "\n".join(conflicts)
        raise ValueError(f"two results of one task: remove the one that is wrong, then merge again\n{listed}")
    for copy in chosen.values():
        if copy.folder != target:
            bring(copy, target)
    if plan and not there:
        write_bytes(target / store.PLAN, (folders[0] / store.PLAN).read_bytes())


def one_plan(plans: dict[Path, dict]) -> dict:
    """The plan that all folders have; raises ValueError, which says in what they differ, where they do not."""
    (first, plan), *others = plans.items()
    for folder, other in others:
        differ = [name for name in {**plan, **other} if plan.get(name) != other.get(name)]
        if differ:
            raise ValueError(
                f"{first} and {folder} have different plans: {'; '.join(only(name, plan, other) for name in differ)}; shards of one study "
                f"have the same datasets, methods, protocol and version"
            )
    return plan


def only(name: str, one: dict, other: dict) -> str:
    """In what two plans differ."""
    if not (isinstance(one.get(name), list) and isinstance(other.get(name), list)):
        return f"{name} {one.get(name)!r} and {other.get(name)!r}"
    left, right = ([value for value in a[name] if value not in b[name]] for a, b in ((one, other), (other, one)))
    if name == "keys":
        return f"{len(left)} of {len(one[name])} tasks are only in the first, {len(right)} of {len(other[name])} only in the second"
    if not left and not right:
        return f"the order of {name}"
    return (
        f"{name}: only in the first {', '.join(left) or 'nothing'}, only in the second {', '.join(right) or 'nothing'}"
    )


def copies(folders: Iterable[Path]) -> Iterable[Copy]:
    """All sound records that belong to the study of these folders."""
    for folder in folders:
        keys = store.read_plan(folder).get("keys")
        known = None if keys is None else set(keys)
        for record in store.whole(folder, store.heads(folder)):
            if known is None or record.key in known:
                yield Copy(folder, record)


def different(one: Copy, other: Copy) -> str:
    """In what two records of a task differ, and where they lie."""
    heads = [copy.record.head() for copy in (one, other)]
    fields = [name for name in heads[0] if name not in NO_RESULTS and str(heads[0][name]) != str(heads[1].get(name))]
    tables = [
        table
        for table in TABLES
        if one.result.get(f"{one.record.name}.{table}.csv") != other.result.get(f"{one.record.name}.{table}.csv")
    ]
    return f"{one.record.dataset} {one.record.method} in {one.folder} and {other.folder}: they differ in {', '.join(fields + tables)}"


def bring(copy: Copy, target: Path) -> None:
    """Write a record's files into a folder, the head last; what was there of it is set aside."""
    head = f"{copy.record.name}.json"
    if any(copy.record.name + ending in store.loose(target) for ending in store.ENDINGS):
        store.set_aside(target, head)
    for name, content in sorted(copy.files.items(), key=lambda file: (file[0] == head, file)):
        write_bytes(target / store.RECORDS / name, content)


def missing(folder: Path) -> tuple[int, int]:
    """How many tasks of a study have no record, and how many it has; both 0 of a folder without a plan."""
    keys = set(store.read_plan(folder).get("keys", []))
    return len(keys - {record.key for record in store.study_records(folder)}), len(keys)


def studies(folders: list[Path], target: Path) -> dict[Path, list[Path]]:
    """The folders of the studies that are to be merged, by where: folders of a study, or of outputs with several."""
    kinds = {folder: bool(store.read_plan(folder)) or store.has_records(folder) for folder in folders}
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"{folder} is no folder")
    if all(kinds.values()):
        return {target: folders}
    if any(kinds.values()):
        study = next(folder for folder in folders if kinds[folder])
        raise ValueError(f"{study} is a study's folder, and others hold studies: name either the one or the other")
    found: dict[Path, list[Path]] = {}
    for folder in folders:
        inside = [place for place in sorted(folder.iterdir()) if place.is_dir() and (place / store.PLAN).exists()]
        if not inside:
            raise ValueError(
                f"{folder} holds no study: name a folder that has `{store.PLAN}`, or one with such folders"
            )
        for place in inside:
            found.setdefault(target / place.name, []).append(place)
    return found


@telling
def main() -> int:
    """Merge the folders of the command line."""
    parser = argparse.ArgumentParser(description="The study folders of several machines as one, every record checked.")
    parser.add_argument("folders", type=Path, nargs="+", help="studies' folders, or outputs that hold them")
    parser.add_argument("--to", type=Path, required=True, help="where they become one; what is there stays")
    arguments = parser.parse_args()
    status = 0
    try:
        for target, folders in studies(arguments.folders, arguments.to).items():
            merge(folders, target)
            lacking, n = missing(target)
            if lacking:
                status = 1
                print(
                    f"{target}: {lacking} of {n} tasks are missing: merge the shards that have them, too, or run the study with this "
                    f"output, which computes them"
                )
            else:
                written = write_tables(target) + write_overview(target)
                print(f"{target}: {len(store.study_records(target))} records; tables in {written[0].parent}")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
