"""What a person reads instead of an instant: the local clock of a lead, and how far away it is.

Pure: callers give the zone and the present. Zone maths itself is `domain/calendar.py`.
"""

from datetime import UTC, datetime, timedelta

from speedlead.domain.calendar import offset_at, parse_zone, to_second

_ZULU = frozenset({"UTC", "Etc/UTC", "GMT", "Etc/GMT"})


def local(at: datetime, zone: str) -> datetime:
    """The wall clock in `zone` at that instant, as a naive datetime."""
    return (at.astimezone(UTC) + timedelta(seconds=offset_at(zone, to_second(at)))).replace(tzinfo=None)


def known_zone(*names: str | None) -> str | None:
    """The first of the names that is a zone, or None: old rows may name zones that the data in use do not have."""
    for name in names:
        try:
            if name is not None:
                return parse_zone(name)
        except ValueError:
            continue
    return None


def zone_label(zone: str) -> str:
    """'New York time' for America/New_York."""
    return "UTC" if zone in _ZULU else zone.rpartition("/")[2].replace("_", " ") + " time"


def clock(at: datetime, zone: str, *, seconds: bool = False) -> str:
    """'Mon 23 Nov, 09:00' on the local clock."""
    return local(at, zone).strftime("%a %-d %b, %H:%M:%S" if seconds else "%a %-d %b, %H:%M")


def spoken(at: datetime, zone: str) -> str:
    """'Monday, November 23, at 9:00 AM, New York time': to be read out by a voice."""
    return local(at, zone).strftime("%A, %B %-d, at %-I:%M %p, ") + zone_label(zone)


def span(seconds: float) -> str:
    """A length in the two largest units: '42 s', '6 min 30 s', '2 h 5 min', '3 days'."""
    whole = abs(round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    if whole < 2 * 86400:
        hours, rest = divmod(whole // 60, 60)
        return f"{hours} h {rest} min" if rest and hours < 10 else f"{hours} h"
    return f"{whole // 86400} days"


def relative(at: datetime, now: datetime) -> str:
    """'in 6 min', '4 min ago', 'now'."""
    away = (at - now).total_seconds()
    if abs(away) < 1:
        return "now"
    return f"in {span(away)}" if away > 0 else f"{span(away)} ago"
