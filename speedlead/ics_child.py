"""Reads a calendar in a process of its own: what strangers wrote may neither stop nor slow down the one that sends.

`read_apart` starts it; `main` is what runs there: a line of JSON and the calendar come in, a line of JSON goes out.
"""

import asyncio
import json
import os
import sys
from datetime import datetime

from speedlead.ics import CalendarFault, Reading, read_busy

# a calendar of ten years takes about a second; rules such as "every second, for ever" never end
CPU_S, WALL_S = 20, 60
MEMORY = 1_000_000_000


async def read_apart(text: str, *, zone: str, email: str, start: datetime, end: datetime) -> Reading:
    """`read_busy`. Raises CalendarFault, `calendar_slow` when it takes too long."""
    head = {"zone": zone, "email": email, "start": start.isoformat(), "end": end.isoformat()}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        # none of our settings and secrets
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PATH": os.defpath},
    )  # fmt: skip
    try:
        async with asyncio.timeout(WALL_S):
            out, _ = await child.communicate(json.dumps(head).encode() + b"\n" + text.encode())
    except TimeoutError:
        raise CalendarFault("calendar_slow") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        raise CalendarFault("calendar_slow")
    found = json.loads(out)
    if found["fault"] is not None:
        raise CalendarFault(found["fault"])
    spans = tuple((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in found["spans"])
    return Reading(spans, found["remark"])


def main() -> None:
    import resource
    import warnings

    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    head = json.loads(sys.stdin.buffer.readline())
    text = sys.stdin.buffer.read().decode()
    start, end = (datetime.fromisoformat(head[name]) for name in ("start", "end"))
    answer: dict[str, object] = {"spans": [], "remark": None, "fault": None}
    try:
        found = read_busy(text, zone=head["zone"], email=head["email"], start=start, end=end)
    except CalendarFault as fault:
        answer["fault"] = fault.code
    else:
        answer |= {"spans": [[a.isoformat(), b.isoformat()] for a, b in found.spans], "remark": found.remark}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
