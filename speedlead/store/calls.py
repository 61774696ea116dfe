"""The legs of a call attempt as the provider reports them: first the rep's phone, then the lead's.

Reports may be lost, repeated or late, so the first one that ends a leg counts. A later one changes nothing, unless it
says that more has happened: that the lead was spoken to.
Ringing a rep is no attempt; the attempt starts when the lead's phone rings.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from speedlead.contracts import CallProgressSignal
from speedlead.domain.outcomes import NOT_AN_ATTEMPT, CallResult, says_more
from speedlead.ports import Clock
from speedlead.store.acceptance import taken
from speedlead.store.presence import came_back, missed
from speedlead.store.reach import number_left
from speedlead.store.remarks import remark
from speedlead.store.rows import daily, first_time, lock_open_lead, lock_person, put_message, put_notice
from speedlead.store.story import tell_story
from speedlead.store.touches import record_sent

RepResult = Literal["rep_no_answer", "rep_declined", "not_permitted"]
ENDED = frozenset({"completed", "answered", "busy", "no-answer", "failed", "canceled"})
# a rep who speaks on the phone, a call that we took back or a number that is wrong is no absence
_NOT_TAKEN = frozenset({"completed", "answered", "no-answer"})

_LEAD_RESULT = {
    "completed": CallResult.CONNECTED, "answered": CallResult.CONNECTED, "busy": CallResult.BUSY,
    "no-answer": CallResult.NO_ANSWER, "failed": CallResult.FAILED, "canceled": CallResult.ABANDONED,
}  # fmt: skip
# the network says that there is no such number (RFC 3261 21.4; 13224 is Twilio's)
_NO_SUCH_NUMBER = frozenset({"404", "410", "484", "604", "13224", "21211", "21217"})
# our account may not call this number: its country is not permitted, or the account is a trial
_CLOSED_TO_US = frozenset({"21215", "21216", "21219"})


@dataclass(frozen=True, slots=True)
class CallReport:
    """`status` is Twilio's CallStatus or DialCallStatus; `code` a SIP or error code where one was given."""

    key: str
    kind: Literal["voice/leg", "voice/lead-leg", "voice/done", "voice/amd", "voice/accept", "voice/left"]
    leg_id: str
    call_id: str | None
    status: str
    code: str | None = None
    machine: bool = False


@dataclass(frozen=True, slots=True)
class Brief:
    """What a rep hears before pressing a key."""

    name: str | None
    company: str | None
    intent: str
    message: str | None


async def brief_of(conn: Any, leg_id: str) -> Brief | None:
    """None when the leg is unknown or over."""
    row = await conn.fetchrow(
        """select p.name, p.company, l.intent, i.message from leg g join touch t on t.id = g.touch_id
           join lead l on l.id = t.lead_id join person p on p.id = t.person_id
           left join lateral (select message from inquiry where lead_id = l.id order by number desc limit 1) i on true
           where g.id = $1 and g.role = 'rep' and g.state not in ('ended', 'failed') and l.closed_at is null""",
        leg_id,
    )
    return Brief(**dict(row)) if row else None


async def rep_picked_up(conn: Any, clock: Clock, leg_id: str, call_id: str | None) -> None:
    leg = await _locked_leg(conn, leg_id)
    if leg is not None:
        await _leg_moves(conn, leg, "answered", call_id, clock.business(leg["clock_offset_us"]))


async def rep_accepted(conn: Any, clock: Clock, leg_id: str) -> None:
    """The key was pressed and the gate let the lead's leg pass."""
    leg = await _locked_leg(conn, leg_id)
    if leg is not None and leg["state"] not in ("ended", "failed"):
        now = clock.business(leg["clock_offset_us"])
        await conn.execute(
            "update leg set state = 'accepted', answered_at = coalesce(answered_at, $2) where id = $1", leg_id, now
        )
        await taken(conn, leg["lead_id"], leg["rep_id"], now)
        await came_back(conn, leg["rep_id"])


