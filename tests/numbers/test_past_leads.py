"""Leads that came, as they are played once more: by what their first form said."""

from datetime import timedelta
from typing import Any

from speedlead.store.past_leads import past_leads
from tests.numbers.cases import CAME, LATER, MONDAY, a_lead


async def test_a_past_lead_is_what_its_first_form_said(conn: Any) -> None:
    lead = await a_lead(conn, phone="+12125550123", tz="America/New_York", country="US", intent="pricing")
    await lead.asks_again(CAME + timedelta(hours=1))
    [found], of_all = await past_leads(conn, MONDAY, LATER, 10)
    assert (of_all, found.intent, found.submitted_at, found.evidence.phone_e164) == (1, "pricing", CAME, "+12125550123")
    assert (found.has_email, found.has_phone, found.consents.call_requested, found.consents.sms) == (
        True, True, True, False)  # fmt: skip


async def test_too_many_are_played_from_all_over_the_period(conn: Any) -> None:
    for day in range(6):
        await a_lead(conn, created=CAME + timedelta(days=day))
    found, of_all = await past_leads(conn, MONDAY, LATER, 3)
    assert of_all == 6
    assert [lead.submitted_at for lead in found] == [CAME + timedelta(days=day) for day in (5, 3, 1)]


async def test_who_does_not_count_is_not_played(conn: Any) -> None:
    for hours in range(3):
        await a_lead(conn, created=CAME + timedelta(hours=hours))
    spam = await a_lead(conn, closed_at=LATER)
    await spam.outcome(CAME, "unqualified", reason="spam")
    erased = await a_lead(conn)
    await conn.execute("update person set erased_wall = $1 where id = $2", LATER, erased.person_id)
    found, of_all = await past_leads(conn, MONDAY, LATER, 10)
    assert of_all == 3
    assert [lead.submitted_at for lead in found] == [CAME + timedelta(hours=hours) for hours in (2, 1, 0)]
