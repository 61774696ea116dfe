"""The conversation in a page after a form: what the visitor writes is a reply of the lead, answers are read from here.

Its token names one post of a form. Whoever types somebody's address into a form gets no other conversation by it: not
earlier mails, and not what another visitor with the same address writes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from speedlead import ids
from speedlead.contracts import AnswerSignal
from speedlead.ports import Clock
from speedlead.returns import Returns
from speedlead.store.inbound import MAX_BODY, Inbound, replied
from speedlead.store.questions import questions_answered
from speedlead.store.rows import lock_person, newest_lead, put_message, put_notice

# of one conversation: a person writes fewer
MOST_MESSAGES = 200
# whose page has asked within this time is looking at it; a quiet page asks every twenty seconds
_LOOKING = timedelta(seconds=45)
# an answer that the page has not taken by then goes by mail
_TAKEN_WITHIN = timedelta(seconds=60)
_SEEN_EVERY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """`id`: of a visitor's message the key it was sent with. `who`: the rep who wrote it, or the assistant."""

    id: str
    ours: bool
    text: str
    at: datetime
    who: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """`lead_id`: whose workflow has a message; None where nobody is told."""

    lead_id: str | None
    repeat: bool = False


class ChatOver(Exception):
    """There is no such conversation any more, or it has grown too long (`full`)."""

    def __init__(self, reason: Literal["gone", "full"]) -> None:
        super().__init__(reason)
        self.reason = reason


async def say(conn: Any, clock: Clock, inquiry_id: str, key: str, text: str, returns: Returns) -> Said:
    """What the visitor wrote, once for each `key`: as any reply it stops the plan and is owed an answer.

    Raises ChatOver. Words of an opt-out count for nothing here: nobody knows whose address was typed into the form.
    """
    person_id = await conn.fetchval("select person_id from inquiry where id = $1", inquiry_id)
    if person_id is None or await lock_person(conn, person_id):
        raise ChatOver("gone")
    provider_id = f"{inquiry_id}:{key}"
    known = "select exists (select from reply where channel = 'chat' and provider_id = $1)"
    if await conn.fetchval(known, provider_id):
        return Said(None, repeat=True)
    if await conn.fetchval("select count(*) from reply where inquiry_id = $1", inquiry_id) >= MOST_MESSAGES:
        raise ChatOver("full")
    lead = await newest_lead(conn, person_id)
    if lead is None:
        raise ChatOver("gone")
    now, reply_id = clock.business(lead["clock_offset_us"]), ids.new_id()
    inbound = Inbound(provider="chat", key=key, channel="chat", sender="", body=text, provider_id=provider_id)
    await conn.execute(
        """insert into reply (id, lead_id, person_id, channel, body, provider_id, received_at, inquiry_id)
           values ($1, $2, $3, 'chat', $4, $5, $6, $7)""",
        reply_id, lead["id"], person_id, text[:MAX_BODY], provider_id, now, inquiry_id,
    )  # fmt: skip
    return Said(await replied(conn, clock, person_id, inbound, now, reply_id, returns))


async def look(conn: Any, clock: Clock, inquiry_id: str) -> tuple[ChatMessage, ...]:
    """What stands in the visitor's page, oldest first; from now on it counts as looked at. Raises ChatOver."""
    gone = await conn.fetchval(
        """select p.erased_wall is not null from inquiry i join person p on p.id = i.person_id where i.id = $1""",
        inquiry_id,
    )
    if gone is not False:
        raise ChatOver("gone")
    wall = clock.wall()
    await conn.execute(
        """insert into chat (inquiry_id, seen_wall) values ($1, $2)
           on conflict (inquiry_id) do update set seen_wall = $2 where chat.seen_wall < $2 - $3::interval""",
        inquiry_id, wall, _SEEN_EVERY,
    )  # fmt: skip
    found = await chat_messages(conn, inquiry_id)
    # these alone: one that was written a moment later has not been seen by anybody
    await conn.execute(
        "update answer set shown_wall = $2, mail_wall = null where shown_wall is null and id = any($1::uuid[])",
        [one.id for one in found if one.ours], wall,
    )  # fmt: skip
    return found


