"""Everything one running lead remembers: the pure state of the lead, and what of it is on its way somewhere."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from speedlead.contracts import AnswerSignal, CallProgressSignal, LeadStart, LeadStatus, RecordRequest, Resume
    from speedlead.domain.acceptance import Acceptance
    from speedlead.domain.lead import LeadState
    from speedlead.domain.outcomes import CallResult
    from speedlead.domain.watching import Watch
    from speedlead.ids import short
    from workflows.beside import Beside
    from workflows.messages import Seen

_MOST_REJECTIONS_RECORDED = 100


@dataclass(slots=True)
class Placement:
    """Where the calendar put the next step, and the question it answered."""

    step: str
    asked: datetime
    at: datetime
    key: tuple[object, ...]
    anchors: dict[str, datetime]
    why: str


@dataclass(slots=True)
class LeadRun:
    lead: LeadState
    seen: Seen
    # numbers of inquiries that wait for their answer
    unanswered: list[int] = field(default_factory=list)
    # inquiries whose answer did not arrive, and from when on it may go once more
    unheard: list[tuple[int, datetime]] = field(default_factory=list)
    # what people of ours wrote and nobody has begun to send
    answers: list[AnswerSignal] = field(default_factory=list)
    # counts every change; a wait ends when it moves
    changes: int = 0
    placement: Placement | None = None
    # a time a rule or a provider named for a step, by step
    not_before: dict[str, datetime] = field(default_factory=dict)
    beside: Beside = field(default_factory=Beside)
    records: list[RecordRequest] = field(default_factory=list)
    progress: dict[str, CallProgressSignal] = field(default_factory=dict)
    accepted: dict[str, str] = field(default_factory=dict)  # call step -> rep who accepted the task
    attempts: dict[str, int] = field(default_factory=dict)  # tries of a call step that stayed due
    declined: set[str] = field(default_factory=set)
    task_result: str | None = None
    rejected: int = 0
    next_step: str | None = None
    next_at: datetime | None = None
    why: str = "routing"
    # no owner before then, on purpose
    deal_at: datetime | None = None
    # phones of ours ring for this lead: whoever takes the call takes the lead
    calling: bool = False
    watch: Watch = field(default_factory=Watch)
    shown: tuple[object, ...] = ()

    @property
    def title(self) -> str:
        return f"lead {short(self.lead.lead_id)}"

    def changed(self) -> None:
        self.changes += 1

    def note(
        self,
        kind: str,
        *,
        reason: str | None = None,
        key: str | None = None,
        paused_until: datetime | None = None,
        inquiry: int | None = None,
    ) -> None:
        """Something for the record that has no row of its own yet."""
        self.records.append(
            RecordRequest(
                lead_id=self.lead.lead_id,
                key=key or f"{kind}:{self.changes}:{workflow.now().isoformat()}",
                kind=kind,
                reason=reason,
                paused_until=paused_until,
                at=workflow.now(),
                inquiry_number=inquiry,
                why=reason if kind == "paused" else None,
                next_at=paused_until,
            )
        )
        self.changed()

    def refused(self, name: str, field: str, reason: str) -> None:
        """A signal has nobody to answer to: its rejection stands in the lead's story."""
        self.rejected += 1
        workflow.logger.warning("message rejected", extra={"signal": name, "field": field})
        if self.rejected <= _MOST_REJECTIONS_RECORDED:
            self.note("rejected_message", reason=f"{name}: {field}: {reason}"[:300], key=f"rejected:{self.rejected}")

    def status(self) -> LeadStatus:
        lead = self.lead
        return LeadStatus(
            lead_id=lead.lead_id,
            stage=lead.stage.value,
            lead_type=lead.lead_type,
            owner_id=lead.owner_id,
            next_step=self.next_step,
            next_at=self.next_at,
            why=self.why,
            paused=lead.paused,
            paused_until=lead.paused_until if lead.paused else None,
            plan=f"{lead.cadence.id} v{lead.cadence.version}",
            rejected_messages=self.rejected,
        )


def begin(start: LeadStart) -> LeadRun:
    """A new lead, or one that is started again from its rows."""
    lead = LeadState(
        lead_id=start.lead_id,
        lead_type=start.lead_type,
        cadence=start.plan,
        submitted_at=start.submitted_at,
        has_email=start.reach.has_email,
        has_phone=start.reach.has_phone,
        consent_sms=start.reach.consent_sms,
        call_requested=start.reach.call_requested,
    )
    if start.resume is None and start.is_reply:
        lead.replied(start.submitted_at, automatic=False, until=None, due=start.reply_due)
        return LeadRun(lead, Seen())
    if start.resume is None:
        return LeadRun(lead, Seen(), unanswered=[start.inquiry_number])
    before = start.resume
    lead.owner_id = before.owner_id
    lead.opened, lead.due = before.open_at, before.due_at
    lead.round = before.round
    channels = {step.id: step.channel for step in lead.track.steps}
    for row in before.steps:
        lead.settle(row.step, row.state, row.at, channels.get(row.step, "call"), row.reason)
    for channel, reason in before.closed_channels.items():
        lead.closed_channels[channel] = reason
    lead.manual_calls = before.manual_calls
    for _, happened in sorted(_what_people_did(lead, before), key=lambda event: event[0]):
        happened()
    if before.paused:
        lead.pause(before.paused_until, "paused")
    unanswered = list(range(before.acknowledged + 1, start.inquiry_number + 1))
    return LeadRun(
        lead,
        Seen(before.seen),
        unanswered=unanswered,
        answers=[AnswerSignal(number=answer.number, channel=answer.channel) for answer in before.answers],
        attempts=dict(before.attempts),
        deal_at=before.deal_at,
        watch=_watched(before),
    )


def _watched(before: Resume) -> Watch:
    """Who was asked stays asked, and what was reported is not reported again."""
    acceptance = Acceptance(
        asked=before.asked,
        since=before.asked_at,
        began=before.asked_first_at or before.asked_at,
        level=before.ask_level,
        claim=before.claim,
        accepted=before.taken,
        # all who could be were asked, and nobody is any more
        over=before.ask_level > 0 and not before.asked,
    )
    return Watch(acceptance, assigned_at=before.assigned_at, reported=set(before.missed))


def _what_people_did(lead: LeadState, before: Resume) -> Iterator[tuple[datetime, Callable[[], None]]]:
    """In the order in which it happened, the last one says where the lead stands."""
    if before.connected_at is not None:
        at = before.connected_at
        yield at, lambda: lead.call_ended(CallResult.CONNECTED, at)
    if before.replied_at is not None:
        replied = before.replied_at
        yield replied, lambda: lead.replied(replied, automatic=False, until=None, due=before.reply_due)
    if before.answered_at is not None:
        answered = before.answered_at
        yield answered, lambda: lead.answered(answered)
    if before.outcome is not None and before.outcome_at is not None:
        outcome, decided = before.outcome, before.outcome_at
        yield decided, lambda: lead.decided(outcome, decided, when=before.until)
