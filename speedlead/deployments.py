"""Versions of the worker as Temporal knows them: which is current, which still has open leads (docs/adr/0013)."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
from temporalio.api.enums.v1 import WorkerDeploymentVersionStatus
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from speedlead.cadence_client import WORKFLOW
from speedlead.credentials import CredentialsError
from speedlead.embedded.where import database_of
from speedlead.house_mark import OtherHouse
from speedlead.payloads import converter_of
from speedlead.settings import Settings
from speedlead.store.house_marks import credentials_of_house
from speedlead.store.pool import open_pool
from speedlead.temporal import DATA_CONVERTER
from speedlead.temporal_link import TemporalRefused, connect_as_set, unreachable
from workers.deployment import DEPLOYMENT

_RUNNING = f"WorkflowType = '{WORKFLOW}' AND ExecutionStatus = 'Running'"
_STATUS = "WORKER_DEPLOYMENT_VERSION_STATUS_"


class PromoteError(Exception):
    """The version cannot become current; the message says why and what to do."""


@dataclass(frozen=True)
class Version:
    """`state`: inactive (its workers run, no lead comes to it), current, draining (leads may be on it), drained."""

    build_id: str
    state: str
    since: datetime | None
    open_leads: int


async def versions(client: Client) -> tuple[Sequence[Version], int]:
    """The newest first, and how many open leads no version has had yet. Raises RPCError."""
    unversioned = (await client.count_workflows(_RUNNING)).count
    try:
        answer = await client.workflow_service.describe_worker_deployment(
            DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=DEPLOYMENT)
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return (), unversioned
        raise
    found: list[Version] = []
    for summary in answer.worker_deployment_info.version_summaries:
        build = summary.deployment_version.build_id
        query = f"{_RUNNING} AND TemporalWorkerDeploymentVersion = '{DEPLOYMENT}:{build}'"
        count = (await client.count_workflows(query)).count
        unversioned -= count
        state = WorkerDeploymentVersionStatus.Name(summary.status).removeprefix(_STATUS).lower()
        since = summary.routing_update_time if summary.HasField("routing_update_time") else summary.create_time
        found.append(Version(build, state, since.ToDatetime(UTC), count))
    return sorted(found, key=lambda v: v.since or datetime.min.replace(tzinfo=UTC), reverse=True), max(0, unversioned)


async def promote(client: Client, build: str) -> None:
    """New leads, and open ones at their next step, go to this version. Raises PromoteError, RPCError."""
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=DEPLOYMENT, build_id=build, identity="speedlead worker promote"
    )
    try:
        await client.workflow_service.set_worker_deployment_current_version(request)
    except RPCError as error:
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION):
            raise PromoteError(
                f"version {build}: {error.message}. Expected: workers of this version are running for all task queues, "
                "with SPEEDLEAD_WORKER_VERSIONING=true"
            ) from None
        raise


async def with_client(settings: Settings, work: Callable[[Client], Awaitable[int]]) -> int:
    """For a command: the exit code of `work`, else 1 or 2 with one line on stderr."""
    async with AsyncExitStack() as stack:
        converter = DATA_CONVERTER
        try:
            if (url := database_of(settings)) is not None:  # the keys of what is encrypted are there
                pool = await open_pool(url)
                stack.push_async_callback(pool.close)
                converter = converter_of(settings, await credentials_of_house(pool, settings), pool)
            client = await connect_as_set(settings, converter=converter)
        except RuntimeError as error:
            print(unreachable(settings, error), file=sys.stderr)
            return 2
        except (TemporalRefused, OtherHouse, CredentialsError) as error:
            print(error, file=sys.stderr)
            return 2
        except (OSError, asyncpg.PostgresError) as error:
            print(f"SPEEDLEAD_DATABASE_URL: the database does not answer: {error}", file=sys.stderr)
            return 2
        try:
            return await work(client)
        except RPCError as error:
            print(f"Temporal refused: {error.message}", file=sys.stderr)
            return 1
