"""One server is down for a while and is not replaced: what the form answers, and what follows when it is back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.e2e.house import House

pytestmark = [pytest.mark.kill, pytest.mark.timeout(120)]


@asynccontextmanager
async def down(house: House, part: str) -> AsyncIterator[None]:
    running = house.stack._running[part]
    await running.stop()
    try:
        yield
    finally:
        await running.start()


async def test_temporal_is_down_and_the_form_answers_all_the_same(house: House) -> None:
    async with down(house, "temporal"):
        [lead] = await house.submit("warm")
        [row] = await house.fetch("select delivered_wall from message where lead_id = $1::text::uuid", lead)
        assert row["delivered_wall"] is None
        assert house.accepted([lead]) == []

    async def acknowledged() -> bool:
        return any(touch == f"{lead}.ack-1" for _, touch, _ in house.accepted([lead]))

    await house.until("the lead has started and is acknowledged", acknowledged, 30)
    await house.assert_no_limbo([lead])
    house.assert_nothing_went_twice([lead])


async def test_postgres_is_down_and_nothing_is_half_written(house: House) -> None:
    counts = "select (select count(*) from person) p, (select count(*) from lead) l, (select count(*) from message) m"
    before = tuple((await house.fetch(counts))[0])
    async with down(house, "postgres"):
        status, body, headers = await house.post("warm", email="later@example.com")
        assert status == 503
        assert int(headers["Retry-After"]) >= 1
        assert headers["Content-Type"] == "application/problem+json"
        assert "nothing was stored" in body["detail"]
    assert tuple((await house.fetch(counts))[0]) == before

    async def taken() -> str | None:
        status, body, _ = await house.post("warm", email="later@example.com")
        return body["lead_id"] if status == 202 else None

    lead = await house.until("the same form is taken", taken, 20)

    async def acknowledged() -> bool:
        return any(touch == f"{lead}.ack-1" for _, touch, _ in house.accepted([lead]))

    await house.until("and acknowledged", acknowledged, 30)
    house.assert_nothing_went_twice([lead])


async def test_the_providers_are_down_and_the_acknowledgement_arrives_once(house: House) -> None:
    async with down(house, "sandbox"):
        [lead] = await house.submit("warm")

        async def refused() -> bool:
            rows = await house.touches([lead])
            return any(t["step"] == "ack-1" and t["attempts"] >= 2 for t in rows)

        await house.until("the acknowledgement was tried twice", refused, 30)

    async def arrived() -> bool:
        return any(touch == f"{lead}.ack-1" for _, touch, _ in house.accepted([lead]))

    await house.until("the acknowledgement has arrived", arrived, 40)
    await house.all_closed([lead], 60)
    house.assert_nothing_went_twice([lead])
    [acknowledgement] = [t for t in await house.touches([lead]) if t["purpose"] == "acknowledgement"]
    assert (acknowledgement["state"], acknowledgement["step"]) == ("sent", "ack-1")
