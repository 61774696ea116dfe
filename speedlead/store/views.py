"""Read models: what pages, the API and the command line show of a lead. Rows only; no workflow is asked.

Every instant is business time of the lead and aware; callers bring the present, so that nothing here reads a clock.
"""

import json
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, TypeVar

from speedlead import wording
from speedlead.store.flow_checks import REAL
from speedlead.store.past import past_of
from speedlead.store.reach import CALL_NUMBER, MAIL_ADDRESS
from speedlead.store.view_models import (
    VISIBLE,
    Contact,
    Counters,
    Entry,
    Explanation,
    Filters,
    LeadCard,
    LeadView,
    Logged,
    NoticeView,
    RepView,
    Written,
)
from speedlead.store.voice_consent import consents_of
from speedlead.telling import Told
from speedlead.times import known_zone

T = TypeVar("T")

# where nothing can be used any more, the last that was known: the page says beside it why it is not
_CARD = f"""
select l.id::text as lead_id, p.name, p.company,
    coalesce({MAIL_ADDRESS}, i.email, (select e.address from person_email e where e.person_id = p.id
        order by e.created_at desc limit 1)) as email,
    coalesce(call.number, f.phone, (select n.number from person_phone n where n.person_id = p.id
        order by n.created_at desc limit 1)) as phone,
    l.lead_type, l.intent, l.source, l.segment, l.country, l.region, l.postcode, coalesce(l.zone, l.tz) as tz, l.stage,
    l.program, l.owner_id::text as owner_id, r.name as owner_name, l.plan_id || ' v' || l.plan_version as plan,
    l.clock_offset_us, l.created_at, l.open_at, l.first_attempt_due, l.first_attempt_target, l.promised_at,
    l.promise_text, l.acknowledged_at, l.assigned_at, l.first_attempt_at, l.first_contact_at, l.decided_at,
    case when not stale then l.next_step end as next_step,
    coalesce(case when not stale then l.next_touch_at end, case when l.plan_stopped = 'not_now' then o.later_at end)
        as next_touch_at,
    case when not stale then l.next_why else coalesce(l.plan_stopped, 'waiting_for_outcome') end as next_why,
    l.plan_stopped, t.calling,
    -- a callback holds the plan until its time in the same column: that is no pause
    l.paused_until is not null and l.paused_until is distinct from o.callback_at as paused,
    nullif(nullif(nullif(l.paused_until, 'infinity'), '9999-01-01 00:00+00'), o.callback_at) as paused_until,
    l.closed_at, l.close_reason, i.message,
    (select count(*) from inquiry q where q.lead_id = l.id)::int as inquiries,
    (select count(*) from message m where m.lead_id = l.id and m.delivered_wall is null)::int as undelivered,
    p.id as person_id, p.possible_duplicate_of is not null as possible_duplicate
from lead l
join person p on p.id = l.person_id
left join rep r on r.id = l.owner_id
left join lateral (select q.email, q.message from inquiry q where q.lead_id = l.id
    order by q.number desc limit 1) i on true
{CALL_NUMBER}
left join lateral (select max(at) filter (where call_result = 'connected') as spoke,
    max(at) filter (where outcome = 'callback_requested') as again,
    (array_agg(until_at order by at desc) filter (where outcome = 'callback_requested'))[1] as callback_at,
    (array_agg(until_at order by at desc) filter (where outcome = 'not_now'))[1] as later_at
    from outcome where lead_id = l.id) o on true
left join lateral (select max(coalesce(settled_at, sent_at)) filter (where call_result = 'connected') as spoke,
    max(step) filter (where channel = 'call' and (state = 'claimed' or state = 'sent' and call_result is null)
        and exists (select from leg g where g.touch_id = touch.id and g.state not in ('ended', 'failed'))) as calling
    from touch where lead_id = l.id) t on true
-- the step that was set before somebody was spoken to, or wrote, is not what comes next any more
cross join lateral (select l.closed_at is null and l.next_step is not null
    and (l.plan_stopped is not null or greatest(o.spoke, t.spoke) > coalesce(o.again, '-infinity')) is true
    and not (l.next_step like 'callback-%' and l.plan_stopped = 'replied') is true as stale) s
"""  # noqa: S608  nothing in it comes from outside

