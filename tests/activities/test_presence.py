"""A call that was not taken makes its rep away for a while, and says so; a decision of theirs does not."""

from datetime import timedelta
from typing import Any

import pytest

from speedlead.contracts import TouchState
from speedlead.ids import new_id
from speedlead.store import calls
from speedlead.store.calls import CallReport
from speedlead.store.transactions import transact
from tests.activities.house import NOW, House


async def ring(house: House) -> tuple[str, str, str]:
    rep, lead = await house.rep(), await house.lead()
    await house.dial(lead)
    return rep, lead, f"{lead}.call-1.rep-1-1"


async def report(house: House, leg: str, status: str) -> None:
    told = CallReport(new_id(), "voice/leg", leg, "CA1", status)
    await transact(house.pool, lambda conn: calls.take_rep_leg(conn, house.clock, told))


async def presence(house: House, rep: str) -> tuple[Any, ...]:
    return tuple(await house.pool.fetchrow("select presence, away_until from rep where id = $1", rep))  # type: ignore[arg-type]


@pytest.mark.parametrize("status", ["no-answer", "completed"])
async def test_a_call_that_was_not_taken_makes_the_rep_away_and_is_told_once(house: House, status: str) -> None:
    rep, lead, leg = await ring(house)
    for _ in range(2):
        await report(house, leg, status)
    assert await presence(house, rep) == ("away", NOW + timedelta(minutes=15))
    assert sorted(await house.notices(lead)) == [("manager", "away_after_missed"), ("rep", "away_after_missed")]
    assert (await house.dial(lead, step="call-2")).reason == "rep_unavailable"
    house.clock.now = NOW + timedelta(minutes=15)
    assert (await house.dial(lead, step="call-3")).state is TouchState.RINGING


@pytest.mark.parametrize("status", ["busy", "canceled", "failed"])
async def test_what_is_no_absence(house: House, status: str) -> None:
    rep, lead, leg = await ring(house)
    await report(house, leg, status)
    assert await presence(house, rep) == ("available", None)
    assert await house.notices(lead) == []


async def test_a_pressed_key_is_a_decision_and_the_end_of_that_call_no_absence(house: House) -> None:
    rep, _, leg = await ring(house)
    told = CallReport(new_id(), "voice/accept", leg, "CA1", "in-progress")
    await transact(house.pool, lambda conn: calls.rep_refused(conn, house.clock, told, "rep_declined", None))
    await report(house, leg, "completed")
    assert await presence(house, rep) == ("available", None)


async def test_no_key_is_an_absence_and_taking_a_call_ends_it(house: House) -> None:
    rep, _, leg = await ring(house)
    told = CallReport(new_id(), "voice/accept", leg, "CA1", "in-progress")
    await transact(house.pool, lambda conn: calls.rep_refused(conn, house.clock, told, "rep_no_answer", None))
    assert (await presence(house, rep))[0] == "away"
    await house.pool.execute("update leg set state = 'answered'")
    await transact(house.pool, lambda conn: calls.rep_accepted(conn, house.clock, leg))
    assert await presence(house, rep) == ("available", None)


async def test_who_is_away_by_their_own_word_stays_so(house: House) -> None:
    rep, lead, leg = await ring(house)
    await house.pool.execute("update rep set presence = 'away' where id = $1", rep)
    await report(house, leg, "no-answer")
    assert await presence(house, rep) == ("away", None)
    assert await house.notices(lead) == []
