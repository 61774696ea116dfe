"""One thing asked of many leads, on a real server: each once, whatever stops the one who asks."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.testing import WorkflowEnvironment

from speedlead.clock import SystemClock
from speedlead.demo.world import World
from speedlead.domain.plan import Plan
from speedlead.ids import workflow_id
from speedlead.steering import Steering, ask_now
from speedlead.store import audit
from speedlead.store import steering as rows
from speedlead.store.plans import PlanStore
from speedlead.whoami import command_line

MANY = 45
ASKED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
ROOT = Path(__file__).parents[2]


async def leads_of(world: World, env: WorkflowEnvironment, many: int) -> list[str]:
    """Cold leads that wait for their first mail; their clocks do not skip."""

    async def one(number: int) -> str:
        return await world.submit(
            datetime.now(UTC), name=f"Lead {number}", email=f"lead{number}@example.com", intent="newsletter",
            country="US", tz="America/New_York",
        )  # fmt: skip

    with env.with_time_skipping_disabled():
        leads = [await one(number) for number in range(many)]
    async with asyncio.timeout(120):
        while await world.pool.fetchval("select count(*) from lead where next_step is distinct from 'email-1'"):
            await asyncio.sleep(0.2)
    return leads


@pytest_asyncio.fixture
async def ended_after(world: World) -> AsyncIterator[None]:
    yield
    for row in await world.pool.fetch("select id::text as id from lead where closed_at is null"):
        await world.client.get_workflow_handle(workflow_id(row["id"])).terminate()


async def times_asked(world: World, lead_id: str, name: str) -> int:
    history = await world.client.get_workflow_handle(workflow_id(lead_id)).fetch_history()
    return sum(
        event.workflow_execution_update_accepted_event_attributes.accepted_request.input.name == name
        for event in history.events
        if event.event_type == ASKED
    )


async def speedlead(world: World, *words: str) -> asyncio.subprocess.Process:
    environment = {
        **os.environ, "SPEEDLEAD_DATABASE_URL": str(world.pool._connect_args[0]),
        "SPEEDLEAD_TEMPORAL_ADDRESS": world.client.service_client.config.target_host,
        "SPEEDLEAD_DATA_DIR": str(world.settings.data_dir),
        # the worker of these tests reads and writes plain payloads
        "SPEEDLEAD_PAYLOAD_ENCRYPTION": "false",
    }  # fmt: skip
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "speedlead", *words, env=environment, cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip


async def test_a_batch_that_is_killed_in_the_middle_goes_on_and_asks_each_lead_once(
    world: World, temporal_env: WorkflowEnvironment, ended_after: None
) -> None:
    leads = await leads_of(world, temporal_env, MANY)
    preview = await speedlead(world, "steer", "pause", "--type", "cold", "--dry-run")
    said = (await preview.communicate())[0].decode()
    assert (preview.returncode, f"{MANY} leads match." in said, "Nothing was changed." in said) == (0, True, True), said
    assert await world.pool.fetchval("select count(*) from steering_run") == 0

    unasked = await speedlead(world, "steer", "pause", "--type", "cold", "--reason", "price list is wrong")
    said = (await unasked.communicate())[0].decode()
    assert (unasked.returncode, "--yes: expected where nobody can answer" in said) == (1, True), said
    assert await world.pool.fetchval("select count(*) from steering_run") == 0

    running = await speedlead(
        world, "steer", "pause", "--type", "cold", "--reason", "price list is wrong", "--pace", "30", "--yes"
    )
    async with asyncio.timeout(120):
        while await world.pool.fetchval("select count(*) from steering_item where state = 'done'") < MANY // 3:
            await asyncio.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    await running.communicate()
    run = str(await world.pool.fetchval("select id from steering_run"))
    before = await rows.run_of(world.pool, run)
    assert before is not None
    assert (before.ended_wall, 0 < before.waiting < MANY) == (None, True)

    async with world.pool.acquire() as conn:  # as a process that carries it out
        await conn.execute("select pg_advisory_lock(9, hashtext($1))", run)
        second = await speedlead(world, "steer", "--resume", run[:8])
        said = (await second.communicate())[0].decode()
        await conn.execute("select pg_advisory_unlock(9, hashtext($1))", run)
    assert (second.returncode, "carried out at this moment" in said, "Broken off" in said) == (2, True, False), said

    again = await speedlead(world, "steer", "--resume", run[:8])
    said = (await again.communicate())[0].decode()
    assert (again.returncode, f"{MANY} done, 0 refused" in said) == (0, True), said
    assert Counter([await times_asked(world, lead, "pause") for lead in leads]) == {1: MANY}
    lines = await world.pool.fetch(
        "select object, role, asked ->> 'run' as run, status from audit where action = 'steer pause'"
    )
    assert Counter((line["role"], line["run"], line["status"]) for line in lines) == {(command_line(), run, 200): MANY}
    assert sorted(line["object"] for line in lines) == sorted(leads)
    assert await world.pool.fetchval("select count(*) from lead where paused_until is not null") == MANY
    told = await world.pool.fetch("select lead_id, reason from story where kind = 'paused'")
    assert Counter(row["reason"] for row in told) == {"price list is wrong": MANY}


async def test_what_is_not_there_is_named_before_anything_is_begun(
    world: World, temporal_env: WorkflowEnvironment, ended_after: None
) -> None:
    await leads_of(world, temporal_env, 1)
    huge = "99999999999999999999"
    for words, expected in (
        ("steer change-plan --to-plan fast:44 --type cold --reason tried --yes", "plan fast version 44: there is no"),
        ("plan migrate fast:7 inbound:1 --note tried --yes", "plan fast version 7: there is no such plan"),
        (f"plan use fast:{huge} --note tried", "plan: expected a name and a version"),
        (f"plan publish {huge} --note tried", f"{huge}: expected the number of a draft, or a plan file"),
    ):
        asked = await speedlead(world, *words.split())
        said = (await asked.communicate())[0].decode()
        assert (asked.returncode, expected in said, "Traceback" in said) == (2, True, False), said
    assert await world.pool.fetchval("select count(*) from steering_run") == 0
    assert await world.pool.fetchval("select count(*) from audit where action like 'steer%'") == 0


class LosesAnswers:
    """Does what it is asked, and dies before it can say so."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def update(self, lead_id: str, name: str, payload: dict[str, Any], *, key: str | None = None) -> Any:
        await self._world.leads.update(lead_id, name, payload, key=key)
        if name == "stop":  # it was the lead's last: nobody is there any more who could answer again
            await self._world.client.get_workflow_handle(workflow_id(lead_id)).result()
        raise asyncio.CancelledError


