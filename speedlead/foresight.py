"""The week of a lead that never answers, before it begins: every touch, when, why then, and how it ends.

It runs the decisions of a real lead (`decide`, `schedule`, the gate's question, `settle`) with an ideal outside world:
providers accept everything, nobody answers, and whoever is on shift takes the call.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from speedlead import times
from speedlead.composer import Promise, packaged_language, promise_words
from speedlead.domain.cadence import Act, Await, Finish, HandOver, Remind, Resume, Skip, Substitute, decide
from speedlead.domain.lead import FollowUp, LeadState
from speedlead.domain.opening import Opening, Shift, call_hours, find_opening, next_shift, serving
from speedlead.domain.outcomes import CallResult
from speedlead.domain.placing import Consents, Impossible, PastTouch, Placer
from speedlead.domain.plan import LeadTypeName, Plan
from speedlead.domain.schedule import Asker, Wanted, delayed, schedule
from speedlead.domain.settling import cannot_be_placed, must_be_placed, pass_over, settle
from speedlead.domain.sla import LeadFacts
from speedlead.domain.zones import Evidence, Place

# a lead that takes more turns than this is caught in a circle, and has no week
_MOST_TURNS = 2000
UNFINISHED = "unfinished"


class Endless(Exception):
    """The week has no end: what is put off is put off again."""


class Places(Protocol):
    def find(self, evidence: Evidence) -> Place: ...


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a plan may know of a lead. `submitted_at` is aware; `history`: calls and texts to its number before."""

    lead_type: LeadTypeName
    intent: str
    source: str
    submitted_at: datetime
    evidence: Evidence
    consents: Consents
    has_email: bool
    has_phone: bool
    segment: str | None = None
    channel: str = "form"
    history: tuple[PastTouch, ...] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """How long people and machines take, which no plan says.

    `out`: from the instant a touch is due until it goes out (a call: until a rep's phone rings). `rings`: from then
    until the lead's phone rings; the next steps count from that instant. `unanswered`: how long it rings in vain.
    """

    out: timedelta = timedelta(0)
    rings: timedelta = timedelta(0)
    unanswered: timedelta = timedelta(0)


AT_ONCE = Pace()
"""Everything happens at its instant: a preview shows what the plan says, not how quick the team was that day."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One touch. `at`: when it goes out (a call: the lead's phone rings), or would have; `local`: the lead's clock.

    `state`: sent, skipped, or task (its channel is missing, so the owner gets it as a task that is due at `due`).
    `wanted`: when it was due before any rule; `reasons`: the rules that moved it, or forbid it. `reason`: why skipped.
    """

    step: str
    channel: str
    state: str
    at: datetime
    local: datetime
    wanted: datetime
    reason: str | None = None
    reasons: tuple[str, ...] = ()
    due: datetime | None = None

    @property
    def moved(self) -> bool:
        return self.state == "sent" and bool(self.reasons)


@dataclass(frozen=True, slots=True)
class Week:
    """`zone`: the lead's, None when it is unknown (`local` is UTC then). `touches` in the order of their instants.

    `handed_over_at`: nothing could be sent, so a person of ours was told. `ended_at`, `end_reason`: the lead closes.
    """

    opening: Opening
    promise: Promise
    place: Place
    zone: str | None
    touches: tuple[Foreseen, ...]
    handed_over_at: datetime | None
    ended_at: datetime
    end_reason: str
    # it answers no inquiry, so nothing is acknowledged and promised
    program: str | None = None


@dataclass(frozen=True, slots=True)
class _Result:
    """What the workflow would have heard of a touch."""

    state: str
    at: datetime
    reason: str | None = None
    reasons: tuple[str, ...] = ()
    next_at: datetime | None = None
    call_result: CallResult | None = None
    bad_channel: str | None = None
    opted_out: str | None = None


class Foresight:
    """Made once; `week` keeps nothing between two leads. Without a `team` no call can be made. `pace`: by step.

    `longest`: a lead is looked at no further, which ends it as `unfinished`.
    """

    def __init__(
        self,
        *,
        plan: Plan,
        placer: Placer,
        places: Places,
        team: Sequence[Shift],
        pace: Callable[[str], Pace] = lambda step: AT_ONCE,
        longest: timedelta | None = None,
    ) -> None:
        self.plan = plan
        self.placer = placer
        self.places = places
        self.team = tuple(team)
        self.pace = pace
        self.longest = longest

    def week(self, prospect: Prospect) -> Week:
        """Raises ValueError for an instant without a zone, and Endless."""
        return _Walk(self, prospect).to_the_end()


