"""What became of a message after the provider took it: status callbacks of SMS, events of mail.

Reports come late, twice and in any order: each has a key that counts once, and a touch's delivery only moves forward.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from speedlead.contracts import DeliverySignal
from speedlead.domain.recovery import Then
from speedlead.ports import Clock, Ruling, SendErrorKind
from speedlead.store.optouts import opt_out
from speedlead.store.reach import lost_channel
from speedlead.store.remarks import remark
from speedlead.store.rows import daily, first_time, lock_open_lead, lock_person, put_message, put_notice
from speedlead.store.story import tell_story
from speedlead.store.touches import record_sent

# of two reports with the same rank the first one stays
RANK = {
    "accepted": 0, "scheduled": 0, "queued": 1, "processed": 1, "sending": 2, "deferred": 2, "sent": 3,
    "delivered": 4, "undelivered": 4, "failed": 4, "canceled": 4, "read": 5,
    # a mailbox may refuse after it has accepted
    "bounced": 5, "blocked": 5, "dropped": 5, "spam_report": 6,
}  # fmt: skip
_SIGNALLED = frozenset({"bounced", "blocked", "dropped", "undelivered", "failed", "spam_report"})
# what a lead's workflow acts on; `retry` and `reconcile` are about requests, and this message was taken
_FOLLOWS = frozenset({Then.AGAIN, Then.OTHER_CHANNEL, Then.PLAN, Then.DECIDE})


@dataclass(frozen=True, slots=True)
class Report:
    """One report about one touch. `fault` is None unless it says that the message did not arrive."""

    provider: Literal["twilio", "sendgrid"]
    key: str
    kind: str
    touch_id: str | None
    provider_id: str | None
    status: str
    payload: dict[str, Any]
    fault: Ruling | None = None
    code: str | None = None


async def take_report(conn: Any, clock: Clock, report: Report) -> str | None:
    """Stores the report and what follows from it; returns the lead that has a message to its workflow."""
    found = await conn.fetchrow(
        """select t.id, t.lead_id, t.person_id, l.clock_offset_us from touch t join lead l on l.id = t.lead_id
           where t.id = $1 or ($1::text is null and t.provider_id = $2)""",
        report.touch_id, report.provider_id,
    )  # fmt: skip
    if found is None:
        remark("unknown_touch")
    else:
        await lock_person(conn, found["person_id"])
    known = await first_time(
        conn, report.provider, report.key, kind=report.kind, touch_id=found and found["id"], payload=report.payload
    )
    if not known or found is None or report.status not in RANK:
        return None
    touch = await conn.fetchrow("select * from touch where id = $1 for update", found["id"])
    now = clock.business(found["clock_offset_us"])
    if touch["state"] in ("claimed", "in_doubt") or (touch["state"] != "sent" and touch["doubted_wall"] is not None):
        touch = await _exists(conn, touch, report, now)
    if touch["delivery"] is not None and RANK[report.status] <= RANK.get(touch["delivery"], -1):
        return None
    await conn.execute("update touch set delivery = $2 where id = $1", touch["id"], report.status)
    if report.fault is None:
        return None
    await tell_story(
        conn, touch["lead_id"], kind="delivery", at=now, step=touch["step"], reason=report.fault.kind.value,
        data={"channel": touch["channel"], "status": report.status, "code": report.code},
        dedupe=f"delivery:{touch['id']}:{report.status}",
    )  # fmt: skip
    return await _not_arrived(conn, clock, touch, report, report.fault, now)


async def _exists(conn: Any, touch: Any, report: Report, now: datetime) -> Any:
    """The provider knows the message, so it was sent, whatever became of the answer to our request."""
    sent = await conn.fetchrow(
        """update touch set state = 'sent', reason = null, provider_id = coalesce(provider_id, $2),
               sent_at = coalesce(sent_at, $3), settled_at = coalesce(settled_at, $3) where id = $1 returning *""",
        touch["id"], report.provider_id, now,
    )  # fmt: skip
    await record_sent(conn, sent, now)
    return sent


async def _not_arrived(conn: Any, clock: Clock, touch: Any, report: Report, fault: Ruling, now: datetime) -> str | None:
    """What the table of errors says follows: an opt-out, a mark on the address, word to operations and to the lead."""
    if touch["purpose"] in ("manual", "meeting") and report.status in _SIGNALLED - {"spam_report"}:
        await _tell_author(conn, touch, fault, now)
    if fault.kind is SendErrorKind.OPTED_OUT:
        channel = cast(Literal["sms", "email"], touch["channel"])
        return await opt_out(conn, clock, touch["person_id"], channel, source="provider")
    lost = None
    if fault.kind is SendErrorKind.BAD_ADDRESS:
        await _mark_address(conn, touch, report, fault)
        lost = await lost_channel(conn, touch["lead_id"], touch["channel"])
    if fault.tell:
        kind = "provider_config" if fault.kind is SendErrorKind.CONFIG else "content_refused"
        await put_notice(
            conn, audience="ops", kind=kind, at=now, lead_id=touch["lead_id"], reason=report.code,
            dedupe=daily(kind, touch["channel"], now),
        )  # fmt: skip
    lead = await lock_open_lead(conn, touch["person_id"])
    if lead is None or lead["id"] != touch["lead_id"] or report.status not in _SIGNALLED or fault.then not in _FOLLOWS:
        return None
    signal = DeliverySignal(
        touch_id=touch["id"],
        status=cast(Literal["bounced", "blocked", "dropped", "undelivered", "failed", "spam_report"], report.status),
        bad_address=lost is not None,
        channel=lost,
        then=cast(Literal["again", "other_channel", "plan", "decide"], fault.then.value),
        again_after_s=fault.after_s,
        times=fault.times,
    )
    await put_message(conn, lead["id"], "delivery", signal)
    return str(lead["id"])


async def _tell_author(conn: Any, touch: Any, fault: Ruling, now: datetime) -> None:
    """Somebody of ours waits for an answer to what they wrote: they hear at once, else the owner, else managers."""
    rep_id = await conn.fetchval(
        """select coalesce(wrote.id, owner.id) from lead l
           left join answer a on a.lead_id = l.id and 'answer-' || a.number = $2
           left join rep wrote on wrote.id = a.rep_id and wrote.active
           left join rep owner on owner.id = l.owner_id and owner.active where l.id = $1""",
        touch["lead_id"], touch["step"],
    )  # fmt: skip
    await put_notice(
        conn, audience="rep" if rep_id is not None else "manager", kind="answer_not_arrived", at=now, rep_id=rep_id,
        lead_id=touch["lead_id"], reason=fault.kind.value, dedupe=f"answer_not_arrived:{touch['id']}",
    )  # fmt: skip


async def _mark_address(conn: Any, touch: Any, report: Report, fault: Ruling) -> None:
    reason = f"{report.status}:{report.code}" if report.code else report.status
    if touch["channel"] == "email":
        change = "person_email set bad_reason = coalesce(bad_reason, $3) where address = $2"
    elif fault.scope == "sms":  # a landline, good to call
        change = "person_phone set sms_bad_reason = coalesce(sms_bad_reason, $3) where number = $2"
    else:
        change = "person_phone set bad_reason = coalesce(bad_reason, $3) where number = $2"
    await conn.execute(f"update {change} and person_id = $1", touch["person_id"], touch["address"], reason)