async def test_an_answer_that_was_lost_is_not_asked_for_twice(
    world: World, temporal_env: WorkflowEnvironment, ended_after: None
) -> None:
    leads = await leads_of(world, temporal_env, 2)
    for action, lead in (("pause", leads[0]), ("stop", leads[1])):
        wanted = rows.Wanted(action, {}, "tried", {lead: {}}, {}, "ops")
        async with world.pool.acquire() as conn:
            run = await rows.begin_run(conn, wanted, SystemClock().wall())
        with contextlib.suppress(asyncio.CancelledError):
            await Steering(world.pool, LosesAnswers(world), SystemClock()).carry_out(run)
        held = await rows.run_of(world.pool, run)
        assert held is not None
        assert held.waiting == 1, "the answer was lost, so nobody may believe it"
        ended = await Steering(world.pool, world.leads, SystemClock()).carry_out(run)
        assert (ended.done, ended.refused, await rows.not_done(world.pool, run)) == (1, 0, [])
        assert await times_asked(world, lead, action) == 1
        assert await world.pool.fetchval("select count(*) from audit where object = $1", lead) == 1


async def test_a_lead_that_refuses_is_listed_and_the_others_go_on(
    world: World, temporal_env: WorkflowEnvironment, ended_after: None
) -> None:
    leads = await leads_of(world, temporal_env, 3)
    await world.leads.update(leads[1], "stop", {"reason": "closed"})
    await world.client.get_workflow_handle(workflow_id(leads[1])).result()
    wanted = rows.Wanted(
        "skip", {}, "tried", {lead: {"step": "sms-9"} if lead == leads[0] else {} for lead in leads}, {}, "ops"
    )
    async with world.pool.acquire() as conn:
        run = await rows.begin_run(conn, wanted, SystemClock().wall())
    ended = await Steering(world.pool, world.leads, SystemClock()).carry_out(run)
    assert (ended.total, ended.done, ended.refused, ended.ended_wall is not None) == (3, 1, 2, True)
    said = {lead: why for lead, _, why in await rows.not_done(world.pool, run)}
    assert "step: expected one of" in said[leads[0]]
    assert "no workflow is running" in said[leads[1]]
    assert leads[2] not in said
    # whoever waits for one lead hears the same where the worker was quicker
    async with world.pool.acquire() as conn:
        one = await rows.begin_run(conn, rows.Wanted("skip", {"step": "sms-9"}, "tried", {leads[0]: {}}, {}, "ops"),
                                   SystemClock().wall())  # fmt: skip
        await conn.execute("select pg_advisory_lock(9, hashtext($1))", one)
        steering = Steering(world.pool, world.leads, SystemClock())
        waiting = asyncio.create_task(ask_now(steering, one))
        await asyncio.sleep(0)
        await steering._carry_out(conn, one, lambda: None)
        assert "step: expected one of" in (await waiting or "")
        await conn.execute("select pg_advisory_unlock(9, hashtext($1))", one)


