"""Nobody is there, and then somebody comes back: the lead has an owner and is called within seconds."""

import time

import pytest

from tests.e2e.house import House

pytestmark = [pytest.mark.timeout(120)]


async def test_nobody_is_there_and_then_one_comes_back(house: House) -> None:
    await house.fetch("update rep set presence = 'away'")
    [lead] = await house.submit("hot")

    async def stays_due() -> bool:
        rows = await house.fetch(
            """select l.owner_id, t.state, t.reason from lead l join touch t on t.lead_id = l.id and t.step = 'call-1'
               where l.id = $1::text::uuid""", lead)  # fmt: skip
        return [tuple(row) for row in rows] == [(None, "deferred", "rep_unavailable")]

    await house.until("the call stays due", stays_due, 30)
    told = await house.fetch("select kind from notice where audience = 'manager' and lead_id = $1::text::uuid", lead)
    assert "nobody_available" in [row["kind"] for row in told]

    await house.fetch("update rep set presence = 'available' where email = 'anna@speedlead.example'")
    back = time.monotonic()

    async def called() -> str | None:
        rows = await house.fetch(
            """select r.email from lead l join rep r on r.id = l.owner_id where l.id = $1::text::uuid
                   and exists (select from touch t
                       where t.lead_id = l.id and t.step = 'call-1' and t.state = 'sent')""",
            lead)  # fmt: skip
        return rows[0]["email"] if rows else None

    # the next try would have been after two minutes
    assert await house.until("it has an owner and is called", called, 20) == "anna@speedlead.example"
    print(f"called {time.monotonic() - back:.1f} s after somebody came back")
