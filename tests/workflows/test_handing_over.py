"""The leads of somebody who leaves, given to others while their workflows go on."""

from datetime import UTC, datetime

from speedlead.demo.world import World
from speedlead.steering import Steering
from speedlead.store.hand_over import begin_hand_over, plan_hand_over
from speedlead.store.steering import not_done
from speedlead.store.transactions import transact
from tests.workflows.leads import ADA, ended
from tests.workflows.test_tasks import offered, world

__all__ = ["world"]


async def test_a_lead_that_somebody_else_has_taken_since_stays_there(world: World) -> None:
    world.reps_accept = False
    lead = await world.submit(datetime.now(UTC), **ADA)
    gone = (await offered(world, lead, 1))[0]
    plan = await transact(world.pool, lambda conn: plan_hand_over(conn, gone, None))
    assert list(plan) == [lead]
    await world.leads.update(lead, "decline", {"rep_id": gone, "reason": "leaving"})
    taker = (await offered(world, lead, 2))[1]
    await world.leads.update(lead, "accept", {"rep_id": taker})
    heir = await world.pool.fetchval(
        "select id from rep where active and not manager and id <> all($1::uuid[]) limit 1", [gone, taker]
    )
    run_id = await transact(
        world.pool,
        lambda conn: begin_hand_over(
            conn, gone, {lead: heir}, "left", role="ops", account_id=None, wall=datetime.now(UTC)
        ),
    )
    run = await Steering(world.pool, world.leads, world.clock).carry_out(run_id)
    assert (run.done, run.refused) == (0, 1)
    (left,) = await not_done(world.pool, run_id)
    assert left[2] == "expected_owner: moved_on, the lead is with somebody else by now and stays there"
    assert await world.pool.fetchval("select owner_id from lead where id = $1", lead) == taker
    assert (await world.leads.update(lead, "resume", {})).owner_id == taker
    await world.leads.update(lead, "stop", {})
    await ended(world, lead)
