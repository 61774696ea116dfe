"""Turns of the assistant, as rows: what it may know of a conversation, and what it said, booked or handed over.

Whatever a person of ours does ends it: `begin` keeps out, and `taken_over` looks once more under the lock of the
person, so that words which a model was long about are not sent after somebody has taken the lead.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from speedlead import ids
from speedlead.contracts import AnswerSignal
from speedlead.domain.assistant import Channel, Learned, Line, Spent
from speedlead.mail_text import written_part
from speedlead.ports import Clock
from speedlead.store import scripts
from speedlead.store.answers import page_or_mail, subject_of
from speedlead.store.rows import lock_person, put_message, put_notice
from speedlead.store.story import tell_story
from speedlead.store.voice_consent import HOLDS

_DAY = timedelta(hours=24)
# stages in which a person of ours has spoken to the lead, or will at a fixed time
WITH_A_PERSON = ("connected", "booked", "qualified", "nurturing", "converted")

# turns of a lead go one after the other: an earlier one that still thinks has failed for good
_STANDING = f"""
select l.person_id, l.owner_id, l.closed_at, l.stage, y.channel, y.body, y.automatic, y.inquiry_id,
    l.accepted_at is not null or l.program is not null
        or exists (select from answer a where a.lead_id = l.id and not a.assistant) as with_person,
    exists (select from assistant_turn t where t.lead_id = l.id
        and (t.act = 'hand_over' or t.act = 'thinking' and t.reply_id <> y.id)) as handed_over,
    exists (select from barred b where b.person_id = l.person_id
        and (y.channel = 'call' or b.channel in ('all', y.channel))) as out,
    y.channel = 'call' and not exists (select from inbound_call c where c.call_sid = split_part(y.provider_id, ':', 1)
        and {HOLDS.format(lead="l.id", number="c.number")}) as unasked_voice,
    exists (select from reply later where later.lead_id = l.id and not later.automatic
        and later.inquiry_id is not distinct from y.inquiry_id
        and (later.received_at, later.id) > (y.received_at, y.id)) as superseded
from reply y join lead l on l.id = y.lead_id where y.id = $1 and l.id = $2"""  # noqa: S608  nothing comes from outside

# Of the assistant's words those alone that reached the lead: who has not read that it is a computer, is told again.
# In a page nobody knows whose address was typed into the form: of other conversations nothing is shown there
_LINES = """
select submitted_at as at, 'lead' as who, message as body, 'form' as channel from inquiry i
where i.lead_id = $1 and i.source <> 'reply' and i.form_key not in ('mail', 'sms') and coalesce(i.message, '') <> ''
    and ($2::uuid is null or i.id = $2)
union all
select received_at, 'lead', body, channel from reply y
where y.lead_id = $1 and not y.automatic and y.id <> $3
    and (($2::uuid is null and y.channel <> 'chat') or y.inquiry_id = $2)
union all
select a.written_at, case when a.assistant then 'assistant' else 'us' end, a.body, a.channel
from answer a left join reply y on y.id = a.reply_id
where a.lead_id = $1 and (($2::uuid is null and a.channel <> 'chat') or y.inquiry_id = $2)
    and (not a.assistant or y.inquiry_id = $2 or exists (
        select from touch t where t.id = a.lead_id || '.answer-' || a.number and t.state in ('sent', 'in_doubt'))
        or a.channel = 'call' and a.shown_wall is not null)
order by at desc limit 20"""

_CAN_MAIL = """
select exists (select from person_email where person_id = $1 and bad_reason is null)
    and not exists (select from barred where person_id = $1 and channel in ('all', 'email'))"""

_SPENT = """
select coalesce(sum(tokens_in + tokens_out) filter (where lead_id = $1), 0)::int as lead_tokens,
    count(*) filter (where wall > $2 and number > 0)::int as day_turns,
    coalesce(sum(tokens_in + tokens_out) filter (where wall > $2), 0)::int as day_tokens,
    coalesce(sum(cost) filter (where wall > $2), 0)::float8 as day_cost
