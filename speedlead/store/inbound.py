"""What leads write back: replies and opt-outs, each in one transaction under the person's lock.

The gate reads `barred` and `lead.plan_stopped` under the same lock, so nothing goes out after the commit.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from speedlead import ids
from speedlead.contact_marks import NO_MARKS, Marks
from speedlead.contracts import ReplySignal
from speedlead.mail_trust import Doubt
from speedlead.optout import Scope
from speedlead.ports import Clock
from speedlead.returns import Returns
from speedlead.store.optouts import opt_out, resume_sms
from speedlead.store.programs import leave, own_lead
from speedlead.store.reach import LEAD_WITH_REACH, evidence_of
from speedlead.store.reopening import reopen
from speedlead.store.rows import daily, first_time, lock_open_lead, lock_person, newest_lead, put_message, put_notice
from speedlead.store.senders import people_behind, remember_address
from speedlead.store.story import tell_story
from speedlead.store.strangers import Stranger, take_stranger

MAX_BODY = 20_000
# stages in which the plan waits for a person of ours, whoever is away
_WITH_A_PERSON = ("connected", "booked", "qualified", "nurturing")


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message from outside. `lead_id` is what its thread or reply token named; `sender` is an address or a number.

    `absence`: what an automatic mail says, where that may be until when somebody is away; `mailed_at`: its own date.
    `said`: the body without what it quotes. `name` and `language` count only where the sender is a stranger.
    `doubt`: why its sender's address may be somebody else's, or is one of ours; a thread that it answers is no guess.
    `marks`: of the sender, as the opt-outs of the erased have them. `asks_more`: it says more than its opt-out.
    `messenger`: such as WhatsApp, where the number wrote from there: we hear it, and cannot write to it.
    """

    provider: Literal["twilio", "sendgrid", "chat"]
    key: str
    channel: Literal["sms", "email", "chat", "call"]
    sender: str
    body: str
    provider_id: str
    subject: str | None = None
    automatic: bool = False
    absence: str | None = None
    mailed_at: datetime | None = None
    opt_out: Scope | None = None
    resumes: bool = False
    wants_help: bool = False
    lead_id: str | None = None
    said: str | None = None
    name: str | None = None
    language: str | None = None
    doubt: Doubt | None = None
    marks: Marks = NO_MARKS
    asks_more: bool = False
    messenger: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """`told`: leads that have a message to their workflow. `opted_out`: somebody is out who was not so before.

    `helped`: it asked for help, and nobody with this number was given any today; `language` and `country` are the
    lead's, as far as we know them. `stranger`: what became of a message whose sender we do not know.
    """

    told: list[str] = field(default_factory=list)
    opted_out: bool = False
    helped: bool = False
    stranger: Stranger | None = None
    language: str | None = None
    country: str | None = None


async def take_inbound(conn: Any, clock: Clock, inbound: Inbound, returns: Returns) -> Heard:
    """Stores the message and acts on it.

    A number may belong to several people, and a mail of a lead's thread may come from another person's address: an
    opt-out counts for all of them, a reply for the thread's lead, or else for the newest open one. Who refuses one
    channel and asks something has done both; who refuses all is not written to any more. Anybody can type an
    address: a doubtful mail that nothing but its address ties to somebody stops e-mail at most, and a person looks.
    """
    event = {"automatic": inbound.automatic, "opt_out": inbound.opt_out}
    if not await first_time(conn, inbound.provider, inbound.key, kind="inbound", touch_id=None, payload=event):
        return Heard()
    if inbound.wants_help:
        return await _help(conn, clock, inbound)
    people, in_thread, guessed = await _behind(conn, inbound)
    if in_thread and await _is_ours(conn, people[0], inbound):
        return Heard(stranger="ours")  # what one of us writes into a thread is not what the lead says
    lead = await newest_lead(conn, people[0]) if people else None
    now = clock.business(lead["clock_offset_us"] if lead else 0)
    reply_id = ids.new_id()
    await _keep(conn, reply_id, lead and lead["id"], people[0] if people else None, inbound, now)
    if not people:
        return await _from_unknown(conn, clock, inbound, now, reply_id, returns, guessed=guessed)
    if guessed:
        if inbound.opt_out != "email" or inbound.asks_more:
            await _look_at(conn, inbound, now)
        inbound = replace(inbound, opt_out="email", asks_more=False)
    if in_thread and inbound.sender and inbound.doubt is None and not inbound.automatic:
        await _other_address(conn, people[0], lead, inbound.sender, now)
    return await _from_known(conn, clock, people, inbound, now, reply_id, returns)


