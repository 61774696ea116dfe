"""The whole week of a lead that never answers, on a real server with a virtual clock."""

import pytest

from speedlead.demo.world import World
from tests.workflows.leads import ADA, ended, touches, tuesday_at


@pytest.mark.timeout(60)
async def test_a_hot_lead_that_never_answers_goes_through_the_whole_plan(world: World) -> None:
    lead = await world.submit(tuesday_at(15), **ADA)
    assert (await ended(world, lead))["reason"] == "plan_completed"
    made = await touches(world, lead)
    assert made[0] == "ack-1 sent"
    assert [touch for touch in made[1:] if " sent" not in touch] == []
    assert len(made) == 13
    # the provider's own book agrees: thirteen touches, none of them twice
    legs = [message["leg_id"] or message["touch_id"] for message in await world.messages(limit="200")]
    assert len(legs) == len(set(legs))
    assert {leg.split(".")[1] for leg in legs} == {touch.split()[0] for touch in made}
