"""Can the workflow code of this process go on with a lead that another code began?"""

from typing import Literal

from temporalio.client import Client
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from speedlead.ids import workflow_id
from workers.registry import RUNNER, WORKFLOWS

Verdict = Literal["goes_on", "another_way", "fails"]
"""`another_way`: this code would not have done what the history says, so it can never go on. `fails`: it has a mistake
that the next release may mend, or cannot read what the history holds.
"""


class Replays:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def verdict(self, lead_id: str) -> Verdict:
        """Raises RPCError when the server does not answer or has no such lead."""
        history = await self._client.get_workflow_handle(workflow_id(lead_id)).fetch_history()
        replayer = Replayer(
            workflows=list(WORKFLOWS), workflow_runner=RUNNER, data_converter=self._client.data_converter
        )
        failure = (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure
        if failure is None:
            return "goes_on"
        return "another_way" if isinstance(failure, NondeterminismError) else "fails"

    async def another_way(self, lead_id: str) -> bool:
        return await self.verdict(lead_id) == "another_way"
