"""Calls in which the assistant speaks, as rows: may it, who has agreed, what was said, and how it ended.

Its words are made where those of a text are: each thing that the lead says is a reply, which the lead's workflow hears
of, and whose turn writes an answer. A call only waits for that answer, and says it (docs/adr/0024).
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from speedlead import ids
from speedlead.domain.assistant_voice import takes_back
from speedlead.optout import opt_out_scope
from speedlead.ports import Clock
from speedlead.returns import Returns
from speedlead.store import assistant, voice_consent
from speedlead.store.inbound import MAX_BODY, Inbound, replied
from speedlead.store.optouts import opt_out
from speedlead.store.rows import lock_person
from speedlead.store.senders import people_behind

# from the document that names the socket to its opening
KEY_LASTS = timedelta(minutes=1)
May = Literal["no", "ask", "speak"]


class CallOver(Exception):
    """Nothing more may be said in this call; the message is a code of `wording_reasons`."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A call whose socket is open. `lead_id`: whose words it hears."""

    call_id: str
    call_sid: str
    lead_id: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the lead said, as a row, and who is told of it. No `reply_id`: nothing more is to be said."""

    reply_id: str | None
    told: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Words:
    """What came of a turn. `answer_id`, `text`: what is to be said, if anything."""

    act: str
    reason: str | None
    answer_id: str | None
    text: str | None

    @property
    def last(self) -> bool:
        """Is nothing said by the assistant after these?"""
        return self.act in ("book", "hand_over", "dropped")


_STANDING = """
select l.id, l.clock_offset_us, l.accepted_at is not null or l.plan_stopped = 'opted_out' or l.program is not null
        or l.stage = any($2) or exists (select from answer a where a.lead_id = l.id and not a.assistant)
        or exists (select from assistant_turn t where t.lead_id = l.id and t.act in ('hand_over', 'thinking'))
        or exists (select from barred b where b.person_id = l.person_id)
        or exists (select from person_phone n
            where n.person_id = l.person_id and n.number = $3 and n.bad_reason is not null) as out
from lead l where l.person_id = $1 and l.closed_at is null"""


async def may_speak(conn: Any, clock: Clock, returns: Returns, call_id: str) -> tuple[May, str | None]:
    """Whether the assistant takes a call that nobody of ours took, and of which lead.

    Only where it would answer a text as well.
    """
    call = await conn.fetchrow("select number, state from inbound_call where id = $1::text::uuid", call_id)
    # a document that got lost is asked for again
    if call is None or call["number"] is None or call["state"] not in ("ringing", "assistant"):
        return "no", None
    people, _ = await people_behind(conn, "sms", call["number"], None)
    lead = await conn.fetchrow(_STANDING, people[0], assistant.WITH_A_PERSON, call["number"]) if people else None
    if lead is None or lead["out"]:
        return "no", None
    if await returns.in_time(conn, "call", clock.business(lead["clock_offset_us"])):
        return "no", None
    await conn.execute("update inbound_call set lead_id = $2 where id = $1::text::uuid", call_id, lead["id"])
    agreed_to = await voice_consent.holds(conn, lead["id"], call["number"])
    return ("speak" if agreed_to else "ask"), str(lead["id"])


async def agreed(conn: Any, clock: Clock, call_id: str, wording: str) -> None:
    """The key was pressed after these words."""
    call = await conn.fetchrow(
        """select c.number, c.lead_id, l.person_id, l.clock_offset_us
           from inbound_call c join lead l on l.id = c.lead_id
           where c.id = $1::text::uuid and c.state in ('ringing', 'assistant')""",
        call_id,
    )
    if call is None or await lock_person(conn, call["person_id"]):
        return
    now = clock.business(call["clock_offset_us"])
    await voice_consent.agree(conn, call["lead_id"], call["number"], "key", wording, at=now, wall=clock.wall())


async def connect(conn: Any, clock: Clock, call_id: str) -> str | None:
    """A key for the socket of this call, good for one opening; None where one has been open, or the call is over."""
    key = secrets.token_urlsafe(32)
    done = await conn.fetchval(
        """update inbound_call set state = 'assistant', relay_key = $2, at_wall = $3
           where id = $1::text::uuid and relay_wall is null and state in ('ringing', 'assistant') returning true""",
        call_id, _hash(key), clock.wall(),
    )  # fmt: skip
    return key if done else None


async def open_socket(conn: Any, clock: Clock, call_id: str, call_sid: str, key: str) -> Talk | None:
    """None where the key is not this call's, is too old, or has opened a socket before."""
    row = await conn.fetchrow(
        """update inbound_call set relay_wall = $4 where id = $1::text::uuid and call_sid = $2 and relay_key = $3
               and relay_wall is null and state = 'assistant' and at_wall > $4::timestamptz - $5::interval
           returning id, call_sid, lead_id""",
        call_id, call_sid, _hash(key), clock.wall(), KEY_LASTS,
    )  # fmt: skip
    return Talk(row["id"], row["call_sid"], row["lead_id"]) if row is not None and row["lead_id"] is not None else None


