"""When may we contact somebody? Permission is a predicate on instants; the answer is the least permitted instant.

An instant becomes a local date and time by a function; a local time becomes zero, one or two instants. So windows are
never converted to instants: `permitted(t)` looks at the local clock of `t` in every zone, and `next_permitted` walks
forward over stretches of constant UTC offset. A skipped hour never matches, a repeated hour matches twice, and no
policy for either exists.

Units: public functions take and give aware datetimes and answer in UTC; inside, whole seconds and days since 1970.
Minutes of the local day are 0..1440, intervals half-open. Nothing here reads a clock. `zoneinfo` (the tzdata wheel, see
`speedlead.tzdata_version`) is read in this module only.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from speedlead.domain.hours import (
    DAY_S,
    EVERY_DAY,
    NEVER,
    Cap,
    Interval,
    Policy,
    Weekly,
    ZonePolicy,
    complement_week,
)
from speedlead.domain.stretches import ZoneTable

__all__ = [
    "EVERY_DAY", "HORIZON", "NEVER", "Cap", "Interval", "Policy", "Weekly", "ZonePolicy", "add_local_days",
    "complement_week", "first_at_or_after", "next_admissible", "next_permitted", "offset_at", "open_until",
    "parse_zone", "permitted", "why_not",
]  # fmt: skip

HORIZON = timedelta(days=60)
"""How far `next_permitted` looks when no `latest` is given."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REFUSED_ZONES = frozenset({"Factory", "localtime", "posixrules", "Etc/Unknown"})


# -- zones -------------------------------------------------------------------------------------------------------------


_tables: dict[str, ZoneTable] = {}


def zone_table(zone: str, second: int) -> ZoneTable:
    """A table that covers `second` and at least a year after it. Raises ValueError for an unknown zone."""
    table = _tables.get(zone)
    if table is not None and table.starts[0] <= second < table.end - 366 * DAY_S:
        return table
    year = (_EPOCH + timedelta(seconds=second)).year
    first, last = max(year - 1, 1), min(year + 2, 9998)
    if table is not None:
        joined = min(first, table.years[0]), max(last, table.years[1])
        if joined[1] - joined[0] < 50:  # else the question is far away: a table of its own, not centuries of probes
            first, last = joined
    info = ZoneInfo(parse_zone(zone))
    table = ZoneTable(lambda at: _offset(info, at), first, last)
    _tables[zone] = table
    return table


def forget_zones() -> None:
    """Drop every cached table. For tests that change the zone data under a running process."""
    _tables.clear()
    ZoneInfo.clear_cache()


def parse_zone(name: str) -> str:
    """The name, if the data in use know it as an IANA zone; ValueError naming it otherwise. Never falls back to UTC."""
    if name and name not in _REFUSED_ZONES and name.isascii() and not name.startswith(("posix/", "right/")):
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass
        else:
            return name
    raise ValueError(f"unknown time zone {name!r}")


def _offset(info: ZoneInfo, second: int) -> int:
    offset = (_EPOCH + timedelta(seconds=second)).astimezone(info).utcoffset()
    if offset is None:  # never, for a ZoneInfo; said for the type checker
        raise ValueError(f"zone {info.key} has no offset")
    return offset.days * DAY_S + offset.seconds


# -- answers -----------------------------------------------------------------------------------------------------------


def permitted(t: datetime, rules: Sequence[ZonePolicy], slot: Interval | None = None) -> bool:
    """Do all rules, and the slot (minutes of the local day in every zone), permit `t`?"""
    second = to_second(t)
    slot_start, slot_end = _slot_seconds(slot)
    return all(_next_in_rule(rule, second, second, slot_start, slot_end) == second for rule in rules)


def next_permitted(
    earliest: datetime, rules: Sequence[ZonePolicy], *, slot: Interval | None = None, latest: datetime | None = None
) -> datetime | None:
    """The least permitted instant >= `earliest`; None when it is after `latest` (inclusive; else 60 days later).

    `earliest` itself is returned unchanged, microseconds included, when it is permitted. No rules: always permitted.
    """
    first = to_second(earliest)
    last = to_second(earliest + HORIZON if latest is None else latest)
    slot_start, slot_end = _slot_seconds(slot)
    found = first
    agreed = 0  # how many rules in a row accept `found`
    index = 0
    count = len(rules)
    while agreed < count:
        moved = _next_in_rule(rules[index], found, last, slot_start, slot_end)
        if moved is None:
            return None
        agreed = agreed + 1 if moved == found else 1
        found = moved
        index = (index + 1) % count
    answer = earliest if found == first else _EPOCH + timedelta(seconds=found)
    if latest is not None and answer > latest:
        return None
    return answer if answer.tzinfo is UTC else answer.astimezone(UTC)


