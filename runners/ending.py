"""How a study ends before its end. Ctrl-C once: what runs is finished, and nothing else begun; twice: at once. SIGTERM, by which a queue
ends a job: at once. What is recorded stays, and the same command goes on.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SAID = b"\nwhat runs is finished, and nothing else is begun; Ctrl-C once more ends it at once\n"


class Terminated(KeyboardInterrupt):
    """SIGTERM was received."""


@contextmanager
def ends_on_sigterm() -> Iterator[None]:
    """A block that SIGTERM ends by `Terminated`, where it is in the main thread."""

    def end(*_):
        raise Terminated

    with handled(signal.SIGTERM, end):
        yield


@contextmanager
def stoppable() -> Iterator[None]:
    """A block after which the program ends with a line and status 130 where Ctrl-C ended it, and 143 where SIGTERM did."""
    try:
        with ends_on_sigterm():
            yield
    except KeyboardInterrupt as end:
        print("\nstopped: what is done is recorded; run the same command again to go on", file=sys.stderr)
        sys.exit(143 if isinstance(end, Terminated) else 130)


@contextmanager
def asked_once() -> Iterator[threading.Event]:
    """A block in which the first Ctrl-C sets the event, and the second one raises KeyboardInterrupt."""
    asked = threading.Event()

    def ask(*_):
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        os.write(sys.__stderr__.fileno(), SAID)  # not print, of which this may be in the middle

    with handled(signal.SIGINT, ask):
        yield asked


@contextmanager
def handled(number: signal.Signals, handler) -> Iterator[None]:
    """A block with a handler of a signal; without it, where the signal is ignored, or the block is not in the main thread."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(number) is signal.SIG_IGN:
        yield
        return
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)
