"""The whole week of a lead that never answers, on a real server with a virtual clock."""

from datetime import UTC, datetime, timedelta

import pytest

from speedlead.demo.world import World
from speedlead.ids import workflow_id

HOT = {
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "phone": "+12125550123",
    "company": "Engines Ltd",
    "message": "Can you show me the analytical engine?",
    "intent": "demo_request",
    "country": "US",
    "tz": "America/New_York",
    "consent_sms": "true",
    "consent_call": "true",
    "consent_text": "You may call and text me about this.",
}


def next_tuesday(hour: int, minute: int = 0) -> datetime:
    """A Tuesday at least a week away, in New York winter or summer alike: UTC given."""
    today = datetime.now(UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today + timedelta(days=(1 - today.weekday()) % 7 + 7)


async def finished(world: World, lead_id: str) -> dict[str, object]:
    return await world.client.get_workflow_handle(workflow_id(lead_id)).result()  # type: ignore[no-any-return]


@pytest.mark.timeout(60)
async def test_a_hot_lead_that_never_answers_goes_through_the_whole_plan(world: World) -> None:
    lead_id = await world.submit(next_tuesday(15), **HOT)
    end = await finished(world, lead_id)
    rows = await world.pool.fetch(
        "select step, state, reason, call_result, sent_at from touch where lead_id = $1 order by planned_at, sent_at",
        lead_id,
    )
    for row in rows:
        print(dict(row))
    for row in await world.pool.fetch(
        "select at, kind, step, reason, data from story where lead_id = $1 order by id", lead_id
    ):
        print(dict(row))
    assert end["reason"] == "plan_completed"
