"""The state of one running lead, and how each fact changes it. Pure: instants are given, nothing is read."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from speedlead.domain.outcomes import (
    BAD_NUMBER,
    ENDS_LEAD,
    KEEPS_OPEN,
    NOT_REACHED,
    CallResult,
    Outcome,
    Stage,
)
from speedlead.domain.plan import Cadence, LeadTypeName, Step, Track

OUT_OF_OFFICE = "out_of_office"
_BEFORE_A_TALK = (Stage.NEW, Stage.ACKNOWLEDGED, Stage.ASSIGNED, Stage.ATTEMPTING)
_HEAT: dict[LeadTypeName, int] = {"cold": 0, "warm": 1, "hot": 2}
# as between the default plan's own first calls (REQ 47); for messages a house default
_CALLS_APART, _MESSAGES_APART = timedelta(minutes=7), timedelta(hours=1)


@dataclass(slots=True)
class Settled:
    """A step that has ended. `at` anchors later steps: the attempt's start, or the instant it would have been.

    `moved`: the calendar put it later than the plan.
    """

    state: str
    at: datetime
    channel: str
    reason: str | None = None
    moved: bool = False


@dataclass(slots=True)
class Owed:
    """A call that found nobody of ours to make it; it stays due until a later call takes its place."""

    step: str
    retry_at: datetime
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Hurry:
    """A touch by `channel` cannot arrive: the next one by another channel goes from `at` on, not at its own time."""

    channel: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Repeat:
    """The message of `step` goes once more, for the `number`th time, from `at` on."""

    step: str
    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """A message could not be delivered. `then`: what the table of errors says follows; the rest is for `again`."""

    then: str | None
    after: timedelta = timedelta(0)
    times: int = 1


@dataclass(slots=True)
class FollowUp:
    """The plan has stopped and a person has to act: which kind of waiting, since when, how often we reminded."""

    kind: str  # a key of cadence.FOLLOW_UPS
    since: datetime
    reminded: int = 0
    # a meeting or a later date that was waited for: the lead stays open for it
    interrupted: "FollowUp | None" = None
    # by when somebody is to answer what the lead wrote
    due: datetime | None = None


@dataclass(slots=True)
class LeadState:
    lead_id: str
    lead_type: LeadTypeName
    cadence: Cadence
    submitted_at: datetime
    has_email: bool
    has_phone: bool
    consent_sms: bool
    call_requested: bool
    stage: Stage = Stage.NEW
    # the instant from which offsets count; None until routing has said
    opened: datetime | None = None
    due: datetime | None = None
    owner_id: str | None = None
    # a lead that became hotter goes through the hotter track afresh: its steps carry the round in their names
    round: int = 1
    settled: dict[str, Settled] = field(default_factory=dict)
    last_touch_at: datetime | None = None
    owed: Owed | None = None
    hurry: Hurry | None = None
    repeats: dict[str, Repeat] = field(default_factory=dict)  # by step
    early: dict[str, Report] = field(default_factory=dict)  # by step: reports that overtook the end of the sending
    closed_channels: dict[str, str] = field(default_factory=dict)  # channel -> why nothing goes there any more
    number_left: bool = False  # the number that was called last is bad, and another one is known to be none
    follow_up: FollowUp | None = None
    paused: bool = False
    paused_until: datetime | None = None
    pause_reason: str = "paused"
    paused_since: datetime | None = None
    callbacks: list[datetime] = field(default_factory=list)
    manual_calls: int = 0
    ending: tuple[str, Stage] | None = None
    # decisions of people that were heard: the end of a call that was under way before one says nothing against it
    decisions: int = 0
    # since the lead became as hot as it is
    first_attempt_at: datetime | None = None
    hotter_at: datetime | None = None
    # it has come from another plan while it was under way
    replanned: bool = False

    @property
    def track(self) -> Track:
        """No catch-up bursts: once the calendar has moved a step, no deadline from the opening hurries the others.

        Nor on another plan, whose deadlines the lead may have passed before it came.
        """
        track = self.cadence.tracks[self.lead_type]
        late = self.replanned or any(settled.moved for settled in self.settled.values())
        return track.unhurried if late else track

    def apart(self, step: Step) -> datetime | None:
        """On another plan than its first, what is due at once keeps a distance from the last touch of its channel,
        whichever plan that was of; None for a lead that has stayed on its plan.
        """
        reached = [s.at for s in self.settled.values() if s.channel == step.channel and s.state in ("sent", "in_doubt")]
        if not self.replanned or not reached:
            return None
        least = _CALLS_APART if step.channel == "call" else _MESSAGES_APART
        return max(reached) + max(least, timedelta(seconds=step.min_gap))

    def unusable(self, channel: str) -> str | None:
        """Why no touch can go by this channel, from the closed list of skip reasons; None when it can."""
        if channel in self.closed_channels:
            return self.closed_channels[channel]
        if channel == "email":
            return None if self.has_email else "no_email"
        if not self.has_phone:
            return "no_phone"
        if channel == "sms" and not self.consent_sms:
            return "no_consent"
        return None

    def without_calls(self, reason: str) -> bool:
        """Was a call left out for this reason already? Then a person of ours knows it."""
        return any(
            (settled.channel, settled.state, settled.reason) == ("call", "skipped", reason)
            for settled in self.settled.values()
        )

    def touch_step(self, step: str) -> str:
        """The step's name in touch ids: `call-1`, and `call-1-r2` on the track of a lead that became hotter."""
        return step if self.round == 1 else f"{step}-r{self.round}"

    def settle(self, step: str, state: str, at: datetime, channel: str, reason: str | None = None) -> None:
        self.settled[step] = Settled(state, at, channel, reason)
        if self.owed is not None and self.owed.step == step and state != "deferred":
            self.owed = None
        if state in ("sent", "in_doubt"):
            self.last_touch_at = at
        if state == "sent":
            self.attempted(at)

    def attempted(self, at: datetime) -> None:
        self.last_touch_at = at
        if self.hotter_at is None or at >= self.hotter_at:
            self.first_attempt_at = self.first_attempt_at or at

    def breached(self, now: datetime) -> bool:
        """Was, or is, the first attempt late?"""
        return self.due is not None and (self.first_attempt_at or now) > self.due

    def move(self, stage: Stage) -> None:
        """Stages of the plan only go forward; decisions of people set any."""
        order = _BEFORE_A_TALK
        if stage in order and (self.stage not in order or order.index(stage) <= order.index(self.stage)):
            return
        self.stage = stage

    def given_to(self, rep_id: str, at: datetime) -> None:
        """Somebody has time for the lead now: a call that found nobody is made at once."""
        self.owner_id = rep_id
        self.move(Stage.ASSIGNED)
        if self.owed is not None:
            self.owed.retry_at = min(self.owed.retry_at, at)

    def found_to_be(self, lead_type: LeadTypeName) -> None:
        """What is known of it makes it hotter or colder than its form; only before anything of its track was done."""
        if self.opened is None:
            self.lead_type = lead_type

    # ── facts ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def inquired(
        self,
        lead_type: LeadTypeName,
        *,
        has_email: bool,
        has_phone: bool,
        consent_sms: bool,
        call_requested: bool,
        at: datetime | None = None,
        anew: bool = True,
    ) -> None:
        """A further form of the same person: it may add a way to reach them, and may make the lead hotter.

        A lead whose end was decided, and that has not closed yet, goes on; where no step of the plan will answer the
        form, a person of ours has to. `anew`: a hotter lead is owed a first attempt again, from this form on.
        """
        self.heard(at)
        hotter = _HEAT[lead_type] > _HEAT[self.lead_type]
        through = not hotter and all(step.id in self.settled for step in self.track.steps)
        opted_out = self.ending is not None and self.ending[0] == "opted_out"
        if at is not None and not opted_out and (self.ending or self.follow_up or through):
            self.ending = None
            self._wait_for_person("inquired", at)
        if hotter:
            self.lead_type = lead_type
            self.round += 1
            self.settled.clear()
            self.owed = None
            self.hurry = None
            self.repeats.clear()
            self.early.clear()
            self.opened = None  # counted from this inquiry: routing says it again
            if anew:
                self.first_attempt_at, self.due, self.hotter_at = None, None, at
        self.has_email = self.has_email or has_email
        self.has_phone = self.has_phone or has_phone
        self.consent_sms = self.consent_sms or consent_sms
        self.call_requested = self.call_requested or call_requested

    def reachable(self, *, has_email: bool, has_phone: bool, consent_sms: bool, call_requested: bool) -> None:
        """Somebody has put right how the lead is reached: what the rows say now, be it less than before."""
        self.has_email, self.has_phone = has_email, has_phone
        self.consent_sms, self.call_requested = consent_sms, call_requested

    def call_ended(self, result: CallResult, at: datetime, *, decided: bool = False) -> None:
        """What the line said. Connected is not decided: a person owes us the outcome, unless they have said it
        already (`decided`).
        """
        if result in BAD_NUMBER and not self.number_left:
            for channel in ("call", "sms"):
                if self.closed_channels.get(channel) != "opted_out":
                    self.closed_channels[channel] = "invalid_number"
        elif result is CallResult.CONNECTED and decided:
            self.stage = Stage.CONNECTED if self.stage in _BEFORE_A_TALK else self.stage
        elif result is CallResult.CONNECTED:
            self.stage = Stage.CONNECTED
            self.callbacks.clear()
            self.follow_up = FollowUp("connected", at)
        elif result in NOT_REACHED:
            self.move(Stage.ATTEMPTING)

    def decided(
        self, outcome: Outcome, at: datetime, *, when: datetime | None = None, scope: str = "all", reason: str = ""
    ) -> None:
        """A person's decision. `when` is the callback's moment, or the end of a 'not now'."""
        self.decisions += 1
        self.callbacks.clear()
        if outcome is Outcome.DO_NOT_CONTACT:
            self.opted_out(scope)
            if scope != "all":
                return
        if outcome is Outcome.CALLBACK_REQUESTED:
            self.follow_up = None
            self.resume(at)  # a pause of ours gives way to what the lead asked for
            self.callbacks.append(when or at)
            return
        if outcome in ENDS_LEAD:
            self.ending = (reason or outcome.value, ENDS_LEAD[outcome])
            return
        if outcome is Outcome.NOT_NOW and "not_now" in self.cadence.then:
            self.ending = (outcome.value, Stage.CLOSED)  # what its plan names for that goes on at their date
            return
        self.stage = KEEPS_OPEN[outcome]
        self.resume(at)  # what was decided replaces what was on hold
        self.follow_up = FollowUp("booked" if outcome is Outcome.MEETING_BOOKED else "nurturing", when or at)

    def replied(self, at: datetime, *, automatic: bool, until: datetime | None, due: datetime | None = None) -> None:
        """A reply stops the plan, not the lead; an out-of-office note only pauses it until the day it names.

        `due`: by when a person of ours answers. A second reply does not put off what the first one is owed.
        """
        if automatic:
            # it never shortens a pause that somebody of ours has set, nor holds up what a person of ours is to do
            longer = self.paused and (self.paused_until is None or until is None or self.paused_until >= until)
            if until is not None and not longer and not self.callbacks and self.follow_up is None:
                self.pause(until, OUT_OF_OFFICE, at)
            return
        self.heard(at)
        open_question = self.follow_up.due if self.follow_up is not None and self.follow_up.kind == "replied" else None
        self._wait_for_person("replied", at)
        assert self.follow_up is not None
        self.follow_up.due = min((d for d in (open_question, due) if d is not None), default=None)

    def answered(self, at: datetime) -> None:
        """A person of ours wrote back: it is the lead's turn, and then somebody says what came of it."""
        before = self.follow_up
        if before is not None and before.kind in ("replied", "inquired", "answered"):
            self.follow_up = FollowUp("answered", at, interrupted=before.interrupted)

    def heard(self, at: datetime | None) -> None:
        """Whoever writes to us is not away any more, whatever their note said."""
        if self.pause_reason == OUT_OF_OFFICE:
            self.resume(at)

    def _wait_for_person(self, kind: str, at: datetime) -> None:
        """A person of ours is told at once, whatever the lead waited for; it closes no earlier than it would have."""
        before = self.follow_up
        later = before if before is not None and before.kind in ("booked", "nurturing") else None
        self.follow_up = FollowUp(kind, at, interrupted=later or (before.interrupted if before else None))

    def opted_out(self, scope: str) -> None:
        scopes = ("call", "sms", "email")
        for channel in scopes if scope == "all" else (scope,):
            self.closed_channels[channel] = "opted_out"
        if scope == "all":
            self.ending = ("opted_out", Stage.CLOSED)

    def undeliverable(self, channel: str) -> None:
        self.closed_channels.setdefault(channel, "invalid_email" if channel == "email" else "invalid_number")
        if channel == "sms":
            return
        if channel == "call":
            self.closed_channels.setdefault("sms", "invalid_number")

    def pause(self, until: datetime | None, reason: str, at: datetime | None = None) -> None:
        """`at`: since when; None where nobody knows, for a lead that is started again from its rows."""
        self.paused_since = self.paused_since if self.paused else at
        self.paused, self.paused_until, self.pause_reason = True, until, reason

    def resume(self, at: datetime | None = None) -> None:
        """The plan's deadlines move by the time that it stood still: else its steps would go out in a burst."""
        if self.opened is not None and self.paused_since is not None and at is not None:
            self.opened += max(timedelta(0), at - max(self.opened, self.paused_since))
        self.paused, self.paused_until, self.pause_reason, self.paused_since = False, None, "paused", None