async def _behind(conn: Any, inbound: Inbound) -> tuple[list[str], bool, bool]:
    """(whose message it is, does the thread name the first one?, does only a doubtful address name them?), locked."""
    doubtful = inbound.doubt in ("unverified", "spam")
    locked: set[str] = set()
    while True:
        people, in_thread = await people_behind(conn, inbound.channel, inbound.sender, inbound.lead_id)
        guessed = doubtful and bool(people) and not in_thread
        if doubtful:
            people = people[:1] if in_thread or inbound.opt_out is not None else []
        erased = [await lock_person(conn, person_id) for person_id in sorted({*people} - locked)]
        if not any(erased):
            return people, in_thread, guessed
        locked |= {*people}  # whoever was erased while we waited has no address and no number any more


async def _from_known(
    conn: Any, clock: Clock, people: list[str], inbound: Inbound, now: datetime, reply_id: str, returns: Returns
) -> Heard:
    heard = Heard()
    if inbound.opt_out is not None:
        heard = await _opted_out(conn, clock, people, inbound.opt_out, f"{inbound.channel}_reply")
        if inbound.opt_out == "all" or not inbound.asks_more:
            return heard
    elif inbound.resumes:
        resumed = [await resume_sms(conn, clock, person_id) for person_id in people]
        if any(lifted for lifted, _ in resumed):
            return Heard([lead_id for _, lead_id in resumed if lead_id is not None])
    told = await replied(conn, clock, people[0], inbound, now, reply_id, returns)
    return replace(heard, told=list(dict.fromkeys([*heard.told, *([told] if told else [])])))


async def _from_unknown(
    conn: Any, clock: Clock, inbound: Inbound, now: datetime, reply_id: str, returns: Returns, *, guessed: bool
) -> Heard:
    if guessed:
        await _look_at(conn, inbound, now)
        return Heard(stranger=inbound.doubt)
    heard = Heard()
    if inbound.asks_more or (inbound.opt_out is None and not inbound.resumes):
        became, told = await take_stranger(conn, clock, returns.plan, inbound, reply_id)
        heard = Heard([told] if told else [], stranger=became)
        if told is not None:
            await _tell_of_messenger(conn, told, None, inbound, now, reply_id)
        if told is not None and inbound.opt_out is not None:
            # the lead is new, so its row and its person are ours alone until the commit
            person_id = await conn.fetchval("select person_id from lead where id = $1", told)
            opted_out = await _opted_out(conn, clock, [person_id], inbound.opt_out, f"{inbound.channel}_reply")
            heard = replace(heard, opted_out=opted_out.opted_out)
        if inbound.opt_out is None or (told is not None and inbound.opt_out != "all"):
            return heard
    # nobody of ours to suppress, nothing to take back, or a lead that nobody may write to: a person has to look
    kind = "opt_out_from_unknown" if inbound.opt_out else "reply_from_unknown"
    await put_notice(conn, audience="ops", kind=kind, at=now, dedupe=f"{kind}:{reply_id}")
    return heard


