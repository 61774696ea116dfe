"""Reading YAML quickly: libyaml's parser first, eight times as fast, and the one in Python for what it refuses.

The one in Python shows the line that it does not understand, so its words are what a person gets.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import yaml

try:
    from yaml import CSafeLoader as Quick
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader as Quick  # type: ignore[assignment]

Thorough = yaml.SafeLoader
Found = TypeVar("Found")

__all__ = ["Quick", "Thorough", "first_that_reads"]

# libyaml's binding goes as deep as the text and ends the process somewhere beyond ten thousand levels
_DEEPEST = 4000


def first_that_reads(
    text: str, read: Callable[[str, Any], Found], quick: Any = Quick, thorough: Any = Thorough
) -> Found:
    """What `read` makes of the text with a loader. Raises what it raises with the thorough one."""
    if _levels(text) <= _DEEPEST:
        try:
            return read(text, quick)
        except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date that the calendar does not have
            pass
    return read(text, thorough)


def _levels(text: str) -> int:
    """No fewer than the text is nested: a bracket each, or a column; a list may stand in the column of its key."""
    return text.count("[") + text.count("{") + 2 * max(map(len, text.split("\n")))
