"""What follows from what a mapping has made: an inquiry, a rep's outcome, another owner, an entry of the ledger."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from starlette.responses import JSONResponse

from speedlead import ids
from speedlead.cadence_errors import LeadNotFound, LeadRefused
from speedlead.contact_marks import marks_of
from speedlead.domain.outcomes import Outcome
from speedlead.gateway.context import Context
from speedlead.gateway.webhooks import Act, Acted, NotYet
from speedlead.mappings.ledger import Booked
from speedlead.mappings.making import Made, NewChange, NewLead, NewStatus
from speedlead.mappings.model import Mapping
from speedlead.plan_shelf import in_use, running
from speedlead.ports import Clock
from speedlead.roi.ledger import Entry
from speedlead.store import audit, crm, mapped
from speedlead.store.intake import Submission, take_in
from speedlead.store.ledger import LedgerRefused, import_entries
from speedlead.store.outcomes import Logged, OutcomeRefused, log_outcome
from speedlead.store.remarks import remark
from speedlead.store.rows import put_notice
from speedlead.store.webhooks import Received

# why an outcome that another system told was logged, where it does not say
TOLD_ELSEWHERE = "told_elsewhere"
CIRCLE = "systems tell each other of it in a circle; a person decides"


@dataclass
class Told:
    """What the sender is told: what was made, or why nothing was."""

    made: list[dict[str, Any]] = field(default_factory=list)
    reason: str | None = None
    # of parts that could not be used beside others that could
    faults: list[str] = field(default_factory=list)

    def said(self) -> dict[str, Any]:
        if self.made or self.faults:
            return {"made": self.made, "not_made": self.faults}
        return {"made": None, "reason": self.reason or "it was here before, or waits to be acted on"}


def acts_of(
    context: Context, mapping: Mapping, made: Sequence[Made], received: Received, clock: Clock, told: Told
) -> tuple[Act, ...]:
    """Each may be done twice: what it leads to is known by the sender's id, or by that of the request."""
    found: list[Act] = [partial(_faulty, received, told.faults)] if told.faults else []
    for one in made:
        key = one.key or f"{received.digest}:{one.number}"
        match one.what:
            case NewLead():
                found.append(partial(_lead, context, mapping, one, one.what, key, received, clock, told))
            case NewStatus():
                # one after the other: the workflow that is asked for another owner writes the lead's row itself
                if one.what.owner is not None:
                    found.append(partial(_owner, context, mapping, one, one.what.owner, key, received, told))
                if one.what.outcome is not None:
                    found.append(partial(_outcome, context, mapping, one, one.what, key, received, clock, told))
            case NewChange():
                found.append(partial(_changed, mapping, one, received, told))
            case Booked():
                found.append(partial(_booked, mapping, one, one.what, received, clock, told))
    return tuple(found)


async def _lead(
    context: Context, mapping: Mapping, one: Made, new: NewLead, key: str, received: Received, clock: Clock, told: Told,
    conn: Any,
) -> Acted:  # fmt: skip
    deps, inquiry = context.deps, new.inquiry
    submission = Submission(
        inquiry=inquiry, form_key=f"in:{mapping.name}", idempotency_key=key,
        marks=marks_of(deps.credentials.secret_bytes, inquiry.email, inquiry.phone),
    )  # fmt: skip
    taken = await take_in(conn, deps.clock, in_use(deps.plan), submission, running(deps.plan))
    wall = deps.clock.wall()
    if taken.repeat:
        remark("repeated")
    about = [text for text in (inquiry.email, inquiry.phone) if text]
    if one.who.external_id is not None:
        await mapped.remember(conn, mapping.of, one.who.external_id, taken.lead_id, wall)
        about.append(f"{mapping.of}:{one.who.external_id}")
    await mapped.wake(conn, about, wall)
    reason = f"left out: {'; '.join(one.left_out)}" if one.left_out else None
    await mapped.note(conn, received.digest, reason, taken.lead_id)
    context.counters.add("inquiries_repeated" if taken.repeat else "inquiries", door="mapping")
    answer = {"made": "lead", "lead_id": taken.lead_id, "repeat": taken.repeat, "left_out": list(one.left_out)}
    return _said(told, answer, told_lead=None if taken.repeat else taken.lead_id, start=taken.start)


