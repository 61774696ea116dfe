"""A slow second opinion: `whenever`'s own reading of the zone files and a scan of every minute.

Shares nothing with the calendar but the meaning of a policy: it evaluates the written rules for each minute.
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from whenever import Instant

from speedlead.domain.calendar import Interval, ZonePolicy
from speedlead.tzdata_version import zone_file

# Every kind of trouble: half-hour and two-hour changes, midnight gaps and folds, a skipped day, odd offsets, new laws.
ZONES = (
    "America/New_York", "America/Los_Angeles", "America/Vancouver", "America/Winnipeg", "America/Santiago",
    "America/Havana", "America/Nuuk", "Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Kathmandu",
    "Asia/Kolkata", "Asia/Gaza", "Australia/Lord_Howe", "Antarctica/Troll", "Europe/London", "Europe/Dublin",
    "Europe/Berlin", "Pacific/Chatham", "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Marquesas", "Asia/Tehran",
)  # fmt: skip


def permitted(t: datetime, rules: Sequence[ZonePolicy], slot: Interval | None = None) -> bool:
    """The definition, word for word, on the local clock that `whenever` gives."""
    for rule in rules:
        local = Instant.from_timestamp(int(t.timestamp())).to_tz(rule.zone)
        day, minute = local.date().to_stdlib(), local.hour * 60 + local.minute
        if slot is not None and not slot[0] <= minute < slot[1]:
            return False
        if (rule.since and day < rule.since) or (rule.until and day >= rule.until):
            continue
        policy, weekday = rule.policy, day.weekday()
        if day in policy.quiet_dates or any(a <= minute < b for a, b in policy.quiet.get(weekday, ())):
            return False
        if policy.business is not None and (
            day in policy.holidays or not any(a <= minute < b for a, b in policy.business.get(weekday, ()))
        ):
            return False
    return True


def next_permitted(
    earliest: datetime, rules: Sequence[ZonePolicy], slot: Interval | None, latest: datetime
) -> datetime | None:
    """`earliest` or the first permitted whole minute after it."""
    if permitted(earliest, rules, slot):
        return earliest
    at = earliest.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while at <= latest:
        if permitted(at, rules, slot):
            return at
        at += timedelta(minutes=1)
    return None


@cache
def changes(zone: str) -> tuple[tuple[int, int], ...]:
    """(second, offset from then on) of every change in a zone's file, read from its bytes (RFC 8536, 64-bit block)."""
    raw = zone_file(zone).read_bytes()

    def counts(at: int) -> tuple[int, ...]:
        return struct.unpack(">6l", raw[at + 20 : at + 44])

    utc, std, leap, times, types, chars = counts(0)
    start = 44 + times * 5 + types * 6 + chars + leap * 8 + std + utc
    _, _, _, times, types, _ = counts(start)
    at = start + 44
    seconds = struct.unpack(f">{times}q", raw[at : at + 8 * times])
    indices = raw[at + 8 * times : at + 9 * times]
    kinds = [struct.unpack(">lbb", raw[at + 9 * times + 6 * i : at + 9 * times + 6 * i + 6])[0] for i in range(types)]
    found: list[tuple[int, int]] = []
    offset = kinds[0]
    for second, index in zip(seconds, indices, strict=True):
        if kinds[index] != offset:
            offset = kinds[index]
            found.append((second, offset))
    return tuple(found)


@cache
def changes_between(zone: str, first: int, last: int) -> tuple[datetime, ...]:
    """Instants in these years at which `whenever` sees another offset (rules for the far future included)."""
    found = []
    at = Instant.from_utc(first, 1, 1).to_tz(zone)
    while (following := at.next_transition()) is not None and following.year <= last:
        if following.offset != at.offset:  # a change of the name alone (MST to PDT) is none for us
            found.append(following.to_instant().to_stdlib().astimezone(UTC))
        at = following
    return tuple(found)
