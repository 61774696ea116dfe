"""A touch is placed once, again after every full day of waiting, and again when somebody asks; each answer is a row."""

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from speedlead.contracts import PlaceRequest, PlaceResult
from speedlead.demo.moments import Moment
from speedlead.demo.world import World
from speedlead.ids import workflow_id
from speedlead.temporal import DATA_CONVERTER
from speedlead.tzdata_version import release
from tests.workflows.leads import ADA, ended, tuesday_at

pytestmark = pytest.mark.timeout(90)
DAY = timedelta(days=1)
LATE = 4  # 23:00 in New York, the evening before


async def placings(world: World, lead_id: str) -> list[tuple[datetime, PlaceRequest, PlaceResult]]:
    """(when it was asked, what, the answer) of every `place` in the lead's history."""
    asked: dict[int, tuple[datetime, PlaceRequest]] = {}
    found = []
    history = await world.client.get_workflow_handle(workflow_id(lead_id)).fetch_history()
    for event in history.events:
        scheduled, completed = (
            event.activity_task_scheduled_event_attributes,
            event.activity_task_completed_event_attributes,
        )
        if scheduled.activity_type.name == "place":
            [request] = await DATA_CONVERTER.decode(list(scheduled.input.payloads), [PlaceRequest])
            asked[event.event_id] = event.event_time.ToDatetime(), request
        elif completed.scheduled_event_id in asked:
            [result] = await DATA_CONVERTER.decode(list(completed.result.payloads), [PlaceResult])
            found.append((*asked[completed.scheduled_event_id], result))
    return found


def of(step: str, made: list[tuple[datetime, PlaceRequest, PlaceResult]]) -> list[datetime]:
    return [at for at, request, _ in made if request.steps[-1].id == step]


def while_waiting(world: World, *signals: tuple[str, dict[str, Any]]) -> Moment:
    """During the acknowledgement, which holds the clock, call 1 has been placed and is waited for."""

    async def happens(lead_id: str) -> None:
        async with asyncio.timeout(20):
            while not await world.pool.fetchval("select exists (select from placement where lead_id = $1)", lead_id):
                await asyncio.sleep(0.02)
        handle = world.client.get_workflow_handle(workflow_id(lead_id))
        for name, body in signals:
            while (await handle.query("status"))["next_step"] != "call-1":
                await asyncio.sleep(0.02)
            await handle.signal(name, body)

    return Moment("ack-1", happens)


NEWS = ("delivery", {"touch_id": "x.y", "status": "failed", "bad_address": False})
REPLAN = ("replan", {})


@pytest.mark.parametrize(("signals", "times"), [((), 1), ((NEWS, NEWS), 1), ((REPLAN,), 2), ((NEWS, REPLAN), 2)])
async def test_within_a_day_only_a_replan_places_again(
    world: World, signals: tuple[tuple[str, dict[str, Any]], ...], times: int
) -> None:
    lead = await world.submit(tuesday_at(LATE), moments=[while_waiting(world, *signals)], **ADA)
    await ended(world, lead)
    assert len(of("call-1", await placings(world, lead))) == times


async def test_a_wait_over_a_weekend_is_placed_again_each_full_day(world: World) -> None:
    lead = await world.submit(tuesday_at(LATE) + 4 * DAY, **ADA)  # Friday night; call 1 is on Monday
    await ended(world, lead)
    made = of("call-1", await placings(world, lead))
    assert len(made) == 3
    assert all(DAY <= later - sooner < DAY + timedelta(minutes=1) for sooner, later in pairwise(made))


async def test_in_a_whole_week_nothing_is_placed_twice_within_a_day(world: World) -> None:
    lead = await world.submit(tuesday_at(15), **ADA)
    await ended(world, lead)
    made = await placings(world, lead)
    assert len({request.steps[-1].id for _, request, _ in made}) >= 10
    for step in {request.steps[-1].id for _, request, _ in made}:
        at = of(step, made)
        assert all(later - sooner >= DAY for sooner, later in pairwise(at)), step


async def test_what_history_says_of_a_placing_is_a_row(world: World) -> None:
    lead = await world.submit(tuesday_at(LATE) + 4 * DAY, **ADA)
    await ended(world, lead)
    rows = await world.pool.fetch("select * from placement where lead_id = $1", lead)
    kept = {(row["step"], row["at"]): row for row in rows}
    made = await placings(world, lead)
    assert {(request.touch_step, result.at) for _, request, result in made} == set(kept)
    for _, request, result in made:
        row = kept[request.touch_step, result.at]
        assert row["valid_until"] == result.valid_until
        assert (tuple(row["reasons"]), row["reason"]) == (result.reasons, result.reason)
        assert (tuple(row["zones"]), row["versions"]) == (result.zones, result.versions)
        assert result.versions["tzdata"] == release()
        assert result.zones == ("America/New_York",)
    # every rule that moved it, and not only the one that refused the first instant
    weekend = next(row for row in rows if "weekend" in row["reasons"])
    assert weekend["at"] - weekend["earliest"] > timedelta(hours=12)
