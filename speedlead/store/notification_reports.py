"""What became of a text or mail to one of ours after the provider took it, and who hears that it did not arrive.

Reports come late, twice and in any order: each counts once, and a delivery only moves forward. What did not arrive
counts as failed from then on, so that the next channel takes its turn at once (`domain.notification.decide`).
"""

from collections.abc import Sequence
from typing import Any

from speedlead import ids
from speedlead.ports import Clock, Ruling, SendErrorKind
from speedlead.store import notifications
from speedlead.store.deliveries import RANK, Report, take_report
from speedlead.store.remarks import remark
from speedlead.store.rows import daily, first_time, put_notice

# these speak of the person's number or mailbox; the others of our account, our words, or of a phone that is off
_THEIRS = frozenset({SendErrorKind.BAD_ADDRESS, SendErrorKind.OPTED_OUT})
_ROW = """
select m.id::text as id, m.state, m.delivery, m.channel, m.notice_id::text as notice_id, m.rep_id::text as rep_id,
    m.account_id::text as account_id, coalesce(r.name, a.name) as name, coalesce(r.manager, true) as manager
from notification m left join rep r on r.id = m.rep_id left join account a on a.id = m.account_id
where m.id = $1::text::uuid"""
_LEFT = """
select exists (select from notification where notice_id = $1::text::uuid and id <> $2::text::uuid
    and rep_id is not distinct from $3::text::uuid and account_id is not distinct from $4::text::uuid
    and (state in ('waiting', 'claimed', 'sent') or error = 'seen'))"""


async def take_any_report(conn: Any, clock: Clock, report: Report) -> str | None:
    """A report of a lead's message, or of one to our people; the lead that has a message to its workflow."""
    notification_id = ids.notification_of(report.touch_id or "")
    if notification_id is None:
        return await take_report(conn, clock, report)
    await _take(conn, clock, notification_id, report)
    return None


async def _take(conn: Any, clock: Clock, notification_id: str, report: Report) -> None:
    row = await conn.fetchrow(_ROW + " for update of m", notification_id)
    if row is None:
        remark("unknown_touch")
    if not await first_time(conn, report.provider, report.key, kind=report.kind, touch_id=None, payload=report.payload):
        return
    if row is None or report.status not in RANK or RANK[report.status] <= RANK.get(row["delivery"], -1):
        return
    await conn.execute(
        "update notification set delivery = $2 where id = $1::text::uuid", notification_id, report.status
    )
    fault = report.fault
    if fault is None:
        await notifications.was_taken(conn, notification_id, clock.wall())
        return
    code = f" {report.code}" if report.code else ""
    if await notifications.did_not_arrive(conn, notification_id, clock.wall(), f"{report.status}{code}: {fault.why}"):
        await tell_not_reached(conn, clock, notification_id, fault.kind)
    if fault.tell:
        await _tell_operations(conn, clock, row["channel"], fault, report.code)


async def tell_not_reached(conn: Any, clock: Clock, notification_id: str, kind: SendErrorKind) -> None:
    """Managers, and of managers operations, hear of it: once a day for each person and channel.

    What does not speak of their address is told only when nothing else has reached them or is still to go.
    """
    row = await conn.fetchrow(_ROW, notification_id)
    left = await conn.fetchval(_LEFT, row["notice_id"], row["id"], row["rep_id"], row["account_id"])
    if row["name"] is None or (left and kind not in _THEIRS):
        return
    now = clock.business(0)
    who = row["rep_id"] or row["account_id"]
    what = {"sms": "text", "email": "e-mail"}.get(row["channel"], row["channel"])
    await put_notice(
        conn, audience="ops" if row["manager"] else "manager", kind="not_reached", at=now,
        reason=f"{row['name']}, by {what}", dedupe=daily(f"not_reached:{who}", row["channel"], now),
    )  # fmt: skip


async def _tell_operations(conn: Any, clock: Clock, channel: str, fault: Ruling, code: str | None) -> None:
    now = clock.business(0)
    kind = "provider_config" if fault.kind is SendErrorKind.CONFIG else "content_refused"
    await put_notice(conn, audience="ops", kind=kind, at=now, reason=code, dedupe=daily(kind, channel, now))


async def unreached(conn: Any, rep_id: str | None = None) -> Sequence[Any]:
    """Of whom the newest text or mail did not arrive: rep_id, name, channel, error, claimed_wall."""
    rows: Sequence[Any] = await conn.fetch(
        """select r.id::text as rep_id, r.name, c.channel, m.error, m.claimed_wall
           from rep r cross join (values ('sms'), ('email')) c(channel)
           join lateral (select state, error, claimed_wall from notification
               where rep_id = r.id and channel = c.channel and claimed_wall is not null
                   and state in ('sent', 'failed') order by claimed_wall desc limit 1) m on m.state = 'failed'
           where r.active and ($1::text is null or r.id = $1::text::uuid) order by r.name, c.channel desc""",
        rep_id,
    )
    return rows
