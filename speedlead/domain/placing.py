"""Place one touch in time: consent, law, business hours, caps, and what gives way when they leave no common window.

The same question answers the plan (`place`), the promise in an acknowledgement, a preview, and the gate (`check`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol

from speedlead.domain.business import Calendars
from speedlead.domain.calendar import Cap, next_admissible, next_permitted, open_until, why_not
from speedlead.domain.hours import NEVER, Interval, Policy, Weekly, ZonePolicy, complement_week
from speedlead.domain.law import AGREED_FOR, HOUSE, SATISFIED_BY_CALL_REQUEST, Channel, LawBook, LawCap, LawRow
from speedlead.domain.zones import Place

BUSINESS_RULE = "business_hours"

LAST_YEAR = 2200
"""Nothing is placed from this year on: there are no holidays, laws or clock changes to go by."""

PATIENCE = timedelta(days=14)
"""A slot or business hours that would put a touch off by more than this give way: hours that zones share only after
the next change of a clock are no reason to fall silent for weeks. Longer than any country's row of holidays."""


@dataclass(frozen=True, slots=True)
class Consents:
    """What the lead allowed. `call_requested`: the inquiry showed a consent text and carried a phone number.

    `inquiry`: the lead gave this number in an inquiry, with or without a consent text; `call_requested` implies it.
    `inquiry_at`: when; where a row limits how long an inquiry counts, the limit runs from then. `sms`, `call`: ticked.
    `agreed_at`: the time at which the lead asked to be called. `recorded`: ticked, for a recorded or artificial voice.
    `marketing`: ticked, for advertising by e-mail.
    """

    call_requested: bool
    sms: bool
    call: bool
    email: bool = True
    inquiry: bool = False
    inquiry_at: datetime | None = None
    agreed_at: datetime | None = None
    recorded: bool = False
    marketing: bool = False


@dataclass(frozen=True, slots=True)
class PastTouch:
    """A touch that counts for caps. `silent`: a call that connected the lead to nobody. `refused_at`: when the lead
    said, in it or later, that it wants no more."""

    at: datetime
    channel: str
    silent: bool = False
    refused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """When may this touch happen? Instants are aware; `slot` is in minutes of the lead's local day.

    `hours` None: no business-hours condition (on-call cover, a slot that the lead chose). `extra`: further hours that
    must hold, such as those of the reps in their zone. `transactional`: an acknowledgement; e-mail goes at once and SMS
    whenever law permits.
    """

    channel: Channel
    earliest: datetime
    latest: datetime | None
    place: Place
    hours: Weekly | None
    slot: Interval | None
    consents: Consents
    history: tuple[PastTouch, ...] = ()
    extra: tuple[ZonePolicy, ...] = ()
    transactional: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """`at` in UTC; `valid_until`: when the permitted window that holds `at` ends (None: not within eight days).

    `reasons`: every rule that moved it from `earliest`, those that refuse `earliest` itself first (empty when `at` is
    `earliest`), and `dropped:slot` or `dropped:business_hours` where a condition had to give way. `versions`: data
    used, by name.
    """

    at: datetime
    valid_until: datetime | None
    reasons: tuple[str, ...]
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Impossible:
    """`reason`: unknown_location, no_consent, no_common_window (never within the horizon), after_latest (too late)."""

    reason: str
    reasons: tuple[str, ...]


class Closures(Protocol):
    """Dates on which businesses are closed."""

    def closed(self, jurisdictions: tuple[str, ...]) -> frozenset[date]:
        """Local dates, of all the jurisdictions together."""
        ...


@dataclass(slots=True)
class _Rules:
    """Everything that bears on one question. `caps` by what they count."""

    law: list[ZonePolicy] = field(default_factory=list)
    extra: list[ZonePolicy] = field(default_factory=list)
    business: list[ZonePolicy] = field(default_factory=list)
    slot: list[ZonePolicy] = field(default_factory=list)
    caps: list[tuple[list[Cap], list[datetime]]] = field(default_factory=list)

    def degradations(self) -> list[tuple[tuple[str, ...], list[ZonePolicy]]]:
        """What was dropped and what is left, mildest first: the slot is a wish, business hours manners, law stays."""
        must = self.law + self.extra
        steps: list[tuple[tuple[str, ...], list[ZonePolicy]]] = [((), must + self.business + self.slot)]
        if self.slot:
            steps.append((("dropped:slot",), must + self.business))
        if self.business:
            dropped = ("dropped:slot", "dropped:business_hours") if self.slot else ("dropped:business_hours",)
            steps.append((dropped, must))
        return steps