# a person who is late comes first: the first attempt counts until it was made
_BY_DEADLINE = """
order by least(case when l.first_attempt_at is null and l.plan_stopped is null then l.first_attempt_due end,
    l.next_touch_at) nulls last, l.created_at
"""


async def lead_view(conn: Any, lead_id: str) -> LeadView | None:
    """Everything the lead's page shows besides its story; None when there is no such lead."""
    row = await conn.fetchrow(_CARD + "where l.id = $1::text::uuid", lead_id)
    if row is None:
        return None
    person = row["person_id"]
    emails = await conn.fetch("select address, verified, bad_reason from person_email where person_id = $1 "
                              "order by created_at, address", person)  # fmt: skip
    phones = await conn.fetch("select number as address, verified, bad_reason from person_phone where person_id = $1 "
                              "order by created_at, number", person)  # fmt: skip
    written = await conn.fetch(_WRITTEN, lead_id)
    logged = await conn.fetch(
        "select o.at, r.name as rep_name, o.call_result, o.outcome, o.until_at, o.note from outcome o "
        "left join rep r on r.id = o.rep_id where o.lead_id = $1::text::uuid order by o.at, o.id",
        lead_id,
    )
    suppressed = await conn.fetch("select distinct channel from barred where person_id = $1 order by channel", person)
    return LeadView(
        card=_one(LeadCard, row),
        region=row["region"],
        postcode=row["postcode"],
        promise_text=row["promise_text"],
        emails=tuple(_one(Contact, r) for r in emails),
        phones=tuple(_one(Contact, r) for r in phones),
        written=tuple(Written(**{**dict(r), "consents": tuple(r["consents"])}) for r in written),
        logged=tuple(_one(Logged, r) for r in logged),
        suppressed=tuple(r["channel"] for r in suppressed),
        possible_duplicate=row["possible_duplicate"],
        voice_consents=await consents_of(conn, lead_id),
    )


_WRITTEN = """
select 'inquiry' as kind, submitted_at as at, intent as subject, message as body, null as channel, source,
    array_remove(array[case when consent_call then 'call' end, case when consent_sms then 'sms' end,
        case when consent_recorded then 'recorded' end, case when consent_marketing then 'marketing' end],
        null) as consents,
    consent_text
from inquiry where lead_id = $1::text::uuid
union all
select case when automatic then 'automatic reply' else 'reply' end, received_at, subject, body, channel, null,
    '{}', null
from reply where lead_id = $1::text::uuid
order by 2
"""


# a program is nobody's work until the person is heard of; its tasks are told when they are due
_NOW = "(l.program is null or l.plan_stopped is not null)"


async def rep_leads(conn: Any, rep_id: str | None) -> list[LeadCard]:
    """The open leads of a rep, what is due first on top; with None those that nobody owns."""
    where = f"where l.closed_at is null and l.owner_id is not distinct from $1::text::uuid and {REAL} and {_NOW}"
    return [_one(LeadCard, row) for row in await conn.fetch(_CARD + where + _BY_DEADLINE, rep_id)]


_MATCHES = (
    """
where ($1::text is null or l.stage = $1) and ($2::text is null or l.lead_type = $2)
    and ($3::text is null or l.owner_id::text is not distinct from nullif($3, 'none'))
    and ($4 = 'all' or (l.closed_at is null) = ($4 = 'open'))
    and ($7::text is null or l.source = $7)
    and ($8::text is null or $8 in (l.plan_id, l.plan_id || ':' || l.plan_version))
    and ($9::boolean is null or $9 = exists (select from breach b where b.lead_id = l.id))
    and ($10::timestamptz is null or l.next_touch_at < $10)
    and case coalesce($11, case when $8 is null and coalesce($7, '') not in ('nurture', 'customer') then 'none' end,
        'all') when 'all' then true when 'none' then l.program is null else l.program = $11::text end
    and ("""
    + REAL
    + """ or $7 = 'flow_check')
    and """
    + VISIBLE.format(leads="$5::text", rep="$6::text")
)