async def rep_refused(conn: Any, clock: Clock, report: CallReport, result: RepResult, why: str | None) -> str | None:
    """No key, another key, or the gate said no. Returns the lead that has a message to its workflow."""
    leg = await _locked_leg(conn, report.leg_id)
    if not await _first(conn, report, leg) or leg is None or leg["role"] != "rep" or leg["state"] == "accepted":
        return None
    now = clock.business(leg["clock_offset_us"])
    if result == "rep_no_answer" and leg["state"] not in ("ended", "failed"):
        await missed(conn, leg["rep_id"], leg["lead_id"], leg["id"], now)
    return await _end(conn, leg, result, now, why)


async def take_rep_leg(conn: Any, clock: Clock, report: CallReport) -> str | None:
    """The rep's call rang, was answered or ended; ending without a pressed key is `rep_no_answer`."""
    leg = await _locked_leg(conn, report.leg_id)
    if not await _first(conn, report, leg) or leg is None or leg["role"] != "rep":
        return None
    now = clock.business(leg["clock_offset_us"])
    if report.status not in ENDED:
        state = {"ringing": "ringing", "in-progress": "answered"}.get(report.status)
        await _leg_moves(conn, leg, state, report.call_id, now)
        return None
    if leg["state"] == "accepted":
        await conn.execute("update leg set state = 'ended', ended_at = $2 where id = $1", leg["id"], now)
        return None
    if report.status in _NOT_TAKEN and leg["state"] not in ("ended", "failed"):
        await missed(conn, leg["rep_id"], leg["lead_id"], leg["id"], now)
    return await _end(conn, leg, "rep_no_answer", now, None)


async def take_lead_leg(conn: Any, clock: Clock, report: CallReport) -> str | None:
    """The lead's phone rang, was answered or is done with. Returns the lead that has a message to its workflow."""
    leg = await _locked_leg(conn, report.leg_id)
    if not await _first(conn, report, leg) or leg is None or leg["role"] != "lead":
        return None
    now = clock.business(leg["clock_offset_us"])
    if report.status not in ENDED:
        state = {"ringing": "ringing", "in-progress": "answered"}.get(report.status)
        await _leg_moves(conn, leg, state, report.call_id, now)
        if state is not None and leg["touch_state"] != "failed":  # else it is late, and how it ended is known
            await _attempt_made(conn, leg["touch_id"], report.call_id, now)
        return None
    over = leg["state"] in ("ended", "failed")
    result = await _result(conn, report)
    if over and not _puts_right(leg, result):
        return None
    if report.kind == "voice/done" and await is_leaving(conn, leg["id"]):
        return None
    return await _lead_leg_over(conn, leg, result, report, now, late=over)


def _puts_right(leg: Any, result: CallResult) -> bool:
    """Is this late report to be believed against what stands about the call?"""
    if leg["call_result"] is not None:
        return says_more(result, CallResult(leg["call_result"]))
    # given up in doubt; where the lead's phone has not rung there is nothing to put right
    return leg["touch_state"] == "in_doubt" and result not in NOT_AN_ATTEMPT


async def _lead_leg_over(
    conn: Any, leg: Any, result: CallResult, report: CallReport, now: datetime, *, late: bool = False
) -> str | None:
    if result is CallResult.CONNECTED:
        contact = leg["answered_at"] or now
        await conn.execute(
            """update lead set first_contact_at = coalesce(first_contact_at, $2), next_step = null,
                   next_touch_at = null, next_why = 'waiting_for_outcome' where id = $1""",
            leg["lead_id"],
            contact,
        )
    if result not in NOT_AN_ATTEMPT:  # the report of the ringing may have been lost
        await _attempt_made(conn, leg["touch_id"], report.call_id, leg["claimed_at"])
    await conn.execute(
        """update touch set settled_at = coalesce(settled_at, $3),
               call_result = case when $4 then $2 else coalesce(call_result, $2) end,
               state = case when state = 'claimed' then 'failed' else state end,
               reason = case when state = 'claimed' then $2 else reason end where id = $1""",
        leg["touch_id"], result.value, now, late,
    )  # fmt: skip
    if result is CallResult.FAILED and report.code in _CLOSED_TO_US:
        await put_notice(
            conn, audience="ops", kind="provider_config", at=now, lead_id=leg["lead_id"], reason=report.code,
            dedupe=daily("provider_config", "call", now),
        )  # fmt: skip
    if result is CallResult.DISCONNECTED:
        await conn.execute(
            """update person_phone n set bad_reason = coalesce(bad_reason, 'disconnected') from touch t
               where t.id = $1 and n.person_id = t.person_id and n.number = t.address""",
            leg["touch_id"],
        )
    return await _end(conn, leg, result.value, now, None, late=late)


