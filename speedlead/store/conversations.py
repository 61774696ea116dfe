"""What a lead and we wrote to each other, oldest first, and what became of each message."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead import wording
from speedlead.domain.assistant_signs import wants_silence
from speedlead.optout import opt_out_scope
from speedlead.times import known_zone


@dataclass(frozen=True, slots=True)
class Line:
    """`ours`: we wrote it; `who` of us, or what kind of message it is. `state`: a code, `state_text` in plain words.

    `due_at` and `answered_at` are a question's: by when a person of ours owes the answer, and when there was one.
    """

    at: datetime
    ours: bool
    channel: str | None
    who: str | None
    subject: str | None
    body: str | None
    state: str | None = None
    state_text: str | None = None
    reason_text: str | None = None
    next_at: datetime | None = None
    due_at: datetime | None = None
    answered_at: datetime | None = None
    # what was odd about it
    note: str | None = None
    # of a chat: the inquiry whose page it stands in
    conversation: str | None = None
    # it reads like a wish for silence, in words that do nothing by themselves: what a person may record, at one press
    opt_outs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """`answer_by`: the channel that the lead used last; `ways`: all that can be used; `blocked`: why one cannot.

    `conversations`: those in pages, first begun first; `answer_in`: the one that was written in last, if any was.
    """

    lines: tuple[Line, ...]
    answer_by: str
    ways: tuple[str, ...]
    blocked: dict[str, str]
    zone: str
    conversations: tuple[str, ...] = ()
    answer_in: str | None = None

    @property
    def due_at(self) -> datetime | None:
        """The oldest question that nobody has answered."""
        return min((line.due_at for line in self.lines if line.due_at and line.answered_at is None), default=None)


_THEIRS = """
select submitted_at as at, case channel when 'phone' then 'call' else 'form' end as channel, intent as subject,
    message as body, 'inquiry' as kind, null::timestamptz as due_at, null::timestamptz as answered_at,
    fields ->> 'spam_signs' as signs, null::uuid as conversation
from inquiry where lead_id = $1::text::uuid and source <> 'reply' and form_key not in ('mail', 'sms')
union all
select received_at, channel, subject, body, case when automatic then 'automatic' else 'reply' end, due_at, answered_at,
    null, case when channel = 'chat' then inquiry_id end
from reply where lead_id = $1::text::uuid"""

# an answer has no touch until the workflow has asked the gate
_OURS = """
select coalesce(t.sent_at, t.settled_at, t.claimed_at, a.written_at) as at, coalesce(t.channel, a.channel) as channel,
    coalesce(t.subject, a.subject) as subject, coalesce(t.body, a.body) as body,
    t.purpose, t.step, case when a.channel = 'chat' then case when a.shown_wall is null then 'waits' else 'shown' end
        when a.channel = 'call' then case when a.shown_wall is null then 'unsaid' else 'said' end
        else t.state end as state, t.reason, t.reasons, t.delivery, t.next_at, y.inquiry_id as conversation,
    case when a.assistant then 'assistant' else r.name end as rep
from (select * from touch where lead_id = $1::text::uuid and channel in ('email', 'sms')
    and (body is not null and state not in ('skipped', 'deferred') or purpose = 'manual')) t
full join (select *, 'answer-' || number as step from answer where lead_id = $1::text::uuid) a on a.step = t.step
left join rep r on r.id = a.rep_id
left join reply y on y.id = a.reply_id and y.channel = 'chat'"""


async def conversation(conn: Any, lead_id: str) -> Conversation | None:
    """None when there is no such lead."""
    lead = await conn.fetchrow(
        """select coalesce(l.zone, l.tz) as tz, l.person_id,
               exists (select from person_email e where e.person_id = l.person_id and e.bad_reason is null) as email,
               exists (select from person_phone n where n.person_id = l.person_id and n.bad_reason is null
                   and n.sms_bad_reason is null) as sms,
               array(select distinct channel from barred where person_id = l.person_id) as barred,
               exists (select from inquiry i where i.lead_id = l.id and i.consent_sms)
                   or exists (select from reply y where y.lead_id = l.id and y.channel = 'sms') as may_text
           from lead l where l.id = $1::text::uuid""",
        lead_id,
    )
    if lead is None:
        return None
    theirs = await conn.fetch(_THEIRS, lead_id)
    lines = [_theirs(row, lead["barred"]) for row in theirs] + [_ours(row) for row in await conn.fetch(_OURS, lead_id)]
    written = [row for row in theirs if row["kind"] == "reply" and row["channel"] != "call"]
    last = max(written, key=lambda row: row["at"])["channel"] if written else None
    blocked = {channel: why for channel in ("email", "sms") if (why := _blocked(lead, channel)) is not None}
    answer_by = last or ("sms" if "email" in blocked and "sms" not in blocked else "email")
    ordered = tuple(sorted(lines, key=lambda line: line.at))
    chats = [row for row in sorted(written, key=lambda row: row["at"]) if row["conversation"] is not None]
    ways = (*(("chat",) if chats else ()), *(channel for channel in ("email", "sms") if channel not in blocked))
    return Conversation(
        ordered, answer_by, ways, blocked, known_zone(lead["tz"]) or "UTC",
        conversations=tuple(dict.fromkeys(row["conversation"] for row in chats)),
        answer_in=chats[-1]["conversation"] if chats else None,
    )  # fmt: skip


def _blocked(lead: Any, channel: str) -> str | None:
    """The gate has the last word; this only spares somebody the writing."""
    if {"all", channel} & set(lead["barred"]):
        return wording.reason("opted_out")
    if not lead[channel]:
        return wording.reason("no_email" if channel == "email" else "no_phone")
    if channel == "sms" and not lead["may_text"]:
        return wording.reason("no_consent", "sms")
    return None


def _theirs(row: Any, barred: Collection[str]) -> Line:
    who = {"inquiry": None, "reply": None, "automatic": "automatic reply"}[row["kind"]]
    subject = wording.intent(row["subject"]) if row["kind"] == "inquiry" else row["subject"]
    return Line(
        at=row["at"], ours=False, channel=row["channel"], who=who, subject=subject, body=row["body"],
        due_at=row["due_at"], answered_at=row["answered_at"], note=wording.spam_signs(row["signs"]),
        conversation=row["conversation"], opt_outs=_opt_outs(row, barred),
    )  # fmt: skip


def _opt_outs(row: Any, barred: Collection[str]) -> tuple[str, ...]:
    said, channel = row["body"] or "", row["channel"]
    # "stop" in a call ends the talk, and may mean all calls
    wish = wants_silence(said) or (channel == "call" and opt_out_scope(said, "sms") is not None)
    if row["kind"] != "reply" or "all" in barred or not wish:
        return ()
    return tuple(scope for scope in (channel, "all") if scope != "chat" and scope not in barred)


def _ours(row: Any) -> Line:
    state = row["state"] or "claimed"  # nobody has begun: it is on its way all the same
    codes = [code for code in dict.fromkeys((row["reason"], *(row["reasons"] or ()))) if code]
    shown = row["delivery"] if state == "sent" and row["delivery"] else state
    return Line(
        at=row["at"], ours=True, channel=row["channel"],
        who=row["rep"] or (None if row["purpose"] == "manual" or row["purpose"] is None else wording.step(row["step"])),
        subject=row["subject"], body=row["body"], state=shown, state_text=wording.result(shown) or shown,
        reason_text=wording.reasons(codes, row["channel"]) or None,
        next_at=row["next_at"] if state == "deferred" else None, conversation=row["conversation"],
    )  # fmt: skip
