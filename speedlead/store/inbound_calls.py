"""Calls to our number: whose phones ring for it, and what it means for the lead (REQ 22, 111).

Answered, it is a contact like any other: the plan stops and the rep owes the outcome. Missed, it is an inquiry that
asks for a call; of a lead that is open, a question that waits for a person of ours. One row for each CallSid.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from speedlead import ids
from speedlead.contact_marks import marks_of
from speedlead.contracts import ReplySignal
from speedlead.domain.opening import Opening, serving, turn_at
from speedlead.domain.outcomes import CallResult
from speedlead.domain.plan import Plan
from speedlead.domain.sla import LeadFacts
from speedlead.intake import OTHER, Inquiry, Rules, read_inquiry
from speedlead.ports import Clock
from speedlead.records import LeadRecord, RepRecord
from speedlead.returns import Returns
from speedlead.store import assistant, voice_consent
from speedlead.store.intake import Submission, take_in
from speedlead.store.outcomes import Logged, OutcomeRefused, log_outcome
from speedlead.store.programs import leave
from speedlead.store.reach import LEAD_WITH_REACH, record_of
from speedlead.store.reps import is_one_of_us
from speedlead.store.rows import daily, lock_open_lead, lock_person, newest_lead, put_message, put_notice
from speedlead.store.senders import people_behind
from speedlead.store.story import tell_story
from speedlead.store.strangers import HOUR

INTENT = "phone_call"  # of the plan; one that does not know it treats such a lead as `other`
DOOR = "phone"
# the caller hears it ring for so long at most: 20 s each and a key
MOST_RUNG = 2
# so many callers of whom we know no open lead become leads within an hour: a call a minute for an hour is more than the
# two phones that ring could ever take, and a machine that dials from ever other numbers would have us call them all
MOST_STRANGERS = 60
# the call is over for certain, and no report of its end has reached us
FORGOTTEN_AFTER = timedelta(minutes=3)
# the same of one in which the assistant spoke: its socket is closed long before (gateway/voice_relay.py)
TALK_FORGOTTEN_AFTER = timedelta(minutes=15)
# a consent text makes it a call that was asked for; it is no tick for calls, and none for texts
_ASKED = "Called our number."

# (words, language) for a caller whom nobody answers, from the first human step (None: no promise), now, and who it is
Speak = Callable[[Opening | None, datetime, LeadRecord | None], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Ringing:
    """A call and the phone that rings for it now; no `phone`: nobody (more) is there. `who`: what the rep hears."""

    call_id: str
    state: str
    turn: int
    phone: str | None
    who: str
    about: str | None


async def begin(conn: Any, clock: Clock, returns: Returns, call_sid: str, sender: str) -> Ringing:
    """The same answer when the same call asks again."""
    known = await conn.fetchval("select id from inbound_call where call_sid = $1", call_sid)
    if known is None:
        number = caller_number(returns.plan, sender)
        lead = await _newest_lead_of(conn, number)
        ours = number and await is_one_of_us(conn, number)
        reps = await returns.reps(conn)
        now = clock.business(lead["clock_offset_us"] if lead else 0)
        nobody = ours or (lead is None and await _too_many(conn, clock))
        ring = [] if nobody else whom_to_ring(reps, lead and lead["owner_id"], now)
        known = await conn.fetchval(
            """insert into inbound_call (id, call_sid, number, reps, state, at, at_wall)
               values ($1, $2, $3, $4, $5, $6, $7)
               on conflict (call_sid) do update set call_sid = excluded.call_sid returning id""",
            ids.new_id(), call_sid, number, ring, "ours" if ours else "ringing", now, clock.wall(),
        )  # fmt: skip
    return await turn_of(conn, known, 0)


def whom_to_ring(reps: Sequence[RepRecord], owner_id: str | None, now: datetime) -> list[str]:
    """The owner, if at work, then whoever is on shift with the fewest leads; then the levels of who is on call."""
    facts = LeadFacts("warm", INTENT, "inbound_call", channel=DOOR)
    able = [
        rep for rep in reps
        if rep.phone and not rep.manager and rep.presence == "available" and "call" in rep.channels
        and any(shift.holds(now) for shift in serving(rep.shifts, facts))
        and not any(start <= now < end for start, end in rep.not_there)
    ]  # fmt: skip
    turn = {rep.rep_id: turn_at(serving(rep.shifts, facts), now) or 0 for rep in able}
    able.sort(key=lambda rep: (turn[rep.rep_id], rep.rep_id != owner_id, rep.open_leads / max(rep.weight, 1)))
    return [rep.rep_id for rep in able[:MOST_RUNG]]


async def ring_again(conn: Any, clock: Clock, returns: Returns, call_id: str) -> None:
    """After a talk with the assistant: whoever is there by now and has not been rung takes the next turns."""
    call = await _locked(conn, call_id)
    lead = await _newest_lead_of(conn, call["number"]) if call["state"] == "assistant" else None
    if lead is None:
        return
    there = whom_to_ring(await returns.reps(conn), lead["owner_id"], clock.business(lead["clock_offset_us"]))
    more = [rep_id for rep_id in there if rep_id not in call["reps"]]
    if more:
        await conn.execute(
            "update inbound_call set state = 'ringing', reps = reps || $2::uuid[], at_wall = $3 where id = $1",
            call["id"], more, clock.wall(),
        )  # fmt: skip


async def turn_of(conn: Any, call_id: str, turn: int) -> Ringing:
    """Raises LookupError for a call that is not ours."""
    row = await conn.fetchrow(
        """select c.*, r.phone from inbound_call c left join rep r on r.id = c.reps[$2 + 1]
           where c.id = $1::text::uuid""",
        call_id, turn,
    )  # fmt: skip
    if row is None:
        raise LookupError("there is no such call")
    lead = await _newest_lead_of(conn, row["number"])
    known = await conn.fetchrow(LEAD_WITH_REACH, lead["id"], None) if lead else None
    who = " from ".join(part for part in (known["name"], known["company"]) if part) if known else ""
    about = known["intent"] if known else None
    return Ringing(row["id"], row["state"], turn, row["phone"], who or "somebody new", about)


async def accepted(
    conn: Any, clock: Clock, plan: Plan, call_id: str, turn: int, secret: bytes
) -> tuple[bool, str | None]:
    """The rep pressed the key: (may the two be connected?, the lead that has a message to its workflow)."""
    call = await _locked(conn, call_id)
    rep_id = call["reps"][turn] if turn < len(call["reps"]) else None
    if rep_id is None or call["state"] != "ringing":
        return call["state"] == "connected" and call["rep_id"] == rep_id, None
    lead_id = await _spoken_to(conn, clock, plan, call, rep_id, secret)
    await _end(conn, clock, call, "connected", lead_id, rep_id)
    return True, lead_id


async def missed(
    conn: Any, clock: Clock, returns: Returns, call_id: str, speak: Speak, secret: bytes
) -> tuple[tuple[str, str], str | None]:
    """(what the caller is told, the lead that has a message to its workflow); the same words when asked again."""
    call = await _locked(conn, call_id)
    if call["state"] not in ("ringing", "assistant"):
        return (call["said"] or "", call["language"] or ""), None
    if call["relay_wall"] is not None and (talked := await _talked(conn, clock, returns, call, speak)) is not None:
        return talked, None
    now, lead_id, opening, record = clock.business(0), None, None, None
    inquiry = _inquiry(returns.plan, call["number"])
    lead = await _open_lead_of(conn, clock, call["number"]) if inquiry else None
    if inquiry is None:  # the number is hidden: nobody can call back
        await put_notice(conn, audience="manager", kind="missed_call", at=now, dedupe=f"missed_call:{call['id']}")
    elif lead is None and await _too_many(conn, clock):
        # a flood is one thing to know
        dedupe = daily("missed_call", "too_many", now)
        await put_notice(conn, audience="manager", kind="missed_call", at=now, reason="too_many", dedupe=dedupe)
    else:
        if lead is not None:
            lead_id, now = lead["id"], clock.business(lead["clock_offset_us"])
        else:
            lead_id = (await take_in(conn, clock, returns.plan, _submission(inquiry, call, secret))).lead_id
        row = await conn.fetchrow(LEAD_WITH_REACH, lead_id, None)
        record = record_of(row)
        opening = await returns.call_back(conn, record, now)
        if lead is not None:
            await _waits(conn, lead, call, opening.due, now)
        if row["plan_stopped"] == "opted_out":  # a person decides first: nothing is promised
            opening = None
    said = speak(opening, now, record)
    await conn.execute("update inbound_call set said = $2, language = $3 where id = $1", call["id"], *said)
    await _end(conn, clock, call, "missed", lead_id)
    return said, lead_id


async def forgotten(conn: Any, clock: Clock) -> list[str]:
    """Calls of whose end nobody has told us."""
    rows = await conn.fetch(
        """select id from inbound_call where state = 'ringing' and at_wall < $1 or state = 'assistant' and at_wall < $2
           order by at_wall limit 20""",
        clock.wall() - FORGOTTEN_AFTER, clock.wall() - TALK_FORGOTTEN_AFTER,
    )  # fmt: skip
    return [row["id"] for row in rows]


async def call_of(conn: Any, call_sid: str) -> str | None:
    found: str | None = await conn.fetchval("select id from inbound_call where call_sid = $1", call_sid)
    return found


def caller_number(plan: Plan, sender: str) -> str | None:
    """E.164; None for what a network sends in the place of a hidden number (Twilio: +266696687 and other words)."""
    inquiry = _inquiry(plan, sender)
    return inquiry.phone if inquiry else None


# ── what it means for the lead ───────────────────────────────────────────────────────────────────────────────────────


async def _spoken_to(conn: Any, clock: Clock, plan: Plan, call: Any, rep_id: str, secret: bytes) -> str | None:
    inquiry = _inquiry(plan, call["number"])
    if inquiry is None:
        return None  # the rep asks who it is
    lead = await _open_lead_of(conn, clock, call["number"])
    if lead is None:
        lead_id = (await take_in(conn, clock, plan, _submission(inquiry, call, secret))).lead_id
        await conn.execute(
            # somebody has just answered them: no receipt
            """insert into touch (id, lead_id, person_id, step, channel, purpose, state, reason, reasons, planned_at,
                   placed_at, settled_at)
               select $2, id, person_id, 'ack-1', 'email', 'acknowledgement', 'skipped', $3, array[$3], created_at,
                   created_at, created_at
               from lead where id = $1 on conflict (id) do nothing""",
            lead_id, f"{lead_id}.ack-1", "person_answers",
        )  # fmt: skip
    else:
        lead_id = lead["id"]
    await conn.execute(
        """update lead set owner_id = coalesce(owner_id, $2), plan_stopped = coalesce(plan_stopped, 'replied'),
               next_step = null, next_touch_at = null, next_why = 'waiting_for_outcome' where id = $1""",
        lead_id, rep_id,
    )  # fmt: skip
    logged = Logged(lead_id, call_result=CallResult.CONNECTED, rep_id=rep_id, outcome_id=call["id"])
    try:
        await log_outcome(conn, clock, logged)
    except OutcomeRefused:  # the rep is not active any more; the call took place all the same
        await log_outcome(conn, clock, Logged(lead_id, call_result=CallResult.CONNECTED, outcome_id=call["id"]))
    return str(lead_id)


async def _talked(conn: Any, clock: Clock, returns: Returns, call: Any, speak: Speak) -> tuple[str, str] | None:
    """The end of a talk with the assistant, with what the caller is told. None: they said nothing in it.

    What they did say waits for the owner already, who is told of the call now; of a booking the meeting has told.
    """
    heard = await conn.fetchrow(
        """select y.id, coalesce(t.act, 'thinking') as act, a.id is null or a.shown_wall is not null as said,
               min(y.due_at) over () as due
           from reply y left join assistant_turn t on t.reply_id = y.id left join answer a on a.id = t.answer_id
           where y.lead_id = $1 and y.channel = 'call' and starts_with(y.provider_id, $2 || ':')
           order by y.received_at desc, length(y.provider_id) desc, y.provider_id desc limit 1""",
        call["lead_id"], call["call_sid"],
    )  # fmt: skip
    if heard is None:
        return None
    row = await conn.fetchrow(LEAD_WITH_REACH, call["lead_id"], None)
    record, now = record_of(row), clock.business(row["clock_offset_us"])
    # who wants no more of it waits for nothing
    waits = heard["act"] == "thinking" and await voice_consent.holds(conn, call["lead_id"], call["number"])
    if waits:  # nobody is there any more to hear what comes of it
        await assistant.give_up(conn, clock, call["lead_id"], heard["id"], "hung_up")
    opening = None if row["plan_stopped"] == "opted_out" else await returns.call_back(conn, record, now)
    said = speak(opening, now, record)
    await conn.execute("update inbound_call set said = $2, language = $3 where id = $1", call["id"], *said)
    why = "assistant_spoke" if heard["said"] and not waits else "hung_up"
    await _end(conn, clock, call, "spoken", call["lead_id"], why=why)
    if heard["act"] != "book":
        reason = None if why == "assistant_spoke" else why
        await assistant.tell_of_talk(
            conn, call["lead_id"], row["owner_id"], call["call_sid"], reason, now, heard["due"]
        )  # fmt: skip
    return said


async def _waits(conn: Any, lead: Any, call: Any, due: datetime | None, now: datetime) -> None:
    """Like a reply: the plan stops, and the owner is told and reminded until somebody has called back."""
    await conn.execute(
        """insert into reply (id, lead_id, person_id, channel, body, provider_id, received_at, due_at)
           values ($1, $2, $3, 'call', $4, $5, $6, $7) on conflict (channel, provider_id) do nothing""",
        ids.new_id(), lead["id"], lead["person_id"], "(called us, and nobody was there)", call["call_sid"], now, due,
    )  # fmt: skip
    await conn.execute("update lead set plan_stopped = coalesce(plan_stopped, 'replied') where id = $1", lead["id"])
    await put_message(conn, lead["id"], "reply", ReplySignal(channel="call", due=due))


async def _end(
    conn: Any, clock: Clock, call: Any, state: str, lead_id: str | None, rep_id: str | None = None,
    why: str = "nobody_took_it",
) -> None:  # fmt: skip
    offset = await conn.fetchval("select clock_offset_us from lead where id = $1", lead_id) if lead_id else None
    now = clock.business(offset or 0)
    await conn.execute(
        "update inbound_call set state = $2, lead_id = $3, rep_id = $4, ended_at = $5 where id = $1",
        call["id"], state, lead_id, rep_id, now,
    )  # fmt: skip
    if lead_id is not None:
        await tell_story(
            conn, lead_id, kind="called_us", at=now, dedupe=f"inbound_call:{call['id']}",
            reason=None if state == "connected" else why,
            data={"channel": "call", "result": "connected" if state == "connected" else None, "rep_id": rep_id},
        )  # fmt: skip


async def _too_many(conn: Any, clock: Clock) -> bool:
    """Every lead of the last hour is looked at, whatever its door: by the index on when they came."""
    count = "select count(*) from lead where form_key = $1 and created_at > $2"
    return bool(await conn.fetchval(count, DOOR, clock.business(0) - HOUR) >= MOST_STRANGERS)


async def _locked(conn: Any, call_id: str) -> Any:
    call = await conn.fetchrow("select * from inbound_call where id = $1::text::uuid for update", call_id)
    if call is None:
        raise LookupError("there is no such call")
    return call


async def _newest_lead_of(conn: Any, number: str | None) -> Any | None:
    if number is None:
        return None
    people, _ = await people_behind(conn, "sms", number, None)
    return await newest_lead(conn, people[0]) if people else None


async def _open_lead_of(conn: Any, clock: Clock, number: str) -> Any | None:
    """Locked, with its person. A program ends: whoever calls us has something to say."""
    people, _ = await people_behind(conn, "sms", number, None)
    if not people:
        return None
    await lock_person(conn, people[0])
    lead = await lock_open_lead(conn, people[0])
    now = clock.business(lead["clock_offset_us"] if lead else 0)
    return await leave(conn, lead, reason="called_us", at=now)


def _submission(inquiry: Inquiry, call: Any, secret: bytes) -> Submission:
    marks = marks_of(secret, None, inquiry.phone)
    return Submission(inquiry, DOOR, idempotency_key=call["call_sid"], marks=marks)


def _inquiry(plan: Plan, number: str | None) -> Inquiry | None:
    intents = tuple(name for names in plan.intents.values() for name in names)
    intent = INTENT if INTENT in intents else OTHER
    fields = {
        "phone": number, "intent": intent, "source": "inbound_call", "channel": DOOR, "consent_text": _ASKED,
    }  # fmt: skip
    if number is None or not number.startswith("+"):
        return None
    try:
        return read_inquiry(fields, Rules(intents, default_channel=DOOR))
    except ValidationError:
        return None
