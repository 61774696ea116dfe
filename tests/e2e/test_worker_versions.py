"""Worker versions on a real server: promoted with its workers, refused without; open leads counted, replayed, shown."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from temporalio import activity
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

from speedlead import deployments
from speedlead.contracts import LeadStart, Reach
from speedlead.deployments import PromoteError
from speedlead.embedded.temporal_server import find_program, server_flags
from speedlead.ids import new_id, workflow_id
from speedlead.planbook import load_plan
from speedlead.temporal import DATA_CONVERTER
from tests.replay.incompatible import Incompatible
from workers.deployment import DEPLOYMENT, build_id, deployment_config

CADENCE = load_plan().cadence()
pytestmark = pytest.mark.timeout(90)


@activity.defn(name="route")
async def route(request: dict[str, Any]) -> None: ...


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    """A server of its own: versions are the namespace's, and no test is to wait for another's leads."""
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(find_program()), dev_server_log_level="never", data_converter=DATA_CONVERTER,
        dev_server_extra_args=server_flags(virtual_clock=False),
    )  # fmt: skip
    async with environment:
        yield environment.client


@asynccontextmanager
async def worker(client: Client, config: WorkerDeploymentConfig | None) -> AsyncIterator[None]:
    async with Worker(
        client, task_queue="leads", workflows=[Incompatible], activities=[route], deployment_config=config,
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):  # fmt: skip
        yield


def version(build: str) -> WorkerDeploymentConfig:
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(DEPLOYMENT, build), use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )  # fmt: skip


async def lead(client: Client) -> str:
    lead_id = new_id()
    start = LeadStart(
        lead_id=lead_id, lead_type="hot", intent="pricing", source="test", submitted_at=datetime.now(UTC),
        reach=Reach(has_email=True, has_phone=False), plan=CADENCE,
    )  # fmt: skip
    await client.start_workflow("LeadWorkflow", start, id=workflow_id(lead_id), task_queue="leads")
    return lead_id


async def until(what: str, asked: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(30):
        while not (found := await asked()):
            await asyncio.sleep(0.1)
        return found


async def promoted(client: Client, build: str) -> bool:
    try:
        await deployments.promote(client, build)
    except PromoteError:
        return False
    return True


async def shown(client: Client) -> tuple[dict[str, tuple[str, int]], int]:
    found, unversioned = await deployments.versions(client)
    return {v.build_id: (v.state, v.open_leads) for v in found}, unversioned


def command(client: Client, *words: str, group: str = "worker", **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = settings | {"PATH": "", "PYTHONTZPATH": "", "COLUMNS": "160",
                   "SPEEDLEAD_TEMPORAL_ADDRESS": client.service_client.config.target_host}  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "speedlead", group, *words], env=environment, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip


async def test_leads_move_to_the_version_that_is_promoted_and_the_old_one_drains(client: Client) -> None:
    async with worker(client, None):
        old = await lead(client)
        await until("it is counted", lambda: _is(client, ({}, 1)))
    async with worker(client, version("1.0")):
        await until("1.0 is current", lambda: promoted(client, "1.0"))
        first = await lead(client)
        handles = [client.get_workflow_handle(workflow_id(one)) for one in (old, first)]
        await handles[0].signal("wake")
        await until("both are on 1.0", lambda: _is(client, ({"1.0": ("current", 2)}, 0)))
    async with worker(client, version("1.1")):
        await until("1.1 is current", lambda: promoted(client, "1.1"))
        await until("1.0 drains", lambda: _is(client, ({"1.1": ("current", 0), "1.0": ("draining", 2)}, 0)))
        for handle in handles:
            await handle.signal("wake")
        await until("both have moved", lambda: _is(client, ({"1.1": ("current", 2), "1.0": ("draining", 0)}, 0)))


async def _is(client: Client, wanted: object) -> bool:
    return await shown(client) == wanted


async def test_a_version_without_workers_is_refused_and_the_message_says_what_is_expected(client: Client) -> None:
    with pytest.raises(PromoteError, match=r"version 9.9: .*SPEEDLEAD_WORKER_VERSIONING=true"):
        await deployments.promote(client, "9.9")
    answer = await asyncio.to_thread(command, client, "promote", "--wait", "0")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith(f"version {build_id()}: ")


async def test_the_commands_promote_show_and_check(client: Client) -> None:
    async with worker(client, deployment_config()):
        answer = await asyncio.to_thread(command, client, "promote")
        assert (answer.returncode, answer.stderr) == (0, "")
        assert answer.stdout.startswith(f"{build_id()} is current\n")
        one = await lead(client)
        await until("it is counted", lambda: _is(client, ({build_id(): ("current", 1)}, 0)))
        answer = await asyncio.to_thread(command, client, "versions")
        line = next(line for line in answer.stdout.splitlines() if build_id() in line)
        assert [part.strip() for part in line.split("│")][1:3] == [f"{build_id()} (this program)", "current"]
        await asyncio.sleep(1)
        answer = await asyncio.to_thread(command, client, "check")
        assert answer.returncode == 1
        assert f"lead {one}: {build_id()} goes another way" in answer.stdout
        assert "0 of 1 open leads can go on (1 are open)" in answer.stdout
        lines = (await asyncio.to_thread(command, client, group="doctor", SPEEDLEAD_WORKER_VERSIONING="true")).stdout
        assert "ok    worker versions    one is current\n" in lines
        assert f"{build_id()} current, 1 open leads\n" in lines
        assert "ok    failing workflows  none\n" in lines
        lines = (await asyncio.to_thread(command, client, group="doctor")).stdout
        assert (
            "WRONG worker versions    one is current, so workers with SPEEDLEAD_WORKER_VERSIONING=false get no lead"
            in lines
        )


async def test_the_doctor_says_that_nobody_was_promoted(client: Client) -> None:
    lines = (await asyncio.to_thread(command, client, group="doctor", SPEEDLEAD_WORKER_VERSIONING="true")).stdout
    assert "WRONG worker versions    none is current, so no lead is worked on: speedlead worker promote\n" in lines


def test_the_build_id_names_the_release_and_the_workflow_code() -> None:
    release, _, digest = build_id().rpartition("-")
    assert release == "0.1.0"
    assert len(digest) == 12
