"""What a person of ours writes to a lead: a row, and the message to the workflow that has it sent."""

import uuid
from dataclasses import dataclass
from typing import Any, Literal

from speedlead import ids
from speedlead.contracts import AnswerSignal
from speedlead.ports import Clock
from speedlead.store.acceptance import taken
from speedlead.store.chat import answered_in_page, conversations_of, way_of
from speedlead.store.rows import lock_person, put_message
from speedlead.store.story import tell_story

MAX_MAIL = 20_000
MAX_TEXT = 1600  # the provider's own bound of a text


@dataclass(frozen=True, slots=True)
class Draft:
    """`answer_id`: the same for every attempt of one request, so that a double click writes once.

    `conversation`: of an answer by chat the inquiry whose page it goes to; needed where the lead has several.
    """

    lead_id: str
    channel: Literal["email", "sms", "chat"]
    body: str
    subject: str | None = None
    rep_id: str | None = None
    answer_id: str | None = None
    conversation: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    answer_id: str
    lead_id: str
    step: str
    repeat: bool = False


class AnswerRefused(Exception):
    """`field` names what is wrong in the request; None when the lead's state forbids it."""

    def __init__(self, reason: str, field: str | None, expected: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.expected = expected


async def write_answer(conn: Any, clock: Clock, draft: Draft) -> Written | None:
    """None when there is no such lead. Raises AnswerRefused. Whether it may go out, the gate says when it is sent."""
    person_id = await conn.fetchval("select person_id from lead where id = $1", draft.lead_id)
    if person_id is None:
        return None
    _check(draft)
    await lock_person(conn, person_id)
    lead = await conn.fetchrow("select * from lead where id = $1 for update", draft.lead_id)
    answer_id = draft.answer_id or ids.new_id()
    known = await conn.fetchrow("select lead_id, number from answer where id = $1", answer_id)
    if known is not None and known["lead_id"] == lead["id"]:
        return Written(answer_id, lead["id"], f"answer-{known['number']}", repeat=True)
    if known is not None:  # somebody else's id, typed by hand
        answer_id = str(uuid.uuid5(uuid.UUID(lead["id"]), answer_id))
    if lead["closed_at"] is not None:
        raise AnswerRefused("lead_closed", None)
    if draft.rep_id is not None and not await conn.fetchval(
        "select exists (select from rep where id = $1 and active)", draft.rep_id
    ):
        raise AnswerRefused("unknown rep", "rep_id", "the id of an active rep")
    to = await _conversation(conn, draft) if draft.channel == "chat" else None
    asked = await conn.fetchrow(
        """select id, subject, inquiry_id from reply where lead_id = $1 and channel = $2 and not automatic
               and ($3::text::uuid is null or inquiry_id = $3::text::uuid)
           order by received_at desc limit 1""",
        lead["id"], draft.channel, to,
    )  # fmt: skip
    number = await conn.fetchval("select coalesce(max(number), 0) + 1 from answer where lead_id = $1", lead["id"])
    now = clock.business(lead["clock_offset_us"])
    channel, mail_wall = draft.channel, None
    if to is not None:
        channel, mail_wall = await page_or_mail(conn, clock, person_id, to)
    await conn.execute(
        """insert into answer (id, lead_id, number, rep_id, channel, subject, body, reply_id, written_at, mail_wall)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        answer_id, lead["id"], number, draft.rep_id, channel,
        (draft.subject or await subject_of(conn, draft.lead_id, asked)) if channel == "email" else None,
        draft.body, asked and asked["id"], now, mail_wall,
    )  # fmt: skip
    if draft.rep_id in (None, lead["owner_id"]):
        await taken(conn, lead["id"], None, now)
    step = f"answer-{number}"
    await tell_story(
        conn, lead["id"], kind="answer", at=now, dedupe=f"answer:{number}",
        data={"channel": channel, "rep_id": draft.rep_id},
    )  # fmt: skip
    if to is not None and channel == "chat":  # nothing is left to be sent
        await answered_in_page(conn, lead["id"], to, ids.touch_id(lead["id"], step), now)
    await put_message(conn, lead["id"], "answer", AnswerSignal(number=number, channel=channel))
    return Written(answer_id, lead["id"], step)


async def _conversation(conn: Any, draft: Draft) -> str:
    """The one it is for: whoever wrote last may be somebody else. Raises AnswerRefused."""
    known = await conversations_of(conn, draft.lead_id)
    if not known:
        raise AnswerRefused("there is no conversation in a page", "channel", "email or sms")
    if draft.conversation is None and len(known) == 1:
        return known[0]
    if draft.conversation not in known:
        reason = "several conversations" if draft.conversation is None else "no conversation of this lead"
        raise AnswerRefused(reason, "conversation", f"one of {', '.join(known)}")
    return draft.conversation


async def page_or_mail(
    conn: Any, clock: Clock, person_id: str, inquiry_id: str
) -> tuple[Literal["chat", "email"], Any]:
    """Into the page, or by mail where nobody looks at it any more; when by mail after all, if no page takes it."""
    can_mail = await conn.fetchval(
        """select exists (select from person_email where person_id = $1 and bad_reason is null) and not exists (
               select from barred where person_id = $1 and channel in ('all', 'email'))""",
        person_id,
    )
    return await way_of(conn, clock, inquiry_id, can_mail=can_mail)


def _check(draft: Draft) -> None:
    most = MAX_TEXT if draft.channel == "sms" else MAX_MAIL
    if not draft.body.strip():
        raise AnswerRefused("empty", "body", "what to say to the lead")
    if len(draft.body) > most:
        raise AnswerRefused("too long", "body", f"at most {most} characters")


async def subject_of(conn: Any, lead_id: str, asked: Any) -> str:
    """That of the mail which is answered, else that of our last one."""
    before = asked["subject"] if asked else None
    before = before or await conn.fetchval(
        """select subject from touch where lead_id = $1 and channel = 'email' and subject is not null
           order by claimed_at desc nulls last limit 1""",
        lead_id,
    )
    if not before:
        return "Your inquiry"
    return before if before.lower().startswith("re:") else f"Re: {before}"