async def _owner(
    context: Context, mapping: Mapping, one: Made, owner: str, key: str, received: Received, told: Told, conn: Any
) -> Acted:
    """Asks the running lead, as a manager would. The line of the audit stands before."""
    lead_id = await _lead_of(conn, mapping, one)
    if lead_id is None:
        return await _passed(conn, received, told)
    rep_id = await mapped.rep_of(conn, owner)
    before = await audit.lead_facts(conn, lead_id)
    if rep_id is None or before is None:
        return await _nothing(conn, received, told, "owner: expected the e-mail address of an active rep", lead_id)
    if before["owner_id"] == rep_id:
        return await _nothing(conn, received, told, "owner: it was so already", lead_id)
    if await _circles(conn, mapping, lead_id, None, context.deps.clock):
        return await _nothing(conn, received, told, f"owner: {CIRCLE}", lead_id)
    request_id = str(uuid.uuid5(uuid.UUID(lead_id), f"{mapping.name}:owner:{key}"))
    wall = context.deps.clock.wall()
    line = await audit.begin(conn, _change(mapping, "reassign", lead_id, {"rep_id": rep_id}, request_id), before, wall)
    try:
        await context.deps.leads.update(
            lead_id, "reassign", {"rep_id": rep_id, "by": "ops", "reason": TOLD_ELSEWHERE},
            key=ids.update_id(request_id, "reassign"),
        )  # fmt: skip
    except (LeadRefused, LeadNotFound) as error:
        await audit.end(conn, line, before, 409)
        return await _nothing(conn, received, told, f"owner: {type(error).__name__}: the lead is closed", lead_id)
    await audit.end(conn, line, await audit.lead_facts(conn, lead_id), 200)
    await _known(conn, mapping, one, lead_id, received, context.deps.clock)
    return _said(told, {"made": "owner", "lead_id": lead_id, "owner_id": rep_id})


async def _outcome(
    context: Context, mapping: Mapping, one: Made, new: NewStatus, key: str, received: Received, clock: Clock,
    told: Told, conn: Any,
) -> Acted:  # fmt: skip
    lead_id = await _lead_of(conn, mapping, one)
    if lead_id is None:
        return await _passed(conn, received, told)
    assert new.outcome is not None
    outcome_id = str(uuid.uuid5(uuid.UUID(lead_id), f"{mapping.name}:{key}"))
    if await mapped.is_logged(conn, outcome_id):
        remark("repeated")
        return _said(told, {"made": "status", "lead_id": lead_id, "outcome": new.outcome, "repeat": True})
    if await mapped.is_ahead(conn, lead_id, clock.business(0)):
        clock = context.deps.clock  # what was told ahead of the lead counts from when there is one
    if await mapped.same_outcome(conn, lead_id, new.outcome, new.at or new.until, new.scope):
        return await _nothing(conn, received, told, "status: it was so already", lead_id)
    if await _circles(conn, mapping, lead_id, new.outcome, clock):
        return await _nothing(conn, received, told, f"status: {CIRCLE}", lead_id)
    before = await audit.lead_facts(conn, lead_id)
    logged = Logged(
        lead_id, outcome=new.outcome, at=new.at, until=new.until, scope=new.scope,
        reason=new.reason or TOLD_ELSEWHERE, note=new.note, outcome_id=outcome_id,
    )  # fmt: skip
    try:
        state = await log_outcome(conn, clock, logged)
    except OutcomeRefused as error:
        why = f"{error.field}: {error.reason}; expected {error.expected}" if error.field else "the lead is closed"
        return await _nothing(conn, received, told, why, lead_id)
    assert state is not None
    asked = {"outcome": new.outcome.value, "reason": new.reason, "scope": new.scope}
    change = _change(mapping, "outcome", lead_id, {name: text for name, text in asked.items() if text}, outcome_id)
    line = await audit.begin(conn, change, before, clock.wall())
    await audit.end(conn, line, await audit.lead_facts(conn, lead_id), 200)
    await _known(conn, mapping, one, lead_id, received, clock)
    answer = {"made": "status", "lead_id": lead_id, "outcome": new.outcome.value}
    return _said(told, answer, told_lead=lead_id if state.open else None)


