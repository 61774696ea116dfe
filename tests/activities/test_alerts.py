"""What operations are told of a provider, how often, and what the lead's touch does meanwhile."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from speedlead.contracts import AcknowledgeRequest, TouchRequest, TouchState
from speedlead.ports import SendErrorKind
from tests.activities.house import House


async def told(house: House) -> list[str]:
    rows = await house.pool.fetch("select kind from notice where audience = 'ops' order by at, kind")
    return [row["kind"] for row in rows]


async def nth(attempt: int, method: Any, request: Any) -> Any:
    """Runs the activity as its `attempt`th try."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt)
    return await environment.run(method, request)


async def try_to_send(house: House, lead: str, attempt: int) -> None:
    request = TouchRequest(
        lead_id=lead, step="email-1", channel="email", template="missed_you", planned_at=house.clock.now
    )
    with pytest.raises(ApplicationError) as refused:
        await nth(attempt, house.messaging.send, request)
    assert refused.value.type == "retry_safe"


async def test_an_outage_is_told_once_a_day_however_many_leads_wait_for_its_end(house: House) -> None:
    leads = [await house.lead(email=f"ada{n}@example.com", phone=f"+1212555012{n}") for n in range(3)]
    house.mail.refuse = SendErrorKind.RETRY_SAFE
    await try_to_send(house, leads[0], attempt=1)
    assert await told(house) == [], "a moment's refusal is nobody's business"
    for lead in leads:
        await try_to_send(house, lead, attempt=5)
    assert await told(house) == ["provider_down"]
    touch = await house.touch(leads[0], "email-1")
    assert touch is not None
    assert (touch["state"], touch["reason"]) == ("deferred", "provider_down"), "it waits with a reason"
    house.clock.now += timedelta(days=1)
    await try_to_send(house, leads[0], attempt=5)
    assert await told(house) == ["provider_down"] * 2


@pytest.mark.parametrize("kind", [SendErrorKind.CONFIG, SendErrorKind.CONTENT])
async def test_what_only_we_can_mend_is_told_once_a_day_for_each_channel(house: House, kind: SendErrorKind) -> None:
    house.mail.refuse = house.text.refuse = kind
    for n in range(3):
        lead = await house.lead(email=f"ada{n}@example.com", phone=f"+1212555012{n}")
        for channel in ("email", "sms"):
            assert (await house.send(lead, channel)).state is TouchState.FAILED
    assert len(await told(house)) == 2


async def test_an_acknowledgement_leaves_a_mail_provider_that_keeps_refusing_for_a_text(house: House) -> None:
    lead = await house.lead()
    house.mail.refuse = SendErrorKind.RETRY_SAFE
    request = AcknowledgeRequest(lead_id=lead, inquiry_number=1, lead_type="hot")
    with pytest.raises(ApplicationError):
        await nth(2, house.messaging.acknowledge, request)
    assert house.text.requests == []
    result = await nth(3, house.messaging.acknowledge, request)
    assert (result.state, result.step) == (TouchState.SENT, "ack-1-sms")
    assert len(house.text.requests) == 1


async def test_an_acknowledgement_without_another_channel_keeps_trying(house: House) -> None:
    lead = await house.lead(sms=False)
    house.mail.refuse = SendErrorKind.RETRY_SAFE
    with pytest.raises(ApplicationError):
        await nth(9, house.messaging.acknowledge, AcknowledgeRequest(lead_id=lead, inquiry_number=1, lead_type="hot"))


async def test_a_call_that_the_provider_has_no_room_for_stays_due(house: House) -> None:
    await house.rep()
    lead = await house.lead()
    house.phone.refuse = SendErrorKind.RETRY_LATER
    result = await house.dial(lead)
    assert (result.state, result.reason) == (TouchState.DEFERRED, "provider_busy")
    assert result.next_at == house.clock.now + timedelta(minutes=1)
    house.phone.refuse = None
    assert (await house.dial(lead, attempt=2)).state is TouchState.RINGING
    assert await told(house) == ["provider_busy"]


async def test_an_account_that_may_not_call_is_told_once_whichever_lead_met_it(house: House) -> None:
    await house.rep()
    house.phone.refuse = SendErrorKind.CONFIG
    for n in range(3):
        lead = await house.lead(email=f"ada{n}@example.com", phone=f"+1212555012{n}")
        assert (await house.dial(lead)).reason == "provider_config"
    assert await told(house) == ["provider_config"]
