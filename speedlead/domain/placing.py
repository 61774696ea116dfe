"""Place one touch in time: consent, law, business hours, caps, and what gives way when they leave no common window.

The same question answers the plan (`place`), the promise in an acknowledgement, a preview, and the gate (`check`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal, Protocol

from speedlead.domain.calendar import Cap, next_admissible, next_permitted, open_until, why_not
from speedlead.domain.hours import NEVER, Interval, Policy, Weekly, ZonePolicy, complement_week
from speedlead.domain.law import HOUSE, LawBook, LawCap, LawRow
from speedlead.domain.zones import Place

BUSINESS_RULE = "business_hours"


@dataclass(frozen=True, slots=True)
class Consents:
    """What the lead allowed. `call_requested`: the inquiry showed a consent text and carried a phone number.

    `inquiry`: the lead gave this number in an inquiry, with or without a consent text; `call_requested` implies it.
    `inquiry_at`: when; where a row limits how long an inquiry counts, the limit runs from then. `sms`, `call`: ticked.
    """

    call_requested: bool
    sms: bool
    call: bool
    email: bool = True
    inquiry: bool = False
    inquiry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PastTouch:
    """A touch that counts for caps. `silent`: a call that connected the lead to nobody."""

    at: datetime
    channel: str
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """When may this touch happen? Instants are aware; `slot` is in minutes of the lead's local day.

    `hours` None: no business-hours condition (on-call cover, a slot that the lead chose). `extra`: further hours that
    must hold, such as those of the reps in their zone. `transactional`: an acknowledgement; e-mail goes at once and SMS
    whenever law permits.
    """

    channel: Literal["call", "sms", "email"]
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

    `reasons`: why not at `earliest` (empty when it is), and `dropped:slot` or `dropped:business_hours` where a
    condition had to give way. `versions`: data used, by name.
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

    def __init__(self, law: LawBook, closures: Closures, versions: Mapping[str, str]) -> None:
        self._law = law
        self._closures = closures
        self._versions = {**versions, "law": law.version}
        self._law_policies = {
            row.id: Policy(None, NEVER if row.hours is None else complement_week(row.hours), quiet_dates=dates)
            for row in law.rows
            if (dates := law.quiet_dates(row)) or row.hours is not None
        }

    def place(self, q: Question) -> Placed | Impossible:
        """The least instant >= `earliest` at which the touch is lawful, wanted and polite. Raises ValueError."""
        if q.earliest.tzinfo is None:
            raise ValueError(f"earliest {q.earliest.isoformat()} has no time zone; instants here are aware")
        if q.transactional and q.channel == "email":
            return Placed(q.earliest.astimezone(UTC), None, (), self._versions)
        if q.channel != "email" and not (q.place.known and q.place.zones):
            return Impossible("unknown_location", ("unknown_location",))
        rows = self._law.rows_for(q.place.jurisdictions, q.channel, None, q.place.presumed)
        if missing := _missing_consents(rows, q, q.earliest):
            return Impossible("no_consent", missing)
        return self._answer(q, self._rules(q, rows), rows)

    def check(self, q: Question, now: datetime) -> Placed | Impossible:
        """The gate: `at == now` means permitted now; a later `at` means deferred to it, and `reasons` say why."""
        return self.place(replace(q, earliest=now))

    def _answer(self, q: Question, rules: _Rules, rows: Sequence[LawRow]) -> Placed | Impossible:
        every = rules.law + rules.extra + rules.business + rules.slot
        refused = why_not(q.earliest, every)
        for dropped, kept in rules.degradations():
            found = _fixpoint(q.earliest, kept, rules.caps)
            if found is None:
                continue
            at, capped = found
            reasons = (*(refused if at > q.earliest else ()), *capped, *dropped)
            if q.latest is not None and at > q.latest:
                return Impossible("after_latest", reasons)
            if missing := _missing_consents(rows, q, at):  # a law that starts, an inquiry that has run out by then
                return Impossible("no_consent", missing)
            return Placed(at, open_until(at, kept), reasons, self._versions)
        return Impossible("no_common_window", refused)

    def _rules(self, q: Question, rows: Sequence[LawRow]) -> _Rules:
        rules = _Rules(extra=list(q.extra))
        polite = () if q.transactional else q.place.business_zones
        if q.hours is not None:
            closed = self._closures.closed(q.place.jurisdictions)
            policy = _business_policy(tuple(sorted(q.hours.items())), closed)
            rules.business = [ZonePolicy(zone, policy, BUSINESS_RULE) for zone in polite]
        if q.slot is not None:
            policy = _business_policy(tuple((weekday, (q.slot,)) for weekday in range(7)), frozenset())
            rules.slot = [ZonePolicy(zone, policy, "slot") for zone in polite]
        for row in rows:
            if row.id in self._law_policies:
                rules.law += [
                    ZonePolicy(zone, self._law_policies[row.id], row.id, row.effective_from, row.effective_to)
                    for zone in dict.fromkeys((*_zones_for(row, q.place), *row.also_zones))
                ]
            rules.caps += [([cap.cap], _counted(cap, q.history)) for cap in row.caps if q.channel in cap.counts]
        return rules


def consented(row: LawRow, q: Question, at: datetime) -> bool:
    """Do the lead's consents give, at that instant, what the row needs for this channel?

    An inquiry is never consent to SMS. An e-mail may answer whoever wrote to us until the row's limit.
    """
    consents = q.consents
    if q.channel == "sms":
        return consents.sms
    if q.channel == "call" and (consents.call or row.consent_needed == "none"):
        return True
    limit, since = row.inquiry_days, consents.inquiry_at
    if limit is not None and since is not None and at >= since + timedelta(days=limit):
        return False
    if q.channel == "email":
        return consents.email
    if row.consent_needed == "inquiry":
        return consents.inquiry or consents.call_requested
    return consents.call_requested and (row.consent_needed == "call_requested" or row.call_requested_satisfies)


def _missing_consents(rows: Sequence[LawRow], q: Question, at: datetime) -> tuple[str, ...]:
    """'no_consent:us-ct' for every unsatisfied row in force at `at` (on either date that it may be locally)."""
    days = {(at.astimezone(UTC) + timedelta(hours=hours)).date() for hours in (-12, 14)}
    missing = tuple(
        f"no_consent:{row.id}" for row in rows if any(map(row.in_force, days)) and not consented(row, q, at)
    )
    if not missing and not (q.consents.email if q.channel == "email" else q.channel == "call" or q.consents.sms):
        return (f"no_consent:{q.channel}",)
    return missing


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


def _zones_for(row: LawRow, place: Place) -> tuple[str, ...]:
    return place.zones if row.jurisdiction == HOUSE else place.zones_in(row.jurisdiction.partition("-")[0])


def _counted(cap: LawCap, history: Sequence[PastTouch]) -> list[datetime]:
    return [touch.at for touch in history if touch.channel in cap.counts and (touch.silent or not cap.after_silent)]


@lru_cache(maxsize=1024)
def _business_policy(hours: tuple[tuple[int, tuple[Interval, ...]], ...], closed: frozenset[date]) -> Policy:
    return Policy(dict(hours), NEVER, closed)