from assistant_turn where lead_id = $1 or wall > $2"""


@dataclass(frozen=True, slots=True)
class KeptOut:
    """Nothing is asked of a model. `done`: this very message has had its turn, with what came of it."""

    reason: str
    done: "Ended | None" = None


@dataclass(frozen=True, slots=True)
class Ready:
    """`offered`: the times of the last offer, by their number from 1; `given`: question -> answer of the script."""

    channel: Channel
    number: int
    lines: tuple[Line, ...]
    spent: Spent
    offered: tuple[datetime, ...]
    given: dict[str, str]
    now: datetime
    can_mail: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """What a turn took; `cost` None: the house gave no prices."""

    model: str | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    cost: Decimal | None = None
    ms: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A turn as it is written down. `text`: words to the lead; None: it hears nothing."""

    act: Literal["reply", "ask", "offer_slots", "book", "hand_over"]
    text: str | None
    reason: str | None = None
    detail: str | None = None
    question: str | None = None
    offered: tuple[datetime, ...] = ()
    learned: tuple[Learned, ...] = ()
    script: tuple[str, int] = ("", 0)
    cost: Cost = Cost()
    by_mail: str | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    id: str
    number: int
    channel: Channel


@dataclass(frozen=True, slots=True)
class Ended:
    """`answer`: the number of the row with the words, where there are any; `channel`: the way they go."""

    act: str
    reason: str | None = None
    answer: int | None = None
    channel: str | None = None


async def channel_of(conn: Any, lead_id: str, reply_id: str) -> str | None:
    found: str | None = await conn.fetchval(
        "select channel from reply where id::text = $1 and lead_id::text = $2", reply_id, lead_id
    )
    return found


async def begin(
    conn: Any, lead_id: str, reply_id: str, script_id: str, now: datetime, wall: datetime, most: Cost
) -> KeptOut | Ready:
    """Everything that one turn needs to know, with its row, so that a lost worker's turn counts as well.

    `most`: what it may cost, which counts until it has ended.
    """
    # one at a time: two that looked at a budget together would both find it free
    await conn.execute("select pg_advisory_xact_lock(hashtextextended('assistant_turn', 0))")
    row = await conn.fetchrow(_STANDING, reply_id, lead_id)
    reason = "no_such_message" if row is None else _keeps_out(row)
    known = await ended(conn, reply_id)
    if known is not None:
        return KeptOut("done", known)
    if reason is not None:  # an earlier try may have begun: it has not failed, it is not wanted
        await _drop(conn, lead_id, reply_id, reason, now)
        return KeptOut(reason)
    spent = Spent(**dict(await conn.fetchrow(_SPENT, lead_id, wall - _DAY)))
    before = await conn.fetch(
        """select t.offered, y.inquiry_id is not distinct from $3::uuid as here
           from assistant_turn t join reply y on y.id = t.reply_id
           where t.lead_id = $1 and t.act <> 'dropped' and t.reply_id <> $2 order by t.number""",
        lead_id, reply_id, row["inquiry_id"],
    )  # fmt: skip
    number = len(before) + 1
    await conn.execute(
        """insert into assistant_turn (reply_id, lead_id, number, at, wall, tokens_in, cost)
           values ($1, $2, $3, $4, $5, $6, $7) on conflict (reply_id) do nothing""",
        reply_id, lead_id, number, now, wall, most.tokens_in, most.cost,
    )  # fmt: skip
    found = await conn.fetch(_LINES, lead_id, row["inquiry_id"], reply_id)
    earlier = [Line(one["who"], _said(one["channel"], one["body"])) for one in reversed(found)]
    lines = (*earlier, Line("lead", _said(row["channel"], row["body"])))
    channel: Channel = "voice" if row["channel"] == "call" else row["channel"]
    can_mail = channel == "voice" and await conn.fetchval(_CAN_MAIL, row["person_id"])
    given = await scripts.given(conn, lead_id, script_id)
    offered = next((tuple(one["offered"]) for one in reversed(before) if one["here"] and one["offered"]), ())
    answers = {question: one.answer_id for question, one in given.items()}
    return Ready(channel, number, lines, spent, offered, answers, now, can_mail)


async def ended(conn: Any, reply_id: str) -> Ended | None:
    """What came of a turn; None: nothing yet."""
    known = await conn.fetchrow(
        """select t.act, t.reason, a.number, a.channel from assistant_turn t left join answer a on a.id = t.answer_id
           where t.reply_id = $1 and t.act <> 'thinking'""",
        reply_id,
    )
    return Ended(known["act"], known["reason"], known["number"], known["channel"]) if known is not None else None


