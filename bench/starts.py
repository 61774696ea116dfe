"""Row b: how many leads a second the product takes without a queue that grows: a lower bound, and a check around it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import count

from bench.bare import all_done
from bench.house import House, open_house
from bench.result import Line, Report, Result

AT_A_TIME = 32  # forms (or starts) that wait for their answer
CHECKED_AT = (0.8, 1.2)  # of the rate found


async def measure(report: Report, *, quick: bool) -> Result:
    rounds, number, check_s = (1, 40, 2.0) if quick else (3, 200, 10.0)
    result = Result()
    names = count(1)
    product: list[float] = []
    floor: list[float] = []
    async with open_house() as house:
        report("warming up", 0.0)
        await house.warm_up(10)
        for n in range(rounds):
            report(f"{number} bare workflows, round {n + 1} of {rounds}", n / rounds * 0.7)
            floor.append(await _bare_rate(house, number, names))
            report(f"{number} leads, round {n + 1} of {rounds}", (n + 0.3) / rounds * 0.7)
            product.append(await _lead_rate(house, number))
        rate = sorted(product)[len(product) // 2]
        checks = []
        for part in CHECKED_AT:
            report(f"offering {part * rate:.0f} leads a second", 0.7 + 0.3 * CHECKED_AT.index(part) / len(CHECKED_AT))
            half, end = await _offered(house, part * rate, check_s)
            checks.append(
                f"offered {part:.0%} of it for {check_s:.0f} s, {half} leads waited at half time and {end} at the end"
            )
        result.notes.append(house.leads.note)
    bare = sorted(floor)[len(floor) // 2]
    result.lines = [Line("b", "leads a second, with no queue left at the end", "/s", rate, bare)]
    result.details = {"leads_per_s": product, "bare_per_s": floor, "checks": checks}
    result.notes.append(
        f"b: {number} at a time, {AT_A_TIME} in flight, from the first post to the last one acknowledged, routed, "
        f"placed and waiting, so no queue is left out; the middle of {rounds}. Floor: bare workflows with one mail, "
        f"from the first start to the last one's end. {'; '.join(checks)}."
    )
    return result


async def _in_flight(work: Callable[[], Awaitable[object]], number: int) -> None:
    limit = asyncio.Semaphore(AT_A_TIME)

    async def one() -> None:
        async with limit:
            await work()

    async with asyncio.TaskGroup() as group:
        for _ in range(number):
            group.create_task(one())


async def _lead_rate(house: House, number: int) -> float:
    since, began = datetime.now(UTC), time.monotonic()
    await _in_flight(lambda: house.post(api=True), number)
    await house.settled(since, 300)
    return number / (time.monotonic() - began)


async def _bare_rate(house: House, number: int, names: "count[int]") -> float:
    began = time.monotonic()
    handles = []

    async def start() -> None:
        handles.append(await house.bare.send(f"rate{next(names)}@bare.example.com"))

    await _in_flight(start, number)
    await all_done(handles)
    return number / (time.monotonic() - began)


async def _offered(house: House, per_s: float, seconds: float) -> tuple[int, int]:
    """Leads that wait at half time and at the end, when they come at this pace whatever happens."""
    loop, since = asyncio.get_running_loop(), datetime.now(UTC)
    start, waiting, tasks = loop.time(), [], []
    number = int(per_s * seconds)
    for n in range(number):
        await asyncio.sleep(start + n / per_s - loop.time())
        tasks.append(asyncio.ensure_future(house.post(api=True)))
        if n + 1 in (number // 2, number):
            waiting.append(asyncio.ensure_future(_waiting(house, since, n + 1)))
    half, end = await asyncio.gather(*waiting)
    await asyncio.gather(*tasks)
    await house.settled(since, 300)
    return half, end


async def _waiting(house: House, since: datetime, posted: int) -> int:
    """Of all that were posted: not answered yet, or answered and not settled."""
    settled = await house.pool.fetchval(
        "select count(*) filter (where open_at is not null and next_touch_at is not null) from lead "
        "where created_wall >= $1", since)  # fmt: skip
    return posted - int(settled)
