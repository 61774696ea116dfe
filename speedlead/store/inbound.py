"""What leads write back: replies and opt-outs, each in one transaction under the person's lock.

The gate reads `suppression` and `lead.plan_stopped` under the same lock, so nothing goes out after the commit.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from speedlead import ids
from speedlead.contracts import OptOutSignal, ReplanSignal, ReplySignal
from speedlead.optout import Scope
from speedlead.ports import Clock
from speedlead.returns import Returns
from speedlead.store.reach import LEAD_WITH_REACH, evidence_of
from speedlead.store.rows import first_time, lock_open_lead, lock_person, newest_lead, put_message, put_notice
from speedlead.store.story import tell_story

MAX_BODY = 20_000
# stages in which the plan waits for a person of ours, whoever is away
_WITH_A_PERSON = ("connected", "booked", "qualified", "nurturing")


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message from outside. `lead_id` is what its reply token named; `sender` is an address or a number.

    `absence`: what an automatic mail says, where that may be until when somebody is away; `mailed_at`: its own date.
    """

    provider: Literal["twilio", "sendgrid"]
    key: str
    channel: Literal["sms", "email"]
    sender: str
    body: str
    provider_id: str
    subject: str | None = None
    automatic: bool = False
    absence: str | None = None
    mailed_at: datetime | None = None
    opt_out: Scope | None = None
    resumes: bool = False
    lead_id: str | None = None


async def take_inbound(conn: Any, clock: Clock, inbound: Inbound, returns: Returns | None = None) -> list[str]:
    """Stores the message and acts on it; answers with the leads that have a message to their workflow.

    A number may belong to several people: an opt-out counts for all of them, a reply for the one with the newest
    open lead.
    """
    event = {"automatic": inbound.automatic, "opt_out": inbound.opt_out}
    if not await first_time(conn, inbound.provider, inbound.key, kind="inbound", touch_id=None, payload=event):
        return []
    people = await _people(conn, inbound)
    for person_id in sorted(people):
        await lock_person(conn, person_id)
    lead = await newest_lead(conn, people[0]) if people else None
    now = clock.business(lead["clock_offset_us"] if lead else 0)
    reply_id = ids.new_id()
    await conn.execute(
        """insert into reply (id, lead_id, person_id, channel, automatic, subject, body, provider_id, received_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (channel, provider_id) do nothing""",
        reply_id, lead and lead["id"], people[0] if people else None, inbound.channel, inbound.automatic,
        inbound.subject, inbound.body[:MAX_BODY], inbound.provider_id, now,
    )  # fmt: skip
    if not people:
        # nobody of ours to suppress: a person has to look
        kind = "opt_out_from_unknown" if inbound.opt_out else "reply_from_unknown"
        await put_notice(conn, audience="ops", kind=kind, at=now, dedupe=f"{kind}:{reply_id}")
        return []
    if inbound.opt_out is not None:
        return [
            told
            for person_id in people
            if (told := await opt_out(conn, clock, person_id, inbound.opt_out, source=f"{inbound.channel}_reply"))
        ]
    if inbound.resumes:
        return [told for person_id in people if (told := await _resume_sms(conn, clock, person_id))]
    told = await _replied(conn, people[0], inbound, now, reply_id, returns)
    return [told] if told else []


async def opt_out(conn: Any, clock: Clock, person_id: str, scope: Scope, *, source: str) -> str | None:
    """Suppresses the channels for the person from the commit on; returns the open lead that is told, if there is one.

    The caller holds the person's lock. `source` says how we learned of it: `sms_reply`, `unsubscribe_link`, `rep` …
    """
    lead = await lock_open_lead(conn, person_id)
    told_in = lead or await newest_lead(conn, person_id)
    now = clock.business(told_in["clock_offset_us"] if told_in else 0)
    added = await suppress(conn, person_id, scope, source=source, at=now)
    if not added:
        return None
    if told_in is not None:
        await tell_story(
            conn, told_in["id"], kind="opt_out", at=now, reason="opted_out", data={"channel": scope, "source": source}
        )
    if lead is None:
        return None
    if scope == "all":
        await conn.execute("update lead set plan_stopped = 'opted_out' where id = $1", lead["id"])
    await put_message(conn, lead["id"], "opt_out", OptOutSignal(scope=scope))
    return str(lead["id"])