async def _help(conn: Any, clock: Clock, inbound: Inbound) -> Heard:
    """A word for a machine, and no reply: the plan goes on. Answered once a day for each number.

    INFO is also what somebody writes who has seen the number somewhere: of a stranger, a person of ours looks at it.
    """
    people, _ = await people_behind(conn, inbound.channel, inbound.sender, inbound.lead_id)
    now, number = clock.business(0), inbound.sender
    await conn.execute("delete from help_told where day < $1", now.date())
    first = await conn.fetchval(
        "insert into help_told (number, day) values ($1, $2) on conflict do nothing returning true", number, now.date()
    )
    lead = await newest_lead(conn, people[0]) if first and people else None
    if lead is not None:
        at = clock.business(lead["clock_offset_us"])
        await tell_story(conn, lead["id"], kind="help_asked", at=at, data={"channel": "sms"})
        reach = await conn.fetchrow(LEAD_WITH_REACH, lead["id"], None)
        return Heard(helped=True, language=reach["language"], country=reach["country"])
    if first and not people:
        reply_id = ids.new_id()
        await _keep(conn, reply_id, None, None, inbound, now)
        kind = "reply_from_unknown"
        await put_notice(conn, audience="ops", kind=kind, at=now, dedupe=f"{kind}:{reply_id}")
    return Heard(helped=bool(first))


async def _keep(
    conn: Any, reply_id: str, lead_id: str | None, person_id: str | None, inbound: Inbound, now: datetime
) -> None:
    await conn.execute(
        # who was erased and writes in an old thread is somebody again: retention has to find them
        """with again as (update person set erased_wall = null where id = $3 and erased_wall is not null)
           insert into reply (id, lead_id, person_id, channel, automatic, subject, body, provider_id, received_at,
               sender)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (channel, provider_id) do nothing""",
        reply_id, lead_id, person_id, inbound.channel, inbound.automatic, inbound.subject, inbound.body[:MAX_BODY],
        inbound.provider_id, now, inbound.sender,
    )  # fmt: skip


async def _is_ours(conn: Any, person_id: str, inbound: Inbound) -> bool:
    return inbound.doubt == "ours" or await conn.fetchval(
        """select exists (select from rep where lower(email) = $2)
               and not exists (select from person_email where address = $2 and person_id = $1)""",
        person_id, inbound.sender,
    )  # fmt: skip


async def _look_at(conn: Any, inbound: Inbound, now: datetime) -> None:
    """Once a day for each house: who forges addresses does not do so once."""
    dedupe = daily(f"reply_from_unknown:{inbound.doubt}", inbound.sender.rpartition("@")[2], now)
    kind = "reply_from_unknown"
    await put_notice(conn, audience="ops", kind=kind, at=now, reason=inbound.doubt, dedupe=dedupe)


async def _other_address(conn: Any, person_id: str, lead: Any, sender: str, now: datetime) -> None:
    if await remember_address(conn, person_id, sender, now) and lead is not None:
        await tell_story(conn, lead["id"], kind="address_learned", at=now, data={"channel": "email"})


async def _opted_out(conn: Any, clock: Clock, people: list[str], scope: Scope, source: str) -> Heard:
    count = "select count(*) from suppression where person_id = any($1::uuid[])"
    before = await conn.fetchval(count, people)
    told = [told for person_id in people if (told := await opt_out(conn, clock, person_id, scope, source=source))]
    return Heard(told, opted_out=await conn.fetchval(count, people) > before)


async def replied(
    conn: Any, clock: Clock, person_id: str, inbound: Inbound, now: datetime, reply_id: str, returns: Returns
) -> str | None:
    """What a reply does, whichever way it came: the lead that has a message. Its row is written, its person locked."""
    lead = await lock_open_lead(conn, person_id)
    if not inbound.automatic:
        lead = await leave(conn, lead, reason="replied", at=now)
    if lead is None:
        return await _replied_to_closed(conn, clock, person_id, inbound, now, reply_id, returns)
    if not inbound.automatic:
        await conn.execute("update lead set plan_stopped = coalesce(plan_stopped, 'replied') where id = $1", lead["id"])
    until = await _away_until(conn, lead, inbound, now, returns)
    if until is not None and lead["plan_stopped"] is None and lead["stage"] not in _WITH_A_PERSON:
        # the gate reads it under the same lock; it never shortens a pause that somebody of ours has set
        await conn.execute("update lead set paused_until = greatest(paused_until, $2) where id = $1", lead["id"], until)
    due = await _ask(conn, lead["id"], inbound, now, reply_id, returns)
    await _tell_of_messenger(conn, lead["id"], lead["owner_id"], inbound, now, reply_id)
    await _tell_reply(conn, lead["id"], inbound, now, until)
    signal = ReplySignal(
        channel=inbound.channel, automatic=inbound.automatic, until=until, due=due,
        reply_id=reply_id if returns.assistant and not inbound.automatic and inbound.messenger is None else None,
    )  # fmt: skip
    await put_message(conn, lead["id"], "reply", signal)
    return str(lead["id"])


