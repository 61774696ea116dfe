"""Row a: from a form that leaves the browser to the acknowledgement that reaches the provider."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import count

from bench.house import House, open_house
from bench.phases import bare_phases, phases
from bench.result import Line, Report, Result, quantile, spread

PER_S = 5.0
AIM_RATIO, AIM_P99_MS, AIM_BURST_S = 1.5, 1000.0, 30.0

Send = Callable[[], Awaitable[tuple[str, float]]]
"""Sends one; (address, wall time when it began)."""


async def measure(report: Report, *, quick: bool) -> Result:
    blocks, seconds, burst = (2, 3.0, 40) if quick else (8, 5.0, 500)
    result = Result()
    numbers = count(1)
    async with open_house() as house:

        async def bare() -> tuple[str, float]:
            address, began = f"bare{next(numbers)}@bare.example.com", time.time()
            await house.bare.send(address)
            return address, began

        async def stock() -> tuple[str, float]:
            address, began = f"stock{next(numbers)}@bare.example.com", time.time()
            await house.stock.send(address)
            return address, began

        report("warming up", 0.0)
        await house.warm_up()
        sent: dict[str, float] = {}
        product_ms: list[float] = []
        floor_ms: list[float] = []
        stock_ms: list[float] = []
        began, clocks = datetime.now(UTC), (time.time(), time.monotonic())
        for block in range(blocks):
            report(f"5 a second, block {block + 1} of {blocks}", 0.7 * block / blocks)
            # one after the other, in turn: noise hits both, and neither runs in the other's shadow
            floor_ms += await paced(house, bare, seconds, sent)
            stock_ms += await paced(house, stock, seconds)
            product_ms += await paced(house, house.post, seconds, sent)
            await house.settled(began, 60)
        drift_ms = abs((time.time() - clocks[0]) - (time.monotonic() - clocks[1])) * 1000
        result.details["where_the_time_goes"] = await phases(house, sent)
        result.details["where_the_floor_goes"] = await bare_phases(house, sent)
        report(f"a burst of {burst} bare workflows", 0.7)
        floor_burst = await at_once(house, bare, burst)
        report(f"a burst of {burst} forms", 0.8)
        refused = house.refused
        product_burst = await at_once(house, house.post, burst)
        refused = house.refused - refused
        doubted = await house.pool.fetchval("select count(*) from touch where state = 'in_doubt'")
        result.notes.append(house.leads.note)
    result.details |= {
        "product_ms": spread(product_ms), "floor_ms": spread(floor_ms), "stock_ms": spread(stock_ms),
        "wall_against_monotonic_ms": drift_ms,
        "burst": burst, "burst_refused": refused, "in_doubt": doubted,
        "burst_s": spread(product_burst), "floor_burst_s": spread(floor_burst),
    }  # fmt: skip
    p50, p99 = quantile(product_ms, 0.5), quantile(product_ms, 0.99)
    floor50, floor99, stock50 = quantile(floor_ms, 0.5), quantile(floor_ms, 0.99), quantile(stock_ms, 0.5)
    last, floor_last = max(product_burst), max(floor_burst)
    result.lines = [
        Line("a", "form to provider, p50", "ms", p50, stock50, f"≤ {AIM_RATIO} × floor", p50 <= AIM_RATIO * stock50),
        Line("a", "the same, floor outside the sandbox too", "ms", p50, floor50),
        Line("a", "form to provider, p99", "ms", p99, floor99, f"< {AIM_P99_MS:.0f} ms", p99 < AIM_P99_MS),
        Line(
            "a", f"burst of {burst}: the last one", "s", last, floor_last, f"≤ {AIM_BURST_S:.0f} s", last <= AIM_BURST_S
        ),
    ]
    result.lines.append(
        Line("a", f"burst of {burst}: answers 'please send it again'", "", refused, None, "none", refused == 0)
    )
    result.lines.append(
        Line("a", f"burst of {burst}: in doubt, sent a second way", "", doubted, None, "none", doubted == 0)
    )
    result.notes.append(
        f"a: {len(product_ms)} forms and {len(floor_ms)} bare workflows at {PER_S:.0f} a second, in turns of "
        f"{seconds:.0f} s; from the moment before the form (or start) leaves to the provider's own received_at, by a "
        f"wall clock that moved {drift_ms:.2f} ms against the monotonic one. Floor: a workflow with one activity that "
        "sends a mail of the same content through the same adapter, started eagerly in its worker's process, with no "
        "HTTP in front and no database behind: as the SDK runs it when nothing is said (in its sandbox) for the aim, "
        "and outside the sandbox like ours for all other rows. The burst is posted all at once; a form answered with "
        "503 is sent again after half a second, its time counts from the first try."
    )
    return result


async def paced(house: House, send: Send, seconds: float, noted: dict[str, float] | None = None) -> list[float]:
    """Milliseconds to the provider of each, sent at a steady pace whatever the answers do.

    `noted` gets when each left.
    """
    loop = asyncio.get_running_loop()
    start, tasks = loop.time(), []
    for n in range(int(seconds * PER_S)):
        await asyncio.sleep(start + n / PER_S - loop.time())
        tasks.append(asyncio.ensure_future(send()))
    sent = await asyncio.gather(*tasks)
    if noted is not None:
        noted.update(sent)
    arrived = await house.arrived([address for address, _ in sent], 60)
    return [(arrived[address] - began) * 1000 for address, began in sent]


async def at_once(house: House, send: Send, number: int) -> list[float]:
    """Seconds from the first one's start to each one's arrival."""
    since = datetime.now(UTC)
    sent = await asyncio.gather(*[send() for _ in range(number)])
    first = min(began for _, began in sent)
    arrived = await house.arrived([address for address, _ in sent], 300)
    await house.settled(since, 300)
    return [arrived[address] - first for address, _ in sent]
