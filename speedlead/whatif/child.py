"""Plays in a process of its own, at the lowest priority: nobody's acknowledgement may wait for it.

`play_apart` starts it and tells how far it is; `main` is what runs there: the work comes in, progress goes out as lines
of a number, and at the end one line of JSON.
"""

import asyncio
import contextlib
import json
import os
import pickle
import sys
import time
from collections.abc import Awaitable, Callable

from speedlead.whatif.told import Told, told_of
from speedlead.whatif.work import WhatIfRefused, Work

# tells how far it is so often
_EVERY_S = 0.5
# a line of a result is some 60 kB
_LONGEST_LINE = 4_000_000
# longer than the most leads that a page may ask for take on a slow machine
WALL_S = 3_600


class Stopped(Exception):
    """Nobody wants the answer any more."""


async def play_apart(work: Work, on_progress: Callable[[int], Awaitable[bool]]) -> Told:
    """`on_progress(leads played)` answers whether to go on.

    Raises WhatIfRefused, Stopped, TimeoutError, and RuntimeError when the process ends without an answer.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
        # none of our settings and secrets
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PATH": os.defpath},
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        async with asyncio.timeout(WALL_S):
            with contextlib.suppress(ConnectionError):  # it ended before it had read all: what follows says so
                child.stdin.write(pickle.dumps(work))
                await child.stdin.drain()
                child.stdin.close()
            while line := await child.stdout.readline():
                said = json.loads(line)
                if isinstance(said, int):
                    if not await on_progress(said):
                        raise Stopped
                elif "refused" in said:
                    raise WhatIfRefused(*said["refused"])
                else:
                    return told_of(said)
        raise RuntimeError(f"the process that plays ended with {await child.wait()}")
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()


def main() -> None:
    # here, so that who only starts the process need not read them
    from speedlead import lawbook
    from speedlead.calendarbook import load_calendars
    from speedlead.closures import HolidayClosures
    from speedlead.domain.placing import Placer
    from speedlead.place_finder import PlaceFinder
    from speedlead.whatif.work import carry_out

    os.nice(19)
    # what comes in was written by our own process, which alone holds the other end
    work: Work = pickle.loads(sys.stdin.buffer.read())  # noqa: S301
    placer = Placer(lawbook.load(work.law_file), HolidayClosures(), {}, load_calendars(work.calendars_file)[0])
    done, told_at = 0, 0.0

    def tick() -> None:
        nonlocal done, told_at
        done += 1
        if time.monotonic() - told_at >= _EVERY_S:
            told_at = time.monotonic()
            print(done, flush=True)  # fails, and so ends this process, when nobody listens any more

    try:
        print(json.dumps(carry_out(work, placer, PlaceFinder(), tick).kept()), flush=True)
    except WhatIfRefused as refused:
        print(json.dumps({"refused": [refused.field, refused.text]}), flush=True)


if __name__ == "__main__":
    main()