def _asked(filters: Filters) -> tuple[Any, ...]:
    return (filters.stage, filters.lead_type, filters.owner_id, filters.state, filters.leads, filters.rep_id,
            filters.source, filters.plan, filters.breached, filters.next_before, filters.program)  # fmt: skip


async def open_leads(conn: Any, filters: Filters) -> list[LeadCard]:
    """Leads that match, what is due first on top; closed ones newest first."""
    order = "order by l.closed_at desc nulls first, l.created_at desc" if filters.state != "open" else _BY_DEADLINE
    rows = await conn.fetch(f"{_CARD}{_MATCHES}\n{order} limit $12", *_asked(filters), filters.limit)
    return [_one(LeadCard, row) for row in rows]


async def matching(conn: Any, filters: Filters) -> list[str]:
    """Ids of all leads that match, whatever the limit; what is due first on top."""
    found = f"select l.id::text as lead_id from lead l {_MATCHES}\n{_BY_DEADLINE}"  # noqa: S608  constants of ours
    return [row["lead_id"] for row in await conn.fetch(found, *_asked(filters))]


async def counters(conn: Any, wall: datetime) -> Counters:
    """What ops looks at first. `wall` is the wall clock; each lead's own offset is added to it."""
    row = await conn.fetchrow(
        """
select count(*)::int as open, count(*) filter (where acknowledged_at is null)::int as unacknowledged,
    count(*) filter (where first_attempt_at is null and plan_stopped is null
        and first_attempt_due < $1::timestamptz + clock_offset_us * interval '1 microsecond')::int as overdue,
    (select count(*) from touch where state = 'in_doubt')::int as in_doubt,
    (select count(*) from message where delivered_wall is null)::int as undelivered
from lead l where closed_at is null and program is null and """  # noqa: S608  a constant of ours
        + REAL,
        wall,
    )
    return _one(Counters, row)


async def reps(conn: Any) -> list[RepView]:
    """Active reps by name, with their load."""
    rows = await conn.fetch(
        """
select r.id::text as rep_id, r.name, r.zone, r.presence, r.manager,
    (select count(*) from lead where owner_id = r.id and closed_at is null and program is null)::int as open_leads,
    (select count(*) from notice n where n.rep_id = r.id and n.seen_wall is null)::int as unseen
from rep r where r.active order by r.name, r.id"""
    )
    return [_one(RepView, row) for row in rows]


async def unseen_notices(conn: Any, rep_id: str | None) -> list[NoticeView]:
    """What a rep was told and has not marked as seen; a manager also sees what managers were told. Urgent first.

    With None what operations were told: that is nobody's own.
    """
    rows = await conn.fetch(
        """
select n.id::text as notice_id, n.kind, n.reason, n.at, n.due_at, n.lead_id::text as lead_id,
    coalesce(p.name, 'Lead ' || left(l.id::text, 8)) as lead_title, coalesce(l.zone, l.tz) as tz,
    coalesce(l.clock_offset_us, 0) as clock_offset_us
from notice n left join lead l on l.id = n.lead_id left join person p on p.id = l.person_id
where n.seen_wall is null and (n.rep_id = $1::text::uuid or (n.rep_id is null and n.audience = 'manager'
    and exists (select 1 from rep r where r.id = $1::text::uuid and r.manager))
    or ($1 is null and n.audience = 'ops'))
order by n.due_at nulls last, n.at limit 50""",
        rep_id,
    )
    return [_one(NoticeView, row) for row in rows]


async def offered(conn: Any, rep_id: str) -> set[str]:
    """Leads whose call is offered to the rep: no answer was given, whether or not the notice was marked as seen."""
    rows = await conn.fetch(
        """
select distinct n.lead_id::text as lead_id from notice n join lead l on l.id = n.lead_id
where n.rep_id = $1::text::uuid and n.kind = any($2::text[]) and l.closed_at is null
    and (n.kind in ('call_task', 'rep_task') or l.accepted_at is null)
    and not exists (select from offer f where f.lead_id = l.id and f.rep_id = n.rep_id and f.ended_at >= n.at)
    and not exists (select from story s where s.lead_id = l.id and s.at >= n.at
        and (s.kind = 'accepted' or s.kind = 'declined' and (s.step is not null
            or s.data ->> 'rep_id' = n.rep_id::text)))  -- with a step: that call is over for everybody
    and not exists (select from outcome o where o.lead_id = l.id and o.at >= n.at)
    and not exists (select from leg g join touch t on t.id = g.touch_id where t.lead_id = l.id
        and n.dedupe = l.id || ':task:' || g.id and (g.state in ('ended', 'failed') or t.state <> 'claimed'))""",
        rep_id,
        sorted(wording.OFFERS),
    )
    return {row["lead_id"] for row in rows}


