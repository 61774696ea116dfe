"""Whose phone rings: nobody who may not have the lead, the best of the others, and first whoever asked for the call."""

from datetime import timedelta
from typing import Any

import pytest

from speedlead.contracts import RouteRequest, TouchState
from speedlead.routingbook import load_routing
from tests.activities.house import NOW, House, open_house


async def names(house: House) -> list[str]:
    rows = await house.pool.fetch("select phone, name from rep")
    name = {row["phone"]: row["name"] for row in rows}
    return [name[request["to"]] for request in house.phone.requests]


async def owner(house: House, lead: str) -> str | None:
    return await house.pool.fetchval("select owner_id from lead where id = $1", lead)  # type: ignore[no-any-return]


async def second(house: House, lead: str) -> None:
    """The first one does not take it; the next level is rung."""
    first = await house.dial(lead)
    assert first.leg_id is not None
    await house.touches.task_over(f"{lead}.call-1", first.leg_id, at=house.clock.now, result=None)
    await house.dial(lead, level=2)


@pytest.mark.parametrize("columns", [{"channels": ["email"]}, {"weight": 0}, {"capacity": 1}])
async def test_what_is_final_for_an_owner_is_final_for_the_phone(house: House, columns: dict[str, Any]) -> None:
    misfit = await house.rep("Misfit", **columns)
    await house.lead(email="b@example.com", phone=None, owner_id=misfit)
    lead = await house.lead()
    routed = await house.run(house.routing.route, RouteRequest(lead_id=lead, lead_type="hot", submitted_at=NOW))
    assert (routed.owner_id, routed.reason) == (None, "rep_unavailable")
    result = await house.dial(lead)
    assert (result.state, result.reason) == (TouchState.DEFERRED, "rep_unavailable")
    assert (await names(house), await owner(house, lead)) == ([], None)


@pytest.mark.parametrize(
    "columns", [{"channels": ["email"]}, {"weight": 0}, {"territories": ["FR"]}, {"products": ["x"]}, {"lane": "low"}]
)
async def test_a_backup_is_somebody_who_fits_however_little_others_have_to_do(
    house: House, columns: dict[str, Any]
) -> None:
    first = await house.rep("Owner", phone="+14155552703")
    await house.rep("Misfit", phone="+14155552709", **columns)
    fit = await house.rep("Fit", phone="+14155552702")
    await house.lead(email="b@example.com", phone=None, owner_id=fit)
    lead = await house.lead(owner_id=first)
    await house.pool.execute("""update inquiry set fields = '{"product": "crm"}'""")
    await second(house, lead)
    assert await names(house) == ["Owner", "Fit"]


@pytest.mark.parametrize(("give_up", "rung"), [(("territory",), ["Misfit"]), ((), [])])
async def test_what_is_given_up_for_an_owner_is_for_the_phone(
    database_url: str, give_up: tuple[str, ...], rung: list[str]
) -> None:
    rules = load_routing().model_copy(update={"give_up": give_up})
    async with open_house(database_url, rules=rules) as house:
        await house.rep("Misfit", territories=["FR"])
        await house.dial(await house.lead())
        assert await names(house) == rung


@pytest.mark.parametrize("columns", [{"weight": 0}, {"capacity": 1}, {"territories": ["FR"]}])
async def test_an_owner_is_rung_for_what_is_theirs(house: House, columns: dict[str, Any]) -> None:
    lead = await house.lead(owner_id=await house.rep("Owner", phone="+14155552703", **columns))
    await house.rep("Other")
    await house.dial(lead)
    assert await names(house) == ["Owner"]


@pytest.mark.parametrize(
    "columns",
    [
        {"presence": "busy"}, {"weekly": {"6": [[0, 60]]}}, {"manager": True}, {"presence": "away", "away_said": True},
        {"channels": ["email"]}, {},
    ],
)  # fmt: skip
async def test_who_asked_for_the_call_is_rung_first_whatever_they_are(house: House, columns: dict[str, Any]) -> None:
    other = await house.rep("Other", phone="+14155552702")
    me = await house.rep("Me", phone="+14155552703", **columns)
    lead = await house.lead(owner_id=other, assigned_at=NOW, accepted_at=NOW)
    result = await house.dial(lead, step="callback-1", purpose="manual", rep_id=me)
    assert (result.state, await names(house)) == (TouchState.RINGING, ["Me"])
    # a lost answer rings nobody else, and the next level is the owner
    await house.dial(lead, step="callback-1", purpose="manual", rep_id=me)
    await house.touches.task_over(f"{lead}.callback-1", result.leg_id or "", at=house.clock.now, result=None)
    await house.dial(lead, step="callback-1", purpose="manual", rep_id=me, level=2)
    assert await names(house) == ["Me", "Other"]


async def test_the_leads_law_holds_for_a_call_that_a_rep_asks_for(house: House) -> None:
    me = await house.rep("Me")
    lead = await house.lead(owner_id=me)
    house.clock.now = NOW + timedelta(hours=13)  # 23:00 where the lead is
    result = await house.dial(lead, step="callback-1", purpose="manual", rep_id=me)
    assert (result.state, await names(house)) == (TouchState.DEFERRED, [])
