"""What a lead's rows say when its workflow is lost: calls that are owed, answers that wait, texts that wait."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest_asyncio

from speedlead.contracts import LeadStart, TouchRequest, TouchResult, TouchState, WrittenAnswer
from speedlead.domain.lead import Hurry, Repeat
from speedlead.domain.recovery import Then
from speedlead.ports import Ruling, SendErrorKind
from speedlead.store.answers import Draft, write_answer
from speedlead.store.deliveries import Report, take_report
from speedlead.store.starts import build_start
from speedlead.store.transactions import transact
from tests.activities.house import House, open_house
from tests.activities.test_sending import acknowledge
from workflows.state import begin

NIGHT = timedelta(hours=15)  # 01:00 in New York


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_house(database_url) as made:
        await made.rep()
        yield made


async def again(house: House, lead: str) -> LeadStart:
    async with house.pool.acquire() as connection:
        start = await build_start(connection, lead, again=True)
    assert start is not None
    return start


async def test_a_call_that_is_still_owed_rings_legs_of_its_own(house: House) -> None:
    lead = await house.lead()
    for attempt in (1, 2):
        assert (await house.dial(lead, attempt=attempt)).state is TouchState.RINGING
        await house.pool.execute("update leg set state = 'ended', result = 'rep_no_answer'")
        assert (await house.dial(lead, attempt=attempt, level=2)).reason == "rep_unavailable"
    run = begin(await again(house, lead))
    assert run.attempts == {"call-1": 2}
    assert (await house.dial(lead, attempt=run.attempts["call-1"] + 1)).state is TouchState.RINGING


async def test_a_call_whose_phone_rings_is_heard_out_and_not_rung_again(house: House) -> None:
    lead = await house.lead()
    await house.dial(lead, attempt=1)
    await house.pool.execute("update leg set state = 'ended', result = 'rep_no_answer'")
    await house.dial(lead, attempt=1, level=2)
    await house.dial(lead, attempt=2)
    run = begin(await again(house, lead))
    result = await house.dial(lead, attempt=run.attempts["call-1"] + 1)
    assert (result.state, result.reason, result.leg_id) == (TouchState.RINGING, "ringing", f"{lead}.call-1.rep-2-1")
    assert len(house.phone.requests) == 2


async def written(house: House, lead: str, *, heard: bool) -> None:
    draft = Draft(lead, "sms", "We call you at ten.")
    await transact(house.pool, lambda conn: write_answer(conn, house.clock, draft))
    if heard:
        await house.pool.execute("update message set delivered_wall = clock_timestamp() where kind = 'answer'")


async def send_answer(house: House, lead: str) -> TouchResult:
    request = TouchRequest(
        lead_id=lead, step="answer-1", channel="sms", purpose="manual", template="answer", planned_at=house.clock.now
    )
    return await house.run(house.messaging.send, request)  # type: ignore[no-any-return]


async def test_an_answer_that_waits_for_its_hour_is_sent_by_the_new_workflow(house: House) -> None:
    lead = await house.lead()
    await written(house, lead, heard=True)
    house.clock.now += NIGHT
    assert (await again(house, lead)).resume.answers == (WrittenAnswer(number=1, channel="sms"),)  # type: ignore[union-attr]
    assert (await send_answer(house, lead)).state is TouchState.DEFERRED
    run = begin(await again(house, lead))
    assert [(answer.number, answer.channel) for answer in run.answers] == [(1, "sms")]
    house.clock.now += NIGHT
    assert (await send_answer(house, lead)).state is TouchState.SENT
    assert begin(await again(house, lead)).answers == []


async def test_an_answer_whose_message_is_on_its_way_comes_with_it(house: House) -> None:
    lead = await house.lead()
    await written(house, lead, heard=False)
    assert begin(await again(house, lead)).answers == []


async def test_an_acknowledgement_that_waits_for_its_hour_is_still_owed(house: House) -> None:
    lead = await house.lead(email=None)
    house.clock.now += NIGHT
    assert (await acknowledge(house, lead)).state is TouchState.DEFERRED
    assert begin(await again(house, lead)).unanswered == [1]
    house.clock.now += NIGHT
    assert (await acknowledge(house, lead)).state is TouchState.SENT
    assert begin(await again(house, lead)).unanswered == []


AGAIN = Ruling(SendErrorKind.RETRY_LATER, Then.AGAIN, "", after_s=3600, times=2)
ELSEWHERE = Ruling(SendErrorKind.CONFIG, Then.OTHER_CHANNEL, "")


async def not_delivered(house: House, lead: str, step: str, status: str, fault: Ruling, *, heard: bool = True) -> None:
    report = Report("twilio", f"{step}:{status}", "sms/status", f"{lead}.{step}", None, status, {}, fault)
    await transact(house.pool, lambda conn: take_report(conn, house.clock, report))
    if heard:
        await house.pool.execute("update message set delivered_wall = clock_timestamp() where kind = 'delivery'")


async def test_a_text_that_goes_once_more_still_does(house: House) -> None:
    lead = await house.lead()
    await house.send(lead, "sms")
    house.clock.now += timedelta(minutes=5)
    at = house.clock.now + timedelta(hours=1)
    await not_delivered(house, lead, "sms-1", "undelivered", AGAIN, heard=False)
    assert begin(await again(house, lead)).lead.repeats == {}  # it comes by its own message
    await house.pool.execute("update message set delivered_wall = clock_timestamp() where kind = 'delivery'")
    assert begin(await again(house, lead)).lead.repeats == {"sms-1": Repeat("sms-1", 1, at)}
    house.clock.now = at
    await house.send(lead, "sms", "sms-1-again")
    assert begin(await again(house, lead)).lead.repeats == {}
    house.clock.now += timedelta(minutes=5)
    await not_delivered(house, lead, "sms-1-again", "undelivered", AGAIN)
    repeat = Repeat("sms-1", 2, house.clock.now + timedelta(hours=1))
    assert begin(await again(house, lead)).lead.repeats == {"sms-1": repeat}
    # a later step of the plan has taken its place
    house.clock.now += timedelta(minutes=5)
    await house.send(lead, "email")
    assert begin(await again(house, lead)).lead.repeats == {}


async def test_what_goes_at_once_in_place_of_a_lost_touch_still_does(house: House) -> None:
    lead = await house.lead()
    await house.send(lead, "sms")
    house.clock.now += timedelta(minutes=5)
    await not_delivered(house, lead, "sms-1", "failed", ELSEWHERE)
    assert begin(await again(house, lead)).lead.hurry == Hurry("sms", house.clock.now)
    house.clock.now += timedelta(minutes=5)
    await house.send(lead, "email")
    assert begin(await again(house, lead)).lead.hurry is None
    house.text.refuse = SendErrorKind.CONFIG
    house.clock.now += timedelta(hours=2)
    await house.send(lead, "sms", "sms-2")
    assert begin(await again(house, lead)).lead.hurry == Hurry("sms", house.clock.now)


async def test_an_acknowledgement_that_goes_once_more_still_does(house: House) -> None:
    lead = await house.lead()
    await acknowledge(house, lead)
    house.clock.now += timedelta(minutes=5)
    await not_delivered(house, lead, "ack-1", "blocked", AGAIN)
    run = begin(await again(house, lead))
    assert (run.unheard, run.unanswered) == ([(1, house.clock.now + timedelta(hours=1))], [])
    house.clock.now += timedelta(hours=1)
    await acknowledge(house, lead, fallback=True)
    assert begin(await again(house, lead)).unheard == []