async def machine_answered(conn: Any, report: CallReport) -> Literal["stay", "hang_up", "leave"]:
    """Who answered is noted: a call that a machine took was no contact with a person. What to do about it, once."""
    leg = await _locked_leg(conn, report.leg_id)
    if not await _first(conn, report, leg) or leg is None or leg["state"] in ("ended", "failed") or not report.machine:
        return "stay"
    found: Literal["stay", "hang_up", "leave"] = leg["voicemail"] or "stay"
    # a fax hears nothing, and before the end of the greeting nothing would be kept
    return "stay" if found == "leave" and not report.status.startswith("machine_end") else found


async def message_for(conn: Any, leg_id: str) -> str | None:
    """The lead for whom a message is left on this leg now; None when it may not be, or no longer."""
    return cast(
        "str | None",
        await conn.fetchval(
            """select l.id::text from leg g join touch t on t.id = g.touch_id join lead l on l.id = t.lead_id
               where g.id = $1 and g.voicemail = 'leave' and g.state not in ('ended', 'failed') and l.closed_at is null
                   and not exists (select from barred b where b.person_id = l.person_id
                       and b.channel in ('all', 'call'))""",
            leg_id,
        ),
    )


async def message_left(conn: Any, clock: Clock, report: CallReport) -> str | None:
    """The whole message was spoken. Returns the lead that has a message to its workflow."""
    leg = await _locked_leg(conn, report.leg_id)
    if not await _first(conn, report, leg) or leg is None or leg["voicemail"] != "leave":
        return None
    return await _lead_leg_over(conn, leg, CallResult.VOICEMAIL_LEFT, report, clock.business(leg["clock_offset_us"]))


async def nothing_left(conn: Any, leg_id: str) -> None:
    """The provider would not take the message: the rep is still on the line."""
    await conn.execute("update leg set voicemail = 'stay' where id = $1", leg_id)


async def is_leaving(conn: Any, leg_id: str) -> bool:
    """A message is being left: the rep's part of the call is over, the lead's is not."""
    return bool(
        await conn.fetchval(
            """select exists (select from leg g join provider_event e on e.touch_id = g.touch_id
                   and e.provider = 'twilio' and e.kind = 'voice/amd' and e.payload ->> 'leg' = g.id
                   and e.payload ->> 'status' like 'machine_end%'
               where g.id = $1 and g.voicemail = 'leave' and g.state not in ('ended', 'failed'))""",
            leg_id,
        )
    )


async def _locked_leg(conn: Any, leg_id: str) -> Any | None:
    """The leg with its lead, read under the person's lock; None when we know no such leg."""
    person_id = await conn.fetchval(
        "select t.person_id from leg g join touch t on t.id = g.touch_id where g.id = $1", leg_id
    )
    if person_id is None:
        remark("unknown_touch")
        return None
    await lock_person(conn, person_id)
    return await conn.fetchrow(
        """select g.*, t.lead_id, t.person_id, t.step, t.state as touch_state, t.call_result, l.clock_offset_us
           from leg g join touch t on t.id = g.touch_id join lead l on l.id = t.lead_id
           where g.id = $1 for update of g, t""",
        leg_id,
    )


