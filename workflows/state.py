"""Everything one running lead remembers: the pure state of the lead, and what of it is on its way somewhere."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from speedlead.contracts import (
        AnswerSignal,
        CallProgressSignal,
        LeadStart,
        LeadStatus,
        RecordRequest,
        Resume,
        Steered,
        TouchState,
        Way,
    )
    from speedlead.domain.acceptance import Acceptance
    from speedlead.domain.lead import LeadState
    from speedlead.domain.plan import Cadence
    from speedlead.domain.recovery import inquiry_unheard
    from speedlead.domain.watching import Watch
    from speedlead.ids import short
    from speedlead.lead_rows import state_of
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
    # how each acknowledgement ended on its channel, by step, and by when the newest one promised a person
    acknowledged: dict[str, Way] = field(default_factory=dict)
    promised: datetime | None = None
    # numbers of inquiries that wait for their answer
    unanswered: list[int] = field(default_factory=list)
    # inquiries whose answer did not arrive, and from when on it may go once more
    unheard: list[tuple[int, datetime]] = field(default_factory=list)
    # what people of ours wrote and nobody has begun to send
    answers: list[AnswerSignal] = field(default_factory=list)
    # messages of the lead that the assistant may answer, by their rows
    turns: list[str] = field(default_factory=list)
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
    # the rep who asked for a call at once, and when
    caller: tuple[str, datetime] | None = None
    task_result: str | None = None
    rejected: int = 0
    next_step: str | None = None
    next_at: datetime | None = None
    why: str = "routing"
    # the round for which all that is known was looked up
    enriched: int = 0
    # no owner before then, on purpose
    deal_at: datetime | None = None
    # phones of ours ring for this lead: whoever takes the call takes the lead
    calling: bool = False
    watch: Watch = field(default_factory=Watch)
    # touches under way: claimed, ringing, or in doubt
    touching: int = 0
    # the call that a rep is asked to make by hand, and who is asked
    offering: tuple[str, str | None] | None = None
    # where the lead goes to as soon as no touch is under way
    plan_to: Cadence | None = None
    plan_asked: Steered | None = None
    shown: tuple[object, ...] = ()
    closed: bool = False

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
        rep_id: str | None = None,
        steered: Steered | None = None,
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
                rep_id=rep_id,
                why=reason if kind == "paused" else None,
                next_at=paused_until,
                steered=steered,
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
            plan=named(lead.cadence),
            plan_waits=named(self.plan_to) if self.plan_to is not None else None,
            rejected_messages=self.rejected,
        )


def heeds_what_came() -> bool:
    """Asked only where something came during a wait: leads that went the old way when it did, go it again."""
    return workflow.patched("facts-during-a-wait")


def named(plan: Cadence) -> str:
    return f"{plan.id} v{plan.version}"


def begin(start: LeadStart) -> LeadRun:
    """A new lead, or one that is started again from its rows."""
    lead = state_of(start)
    before = start.resume
    if before is None:
        nobody_waits = start.is_reply or start.plan.program is not None
        return LeadRun(lead, Seen(), unanswered=[] if nobody_waits else [start.inquiry_number])
    unanswered = list(range(before.acknowledged + 1, start.inquiry_number + 1)) if start.plan.program is None else []
    return LeadRun(
        lead,
        Seen(before.seen),
        unanswered=unanswered,
        unheard=[
            (number, word.at + timedelta(seconds=word.after_s if word.then == "again" else 0))
            for word in before.undelivered
            if (number := inquiry_unheard(word.step, word.then)) is not None
        ],
        answers=[AnswerSignal(number=answer.number, channel=answer.channel) for answer in before.answers],
        attempts=dict(before.attempts),
        acknowledged={
            row.step: Way(
                step=row.step,
                channel="sms" if row.channel == "sms" else "email",
                state=TouchState(row.state),
                at=row.at,
                reason=row.reason,
            )
            for row in before.acknowledgements
        },
        promised=before.promised_at,
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
    return Watch(
        acceptance,
        assigned_at=before.assigned_at,
        assign_due=before.assign_due_at,
        reported=set(before.missed),
        round=before.round,
    )
