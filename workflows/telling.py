"""What the running workflow knows of its lead, in the shape from which everybody tells it (`speedlead/telling.py`)."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from speedlead.telling import Past, Told
    from workflows.state import LeadRun

# what an owner has to do while the plan stands still -> what the lead waits for; all others wait for the owner's word
_PERSON = {"replied": "reply", "booked": "meeting", "nurturing": "later"}
_WHY = {"replied": "replied", "booked": "meeting_booked", "nurturing": "not_now"}


def utc(at: datetime) -> str:
    """A workflow has no zone data (docs/adr/0003)."""
    return f"{at:%a} {at.day} {at:%b, %H:%M} UTC"


def told_by(run: LeadRun) -> Told:
    lead = run.lead
    past = [Past(way.at, way.step, way.channel, way.state, way.reason) for way in run.acknowledged.values()]
    past += [
        Past(end.at, lead.touch_step(step), end.channel, end.state, end.reason) for step, end in lead.settled.items()
    ]
    waits_for = _waits_for(run)
    # a reminder of ours is nothing that comes to the lead, but for the day that was agreed
    at = run.next_at if waits_for in ("clock", "call", "paused", "later") else None
    in_order = tuple(sorted(past, key=lambda step: step.at))
    return Told(lead.stage.value, in_order, run.next_step, at, _why(run), waits_for, run.promised)


def _why(run: LeadRun) -> str | None:
    lead = run.lead
    if lead.ending is None and not lead.paused and not lead.callbacks and lead.follow_up is not None:
        return _WHY.get(lead.follow_up.kind, run.why)
    return run.why


def _waits_for(run: LeadRun) -> str:
    lead = run.lead
    if run.closed:
        return "closed"
    if run.calling:
        return "call"
    if lead.paused:
        return "paused"
    if lead.callbacks:
        return "clock"
    if lead.follow_up is not None:
        return _PERSON.get(lead.follow_up.kind, "person")
    return "clock" if run.next_at is not None else "nobody"
