"""A process that sends is killed in the middle of a request; the next one sends the same event again, with its id."""

import asyncio
import os
import sys
from pathlib import Path

from speedlead.chores.runner import run_once
from tests.hooks.conftest import House
from tests.hooks.receiver import receiving
from tests.store.hand_made import AVA

SENDS = """
import asyncio, sys
from speedlead.chores.runner import run_once
from speedlead.hooks.address import parse_allowed
from speedlead.store.pool import open_pool
from tests.hooks.conftest import House

async def main():
    pool = await open_pool(sys.argv[1], size=4)
    await run_once(pool, House(pool, parse_allowed(["127.0.0.1"])).courier.chores()[0])

asyncio.run(main())
"""


async def test_what_a_killed_process_was_sending_is_sent_again(house: House, database_url: str) -> None:
    async with receiving() as receiver:
        await house.endpoint(receiver.url)
        receiver.answer = lambda event: None
        await house.tell()
        await house.tell(kind="closed")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SENDS, database_url, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        )
        try:
            await asyncio.wait_for(receiver.came.wait(), 60)
            # while it lives nobody else sends: the other would overtake it
            assert await run_once(house.pool, house.courier.chores()[0]) is None
        finally:
            process.kill()
            await process.wait()
        receiver.answer = lambda event: 204
        async with asyncio.timeout(60):
            while await run_once(house.pool, house.courier.chores()[0]) is None:
                await asyncio.sleep(0.05)
        assert receiver.types(AVA) == ["lead.accepted", "lead.accepted", "lead.closed"]
        assert receiver.got[0]["id"] == receiver.got[1]["id"]
