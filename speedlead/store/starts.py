"""The start input of a lead's workflow, built from rows alone: for a new lead, and for one whose workflow is lost."""

import re
from typing import Any

import asyncpg

from speedlead.contracts import DeliverySignal, LeadStart, Reach, Resume, StepRow, Undelivered, WrittenAnswer
from speedlead.domain.outcomes import Outcome
from speedlead.domain.plan import Plan
from speedlead.domain.watching import named
from speedlead.store.reach import LEAD_WITH_REACH
from speedlead.store.reopening import SOURCE

_ROUND = re.compile(r"^(?P<step>.+?)(?:-r(?P<round>\d+))?$")
_LOGGED = {o.value for o in Outcome}


async def build_start(connection: Any, lead_id: str, *, again: bool) -> LeadStart | None:
    """None when the lead has closed or does not exist. `again`: what happened so far is part of the input."""
    lead = await connection.fetchrow(LEAD_WITH_REACH, lead_id, None)
    if lead is None or lead["closed_at"] is not None:
        return None
    body = await connection.fetchval(
        "select body from plan where id = $1 and version = $2", lead["plan_id"], lead["plan_version"]
    )
    plan = Plan.model_validate(body)
    newest = await connection.fetchrow(
        "select number, submitted_at, source from inquiry where lead_id = $1 order by number desc limit 1", lead_id
    )
    return LeadStart(
        lead_id=lead_id,
        lead_type=lead["lead_type"],
        intent=lead["intent"],
        source=lead["source"],
        submitted_at=lead["created_at"] if not again else newest["submitted_at"],
        reach=Reach(
            has_email=lead["email"] is not None,
            has_phone=lead["phone"] is not None,
            consent_sms=bool(lead["any_consent_sms"]),
            call_requested=bool(lead["call_requested"]),
        ),
        plan=plan.cadence(),
        inquiry_number=newest["number"] if again else 1,
        is_reply=not again and newest["source"] == SOURCE,
        reply_due=await connection.fetchval("select min(due_at) from reply where lead_id = $1", lead_id),
        resume=await _resume(connection, lead) if again else None,
        watched=plan.program is None,
    )


async def _resume(connection: Any, lead: asyncpg.Record) -> Resume:
    lead_id = lead["id"]
    touches = await connection.fetch("select * from touch where lead_id = $1 order by planned_at", lead_id)
    rounds = [int(_ROUND.match(t["step"])["round"] or 1) for t in touches if t["purpose"] == "plan"]  # type: ignore[index]
    hotter = await connection.fetchrow("select times, at from lead_hotter where lead_id = $1", lead_id)
    since = hotter["at"] if hotter is not None else None
    # a hotter lead may have been lost before its new track had a touch; older releases counted touches alone
    current = max(1 + hotter["times"] if hotter is not None else 1, *rounds, 1)
    opened = lead["open_at"] is not None and (since is None or lead["open_at"] >= since)
    steps = [row for touch in touches if (row := _settled(touch, current)) is not None]
    suppressed = await connection.fetch("select distinct channel from barred where person_id = $1", lead["person_id"])
    channels = {
        c for row in suppressed for c in (("call", "sms", "email") if row["channel"] == "all" else (row["channel"],))
    }
    outcome = await connection.fetchrow(
        "select * from outcome where lead_id = $1 and outcome is not null order by at desc limit 1", lead_id
    )
    replied = await connection.fetchrow(
        """select max(received_at) as at, min(due_at) filter (where answered_at is null) as due,
               max(answered_at) as answered from reply where lead_id = $1 and not automatic""",
        lead_id,
    )
    seen = await connection.fetch(
        "select id from message where lead_id = $1 and delivered_wall is not null order by seq desc limit 1000", lead_id
    )
    paused_until, attempted = lead["paused_until"], lead["first_attempt_at"]
    indefinitely = paused_until is not None and paused_until.year > 9000
    return Resume(
        acknowledged=_acknowledged(touches),
        round=current,
        manual_calls=sum(t["step"].startswith("callback-") and t["state"] != "deferred" for t in touches),
        owner_id=lead["owner_id"],
        # what an opening for the colder track said is said again
        open_at=lead["open_at"] if opened else None,
        due_at=lead["first_attempt_due"] if opened else None,
        deal_at=lead["deal_at"],
        assign_due_at=lead["assign_due"],
        **await _asked(connection, lead),
        attempted_at=attempted if attempted is not None and (since is None or attempted >= since) else None,
        steps=tuple(steps),
        closed_channels=dict.fromkeys(channels, "opted_out"),
        replied_at=replied["at"],
        reply_due=replied["due"],
        answered_at=replied["answered"],
        connected_at=lead["first_contact_at"],
        outcome=Outcome(outcome["outcome"]) if outcome else None,
        outcome_at=outcome["at"] if outcome else None,
        until=outcome["until_at"] if outcome else None,
        paused=paused_until is not None,
        paused_until=None if indefinitely else paused_until,
        attempts=await _attempts(connection, touches),
        answers=await _unsent_answers(connection, lead_id),
        undelivered=await _undelivered(connection, lead, current),
        seen=tuple(row["id"] for row in reversed(seen)),
        replanned=await connection.fetchval(
            "select exists (select from story where lead_id = $1 and kind = 'plan_changed')", lead_id
        ),
        acknowledgements=tuple(row for touch in touches if (row := _told(touch)) is not None),
        promised_at=lead["promised_at"],
    )


