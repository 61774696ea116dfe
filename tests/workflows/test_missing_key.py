"""A payload key that a process lacks is named to operations, not only in a log. Real server."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from speedlead.cadence_client import CadenceClient
from speedlead.clock import SystemClock
from speedlead.credentials import load_or_create
from speedlead.intake import read_inquiry
from speedlead.payloads import converter_of
from speedlead.seed import seed
from speedlead.store.intake import Submission, take_inquiry
from speedlead.store.pool import open_pool
from tests.servers import local_settings
from tests.workflows.leads import ADA
from tests.workflows.test_other_code import PLAN, RULES, Mistaken, until
from workflows.options import LEADS_QUEUE

pytestmark = pytest.mark.timeout(120)
OLD, NEW = (SecretStr(f"{name}:{letter * 43}=") for name, letter in (("2026", "A"), ("2027", "B")))


@pytest.mark.parametrize(("worker_has", "expected"), [
    (OLD, "LookupError"),
    (NEW, "payload key '2026' is not in SPEEDLEAD_PAYLOAD_KEYS, which has 2027: put it back behind the newest one"),
])  # fmt: skip
async def test_what_a_task_fails_with_is_told_in_words_that_name_nobody(
    temporal_env: WorkflowEnvironment, database_url: str, tmp_path: Path, worker_has: SecretStr, expected: str
) -> None:
    async with await open_pool(database_url, size=4) as pool:
        await seed(pool, PLAN, demo_reps=True)

        def client(keys: SecretStr) -> Client:
            settings = local_settings(tmp_path, payload_keys=keys)
            config = temporal_env.client.config()
            config["data_converter"] = converter_of(settings, load_or_create(tmp_path), pool)
            return Client(**config)

        taken = await take_inquiry(pool, SystemClock(), PLAN, Submission(read_inquiry(ADA, RULES), "demo"))
        assert taken.start is not None
        await CadenceClient(client(OLD)).start(taken.start)
        theirs = client(worker_has)
        async with Worker(
            theirs, task_queue=LEADS_QUEUE, workflows=[Mistaken], workflow_runner=UnsandboxedWorkflowRunner()
        ):
            lead_id = taken.start.lead_id
            assert await until("its task fails", lambda: CadenceClient(theirs).why_failing(lead_id)) == expected
            # whoever lacks the key of the failure itself names that one
            other = await CadenceClient(client(OLD)).why_failing(lead_id)
            assert other == expected or "payload key '2027' is not in SPEEDLEAD_PAYLOAD_KEYS" in str(other)
