"""`python -m bench.faults.workers`: workers of the product that die on purpose, and are there again at once.

A parent without threads has everything loaded and forks; what dies is forked again. Ends its children when it ends.
"""

import asyncio
import ctypes
import json
import os
import signal
import sys
import traceback
import zoneinfo
from contextlib import AsyncExitStack
from pathlib import Path
from types import FrameType

from bench.faults.deaths import Deaths, deadly
from bench.faults.naive import naive_worker
from speedlead.app import open_parts
from speedlead.logging import configure_logging
from speedlead.providers.assemble import open_senders
from speedlead.settings import Settings
from workers.lifecycle import build_activities, running_workers

SLOTS = 12


async def work(settings: Settings, deaths: Deaths) -> None:
    assert settings.database_url is not None
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(open_parts(settings, settings.database_url.get_secret_value()))
        senders = await stack.enter_async_context(open_senders(settings, parts.credentials))
        dying = deadly(senders, deaths)
        activities = build_activities(
            pool=parts.pool, settings=settings, credentials=parts.credentials, calendar=parts.calendar,
            plan=parts.plan, senders=dying, composer=parts.composer,
        )  # fmt: skip
        await stack.enter_async_context(running_workers(parts.client, activities, slots=SLOTS))
        await stack.enter_async_context(naive_worker(parts.client, dying, SLOTS))
        await asyncio.Event().wait()


def fork(settings: Settings, deaths: Deaths) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))  # PR_SET_PDEATHSIG: no orphans
        if os.getppid() == parent:
            asyncio.run(work(settings, deaths))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)


def main() -> None:
    given = json.loads(sys.argv[1])
    os.environ["PYTHONTZPATH"] = ""
    zoneinfo.reset_tzpath(to=())
    settings = Settings()
    configure_logging(settings.log_level)
    deaths = Deaths(Path(given["folder"]), given["seed"], given["before"], given["after"])
    children: set[int] = set()

    def end(_number: int, _frame: FrameType | None) -> None:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    for _ in range(given["workers"]):
        children.add(fork(settings, deaths))
    while True:
        pid, status = os.wait()
        children.discard(pid)
        if not os.WIFSIGNALED(status):
            sys.exit("a worker ended by itself")
        children.add(fork(settings, deaths))


if __name__ == "__main__":
    main()
