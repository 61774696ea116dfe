"""What a replay has found, as it is kept and shown: both sides, how leads moved, and people for each hour. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from speedlead.whatif.replay import Compared, Outcome
from speedlead.whatif.staffing import Hour

LIMITS = (
    "Played as leads that never answer, with providers that accept everything: touches are the most there can be.",
    "Whoever is on shift is free at once; how long people really take is in /ops. Calls before the lead are not known.",
    "Both columns go by today's law, calendars and people, not by those of the day on which the lead came.",
    "People needed: Erlang C with calls at random, one queue, and everybody able to take every call.",
)
# the first touch within so many seconds, and what people call it
WAITS = ((300, "5 min"), (900, "15 min"), (3_600, "1 hour"), (14_400, "4 hours"), (86_400, "a day"))
WAIT_NAMES = (*(name for _, name in WAITS), "later", "none")


@dataclass(frozen=True, slots=True)
class Side:
    """Of the leads that were played; waits are seconds. `waits`: leads by the bands of WAIT_NAMES."""

    leads: int
    p50: float | None
    p95: float | None
    soon: int
    late: int
    touches_48h: int
    calls: int
    skipped: Mapping[str, int]
    unreached: int
    unfinished: int
    waits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """`of_all`: leads that came, of which `played` were played. `hours_now`, `hours_then`: 168 each, Monday first."""

    of_all: int
    played: int
    days: int
    now: Side
    then: Side
    sooner: int
    later: int
    won: int
    lost: int
    hours_now: tuple[Hour, ...]
    hours_then: tuple[Hour, ...]

    def kept(self) -> dict[str, Any]:
        """For a row of the database; `told_of` reads it back."""
        return asdict(self)


def told(found: Compared, hours: tuple[tuple[Hour, ...], tuple[Hour, ...]], *, of_all: int, days: int) -> Told:
    return Told(of_all, found.now.leads, days, side(found.now), side(found.then), found.sooner, found.later, found.won,
                found.lost, *hours)  # fmt: skip


def told_of(kept: Mapping[str, Any]) -> Told:
    found = dict(kept)
    for name in ("now", "then"):
        found[name] = Side(**found[name] | {"waits": tuple(found[name]["waits"])})
    for name in ("hours_now", "hours_then"):
        found[name] = tuple(Hour(**hour) for hour in found[name])
    return Told(**found)


def side(of: Outcome) -> Side:
    bands = [0] * len(WAIT_NAMES)
    for seconds in of.waited:
        bands[next((n for n, (most, _) in enumerate(WAITS) if seconds <= most), len(WAITS))] += 1
    bands[-1] = of.leads - len(of.waited)
    return Side(of.leads, of.quantile(0.5), of.quantile(0.95), of.soon, of.late, of.touches_48h, of.calls,
                dict(sorted(of.skipped.items())), of.unreached, of.unfinished, tuple(bands))  # fmt: skip


def as_json(found: Told) -> dict[str, Any]:
    """For other programs. Waits are seconds."""

    def of(one: Side) -> dict[str, Any]:
        return {
            "first_touch_s": {"p50": one.p50, "p95": one.p95}, "within_5_min": one.soon, "after_deadline": one.late,
            "touches_48h": one.touches_48h, "calls": one.calls, "left_out": dict(one.skipped),
            "unreached": one.unreached, "unfinished": one.unfinished,
            "first_touch_within": dict(zip(WAIT_NAMES, one.waits, strict=True)),
        }  # fmt: skip

    return {
        "leads": found.of_all, "played": found.played, "days": found.days, "now": of(found.now),
        "then": of(found.then), "sooner": found.sooner, "later": found.later, "won": found.won, "lost": found.lost,
        "hours": [{"hour": hour.name, "calls": round(hour.calls, 2), "needed": hour.needed, "on_shift": hour.there}
                  for hour in found.hours_then],
        "limits": list(LIMITS),
    }  # fmt: skip
