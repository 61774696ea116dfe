"""Reads whatever was sent to a handler. A handler takes anything and refuses by itself: a typed one would be wedged for
ever by a missing or an extra argument, and would drop a wrong-shaped one without a word."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)
_REMEMBERED = 1000


class Rejected(Exception):
    """Why a message was refused: the field and what was expected, never what somebody wrote."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def read(model: type[Model], args: Sequence[Any]) -> Model:
    """The one argument as a model. Raises Rejected."""
    if len(args) != 1:
        raise Rejected("payload", f"expected one JSON object, got {len(args)} arguments")
    value = args[0]
    if isinstance(value, model):
        return value
    if not isinstance(value, Mapping):
        raise Rejected("payload", f"expected a JSON object, got {type(value).__name__}")
    try:
        return model.model_validate(dict(value))
    except ValidationError as error:
        fault = error.errors()[0]
        field = ".".join(str(part) for part in fault["loc"]) or "payload"
        raise Rejected(field, str(fault["msg"]).removeprefix("Value error, ")[:200]) from None


class Seen:
    """Ids of messages that were taken in, so that a repeat changes nothing. Bounded: the oldest are forgotten."""

    def __init__(self, ids: Sequence[str] = ()) -> None:
        self._order: deque[str] = deque(ids, maxlen=_REMEMBERED)
        self._ids = set(self._order)

    def newest(self, most: int) -> tuple[str, ...]:
        return tuple(self._order)[-most:]

    def is_new(self, message_id: str | None) -> bool:
        """Remembers it. A message without an id, typed by a person, is always new."""
        if message_id is None:
            return True
        if message_id in self._ids:
            return False
        if len(self._order) == _REMEMBERED:
            self._ids.discard(self._order[0])
        self._order.append(message_id)
        self._ids.add(message_id)
        return True
