"""The commands of every stored story, as today's code gives them, are the frozen ones: in order, and to the letter.

Orders are files to read (`orders/*.txt`), fingerprints are hashes of all that an order leaves out.
"""

import difflib
import json
from pathlib import Path

import pytest

from tests.replay.commands import commands_of, fingerprint, order
from tests.replay.incompatible import Incompatible
from tests.replay.record import FINGERPRINTS, FOLDER, ORDERS

HISTORIES = sorted(FOLDER.glob("*.json"))
ANOTHER_ORDER = """
This is what running leads would be asked for in another order, or on another queue. If replay passes (test_replay.py)
and the new order is wanted: make record-histories ARGS=--orders
"""
OTHER_OPTIONS = """
The order is the same; an argument, a timeout, a retry, a priority or a summary is not. Replay lets that pass. Can
activities of the release before read such an argument (new fields have defaults)? make record-histories ARGS=--orders
"""


def changes(story: str, today: str) -> str:
    frozen = (ORDERS / f"{story}.txt").read_text().splitlines()
    return "\n".join(difflib.unified_diff(frozen, today.splitlines(), "frozen", "today", lineterm="", n=2))


def test_every_story_has_an_order_and_a_fingerprint() -> None:
    stories = [file.stem for file in HISTORIES]
    assert sorted(file.stem for file in ORDERS.glob("*.txt")) == stories
    assert sorted(json.loads(FINGERPRINTS.read_text())) == stories


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
async def test_the_commands_of_a_story_are_the_frozen_ones(file: Path) -> None:
    commands = await commands_of(file)
    found = changes(file.stem, order(commands))
    assert not found, f"\n{found}\n{ANOTHER_ORDER}"
    frozen = json.loads(FINGERPRINTS.read_text())[file.stem]
    assert fingerprint(commands) == frozen, OTHER_OPTIONS


async def test_another_order_is_shown_as_a_difference() -> None:
    today = order(await commands_of(FOLDER / "books.json", (Incompatible,)))
    found = changes("books", today)
    assert "+activity route, on leads" in found
    assert any(line.startswith("-activity acknowledge") for line in found.splitlines())


async def test_another_argument_has_another_fingerprint() -> None:
    commands = await commands_of(FOLDER / "books.json")
    before = fingerprint(commands)
    [first] = [c for c in commands if c.schedule_activity.activity_id == "1"]
    first.schedule_activity.retry_policy.maximum_attempts += 1
    assert fingerprint(commands) != before
