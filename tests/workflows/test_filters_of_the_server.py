"""What an ops person filters by in the Temporal UI, on a real server; and the same filter over the rows."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from speedlead.demo.world import World
from speedlead.ids import lead_of_workflow, workflow_id
from speedlead.lead_filter import read_filter
from speedlead.store import views
from tests.workflows.test_messages import _temporal
from workflows.attributes import ATTRIBUTES

pytestmark = pytest.mark.timeout(120)


async def found(world: World, query: str, wanted: set[str]) -> set[str]:
    """Visibility lags by moments."""
    leads: set[str] = set()
    for _ in range(100):
        leads = {lead_of_workflow(one.id) async for one in world.client.list_workflows(query)}
        if leads & set(wanted) == wanted:
            break
        await asyncio.sleep(0.1)
    return leads


async def test_leads_are_found_by_each_attribute_and_the_rows_agree(
    world: World, temporal_env: WorkflowEnvironment
) -> None:
    with temporal_env.with_time_skipping_disabled():
        person = {"name": "Ann", "intent": "newsletter", "country": "US", "tz": "America/New_York"}
        soon = datetime.now(UTC) + timedelta(seconds=1)
        running = await world.submit(soon, email="a@example.com", source="trade_fair", **person)
        held = await world.submit(soon, email="b@example.com", source="partner", **person)
    leads = {"running": running, "held": held}
    async with asyncio.timeout(30):
        while await world.pool.fetchval("select count(*) from lead where next_step is distinct from 'email-1'"):
            await asyncio.sleep(0.1)
    ben, other = [row["id"] for row in await world.pool.fetch("select id::text as id from rep where active limit 2")]
    for lead_id, rep_id in ((running, ben), (held, other)):
        await world.leads.update(lead_id, "reassign", {"rep_id": rep_id})
    await world.leads.update(held, "pause", {"reason": "a word with them first"})
    plan = await world.pool.fetchval("select plan_id || ':' || plan_version from lead where id = $1", running)
    stage = await world.pool.fetchval("select stage from lead where id = $1", running)
    at = await world.pool.fetchval("select next_touch_at from lead where id = $1", running)
    before = (at + timedelta(minutes=1)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked: list[tuple[str, str, dict[str, str], tuple[str, ...]]] = [
        ("LeadStage", f"= '{stage}'", {"stage": stage}, ("running", "held")),
        ("LeadType", "= 'cold'", {"type": "cold"}, ("running", "held")),
        ("LeadOwner", f"= '{ben}'", {"owner": ben}, ("running",)),
        ("LeadSource", "= 'trade_fair'", {"source": "trade_fair"}, ("running",)),
        ("SlaBreached", "= false", {"breached": "no"}, ("running", "held")),
        ("PlanVersion", f"= '{plan}'", {"plan": plan}, ("running", "held")),
        ("NextTouchAt", f"< '{before}'", {"next_before": before}, ("running",)),
    ]
    assert {name for name, *_ in asked} == set(ATTRIBUTES)
    ours = " or ".join(f"WorkflowId = '{workflow_id(lead)}'" for lead in leads.values())
    for name, condition, given, wanted in asked:
        expected = {leads[key] for key in wanted}
        assert await found(world, f"{name} {condition} and ({ours})", expected) == expected, name
        async with world.pool.acquire() as conn:
            assert set(await views.matching(conn, read_filter(given))) == expected, name
    memo: Any = await (await world.client.get_workflow_handle(workflow_id(held)).describe()).memo()
    assert (memo["source"], memo["lead_type"], memo["plan"]) == ("partner", "cold", plan), "how the lead began"
    for lead_id in leads.values():
        await world.client.get_workflow_handle(workflow_id(lead_id)).terminate()


async def test_the_temporal_command_line_signals_all_leads_of_a_filter(
    world: World, temporal_env: WorkflowEnvironment
) -> None:
    with temporal_env.with_time_skipping_disabled():
        leads = []
        for n, source in enumerate(("summit", "summit", "elsewhere")):
            person = {"name": "Ann", "email": f"{n}@example.com", "tz": "America/New_York"}
            leads.append(await world.submit(datetime.now(UTC), intent="newsletter", source=source, **person))
    await found(world, "LeadSource = 'summit'", set(leads[:2]))
    query = ("--query", "LeadSource = 'summit' AND ExecutionStatus = 'Running'")
    asked = ("--name", "outcome", "--input", '{"outcome": "not_interested"}', "--reason", "cancelled", "--yes")
    assert "Started batch" in await _temporal(world, "signal", *query, *asked)
    for lead_id in leads[:2]:
        closed = await world.client.get_workflow_handle(workflow_id(lead_id)).result()
        assert closed["reason"] == "not_interested"
    assert await world.pool.fetchval("select closed_at from lead where id = $1", leads[2]) is None
    await world.client.get_workflow_handle(workflow_id(leads[2])).terminate()
