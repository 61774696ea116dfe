"""The flow check and the watchdog on the whole product: an outage is told once, what is lost is found."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from speedlead.cadence_client import CadenceClient
from speedlead.chores import watchdog
from speedlead.chores.flow_check import FlowCheck
from speedlead.chores.watchdog import Watchdog
from speedlead.clock import SystemClock
from speedlead.credentials import load_or_create
from speedlead.ids import workflow_id
from speedlead.payloads import converter_of
from speedlead.store import flow_checks
from speedlead.store.pool import open_pool
from speedlead.temporal import connect
from tests.e2e.house import House, open_house
from tests.e2e.test_lost_temporal import lose_the_store

pytestmark = [pytest.mark.kill, pytest.mark.timeout(150)]


@pytest_asyncio.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("house"), str(files("speedlead") / "plans/inbound.yaml")) as running:
        yield running


@pytest_asyncio.fixture
async def pool(house: House) -> AsyncIterator["asyncpg.Pool[Any]"]:
    opened = await open_pool(house.stack.database_url, size=3)
    yield opened
    await opened.close()


def check_of(house: House, pool: Any, **changes: Any) -> FlowCheck:
    return FlowCheck(pool, SystemClock(), house.url, house.key, **changes)


async def notices(pool: Any) -> list[str]:
    rows = await pool.fetch("select kind from notice where kind like 'flow_check%' order by at")
    return [row["kind"] for row in rows]


async def test_a_check_goes_the_whole_way_and_counts_nowhere(house: House, pool: Any) -> None:
    before = await pool.fetch("select id, last_assigned_wall from rep order by id")
    said = await check_of(house, pool).round()
    row = await pool.fetchrow("select * from flow_check order by id desc limit 1")
    assert row["ok"], row["error"]
    assert row["stage"] == "ended"
    assert 0 < row["acknowledged_ms"] <= row["delivered_ms"] <= row["ended_ms"] < 20_000
    assert said == f"{row['ended_ms']} ms"
    lead = await pool.fetchrow("select * from lead where id = $1", row["lead_id"])
    assert (lead["source"], lead["owner_id"], lead["stage"]) == ("flow_check", None, "closed")
    headers = {"Authorization": f"Bearer {house.key}"}
    async with house.http.get(f"{house.url}/api/leads?open=all&limit=100", headers=headers) as answer:
        assert str(row["lead_id"]) not in await answer.text()
    assert await pool.fetch("select id, last_assigned_wall from rep order by id") == before
    assert await pool.fetchval("select count(*) from assignment where lead_id = $1", row["lead_id"]) == 0
    assert await pool.fetchval("select count(*) from breach where lead_id = $1", row["lead_id"]) == 0
    assert await notices(pool) == []


async def test_after_a_day_nothing_is_left_of_it(house: House, pool: Any) -> None:
    await check_of(house, pool).round()
    assert await flow_checks.clean(pool, SystemClock().wall()) == 0
    assert await flow_checks.clean(pool, SystemClock().wall() + timedelta(days=1, minutes=1)) > 0
    for table in ("lead", "person_email", "touch", "message", "story", "inquiry"):
        column = (
            "address like '%@flow-check.example'"
            if table == "person_email"
            else ("source = 'flow_check'" if table == "lead" else "lead_id = (select lead_id from flow_check limit 1)")
        )
        assert await pool.fetchval(f"select count(*) from {table} where {column}") == 0, table
    assert await pool.fetchval("select count(*) from flow_check") >= 1


async def test_an_outage_is_told_once_and_so_is_its_end(house: House, pool: Any) -> None:
    fast = check_of(house, pool, within_s=8, comes_back_within_s=0.5)
    await house.faults(callbacks={"late_s": 60})
    try:
        assert await fast.round() == "failed: not delivered within 8 s"
        stage = await pool.fetchval("select stage from flow_check order by id desc limit 1")
        assert stage == "acknowledged"
    finally:
        await house.faults()
    app = house.stack._running["app"]
    await app.stop()
    try:
        assert (await fast.round()).startswith("failed: not taken in")
    finally:
        await app.start()
    await house.stack.wait_ready("app")
    assert await notices(pool) == ["flow_check_failed"]
    said = await replace(fast, within_s=60).round()
    assert said.endswith(" ms"), said
    assert await notices(pool) == ["flow_check_failed", "flow_check_works"]


async def test_the_watchdog_finds_what_was_terminated_and_a_lost_store(
    house: House, pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "_STARTED", timedelta(0))
    leads = await house.submit("cold", "warm", "cold")

    async def waiting() -> bool:
        rows = await house.fetch("select next_touch_at from lead where id = any($1::text[]::uuid[])", leads)
        return all(row["next_touch_at"] is not None for row in rows)

    await house.until("every lead waits for its next step", waiting, 30)
    settings = house.stack.settings
    converter = converter_of(settings, load_or_create(settings.data_dir), pool)
    client = await connect(settings.temporal_address, converter=converter)
    workflows = CadenceClient(client)
    dog = Watchdog(pool, workflows, SystemClock())
    assert await dog.round() is None
    await client.get_workflow_handle(workflow_id(leads[0])).terminate("by hand")

    async def unseen() -> bool:
        return leads[0] not in await workflows.running()

    await house.until("the termination is in the list", unseen, 10)
    assert await dog.round() == "no workflow 1"
    await pool.execute(
        "update lead set next_touch_at = null, next_step = null, next_why = null where id = $1", leads[1]
    )
    await house.until("rows are whole again", dog.round, 10)
    assert await waiting()
    told = await pool.fetch("select reason from story where kind = 'healed' order by at")
    assert [row["reason"] for row in told] == ["no_workflow", "no_next_step"]
    await lose_the_store(house)
    fresh = CadenceClient(await connect(settings.temporal_address, converter=converter))
    await Watchdog(pool, fresh, SystemClock()).round()

    async def all_run() -> bool:
        return set(leads) <= await fresh.running()

    await house.until("every lead runs again", all_run, 5)
    for lead in leads:
        assert len([touch for _, touch, _ in house.accepted([lead]) if ".ack-" in touch]) == 1
