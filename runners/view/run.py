"""One run of MLflow, before it is written."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from results.figures.style import NO_DATE, STYLE
from results.record import Record

SCREEN = 120  # dots an inch


@dataclass(frozen=True)
class Run:
    """What a run says. `key` tells it from the study's others, `digest` is of what it was made from.

    `metrics` are (name, value, step); `files` the artifacts by name; `begin` and `end` milliseconds since 1970, 0 where they are not known;
    `data` is a record whose dataset is the run's input.
    """

    kind: str
    key: str
    name: str
    digest: str
    tags: dict[str, str]
    metrics: list[tuple[str, float, int]]
    note: str
    begin: int = 0
    end: int = 0
    params: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    ok: bool = True
    data: Record | None = None


def digest(*parts: Any) -> str:
    """A hash of what a run is made from."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def metric_name(text: str) -> str:
    """A name that MLflow takes: others than letters, digits, blanks and `_-.:/` become `_`."""
    return re.sub(r"[^\w\-./: ]", "_", text, flags=re.ASCII)


def time_of(records: Iterable[Record]) -> tuple[int, int]:
    """When the last of some tasks ended, and before it when the first would have begun had they run one after the other."""
    ran = [record.timings for record in records if {"total", "finished"} <= {*record.timings}]
    if not ran:
        return 0, 0
    end = max(datetime.fromisoformat(timings["finished"]).timestamp() for timings in ran)
    return int(1000 * (end - sum(timings["total"] for timings in ran))), int(1000 * end)


def picture(made: Figure) -> bytes:
    """A figure as a PNG for the screen, drawn once: a study has hundreds."""
    made.set_dpi(SCREEN)
    content = BytesIO()
    with rc_context(STYLE):
        FigureCanvasAgg(made).print_png(content, metadata=NO_DATE["png"])
    return content.getvalue()
