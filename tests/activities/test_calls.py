"""Dialling: who is rung, what stays due, and what a refusal means."""

from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from speedlead.contracts import CheckRequest, TouchResult, TouchState
from speedlead.ports import SendErrorKind
from speedlead.store.calls import CallReport, take_lead_leg
from speedlead.store.transactions import transact
from tests.activities.house import NOW, House

MANAGER = ("manager", "nobody_available")


async def test_the_owner_is_rung_first_and_the_least_loaded_next(house: House) -> None:
    busy, free = await house.rep("Busy"), await house.rep("Free", phone="+14155552702")
    owner = await house.rep("Owner", phone="+14155552703")
    await house.lead(email="b@example.com", phone=None, owner_id=busy)
    lead = await house.lead(owner_id=owner)
    assert (await house.dial(lead)).state is TouchState.RINGING
    await house.pool.execute("update leg set state = 'ended', result = 'rep_no_answer'")
    assert (await house.dial(lead, level=2)).state is TouchState.RINGING
    assert [request["to"] for request in house.phone.requests] == ["+14155552703", "+14155552702"]
    assert await house.pool.fetchval("select rep_id from leg where id like '%rep-1-2'") == free


async def test_ringing_a_rep_is_no_attempt(house: House) -> None:
    await house.rep()
    lead = await house.lead()
    await house.dial(lead)
    touch = await house.touch(lead, "call-1")
    assert touch is not None
    assert (touch["state"], touch["sent_at"]) == ("claimed", None)
    assert touch["versions"]["template"] == "script/inbound.en v1"
    assert await house.pool.fetchval("select first_attempt_at from lead where id = $1", lead) is None


async def test_a_leg_is_rung_once_however_often_it_is_asked_for(house: House) -> None:
    await house.rep()
    lead = await house.lead()
    assert (await house.dial(lead), (await house.dial(lead)).state)[1] is TouchState.RINGING
    assert len(house.phone.requests) == 1


@pytest.mark.parametrize("columns", [{"presence": "away"}, {"phone": None}, {"manager": True}, {"weekly": {}}])
async def test_without_anybody_the_call_stays_due_and_the_manager_is_told_once(
    house: House, columns: dict[str, object]
) -> None:
    await house.rep(**columns)
    lead = await house.lead()
    for _ in range(2):
        result = await house.dial(lead)
        assert (result.state, result.reason) == (TouchState.DEFERRED, "rep_unavailable")
    touch = await house.touch(lead, "call-1")
    assert touch is not None
    assert (touch["state"], touch["reason"]) == ("deferred", "rep_unavailable")
    assert await house.notices(lead) == [MANAGER]
    assert house.phone.requests == []


async def test_a_call_that_nobody_takes_is_offered_again_soon(house: House) -> None:
    await house.rep()
    lead = await house.lead()
    await house.dial(lead)
    await house.pool.execute("update leg set state = 'ended', result = 'rep_no_answer'")
    result = await house.dial(lead, level=2)
    assert (result.state, result.reason) == (TouchState.DEFERRED, "rep_unavailable")
    assert result.next_at is not None
    assert NOW < result.next_at <= NOW + timedelta(minutes=15)
    assert (await house.dial(lead, attempt=2)).state is TouchState.RINGING


async def test_managers_hear_that_nobody_was_there_and_later_that_nobody_accepted(house: House) -> None:
    rep = await house.rep(presence="away")
    lead = await house.lead()
    await house.dial(lead)
    await house.pool.execute("update rep set presence = 'available' where id = $1", rep)
    await house.dial(lead, attempt=2)
    await house.pool.execute("update leg set state = 'ended', result = 'rep_no_answer'")
    for _ in range(2):
        assert (await house.dial(lead, attempt=2, level=2)).state is TouchState.DEFERRED
    told = await house.notices(lead)
    assert (told.count(MANAGER), told.count(("manager", "nobody_accepted"))) == (1, 1)


@pytest.mark.parametrize("kind", [SendErrorKind.BAD_ADDRESS, SendErrorKind.CONFIG])
async def test_a_reps_wrong_number_costs_the_lead_nothing(house: House, kind: SendErrorKind) -> None:
    """Also one in a country that the account may not call."""
    await house.rep("First")
    await house.rep("Second", phone="+14155552702")
    lead = await house.lead()
    house.phone.refuse, house.phone.whole_number = kind, True
    assert (await house.dial(lead)).state is TouchState.DECLINED
    assert ("ops", "provider_config") in await house.notices(lead)
    first = await house.pool.fetchval("select rep_id from leg")
    house.phone.refuse = None
    assert (await house.dial(lead, level=2)).state is TouchState.RINGING
    assert await house.pool.fetchval("select rep_id from leg where state = 'ringing'") != first
    assert (await house.leads.read(lead)).phone is not None


@pytest.mark.parametrize("kind", [SendErrorKind.CONFIG, SendErrorKind.CONTENT, SendErrorKind.OPTED_OUT])
async def test_what_the_account_may_not_do_fails_the_touch_and_ops_are_told(house: House, kind: SendErrorKind) -> None:
    await house.rep()
    lead = await house.lead()
    house.phone.refuse = kind
    result = await house.dial(lead)
    assert (result.state, result.reason, result.opted_out) == (TouchState.FAILED, "provider_config", None)
    assert await house.notices(lead) == [("ops", "provider_config")]
    assert await house.pool.fetchval("select count(*) from suppression") == 0


