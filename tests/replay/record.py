"""`make record-histories`: plays stories on the virtual clock and stores their histories, for replays by later code.

Record again only for a change that is meant to be incompatible; for one that replay lets pass, `ARGS=--orders` freezes
the commands of today's code on the histories that are stored (CONTRIBUTING, "before you change a workflow").
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import TerminatedError

from speedlead.closures import HolidayClosures
from speedlead.demo.stories import quiet_tuesday
from speedlead.demo.world import World, open_world
from speedlead.ids import workflow_id
from tests.replay.commands import commands_of, fingerprint, order
from tests.replay.stories import GROUPS, Group, take_calls
from tests.servers import databases, local_settings, skipping_temporal

HERE = Path(__file__).parent
FOLDER, ORDERS, FINGERPRINTS = HERE / "histories", HERE / "orders", HERE / "fingerprints.json"


async def record(folder: Path) -> list[Path]:
    """The files, one for each story."""
    tuesday = quiet_tuesday(datetime.now(UTC), HolidayClosures())
    files: list[Path] = []
    with tempfile.TemporaryDirectory() as name:
        async with databases(Path(name) / "postgres") as made, skipping_temporal() as temporal:
            for number, group in enumerate(GROUPS):
                settings = local_settings(
                    Path(name) / f"data-{number}", callbacks="before", virtual_clock=True,
                    company_phone="+14155550100", **group.settings,
                )  # fmt: skip
                in_time = temporal.with_time_skipping_disabled() if group.by_hand else nullcontext()
                async with made.fresh() as url, open_world(settings, url, temporal.client) as world:
                    with in_time:
                        files += await _play(world, group, tuesday, folder)
    return files


async def _play(world: World, group: Group, tuesday: date, folder: Path) -> list[Path]:
    world.reps_accept = group.reps_accept
    for statement in group.rows:
        await world.pool.execute(statement)
    handles = {}
    for story in group.stories:
        for address, behaviour in story.acts.items():
            await world.person(address, **behaviour)
        moments = story.moments(world, story, tuesday)
        begins = datetime.now(UTC) if group.by_hand else story.begins(tuesday)
        lead_id = await world.submit(begins, moments=moments, **story.form)
        handles[story.key] = world.client.get_workflow_handle(workflow_id(lead_id))
    calls = asyncio.create_task(take_calls(world)) if group.by_hand else None
    ends = asyncio.gather(*(_ended(handle) for handle in handles.values()))
    await asyncio.wait([ends] if calls is None else [ends, calls], return_when=asyncio.FIRST_COMPLETED)
    if calls is not None and calls.done():
        ends.cancel()
        await calls  # says why nobody takes calls any more
    await ends
    if calls is not None:
        calls.cancel()
    if world.moments.failures:
        raise ExceptionGroup("a story went on without what happens in it", world.moments.failures)
    return [await write_history(handle, folder / f"{key}.json") for key, handle in handles.items()]


async def _ended(handle: WorkflowHandle[Any, Any]) -> None:
    """A story may lose its workflow and go on in another run."""
    while True:
        try:
            await handle.result()
        except WorkflowFailureError as failure:
            if not isinstance(failure.cause, TerminatedError):
                raise
            await asyncio.sleep(0.2)
        else:
            return


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


async def freeze(folder: Path, orders: Path, fingerprints: Path) -> None:
    """The commands of today's code on the histories of `folder`."""
    orders.mkdir(exist_ok=True)
    prints: dict[str, str] = {}
    for file in sorted(folder.glob("*.json")):
        commands = await commands_of(file)
        (orders / f"{file.stem}.txt").write_text(order(commands))
        prints[file.stem] = fingerprint(commands)
    for gone in {file.stem for file in orders.glob("*.txt")} - set(prints):
        (orders / f"{gone}.txt").unlink()
    fingerprints.write_text(json.dumps(prints, indent=1) + "\n")


async def _all(only_orders: bool, into: Path) -> list[Path]:
    folder, orders, prints = into / FOLDER.name, into / ORDERS.name, into / FINGERPRINTS.name
    files: list[Path] = []
    if not only_orders:
        folder.mkdir(parents=True, exist_ok=True)
        files = await record(folder)
        for gone in set(folder.glob("*.json")) - set(files):
            gone.unlink()
    await freeze(folder, orders, prints)
    return files


def main() -> None:
    parser = argparse.ArgumentParser(prog="make record-histories")
    parser.add_argument("--orders", action="store_true", help="record nothing; freeze orders and fingerprints")
    parser.add_argument("--into", type=Path, default=HERE, help="another folder, to look first")
    given = parser.parse_args()
    logging.disable(logging.WARNING)  # poison is refused with a warning each
    for file in asyncio.run(_all(given.orders, given.into)):
        sys.stdout.write(f"{file.name}: {file.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main()
