"""Grams larger than memory: block by block, or into a file that goes on where it was interrupted."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path

import numpy as np

from rntk.base import Parametrised, check_count
from rntk.machine import readable
from rntk.sequences import Sequences, as_pair
from rntk.version import __version__
from rntk.waiting import each, progress

Block = tuple[slice, slice, np.ndarray]


def gram_blocks(kernel: Callable, X, Y=None, block: int = 2048) -> Iterator[Block]:
    """The Gram of X and Y in blocks of at most `block` × `block`: (rows, columns, K[rows, columns]), one after another.

    Where Y is None only the blocks on and above the diagonal come: K is symmetric. Takes any kernel of this package,
    sequences as the kernel does, and no more memory than a block and the coefficients of its series.

    Raises ValueError for a block size below 1 and for inputs that the kernel refuses.
    """
    X, Y = as_pair(X, Y, ragged=True)
    for rows, columns in each(_blocks(len(X), len(X if Y is None else Y), Y is None, block), "blocks"):
        yield rows, columns, _values(kernel, X, Y, rows, columns)


def gram_file(
    kernel: Callable, X, path, Y=None, block: int = 2048, report: Callable | None = None, verbose: int = 0
) -> np.memmap:
    """The Gram of X and Y in a file, as a read-only array mapped from it; what is resident is a block.

    `path` is a NumPy file (`.npy`); beside it `path.json` says what it holds and how many blocks are done. Interrupted
    at any point and called again with the same arguments, it goes on with the next block; a complete file is not
    computed again. `report(done, all)` is called after each block; `verbose` shows, on stderr, how far what was missing is, from two
    seconds on.

    Raises ValueError if the file holds another Gram, OSError if the disk has no room for it.
    """
    X, Y = as_pair(X, Y, ragged=True)
    todo = _blocks(len(X), len(X if Y is None else Y), Y is None, block)
    path, note = Path(path), Path(f"{path}.json")
    shape, dtype = (len(X), len(X if Y is None else Y)), np.dtype(getattr(kernel, "dtype", "float64"))
    content = {
        "kernel": re.sub(" at 0x[0-9a-f]+", "", described(kernel)),  # a function's address: not what it computes
        "values": [f"{value:.6g}" for value in np.ravel(kernel(X[:2]))],
        "version": __version__,
        "X": _digest(X),
        "Y": None if Y is None else _digest(Y),
        "shape": list(shape),
        "dtype": dtype.name,
        "block": int(block),
    }
    done = _blocks_done(path, note, content)
    if done is None:
        size = shape[0] * shape[1] * dtype.itemsize
        free = shutil.disk_usage(path.parent).free
        if size > free:
            raise OSError(
                f"a Gram of {shape[0]} × {shape[1]} {dtype.name} needs {readable(size)}, and {path.parent} has {readable(free)}"
            )
        done = 0
        _write(note, {**content, "done": done})  # before the file, which without it would be nobody's
        np.lib.format.open_memmap(path, "w+", dtype, shape)
    with progress("gram_file") if verbose else nullcontext():
        for index in each(range(done, len(todo)), "blocks"):
            rows, columns = todo[index]
            values = _values(kernel, X, Y, rows, columns)
            # mapped anew for each block: what is written leaves memory with it
            K = np.lib.format.open_memmap(path, "r+")
            K[rows, columns] = values
            if Y is None:
                K[columns, rows] = values.T
            K.flush()
            del K
            _write(note, {**content, "done": index + 1})
            if report is not None:
                report(index + 1, len(todo))
    return np.lib.format.open_memmap(path, "r")


def _values(kernel, X, Y, rows: slice, columns: slice) -> np.ndarray:
    if Y is None and rows == columns:
        return kernel(X[rows])
    return kernel(X[rows], (X if Y is None else Y)[columns])


def _blocks(n_x: int, n_y: int, symmetric: bool, block: int) -> list[tuple[slice, slice]]:
    check_count("block", block)
    return [
        (slice(top, min(top + block, n_x)), slice(left, min(left + block, n_y)))
        for top in range(0, n_x, block)
        for left in range(top if symmetric else 0, n_y, block)
    ]


def described(kernel) -> str:
    """A kernel with all its parameters."""
    return kernel.described() if isinstance(kernel, Parametrised) else repr(kernel)


def _blocks_done(path: Path, note: Path, content: dict) -> int | None:
    """How many blocks of this very Gram the file holds; None where there is no file."""
    if not path.exists() and not note.exists():
        return None
    held = json.loads(note.read_text()) if note.exists() else {}
    done = held.pop("done", 0)
    if held != content:
        differing = sorted(name for name in content if held.get(name) != content[name])
        raise ValueError(
            f"{path} holds another Gram ({', '.join(differing)} differ): remove it and {note.name}, or choose another path"
        )
    return done if path.exists() else None


def _digest(X: Sequences) -> str:
    content = repr(X.shape).encode() + np.ascontiguousarray(X.values).tobytes()
    return sha256(content + X.starts.tobytes() if X.ragged else content).hexdigest()


def _write(note: Path, content: dict) -> None:
    """Replace the note as a whole: it is never seen half written."""
    temporary = note.with_name(note.name + ".tmp")
    temporary.write_text(json.dumps(content))
    os.replace(temporary, note)
