"""What became of a message after the provider took it: status callbacks of SMS, events of mail.

Reports come late, twice and in any order: each has a key that counts once, and a touch's delivery only moves forward.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from speedlead.contracts import DeliverySignal
from speedlead.ports import Clock, SendErrorKind
from speedlead.store.inbound import opt_out
from speedlead.store.rows import first_time, lock_open_lead, lock_person, put_message, put_notice
from speedlead.store.story import tell_story
from speedlead.store.touches import record_sent

# of two reports with the same rank the first one stays
_RANK = {
    "accepted": 0, "scheduled": 0, "queued": 1, "processed": 1, "sending": 2, "deferred": 2, "sent": 3,
    "delivered": 4, "undelivered": 4, "failed": 4, "canceled": 4, "read": 5,
    # a mailbox may refuse after it has accepted
    "bounced": 5, "blocked": 5, "dropped": 5, "spam_report": 6,
}  # fmt: skip
_SIGNALLED = frozenset({"bounced", "dropped", "undelivered", "failed", "spam_report"})
_TEMPORARY = frozenset({SendErrorKind.RETRY_SAFE, SendErrorKind.RETRY_LATER, SendErrorKind.IN_DOUBT})


@dataclass(frozen=True, slots=True)
class Report:
    """One report about one touch. `fault` is None unless it says that the message did not arrive.

    `sms_only` marks a fault of the number that leaves it good to call (a landline).
    """

    provider: Literal["twilio", "sendgrid"]
    key: str
    kind: str
    touch_id: str | None
    provider_id: str | None
    status: str
    payload: dict[str, Any]
    fault: SendErrorKind | None = None
    code: str | None = None
    sms_only: bool = False


async def take_report(conn: Any, clock: Clock, report: Report) -> str | None:
    """Stores the report and what follows from it; returns the lead that has a message to its workflow."""
    found = await conn.fetchrow(
        """select t.id, t.lead_id, t.person_id, l.clock_offset_us from touch t join lead l on l.id = t.lead_id
           where t.id = $1 or ($1::text is null and t.provider_id = $2)""",
        report.touch_id, report.provider_id,
    )  # fmt: skip
    if found is not None:
        await lock_person(conn, found["person_id"])
    known = await first_time(
        conn, report.provider, report.key, kind=report.kind, touch_id=found and found["id"], payload=report.payload
    )
    if not known or found is None or report.status not in _RANK:
        return None
    touch = await conn.fetchrow("select * from touch where id = $1 for update", found["id"])
    now = clock.business(found["clock_offset_us"])
    if touch["state"] in ("claimed", "in_doubt"):
        touch = await _exists(conn, touch, report, now)
    if touch["delivery"] is not None and _RANK[report.status] <= _RANK.get(touch["delivery"], -1):
        return None
    await conn.execute("update touch set delivery = $2 where id = $1", touch["id"], report.status)
    if report.fault is None:
        return None
    await tell_story(
        conn, touch["lead_id"], kind="delivery", at=now, step=touch["step"], reason=report.fault.value,
        data={"channel": touch["channel"], "status": report.status, "code": report.code},
        dedupe=f"delivery:{touch['id']}:{report.status}",
    )  # fmt: skip
    return await _not_arrived(conn, clock, touch, report, now)


async def _exists(conn: Any, touch: Any, report: Report, now: datetime) -> Any:
    """The provider knows the message, so it was sent, whatever became of the answer to our request."""
    sent = await conn.fetchrow(
        """update touch set state = 'sent', reason = null, provider_id = coalesce(provider_id, $2),
               sent_at = coalesce(sent_at, $3), settled_at = coalesce(settled_at, $3) where id = $1 returning *""",
        touch["id"], report.provider_id, now,
    )  # fmt: skip
    await record_sent(conn, sent, now)
    return sent


async def _not_arrived(conn: Any, clock: Clock, touch: Any, report: Report, now: datetime) -> str | None:
    if report.fault is SendErrorKind.OPTED_OUT:
        channel = cast(Literal["sms", "email"], touch["channel"])
        return await opt_out(conn, clock, touch["person_id"], channel, source="provider")
    if report.fault in _TEMPORARY:
        return None
    bad_address = report.fault is SendErrorKind.BAD_ADDRESS
    if bad_address:
        await _mark_address(conn, touch, report)
    if report.fault is SendErrorKind.CONFIG:
        await put_notice(
            conn, audience="ops", kind="provider_config", at=now, lead_id=touch["lead_id"], reason=report.code,
            dedupe=f"provider_config:{report.provider}:{report.code}:{now:%Y-%m-%d}",
        )  # fmt: skip
    lead = await lock_open_lead(conn, touch["person_id"])
    if lead is None or lead["id"] != touch["lead_id"] or report.status not in _SIGNALLED:
        return None
    status = cast(Literal["bounced", "dropped", "undelivered", "failed", "spam_report"], report.status)
    signal = DeliverySignal(touch_id=touch["id"], status=status, bad_address=bad_address)
    await put_message(conn, lead["id"], "delivery", signal)
    return str(lead["id"])


async def _mark_address(conn: Any, touch: Any, report: Report) -> None:
    reason = f"{report.status}:{report.code}" if report.code else report.status
    if touch["channel"] == "email":
        change = "person_email set bad_reason = coalesce(bad_reason, $3) where address = $2"
    elif report.sms_only:
        change = "person_phone set sms_bad_reason = coalesce(sms_bad_reason, $3) where number = $2"
    else:
        change = "person_phone set bad_reason = coalesce(bad_reason, $3) where number = $2"
    await conn.execute(f"update {change} and person_id = $1", touch["person_id"], touch["address"], reason)
