"""What a reviewer sees of one contact: what was said or written, logged and asked, and from which text it was made."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from speedlead.store import views
from speedlead.store.quality import Pick
from speedlead.store.view_models import Entry
from speedlead.times import known_zone

# what is logged and asked so long after a talk is about that talk, unless another one came before
_ABOUT_IT = timedelta(hours=4)
_BEFORE_IT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Logged:
    at: datetime
    call_result: str | None
    outcome: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of the script and what was answered, as ids."""

    question_id: str
    answer_id: str
    script: str


@dataclass(frozen=True, slots=True)
class Seen:
    """`made_from`: version of the script of a call; None: not known, or written by hand. `question`: what a written
    answer answers. `story`: until a day after the contact.
    """

    zone: str
    channel: str
    made_from: str | None
    subject: str | None
    body: str | None
    question: str | None
    logged: tuple[Logged, ...]
    asked: tuple[Asked, ...]
    story: tuple[Entry, ...]


_CALL = """
select t.versions ->> 'template' as made_from from touch t where t.lead_id = $1::text::uuid and t.id = $2
"""
_WRITTEN = """
select w.channel, coalesce(t.subject, w.subject) as subject, coalesce(t.body, w.body) as body,
    coalesce(r.body, (select y.body from reply y where y.lead_id = w.lead_id and y.received_at <= w.written_at
        order by y.received_at desc limit 1)) as question
from answer w left join reply r on r.id = w.reply_id
left join touch t on t.lead_id = w.lead_id and t.step = 'answer-' || w.number
where w.lead_id = $1::text::uuid and w.id::text = $2
"""
_LOGGED = """
select o.at, o.call_result, o.outcome, o.note from outcome o
where o.lead_id = $1::text::uuid and (o.id::text = $2 or o.touch_id = $2
    or o.at >= $3 and o.at < least($4, (select min(t.at) from metric_touch t
        where t.lead_id = $1::text::uuid and t.is_call and t.at > $3 and t.id <> $2)))
order by o.at
"""
_ASKED = """
select distinct on (a.question_id) a.question_id, a.answer_id, a.id,
    'script/' || a.script_id || '.en v' || a.script_version as script
from script_answer a where a.lead_id = $1::text::uuid and a.at >= $2 and a.at < $3 order by a.question_id, a.id desc
"""


async def seen(conn: Any, pick: Pick) -> Seen:
    _, _, of = pick.contact.partition(":")
    tz = await conn.fetchval("select coalesce(zone, tz) from lead where id = $1::text::uuid", pick.lead_id)
    until = pick.at + _ABOUT_IT
    written = call = None
    logged: list[Any] = []
    asked: list[Any] = []
    if pick.kind == "answer":
        written = await conn.fetchrow(_WRITTEN, pick.lead_id, of)
    else:
        call = await conn.fetchrow(_CALL, pick.lead_id, of)
        logged = await conn.fetch(_LOGGED, pick.lead_id, of, pick.at, until)
        rows = await conn.fetch(_ASKED, pick.lead_id, pick.at - _BEFORE_IT, until)
        asked = sorted(rows, key=lambda row: row["id"])
    made_from = call["made_from"] if call else None
    story = [entry for entry in await views.timeline(conn, pick.lead_id) if entry.at <= pick.at + timedelta(days=1)]
    return Seen(
        zone=known_zone(tz) or "UTC",
        channel=written["channel"] if written else "call",
        made_from=made_from or (asked[0]["script"] if asked else None),
        subject=written["subject"] if written else None,
        body=written["body"] if written else None,
        question=written["question"] if written else None,
        logged=tuple(Logged(**row) for row in logged),
        asked=tuple(Asked(row["question_id"], row["answer_id"], row["script"]) for row in asked),
        story=tuple(story),
    )
