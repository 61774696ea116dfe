"""Who gets a lead: who may have it, how well each one fits, and why (REQ 65, 75-81).

A candidate is refused for what a person can read; every other one gets a score from 0 to 1. All scores are kept, of the
refused as well: they answer "why not that one".
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from speedlead.domain.routing_rules import RoutingRules

# what may be given up -> the reasons it is about; all other reasons are final
GIVEN_UP_FOR = {
    "language": {"other_language"},
    "shift": {"off_shift", "rep_busy", "no_common_hours"},
    "product": {"other_product"},
    "territory": {"other_territory"},
    "lane": {"other_lane"},
}
_GIVABLE = frozenset[str]().union(*GIVEN_UP_FOR.values())
# what says nothing about whether somebody fits: it is about the moment, or about the moment of the first step
GIVABLE_LATER = frozenset({"rep_full", "rep_away", *GIVEN_UP_FOR["shift"]})
_POSTCODE, _REGION, _COUNTRY = 1.0, 0.9, 0.8
_ANYWHERE, _PER_HOUR = 0.6, 0.025
_UNKNOWN = 0.5
_DIGITS = 6
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Track:
    """A rep's leads of the last 90 days: `won` of the `owned` ones; `timely` first attempts of all `attempted`."""

    owned: int = 0
    won: int = 0
    attempted: int = 0
    timely: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """One rep as routing sees them. An empty tuple of skills or places means: no limit.

    `there_at`: the least instant, from the first human step on, at which the rep is on shift and the lead may be
    reached; None: never. `hours_apart`: between the clocks of the two. `last_assigned`: for taking turns.
    """

    rep_id: str
    capacity: int
    open_leads: int = 0
    weight: int = 1
    presence: str = "available"
    away_until: datetime | None = None
    territories: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ("call", "email", "sms")
    lane: str = "all"
    there_at: datetime | None = None
    hours_apart: float | None = None
    last_assigned: datetime | None = None
    track: Track = Track()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the lead asks for. `at`: when its first human step is due by the law, the hours and the team."""

    at: datetime
    now: datetime
    channel: str = "call"
    places: tuple[str, ...] = ()
    postcode: str | None = None
    product: str | None = None
    language: str | None = None
    low: bool = False
    excluding: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    rep_id: str
    total: float
    parts: dict[str, float] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """`gave_up`: what the chosen one lacks. `scores`: of everybody, the best first and the refused last."""

    rep_id: str | None
    gave_up: tuple[str, ...]
    scores: tuple[Score, ...]


def decide(candidates: Sequence[Candidate], wanted: Wanted, rules: RoutingRules) -> Decision:
    """The best of those who lack nothing; else of those who lack only what is given up, one thing after the other.

    Equals take turns: who has waited longest for a lead.
    """
    scored = score_all(candidates, wanted, rules)
    turn = {candidate.rep_id: (candidate.last_assigned or _LONG_AGO, candidate.rep_id) for candidate in candidates}
    scored.sort(key=lambda score: (bool(score.refused), -score.total, turn[score.rep_id]))
    allowed: set[str] = set()
    for given_up in (None, *rules.give_up):
        allowed |= GIVEN_UP_FOR[given_up] if given_up else set()
        able = [score for score in scored if allowed.issuperset(score.refused)]
        if able:
            best = min(able, key=lambda score: (-score.total, turn[score.rep_id]))
            return Decision(best.rep_id, best.refused, tuple(scored))
    return Decision(None, (), tuple(scored))


def score_all(candidates: Sequence[Candidate], wanted: Wanted, rules: RoutingRules) -> list[Score]:
    reasons = {candidate.rep_id: refused(candidate, wanted) for candidate in candidates}
    # loads are compared among those who could have it
    could = [c for c in candidates if _GIVABLE.issuperset(reasons[c.rep_id])]
    fullest = max(((c.open_leads + 1) / c.weight for c in could), default=1.0)
    house = _sum([candidate.track for candidate in candidates])
    weights = rules.weights.by_part()
    whole = sum(weights.values())
    scores = []
    for candidate in candidates:
        parts = {
            "geography": geography(candidate, wanted),
            "expertise": expertise(candidate, wanted),
            "load": _room(candidate, fullest),
            "availability": availability(candidate, wanted),
            "performance": performance(candidate.track, house, rules.shrink),
        }
        total = sum(weights[name] * part for name, part in parts.items()) / whole
        rounded = {name: round(part, 3) for name, part in parts.items()}
        scores.append(Score(candidate.rep_id, round(total, _DIGITS), rounded, reasons[candidate.rep_id]))
    return scores


def _room(candidate: Candidate, fullest: float) -> float:
    return max(0.0, 1 - candidate.open_leads / candidate.weight / fullest) if candidate.weight > 0 else 0.0


def refused(candidate: Candidate, wanted: Wanted) -> tuple[str, ...]:
    """Everything that speaks against the candidate, as codes."""
    c = candidate
    found = {
        "passed_over": c.rep_id in wanted.excluding,
        "no_share": c.weight <= 0,
        "rep_full": c.open_leads >= c.capacity,
        "rep_away": is_away(c.presence, c.away_until, wanted.at),
        # busy is about this moment, a shift about any
        "rep_busy": c.presence == "busy" and wanted.at <= wanted.now,
        "no_common_hours": c.there_at is None,
        "off_shift": c.there_at is not None and c.there_at > wanted.at,
        "other_channel": wanted.channel in ("call", "email", "sms") and wanted.channel not in c.channels,
        "other_territory": bool(c.territories) and not _nearest(c.territories, wanted),
        "other_product": not _may(c.products, wanted.product),
        "other_language": not _may(c.languages, _language(wanted)),
        "other_lane": c.lane == ("main" if wanted.low else "low"),
    }
    return tuple(code for code, holds in found.items() if holds)


def is_away(presence: str, away_until: datetime | None, at: datetime) -> bool:
    return presence == "away" and (away_until is None or away_until > at)


def geography(candidate: Candidate, wanted: Wanted) -> float:
    """A territory counts by how exactly it names the place; without one, a near clock is better than a far one."""
    if candidate.territories:
        return _nearest(candidate.territories, wanted)
    if candidate.hours_apart is None:
        return _ANYWHERE - 6 * _PER_HOUR
    return _ANYWHERE - min(abs(candidate.hours_apart), 12) * _PER_HOUR


def _nearest(territories: Collection[str], wanted: Wanted) -> float:
    return max((_named(territory, wanted) for territory in territories), default=0.0)


def _named(territory: str, wanted: Wanted) -> float:
    """`US`, `US-NY`, `US:100` (postcodes that begin with 100)."""
    place, _, prefix = territory.partition(":")
    if place not in wanted.places:
        return 0.0
    if prefix:
        return _POSTCODE if _compact(wanted.postcode or "").startswith(_compact(prefix)) else 0.0
    return _REGION if "-" in place else _COUNTRY


def _compact(postcode: str) -> str:
    return postcode.replace(" ", "").replace("-", "").upper()


def expertise(candidate: Candidate, wanted: Wanted) -> float:
    """The mean over what the lead asks for; somebody without a list can do anything, a specialist does it better."""
    asked = [(candidate.products, wanted.product), (candidate.languages, _language(wanted))]
    known = [_UNKNOWN if not skills else float(skill in skills) for skills, skill in asked if skill is not None]
    return sum(known) / len(known) if known else _UNKNOWN


def _may(skills: Collection[str], skill: str | None) -> bool:
    return skill is None or not skills or skill in skills


def _language(wanted: Wanted) -> str | None:
    return wanted.language.partition("-")[0].lower() if wanted.language else None


def availability(candidate: Candidate, wanted: Wanted) -> float:
    if candidate.there_at is None or is_away(candidate.presence, candidate.away_until, wanted.at):
        return 0.0
    waits = max(candidate.there_at - wanted.at, timedelta(0)) / timedelta(hours=1)
    return 1.0 if waits == 0 else 1 / (2 + waits)


def performance(track: Track, house: Track, shrink: int) -> float:
    """0.5 is the house's mean; few leads stay near it, however good or bad they were (REQ 79)."""
    won = _against(track.won, track.owned, house.won, house.owned, shrink)
    timely = _against(track.timely, track.attempted, house.timely, house.attempted, shrink)
    return (won + timely) / 2


def _against(good: int, of: int, house_good: int, house_of: int, shrink: int) -> float:
    mean = house_good / house_of if house_of else 0.0
    if not mean:
        return 0.5
    shrunk = (good + shrink * mean) / (of + shrink)
    return shrunk / (shrunk + mean)


def _sum(tracks: Sequence[Track]) -> Track:
    return Track(
        sum(t.owned for t in tracks), sum(t.won for t in tracks), sum(t.attempted for t in tracks),
        sum(t.timely for t in tracks),
    )  # fmt: skip