async def _attempts(connection: Any, touches: list[asyncpg.Record]) -> dict[str, int]:
    """By call step, the attempts that are over; one whose phones may still ring is asked for again, to be heard out."""
    legs = await connection.fetch(
        "select touch_id, max(substring(id from '[.]rep-([0-9]+)-')::int) as attempt from leg "
        "where touch_id = any($1::text[]) and role = 'rep' group by 1",
        [touch["id"] for touch in touches if touch["channel"] == "call"],
    )
    last = {leg["touch_id"]: leg["attempt"] for leg in legs}
    made = {t["step"]: last[t["id"]] - (t["state"] == "claimed") for t in touches if t["id"] in last}
    return {step: attempts for step, attempts in made.items() if attempts > 0}


async def _unsent_answers(connection: Any, lead_id: str) -> tuple[WrittenAnswer, ...]:
    """What people of ours wrote and the lost workflow had heard of. The rest comes by its own message."""
    rows = await connection.fetch(
        """select a.number, a.channel from answer a left join touch t on t.id = a.lead_id || '.answer-' || a.number
           where a.lead_id = $1 and a.channel <> 'chat' and not a.assistant
               and (t.id is null or t.state in ('claimed', 'deferred'))
               and exists (select from message m where m.lead_id = a.lead_id and m.kind = 'answer'
                   and m.payload ->> 'number' = a.number::text and m.delivered_wall is not null)
           order by a.number""",
        lead_id,
    )
    return tuple(WrittenAnswer(number=row["number"], channel=row["channel"]) for row in rows)


async def _undelivered(connection: Any, lead: asyncpg.Record, current: int) -> tuple[Undelivered, ...]:
    """What the lost workflow had heard of messages that did not arrive, but for inquiries answered once more since."""
    rows = await connection.fetch(
        """select t.step, t.purpose, m.payload, s.at from message m join touch t on t.id = m.payload ->> 'touch_id'
           join story s on s.lead_id = m.lead_id and s.dedupe = 'delivery:' || t.id || ':' || (m.payload ->> 'status')
           where m.lead_id = $1 and m.kind = 'delivery' and m.delivered_wall is not null
               and t.purpose in ('plan', 'acknowledgement')
               and not exists (select from touch again where again.lead_id = t.lead_id
                   and again.purpose = 'acknowledgement' and t.purpose = 'acknowledgement'
                   and again.step ~ ('^ack-' || split_part(t.step, '-', 2) || '-again')
                   and again.state not in ('claimed', 'deferred'))
           order by m.seq""",
        lead["id"],
    )
    heard = []
    for row in rows:
        match = _ROUND.match(row["step"])
        assert match is not None
        if row["purpose"] == "plan" and int(match["round"] or 1) != current:
            continue
        signal = DeliverySignal.model_validate(row["payload"])
        heard.append(Undelivered(
            step=match["step"], then=signal.then, after_s=signal.again_after_s or 0, times=signal.times, at=row["at"],
        ))  # fmt: skip
    return tuple(heard)


async def _asked(connection: Any, lead: asyncpg.Record) -> dict[str, Any]:
    """Who is asked to take the lead; the first owner is, by being the owner, from the opening on."""
    offers = await connection.fetch("select * from offer where lead_id = $1 order by id", lead["id"])
    waiting = [offer for offer in offers if offer["ended_at"] is None]
    missed = await connection.fetch("select target, round from breach where lead_id = $1", lead["id"])
    return {
        "assigned_at": lead["assigned_at"],
        "taken": lead["accepted_at"] is not None,
        "asked": tuple(offer["rep_id"] for offer in waiting),
        "asked_at": waiting[0]["asked_at"] if waiting else None,
        "asked_first_at": offers[0]["asked_at"] if offers else None,
        "ask_level": max((offer["level"] for offer in offers), default=0),
        "claim": any(offer["kind"] == "claim" for offer in waiting),
        "missed": tuple(named(row["target"], row["round"]) for row in missed),
    }


def _settled(touch: asyncpg.Record, current: int) -> StepRow | None:
    """A step of the current round that has ended. An open claim is not: its activity finds the claim and reconciles."""
    match = _ROUND.match(touch["step"])
    assert match is not None
    if touch["purpose"] != "plan" or int(match["round"] or 1) != current or _acknowledges(touch):
        return None
    if touch["state"] in ("claimed", "deferred") or (
        touch["channel"] == "call" and touch["state"] == "sent" and touch["call_result"] is None
    ):
        return None
    at = touch["sent_at"] or touch["placed_at"] or touch["planned_at"]
    return StepRow(step=match["step"], state=touch["state"], at=at, reason=touch["reason"], channel=touch["channel"])


def _acknowledges(touch: asyncpg.Record) -> bool:
    """One that could not be tried at all has the purpose of all steps that are left out."""
    return bool(touch["purpose"] == "acknowledgement" or touch["step"].startswith("ack-"))


def _told(touch: asyncpg.Record) -> StepRow | None:
    """An acknowledgement that has ended on its channel."""
    if not _acknowledges(touch) or touch["state"] in ("claimed", "deferred"):
        return None
    at = touch["sent_at"] or touch["settled_at"] or touch["placed_at"] or touch["planned_at"]
    return StepRow(step=touch["step"], state=touch["state"], at=at, reason=touch["reason"], channel=touch["channel"])


def _acknowledged(touches: list[asyncpg.Record]) -> int:
    """How many inquiries have their answer, counted without a gap."""
    ways = [(int(t["step"].split("-")[1]), t["state"]) for t in touches if t["purpose"] == "acknowledgement"]
    begun = {number for number, _ in ways}
    # a text that waits for its lawful hour is still owed
    still_open = {number for number, state in ways if state in ("claimed", "deferred")}
    number = 0
    while number + 1 in begun - still_open:
        number += 1
    return number
