"""What the acknowledgement promises where calls are limited or impossible: only what a person of ours can keep."""

from datetime import timedelta

import pytest

from speedlead.contracts import AcknowledgeRequest, RouteRequest
from tests.activities.house import NOW, House

FLORIDA = "+13055550123"  # three calls in 24 hours
MINUTE = timedelta(minutes=1)


async def promised(house: House, lead: str) -> tuple[object, str]:
    await house.run(house.messaging.acknowledge, AcknowledgeRequest(lead_id=lead, inquiry_number=1, lead_type="hot"))
    row = await house.pool.fetchrow("select promised_at, promise_text from lead where id = $1", lead)
    return row["promised_at"], row["promise_text"]


async def called_before(house: House, number: str, *minutes_ago: int) -> None:
    """Calls to the number, for another person's lead."""
    other = await house.lead(email="other@example.com", phone=None)
    for n in minutes_ago:
        at = NOW - n * MINUTE
        await house.put(
            "touch", id=f"{other}.call-{n}", lead_id=other, person_id=await house.person(other), step=f"call-{n}",
            channel="call", purpose="plan", state="sent", planned_at=at, placed_at=at, claimed_at=at, sent_at=at,
            address=number,
        )  # fmt: skip


async def test_a_limit_that_earlier_calls_have_used_up_is_known_to_the_promise_and_to_routing(house: House) -> None:
    await house.rep()
    await called_before(house, FLORIDA, 30, 20, 10)
    lead = await house.lead(phone=FLORIDA)
    free_again = NOW + timedelta(days=1) - 30 * MINUTE
    due, text = await promised(house, lead)
    assert due == free_again + 3 * MINUTE
    assert text.startswith("A person calls you tomorrow, by ")
    routed = await house.run(house.routing.route, RouteRequest(lead_id=lead, lead_type="hot", submitted_at=NOW))
    assert (routed.open_at, routed.due_at) == (free_again, due)


@pytest.mark.parametrize("minutes_ago", [(), (30, 20)])
async def test_a_limit_that_is_not_reached_changes_nothing(house: House, minutes_ago: tuple[int, ...]) -> None:
    await house.rep()
    await called_before(house, FLORIDA, *minutes_ago)
    assert (await promised(house, await house.lead(phone=FLORIDA)))[0] == NOW + 3 * MINUTE


async def test_only_a_number_with_a_history_costs_another_look(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    look = house.touches.history

    async def history(*args: object) -> object:
        looks.append(args)
        return await look(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(house.touches, "history", history)
    await house.rep()
    await promised(house, await house.lead())
    assert looks == []
    await called_before(house, FLORIDA, 30)
    await promised(house, await house.lead(email="b@example.com", phone=FLORIDA))
    assert len(looks) == 1


async def test_who_can_be_neither_called_nor_written_to_is_promised_a_look_in_the_teams_hours(house: House) -> None:
    await house.rep()
    house.clock.now = NOW + timedelta(hours=13)  # 23:00 in New York
    lead = await house.lead(email=None, phone="+881612345678", sms=False, tz=None, country=None)
    due, text = await promised(house, lead)
    assert text == "A person reads your inquiry within 11 hours."
    assert due is not None
    assert due > NOW + timedelta(hours=22)
