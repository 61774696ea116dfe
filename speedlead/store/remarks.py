"""What a transaction notices in passing that its caller wants to count, such as a repeated report.

It is no result: nothing is decided by it, and the functions in between need not hand it up.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

Remark = Literal["repeated", "unknown_touch"]

_said: ContextVar[set[Remark] | None] = ContextVar("remarks", default=None)


def remark(word: Remark) -> None:
    said = _said.get()
    if said is not None:
        said.add(word)


@contextmanager
def remarks() -> Iterator[set[Remark]]:
    """Collects what is remarked inside, by this task."""
    said: set[Remark] = set()
    token = _said.set(said)
    try:
        yield said
    finally:
        _said.reset(token)
