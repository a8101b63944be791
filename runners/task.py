"""A task: one dataset and one method under one protocol, and the key by which its record is known."""

import json
from dataclasses import dataclass, field
from hashlib import sha256

from datasets import find
from datasets.catalogue import Entry
from runners.method import Method
from runners.protocol import NUMERICS, TRAINING, Protocol


@dataclass(frozen=True)
class Task:
    """One dataset, one method, one protocol. Raises ValueError for an unknown dataset.

    `source` is what `datasets.load` takes, `dataset` the name by which tables and records know it. `key` is a hash of everything
    that matters for the result: the dataset's files (of one's own: its content), the method with its whole grid, the protocol, and
    the version of the numerical code; for a class that is not ours, the file that holds it. What changes none of these is never
    computed twice.
    """

    source: str
    method: Method
    protocol: Protocol
    entry: Entry = field(init=False)
    key: str = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "entry", find(self.source))
        content = {
            "dataset": self.entry.name,
            "sha256": self.entry.sha256,
            "method": _canonical(self.method.as_dict()),
            "axes": list(self.method.axes),  # their order decides ties
            "protocol": _canonical(self.protocol.as_dict()),
            **({"training": TRAINING} if self.method.network else {"numerics": NUMERICS}),
        }
        if (code := self.method.code) is not None:
            content["code"] = code
        object.__setattr__(self, "key", sha256(json.dumps(content, sort_keys=True).encode()).hexdigest())

    @property
    def dataset(self) -> str:
        """The dataset's name."""
        return self.entry.name


def _canonical(value):
    """1 and 1.0 are the same number, whichever way a config writes it."""
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
