"""What is written down of a lead, row by row; what would happen after `until` has not happened yet."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, lru_cache
from itertools import accumulate
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from speedlead.demo.season import shapes

Rows = dict[str, list[tuple[Any, ...]]]
zone = cache(ZoneInfo)


@lru_cache(1_000)
def _json(pairs: str) -> str:
    """`a=1 b=2` as an object."""
    return json.dumps(dict(pair.split("=") for pair in pairs.split()))


@dataclass(frozen=True, slots=True)
class Rep:
    """`pace` and `luck` are factors on the time to the first attempt and on how many buy."""

    id: UUID
    pace: float
    luck: float


@dataclass(frozen=True, slots=True)
class Person:
    id: UUID
    name: str
    email: str | None
    phone: str | None


@dataclass
class Season:
    """What all lives share. `plans`: (id, older version, newer version); `changed_at`: when the newer one came."""

    random: Random
    until: datetime
    changed_at: datetime
    plans: tuple[str, int, int]
    reps: list[Rep]
    rows: Rows
    # people whose last lead has ended, with the instant: some come back
    known: list[tuple[datetime, Person]] = field(default_factory=list)
    # of an experiment with hot leads since `changed_at`
    variants: list[str] = field(default_factory=list)
    # how far ids are apart; they ascend, because an index that grows at its end is written many times as fast
    apart: int = 1 << 80
    _newest: int = 0
    _choices: dict[int, tuple[list[Any], list[float]]] = field(default_factory=dict)

    def one_of(self, weights: dict[Any, int]) -> Any:
        known = self._choices.get(id(weights))
        if known is None:
            known = self._choices[id(weights)] = (list(weights), list(accumulate(weights.values())))
        return self.random.choices(known[0], cum_weights=known[1])[0]

    def new_id(self) -> UUID:
        self._newest += self.apart
        return UUID(int=(self._newest + self.random.getrandbits(64)) % (1 << 128), version=4)

    def minutes(self, median: float, spread: float) -> timedelta:
        return timedelta(minutes=median * math.exp(self.random.gauss(0, spread)))


class Record:
    """The rows of one lead of `person`, who is `new` or known. `lead`: columns and instants, filled as it goes on."""

    def __init__(self, season: Season, created: datetime, place: shapes.Place) -> None:
        self._s, self._at, self._place = season, created, place
        self._id, self._text = (lead := season.new_id()), str(lead)
        self._type: str = season.one_of(shapes.TYPES)
        self._intent: str = season.one_of(shapes.INTENTS[self._type])
        self._source: str = season.one_of(shapes.SOURCES)
        self._zone = zone(place.zone)
        self._rep = season.random.choice(season.reps)
        self._person, self._new = self._whom()
        self._bad_email: str | None = None
        self._lead: dict[str, Any] = {}

    def _whom(self) -> tuple[Person, bool]:
        """(who writes, are they new). Some who bought or did not come back for more."""
        s = self._s
        if s.known and s.random.random() < 0.06:
            n = s.random.randrange(len(s.known))
            ended, person = s.known[n]
            if ended < self._at - timedelta(days=1):
                s.known[n] = s.known[-1]
                s.known.pop()
                return person, False
        first, last = s.random.choice(shapes.FIRST_NAMES), s.random.choice(shapes.LAST_NAMES)
        ways = s.random.random()
        phone = f"{self._place.phone}{s.random.randrange(10**self._place.digits):0{self._place.digits}}"
        email = f"{first}.{last}.{s.random.getrandbits(40):x}@mail.example".lower()
        return Person(
            s.new_id(), f"{first} {last}", email if ways > 0.04 else None, phone if ways < 0.87 else None
        ), True

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _add(self, table: str, at: datetime, row: tuple[Any, ...]) -> None:
        if at <= self._s.until:
            self._s.rows[table].append(row)

    def _story(
        self, at: datetime, kind: str, step: str | None = None, reason: str | None = None, data: str = ""
    ) -> None:
        self._add("story", at, (self._id, at, kind, step, reason, _json(data)))

    def _breach(self, target: str, due: datetime, met: datetime, phase: str) -> None:
        if met > due:
            self._add("breach", due, (self._id, target, phase, self._rep.id, due, due + timedelta(seconds=2),
                                      met if met <= self._s.until else None))  # fmt: skip
            self._story(due, "breach", None, f"{target}: {phase}")

    def _outcome(self, at: datetime, result: str | None, outcome: str | None) -> None:
        self._add("outcome", at, (self._s.new_id(), self._id, self._rep.id, result, outcome, at))
        self._story(at, "outcome", None, None, f"result={result or outcome}")

    def _touch(
        self, step: str, channel: str, at: datetime, state: str, reason: str | None = None, *, purpose: str = "plan",
        delivery: str | None = None, call_result: str | None = None, next_at: datetime | None = None,
    ) -> str:  # fmt: skip
        touch, sent = f"{self._text}.{step}", state == "sent"
        to = self._person.email if channel == "email" else self._person.phone
        self._add("touch", at, (
            touch, self._id, self._person.id, step, channel, purpose, to, state, reason, [reason] if reason else [], at,
            at, next_at, at if sent else None, at if sent else None, at if sent else None, at, delivery, call_result,
            1 if sent else 0,
        ))  # fmt: skip
        self._story(at, state, step, reason, f"channel={channel}")
        return touch

    def _call(self, step: str, at: datetime, heard: bool) -> None:
        chance = self._s.random
        result = "connected" if heard else chance.choice(("no_answer", "no_answer", "voicemail_not_left", "busy"))
        touch = self._touch(step, "call", at, "sent", call_result=result)
        rang = at - timedelta(seconds=4 + chance.random() * 14)
        end = at + timedelta(seconds=240 if heard else 28)
        self._add("leg", at, (f"{touch}.rep-1", touch, "rep", self._rep.id, "ended", "accepted", rang, rang, at, end))
        self._add("leg", at, (f"{touch}.lead", touch, "lead", None, "ended", result, at, at,
                              at + timedelta(seconds=12) if heard else None, end))  # fmt: skip

    def _write(self, until: datetime) -> None:
        s, lead, rows, person = self._s, self._lead, self._s.rows, self._person
        seen: Callable[[str], Any] = lambda name: at if (at := lead.get(name)) is not None and at <= until else None  # noqa: E731
        closed = seen("closed_at")
        stage = "assigned" if seen("assigned_at") else "acknowledged" if seen("acknowledged_at") else "new"
        stage = "attempting" if seen("first_attempt_at") else stage
        stage = "connected" if seen("first_contact_at") else stage
        stage = next((name for at, name in reversed(lead.get("stages", ())) if at <= until), stage)
        open_now = closed is None
        why = (
            {"nurturing": "nurturing", "booked": "meeting_booked"}.get(stage)
            or lead.get("next_why")
            or lead.get("waits")
        )
        plan, old, new = s.plans
        segment = s.one_of(shapes.SEGMENTS)
        if self._new:
            company = (
                f"{person.name.split()[1]} {s.random.choice(shapes.COMPANIES)}"
                if segment and segment[1] == "2"
                else None
            )
            rows["person"].append((person.id, person.name, company, self._at))
            if person.email:
                rows["person_email"].append((person.email, person.id, True, self._bad_email, self._at))
            if person.phone:
                bad = "invalid_number" if s.random.random() < 0.012 else None
                rows["person_phone"].append((person.phone, person.id, bad is None, bad, self._at))
        rows["lead"].append((
            self._id, person.id, "demo", self._type, self._intent, self._source, segment, self._place.country,
            self._place.region, self._place.zone, self._place.zone, stage,
            lead["owner_id"] if seen("assigned_at") else None,
            plan, old if self._at < s.changed_at else new, self._at, self._at,
            (lead.get("plan_stopped") or ("meeting_booked" if seen("booked_at") else None)),
            lead["open_at"], lead["first_attempt_due"], lead["first_attempt_target"], lead["promised_at"],
            lead["assign_due"], seen("acknowledged_at"), seen("assigned_at"), seen("accepted_at"),
            seen("first_attempt_at"), seen("first_contact_at"), seen("decided_at"),
            (lead.get("next_touch_at") or until + s.minutes(90, 1)) if open_now else None,
            lead.get("next_step") if open_now else None,
            why if open_now else None, closed, lead["close_reason"] if closed else None, self._variants(),
        ))  # fmt: skip
        rows["inquiry"].append((
            s.new_id(), self._id, person.id, 1, "demo", self._intent, self._type, self._source,
            s.one_of(shapes.CHANNELS), person.email, person.phone, self._skips("sms") is None, person.phone is not None,
            "You may call me about this.", self._id.bytes, self._at, self._at,
        ))  # fmt: skip

    def _variants(self) -> list[str]:
        """A person gets the same arm each time."""
        if self._type != "hot" or self._at < self._s.changed_at:
            return []
        return [self._s.variants[self._person.id.int % len(self._s.variants)]]

    def _skips(self, channel: str) -> str | None:
        if channel == "email":
            return (self._bad_email and "invalid_email") or (None if self._person.email else "no_email")
        if self._person.phone is None:
            return "no_phone"
        # some 45 % ticked the box; by the number, so that a person says the same each time
        return "no_consent" if channel == "sms" and int(self._person.phone[-2:]) < 55 else None