class Placer:
    """Answers questions from one law book and one set of closures; `versions` is copied into every answer."""

    def __init__(
        self, law: LawBook, closures: Closures, versions: Mapping[str, str], calendars: Calendars | None = None
    ) -> None:
        self._law = law
        self._closures = closures
        self._calendars = calendars or Calendars()
        self._territory_policies: dict[tuple[object, ...], Policy] = {}
        self.versions: Mapping[str, str] = {**versions, "law": law.version}
        self._law_policies = {
            row.key: Policy(None, NEVER if row.hours is None else complement_week(row.hours), quiet_dates=dates)
            for row in law.rows
            if (dates := law.quiet_dates(row)) or row.hours is not None
        }

    def place(self, q: Question) -> Placed | Impossible:
        """The least instant >= `earliest` at which the touch is lawful, wanted and polite. Raises ValueError."""
        if q.earliest.tzinfo is None:
            raise ValueError(f"earliest {q.earliest.isoformat()} has no time zone; instants here are aware")
        if q.earliest.year >= LAST_YEAR:
            return Impossible("no_common_window", ())
        if q.transactional and q.channel == "email":
            return Placed(q.earliest.astimezone(UTC), None, (), self.versions)
        if q.channel not in ("email", "email_marketing") and not (q.place.known and q.place.zones):
            return Impossible("unknown_location", ("unknown_location",))
        rows = self._law.rows_for(q.place.jurisdictions, q.channel, None, q.place.presumed)
        if missing := _missing_consents(rows, q, q.earliest):
            return Impossible("no_consent", missing)
        until = agreed_until(q)
        if until is not None and any(row.hours_lifted_by == "agreed_time" for row in rows):
            agreed = self._answer(q, self._rules(q, rows, at_agreed_time=True), rows)
            if isinstance(agreed, Placed) and agreed.at < until:
                return replace(agreed, valid_until=min(until, agreed.valid_until or until))
        return self._answer(q, self._rules(q, rows), rows)

    def check(self, q: Question, now: datetime) -> Placed | Impossible:
        """The gate: `at == now` means permitted now; a later `at` means deferred to it, and `reasons` say why."""
        return self.place(replace(q, earliest=now))

    def _answer(self, q: Question, rules: _Rules, rows: Sequence[LawRow]) -> Placed | Impossible:
        every = rules.law + rules.extra + rules.business + rules.slot
        found = _mildest(q.earliest, rules)
        if found is None:
            return Impossible("no_common_window", why_not(q.earliest, every))
        at, capped, dropped, kept = found
        moved = _moved_by(q.earliest, at, every)
        # at an open hour it is the cap that refuses; the nights on the way to the answer come after it
        reasons = (*moved, *capped, *dropped) if why_not(q.earliest, every) else (*capped, *moved, *dropped)
        if q.latest is not None and at > q.latest:
            return Impossible("after_latest", reasons)
        if missing := _missing_consents(rows, q, at):  # a law that starts, an inquiry that has run out by then
            return Impossible("no_consent", missing)
        return Placed(at, open_until(at, kept), reasons, self.versions)

    def _rules(self, q: Question, rows: Sequence[LawRow], *, at_agreed_time: bool = False) -> _Rules:
        rules = _Rules(extra=list(q.extra))
        polite = () if q.transactional else q.place.business_zones
        if q.hours is not None:
            rules.business = [] if q.transactional else self._business(_hours_of(q.channel), q.hours, q.place)
        if q.slot is not None:
            policy = _business_policy(tuple((weekday, (q.slot,)) for weekday in range(7)), frozenset())
            rules.slot = [ZonePolicy(zone, policy, "slot") for zone in polite]
        for row in rows:
            if row.key in self._law_policies and not hours_lifted(row, q, at_agreed_time=at_agreed_time):
                rules.law += [
                    ZonePolicy(zone, self._law_policies[row.key], row.id, row.effective_from, row.effective_to)
                    for zone in zones_for(row, q.place)
                ]
            rules.caps += [([cap.cap], _counted(cap, q.history)) for cap in row.caps if q.channel in cap.counts]
        return rules

    def _business(self, channel: str, hours: Weekly, place: Place) -> list[ZonePolicy]:
        """The hours of every territory that the lead may be in, each in its own zone or else the lead's."""
        closed = self._closures.closed(place.jurisdictions)
        week = tuple(sorted(hours.items()))
        rules = []
        for territory in self._calendars.of_place(place.jurisdictions):
            policy = _business_policy(week, closed)
            if territory is not None:
                key = (territory.id, channel, week, closed)
                policy = self._territory_policies.get(key) or territory.business(channel, hours, closed)
                self._territory_policies[key] = policy
            zones = (territory.zone,) if territory and territory.zone else place.business_zones
            rules += [ZonePolicy(zone, policy, BUSINESS_RULE) for zone in zones]
        return rules


def _hours_of(channel: Channel) -> Channel:
    """Whose business hours a channel keeps."""
    return "email" if channel == "email_marketing" else channel


def consented(row: LawRow, q: Question, at: datetime) -> bool:
    """Do the lead's consents give, at that instant, what the row needs for this channel?

    An inquiry is never consent to SMS, nor any consent to calls one to a recorded voice. An e-mail may answer whoever
    wrote to us until the row's limit.
    """
    consents = q.consents
    if row.consent_needed == "unknown":
        return False
    if q.channel == "sms":
        return consents.sms
    if q.channel == "call_automated":
        return consents.recorded
    if q.channel == "call" and (consents.call or row.consent_needed == "none"):
        return True
    if q.channel == "email_marketing" and (consents.marketing or row.consent_needed == "none"):
        return True
    limit, since = row.inquiry_days, consents.inquiry_at
    if limit is not None and since is not None and at >= since + timedelta(days=limit):
        return False
    if q.channel == "email":
        return consents.email
    if q.channel == "email_marketing":
        return row.consent_needed == "inquiry"  # they wrote to us, and the row's limit is not over
    if row.consent_needed == "inquiry":
        return consents.inquiry or consents.call_requested
    by_request = row.consent_needed in SATISFIED_BY_CALL_REQUEST or row.call_requested_satisfies
    return consents.call_requested and by_request