def why_not(t: datetime, rules: Sequence[ZonePolicy], slot: Interval | None = None) -> tuple[str, ...]:
    """Why `t` is refused: outside_business_hours, weekend, holiday, quiet_hours. Empty when `t` is permitted.

    ':rule' is added unless the rule is 'business_hours'; a date on which law forbids contact is 'holiday:us-al'.
    """
    second = to_second(t)
    reasons: dict[str, None] = {}
    for rule in rules:
        day, rest = divmod(second + offset_at(rule.zone, second), DAY_S)
        minute = rest // 60
        for reason in rule.refusals(day, minute):
            named = rule.rule != "business_hours" or reason == "quiet_hours"
            reasons[f"{reason}:{rule.rule}" if named else reason] = None
        if slot is not None and not slot[0] <= minute < slot[1]:
            reasons["outside_business_hours:slot"] = None
    return tuple(reasons)


def open_until(
    t: datetime, rules: Sequence[ZonePolicy], slot: Interval | None = None, limit: timedelta = timedelta(days=8)
) -> datetime | None:
    """The first instant after the permitted `t` at which it no longer is; None when that is beyond `limit`."""
    at = to_second(t)
    last = at + int(limit.total_seconds())
    slot_start, slot_end = _slot_seconds(slot)
    while at <= last:
        ends = [_end_in_rule(rule, at, slot_start, slot_end) for rule in rules]
        if not ends:
            return None
        if (end := min(ends)) == at:
            return to_instant(at)
        at = end
    return None


def _end_in_rule(rule: ZonePolicy, second: int, slot_start: int, slot_end: int) -> int:
    """Where the open interval that holds `second` ends, at most its day or stretch; `second` if none does."""
    stretch_end, offset = stretch(rule.zone, second)
    day, of_day = divmod(second + offset, DAY_S)
    for start, end in rule.open_on(day):
        if max(start, slot_start) <= of_day < min(end, slot_end):
            return min(stretch_end, day * DAY_S - offset + min(end, slot_end))
    return second


def _next_in_rule(rule: ZonePolicy, second: int, last: int, slot_start: int, slot_end: int) -> int | None:
    """The least second >= `second` that this one rule and the slot permit; None when it is after `last`."""
    table = zone_table(rule.zone, second)
    starts = table.starts
    index = bisect_right(starts, second) - 1
    while True:
        offset = table.offsets[index]
        stretch_end = starts[index + 1] if index + 1 < len(starts) else table.end
        day, of_day = divmod(second + offset, DAY_S)
        midnight = day * DAY_S - offset  # of this local day, were the offset to hold; may lie before the stretch
        while True:
            for start, end in rule.open_on(day):
                if start < slot_start:
                    start = slot_start
                if end > slot_end:
                    end = slot_end
                if of_day < end and start < end:
                    found = midnight + (start if start > of_day else of_day)
                    if found >= stretch_end:
                        break  # the stretch ends first: go on behind the change, on the clock that holds there
                    return found if found <= last else None
            day += 1
            of_day = 0
            midnight += DAY_S
            if midnight >= stretch_end:
                break
            if midnight > last:
                return None
        if stretch_end > last:
            return None
        second = stretch_end
        index += 1
        if index == len(starts):
            table = zone_table(rule.zone, second)
            starts = table.starts
            index = bisect_right(starts, second) - 1


# -- caps --------------------------------------------------------------------------------------------------------------


def next_admissible(
    earliest: datetime,
    rules: Sequence[ZonePolicy],
    caps: Sequence[Cap],
    history: Sequence[datetime],
    *,
    slot: Interval | None = None,
    latest: datetime | None = None,
) -> datetime | None:
    """The least instant >= `earliest` that the rules permit and no cap forbids; None when it is after `latest`.

    Without `latest` the search ends 60 days after every cap has let go of `history`. Local days: in the rules' zones.
    """
    zones = tuple(dict.fromkeys(rule.zone for rule in rules))
    past = sorted(history)
    longest = max((max(cap.window_s or 0, cap.min_gap_s or 0, 2 * DAY_S) for cap in caps), default=0)
    end = latest if latest is not None else max([earliest, *past[-1:]]) + timedelta(seconds=longest) + HORIZON
    at = next_permitted(earliest, rules, slot=slot, latest=end)
    while at is not None:
        free = at
        for cap in caps:
            moved = _release(cap, free, past, zones, end)
            if moved is None:
                return None
            free = moved
        if free == at:
            return at
        at = next_permitted(free, rules, slot=slot, latest=end)
    return None