async def taken_over(conn: Any, lead_id: str, reply_id: str) -> str | None:
    """Why the words are not wanted any more; None: they are. Person and lead are locked until the commit."""
    person_id = await conn.fetchval("select person_id from lead where id = $1", lead_id)
    if person_id is None or await lock_person(conn, person_id):
        return "no_such_message"
    await conn.fetchrow("select id from lead where id = $1 for update", lead_id)
    row = await conn.fetchrow(_STANDING, reply_id, lead_id)
    return "no_such_message" if row is None else _keeps_out(row)


async def dropped(conn: Any, reply_id: str, reason: str, done: Done) -> Ended:
    """What it cost is kept, and nothing is said."""
    await _write(conn, reply_id, "dropped", reason, None, done)
    return Ended("dropped", reason)


async def end(conn: Any, clock: Clock, lead_id: str, reply_id: str, done: Done, now: datetime) -> Ended:
    """Written with its words, its story and its notice, after `taken_over` in the same transaction."""
    row = await conn.fetchrow(_STANDING, reply_id, lead_id)
    for one in done.learned:
        await scripts.note(conn, lead_id, done.script, one.question, one.answer, None, now)
    said = None if done.text is None else await _say(conn, clock, lead_id, reply_id, row, done.text, now)
    if done.by_mail is not None:
        await _mail(conn, lead_id, reply_id, done.by_mail, now)
    await _write(conn, reply_id, done.act, done.reason, said.id if said is not None else None, done)
    number, channel = (said.number, said.channel) if said is not None else (None, row["channel"])
    cost = done.cost
    await tell_story(
        conn, lead_id, kind="assistant_handed_over" if done.act == "hand_over" else "assistant_said", at=now,
        step=f"answer-{number}" if number else None, reason=done.reason, dedupe=f"assistant:{reply_id}",
        data={
            "channel": channel, "act": done.act, "model": cost.model, "tokens": cost.tokens_in + cost.tokens_out,
            "cost": str(cost.cost) if cost.cost is not None else None, "ms": cost.ms,
        },
    )  # fmt: skip
    if done.act == "hand_over":
        await _tell_handed_over(conn, lead_id, row["owner_id"], reply_id, done.reason, now)
    return Ended(done.act, done.reason, number, channel)


async def drop(conn: Any, lead_id: str, reply_id: str, reason: str, now: datetime) -> None:
    """It keeps out for a reason that people of ours ask about."""
    await _drop(conn, lead_id, reply_id, reason, now)
    await tell_story(
        conn, lead_id, kind="assistant_kept_out", at=now, reason=reason, dedupe=f"assistant_kept_out:{reply_id}"
    )


async def _drop(conn: Any, lead_id: str, reply_id: str, reason: str, now: datetime) -> None:
    """A call waits for the row that says so; it counts as no turn."""
    await conn.execute(
        """insert into assistant_turn (reply_id, lead_id, number, at, wall, act, reason)
           select id, $2, 0, $4, $4, 'dropped', $3 from reply where id::text = $1 and channel = 'call'
           on conflict (reply_id) do nothing""",
        reply_id, lead_id, reason, now,
    )  # fmt: skip
    await conn.execute(
        "update assistant_turn set act = 'dropped', reason = $2 where reply_id = $1 and act = 'thinking'",
        reply_id, reason,
    )  # fmt: skip


async def give_up(conn: Any, clock: Clock, lead_id: str, reply_id: str, reason: str) -> None:
    """The lead waited for words, and none came: whatever comes now is not said. Nothing where it came after all."""
    lead = await conn.fetchrow("select person_id, owner_id, clock_offset_us from lead where id = $1", lead_id)
    if lead is None or await lock_person(conn, lead["person_id"]):
        return
    now = clock.business(lead["clock_offset_us"])
    given_up = await conn.fetchval(
        """insert into assistant_turn as t (reply_id, lead_id, number, at, wall, act, reason)
           values ($1, $2, (select count(*) + 1 from assistant_turn where lead_id = $2 and act <> 'dropped'), $3, $4,
               'hand_over', $5)
           on conflict (reply_id) do update set act = 'hand_over', reason = $5 where t.act = 'thinking'
           returning true""",
        reply_id, lead_id, now, clock.wall(), reason,
    )  # fmt: skip
    if given_up:
        await _tell_handed_over(conn, lead_id, lead["owner_id"], reply_id, reason, now)
        await tell_story(
            conn, lead_id, kind="assistant_handed_over", at=now, reason=reason, dedupe=f"assistant:{reply_id}",
            data={"channel": "call", "act": "hand_over"},
        )  # fmt: skip