def agreed_until(q: Question) -> datetime | None:
    """When the time that the lead asked for is over, for a call asked about within it; else None."""
    agreed = q.consents.agreed_at
    if q.channel != "call" or agreed is None or not agreed <= q.earliest < agreed + AGREED_FOR:
        return None
    return agreed + AGREED_FOR


def hours_lifted(row: LawRow, q: Question, *, at_agreed_time: bool) -> bool:
    """Has the lead freed this call from the hours of the row?"""
    ticked = row.hours_lifted_by == "consent" and q.channel == "call" and q.consents.call
    return ticked or (at_agreed_time and row.hours_lifted_by == "agreed_time")


def zones_for(row: LawRow, place: Place) -> tuple[str, ...]:
    """The zones in which the row's hours must hold."""
    where = place.zones if row.jurisdiction == HOUSE else place.zones_in(row.jurisdiction.partition("-")[0])
    return tuple(dict.fromkeys((*where, *row.also_zones)))


def _moved_by(earliest: datetime, at: datetime, rules: Sequence[ZonePolicy]) -> tuple[str, ...]:
    """What refuses `earliest`, then the same hour of each day that was passed over, and who had the last word."""
    days = [earliest + timedelta(days=n) for n in range((at - earliest).days + 1)]
    found = [(rule, why_not(t, (rule,))) for t in days if t < at for rule in rules]
    named = {rule.rule for rule, reasons in found if reasons}
    last = [rule for rule in rules if rule.rule not in named]
    if at > earliest:
        found += [(rule, why_not(at - timedelta(seconds=1), (rule,))) for rule in last]
    return tuple(dict.fromkeys(reason for _, reasons in found for reason in reasons))


def _missing_consents(rows: Sequence[LawRow], q: Question, at: datetime) -> tuple[str, ...]:
    """'no_consent:us-ct' for every unsatisfied row in force at `at` (on either date that it may be locally)."""
    days = {(at.astimezone(UTC) + timedelta(hours=hours)).date() for hours in (-12, 14)}
    missing = tuple(
        f"no_consent:{row.id}" for row in rows if any(map(row.in_force, days)) and not consented(row, q, at)
    )
    ticked = {"email": q.consents.email, "sms": q.consents.sms, "call_automated": q.consents.recorded}
    if not missing and not ticked.get(q.channel, True):
        return (f"no_consent:{q.channel}",)
    return missing


def _mildest(
    earliest: datetime, rules: _Rules
) -> tuple[datetime, tuple[str, ...], tuple[str, ...], list[ZonePolicy]] | None:
    """(the instant, reasons of caps, what was dropped for it, the rules that are left); None when there is none.

    Hours of law that agree only after the next change of a clock are none: there is e-mail, and a person of ours.
    """
    mildest = None
    for dropped, kept in rules.degradations():
        found = _fixpoint(earliest, kept, rules.caps)
        if found is not None and (mildest is None or found[0] + PATIENCE < mildest[0]):
            mildest = (*found, dropped, kept)
        if mildest is not None and mildest[0] - earliest <= PATIENCE:
            break
    if mildest is not None and mildest[0] - earliest > PATIENCE:
        lawful = next_permitted(earliest, rules.law)
        if lawful is None or lawful - earliest > PATIENCE:
            return None
    return mildest


def _fixpoint(
    earliest: datetime, rules: Sequence[ZonePolicy], caps: Sequence[tuple[list[Cap], list[datetime]]]
) -> tuple[datetime, tuple[str, ...]] | None:
    """(the least admissible instant, reasons of the caps that moved it); None when there is none."""
    at = next_permitted(earliest, rules)
    moved_by: dict[str, None] = {}
    settled = False
    while at is not None and not settled:
        settled = True
        for group, history in caps:
            later = next_admissible(at, rules, group, history)
            if later is None:
                return None
            if later != at:
                moved_by[f"frequency_cap:{group[0].rule}"] = None
                at, settled = later, False
    return None if at is None else (at, tuple(moved_by))


def _counted(cap: LawCap, history: Sequence[PastTouch]) -> list[datetime]:
    mine = [touch for touch in history if touch.channel in cap.counts]
    if cap.after == "refusal":
        return [touch.refused_at for touch in mine if touch.refused_at is not None]
    return [touch.at for touch in mine if cap.after == "every_touch" or touch.silent]


@lru_cache(maxsize=1024)
def _business_policy(hours: tuple[tuple[int, tuple[Interval, ...]], ...], closed: frozenset[date]) -> Policy:
    return Policy(dict(hours), NEVER, closed)
