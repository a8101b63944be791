"""What is installed only where it is wanted: a missing package is said with the command that brings it."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Imports that an extra of this package brings. Raises ImportError with pip's command where one of them is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ImportError(f"{error.name} is not installed: pip install 'rntk[{extra}]'", name=error.name) from error