async def heard(conn: Any, clock: Clock, returns: Returns, talk: Talk, number: int, text: str) -> Spoken:
    """What the lead said, the `number`th time. Raises CallOver where nobody may answer it any more.

    An opt-out that is said counts as one that is written. STOP alone, or a consent that is taken back, ends the talk
    and the consent to it; that it means more, a person decides.
    """
    person_id = await conn.fetchval("select person_id from lead where id = $1 and closed_at is null", talk.lead_id)
    if person_id is None or await lock_person(conn, person_id):
        raise CallOver("lead_closed")
    lead = await conn.fetchrow(
        """select l.* from lead l join inbound_call c on c.id = $2 and c.state = 'assistant'
           where l.id = $1 and l.closed_at is null for update of l""",
        talk.lead_id, talk.call_id,
    )  # fmt: skip
    if lead is None:
        raise CallOver("lead_closed")
    now, reply_id = clock.business(lead["clock_offset_us"]), ids.new_id()
    provider_id = f"{talk.call_sid}:{number}"
    await conn.execute(
        """insert into reply (id, lead_id, person_id, channel, body, provider_id, received_at)
           values ($1, $2, $3, 'call', $4, $5, $6)""",
        reply_id, talk.lead_id, person_id, text[:MAX_BODY], provider_id, now,
    )  # fmt: skip
    scope = opt_out_scope(text, "sms")
    told: list[str] = []
    if scope in ("all", "call"):
        out = await opt_out(conn, clock, person_id, scope, source="said_in_call")
        told += [out] if out else []
    over = scope is not None or takes_back(text)
    if over:
        await voice_consent.end(conn, person_id, "withdrawn", now)
    if scope != "all":
        inbound = Inbound(
            provider="twilio", key=provider_id, channel="call", sender="", body=text, provider_id=provider_id
        )
        turn = await replied(conn, clock, person_id, inbound, now, reply_id, returns)
        told += [turn] if turn else []
    return Spoken(None if over else reply_id, list(dict.fromkeys(told)))


async def words_of(conn: Any, reply_id: str) -> Words | None:
    """None while the turn is under way."""
    row = await conn.fetchrow(
        """select t.act, t.reason, a.id as answer_id, a.body as text from assistant_turn t
           left join answer a on a.id = t.answer_id and a.channel = 'call'
           where t.reply_id = $1 and t.act <> 'thinking'""",
        reply_id,
    )
    return Words(**dict(row)) if row is not None else None


async def was_said(conn: Any, clock: Clock, answer_id: str) -> None:
    said = "update answer set shown_wall = $2 where id = $1 and shown_wall is null"
    await conn.execute(said, answer_id, clock.wall())


async def give_up(conn: Any, clock: Clock, talk: Talk, reply_id: str, reason: str) -> None:
    """No words came in time, or nobody can hear them: a person goes on, and the assistant is silent for this lead."""
    await assistant.give_up(conn, clock, talk.lead_id, reply_id, reason)


async def silenced(conn: Any, clock: Clock, talk: Talk) -> None:
    """The lead wants no more of this: it is asked again before an artificial voice speaks to it."""
    lead = await conn.fetchrow("select person_id, clock_offset_us from lead where id = $1", talk.lead_id)
    if lead is not None and not await lock_person(conn, lead["person_id"]):
        await voice_consent.end(conn, lead["person_id"], "withdrawn", clock.business(lead["clock_offset_us"]))


@dataclass(frozen=True, slots=True)
class Ending:
    """How a talk stands when its socket is closed. `words`: the last ones, which are still to be said.

    `agreed`: an artificial voice may still speak to this number.
    """

    words: Words | None
    agreed: bool


async def ending_of(conn: Any, call_id: str) -> Ending | None:
    """None for a call that is not ours."""
    call = await conn.fetchrow(
        f"""select c.call_sid, c.lead_id, {voice_consent.HOLDS.format(lead="c.lead_id", number="c.number")} as agreed
            from inbound_call c where c.id = $1::text::uuid""",  # noqa: S608  nothing in it comes from outside
        call_id,
    )
    if call is None:
        return None
    row = await conn.fetchrow(
        """select t.act, t.reason, a.id as answer_id, a.body as text
           from reply y join assistant_turn t on t.reply_id = y.id
           left join answer a on a.id = t.answer_id and a.channel = 'call'
           where y.lead_id = $1 and y.channel = 'call' and starts_with(y.provider_id, $2 || ':')
           order by y.received_at desc, length(y.provider_id) desc, y.provider_id desc limit 1""",
        call["lead_id"], call["call_sid"],
    )  # fmt: skip
    words = Words(**dict(row)) if row is not None else None
    return Ending(words if words is not None and words.last else None, call["agreed"])


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