async def test_a_safe_refusal_frees_the_leg(house: House) -> None:
    await house.rep()
    lead = await house.lead()
    house.phone.refuse = SendErrorKind.RETRY_SAFE
    with pytest.raises(ApplicationError):
        await house.dial(lead)
    house.phone.refuse = None
    assert (await house.dial(lead)).state is TouchState.RINGING


async def check(house: House, lead: str, *, give_up: bool) -> TouchResult:
    request = CheckRequest(lead_id=lead, step="call-1", give_up=give_up)
    return await house.run(house.voice.check_call, request)  # type: ignore[no-any-return]


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("owned", [True, False])
async def test_a_call_in_doubt_is_a_persons_and_never_placed_twice(house: House, listed: bool, owned: bool) -> None:
    rep = await house.rep()
    lead = await house.lead(owner_id=rep)
    house.phone.refuse = SendErrorKind.IN_DOUBT
    in_doubt = await house.dial(lead)
    assert (in_doubt.state, in_doubt.reason) == (TouchState.RINGING, None)
    house.phone.refuse = None
    house.clock.now += timedelta(seconds=8)
    assert (await house.dial(lead)).reason is None
    with pytest.raises(ApplicationError, match="may still answer"):
        await check(house, lead, give_up=False)
    house.phone.known = ["CA7"] if listed else []
    house.clock.now += timedelta(seconds=20)
    if not owned:
        await house.pool.execute("update lead set owner_id = null")
    result = await check(house, lead, give_up=False)
    assert result.state is (TouchState.RINGING if listed else TouchState.IN_DOUBT)
    told = [("ops", "call_in_doubt"), ("rep" if owned else "manager", "call_personally")]
    assert sorted(await house.notices(lead)) == ([] if listed else sorted(told))
    assert (await house.dial(lead)).state is result.state
    assert len(house.phone.requests) == 1


async def test_a_call_of_another_lead_to_the_same_rep_is_not_taken_for_ours(house: House) -> None:
    await house.rep()
    other, lead = await house.lead(), await house.lead(email="b@example.com", phone="+12125550124")
    await house.dial(other)  # SM1
    house.phone.refuse, house.phone.known = SendErrorKind.IN_DOUBT, ["SM1"]
    await house.dial(lead)
    house.clock.now += timedelta(seconds=20)
    assert (await check(house, lead, give_up=False)).state is TouchState.IN_DOUBT


async def test_a_lost_report_that_no_rep_picked_up_rings_the_next_one(house: House) -> None:
    await house.rep()
    lead = await house.lead()
    await house.dial(lead)
    house.phone.over = ["SM1"]
    assert (await check(house, lead, give_up=False)).state is TouchState.DECLINED
    assert await house.pool.fetchval("select result from leg") == "rep_no_answer"


async def test_a_call_whose_end_is_never_heard_is_in_doubt_in_the_end(house: House) -> None:
    await house.rep()
    lead = await house.lead()
    await house.dial(lead)
    assert (await check(house, lead, give_up=False)).state is TouchState.RINGING
    assert (await check(house, lead, give_up=True)).state is TouchState.IN_DOUBT
    assert await house.notices(lead) == [("ops", "call_in_doubt"), ("rep", "call_in_doubt")]


@pytest.mark.parametrize(
    ("status", "state", "result"),
    [("completed", "sent", "connected"), ("no-answer", "sent", "no_answer"), ("canceled", "in_doubt", None)],
)
async def test_a_late_word_of_the_provider_puts_a_call_in_doubt_right(
    house: House, status: str, state: str, result: str | None
) -> None:
    await house.rep()
    lead = await house.lead()
    await house.dial(lead)
    permit = await house.gate.claim_lead_leg(f"{lead}.call-1.rep-1-1")
    await check(house, lead, give_up=True)
    for key in ("first", "again"):
        report = CallReport(key, "voice/done", permit.lead_leg_id, "CA9", status)
        await transact(house.pool, lambda conn, report=report: take_lead_leg(conn, house.clock, report))
    touch = await house.touch(lead, "call-1")
    assert touch is not None
    assert (touch["state"], touch["call_result"]) == (state, result)
    reached = await house.pool.fetchval("select first_contact_at is not null from lead where id = $1", lead)
    assert reached == (result == "connected")


@pytest.mark.parametrize(("queued_ms", "told"), [(0, 0), (4000, 0), (9000, 1)])
async def test_ops_hear_once_an_hour_of_calls_that_wait_at_the_provider(
    house: House, queued_ms: int, told: int
) -> None:
    await house.rep()
    house.phone.queued_ms = queued_ms
    for number in range(2):
        lead = await house.lead(email=f"{number}@example.com", phone=f"+1212555013{number}")
        await house.dial(lead)
    assert await house.pool.fetchval("select count(*) from notice where kind = 'calls_queued'") == told
    assert await house.pool.fetchval("select max(queued_ms) from leg") == (queued_ms or None)
    house.clock.now += timedelta(hours=1)
    await house.dial(await house.lead(email="z@example.com", phone="+12125550139"))
    assert await house.pool.fetchval("select count(*) from notice where kind = 'calls_queued'") == 2 * told