def _one(kind: type[T], row: Any) -> T:
    """The dataclass made of the row's columns of the same names."""
    return kind(**{f.name: row[f.name] for f in fields(kind)})  # type: ignore[arg-type]


_STORY = """
select s.id, s.at, s.kind, s.step, s.reason, s.data::text as data, coalesce(f.remark, a.body) as remark from story s
left join feedback f on s.kind = 'feedback' and f.lead_id = s.lead_id and f.step = s.step
left join answer a on s.kind like 'assistant%' and a.lead_id = s.lead_id and 'answer-' || a.number = s.step
where s.lead_id = $1::text::uuid order by s.at, s.id"""

# a touch stands in the story where it ended, or where it is expected
_TOUCHES = """
select t.step, t.channel, t.state, t.reason, t.reasons, t.versions::text as versions, t.subject, t.body, t.next_at,
    t.delivery, t.call_result,
    coalesce(t.sent_at, t.settled_at, t.claimed_at, t.placed_at, t.planned_at, l.created_at) as at
from touch t join lead l on l.id = t.lead_id
where t.lead_id = $1::text::uuid order by 12, t.id"""


async def timeline(conn: Any, lead_id: str) -> list[Entry]:
    """The lead's story and its touches in the order in which they happened, oldest first; empty for an unknown lead.

    A touch that the story tells of lends its text to that line; one under way has a line of its own.
    """
    tz = await conn.fetchval("select coalesce(zone, tz) from lead where id = $1::text::uuid", lead_id)
    touches = {row["step"]: row for row in await conn.fetch(_TOUCHES, lead_id)}
    told = [row for row in await conn.fetch(_STORY, lead_id) if not _told_by_touch(row, touches.get(row["step"]))]
    people = "select id::text as id, name from rep union all select id::text, name from account"
    names = {row["id"]: row["name"] for row in await conn.fetch(people)}
    entries = [_told(row, touches.get(row["step"]), tz, names) for row in told]
    seen = {(row["step"], row["kind"]) for row in told}
    entries += [_touched(row, tz) for step, row in touches.items() if (step, row["state"]) not in seen]
    return sorted(entries, key=lambda entry: entry.at)  # stable: at one instant the story comes before the touch


def _told_by_touch(row: Any, touch: Any) -> bool:
    """The end of the lead's leg, when the touch's own line tells how the call ended."""
    if row["kind"] != "call_progress" or touch is None or touch["call_result"] is None:
        return False
    return bool(json.loads(row["data"]).get("leg") == "lead")


def _told(row: Any, touch: Any, tz: str | None, names: dict[str, str]) -> Entry:
    data = json.loads(row["data"])
    codes = dict.fromkeys(code for code in (data.get("call_result"), data.get("outcome"), data.get("result")) if code)
    reasons = list(dict.fromkeys(code for code in (row["reason"], *data.get("reasons", ())) if code))
    channel, who = data.get("channel"), names.get(data.get("rep_id"))
    results = [*map(wording.result, codes), *([who] if who else [])]
    what, reason_text = wording.told(row["kind"], row["reason"], data)
    line = Entry(
        at=row["at"],
        zone=known_zone(data.get("zone"), tz) or "UTC",
        kind=row["kind"],
        what=what,
        step=row["step"],
        channel=channel,
        result=", ".join(results) or None,
        reason=reasons[0] if reasons else None,
        reason_text=reason_text
        if reason_text is not None
        else wording.in_line(names.get(code) or wording.reason(code, channel) for code in reasons) or None,
        next_at=datetime.fromisoformat(data["next_at"]) if data.get("next_at") else None,
        body=row["remark"],
    )
    if row["kind"] not in wording.TOUCH_STATES or touch is None:
        return line
    # the touch's row knows only its last state; the story has each deferral before it
    last = touch["state"] == row["kind"]
    return replace(
        line,
        what=wording.touch(row["kind"], touch["channel"], touch["call_result"] if last else None),
        zone=known_zone(json.loads(touch["versions"]).get("zone"), tz) or "UTC",
        channel=touch["channel"],
        result=wording.result((touch["call_result"] or touch["delivery"]) if last else None) or None,
        subject=touch["subject"] if last else None,
        body=touch["body"] if last else None,
        made_from=json.loads(touch["versions"]).get("template") if last else None,
    )


