"""Every stored history replays with today's workflow code; what is not compatible is found; no person is in them."""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from speedlead.temporal import DATA_CONVERTER
from tests.replay.incompatible import Incompatible
from tests.replay.record import FOLDER
from tests.replay.stories import RECORDED
from workers.registry import WORKFLOWS

HISTORIES = sorted(FOLDER.glob("*.json"))
BEFORE_YOU_GO_ON = """
This change would stop leads that are running now. Either keep the old way behind a patch (workflows/patches.py), or,
if no such lead can be running, record the histories again: make record-histories
"""


async def failure_of(text: str, workflows: Sequence[type] = WORKFLOWS) -> BaseException | None:
    replayer = Replayer(workflows=list(workflows), data_converter=DATA_CONVERTER)
    history = WorkflowHistory.from_json("lead-of-a-stored-history", text)
    return (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure


def test_every_story_is_stored() -> None:
    assert [file.stem for file in HISTORIES] == sorted(story.key for story in RECORDED)


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
async def test_a_stored_history_replays(file: Path) -> None:
    failure = await failure_of(file.read_text())
    assert failure is None, f"{failure}\n{BEFORE_YOU_GO_ON}"


async def test_a_workflow_that_goes_another_way_is_found() -> None:
    text = (FOLDER / "never_answers.json").read_text()
    assert isinstance(await failure_of(text, [Incompatible]), NondeterminismError)


@pytest.mark.parametrize("change", ["another activity", "one activity less"])
async def test_an_incompatible_history_is_found(change: str) -> None:
    text = (FOLDER / "never_answers.json").read_text()
    if change == "another activity":
        altered = text.replace('"activityType":{"name":"route"}', '"activityType":{"name":"enrich"}')
    else:
        altered = _without_the_last_activity(text)
    assert altered != text
    assert isinstance(await failure_of(altered), NondeterminismError)


def _without_the_last_activity(text: str) -> str:
    """As if `close` had not been asked for: the workflow of that history ended right away."""
    history = json.loads(text)
    scheduled = next(
        e["eventId"] for e in history["events"]
        if e.get("activityTaskScheduledEventAttributes", {}).get("activityType", {}).get("name") == "close"
    )  # fmt: skip
    kept = [e for e in history["events"] if int(e["eventId"]) < int(scheduled)]
    end = history["events"][-1] | {"eventId": scheduled}
    return json.dumps({"events": [*kept, end]})


# ── no personal data ─────────────────────────────────────────────────────────────────────────────────────────────────


def texts(value: Any) -> Iterator[str]:
    """Every text of a history, payloads decoded."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "data" and isinstance(inner, str):
                yield base64.b64decode(inner).decode(errors="replace")
            else:
                yield name
                yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    else:
        yield str(value)


def personal() -> Iterator[str]:
    for story in RECORDED:
        for field in ("name", "email", "phone", "message", "company"):
            if field in story.form:
                yield story.form[field]
        yield from (part for part in story.form["name"].split() if len(part) > 3)


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
def test_a_stored_history_names_nobody(file: Path) -> None:
    whole = "\n".join(texts(json.loads(file.read_text())))
    assert "lead" in whole
    found = [value for value in personal() if re.search(rf"(?<![a-z]){re.escape(value)}(?![a-z])", whole, re.I)]
    assert found == []
    assert re.findall(r"[\w.+-]+@[\w-]+\.[\w.]+", whole) == []
    assert re.findall(r"(?<![\w+:.-])\+[1-9]\d{6,14}(?!\d)", whole) == []