async def _tell_handed_over(
    conn: Any, lead_id: str, owner_id: str | None, reply_id: str, reason: str | None, now: datetime
) -> None:
    call_sid = await conn.fetchval(
        "select split_part(provider_id, ':', 1) from reply where id = $1 and channel = 'call'", reply_id
    )
    if call_sid is not None:
        await tell_of_talk(conn, lead_id, owner_id, call_sid, reason, now)
        return
    await put_notice(
        conn, audience="rep" if owner_id else "manager", kind="assistant_handed_over", at=now, rep_id=owner_id,
        lead_id=lead_id, reason=reason, dedupe=f"assistant_handed_over:{reply_id}",
    )  # fmt: skip


async def tell_of_talk(
    conn: Any, lead_id: str, owner_id: str | None, call_sid: str, reason: str | None, now: datetime,
    due: datetime | None = None,
) -> None:  # fmt: skip
    """Once for a call, whatever was said in it: at the hand-over, else when it is over."""
    await put_notice(
        conn, audience="rep" if owner_id else "manager", kind="assistant_call", at=now, rep_id=owner_id,
        lead_id=lead_id, reason=reason, dedupe=f"assistant_call:{call_sid}", due=due,
    )  # fmt: skip


async def _mail(conn: Any, lead_id: str, reply_id: str, text: str, now: datetime) -> None:
    """Words with an address in them, which a call promised: sent as any mail of ours, through the gate."""
    number = await _next_number(conn, lead_id)
    await conn.execute(
        """insert into answer (id, lead_id, number, channel, subject, body, reply_id, written_at, assistant)
           values ($1, $2, $3, 'email', $4, $5, $6, $7, true)""",
        ids.new_id(), lead_id, number, await subject_of(conn, lead_id, None), text, reply_id, now,
    )  # fmt: skip
    await put_message(conn, lead_id, "answer", AnswerSignal(number=number, channel="email", assistant=True))


async def _next_number(conn: Any, lead_id: str) -> int:
    query = "select coalesce(max(number), 0) + 1 from answer where lead_id = $1"
    return int(await conn.fetchval(query, lead_id))


def _keeps_out(row: Any) -> str | None:
    """Whose turn it is not."""
    if row["automatic"]:
        return "automatic_reply"
    if row["closed_at"] is not None:
        return "lead_closed"
    if row["out"]:
        return "opted_out"
    if row["unasked_voice"]:
        return "no_ai_voice_consent"
    if row["handed_over"]:
        return "handed_over"
    if row["with_person"] or row["stage"] in WITH_A_PERSON:
        return "with_person"
    return "superseded" if row["superseded"] else None


def _said(channel: str, body: str) -> str:
    return written_part(body) if channel == "email" else body


async def _say(conn: Any, clock: Clock, lead_id: str, reply_id: str, row: Any, text: str, now: datetime) -> _Said:
    """The row with the words. Into a page that is looked at they have come with it; the rest goes by the gate."""
    answer_id, channel, mail_wall = ids.new_id(), row["channel"], None
    if channel == "chat":
        channel, mail_wall = await page_or_mail(conn, clock, row["person_id"], row["inquiry_id"])
    asked = await conn.fetchrow("select subject from reply where id = $1", reply_id)
    number = await _next_number(conn, lead_id)
    await conn.execute(
        """insert into answer (id, lead_id, number, channel, subject, body, reply_id, written_at, mail_wall, assistant)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, true)""",
        answer_id, lead_id, number, channel,
        await subject_of(conn, lead_id, asked) if channel == "email" else None, text, reply_id, now, mail_wall,
    )  # fmt: skip
    return _Said(answer_id, number, channel)


async def _write(conn: Any, reply_id: str, act: str, reason: str | None, answer_id: str | None, done: Done) -> None:
    cost = done.cost
    await conn.execute(
        """update assistant_turn set act = $2, reason = $3, detail = $4, answer_id = $5, question = $6, offered = $7,
               model = $8, tokens_in = $9, tokens_out = $10, cost = $11, ms = $12 where reply_id = $1""",
        reply_id, act, reason, done.detail, answer_id, done.question, list(done.offered),
        cost.model, cost.tokens_in, cost.tokens_out, cost.cost, cost.ms,
    )  # fmt: skip