def _touched(row: Any, tz: str | None) -> Entry:
    codes = [code for code in dict.fromkeys((row["reason"], *row["reasons"])) if code]
    return Entry(
        at=row["at"],
        zone=known_zone(json.loads(row["versions"]).get("zone"), tz) or "UTC",
        kind=row["state"],
        what=wording.touch(row["state"], row["channel"], row["call_result"]),
        step=row["step"],
        channel=row["channel"],
        result=wording.result(row["call_result"] or row["delivery"]) or None,
        reason=codes[0] if codes else None,
        reason_text=wording.reasons(codes, row["channel"]) or None,
        next_at=row["next_at"],
        subject=row["subject"],
        body=row["body"],
        made_from=json.loads(row["versions"]).get("template"),
    )


async def explain(conn: Any, lead_id: str) -> Explanation | None:
    """What happened last, what comes next and when, why, and what would change it; None when there is no such lead."""
    row = await conn.fetchrow(_CARD + "where l.id = $1::text::uuid", lead_id)
    if row is None:
        return None
    card = _one(LeadCard, row)
    entries, past = await timeline(conn, lead_id), await past_of(conn, lead_id)
    waits_for, why = _waiting(card)
    return Explanation(
        lead_id=lead_id,
        stage=card.stage,
        zone=card.zone,
        clock_offset_us=card.clock_offset_us,
        last=entries[-1] if entries else None,
        next_step=card.next_step,
        next_at=card.next_touch_at,
        why=why,
        why_text=wording.reason(why),
        waits_for=wording.WAITS[waits_for],
        changed_by=wording.changes(waits_for),
        owner_name=card.owner_name,
        told=Told(card.stage, past, card.next_step, card.next_touch_at, why, waits_for, card.promised_at),
    )


_WAITS_WHEN_STOPPED = {
    "not_now": "later",
    "meeting_booked": "meeting",
    "replied": "reply",
    "reply_received": "reply",
}


def _waiting(card: LeadCard) -> tuple[str, str | None]:
    """What an open lead waits for (a key of `wording.WAITS`) and the code of the reason."""
    if card.closed_at is not None:
        return "closed", card.close_reason
    if card.undelivered:
        return "relay", card.next_why
    if card.calling is not None:
        return "call", "call_in_progress"
    # a pause that has run out stays in its column until the next step is set
    until, coming = card.paused_until, card.next_touch_at
    if card.paused and (until is None or coming is None or until >= coming):
        return "paused", card.next_why or "paused"
    if card.is_callback:
        return "clock", card.why
    if card.plan_stopped is not None:
        return _WAITS_WHEN_STOPPED.get(card.plan_stopped, "person"), card.plan_stopped
    if card.next_touch_at is not None:
        return "clock", card.next_why
    # no time is set: a step is being done at this moment, or the owner has to decide
    decides = card.owner_id is not None and card.decided_at is None and card.next_why is not None
    return "person" if decides else "nobody", card.next_why


async def lead_by_prefix(conn: Any, prefix: str) -> str | None:
    """The id of the one lead whose id begins like this; None when there is none, or more than one."""
    found = "select id::text as lead_id from lead where starts_with(id::text, $1) limit 2"
    rows = await conn.fetch(found, prefix.strip().lower())
    return rows[0]["lead_id"] if len(rows) == 1 and len(prefix) >= 4 else None