def _release(cap: Cap, at: datetime, past: Sequence[datetime], zones: Sequence[str], end: datetime) -> datetime | None:
    """The least instant >= `at` that this cap admits; None when it is after `end`."""
    if cap.min_gap_s is not None and past:
        at = max(at, past[-1] + timedelta(seconds=cap.min_gap_s))
    while at <= end:
        moved = at
        if cap.max is not None and cap.window_s is not None:
            window = timedelta(seconds=cap.window_s)
            inside = [h for h in past if at - window < h <= at]
            if len(inside) >= cap.max:
                moved = inside[0] + window if inside else end + window
        if cap.max is not None and cap.per_local_day:
            for zone in zones:
                today = _local_day(zone, moved)
                if sum(_local_day(zone, h) == today for h in past) >= cap.max:
                    moved = max(moved, _day_leaves(zone, moved))
        if moved == at:
            return at
        at = moved
    return None


# -- local days --------------------------------------------------------------------------------------------------------


def add_local_days(t: datetime, days: int, zones: Iterable[str]) -> datetime:
    """The first instant at which, in every zone, the local date is at least `days` after that of `t`.

    Per zone: the first instant whose local date is >= the local date of `t` plus `days`; of those, the latest. With
    `days` 0 this is the start of the local day, so it may lie before `t`. Raises ValueError when `zones` is empty.
    """
    starts = [first_at_or_after(zone, (_local_day(zone, t) + days) * DAY_S) for zone in zones]
    if not starts:
        raise ValueError("add_local_days needs at least one zone")
    return to_instant(max(starts))


def first_at_or_after(zone: str, wall: int) -> int:
    """The first second whose local clock in `zone` shows at least `wall` (seconds since 1970, read as UTC)."""
    second = wall - 26 * 3600  # earlier than any offset reaches
    while True:
        stretch_end, offset = stretch(zone, second)
        found = max(second, wall - offset)
        if found < stretch_end:
            return found
        second = stretch_end


def stretch(zone: str, second: int) -> tuple[int, int]:
    """(end, offset) of the stretch of constant offset, as far as the table goes, that holds `second`."""
    table = zone_table(zone, second)
    index = bisect_right(table.starts, second) - 1
    return (table.starts[index + 1] if index + 1 < len(table.starts) else table.end), table.offsets[index]


def _local_day(zone: str, t: datetime) -> int:
    second = to_second(t)
    return (second + offset_at(zone, second)) // DAY_S


def _day_leaves(zone: str, t: datetime) -> datetime:
    """The first instant after `t` with another local date."""
    second = to_second(t)
    today = _local_day(zone, t)
    while True:
        stretch_end, offset = stretch(zone, second)
        midnight = (today + 1) * DAY_S - offset
        if midnight < stretch_end:
            return to_instant(midnight)
        if _local_day(zone, to_instant(stretch_end)) != today:
            return to_instant(stretch_end)
        second = stretch_end


# -- instants ----------------------------------------------------------------------------------------------------------


def to_second(t: datetime) -> int:
    """Whole seconds since 1970, rounded down, exact for every date. Raises ValueError for a datetime without a zone."""
    if t.tzinfo is None:
        raise ValueError(f"{t.isoformat()} has no time zone; instants here are aware")
    since = t - _EPOCH
    return since.days * DAY_S + since.seconds


def to_instant(second: int) -> datetime:
    """The UTC datetime of a whole second since 1970."""
    return _EPOCH + timedelta(seconds=second)


def offset_at(zone: str, second: int) -> int:
    """Seconds east of UTC in `zone` at that second."""
    table = zone_table(zone, second)
    return table.offsets[bisect_right(table.starts, second) - 1]


def _slot_seconds(slot: Interval | None) -> Interval:
    if slot is None:
        return 0, DAY_S
    if not 0 <= slot[0] < slot[1] <= 1440:
        raise ValueError(f"slot {slot[0]}..{slot[1]} must satisfy 0 <= start < end <= 1440 (minutes of the local day)")
    return slot[0] * 60, slot[1] * 60