async def chat_messages(conn: Any, inquiry_id: str) -> tuple[ChatMessage, ...]:
    """Of one conversation, oldest first. Nothing changes by reading it."""
    rows = await conn.fetch(
        """select split_part(provider_id, ':', 2) as id, false as ours, body, received_at as at, null as who
           from reply where inquiry_id = $1 and channel = 'chat'
           union all
           select a.id::text, true, a.body, a.written_at, case when a.assistant then 'Assistant' else r.name end
           from answer a join reply y on y.id = a.reply_id left join rep r on r.id = a.rep_id where y.inquiry_id = $1
           order by at, ours""",
        inquiry_id,
    )
    return tuple(ChatMessage(row["id"], row["ours"], row["body"], row["at"], row["who"]) for row in rows)


async def conversations_of(conn: Any, lead_id: str) -> tuple[str, ...]:
    """The conversations in pages about a lead, first begun first: each the inquiry whose token opens it.

    Several of one lead may be several people: anybody may type the same address into a form.
    """
    rows = await conn.fetch(
        """select inquiry_id from reply where lead_id = $1 and channel = 'chat' and inquiry_id is not null
           group by inquiry_id order by min(received_at), inquiry_id""",
        lead_id,
    )
    return tuple(row["inquiry_id"] for row in rows)


async def way_of(conn: Any, clock: Clock, inquiry_id: str, *, can_mail: bool) -> tuple[Literal["chat", "email"], Any]:
    """How an answer goes, and when by mail after all. It goes by mail at once where that can be and nobody looks."""
    wall = clock.wall()
    looking = await conn.fetchval(
        "select exists (select from chat where inquiry_id = $1 and seen_wall > $2)", inquiry_id, wall - _LOOKING
    )
    if not looking and can_mail:
        return "email", None
    return "chat", wall + _TAKEN_WITHIN


async def answered_in_page(conn: Any, lead_id: str, inquiry_id: str, touch: str, now: datetime) -> None:
    """What a mail or text of one of ours does when it is sent, for an answer that no provider has to take."""
    await conn.execute(
        """update lead set first_attempt_at = coalesce(first_attempt_at, $2),
               stage = case when stage in ('new', 'acknowledged', 'assigned') then 'attempting' else stage end
           where id = $1""",
        lead_id, now,
    )  # fmt: skip
    await questions_answered(conn, lead_id, now, touch, conversation=inquiry_id)


async def mail_the_untaken(conn: Any, clock: Clock) -> list[str]:
    """Answers that no page has taken go by mail, through the gate as any mail. Returns the leads that have a message.

    Whoever wrote one hears of it where there is no address: the answer waits for the visitor to come back.
    """
    rows = await conn.fetch(
        """select a.id, a.lead_id, a.number, a.assistant, l.owner_id, l.clock_offset_us, l.closed_at, exists (
               select from person_email e where e.person_id = l.person_id and e.bad_reason is null) as can_mail
           from answer a join lead l on l.id = a.lead_id
           where a.mail_wall <= $1 and a.channel = 'chat' order by a.mail_wall limit 100 for update of a skip locked""",
        clock.wall(),
    )
    told: list[str] = []
    for row in rows:
        by_mail = row["can_mail"] and row["closed_at"] is None
        await conn.execute(
            """update answer set mail_wall = null, channel = case when $2 then 'email' else channel end,
                   subject = case when $2 then coalesce(subject, 'Your inquiry') else subject end where id = $1""",
            row["id"], by_mail,
        )  # fmt: skip
        if by_mail:
            signal = AnswerSignal(number=row["number"], channel="email", assistant=row["assistant"])
            await put_message(conn, row["lead_id"], "answer", signal)
            told.append(row["lead_id"])
        elif not row["assistant"]:
            await put_notice(
                conn, audience="rep" if row["owner_id"] else "manager", kind="answer_not_seen",
                at=clock.business(row["clock_offset_us"]), rep_id=row["owner_id"], lead_id=row["lead_id"],
                reason="lead_closed" if row["closed_at"] else "no_email", dedupe=f"answer_not_seen:{row['id']}",
            )  # fmt: skip
    return told