async def _first(conn: Any, report: CallReport, leg: Any | None) -> bool:
    payload = {"status": report.status, "code": report.code, "leg": report.leg_id[:200], "machine": report.machine}
    touch_id = leg["touch_id"] if leg else None
    return await first_time(conn, "twilio", report.key, kind=report.kind, touch_id=touch_id, payload=payload)


async def _leg_moves(conn: Any, leg: Any, state: str | None, call_id: str | None, now: datetime) -> None:
    """Forward only: a late `ringing` does not undo `answered`."""
    before = {"ringing": ("claimed", "in_doubt"), "answered": ("claimed", "in_doubt", "ringing")}.get(state or "", ())
    await conn.execute(
        """update leg set provider_id = coalesce(provider_id, $2),
               state = case when state = any($3::text[]) then $4 else state end,
               answered_at = case when $4 = 'answered' then coalesce(answered_at, $5) else answered_at end
           where id = $1""",
        leg["id"], call_id, list(before), state or "claimed", now,
    )  # fmt: skip


async def _attempt_made(conn: Any, touch_id: str, call_id: str | None, at: datetime) -> None:
    """The lead's phone rings: from here the spacing of the next steps counts."""
    touch = await conn.fetchrow(
        """update touch set state = 'sent', reason = null, sent_at = coalesce(sent_at, $2),
               provider_id = coalesce(provider_id, $3)
           where id = $1 and (state in ('claimed', 'in_doubt') or state = 'failed' and call_result is not null)
           returning *""",
        touch_id, at, call_id,
    )  # fmt: skip
    if touch is not None:
        await record_sent(conn, touch, at)


async def _result(conn: Any, report: CallReport) -> CallResult:
    result = _LEAD_RESULT[report.status]
    if result is CallResult.FAILED and report.code in _NO_SUCH_NUMBER:
        return CallResult.DISCONNECTED
    if result is CallResult.CONNECTED:
        machine = report.machine or await conn.fetchval(
            """select exists (select from provider_event where provider = 'twilio' and kind = 'voice/amd'
                   and payload ->> 'leg' = $1 and (payload ->> 'machine')::bool)""",
            report.leg_id,
        )
        # the rep may have left a message all the same, and then logs it
        return CallResult.VOICEMAIL_NOT_LEFT if machine else result
    return result


async def _end(conn: Any, leg: Any, result: str, now: datetime, why: str | None, *, late: bool = False) -> str | None:
    """Ends a leg once, tells the story, and writes the message to the workflow while the lead is open.

    `late`: it had ended with another result, or with none.
    """
    ended = await conn.fetchval(
        """update leg set state = case when $4 then state else 'ended' end, result = $2,
               ended_at = case when $4 then ended_at else $3 end
           where id = $1 and (state in ('ended', 'failed')) = $4 returning true""",
        leg["id"], result, now, late,
    )  # fmt: skip
    if not ended:
        return None
    await tell_story(
        conn, leg["lead_id"], kind="call_progress", at=now, step=leg["step"], reason=why,
        data={"channel": "call", "result": result, "leg": leg["role"], "rep_id": leg["rep_id"]},
        dedupe=f"leg:{leg['id']}" + (f":{result}" if late else ""),
    )  # fmt: skip
    lead = await lock_open_lead(conn, leg["person_id"])
    if lead is None or lead["id"] != leg["lead_id"]:
        return None
    rang = now
    if leg["role"] == "lead":
        rang = await conn.fetchval("select sent_at from touch where id = $1", leg["touch_id"])
    signal = CallProgressSignal(
        touch_id=leg["touch_id"], leg_id=leg["id"], at=rang or leg["claimed_at"],
        result=cast(Literal["no_answer"], result),  # one of the signal's literals: RepResult or a mapped CallResult
        owner_id=lead["owner_id"], taken=lead["accepted_at"] is not None,
        number_left=result == CallResult.DISCONNECTED and await number_left(conn, leg["person_id"]),
    )  # fmt: skip
    await put_message(conn, lead["id"], "call_progress", signal)
    return str(lead["id"])
