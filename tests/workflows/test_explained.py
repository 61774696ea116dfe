"""Page, command line, query `explain` and the details in the Temporal UI say the same of a lead, word for word."""

import asyncio
import html
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from speedlead.demo import stories
from speedlead.demo.play import play
from speedlead.demo.world import World
from speedlead.ids import workflow_id
from speedlead.store import views
from speedlead.telling import lines, markdown
from speedlead.times import clock
from tests.workflows.leads import ADA, ended, tuesday_at
from workflows.telling import utc

pytestmark = pytest.mark.timeout(180)
WEBINAR = {"name": "Ann", "email": "ann@example.com", "phone": "+12125550123", "intent": "webinar", "country": "US",
           "tz": "America/New_York", "consent_call": "true"}  # fmt: skip


async def said_alike(world: World, lead_id: str, zone: str) -> str:
    """What the query says, once the rows say it too; raises with the difference when they never do."""
    handle = world.client.get_workflow_handle(workflow_id(lead_id))
    query = rows = ""
    for _ in range(60):  # a row is written a moment after, or before, the workflow knows it
        query = await handle.query("explain")
        async with world.pool.acquire() as conn:
            explained = await views.explain(conn, lead_id)
        assert explained is not None
        rows = markdown(explained.told, f"lead {lead_id[:8]}", utc)
        if query == rows:
            break
        await asyncio.sleep(0.1)
    assert query == rows
    local = lines(explained.told, lambda at: clock(at, zone))
    async with world.pool.acquire() as conn:
        shown = await command_line(conn, lead_id)
    page = await lead_page(world, lead_id)
    for name, text in local:
        if name != "stage":
            assert text in page
        # the command line adds how far away an instant is, and its seconds
        assert text.split(", ")[0] in shown
    return query


async def command_line(conn: Any, lead_id: str) -> str:
    from rich.console import Console

    from speedlead.commands import lead

    console = Console(record=True, width=1000, file=StringIO())
    before, lead._console = lead._console, lambda: console  # type: ignore[assignment]
    try:
        assert await lead._explain(conn, lead_id) == 0
    finally:
        lead._console = before
    return console.export_text()


async def lead_page(world: World, lead_id: str) -> str:
    from speedlead.gateway.lead_context import lead_context
    from speedlead.gateway.rendering import render

    async def context() -> dict[str, Any]:
        from types import SimpleNamespace

        deps: Any = SimpleNamespace(pool=world.pool, clock=world.clock, settings=world.settings)
        found = await lead_context(deps, lead_id)
        assert found is not None
        return found

    page = bytes(render("lead_live.html", await context()).body).decode()
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", page)).split())


async def test_leads_of_every_kind_at_their_end(world: World) -> None:
    for one in await play(world, stories.STORIES, tuesday_at(14).date()):
        said = await said_alike(world, one.lead.card.lead_id, one.story.zone)
        assert "waits for: nothing: the lead is closed" in said
        if one.story.key == "never_answers":
            assert len(re.findall("^- past: ", said, re.M)) == 12
            assert "call 1, Tue" in said
            assert "Call: no answer" in said


async def test_a_call_that_another_touch_has_overtaken_keeps_its_time(world: World) -> None:
    await world.pool.execute("update rep set presence = 'away'")
    lead_id = await world.submit(tuesday_at(15), **ADA)
    await ended(world, lead_id)
    overtaken = "select count(*) from touch where lead_id = $1 and reason = 'superseded'"
    assert await world.pool.fetchval(overtaken, lead_id) >= 1
    await said_alike(world, lead_id, "America/New_York")


@pytest.mark.parametrize(
    ("name", "payload", "expected"),
    [
        (None, None, "waits for: the time of the next step"),
        ("pause", {"reason": "ann is away"}, "why: ann is away"),
        ("reply", {"channel": "email"}, "waits for: the owner, who has to answer"),
        ("outcome", {"outcome": "meeting_booked"}, "waits for: the meeting"),
    ],
)
async def test_leads_that_are_under_way(
    world: World, temporal_env: WorkflowEnvironment, name: str | None, payload: Any, expected: str
) -> None:
    with temporal_env.with_time_skipping_disabled():
        lead_id = await world.submit(datetime.now(UTC) + timedelta(seconds=1), **WEBINAR | {"intent": "newsletter"})
    handle = world.client.get_workflow_handle(workflow_id(lead_id))
    async with asyncio.timeout(20):
        while not await world.pool.fetchval("select next_step = 'email-1' from lead where id = $1", lead_id):
            await asyncio.sleep(0.05)
    if name in ("pause",):
        await world.leads.update(lead_id, name, payload)
    elif name is not None:
        if name == "reply":  # as the transaction that takes a mail in writes it, before the workflow hears of it
            await world.pool.execute("update lead set plan_stopped = 'replied' where id = $1", lead_id)
        await handle.signal(name, payload)
    said = await said_alike(world, lead_id, "America/New_York")
    assert expected in said
    await handle.terminate()
