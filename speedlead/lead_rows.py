"""The pure state of a lead, from the start input that its rows make: for its workflow, and for a look without one."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from speedlead.contracts import LeadStart, Resume
from speedlead.domain.lead import LeadState, Report
from speedlead.domain.outcomes import CallResult, Stage
from speedlead.domain.recovery import restored

_FIRST = {None: Stage.NEW, "nurture": Stage.NURTURING, "customer": Stage.CONVERTED}


def state_of(start: LeadStart) -> LeadState:
    """A new lead, or one that has been under way. What only its workflow knew (an owed call) is not in it."""
    lead = LeadState(
        lead_id=start.lead_id,
        lead_type=start.lead_type,
        cadence=start.plan,
        submitted_at=start.submitted_at,
        has_email=start.reach.has_email,
        has_phone=start.reach.has_phone,
        consent_sms=start.reach.consent_sms,
        call_requested=start.reach.call_requested,
        stage=_FIRST[start.plan.program],
    )
    if start.resume is None:
        if start.is_reply:
            lead.replied(start.submitted_at, automatic=False, until=None, due=start.reply_due)
        return lead
    before = start.resume
    lead.owner_id = before.owner_id
    lead.opened, lead.due = before.open_at, before.due_at
    lead.round = before.round
    lead.replanned = before.replanned
    channels = {step.id: step.channel for step in lead.track.steps}
    for row in before.steps:
        lead.settle(row.step, row.state, row.at, row.channel or channels.get(row.step, "call"), row.reason)
    lead.first_attempt_at = before.attempted_at or lead.first_attempt_at
    for channel, reason in before.closed_channels.items():
        lead.closed_channels[channel] = reason
    lead.manual_calls = before.manual_calls
    restored(lead, [
        (word.step, Report(word.then, timedelta(seconds=word.after_s), word.times), word.at)
        for word in before.undelivered
    ])  # fmt: skip
    for _, happened in sorted(_what_people_did(lead, before), key=lambda event: event[0]):
        happened()
    if before.paused:
        lead.pause(before.paused_until, "paused")
    return lead


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
