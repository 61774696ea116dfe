"""A step that became a person's task is due while people of ours work."""

from datetime import UTC, datetime

import pytest

from speedlead.calendarbook import parse_calendars
from speedlead.contracts import NotifyRequest
from tests.activities.house import House, open_house

CALENDARS = parse_calendars(
    "teams: [{id: everybody, zone: America/New_York, closures: [{date: 2026-11-26, reason: Thanksgiving}]}]", "own.yaml"
)


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


async def due(house: House, kind: str, wanted: datetime) -> datetime:
    lead = await house.lead(owner_id=await house.rep())
    request = NotifyRequest(lead_id=lead, key=f"instead:{kind}", audience="rep", kind=kind, due_at=wanted)
    assert await house.run(house.notifying.notify, request)
    found = await house.pool.fetchval("select due_at from notice where lead_id = $1", lead)
    assert isinstance(found, datetime)
    return found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (at(25, 18), at(25, 18)),  # Wednesday in working hours
        (at(25, 3), at(25, 14)),  # the night before: 9:00 in New York
        (at(28, 16), at(30, 14)),  # Saturday
        (at(26, 16), at(27, 14)),  # the team's own holiday
    ],
)
async def test_a_task_is_due_in_the_teams_hours(database_url: str, wanted: datetime, found: datetime) -> None:
    async with open_house(database_url, CALENDARS) as house:
        assert await due(house, "write_personally", wanted) == found


async def test_what_was_agreed_otherwise_stays(house: House) -> None:
    assert await due(house, "reply_overdue", at(28, 16)) == at(28, 16)


async def test_without_a_team_it_stays(house: House) -> None:
    await house.pool.execute("update rep set active = false")
    lead = await house.lead()
    request = NotifyRequest(lead_id=lead, key="k", audience="manager", kind="write_personally", due_at=at(28, 16))
    await house.run(house.notifying.notify, request)
    assert await house.pool.fetchval("select due_at from notice") == at(28, 16)
