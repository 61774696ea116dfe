"""How touches end that nobody can say much about: in doubt where they may have arrived, and told."""

from datetime import timedelta
from typing import Any

import pytest

from speedlead.contracts import RecordRequest, TouchState
from speedlead.ports import SendErrorKind
from speedlead.store.calls import CallReport, take_lead_leg
from speedlead.store.reach import number_history
from speedlead.store.transactions import transact
from tests.activities.house import PHONE, House
from tests.activities.test_sending import given_back


async def ends(house: House, lead: str, step: str) -> tuple[str, str | None]:
    touch = await house.touch(lead, step)
    assert touch is not None
    return touch["state"], touch["reason"]


async def close(house: House, lead: str) -> None:
    assert await house.leads.close(lead, reason="no_outcome", stage="closed", at=house.clock.now)


async def test_a_message_in_doubt_stays_so_when_its_lead_closes(house: House) -> None:
    lead = await given_back(house)
    await close(house, lead)
    assert await ends(house, lead, "sms-1") == ("in_doubt", "lead_closed")


async def test_what_was_put_off_is_left_out_when_its_lead_closes(house: House) -> None:
    lead = await house.lead()
    house.clock.now += timedelta(hours=15)
    assert (await house.send(lead)).state is TouchState.DEFERRED
    await close(house, lead)
    assert await ends(house, lead, "email-1") == ("skipped", "lead_closed")


@pytest.mark.parametrize("how", ["given up", "closed"])
async def test_an_acknowledgement_whose_tries_died_does_not_stay_claimed(house: House, how: str) -> None:
    lead = await house.lead()
    claim = house.claim(lead, "ack-1", purpose="acknowledgement", hours=None)
    await house.touches.claim(claim)  # and the process dies
    if how == "closed":
        await close(house, lead)
    else:
        request = RecordRequest(
            lead_id=lead, key="k", kind="acknowledgement_failed", at=house.clock.now, inquiry_number=1
        )
        await house.run(house.records.record, request)
    assert await ends(house, lead, "ack-1") == ("in_doubt", "no_answer_from_provider")
    assert await house.pool.fetchval("select exists (select from story where kind = 'in_doubt' and step = 'ack-1')")
    # its provider's answer was only late
    await house.touches.sent(f"{lead}.ack-1", provider_id="X1", at=house.clock.now)
    assert await ends(house, lead, "ack-1") == ("sent", None)


async def test_an_acknowledgement_that_was_refused_for_an_hour_has_failed(house: House) -> None:
    lead = await house.lead()
    for number in (1, 2, 12):
        await house.touches.claim(house.claim(lead, f"ack-{number}", purpose="acknowledgement", hours=None))
        await house.touches.release(f"{lead}.ack-{number}")
    await house.touches.acknowledgement_failed(lead, 1, house.clock.now)
    assert await ends(house, lead, "ack-1") == ("failed", "provider_down")
    # those of other inquiries are tried on
    assert (await ends(house, lead, "ack-2"))[0] == (await ends(house, lead, "ack-12"))[0] == "deferred"


# ── what counts against the caps of a number ─────────────────────────────────────────────────────────────────────────


async def counted(house: House, asks: str | None) -> int:
    async with house.pool.acquire() as connection:
        return len(await number_history(connection, PHONE, house.clock.now, asks))


async def test_a_repeat_counts_the_request_that_was_in_doubt(house: House) -> None:
    lead = await given_back(house)
    touch = f"{lead}.sms-1"
    assert (await counted(house, touch), await counted(house, None)) == (1, 1)
    assert (await house.send(lead, "sms")).state is TouchState.SENT
    # both may have arrived
    assert (await counted(house, touch), await counted(house, None)) == (1, 2)


async def test_a_message_that_was_found_after_its_doubt_counts_once(house: House) -> None:
    lead = await given_back(house)
    house.text.known = ["SM7"]
    assert (await house.send(lead, "sms")).reason == "reconciled"
    assert await counted(house, None) == 1


async def test_a_plain_message_counts_once_and_not_for_itself(house: House) -> None:
    lead = await house.lead()
    house.text.refuse = SendErrorKind.IN_DOUBT
    await house.send(lead, "sms")
    assert (await counted(house, f"{lead}.sms-1"), await counted(house, None)) == (0, 1)


# ── late reports of calls ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("first", "late", "stands", "told"),
    [
        ("no-answer", "completed", "connected", 2),
        ("canceled", "completed", "connected", 2),
        ("completed", "no-answer", "connected", 1),
        ("busy", "no-answer", "busy", 1),
        ("canceled", "no-answer", "abandoned", 1),
    ],
)
async def test_a_later_report_counts_when_it_says_that_more_has_happened(
    house: House, first: str, late: str, stands: str, told: int
) -> None:
    await house.rep()
    lead = await house.lead()
    await house.dial(lead)
    leg = (await house.gate.claim_lead_leg(f"{lead}.call-1.rep-1-1")).lead_leg_id
    for status in (first, late, late):
        report = CallReport(f"{status}{house.clock.now}", "voice/lead-leg", leg, "CA9", status)
        house.clock.now += timedelta(seconds=1)
        await transact(house.pool, lambda conn, r=report: take_lead_leg(conn, house.clock, r))  # type: ignore[misc]
    touch: dict[str, Any] | None = await house.touch(lead, "call-1")
    assert touch is not None
    assert (touch["call_result"], touch["state"]) == (stands, "failed" if stands == "abandoned" else "sent")
    said = await house.pool.fetch("select payload from message where kind = 'call_progress' order by seq")
    assert len(said) == told
    assert said[-1]["payload"]["result"] == stands
    reached = await house.pool.fetchval("select first_contact_at is not null from lead where id = $1", lead)
    assert reached == (stands == "connected")


async def test_a_call_that_was_given_up_and_reached_somebody_is_told_to_the_plan(house: House) -> None:
    await house.rep()
    lead = await house.lead()
    await house.dial(lead)
    leg = (await house.gate.claim_lead_leg(f"{lead}.call-1.rep-1-1")).lead_leg_id
    await house.touches.ended(f"{lead}.call-1", state="in_doubt", reason="no_call_result", at=house.clock.now)
    report = CallReport("late", "voice/lead-leg", leg, "CA9", "completed")
    assert await transact(house.pool, lambda conn: take_lead_leg(conn, house.clock, report)) == lead
