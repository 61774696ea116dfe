"""From a wall clock to instants, for the few places that need it: promised appointments and imported calendars."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from speedlead.domain.calendar import first_at_or_after, offset_at, to_instant, to_second


@dataclass(frozen=True, slots=True)
class Wall:
    """What a wall-clock time means in a zone. All instants are UTC.

    A time inside a gap is `nonexistent`: `earlier` and `later` apply the offset after and before it. `compatible` is
    the usual choice: shifted by the gap, or the first of two. `first_at_or_after` is the first instant whose clock
    shows at least the wall time: for an opening time inside a gap that is the change itself.
    """

    kind: Literal["unique", "ambiguous", "nonexistent"]
    compatible: datetime
    earlier: datetime
    later: datetime
    first_at_or_after: datetime


def resolve_wall(zone: str, wall: datetime) -> Wall:
    """`wall` has no tzinfo. Raises ValueError if it has one, or for an unknown zone."""
    if wall.tzinfo is not None:
        raise ValueError(f"{wall.isoformat()} already has a time zone; a wall-clock time has none")
    as_utc = to_second(wall.replace(tzinfo=UTC))
    # a day on either side is beyond every offset, so these two offsets enclose any change at the wall time
    before, after = offset_at(zone, as_utc - 86_400), offset_at(zone, as_utc + 86_400)
    candidates = sorted({as_utc - offset for offset in (before, after)})
    real = [second for second in candidates if second + offset_at(zone, second) == as_utc]
    first = to_instant(first_at_or_after(zone, as_utc))
    if len(real) == 1:
        only = to_instant(real[0])
        return Wall("unique", only, only, only, first)
    earlier, later = to_instant(candidates[0]), to_instant(candidates[-1])
    if real:
        return Wall("ambiguous", earlier, earlier, later, first)
    return Wall("nonexistent", later, earlier, later, first)
