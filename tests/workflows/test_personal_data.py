"""A person goes through everything on a real server, encrypted: Temporal, logs and counters tell nobody anything."""

import asyncio
import io
import logging
import re
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.history.v1 import MarkerRecordedEventAttributes
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    GetWorkflowExecutionHistoryRequest,
    ListWorkflowExecutionsRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from speedlead.cadence_client import CadenceClient
from speedlead.composer import Composer
from speedlead.contracts import LeadStatus
from speedlead.credentials import load_or_create
from speedlead.demo.moments import Happening, Moment
from speedlead.demo.people import answers_mail
from speedlead.demo.world import World, open_world
from speedlead.erasing import erase_people
from speedlead.ids import new_id, workflow_id
from speedlead.logging import configure_logging
from speedlead.payload_codec import ENCODING, ERASED
from speedlead.payloads import converter_of
from speedlead.store.pool import open_pool
from tests.servers import local_settings
from tests.store.test_erasure import everything
from tests.workflows.leads import ADA, ended, tuesday_at

PERSON = ADA | {
    "name": "Quentine Marrowbone", "email": "quentine@marrowbone.example", "phone": "+12125550177",
    "company": "Wimblefold Ltd", "message": "zebra crossings for my ostrich farm",
}  # fmt: skip
OTHER = PERSON | {"email": "second@marrowbone.example", "phone": "+12125550188", "name": "Quentine Second"}
PRIVATE = re.compile(
    rb"quentine|marrowbone|2125550177|2125550188|wimblefold|ostrich|kumquat|walrus|pelican", re.IGNORECASE
)
TYPED = re.compile(rb"walrus|pelican")  # by our people, into updates: in Temporal, and encrypted


@dataclass
class Sight:
    """What stands at the server for one lead, as it stands and decoded."""

    raw: bytes
    decoded: bytes
    payloads: list[Payload]


@pytest_asyncio.fixture
async def world(
    temporal_env: WorkflowEnvironment, database_url: str, tmp_path: Path, composer: Composer
) -> AsyncIterator[World]:
    settings = local_settings(tmp_path, callbacks="before", virtual_clock=True, company_phone="+14155550100")
    pool = await open_pool(database_url, size=4)
    config = temporal_env.client.config()
    config["data_converter"] = converter_of(settings, load_or_create(tmp_path), pool)
    async with open_world(settings, database_url, Client(**config), composer=composer) as made:
        yield made
    await pool.close()


def asks_for(world: World, name: str, **body: Any) -> Happening:
    async def happens(lead_id: str) -> None:
        await world.call("POST", f"{world.url}/api/leads/{lead_id}/{name}", body)

    return happens