async def lines_of(world: World, lead_id: str) -> list[tuple[Any, ...]]:
    rows = await world.pool.fetch(
        "select role, action, asked, note, status, before, after from audit where object = $1 order by id", lead_id
    )
    return [tuple(row) for row in rows]


async def test_what_is_asked_of_temporal_itself_has_one_line_in_the_audit(
    world: World, temporal_env: WorkflowEnvironment, ended_after: None
) -> None:
    (lead,) = await leads_of(world, temporal_env, 1)
    handle = world.client.get_workflow_handle(workflow_id(lead))
    other = "select r.id from rep r join lead l on l.id = $1 where not r.manager and r.id is distinct from l.owner_id"
    rep, plan = str(await world.pool.fetchval(other, lead)), "inbound"
    version = await world.pool.fetchval("select plan_version from lead where id = $1", lead)
    newer = (await world.pool.fetchval("select body from plan where id = $1 and version = $2", plan, version)) | {
        "version": version + 1
    }
    await PlanStore(world.pool).publish(Plan.model_validate(newer))
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    for name, asked, noted in (
        ("pause", {"until": f"{until:%Y-%m-%dT%H:%M:%SZ}", "by": "ann", "reason": "she asked"}, "she asked"),
        ("resume", {}, None),
        ("skip", {"step": "email-1", "reason": "wrong text"}, "wrong text"),
        ("reassign", {"rep_id": rep, "reason": "swap"}, "swap"),
        ("change_plan", {"plan_id": plan, "version": version + 1}, None),
        ("correct", {"by": "ann"}, None),
        ("call_now", {}, None),
        ("stop", {"by": "ann", "reason": "duplicate"}, "duplicate"),
    ):
        before = len(await lines_of(world, lead))
        for _ in range(2):  # an answer that is lost is asked for once more
            await handle.execute_update(name, asked, id=f"by-hand-{name}")
        async with asyncio.timeout(20):
            while len(lines := await lines_of(world, lead)) == before or lines[-1][4] is None:
                await asyncio.sleep(0.05)
        assert len(lines) == before + 1, name
        role, action, kept, note, status, was, became = lines[-1]
        who = asked.get("by", kept["client"])
        assert (role, action, note, status) == (f"temporal: {who}", f"temporal {name}", noted, 200)
        given = {key: value for key, value in asked.items() if key != "reason"}
        assert {key: str(kept[key]) for key in given} == {key: str(value) for key, value in given.items()}
        assert kept["client"] == world.client.service_client.config.identity
        changed = {"pause": "paused_until", "reassign": "owner_id", "change_plan": "plan", "stop": "plan_stopped"}
        assert name not in changed or was[changed[name]] != became[changed[name]], lines[-1]
    async with world.pool.acquire() as conn:
        shown = await audit.lines(conn, object_id=lead)
    assert [line.who for line in reversed(shown)][:2] == ["ann", world.client.service_client.config.identity]


async def test_what_page_and_api_ask_has_its_own_line_and_no_second_one(
    world: World, temporal_env: WorkflowEnvironment, ended_after: None
) -> None:
    (lead,) = await leads_of(world, temporal_env, 1)
    for name, asked in (("pause", {"by": "crm", "reason": "she asked"}), ("skip", {"step": "email-1", "by": "crm"})):
        await world.call("POST", f"{world.url}/api/leads/{lead}/{name}", asked)
    run = await begin_and_carry_out(world, rows.Wanted("resume", {}, "tried", {lead: {}}, {}, "ops"))
    assert run.done == 1
    told = "select count(*) from story where lead_id = $1 and kind in ('paused', 'skipped_by_hand', 'resumed')"
    async with asyncio.timeout(20):  # they are written by the same activity as a line would be
        while await world.pool.fetchval(told, lead) < 3:
            await asyncio.sleep(0.05)
    assert [(role, action, note) for role, action, _, note, *_ in await lines_of(world, lead)] == [
        ("api key", "/api/leads/{lead_id}/pause", "she asked"),
        ("api key", "/api/leads/{lead_id}/skip", None),
        ("ops", "steer resume", None),
    ]


async def begin_and_carry_out(world: World, wanted: rows.Wanted) -> rows.Run:
    async with world.pool.acquire() as conn:
        run = await rows.begin_run(conn, wanted, SystemClock().wall())
    return await Steering(world.pool, world.leads, SystemClock()).carry_out(run)
