"""`make record-histories`: plays stories on the virtual clock and stores their histories, for replays by later code.

Record again only for a change that is meant to be incompatible (CONTRIBUTING, "before you change a workflow").
"""

import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowHandle
from temporalio.common import RawValue

from speedlead.closures import HolidayClosures
from speedlead.demo import stories
from speedlead.demo.moments import Moment
from speedlead.demo.play import play
from speedlead.demo.stories import Story
from speedlead.demo.world import World, open_world
from speedlead.ids import workflow_id
from tests.servers import databases, local_settings, skipping_temporal

FOLDER = Path(__file__).parent / "histories"
POISON: tuple[list[Any], ...] = (
    [],
    ["not an object"],
    [None],
    [{"scope": 3, "outcome": "maybe", "channel": "pigeon", "touch_id": 0, "number": "x", "reason": 5}],
    [{"by": "one"}, {"by": "too many"}],
    [RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b"{not json"))],
)
SIGNALS = ("inquiry", "outcome", "reply", "opt_out", "delivery", "call_progress", "replan")


def _signals(
    send: Callable[[WorkflowHandle[Any, Any]], Awaitable[None]], after: str
) -> Callable[[World, Story, date], tuple[Moment, ...]]:
    """Straight to the workflow, as from the Temporal UI: no row of ours knows of it."""

    def moments(world: World, story: Story, tuesday: date) -> tuple[Moment, ...]:
        async def happens(lead_id: str) -> None:
            await send(world.client.get_workflow_handle(workflow_id(lead_id)))

        return (Moment(after, happens),)

    return moments


async def _qualified(handle: WorkflowHandle[Any, Any]) -> None:
    await handle.signal("outcome", {"call_result": "connected", "outcome": "qualified"})


async def _poison(handle: WorkflowHandle[Any, Any]) -> None:
    # every handler gets some, and one of them all; more would only make the file longer
    for args in POISON:
        await handle.signal("reply", args=args)
    for number, name in enumerate(SIGNALS):
        await handle.signal(name, args=POISON[number % len(POISON)])


def _another_person(of: Story, key: str, name: str, email: str, phone: str | None) -> Story:
    form = of.form | {"name": name, "email": email} | ({"phone": phone} if phone else {})
    return replace(of, key=key, form=form, acts={}, moments=lambda world, story, tuesday: ())


OUTCOME_BY_SIGNAL = replace(
    _another_person(
        stories.NEVER_ANSWERS, "outcome_by_signal", "Ingrid Solberg", "ingrid.solberg@example.com", "+12125550147"
    ),
    moments=_signals(_qualified, "call-2"),
)
POISON_SIGNALS = replace(
    _another_person(stories.COLD, "poison_signals", "Walter Quist", "walter.quist@example.com", None),
    moments=_signals(_poison, "email-1"),
)
RECORDED = (
    stories.NEVER_ANSWERS,
    stories.WITHOUT_PHONE,
    stories.REPLIES,
    stories.OPTS_OUT,
    stories.BOOKS,
    OUTCOME_BY_SIGNAL,
    POISON_SIGNALS,
)


async def record() -> list[Path]:
    with tempfile.TemporaryDirectory() as name:
        settings = local_settings(
            Path(name) / "data", callbacks="before", virtual_clock=True, company_phone="+14155550100"
        )
        async with (
            databases(Path(name) / "postgres") as made,
            made.fresh() as database_url,
            skipping_temporal() as temporal,
            open_world(settings, database_url, temporal.client) as world,
        ):
            played = await play(world, RECORDED, stories.quiet_tuesday(datetime.now(UTC), HolidayClosures()))
            handles = [world.client.get_workflow_handle(workflow_id(one.lead.card.lead_id)) for one in played]
            return [
                await write_history(handle, FOLDER / f"{one.story.key}.json")
                for one, handle in zip(played, handles, strict=True)
            ]


async def write_history(handle: WorkflowHandle[Any, Any], file: Path) -> Path:
    history = await handle.fetch_history()
    found = json.loads(history.to_json())
    _forget_the_recorder(found)
    # one event a line: small, and a new recording can be compared
    lines = ",\n".join(json.dumps(event, separators=(",", ":")) for event in found["events"])
    file.write_text(f'{{"events":[\n{lines}\n]}}\n')
    return file


def _forget_the_recorder(value: Any) -> None:
    """The name of the machine and its process are in many events."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "identity":
                value[name] = "recorder"
            _forget_the_recorder(inner)
    elif isinstance(value, list):
        for inner in value:
            _forget_the_recorder(inner)


def main() -> None:
    logging.disable(logging.WARNING)  # poison is refused with a warning each
    for file in asyncio.run(record()):
        sys.stdout.write(f"{file.name}: {file.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main()
