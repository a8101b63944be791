"""What the captions of tables and figures say of a study, read from its records."""

import json

from results.record import Record

SUMMARY = (
    "Accuracy is the mean over datasets, with its standard deviation; P90 and P95 are the share of datasets on which a method reaches "
    "90 % and 95 % of the best accuracy there, PMA is the mean of accuracy / best accuracy (all in per cent); Rank is the mean "
    "Friedman rank; Wins are datasets on which a method is best, ties counted for each. Of each column the best is bold, the second "
    "underlined."
)
SERIES = {
    "unit": "divided by its Euclidean norm",
    "zscore": "standardised (z-score)",
    "none": "taken as it is",
    "published": "normalised as for the archive's published errors",
    "pad": "padded with zeros to the longest of the training set",
    "cut": "cut to the shortest of the training set",
    "resample": "resampled to the longest of the training set",
}
TIES = {"first": "the first in grid order is taken", "vote": "all vote"}


def describe_protocol(records: list[Record]) -> str:
    """The protocol under which records were made, and what some of their methods do otherwise; each, where there are several."""
    groups = {}
    for record in records:
        groups.setdefault(json.dumps(record.protocol, sort_keys=True), []).append(record)
    return " Others: ".join(_protocol(groups[key]) for key in sorted(groups))


def _protocol(records: list[Record]) -> str:
    protocol, otherwise = records[0].protocol, {}
    if not {"normalisation", "folds", "C", "tie_break"} <= protocol.keys():
        return "The records do not say the protocol."
    for record in records:
        if record.test_accuracy is not None:
            otherwise.setdefault(_otherwise(record), set()).add(record.method)
    filled = "missing values are interpolated; " if protocol.get("missing") else ""
    sentences = [
        f"Each series is {_series(protocol['normalisation'])}; {filled}hyperparameters and "
        f"C ∈ {{{', '.join(f'{c:g}' for c in protocol['C'])}}} are chosen by {protocol['folds']}-fold cross-validation on the "
        f"training set; of settings with the same score {TIES.get(protocol['tie_break'], protocol['tie_break'])}."
    ]
    sentences += [f"{', '.join(sorted(methods))}: {what}." for what, methods in sorted(otherwise.items()) if what]
    return " ".join(sentences)


def _series(choice: str) -> str:
    return SERIES.get(choice, choice)


def _otherwise(record: Record) -> str:
    """What a method does otherwise than the protocol says, or beside it."""
    config, said = record.method_config, []
    for choice in ("normalisation", "lengths"):
        if choice in config:
            said.append(f"series {_series(config[choice])}")
    if "folds" in config.get("network", {}):
        said.append(f"{config['network']['folds']} folds")
    if record.runs:
        said.append(f"mean over those of {len(record.runs)} runs that did not diverge")
    return ", ".join(said)
