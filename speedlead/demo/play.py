"""Plays stories: posts each form at its virtual instant, lets all weeks run at once, and reads back what happened."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from speedlead.contracts import LeadClosed
from speedlead.demo.stories import Story
from speedlead.demo.world import World
from speedlead.ids import workflow_id
from speedlead.store import views
from speedlead.store.view_models import Entry, LeadView

Report = Callable[[int, int], None]
"""Gets how many leads have ended, and how many touches there were."""


@dataclass(frozen=True)
class Played:
    """One lead's life as the rows tell it; all instants are business time of the lead."""

    story: Story
    begun: datetime
    lead: LeadView
    entries: list[Entry]


async def play(
    world: World, stories: Sequence[Story], tuesday: date, report: Report = lambda ended, touches: None
) -> list[Played]:
    """Returns when every lead has ended."""
    ids: list[str] = []
    for story in stories:
        for address, behaviour in story.acts.items():
            await world.person(address, **behaviour)
        moments = story.moments(world, story, tuesday)
        ids.append(await world.submit(story.begins(tuesday), moments=moments, **story.form))
    reporting = asyncio.create_task(_report(world, report))
    try:
        async with asyncio.TaskGroup() as group:
            for lead_id in ids:
                group.create_task(_end(world, lead_id))
    finally:
        reporting.cancel()
    report(*await _progress(world))
    return [await _read(world, story, tuesday, lead_id) for story, lead_id in zip(stories, ids, strict=True)]


async def _end(world: World, lead_id: str) -> LeadClosed:
    handle = world.client.get_workflow_handle(workflow_id(lead_id), result_type=LeadClosed)
    closed: LeadClosed = await handle.result()
    return closed


async def _read(world: World, story: Story, tuesday: date, lead_id: str) -> Played:
    async with world.pool.acquire() as connection:
        lead = await views.lead_view(connection, lead_id)
        assert lead is not None
        return Played(story, story.begins(tuesday), lead, await views.timeline(connection, lead_id))


async def _report(world: World, report: Report) -> None:
    while True:
        report(*await _progress(world))
        await asyncio.sleep(0.3)


async def _progress(world: World) -> tuple[int, int]:
    row = await world.pool.fetchrow(
        """select (select count(*) from lead where closed_at is not null)::int as ended,
               (select count(*) from touch where state in ('sent', 'skipped', 'failed', 'in_doubt'))::int as touches"""
    )
    assert row is not None  # two counts are always one row
    return row["ended"], row["touches"]
