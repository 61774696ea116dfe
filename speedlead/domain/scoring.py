"""Who gets a lead: who may have it, how well each one fits, and why (REQ 65, 75-81).

A candidate is refused for what a person can read; every other one gets a score from 0 to 1. All scores are kept, of the
refused as well: they answer "why not that one".
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

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


class Present(Protocol):
    """What changes about a rep from one lead to the next; a candidate is one."""

    @property
    def rep_id(self) -> str: ...
    @property
    def capacity(self) -> int: ...
    @property
    def weight(self) -> int: ...
    @property
    def presence(self) -> str: ...
    @property
    def away_until(self) -> datetime | None: ...
    @property
    def last_assigned(self) -> datetime | None: ...
    @property
    def open_leads(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Fit:
    """What of a candidate stays the same whoever gets other leads. `available`: for as long as they are not away."""

    geography: float
    expertise: float
    available: float
    passed_over: bool
    lacks: tuple[str, ...]
    track: Track


class Fitting:
    """One lead's question to the team: made beforehand, and answered by who has how much to do at that moment."""

    def __init__(self, candidates: Sequence[Candidate], wanted: Wanted, rules: RoutingRules) -> None:
        self._wanted, self._rules = wanted, rules
        self._fits = {candidate.rep_id: _fit(candidate, wanted) for candidate in candidates}
        self._performance = self._performances(self._fits)

    def decide(self, team: Sequence[Present]) -> Decision:
        """The best of those who lack nothing; else of those who lack only what is given up, one thing after the other.

        Equals take turns: who has waited longest for a lead. `team`: of the candidates, those who can be considered.
        """
        scored = self.score(team)
        turn = {rep.rep_id: (rep.last_assigned or _LONG_AGO, rep.rep_id) for rep in team}
        scored.sort(key=lambda score: (bool(score.refused), -score.total, turn[score.rep_id]))
        allowed: set[str] = set()
        for given_up in (None, *self._rules.give_up):
            allowed |= GIVEN_UP_FOR[given_up] if given_up else set()
            able = [score for score in scored if allowed.issuperset(score.refused)]
            if able:
                best = min(able, key=lambda score: (-score.total, turn[score.rep_id]))
                return Decision(best.rep_id, best.refused, tuple(scored))
        return Decision(None, (), tuple(scored))

    def score(self, team: Sequence[Present]) -> list[Score]:
        reasons = {rep.rep_id: _refused(rep, self._fits[rep.rep_id], self._wanted) for rep in team}
        # loads are compared among those who could have it
        could = [rep for rep in team if _GIVABLE.issuperset(reasons[rep.rep_id])]
        fullest = max(((rep.open_leads + 1) / rep.weight for rep in could), default=1.0)
        # a record is compared with those of all who are considered
        performance = self._performance if len(team) == len(self._fits) else self._performances(reasons)
        weights = self._rules.weights.by_part()
        whole = sum(weights.values())
        scores = []
        for rep in team:
            fit = self._fits[rep.rep_id]
            away = is_away(rep.presence, rep.away_until, self._wanted.at)
            parts = {
                "geography": fit.geography,
                "expertise": fit.expertise,
                "load": _room(rep, fullest),
                "availability": 0.0 if away else fit.available,
                "performance": performance[rep.rep_id],
            }
            total = sum(weights[name] * part for name, part in parts.items()) / whole
            rounded = {name: round(part, 3) for name, part in parts.items()}
            scores.append(Score(rep.rep_id, round(total, _DIGITS), rounded, reasons[rep.rep_id]))
        return scores

    def _performances(self, rep_ids: Collection[str]) -> dict[str, float]:
        house = _sum([self._fits[rep_id].track for rep_id in rep_ids])
        return {rep_id: performance(self._fits[rep_id].track, house, self._rules.shrink) for rep_id in rep_ids}


def decide(candidates: Sequence[Candidate], wanted: Wanted, rules: RoutingRules) -> Decision:
    return Fitting(candidates, wanted, rules).decide(candidates)


def score_all(candidates: Sequence[Candidate], wanted: Wanted, rules: RoutingRules) -> list[Score]:
    return Fitting(candidates, wanted, rules).score(candidates)


def _room(rep: Present, fullest: float) -> float:
    return max(0.0, 1 - rep.open_leads / rep.weight / fullest) if rep.weight > 0 else 0.0


def refused(candidate: Candidate, wanted: Wanted) -> tuple[str, ...]:
    """Everything that speaks against the candidate, as codes."""
    return _refused(candidate, _fit(candidate, wanted), wanted)


def _refused(rep: Present, fit: Fit, wanted: Wanted) -> tuple[str, ...]:
    found = {
        "passed_over": fit.passed_over,
        "no_share": rep.weight <= 0,
        "rep_full": rep.open_leads >= rep.capacity,
        "rep_away": is_away(rep.presence, rep.away_until, wanted.at),
        # busy is about this moment, a shift about any
        "rep_busy": rep.presence == "busy" and wanted.at <= wanted.now,
    }
    return (*(code for code, holds in found.items() if holds), *fit.lacks)


def _fit(c: Candidate, wanted: Wanted) -> Fit:
    lacks = {
        "no_common_hours": c.there_at is None,
        "off_shift": c.there_at is not None and c.there_at > wanted.at,
        "other_channel": wanted.channel in ("call", "email", "sms") and wanted.channel not in c.channels,
        "other_territory": bool(c.territories) and not _nearest(c.territories, wanted),
        "other_product": not _may(c.products, wanted.product),
        "other_language": not _may(c.languages, _language(wanted)),
        "other_lane": c.lane == ("main" if wanted.low else "low"),
    }
    return Fit(
        geography(c, wanted),
        expertise(c, wanted),
        availability(c, wanted),
        c.rep_id in wanted.excluding,
        tuple(code for code, holds in lacks.items() if holds),
        c.track,
    )


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
    """Of somebody who is not away."""
    if candidate.there_at is None:
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