@dataclass
class _Walk:
    """One lead on its way through the plan; `now` is where it stands."""

    by: Foresight
    prospect: Prospect
    touches: list[Foreseen] = field(default_factory=list)
    claimed: list[PastTouch] = field(default_factory=list)
    not_before: dict[str, datetime] = field(default_factory=dict)
    # of the step that comes next: when it was due before rules moved it, and which did
    moved: dict[str, tuple[datetime, tuple[str, ...]]] = field(default_factory=dict)
    handed_over_at: datetime | None = None
    # when the last mail or text went out
    wrote_at: datetime | None = None

    def __post_init__(self) -> None:
        who = self.prospect
        self.now = who.submitted_at.astimezone(UTC)
        self.program = self.by.plan.program
        self.asker = Asker(
            self.by.places.find(who.evidence), who.consents, self.by.plan.hours, marketing=self.program == "nurture"
        )
        where = self.asker.place.jurisdictions
        self.facts = LeadFacts(who.lead_type, who.intent, who.source, who.segment, who.channel, where)
        self.team = serving(self.by.team, self.facts)
        self.opening = self._opening(self.now)
        self.acknowledged_at = self.now
        self.lead = LeadState(
            lead_id="preview",
            lead_type=who.lead_type,
            cadence=self.by.plan,
            submitted_at=who.submitted_at,
            has_email=who.has_email,
            has_phone=who.has_phone,
            consent_sms=who.consents.sms,
            call_requested=who.consents.call_requested,
            # a program counts from its beginning, at whatever hour that is
            opened=self.opening.open_at if self.program is None else self.now,
            due=self.opening.due if self.program is None else None,
        )

    def to_the_end(self) -> Week:
        if self.program is None:
            self._acknowledge()
        for _ in range(_MOST_TURNS):
            end = self._turn()
            longest = self.by.longest
            if end is None and longest is not None and self.now - self.prospect.submitted_at > longest:
                end = Finish(UNFINISHED, self.lead.stage)
            if end is not None:
                return self._week(end)
        raise Endless(f"no moment is found for a {self.prospect.lead_type} lead: a step of the plan {self.by.plan.id} "
                      "is put off again and again")  # fmt: skip

    def _week(self, end: Finish) -> Week:
        touches = tuple(sorted(self.touches, key=lambda touch: touch.at))
        return Week(
            self.opening, self._promise(), self.asker.place, self.opening.zone, touches, self.handed_over_at, self.now,
            end.reason, self.program,
        )  # fmt: skip

    def _opening(self, at: datetime) -> Opening:
        question = self.asker.question("call", at, history=self.prospect.history)
        can_mail = self.prospect.has_email
        return find_opening(self.by.placer.place, question, self.by.plan, self.facts, self.team, can_mail=can_mail)

    def _promise(self) -> Promise:
        """In the words of the moment at which it goes out; never a time that has gone by."""
        opening, at = self.opening, self.acknowledged_at
        if opening.due is not None and opening.due <= at:
            opening = self._opening(at)
        language = packaged_language(None, self.prospect.evidence.country)
        return promise_words(opening.due, at, opening.zone, opening.channel, language)

    def _turn(self) -> Finish | None:
        match decision := decide(self.lead, self.now):
            case Act():
                self._act(decision)
            case Substitute(step=step, reason=reason, due=due, at=at):
                self._note(step.id, step.channel, "task", self.now, reason=reason, due=due)
                self.lead.settle(step.id, "skipped", at, step.channel, reason)
            case HandOver(skips=skips, reminded=reminded):
                self._skip(skips)
                self.handed_over_at = self.now
                self.lead.follow_up = FollowUp("unreachable", self.now, reminded)
            case Remind(number=number):
                assert self.lead.follow_up is not None
                self.lead.follow_up.reminded = number
            case Await(until=until):
                assert until is not None  # nothing here pauses a lead
                self.now = until
            case Finish(skips=skips):
                self._skip(skips)
                return decision
            case Resume():
                raise AssertionError("a lead that nobody has paused")
        return None

    # ── touches ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _acknowledge(self) -> None:
        """At once by mail; else by text, which at night waits until the law opens (there is the answer page)."""
        who, out = self.prospect, self.by.pace("ack-1").out
        if who.has_email:
            self._note("ack-1", "email", "sent", self.now + out)
        elif not (who.has_phone and who.consents.sms):
            self._note("ack-1", "email", "skipped", self.now, reason="no_email")
        else:
            question = self.asker.question("sms", self.now, business=False, history=who.history, transactional=True)
            answer = self.by.placer.check(question, self.now)
            if isinstance(answer, Impossible):
                self._note("ack-1", "sms", "skipped", self.now, reason=answer.reason, reasons=answer.reasons)
                return
            self.acknowledged_at = answer.at + out
            self.moved["ack-1"] = (self.now, answer.reasons)
            self._note("ack-1", "sms", "sent", self.acknowledged_at)
            self.claimed.append(PastTouch(self.acknowledged_at, "sms"))

    def _act(self, act: Act) -> None:
        step, lead = act.step, self.lead
        not_before = self.not_before.get(step.id)
        at, anchors = act.earliest, {}
        opened = lead.opened or self.now
        if step.after == "lead" and opened > self.prospect.submitted_at:
            # what holds the lead's clock back holds back its first step
            self._delay(step.id, self.prospect.submitted_at, self.opening.reasons)
        if must_be_placed(act, self.now, not_before):
            wanted = Wanted(
                (*(skip.step for skip in act.skips), step),
                act.earliest,
                opened,
                lead.track if act.skips else None,
                {name: settled.at for name, settled in lead.settled.items()},
                not_before,
                deadline=lead.due,
            )
            found = schedule(self.by.placer.place, self.asker, wanted, self.team, self._history())
            if isinstance(found.answer, Impossible):
                cannot_be_placed(lead, act, found.answer.reason)
                return
            at, anchors = found.answer.at, found.anchors
            gave_way = [reason for reason in found.answer.reasons if reason.startswith("dropped:")]
            self._delay(step.id, found.earliest, (*delayed(step, found.earliest, found.answer), *gave_way))
        self.now = max(self.now, at)
        for passed in pass_over(lead, act, at, anchors, self.now):
            self._note(passed.step, passed.channel, "skipped", passed.at, reason=passed.reason)
        result = self._try(step.id, step.channel)
        if result.state == "deferred":
            self._delay(step.id, at, result.reasons or (result.reason or "",))
        elif result.state == "sent":
            self._note(step.id, step.channel, "sent", result.at)
        again = settle(lead, act, at, result, self.now)
        if again is not None:
            self.not_before[step.id] = again
        if step.id in lead.settled and result.state == "skipped":
            self._note(step.id, step.channel, "skipped", at, reason=result.reason, reasons=result.reasons)

    def _try(self, step: str, channel: str) -> _Result:
        """The gate, and then a provider that accepts and a phone that nobody answers."""
        if channel == "call" and not any(shift.holds(self.now) for shift in self.team):
            return _Result("deferred", self.now, "rep_unavailable", next_at=next_shift(self.team, self.now))
        question = self.asker.question(channel, self.now, history=self._history())
        if channel == "call":
            question = replace(question, hours=call_hours(self.by.placer.place, question, self.team, self.facts))
        answer = self.by.placer.check(question, self.now)
        if isinstance(answer, Impossible):
            return _Result("skipped", self.now, answer.reason, answer.reasons)
        if answer.at > self.now:
            return _Result("deferred", self.now, reasons=answer.reasons, next_at=answer.at)
        gap = timedelta(seconds=self.by.plan.message_gap)
        if self.wrote_at is not None and self.wrote_at + gap > self.now:
            return _Result("deferred", self.now, reasons=("message_gap",), next_at=self.wrote_at + gap)
        pace = self.by.pace(step)
        self.now += pace.out
        if channel != "call":
            self.wrote_at = self.now
        if channel != "email":
            self.claimed.append(PastTouch(self.now, channel))
        if channel != "call":
            return _Result("sent", self.now)
        rings = self.now + pace.rings
        self.now = rings + pace.unanswered
        return _Result("sent", rings, call_result=CallResult.NO_ANSWER)

    def _history(self) -> tuple[PastTouch, ...]:
        return (*self.prospect.history, *(touch for touch in self.claimed if touch.at <= self.now))

    # ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _skip(self, skips: Sequence[Skip]) -> None:
        for skip in skips:
            self._note(skip.step.id, skip.step.channel, "skipped", self.now, reason=skip.reason)
            self.lead.settle(skip.step.id, "skipped", self.now, skip.step.channel, skip.reason)

    def _delay(self, step: str, wanted: datetime, reasons: Sequence[str]) -> None:
        """The first instant that was wanted, and every rule on the way to the one it gets."""
        first, before = self.moved.get(step, (wanted, ()))
        self.moved[step] = (first, tuple(dict.fromkeys((*before, *reasons))))

    def _note(
        self,
        step: str,
        channel: str,
        state: str,
        at: datetime,
        *,
        reason: str | None = None,
        reasons: tuple[str, ...] = (),
        due: datetime | None = None,
    ) -> None:
        wanted, moved_by = self.moved.pop(step, (at, ()))
        local = times.local(at, self.opening.zone or "UTC")
        self.touches.append(Foreseen(step, channel, state, at, local, wanted, reason, reasons or moved_by, due))