async def suppress(conn: Any, person_id: str, scope: Scope, *, source: str, at: datetime) -> bool:
    """False when it was there before."""
    return bool(
        await conn.fetchval(
            """insert into suppression (person_id, channel, reason, source, at) values ($1, $2, $3, $4, $5)
               on conflict do nothing returning true""",
            person_id, scope, "opted_out_all" if scope == "all" else "opted_out", source, at,
        )
    )  # fmt: skip


async def _people(conn: Any, inbound: Inbound) -> list[str]:
    """Whose message it is, the one with the newest open lead first."""
    if inbound.lead_id is not None:
        owner = await conn.fetchval("select person_id from lead where id = $1", inbound.lead_id)
        if owner is not None:
            return [owner]
    if inbound.channel == "email":
        owner = await conn.fetchval("select person_id from person_email where address = $1", inbound.sender)
        return [owner] if owner is not None else []
    rows = await conn.fetch(
        """select n.person_id, bool_or(l.id is not null and l.closed_at is null) as has_open
           from person_phone n left join lead l on l.person_id = n.person_id where n.number = $1
           group by n.person_id order by 2 desc, max(l.created_at) desc nulls last, n.person_id""",
        inbound.sender,
    )
    return [row["person_id"] for row in rows]


async def _replied(
    conn: Any, person_id: str, inbound: Inbound, now: datetime, reply_id: str, returns: Returns | None
) -> str | None:
    lead = await lock_open_lead(conn, person_id)
    if lead is None:
        last = await newest_lead(conn, person_id)
        owner_id = last["owner_id"] if last else None
        if not inbound.automatic:  # nobody waits for an answer to an automatic mail
            await put_notice(
                conn, audience="rep" if owner_id else "manager", kind="reply_after_close", at=now, rep_id=owner_id,
                lead_id=last["id"] if last else None, dedupe=f"reply_after_close:{reply_id}",
            )  # fmt: skip
        if last is not None:
            await _tell_reply(conn, last["id"], inbound, now)
        return None
    if not inbound.automatic:
        await conn.execute("update lead set plan_stopped = coalesce(plan_stopped, 'replied') where id = $1", lead["id"])
    until = await _away_until(conn, lead, inbound, now, returns)
    if until is not None and lead["plan_stopped"] is None and lead["stage"] not in _WITH_A_PERSON:
        # the gate reads it under the same lock; it never shortens a pause that somebody of ours has set
        await conn.execute("update lead set paused_until = greatest(paused_until, $2) where id = $1", lead["id"], until)
    await _tell_reply(conn, lead["id"], inbound, now, until)
    signal = ReplySignal(channel=inbound.channel, automatic=inbound.automatic, until=until)
    await put_message(conn, lead["id"], "reply", signal)
    return str(lead["id"])


async def _away_until(
    conn: Any, lead: Any, inbound: Inbound, now: datetime, returns: Returns | None
) -> datetime | None:
    if returns is None or inbound.absence is None:
        return None
    evidence = evidence_of(await conn.fetchrow(LEAD_WITH_REACH, lead["id"], None))
    return returns.until(inbound.absence, inbound.mailed_at, evidence, now)


async def _tell_reply(conn: Any, lead_id: str, inbound: Inbound, now: datetime, until: datetime | None = None) -> None:
    await tell_story(
        conn, lead_id, kind="reply", at=now, reason="automatic_reply" if inbound.automatic else None,
        data={"channel": inbound.channel, "automatic": inbound.automatic, "until": until and until.isoformat()},
    )  # fmt: skip


async def _resume_sms(conn: Any, clock: Clock, person_id: str) -> str | None:
    """START takes back a STOP, and nothing else: an opt-out from everything, or one made otherwise, stays."""
    lead = await lock_open_lead(conn, person_id)
    lifted = await conn.fetchval(
        """delete from suppression where person_id = $1 and channel = 'sms' and source in ('sms_reply', 'provider')
           returning true""",
        person_id,
    )
    if not lifted or lead is None:
        return None
    now = clock.business(lead["clock_offset_us"])
    await tell_story(conn, lead["id"], kind="opt_in", at=now, data={"channel": "sms"})
    await put_message(conn, lead["id"], "replan", ReplanSignal(reason="opted_in"))
    return str(lead["id"])


async def unsubscribe(conn: Any, clock: Clock, lead_id: str) -> list[str]:
    """The link in a mail was used: no more e-mail to that person."""
    person_id = await conn.fetchval("select person_id from lead where id = $1", lead_id)
    if person_id is None:
        return []
    await lock_person(conn, person_id)
    told = await opt_out(conn, clock, person_id, "email", source="unsubscribe_link")
    return [told] if told else []
