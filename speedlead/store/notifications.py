"""What leaves the house to tell people of ours: one row for each notice, person and channel, claimed before it is sent.

`*_wall` columns are wall time, the others business time of the lead. Rows are kept as long as their notice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from speedlead import ids
from speedlead.domain.notification import BROKEN_AFTER, OFF_FOR, Channel, Step

_NEW = """
select n.id::text as notice_id, n.rep_id::text as rep_id, n.audience, n.kind, n.at, n.due_at, l.lead_type,
    coalesce(l.clock_offset_us, 0) as clock_offset_us, l.intent, l.source, l.segment, l.country, l.region,
    (select q.channel from inquiry q where q.lead_id = l.id order by q.number desc limit 1) as lead_channel,
    case when l.first_attempt_at is null then l.first_attempt_due end as first_attempt_due
from notice n left join lead l on l.id = n.lead_id
where not n.passed_on order by n.at limit $1 for update of n skip locked"""

_PUT = """
insert into notification (id, notice_id, rep_id, account_id, channel, fallback, at, due_wall, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing"""

# refused, and to be tried again: what stands behind it need not wait for that
_STATE = """case when b.state = 'waiting' and b.tries > 0 then 'refused' when b.error = 'told_already' then 'sent'
    else b.state end"""

_WAITING = f"""
select m.id::text as id, m.fallback, m.due_wall, n.at, coalesce(l.clock_offset_us, 0) as clock_offset_us,
    coalesce(c.off_until_wall > $2, false) as off,
    n.seen_wall is not null or l.closed_at is not null
        or exists (select from notification u where u.notice_id = n.id and u.used_wall is not null)
        or exists (select from story s where s.lead_id = n.lead_id and s.at >= n.at
            and (s.kind in ('accepted', 'outcome', 'answer')
                or s.kind = 'declined' and s.data ->> 'rep_id' = coalesce(m.rep_id, n.rep_id)::text))
        or coalesce(l.first_attempt_at >= n.at, false) as seen,
    coalesce((select array_agg({_STATE}) from notification b where b.notice_id = n.id and not b.fallback
        and (b.rep_id is not distinct from m.rep_id and b.account_id is not distinct from m.account_id
            or n.audience <> 'rep' and b.rep_id is null and b.account_id is null)), '{{}}') as before,
    m.channel = 'sms' and exists (select from notification t join notice o on o.id = t.notice_id
        where t.channel = 'sms' and t.rep_id = m.rep_id and o.lead_id = n.lead_id and t.id <> m.id
            and (t.state in ('claimed', 'sent', 'in_doubt') and t.claimed_wall > $2 - $3::interval
                or t.state = 'waiting' and (t.due_wall, t.id) < (m.due_wall, m.id))) as told
from notification m join notice n on n.id = m.notice_id left join lead l on l.id = n.lead_id
left join notify_channel c on c.channel = m.channel
where m.channel = $1 and m.state = 'waiting' and (m.fallback or m.due_wall <= $2)
    and ($5::text is null or m.id = $5::text::uuid)
order by m.due_wall limit $4
"""  # noqa: S608  # constants of ours

_TO_TELL = """
select m.id::text as id, m.notice_id::text as notice_id, m.rep_id::text as rep_id, n.kind, n.audience, n.reason,
    coalesce(n.due_at, case when l.first_attempt_at is null then l.first_attempt_due end) as due_at,
    m.expires_at, n.lead_id::text as lead_id, l.lead_type, l.intent, l.source, coalesce(l.zone, l.tz) as lead_zone,
    p.name, p.company, i.message,
    coalesce(i.phone, (select x.number from person_phone x where x.person_id = p.id
        order by x.bad_reason is not null, x.verified desc, x.created_at limit 1)) as phone,
    coalesce(i.email, (select x.address from person_email x where x.person_id = p.id
        order by x.bad_reason is not null, x.verified desc, x.created_at limit 1)) as email,
    o.name as owner_name, o.email as owner_email, r.name as rep_name, r.zone as rep_zone,
    coalesce(r.email, a.email) as to_email, coalesce(r.name, a.name) as to_name, coalesce(k.mobile, r.phone) as mobile
from notification m join notice n on n.id = m.notice_id
left join lead l on l.id = n.lead_id left join person p on p.id = l.person_id
left join rep o on o.id = coalesce(n.rep_id, l.owner_id)
left join rep r on r.id = m.rep_id left join account a on a.id = m.account_id left join rep_channel k on k.rep_id = r.id
left join lateral (select q.phone, q.email, q.message from inquiry q where q.lead_id = l.id
    order by q.number desc limit 1) i on true
where m.id = $1::text::uuid"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one person, or without one a team, is to be told by. `due_wall`: not before."""

    notice_id: str
    step: Step
    at: datetime
    due_wall: datetime
    expires_at: datetime
    rep_id: str | None = None
    account_id: str | None = None


async def new_notices(conn: Any, limit: int) -> Sequence[Any]:
    """Notices that nobody has passed on yet, locked until the transaction ends."""
    rows: Sequence[Any] = await conn.fetch(_NEW, limit)
    return rows


async def put_wanted(conn: Any, notice_id: str, wanted: Sequence[Wanted]) -> None:
    """Passes the notice on: once, whatever comes of it."""
    for one in wanted:
        await conn.execute(
            _PUT, ids.new_id(), one.notice_id, one.rep_id, one.account_id, one.step.channel, one.step.fallback, one.at,
            one.due_wall, one.expires_at,
        )  # fmt: skip
    await conn.execute("update notice set passed_on = true where id = $1::text::uuid", notice_id)


async def people_with(conn: Any) -> Mapping[str, Any]:
    """What can reach each active rep: `mobile`, `sms`, `push`, `email`, `devices`."""
    rows = await conn.fetch(
        """select r.id::text as rep_id, coalesce(k.mobile, r.phone) is not null and coalesce(k.sms, true) as mobile,
               coalesce(k.email, true) as email, coalesce(k.push, true)
                   and exists (select from push_device d where d.rep_id = r.id) as devices
           from rep r left join rep_channel k on k.rep_id = r.id where r.active"""
    )
    return {row["rep_id"]: row for row in rows}


async def operators(conn: Any) -> list[str]:
    """Accounts of those who run the house."""
    rows = await conn.fetch("select id::text as id from account where active and role in ('ops', 'admin')")
    return [row["id"] for row in rows]


async def waiting(conn: Any, channel: Channel, wall: datetime, quiet: timedelta, limit: int) -> Sequence[Any]:
    rows: Sequence[Any] = await conn.fetch(_WAITING, channel, wall, quiet, limit, None)
    return rows


async def still_waiting(conn: Any, channel: Channel, wall: datetime, quiet: timedelta, notification_id: str) -> Any:
    """The same of one, locked until the transaction ends; None when another process was faster, or it is settled."""
    return await conn.fetchrow(_WAITING + " for update of m skip locked", channel, wall, quiet, 1, notification_id)


async def claim(conn: Any, notification_id: str, wall: datetime) -> int:
    """Which try this is; `still_waiting` has locked it."""
    tries: int = await conn.fetchval(
        """update notification set state = 'claimed', claimed_wall = $2, tries = tries + 1
           where id = $1::text::uuid and state = 'waiting' returning tries""",
        notification_id, wall,
    )  # fmt: skip
    return tries


async def to_tell(conn: Any, notification_id: str) -> Any:
    return await conn.fetchrow(_TO_TELL, notification_id)


async def settle(conn: Any, notification_id: str, state: str, wall: datetime, error: str | None = None) -> None:
    """`error`: a class of error and a status, never an address. What is sent stays sent."""
    await conn.execute(
        """update notification set state = $2, settled_wall = $3, error = $4
           where id = $1::text::uuid and state in ('waiting', 'claimed')""",
        notification_id, state, wall, error,
    )  # fmt: skip
    if state != "sent":
        await _wake(conn)


async def was_taken(conn: Any, notification_id: str, wall: datetime) -> None:
    """The provider speaks of it, so the request that nobody answered came through."""
    await conn.execute(
        """update notification set state = 'sent', settled_wall = $2, error = null
           where id = $1::text::uuid and state = 'in_doubt'""",
        notification_id, wall,
    )  # fmt: skip


async def did_not_arrive(conn: Any, notification_id: str, wall: datetime, error: str) -> bool:
    """It was taken and never reached anybody; True when that is news. The next channel looks at once."""
    found = await conn.fetchval(
        """update notification set state = 'failed', settled_wall = $2, error = $3
           where id = $1::text::uuid and state in ('claimed', 'sent', 'in_doubt') returning true""",
        notification_id, wall, error,
    )  # fmt: skip
    if found:
        await _wake(conn)
    return bool(found)


async def try_again(conn: Any, notification_id: str, due_wall: datetime, error: str) -> None:
    """It was certainly not taken."""
    await conn.execute(
        "update notification set state = 'waiting', due_wall = $2, error = $3 where id = $1::text::uuid",
        notification_id, due_wall, error,
    )  # fmt: skip
    await _wake(conn)


async def give_up_claims(conn: Any, channel: Channel, before: datetime, wall: datetime) -> int:
    """What a process that has died was about to send: it may have gone out, so it is not sent again."""
    rows = await conn.fetch(
        """update notification set state = 'in_doubt', settled_wall = $3, error = 'the sender stopped'
           where channel = $1 and state = 'claimed' and claimed_wall < $2 returning id""",
        channel, before, wall,
    )  # fmt: skip
    if rows:
        await _wake(conn)
    return len(rows)


async def _wake(conn: Any) -> None:
    """The other channels look whether it is their turn."""
    await conn.execute("select pg_notify('notifications', '')")


# ── channels that do not work ────────────────────────────────────────────────────────────────────────────────────────


async def channel_works(conn: Any, channel: Channel) -> None:
    await conn.execute("delete from notify_channel where channel = $1", channel)


async def channel_refuses(conn: Any, channel: Channel, wall: datetime) -> bool:
    """True when that was once too often: the channel is left alone, and operations have to hear of it."""
    failures = await conn.fetchval(
        """insert into notify_channel (channel, failures) values ($1, 1)
           on conflict (channel) do update set failures = notify_channel.failures + 1 returning failures""",
        channel,
    )
    if failures < BROKEN_AFTER:
        return False
    await conn.execute("update notify_channel set off_until_wall = $2 where channel = $1", channel, wall + OFF_FOR)
    return True


# ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def link(conn: Any, notification_id: str) -> Any:
    """Whose link it is, for which lead and until when; None when there is none, or the account is closed.

    `taken`: the same rep has accepted the lead since; what is told later, such as a callback, has a link of its own.
    """
    return await conn.fetchrow(
        """select m.rep_id::text as rep_id, m.expires_at, m.used_wall, n.lead_id::text as lead_id, m.channel, r.manager,
               a.id::text as account_id,
               exists (select from story s where s.lead_id = n.lead_id and s.kind = 'accepted' and s.at >= n.at
                   and s.data ->> 'rep_id' = m.rep_id::text) as taken
           from notification m join notice n on n.id = m.notice_id join rep r on r.id = m.rep_id and r.active
           left join account a on a.email = lower(r.email)
           where m.id = $1::text::uuid and n.lead_id is not null and a.active is not false""",
        notification_id,
    )


async def use_link(conn: Any, notification_id: str, wall: datetime) -> bool:
    """False when it has been used. Every link of the same lead and rep is used with it: three alarms are one call."""
    used = await conn.fetch(
        """with same as (
               select m.id from notification m join notice n on n.id = m.notice_id
               join notice o on o.lead_id = n.lead_id join notification one on one.notice_id = o.id
               where one.id = $1::text::uuid and m.rep_id = one.rep_id order by m.id for update of m)
           update notification m set used_wall = $2 from same where m.id = same.id and m.used_wall is null
           returning m.id::text as id""",
        notification_id, wall,
    )  # fmt: skip
    return notification_id in {row["id"] for row in used}


async def free_link(conn: Any, notification_id: str, wall: datetime) -> None:
    """Nothing was asked for: what was used with it at `wall` may be used."""
    await conn.execute(
        """update notification m set used_wall = null
           from notification one join notice o on o.id = one.notice_id join notice n on n.lead_id = o.lead_id
           where one.id = $1::text::uuid and m.notice_id = n.id and m.rep_id = one.rep_id and m.used_wall = $2""",
        notification_id, wall,
    )  # fmt: skip
