"""Law at the gate, from rows: what was suppressed, withdrawn, refused or agreed since the step was planned."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from speedlead.ids import new_id
from speedlead.records import Claimed, Deferred, Skipped
from tests.activities.house import NOW, House

DAY = timedelta(days=1)
PARIS: dict[str, Any] = {"phone": "+33142685300", "country": "FR", "tz": "Europe/Paris"}
SYDNEY: dict[str, Any] = {"phone": "+61292311234", "country": "AU", "tz": "Australia/Sydney"}
MANUAL: dict[str, Any] = {"channel": "call", "purpose": "manual", "hours": None}


@pytest.mark.parametrize("channel", ["call", "sms", "email"])
@pytest.mark.parametrize("scope", ["call", "sms", "email", "all"])
async def test_suppression_holds_for_its_channel_and_for_all(house: House, scope: str, channel: str) -> None:
    lead = await house.lead()
    await house.opt_out(lead, scope)
    answer = await house.touches.claim(house.claim(lead, f"{channel}-1", channel))
    assert answer == Skipped("opted_out") if scope in ("all", channel) else isinstance(answer, Claimed)


async def test_consent_is_read_at_the_gate_and_not_when_the_step_was_planned(house: House) -> None:
    lead = await house.lead(region="CT", postcode="06103", phone="+12035550148")
    assert isinstance(await house.touches.claim(house.claim(lead, "call-1", "call")), Claimed)
    await house.pool.execute("update inquiry set consent_call = false, consent_sms = false where lead_id = $1", lead)
    again = await house.touches.claim(house.claim(lead, "call-2", "call"))
    assert again == Skipped("no_consent", ("no_consent:us-ct",))
    text = await house.touches.claim(house.claim(lead, "sms-1", "sms"))
    assert isinstance(text, Skipped)
    assert text.reason == "no_consent"


async def test_an_unknown_place_is_not_called_and_gets_its_mail(house: House) -> None:
    lead = await house.lead(phone="+18005550100", country=None, tz=None)
    for channel in ("call", "sms"):
        answer = await house.touches.claim(house.claim(lead, f"{channel}-1", channel))
        assert answer == Skipped("unknown_location", ("unknown_location",))
    assert isinstance(await house.touches.claim(house.claim(lead)), Claimed)


async def outcome(house: House, lead: str, kind: str, at: datetime, until: datetime | None = None) -> None:
    await house.put("outcome", id=new_id(), lead_id=lead, outcome=kind, at=at, until_at=until)


@pytest.mark.parametrize(("kind", "days"), [("not_interested", 60), ("do_not_contact", 60), ("qualified", 0)])
async def test_a_french_number_that_said_no_rests_for_sixty_days_whatever_its_next_lead(
    house: House, kind: str, days: int
) -> None:
    first = await house.lead(email="a@example.com", **PARIS)
    assert isinstance(await house.touches.claim(house.claim(first, "call-1", **MANUAL)), Claimed)
    await house.pool.execute("update touch set state = 'sent', call_result = 'connected' where lead_id = $1", first)
    await outcome(house, first, kind, NOW + timedelta(minutes=3))
    second = await house.lead(email="b@example.com", **PARIS)
    house.clock.now += 30 * DAY
    answer = await house.touches.claim(house.claim(second, "call-1", **MANUAL))
    if days:
        assert isinstance(answer, Deferred)
        assert answer.reasons[0] == "frequency_cap:fr"
        assert answer.next_at >= NOW + days * DAY + timedelta(minutes=3)
    else:
        assert isinstance(answer, Claimed)


async def test_an_australian_who_asked_for_a_sunday_is_called_then_and_at_no_other_closed_hour(house: House) -> None:
    lead = await house.lead(**SYDNEY)
    sunday = NOW.replace(day=29, hour=3, minute=0)  # 14:00 in Sydney
    house.clock.now = sunday
    assert isinstance(await house.touches.claim(house.claim(lead, "callback-1", **MANUAL)), Deferred)
    await outcome(house, lead, "callback_requested", NOW, sunday)
    house.clock.now = sunday + timedelta(hours=1)
    assert isinstance(await house.touches.claim(house.claim(lead, "callback-1", **MANUAL)), Deferred)
    house.clock.now = sunday + timedelta(minutes=10)
    assert isinstance(await house.touches.claim(house.claim(lead, "callback-1", **MANUAL)), Claimed)
