"""What is told of a lead, by its workflow and by its rows: the same, word for word."""

import asyncio
import html
import re
from io import StringIO
from typing import Any

from speedlead.demo.world import World
from speedlead.ids import workflow_id
from speedlead.store import views
from speedlead.telling import lines, markdown
from speedlead.times import clock
from workflows.telling import utc


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
