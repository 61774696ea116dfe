"""Published plans and drafts as rows: which one is in use, what a file may do at a start, who overtakes whom."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from speedlead.domain.plan import Plan
from speedlead.plan_publishing import publish_text, use_version
from speedlead.plan_shelf import PlanShelf
from speedlead.planbook import load_plan
from speedlead.plans_in_use import open_shelf, refresh
from speedlead.store import audit, plan_drafts, plans
from speedlead.store.pool import open_pool

BASE = load_plan()
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
LONG_AGO, FAR_AWAY = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)


@pytest_asyncio.fixture
async def pool(database_url: str):  # type: ignore[no-untyped-def]
    made = await open_pool(database_url)
    yield made
    await made.close()


def other(version: int, **changes: object) -> Plan:
    return BASE.model_copy(update={"version": version, **changes})


async def test_a_file_is_the_seed_and_a_new_version_in_it_comes_into_use_at_the_start(pool) -> None:  # type: ignore[no-untyped-def]
    assert await plans.in_use(pool) is None
    await plans.from_file(pool, BASE)
    assert await plans.in_use(pool) == (BASE.id, BASE.version)
    await plans.from_file(pool, other(BASE.version + 1))
    assert await plans.in_use(pool) == (BASE.id, BASE.version + 1)
    await plans.from_file(pool, BASE)  # an older file, in a process that was not yet replaced
    assert await plans.in_use(pool) == (BASE.id, BASE.version + 1)


async def test_a_changed_file_without_a_new_version_stops_the_start(pool) -> None:  # type: ignore[no-untyped-def]
    await plans.from_file(pool, BASE)
    with pytest.raises(plans.PlanConflict, match="raise its version"):
        await plans.from_file(pool, other(BASE.version, aims=()))


async def test_what_people_published_stays_in_use_whatever_the_file_of_that_number_says(pool) -> None:  # type: ignore[no-untyped-def]
    await plans.from_file(pool, BASE)
    made = await publish_text(pool, other(BASE.version, aims=()), None, who="ann", role="ops", note="x", wall=NOW)
    assert made.version == BASE.version + 1
    await pool.execute("update plan set used_wall = clock_timestamp() where published_by is not null")
    await plans.from_file(pool, other(BASE.version + 1))  # a later release brings the same number
    assert await plans.in_use(pool) == (BASE.id, made.version)
    assert (await plans.plan_of(pool, BASE.id, made.version)).aims == ()


async def test_every_process_knows_a_plan_before_the_first_lead_starts_on_it(pool) -> None:  # type: ignore[no-untyped-def]
    await plans.from_file(pool, BASE)
    shelf = await open_shelf(pool, BASE)
    made = await publish_text(pool, BASE, None, who="ann", role="ops", note="x", wall=LONG_AGO)
    assert not await refresh(pool, shelf)
    assert (shelf.in_use.version, (made.id, made.version) in shelf.known) == (BASE.version, True)
    await pool.execute("update plan set used_wall = clock_timestamp() where version = $1", made.version)
    assert await refresh(pool, shelf)
    assert shelf.in_use.version == made.version

    class Lead:
        plan_id, plan_version = BASE.id, BASE.version

    assert shelf.of(Lead()) == BASE, "who is under way stays on the own plan"


@pytest.mark.parametrize("wall", [LONG_AGO, FAR_AWAY])
async def test_a_host_whose_clock_is_wrong_publishes_all_the_same(pool, wall: datetime) -> None:  # type: ignore[no-untyped-def]
    await plans.from_file(pool, BASE)
    made = await publish_text(pool, BASE, None, who="ann", role="ops", note="x", wall=wall)
    assert await plans.in_use(pool) == (BASE.id, BASE.version), "not before every process knows it"
    after = await pool.fetchval("select used_wall - clock_timestamp() from plan where version = $1", made.version)
    assert timedelta(0) < after <= plans.COMES_INTO_USE_AFTER


async def test_the_version_in_use_stays_in_use_when_it_is_asked_for_again(pool) -> None:  # type: ignore[no-untyped-def]
    await plans.from_file(pool, BASE)
    await plans.from_file(pool, other(BASE.version + 1))
    await use_version(pool, BASE.id, BASE.version + 1, role="ops", note="x", wall=NOW)
    assert await plans.in_use(pool) == (BASE.id, BASE.version + 1)
    made = await publish_text(pool, BASE, None, who="ann", role="ops", note="too early", wall=NOW)
    await use_version(pool, BASE.id, BASE.version + 1, role="ops", note="no, stay", wall=NOW)
    assert await pool.fetchval("select used_wall from plan where version = $1", made.version) is None
    assert await plans.in_use(pool) == (BASE.id, BASE.version + 1)


async def test_an_unknown_version_cannot_be_used(pool) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(LookupError, match="plan inbound version 99: there is no such plan"):
        await use_version(pool, "inbound", 99, role="ops", note="x", wall=NOW)
    with pytest.raises(KeyError):
        PlanShelf(BASE).use("inbound", 99)


async def test_a_draft_is_published_once_and_only_as_it_was_looked_at(pool, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    number = await plan_drafts.add_draft(pool, "id: x", author="ann", note="", wall=NOW)
    draft = await plan_drafts.draft_of(pool, number)
    await plan_drafts.change_draft(pool, draft, "id: y", author="ben", wall=NOW + timedelta(minutes=1))
    with pytest.raises(plan_drafts.DraftRefused, match="meanwhile"):
        await plan_drafts.change_draft(pool, draft, "id: z", author="ann", wall=NOW)
    with pytest.raises(plan_drafts.DraftRefused, match="meanwhile"):
        await publish_text(pool, BASE, draft, who="ann", role="ops", note="x", wall=NOW)
    assert await pool.fetchval("select count(*) from plan") == 0, "nothing is published by half"
    now = await plan_drafts.draft_of(pool, number)
    made = await publish_text(pool, BASE, now, who="ann", role="ops", note="x", wall=NOW)
    assert made.version == 1
    with pytest.raises(plan_drafts.DraftRefused):
        await publish_text(pool, BASE, now, who="ann", role="ops", note="x", wall=NOW)
    with pytest.raises(plan_drafts.DraftRefused, match="there is no such draft"):
        await plan_drafts.draft_of(pool, 4711)


async def test_the_audit_says_why_a_version_came_into_use(pool) -> None:  # type: ignore[no-untyped-def]
    await plans.from_file(pool, BASE)
    await publish_text(pool, BASE, None, who="command_line", role="command_line", note="calls earlier", wall=NOW)
    await use_version(pool, BASE.id, BASE.version, role="command_line", note="calls too early", wall=NOW)
    await use_version(pool, BASE.id, BASE.version, role="ops", note="", wall=NOW)
    async with pool.acquire() as conn:
        said = [(line.action, line.why) for line in await audit.lines(conn)]
    assert said == [("plan use", None), ("plan use", "calls too early"), ("plan publish", "calls earlier")]