def in_turn(*happenings: Happening) -> Happening:
    async def happens(lead_id: str) -> None:
        for one in happenings:
            await one(lead_id)

    return happens


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What this process logs, as the product does it and whatever other tests have set."""
    written = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", written)
        configure_logging("debug", json=True)
    yield written
    root.handlers[:] = before
    root.setLevel(level)


async def test_nobody_but_the_database_knows_the_person_and_after_erasure_nobody_does(
    world: World, tmp_path: Path, capfd: pytest.CaptureFixture[str], log: io.StringIO
) -> None:
    rep = str(await world.pool.fetchval("select id from rep where active order by name limit 1"))
    typed = in_turn(
        asks_for(world, "pause", reason="the walrus is ill"), asks_for(world, "resume"),
        asks_for(world, "reassign", rep_id=rep, reason="knows the pelican"),
    )  # fmt: skip
    week = await world.submit(tuesday_at(15), moments=[Moment("call-2", typed)], **PERSON)
    assert (await ended(world, week))["reason"] == "plan_completed"
    asks = Moment("call-1", answers_mail(world, OTHER["email"], "Do you have kumquats?"))
    answers = Moment("reply_received", in_turn(
        asks_for(world, "messages", channel="email", body="Kumquats are out."),
        asks_for(world, "outcomes", outcome="unqualified", call_result="connected", note="Wants kumquats"),
    ))  # fmt: skip
    talk = await world.submit(tuesday_at(15), moments=[asks, answers], **OTHER)
    assert (await ended(world, talk))["reason"] == "unqualified"

    before = await everything(world.pool)
    assert {name for name, text in before.items() if PRIVATE.search(text.encode())} >= {
        "person", "inquiry", "touch", "reply", "answer", "outcome", "webhook", "story", "person_email", "person_phone",
    }  # fmt: skip
    for lead, least in ((week, 100), (talk, 30)):
        seen = await look(world, lead)
        assert len(seen.payloads) > least
        assert {payload.metadata["encoding"] for payload in seen.payloads} == {ENCODING}
        assert PRIVATE.search(seen.raw) is None
        # without the key to it not even what our people typed; with it only that
        assert set(PRIVATE.findall(seen.decoded)) == ({b"walrus", b"pelican"} if lead == week else set())
    assert PRIVATE.search(await visibility(world)) is None

    key = world.credentials.api_key.get_secret_value()
    async with world.http.get(f"{world.url}/metrics", headers={"X-Api-Key": key}) as answer:
        assert answer.status == 200
        counters = await answer.read()
    assert b"speedlead_inquiries" in counters
    assert PRIVATE.search(counters) is None
    printed = capfd.readouterr()
    logs = (printed.out + printed.err + log.getvalue()).encode()
    assert len(logs) > 100
    # the stand-in for the providers is none of ours
    files = [path for path in tmp_path.rglob("*") if path.is_file() and "sandbox" not in path.name]
    for said in [logs, *(path.read_bytes() for path in files)]:
        assert PRIVATE.search(said) is None

    people = [str(r["person_id"]) for r in await world.pool.fetch("select distinct person_id from lead")]
    done = await erase_people(
        world.pool, world.leads, world.clock, world.credentials.secret_bytes, people, (), by="test", request_id=new_id()
    )
    assert done.remembered == ()
    assert [name for name, text in (await everything(world.pool)).items() if PRIVATE.search(text.encode())] == []
    assert await world.pool.fetchval("select count(*) from lead where lead_type = 'hot' and closed_at is not null") == 2
    # histories go in the server's own time, which is virtual here; a process that begins now reads nothing in them
    newcomer = converter_of(world.settings, world.credentials, world.pool)
    assert newcomer.payload_codec is not None
    opened = await newcomer.payload_codec.decode([p for p in seen.payloads if p.metadata.get("lead")])
    assert {payload.data for payload in opened} == {ERASED.data}


async def test_an_open_lead_is_ended_first_and_erased_while_it_waits(world: World) -> None:
    world.reps_accept = False
    lead = await world.submit(tuesday_at(15) + timedelta(hours=10), **PERSON)
    await asyncio.sleep(0.5)
    people = [str(await world.pool.fetchval("select person_id from lead where id = $1", lead))]
    done = await erase_people(
        world.pool, world.leads, world.clock, world.credentials.secret_bytes, people, (), by="test", request_id=new_id()
    )
    assert done.remembered == ()
    row = await world.pool.fetchrow("select closed_at, close_reason from lead where id = $1", lead)
    assert (row["closed_at"] is not None, row["close_reason"]) == (True, "erased")
    assert [name for name, text in (await everything(world.pool)).items() if PRIVATE.search(text.encode())] == []


class WritesAgain:
    """The leads of the house; when the first one has just ended, its person fills in the form again."""

    def __init__(self, world: World) -> None:
        self._world, self.second = world, ""
        self.told: list[str] = []

    async def update(self, lead_id: str, name: str, payload: dict[str, Any], *, key: str | None = None) -> LeadStatus:
        self.told.append(lead_id)
        return await self._world.leads.update(lead_id, name, payload, key=key)

    async def runs(self, lead_id: str) -> bool:
        running = await self._world.leads.runs(lead_id)
        if not running and not self.second:
            self.second = await self._world.submit(tuesday_at(15) + timedelta(hours=10), **PERSON)
            await asyncio.sleep(0.5)
        return running

    async def forget(self, lead_id: str) -> bool:
        return await self._world.leads.forget(lead_id)


async def test_a_lead_that_begins_while_the_first_is_ended_runs_no_more_when_all_is_erased(world: World) -> None:
    world.reps_accept = False
    first = await world.submit(tuesday_at(15) + timedelta(hours=10), **PERSON)
    await asyncio.sleep(0.5)
    people, leads = [str(await world.pool.fetchval("select person_id from lead"))], WritesAgain(world)
    done = await erase_people(
        world.pool, leads, world.clock, world.credentials.secret_bytes, people, (), by="test", request_id=new_id()
    )
    assert done.remembered == ()
    assert leads.second != first
    assert leads.told == [first, leads.second]
    for lead in (first, leads.second):
        assert not await world.leads.runs(lead)
        ended = await world.pool.fetchrow("select close_reason, next_step, promise_text from lead where id = $1", lead)
        assert tuple(ended) == ("erased", None, None)
    assert [name for name, text in (await everything(world.pool)).items() if PRIVATE.search(text.encode())] == []


async def test_the_history_of_a_lead_is_deleted(temporal_env: WorkflowEnvironment) -> None:
    # of one that runs at once; the server takes half a minute for one that has just ended
    client, lead = temporal_env.client, new_id()
    await client.start_workflow("LeadWorkflow", id=workflow_id(lead), task_queue="nobody-works-here")
    cadence = CadenceClient(client)
    assert await cadence.runs(lead)
    assert await cadence.forget(lead)
    for _ in range(100):
        if not await cadence.runs(lead):
            break
        await asyncio.sleep(0.1)
    with pytest.raises(RPCError, match="not found"):
        await client.get_workflow_handle(workflow_id(lead)).describe()
    assert await cadence.forget(lead)  # a second time changes nothing


async def look(world: World, lead_id: str) -> Sight:
    request = GetWorkflowExecutionHistoryRequest(
        namespace=world.client.namespace, execution=WorkflowExecution(workflow_id=workflow_id(lead_id))
    )
    raw, payloads = b"", []
    while True:
        answer = await world.client.workflow_service.get_workflow_execution_history(request)
        raw += answer.SerializeToString()
        payloads += list(payloads_in(answer))
        if not answer.next_page_token:
            break
        request.next_page_token = answer.next_page_token
    describe = DescribeWorkflowExecutionRequest(namespace=world.client.namespace, execution=request.execution)
    described = await world.client.workflow_service.describe_workflow_execution(describe)
    raw += described.SerializeToString()
    codec = world.client.data_converter.payload_codec
    assert codec is not None
    decoded = await codec.decode([p for p in payloads if p.metadata["encoding"] == ENCODING])
    return Sight(raw, b"\n".join(payload.data for payload in decoded), payloads)


def payloads_in(message: Message) -> Iterator[Payload]:
    """Every payload inside, except those of search attributes and of patches, which nothing may encrypt."""
    if isinstance(message, Payload):
        yield message
        return
    if isinstance(message, MarkerRecordedEventAttributes) and message.marker_name == "core_patch":
        return  # the id of a change to our own code
    for field, value in message.ListFields():
        if field.type != field.TYPE_MESSAGE or field.message_type.name == "SearchAttributes":
            continue
        if field.message_type.GetOptions().map_entry:
            parts = [item for item in value.values() if isinstance(item, Message)]
        else:
            parts = list(value) if field.is_repeated else [value]
        for part in parts:
            yield from payloads_in(part)


async def visibility(world: World) -> bytes:
    request = ListWorkflowExecutionsRequest(namespace=world.client.namespace, page_size=1000)
    return (await world.client.workflow_service.list_workflow_executions(request)).SerializeToString()
