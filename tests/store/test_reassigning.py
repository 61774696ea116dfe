"""A lead that is given to somebody by hand, over real rows, while others take it or leave."""

import asyncio
from typing import Any

import pytest

from speedlead.records import MovedOn
from tests.activities.conftest import house
from tests.activities.house import NOW, House

__all__ = ["house"]


async def standing(house: House, lead: str) -> tuple[Any, ...]:
    row = await house.pool.fetchrow("select owner_id, accepted_at is not null from lead where id = $1", lead)
    assert row is not None
    return tuple(row)


async def test_who_has_taken_it_meanwhile_keeps_it(house: House) -> None:
    gone, taker, heir = await house.rep("Gone"), await house.rep("Taker"), await house.rep("Heir")
    lead = await house.lead(owner_id=taker, assigned_at=NOW, accepted_at=NOW)
    with pytest.raises(MovedOn, match="moved_on"):
        await house.leads.reassign(lead, heir, NOW, "left", gone)
    assert await standing(house, lead) == (taker, True)
    assert await house.pool.fetchval("select count(*) from story where kind = 'reassigned'") == 0
    await house.leads.reassign(lead, heir, NOW, "by_hand")
    assert await standing(house, lead) == (heir, True)


async def test_asked_again_after_a_lost_answer_it_is_done(house: House) -> None:
    gone, heir = await house.rep("Gone"), await house.rep("Heir")
    lead = await house.lead(owner_id=gone, assigned_at=NOW)
    for _ in range(2):
        await house.leads.reassign(lead, heir, NOW, "left", gone)
        assert await standing(house, lead) == (heir, True)


async def test_nobody_is_given_a_lead_in_the_moment_in_which_they_leave(house: House) -> None:
    owner, heir = await house.rep("Owner"), await house.rep("Heir")
    lead = await house.lead(owner_id=owner, assigned_at=NOW)
    async with house.pool.acquire() as conn:
        leaving = conn.transaction()
        await leaving.start()
        await conn.execute("update rep set active = false where id = $1", heir)
        giving = asyncio.create_task(house.leads.reassign(lead, heir, NOW, "by_hand"))
        await asyncio.sleep(0.3)
        assert not giving.done(), "decided while it was not known whether they stay"
        await leaving.commit()
    with pytest.raises(LookupError, match="no such active rep"):
        await giving
    assert await standing(house, lead) == (owner, False)
