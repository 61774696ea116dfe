"""Leads for workflow tests, the instant they begin at, and what became of their touches."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from speedlead.closures import HolidayClosures
from speedlead.demo.stories import quiet_tuesday
from speedlead.demo.world import World
from speedlead.ids import workflow_id

ADA = {
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


def tuesday_at(hour_utc: int, minute: int = 0) -> datetime:
    """On a Tuesday soon, with no holiday near it."""
    day: date = quiet_tuesday(datetime.now(UTC), HolidayClosures())
    return datetime.combine(day, time(hour_utc, minute), UTC)


async def ended(world: World, lead_id: str) -> dict[str, Any]:
    """Waits for the end of the lead's workflow; its result."""
    end: dict[str, Any] = await world.client.get_workflow_handle(workflow_id(lead_id)).result()
    return end


async def touches(world: World, lead_id: str) -> list[str]:
    """`step state reason-or-result`, in the order in which they happened."""
    rows = await world.pool.fetch(
        """select step, state, coalesce(case when state <> 'sent' then reason end, call_result, '') as how from touch
           where lead_id = $1 order by coalesce(sent_at, settled_at, placed_at), step""",
        lead_id,
    )
    return [f"{row['step']} {row['state']} {row['how']}".rstrip() for row in rows]


async def instant_of(world: World, lead_id: str, step: str) -> timedelta:
    """From the inquiry to the touch."""
    row = await world.pool.fetchrow(
        """select coalesce(t.sent_at, t.settled_at) as at, l.created_at from touch t join lead l on l.id = t.lead_id
           where t.lead_id = $1 and t.step = $2""",
        lead_id,
        step,
    )
    assert row is not None, f"no touch {step}"
    difference: timedelta = row["at"] - row["created_at"]
    return difference


async def notices(world: World, lead_id: str) -> list[str]:
    rows = await world.pool.fetch("select audience, kind from notice where lead_id = $1 order by at, kind", lead_id)
    return [f"{row['audience']}: {row['kind']}" for row in rows]
