"""Somebody who texts us is answered by text, without a consent; a form that only says so is not."""

from speedlead.contracts import AcknowledgeRequest, TouchResult, TouchState
from speedlead.ids import new_id
from tests.activities.house import NOW, PHONE, House


async def acknowledge(house: House, lead: str) -> TouchResult:
    request = AcknowledgeRequest(lead_id=lead, inquiry_number=1, lead_type="cold")
    return await house.run(house.messaging.acknowledge, request)  # type: ignore[no-any-return]


async def texted(house: House, *, by_text: bool) -> str:
    lead = await house.lead(email=None, sms=False)
    await house.pool.execute("update inquiry set channel = 'sms' where lead_id = $1", lead)
    if by_text:
        await house.put("reply", id=new_id(), lead_id=lead, channel="sms", body="Prices?", received_at=NOW)
    return lead


async def test_a_text_gets_its_receipt_by_text(house: House) -> None:
    assert (await acknowledge(house, await texted(house, by_text=True))).state is TouchState.SENT
    assert house.text.requests[0]["to"] == PHONE


async def test_a_form_that_calls_itself_a_text_does_not(house: House) -> None:
    result = await acknowledge(house, await texted(house, by_text=False))
    assert (result.state, result.reason) == (TouchState.SKIPPED, "no_consent")
    assert house.text.requests == []


async def test_it_is_no_consent_to_texts_of_the_plan(house: House) -> None:
    assert (await house.send(await texted(house, by_text=True), "sms")).reason == "no_consent"
