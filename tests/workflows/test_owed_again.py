"""A lead that became hotter after its first attempt: its new deadline is watched, told and kept like the first one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from speedlead.demo.world import World
from speedlead.ids import workflow_id
from tests.workflows.leads import notices
from tests.workflows.test_hotter import COLD, HOT, takes_the_call, until
from tests.workflows.test_tasks import TASKS, calling_by_hand, offered

SHORT = TASKS.replace(
    "targets: [{id: hot, when: {lead_type: hot}, attempts: [3m], source: test}]",
    """targets:
  - {id: hot, when: {lead_type: hot}, attempts: [2s], source: test}
  - {id: cold, when: {lead_type: cold}, attempts: [2s], source: test}""",
).replace("accept_within: 3s", "accept_within: 20s")


@pytest_asyncio.fixture
async def short(temporal_env: WorkflowEnvironment, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Two seconds for a first attempt."""
    async with calling_by_hand(SHORT, temporal_env, database_url, tmp_path) as made:
        yield made


async def test_the_first_attempt_is_owed_and_watched_again(short: World) -> None:
    async def missed(round_: int) -> bool:
        found = "select exists (select from breach where lead_id = $1 and round = $2)"
        return bool(await short.pool.fetchval(found, lead, round_))

    lead = await short.submit(datetime.now(UTC), **COLD)
    rep = (await offered(short, lead, 1))[0]
    await until(lambda: missed(1))
    await short.leads.update(lead, "accept", {"rep_id": rep})
    await short.leads.update(lead, "log_outcome", {"call_result": "no_answer"})
    assert await short.submit(datetime.now(UTC), **HOT) == lead
    await offered(short, lead, 2)
    row = await short.pool.fetchrow(
        """select owner_id = $2 as hers, accepted_at is not null as taken, first_attempt_at,
               earlier_attempt_at is not null as before from lead where id = $1""",
        lead, rep,
    )  # fmt: skip
    assert row is not None
    assert tuple(row) == (True, True, None, True)
    await until(lambda: missed(2))
    rows = await short.pool.fetch("select target, round from breach where lead_id = $1 order by round", lead)
    assert [tuple(row) for row in rows] == [("first_attempt", 1), ("first_attempt", 2)]
    told = await notices(short, lead)
    assert told.count("rep: breach") == told.count("manager: breach") == 2
    described = await short.client.get_workflow_handle(workflow_id(lead)).describe()
    assert described.search_attributes["SlaBreached"] == [True]
    await takes_the_call(short, lead, 2)
