"""Whatever is sent to a lead's handlers: it changes what it should, or nothing, and never wedges the lead."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import RawValue
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from speedlead.cadence_errors import LeadRefused
from speedlead.demo.world import World
from speedlead.embedded.temporal_server import find_program
from speedlead.ids import workflow_id

SIGNALS = ("inquiry", "outcome", "reply", "opt_out", "delivery", "call_progress", "replan")
UPDATES = (
    "log_outcome", "accept", "decline", "reassign", "pause", "resume", "skip", "call_now", "stop", "correct",
    "change_plan",
)  # fmt: skip
COLD = {"name": "Ann", "email": "ann@example.com", "intent": "newsletter", "country": "US", "tz": "America/New_York"}

GARBAGE: dict[str, list[Any]] = {
    "nothing": [],
    "a string": ["garbage"],
    "a number": [42],
    "null": [None],
    "a list": [[1, 2]],
    "bytes": [b"\x00\xff"],
    "unreadable JSON": [RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b"{not json"))],
    "an unknown encoding": [RawValue(Payload(metadata={"encoding": b"binary/martian"}, data=b"x"))],
    "two arguments": [{"by": "me"}, {"by": "you"}],
    "wrong types": [{"message_id": 7, "number": "x", "lead_type": [], "at": "soon", "until": {}, "scope": 3, "step": [],
                     "rep_id": {}, "by": [], "reason": 5, "channel": "pigeon", "touch_id": 0, "version": -1,
                     "outcome": "maybe", "plan_id": None}],
}  # fmt: skip


@pytest_asyncio.fixture
async def waiting(world: World, temporal_env: WorkflowEnvironment) -> AsyncIterator[WorkflowHandle[Any, Any]]:
    """A lead whose clock does not skip: it waits for its first mail."""
    with temporal_env.with_time_skipping_disabled():
        lead_id = await world.submit(datetime.now(UTC), **COLD)
    handle = world.client.get_workflow_handle(workflow_id(lead_id))
    await until(world, lead_id, "stage = 'assigned' and next_step = 'email-1'")
    yield handle
    with contextlib.suppress(RPCError):  # it has ended by itself
        await handle.terminate()


async def until(world: World, lead_id: str, condition: str) -> None:
    async with asyncio.timeout(15):
        while not await world.pool.fetchval(f"select {condition} from lead where id = $1", lead_id):
            await asyncio.sleep(0.05)


def lead_of(handle: WorkflowHandle[Any, Any]) -> str:
    return handle.id.removeprefix("lead-")


def standing(status: dict[str, Any]) -> dict[str, Any]:
    """What a refused message must not change. The next step may just be being placed."""
    return {k: v for k, v in status.items() if k not in ("why", "next_at", "next_step", "rejected_messages")}


async def rejections(world: World, lead_id: str) -> list[str]:
    rows = await world.pool.fetch("select reason from story where lead_id = $1 and kind = 'rejected_message'", lead_id)
    return [row["reason"] for row in rows]


@pytest.mark.parametrize("name", SIGNALS)
async def test_garbage_to_a_signal_changes_nothing_and_stands_in_the_story(
    world: World, waiting: WorkflowHandle[Any, Any], name: str
) -> None:
    before = await waiting.query("status")
    refused = 0
    for args in GARBAGE.values():
        await waiting.signal(name, args=args)
        refused += 1
    async with asyncio.timeout(15):
        while len(await rejections(world, lead_of(waiting))) < refused:
            await asyncio.sleep(0.05)
    after = await waiting.query("status")
    assert {**after, "rejected_messages": 0, "why": "", "next_at": None, "next_step": None} == {
        **before, "rejected_messages": 0, "why": "", "next_at": None, "next_step": None}  # fmt: skip
    assert after["rejected_messages"] == refused
    assert all(reason.startswith(f"{name}: ") for reason in await rejections(world, lead_of(waiting)))


@pytest.mark.parametrize("name", UPDATES)
async def test_garbage_to_an_update_is_answered_with_the_field(waiting: WorkflowHandle[Any, Any], name: str) -> None:
    before = await waiting.query("status")
    for what, args in GARBAGE.items():
        with pytest.raises(WorkflowUpdateFailedError) as refusal:
            await waiting.execute_update(name, args=args)
        cause = refusal.value.cause
        assert cause is not None, what
        assert cause.details[0]["field"], what  # type: ignore[attr-defined]
    assert standing(await waiting.query("status")) == standing(before)


async def test_a_repeat_of_a_signal_changes_nothing(world: World, waiting: WorkflowHandle[Any, Any]) -> None:
    later = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    callback = {"message_id": "m-1", "outcome": "callback_requested", "at": later}
    await waiting.signal("outcome", callback)
    await waiting.signal("outcome", callback)
    await waiting.signal("outcome", {**callback, "at": None})  # the same id with other contents: refused, not applied
    async with asyncio.timeout(15):
        while await world.pool.fetchval("select count(*) from outcome where lead_id = $1", lead_of(waiting)) < 1:
            await asyncio.sleep(0.05)
    assert await world.pool.fetchval("select count(*) from outcome where lead_id = $1", lead_of(waiting)) == 1


async def test_an_outcome_by_signal_ends_the_lead(world: World, waiting: WorkflowHandle[Any, Any]) -> None:
    await waiting.signal("outcome", {"outcome": "qualified"})
    end = await waiting.result()
    assert end["reason"] == "qualified"
    row = await world.pool.fetchrow("select stage, close_reason from lead where id = $1", lead_of(waiting))
    assert dict(row) == {"stage": "qualified", "close_reason": "qualified"}


async def test_pause_and_resume_by_update(world: World, waiting: WorkflowHandle[Any, Any]) -> None:
    paused = await world.leads.update(lead_of(waiting), "pause", {"reason": "legal_hold", "by": "ops"})
    assert paused.paused
    # the gate knows it by the time that the answer is read
    lead = lead_of(waiting)
    assert await world.pool.fetchval("select paused_until is not null from lead where id = $1", lead)
    await world.leads.update(lead_of(waiting), "resume", {"by": "ops"})
    await until(world, lead_of(waiting), "paused_until is null and next_step = 'email-1'")


async def test_call_now_ends_a_pause_for_the_gate_as_well(world: World, waiting: WorkflowHandle[Any, Any]) -> None:
    await world.leads.update(lead_of(waiting), "pause", {"reason": "legal_hold", "by": "ops"})
    called = await world.leads.update(lead_of(waiting), "call_now", {"by": "ops"})
    assert not called.paused
    await until(world, lead_of(waiting), "paused_until is null")


async def test_a_stopped_lead_is_stopped_for_the_gate_by_the_time_of_the_answer(
    world: World, waiting: WorkflowHandle[Any, Any]
) -> None:
    await world.leads.update(lead_of(waiting), "stop", {"reason": "duplicate", "by": "ops"})
    row = await world.pool.fetchrow("select plan_stopped, closed_at from lead where id = $1", lead_of(waiting))
    assert row["plan_stopped"] == "stopped" or row["closed_at"] is not None


async def test_an_instant_that_no_calendar_reaches_is_refused(world: World, waiting: WorkflowHandle[Any, Any]) -> None:
    with pytest.raises(LeadRefused, match="until: expected a moment before the year 2200"):
        await world.leads.update(lead_of(waiting), "pause", {"until": "9999-01-01T00:00:00Z", "by": "ops"})


async def test_an_unknown_rep_is_refused_by_name(world: World, waiting: WorkflowHandle[Any, Any]) -> None:
    with pytest.raises(LeadRefused) as refused:
        await world.leads.update(lead_of(waiting), "reassign", {"rep_id": "00000000-0000-4000-8000-000000000000"})
    assert refused.value.field == "rep_id"


async def test_a_step_that_is_not_there_cannot_be_skipped(world: World, waiting: WorkflowHandle[Any, Any]) -> None:
    with pytest.raises(LeadRefused) as refused:
        await world.leads.update(lead_of(waiting), "skip", {"step": "call-99"})
    assert refused.value.field == "step"
    await world.leads.update(lead_of(waiting), "skip", {"step": "email-1"})
    await until(world, lead_of(waiting), "next_step = 'day-2-call' or next_step = 'day-4-email'")


async def _temporal(world: World, *args: str) -> str:
    """The Temporal command line, as ops use it."""
    process = await asyncio.create_subprocess_exec(
        str(find_program()), "workflow", *args, "--address", world.client.service_client.config.target_host,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_ops_steer_a_lead_with_the_temporal_command_line(world: World, waiting: WorkflowHandle[Any, Any]) -> None:
    lead = ("--workflow-id", waiting.id)
    paused = await _temporal(world, "update", "execute", *lead, "--name", "pause", "--input", '{"reason": "audit"}')
    assert "paused:true" in paused
    await until(world, lead_of(waiting), "paused_until is not null")
    status = await _temporal(world, "query", *lead, "--name", "explain")
    assert "audit" in status
    await _temporal(world, "signal", *lead, "--name", "outcome", "--input", '{"outcome": "not_interested"}')
    assert (await waiting.result())["reason"] == "not_interested"
