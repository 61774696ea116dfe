"""Page, command line, query `explain` and the details in the Temporal UI say the same of a lead, word for word."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from speedlead.demo import stories
from speedlead.demo.play import play
from speedlead.demo.world import World
from speedlead.ids import workflow_id
from speedlead.store import views
from speedlead.store.starts import build_start
from tests.workflows.leads import ADA, ended, tuesday_at
from tests.workflows.told import said_alike
from workflows.state import begin
from workflows.telling import told_by

pytestmark = pytest.mark.timeout(180)
WEBINAR = {"name": "Ann", "email": "ann@example.com", "phone": "+12125550123", "intent": "webinar", "country": "US",
           "tz": "America/New_York", "consent_call": "true"}  # fmt: skip


async def test_leads_of_every_kind_at_their_end(world: World) -> None:
    for one in await play(world, stories.STORIES, tuesday_at(14).date()):
        said = await said_alike(world, one.lead.card.lead_id, one.story.zone)
        assert "waits for: nothing: the lead is closed" in said
        if one.story.key == "never_answers":
            assert len(re.findall("^- past: ", said, re.M)) == 13
            assert "call 1, Tue" in said
            assert "Call: no answer" in said
            acknowledged, promised = re.findall("^- (past: ack.*|promised: .*)$", said, re.M)
            assert re.fullmatch(r"past: acknowledgement 1, Tue .*: E-mail sent", acknowledged)
            assert re.fullmatch(r"promised: a person of ours by Tue .* UTC", promised)


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
    # as the watchdog would start it again
    async with world.pool.acquire() as conn:
        start, explained = await build_start(conn, lead_id, again=True), await views.explain(conn, lead_id)
    assert start is not None
    assert explained is not None
    again = told_by(begin(start))
    assert (again.past, again.promised) == (explained.told.past, explained.told.promised)
    assert "acknowledgement 1, " in said
    await handle.terminate()
