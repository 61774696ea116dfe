"""A lead that is offered to several: the first who accepts has it, and if nobody does one gets it all the same."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from speedlead.cadence_errors import LeadRefused
from speedlead.composer import Composer
from speedlead.demo.moments import Moment
from speedlead.demo.world import World, open_world
from tests.servers import local_settings
from tests.workflows.leads import ADA, ended, notices, tuesday_at
from tests.workflows.test_acceptance import BY_MAIL

pytestmark = pytest.mark.timeout(90)
RULES = """
weights: {geography: 2, expertise: 2, load: 4, availability: 2, performance: 1}
give_up: [language, shift, product, territory, lane]
claim: {offer: 2, when: [{lead_type: hot}]}
"""


@pytest_asyncio.fixture
async def world(
    temporal_env: WorkflowEnvironment, database_url: str, tmp_path: Path, composer: Composer
) -> AsyncIterator[World]:
    rules = tmp_path / "routing.yaml"
    rules.write_text(RULES, encoding="utf-8")
    settings = local_settings(
        tmp_path, callbacks="before", virtual_clock=True, company_phone="+14155550100", routing_file=rules
    )
    async with open_world(settings, database_url, temporal_env.client, composer=composer) as made:
        made.reps_accept = False
        yield made


async def offers(world: World, lead: str) -> list[tuple[str, str]]:
    rows = await world.pool.fetch("select kind, result from offer where lead_id = $1 order by id", lead)
    return [(row["kind"], row["result"]) for row in rows]


async def test_of_two_who_accept_at_once_one_has_it_and_the_other_is_told(world: World) -> None:
    won: list[str] = []

    async def both(lead: str) -> None:
        reps = [row["rep_id"] for row in await world.pool.fetch("select rep_id from offer where lead_id = $1", lead)]
        assert len(reps) == 2
        asks = (world.leads.update(lead, "accept", {"rep_id": rep}) for rep in reps)
        answers = await asyncio.gather(*asks, return_exceptions=True)
        won.extend(rep for rep, answer in zip(reps, answers, strict=True) if not isinstance(answer, BaseException))
        refused = [answer for answer in answers if isinstance(answer, LeadRefused)]
        assert [answer.reason.endswith("has it. Nothing was changed.") for answer in refused] == [True]

    lead = await world.submit(tuesday_at(15), moments=(Moment("routed", both),), **BY_MAIL)
    await ended(world, lead)
    assert won == [await world.pool.fetchval("select owner_id from lead where id = $1", lead)]
    assert sorted(await offers(world, lead)) == [("claim", "accepted"), ("claim", "taken")]
    assert (await notices(world, lead)).count("rep: lead_taken") == 1
    assert await world.pool.fetchval("select target from breach where target = 'acceptance'") is None


async def test_nobody_claims_it_so_the_best_of_them_is_given_it_and_asked(world: World) -> None:
    async def accepts(lead: str) -> None:
        rep = await world.pool.fetchval("select owner_id from lead where id = $1", lead)
        assert rep is not None
        await world.leads.update(lead, "accept", {"rep_id": rep})

    lead = await world.submit(tuesday_at(15), moments=(Moment("escalated", accepts),), **BY_MAIL)
    await ended(world, lead)
    assert await offers(world, lead) == [("claim", "silent"), ("claim", "silent"), ("ask", "accepted")]
    row = await world.pool.fetchrow(
        """select l.assigned_at - l.open_at as after,
               l.owner_id = any(select rep_id from offer where kind = 'claim') as one from lead l where id = $1""",
        lead,
    )
    assert row is not None
    assert 60 <= row["after"].total_seconds() < 65
    assert row["one"]


async def test_a_key_press_takes_a_lead_that_is_offered(world: World) -> None:
    lead = await world.submit(tuesday_at(15), **ADA)
    await ended(world, lead)
    row = await world.pool.fetchrow("select owner_id, accepted_at from lead where id = $1", lead)
    assert row is not None
    assert None not in tuple(row)
    took = await world.pool.fetch("select rep_id from offer where lead_id = $1 and result = 'accepted'", lead)
    assert [one["rep_id"] for one in took] == [row["owner_id"]]
    assert not await world.pool.fetchval(
        "select exists (select from offer where lead_id = $1 and ended_at is null)", lead
    )
