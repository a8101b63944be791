"""Work that takes long says how far it is, and whoever has asked for it is shown."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import wraps
from importlib import import_module
from threading import Lock

from rntk.extras import needs

SOON = 2  # seconds for which nobody needs to be shown anything


class Watch:
    """How far work is: a loop, and the loops that a step of it consists of, the outermost first; and the share of the outermost that is
    done, in [0, 1], where steps count as equally long, and what is done stays done.

    `changed` is called whenever a step is done, and when a loop begins or ends; one call at a time, whatever thread it is.
    """

    def __init__(self, changed: Callable[["Watch"], None] = lambda watch: None):
        self.loops: list[Loop] = []
        self.share = 0.0
        self.lock, self.changed = Lock(), changed

    def look(self) -> None:
        """Find the share anew, and say so."""
        share = 0.0
        for loop in reversed(self.loops):
            share = (loop.done + share) / max(loop.steps, 1)
        # a step may consist of one loop after another, each of which begins at its beginning
        self.share = max(self.share, share) if self.loops else 0.0
        self.changed(self)


class Loop:
    """A loop of so many steps, each of one `unit`; called when a step is done."""

    def __init__(self, watch: Watch, steps: int, unit: str):
        self.watch, self.steps, self.unit, self.done = watch, steps, unit, 0

    def __str__(self) -> str:
        """How many steps are done, where they have a name and are more than one."""
        return f"{self.done} of {self.steps} {self.unit}" if self.unit and self.steps > 1 else ""

    def __call__(self) -> None:
        with self.watch.lock:
            self.done += 1
            self.watch.look()

    def __enter__(self) -> "Loop":
        with self.watch.lock:
            self.watch.loops.append(self)
            self.watch.look()
        return self

    def __exit__(self, *_) -> None:
        with self.watch.lock:
            if self in self.watch.loops:  # unless it has broken off, and a loop around it has ended
                del self.watch.loops[self.watch.loops.index(self) :]
            self.watch.look()


watching: ContextVar[Watch | None] = ContextVar("watching", default=None)


def loop(steps: int, unit: str):
    """A block in which so many steps are done: what it yields is called after each, in any thread."""
    watch = watching.get()
    return nullcontext(lambda: None) if watch is None else Loop(watch, steps, unit)


def each(items: Iterable, unit: str) -> Iterable:
    """The items, one step of a loop each."""
    return items if watching.get() is None else _each(items, unit)  # where nobody watches it costs nothing


def _each(items: Iterable, unit: str) -> Iterator:
    items = items if isinstance(items, Sized) else list(items)
    with loop(len(items), unit) as done:
        for item in items:
            yield item
            done()


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Let `watch` follow what is done in the block."""
    token = watching.set(watch)
    try:
        yield
    finally:
        watching.reset(token)


@contextmanager
def progress(name: str = "rntk") -> Iterator[None]:
    """Show on stderr how far the Grams, grids and files are that are computed in the block: a bar, from two seconds on.

    >>> from rntk import RNTK, progress
    >>> with progress():
    ...     K = RNTK()([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])

    Raises ImportError where tqdm, which draws the bar, is not installed.
    """
    bar = Bar(name)
    try:
        with watched(Watch(bar.show)):
            yield
    finally:
        bar.close()


def shown(method: Callable) -> Callable:
    """A method of an object with a `verbose`: unless that is 0, its `progress` is shown."""

    @wraps(method)
    def as_asked(self, *arguments, **named):
        with progress(type(self).__name__) if self.verbose else nullcontext():
            return method(self, *arguments, **named)

    return as_asked


class Bar:
    """A bar of tqdm for the outermost loop, which is drawn only where that takes longer than SOON."""

    FORMAT = "{desc}: {percentage:3.0f}% |{bar}| {elapsed} gone, about {remaining} left"

    def __init__(self, name: str):
        with needs("sklearn"):
            self.tqdm = import_module("tqdm").tqdm  # (not imported above: the kernel does without)
        self.name, self.loop, self.bar = name, None, None

    def show(self, watch: Watch) -> None:
        """Draw what has changed."""
        outermost = watch.loops[0] if watch.loops else None
        if outermost is not self.loop:
            self.close()
            self.loop = outermost
            if outermost:
                self.bar = self.tqdm(
                    total=1.0,
                    desc=self.name,
                    bar_format=self.FORMAT,
                    smoothing=0,
                    miniters=0,
                    mininterval=0.1 if sys.stderr.isatty() else SOON,  # a file keeps all that is drawn
                    delay=SOON,
                    leave=False,
                )
        if outermost:
            if str(outermost):
                self.bar.set_description_str(f"{self.name}, {outermost}", refresh=False)
            self.bar.update(watch.share - self.bar.n)

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()
        self.loop = self.bar = None
