"""How long a task may take, and how much memory: beyond either it ends, with a record that says so, and its process goes on."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rntk.base import FLOAT_MAX, is_number

try:
    import resource
except ImportError:  # Windows
    resource = None

GIB = 2**30
LATER = 0.5, 1.1  # seconds, and times the limit


@dataclass(frozen=True)
class Limits:
    """`timeout` in seconds and `memory` in GiB, of a task; None is no limit. Raises ValueError for what is no positive number."""

    timeout: float | None = None
    memory: float | None = None

    def __post_init__(self):
        for name, unit in (("timeout", "seconds"), ("memory", "GiB")):
            value = getattr(self, name)
            if value is not None and not (is_number(value) and 0 < value <= FLOAT_MAX):
                raise ValueError(f"{name}={value!r}: a finite number of {unit} > 0 is needed, or null for no limit")


NO_LIMITS = Limits()


@contextmanager
def limited(limits: Limits) -> Iterator[None]:
    """A block that may take a task's seconds, and its memory beyond what its process has at its beginning.

    Selection itself looks at the time between two settings, and can say how far it came. Where it is still computing half a second and a
    tenth of the limit later, a timer raises OutOfTime at the next line of Python. Memory beyond the limit raises MemoryError where it is
    asked for. There is no limit where the system has no such timer or ceiling, and none of time outside the main thread.
    """
    with _clock(limits.timeout), _ceiling(limits.memory):
        yield


@contextmanager
def _clock(timeout: float | None) -> Iterator[None]:
    if not timeout or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    from rntk.svm.scores import OutOfTime  # with which Numba comes, and a command is to start without

    def over(*_):
        raise OutOfTime("stopped in the middle")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, LATER[0] + LATER[1] * timeout)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _ceiling(memory: float | None) -> Iterator[None]:
    if not memory or resource is None:
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    ceiling = _private() + int(memory * GIB)
    resource.setrlimit(resource.RLIMIT_DATA, (ceiling if before[1] < 0 else min(ceiling, before[1]), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _private() -> int:
    """Bytes of private memory that this process has asked for, which RLIMIT_DATA counts."""
    with open("/proc/self/status") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmData:"))
