"""What a study uses, as BibTeX: the entries of `references.bib` that its records ask for."""

import re
from collections.abc import Iterator
from pathlib import Path

from results.record import Record
from results.report.words import target

BIBLIOGRAPHY = Path(__file__).parent / "references.bib"


def references(records: list[Record]) -> str:
    """The entries that are for every study, for the packages in the records' environments, or for the targets of their methods."""
    packages = {package for record in records for package in record.environment}
    targets = {target(record.method_config) for record in records}

    def used(what: str) -> bool:
        return what == "always" or what in packages or any(name.startswith(what) for name in targets)

    return "\n\n".join(entry for what, entry in entries() if used(what)) + "\n"


def entries() -> Iterator[tuple[str, str]]:
    """What each entry is for, and the entry."""
    for part in BIBLIOGRAPHY.read_text("utf-8").split("\n% for ")[1:]:
        what, entry = part.split("\n", 1)
        yield what, re.sub(r"\n\s*%.*", "", entry).strip()
