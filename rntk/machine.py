"""What this process may use of the machine: its cores, and its memory, which is foreseen and not run out of."""

import os
import sys
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
WORTH_ASKING = 2**26  # bytes below which nobody runs out


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available() -> int | None:
    """Bytes that this process can still take: of the machine, or of its control group (a container) if that has less.

    None where the system does not tell.
    """
    bounds = [bound for bound in (_of_machine(), _of_group()) if bound is not None]
    return min(bounds, default=None)


def require(size: int, what: str, instead: str) -> None:
    """Raise MemoryError if `size` bytes are not to be had; the message says what for, and what to do instead."""
    if size < WORTH_ASKING:
        return
    free = available()
    if free is not None and size > free:
        raise MemoryError(f"{what} needs {readable(size)}, and {readable(free)} of memory are free: {instead}")


def peak_memory() -> int:
    """The most memory that was resident in this process, bytes; of its parent's, too, until it began, where the system tells no better."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def readable(size: int) -> str:
    """Bytes as people say them."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"


def _of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None


def _of_group() -> int | None:
    try:
        limit, used = ((CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        counts = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    # file pages in the cache count as used, and are given back when needed
    return None if limit == "max" else int(limit) - int(used) + int(counts.get("inactive_file", 0))