async def _replied_to_closed(
    conn: Any, clock: Clock, person_id: str, inbound: Inbound, now: datetime, reply_id: str, returns: Returns
) -> str | None:
    """A new inquiry, unless nobody waits for an answer (a program wrote), or nothing may be sent to them."""
    last = await newest_lead(conn, person_id)
    if last is None:
        return None
    out = await conn.fetchval("select exists (select from barred where person_id = $1 and channel = 'all')", person_id)
    if inbound.automatic or out:
        if out and not inbound.automatic:
            await put_notice(
                conn, audience="rep" if last["owner_id"] else "manager", kind="reply_after_close", at=now,
                rep_id=last["owner_id"], lead_id=last["id"], reason="opted_out", dedupe=f"reply_after_close:{reply_id}",
            )  # fmt: skip
        await _tell_reply(conn, last["id"], inbound, now)
        return None
    lead_id = await reopen(
        conn, returns.plan, await own_lead(conn, last), owner_id=last["owner_id"], channel=inbound.channel,
        sender=inbound.sender, body=inbound.body[:MAX_BODY], now=now, wall=clock.wall(),
    )  # fmt: skip
    await conn.execute("update reply set lead_id = $2 where id = $1", reply_id, lead_id)
    await _ask(conn, lead_id, inbound, now, reply_id, returns)
    await _tell_of_messenger(conn, lead_id, last["owner_id"], inbound, now, reply_id)
    return lead_id


async def _tell_of_messenger(
    conn: Any, lead_id: str, owner_id: str | None, inbound: Inbound, now: datetime, reply_id: str
) -> None:
    """We hear a messenger and cannot write to it: whoever answers has to know."""
    if inbound.messenger is not None:
        await put_notice(
            conn, audience="rep" if owner_id else "manager", kind="wrote_by_messenger", at=now, rep_id=owner_id,
            lead_id=lead_id, dedupe=f"wrote_by_messenger:{reply_id}",
        )  # fmt: skip


async def _ask(
    conn: Any, lead_id: str, inbound: Inbound, now: datetime, reply_id: str, returns: Returns
) -> datetime | None:
    """By when a person of ours is to answer: a target apart from the acknowledgement (REQ 37), in the team's hours."""
    if inbound.automatic:
        return None
    due = await returns.answer_due(conn, inbound.channel, now)
    await conn.execute("update reply set due_at = $2 where id = $1", reply_id, due)
    return due


async def _away_until(conn: Any, lead: Any, inbound: Inbound, now: datetime, returns: Returns) -> datetime | None:
    if inbound.absence is None:
        return None
    evidence = evidence_of(await conn.fetchrow(LEAD_WITH_REACH, lead["id"], None))
    return returns.until(inbound.absence, inbound.mailed_at, evidence, now)


async def _tell_reply(conn: Any, lead_id: str, inbound: Inbound, now: datetime, until: datetime | None = None) -> None:
    await tell_story(
        conn, lead_id, kind="reply", at=now, reason="automatic_reply" if inbound.automatic else None,
        data={"channel": inbound.channel, "automatic": inbound.automatic, "until": until and until.isoformat()},
    )  # fmt: skip
