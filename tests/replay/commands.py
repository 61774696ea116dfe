"""What today's code asks of Temporal when a stored history is played to it: every command, in order.

Replay compares kinds of commands and no more. Here are their names, queues, lengths and options as well, so that a
change that replay lets pass is seen before it meets running leads.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory
from temporalio.converter import SerializationContext
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.worker._workflow_instance import (
    WorkflowInstance,
    WorkflowInstanceDetails,
)
from temporalio.workflow import Info

from speedlead.temporal import DATA_CONVERTER
from workers.registry import WORKFLOWS


class _Heard(WorkflowInstance):
    """A workflow instance that keeps what it answers."""

    def __init__(self, inner: WorkflowInstance, commands: list[WorkflowCommand]) -> None:
        self._inner = inner
        self._commands = commands

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        completion = self._inner.activate(act)
        self._commands.extend(completion.successful.commands)
        return completion

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Info:
        return self._inner.get_info()


class _Hearing(UnsandboxedWorkflowRunner):
    def __init__(self) -> None:
        super().__init__()
        self.commands: list[WorkflowCommand] = []

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _Heard(super().create_instance(det), self.commands)


async def commands_of(file: Path, workflows: tuple[type, ...] = tuple(WORKFLOWS)) -> list[WorkflowCommand]:
    """Up to the end, or to where today's code goes another way than the history."""
    hearing = _Hearing()
    replayer = Replayer(workflows=list(workflows), data_converter=DATA_CONVERTER, workflow_runner=hearing)
    history = WorkflowHistory.from_json("lead-of-a-stored-history", file.read_text())
    await replayer.replay_workflow(history, raise_on_replay_failure=False)
    # answers to queries and updates are no commands of the plan
    return [c for c in hearing.commands if c.WhichOneof("variant") not in ("respond_to_query", "update_response")]


def order(commands: list[WorkflowCommand]) -> str:
    """One line a command: what a person compares."""
    return "".join(f"{_line(command)}\n" for command in commands)


def fingerprint(commands: list[WorkflowCommand]) -> str:
    """Of everything in the commands: arguments, timeouts, retries, priorities and summaries too."""
    plain = [MessageToDict(command) for command in commands]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def _line(command: WorkflowCommand) -> str:
    kind = command.WhichOneof("variant")
    match kind:
        case "schedule_activity":
            asked = command.schedule_activity
            limits = [f"{name} {_length(getattr(asked, f'{name}_timeout'))}" for name in _TIMEOUTS if
                      asked.HasField(f"{name}_timeout")]  # type: ignore[arg-type]  # fmt: skip
            tries = asked.retry_policy.maximum_attempts
            words = [f"activity {asked.activity_type}", f"on {asked.task_queue}", *limits]
            words += [f"priority {asked.priority.priority_key}"] if asked.priority.priority_key else []
            words += [f"{tries} tries"] if tries else []
            return ", ".join(words) + _summary(command)
        case "start_timer":
            return f"timer {_length(command.start_timer.start_to_fire_timeout)}{_summary(command)}"
        case "upsert_workflow_search_attributes":
            names = sorted(command.upsert_workflow_search_attributes.search_attributes.indexed_fields)
            return f"search attributes {' '.join(names)}"
        case "set_patch_marker":
            marker = command.set_patch_marker
            return f"patch {marker.patch_id}{' deprecated' if marker.deprecated else ''}"
        case _:
            return str(kind).replace("_", " ")


_OF_THE_RECORDING = re.compile(r" · lead [0-9a-f]{8}$| at \d\d \w{3} \d\d:\d\d UTC$")
_TIMEOUTS = ("schedule_to_close", "start_to_close", "schedule_to_start", "heartbeat")


def _length(duration: Duration) -> str:
    """Roughly: what a machine took while the story was recorded is not the order's business."""
    seconds = duration.seconds + duration.nanos / 1e9
    if seconds < 2:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.0f} s" if seconds < 10 else f"{round(seconds / 5) * 5} s"


def _summary(command: WorkflowCommand) -> str:
    """Without the lead's id and the day of the recording, so that two recordings can be compared."""
    data = command.user_metadata.summary.data
    return f" · {_OF_THE_RECORDING.sub('', json.loads(data))}" if data else ""