async def _changed(mapping: Mapping, one: Made, received: Received, told: Told, conn: Any) -> Acted:
    """A chore looks at it over there."""
    external_id = one.who.external_id or ""
    if not await crm.mark(conn, mapping.of, external_id):
        return await _passed(conn, received, told)
    return _said(told, {"made": "change", "external_id": external_id})


async def _booked(
    mapping: Mapping, one: Made, new: Booked, received: Received, clock: Clock, told: Told, conn: Any
) -> Acted:
    lead_id = await _lead_of(conn, mapping, one, new.day)
    if lead_id is None:
        return await _passed(conn, received, told)
    entry = Entry(0, new.reference, new.kind, new.day, new.amount, new.currency, lead_id, None, new.told_at)
    try:
        done = await import_entries(conn, [entry], mapping.name, clock.wall(), dry_run=False)
    except LedgerRefused as error:
        return await _nothing(conn, received, told, str(error), lead_id)
    if done.old:
        return await _nothing(conn, received, told, "reference: something newer is known of it", lead_id)
    if done.same:
        remark("repeated")
    await _known(conn, mapping, one, lead_id, received, clock)
    return _said(told, {"made": new.kind, "lead_id": lead_id, "reference": new.reference, "amount": str(new.amount),
                        "currency": new.currency})  # fmt: skip


# ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _lead_of(conn: Any, mapping: Mapping, one: Made, paid_on: date | None = None) -> str | None:
    """Raises NotYet; None where a mapping passes over whoever is no lead of ours."""
    who = one.who
    found = await mapped.lead_of(conn, mapping.of, who.lead_id, who.external_id, who.email, who.phone, paid_on=paid_on)
    if found is None:
        remark("unknown_touch")
        if mapping.unknown == "wait":
            raise NotYet(mapped.NO_LEAD)
    return found


async def _circles(conn: Any, mapping: Mapping, lead_id: str, outcome: Outcome | None, clock: Clock) -> bool:
    """Whether to leave it at what it is, of which ops hears once a day. An opt-out always counts."""
    if outcome is Outcome.DO_NOT_CONTACT:
        return False
    wall = clock.wall()
    why = await mapped.circles(conn, lead_id, _role(mapping), outcome, wall)
    if why is not None:
        await put_notice(
            conn, audience="ops", kind="systems_disagree", at=clock.business(0), lead_id=lead_id, reason=why,
            dedupe=f"systems_disagree:{lead_id}:{wall.date()}",
        )  # fmt: skip
    return why is not None


def _role(mapping: Mapping) -> str:
    return f"mapping: {mapping.name}"


async def _known(conn: Any, mapping: Mapping, one: Made, lead_id: str, received: Received, clock: Clock) -> None:
    """Found by an address once, by its id from now on."""
    if one.who.external_id is not None:
        await mapped.remember(conn, mapping.of, one.who.external_id, lead_id, clock.wall())
    await mapped.note(conn, received.digest, None, lead_id)


async def _faulty(received: Received, faults: Sequence[str], conn: Any) -> Acted:
    await mapped.note(conn, received.digest, f"not made: {'; '.join(faults)}", None)
    return Acted()


async def _passed(conn: Any, received: Received, told: Told) -> Acted:
    await mapped.note(conn, received.digest, f"passed over: {mapped.NO_LEAD}", None)
    return _said(told, {"made": None, "reason": f"passed over: {mapped.NO_LEAD}"})


async def _nothing(conn: Any, received: Received, told: Told, reason: str, lead_id: str) -> Acted:
    await mapped.note(conn, received.digest, f"nothing done: {reason}", lead_id)
    return _said(told, {"made": None, "reason": reason, "lead_id": lead_id})


def _change(mapping: Mapping, action: str, lead_id: str, asked: dict[str, Any], request_id: str) -> audit.Change:
    return audit.Change(None, _role(mapping), None, f"mapping {action}", lead_id, asked,
                        request_id=request_id)  # fmt: skip


def _said(told: Told, answer: dict[str, Any], *, told_lead: str | None = None, start: Any = None) -> Acted:
    told.made.append(answer)
    return Acted((told_lead,) if told_lead else (), JSONResponse(answer, 202), start)
