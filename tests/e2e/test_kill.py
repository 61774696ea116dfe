"""kill -9 in the middle of a cadence: timers fire, nothing goes twice, nothing is forgotten."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.house import House

pytestmark = [pytest.mark.kill, pytest.mark.timeout(300)]

LEADS = ("hot", "warm", "cold", "hot", "warm", "cold")
# from the accident to the end of the last cadence: what was left of it, the parts' return, one lease and retry, and a
# call that was put off by two minutes because the accident took the phones of those who were rung
LONG_ENOUGH_S = 210


@pytest.fixture(autouse=True)
async def _everybody_is_there(house: House) -> None:
    """Whoever did not take a call because of the accident of the test before would be away for a quarter of an hour."""
    await house.fetch(
        "update rep set presence = 'available', away_until = null where away_until is not null returning 1"
    )


async def in_the_middle(house: House, leads: Sequence[str]) -> None:
    """Some steps are done and some are ahead, for the leads together."""

    async def some_are_done() -> bool:
        done = [t for t in await house.touches(leads) if t["purpose"] == "plan" and t["state"] == "sent"]
        return len(done) >= len(leads) // 2

    await house.until("the cadence is under way", some_are_done, 40)


async def kill(house: House, *parts: str) -> tuple[datetime, datetime]:
    """When they were killed, and when they were all back."""
    killed = datetime.now(UTC)
    for part in parts:
        house.stack.kill(part)
    for part in parts:
        await house.stack.wait_ready(part)
    # the app's own connections may be a moment behind the server that they belong to
    return killed, datetime.now(UTC) + timedelta(seconds=10)


@pytest.mark.parametrize(
    "accidents",
    [[("temporal",), ("postgres",)], [("postgres", "temporal", "app")]],
    ids=["one server after the other", "all together"],
)
async def test_a_killed_part_costs_nothing_but_time(house: House, accidents: list[tuple[str, ...]]) -> None:
    leads = await house.submit(*LEADS)
    await in_the_middle(house, leads)
    times = [await kill(house, *parts) for parts in accidents]
    await house.assert_no_limbo(leads)
    await house.all_closed(leads, LONG_ENOUGH_S)
    await house.assert_every_touch_ended_once(leads, times[0][0], times[-1][1])
    house.assert_nothing_went_twice(leads)


async def test_a_worker_killed_between_the_claim_and_the_answer(house: House) -> None:
    """The provider has the request and the answer never arrives: reconciled or in doubt, never sent again."""
    slowly = {"slow": 1, "slow_s": 4}  # the client would wait five seconds
    # callbacks come after the retry: an early one would settle the touch first
    await house.faults(email=slowly, sms=slowly, call=slowly, callbacks={"late_s": 12})
    leads: list[str] = []

    async def in_flight() -> dict[str, str]:
        """Touch id -> channel of planned touches that are claimed, accepted by the provider, and not yet answered."""
        rows = await house.fetch(
            """select t.id, t.channel from touch t left join leg on leg.touch_id = t.id
               where t.lead_id = any($1::text[]::uuid[]) and t.purpose = 'plan' and t.state = 'claimed'
                   and (t.channel <> 'call' or leg.state = 'claimed')""",
            leads,
        )
        accepted = {touch for _, touch, _ in house.accepted(leads)}
        return {row["id"]: row["channel"] for row in rows if row["id"] in accepted}

    async def of_both_kinds() -> bool:
        return {"email", "call"} <= set((await in_flight()).values())

    try:
        leads += await house.submit("warm", "cold", "warm", "cold")
        await house.until("a planned e-mail is in flight", in_flight, 30)
        leads += await house.submit("hot", "hot")
        await house.until("an e-mail and a call are in flight", of_both_kinds, 10)
        await asyncio.sleep(random.uniform(0, 1.5))
        open_at_kill = await in_flight()
        killed, back = await kill(house, "app")
    finally:
        await house.faults()
    assert open_at_kill
    await house.assert_no_limbo(leads)
    await house.all_closed(leads, LONG_ENOUGH_S)
    house.assert_nothing_went_twice(leads)
    await house.assert_every_touch_ended_once(leads, killed, back)
