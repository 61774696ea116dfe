"""A call that nobody wants any more: the rep whose phone rings is hung up, a talk is never cut."""

import pytest

from speedlead.contracts import CallOffRequest, TouchResult, TouchState
from speedlead.store.calls import CallReport, rep_accepted, rep_picked_up, take_rep_leg
from speedlead.store.transactions import transact
from tests.activities.house import House

REASONS = {"paused": TouchState.DEFERRED, "stopped": TouchState.SKIPPED, "opted_out": TouchState.SKIPPED}


async def call_off(house: House, lead: str, reason: str) -> TouchResult:
    request = CallOffRequest(lead_id=lead, step="call-1", reason=reason)  # type: ignore[arg-type]
    return await house.run(house.voice.call_off, request)  # type: ignore[no-any-return]


async def ringing(house: House) -> tuple[str, str]:
    await house.rep()
    lead = await house.lead()
    await house.dial(lead)
    return lead, f"{lead}.call-1.rep-1-1"


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("picked_up", [True, False])
async def test_the_rep_is_hung_up_and_the_step_says_why(house: House, reason: str, picked_up: bool) -> None:
    lead, leg = await ringing(house)
    if picked_up:
        await transact(house.pool, lambda conn: rep_picked_up(conn, house.clock, leg, "SM1"))
    result = await call_off(house, lead, reason)
    assert (result.state, result.reason) == (REASONS[reason], reason)
    assert house.phone.hung_up == ["SM1"]
    touch = await house.touch(lead, "call-1")
    assert touch is not None
    assert (touch["state"], touch["reason"]) == (REASONS[reason].value, reason)
    # a key that was pressed at the same moment connects nobody
    permit = await house.gate.claim_lead_leg(leg)
    assert (permit.allowed, permit.reason) == (False, "superseded")
    # and the end of the rep's call is no call that the rep has missed
    report = CallReport("end", "voice/leg", leg, "SM1", "completed")
    assert await transact(house.pool, lambda conn: take_rep_leg(conn, house.clock, report)) is None
    assert await house.pool.fetchval("select presence from rep") == "available"


async def test_a_call_that_a_pause_took_back_rings_again_afterwards(house: House) -> None:
    lead, _ = await ringing(house)
    await call_off(house, lead, "paused")
    assert (await house.dial(lead, attempt=2)).state is TouchState.RINGING


@pytest.mark.parametrize("dialled", [True, False])
async def test_a_talk_goes_on(house: House, dialled: bool) -> None:
    lead, leg = await ringing(house)
    if dialled:
        await house.gate.claim_lead_leg(leg)
    else:
        await transact(house.pool, lambda conn: rep_accepted(conn, house.clock, leg))
    assert (await call_off(house, lead, "stopped")).state is TouchState.RINGING
    assert house.phone.hung_up == []
    touch = await house.touch(lead, "call-1")
    assert touch is not None
    assert touch["state"] == "claimed"


async def test_a_provider_that_does_not_hang_up_changes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from speedlead.ports import SendError, SendErrorKind

    async def silent(call_id: str) -> None:
        raise SendError(SendErrorKind.RETRY_SAFE, "HTTP 503")

    lead, leg = await ringing(house)
    monkeypatch.setattr(house.phone, "hang_up", silent)
    assert (await call_off(house, lead, "opted_out")).state is TouchState.SKIPPED
    assert not (await house.gate.claim_lead_leg(leg)).allowed
