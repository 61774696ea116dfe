"""Row calendar: `next_permitted` against its aim and against the least a zone computation can cost."""

import asyncio
from datetime import UTC
from zoneinfo import ZoneInfo

from bench.calendar_bench import answers_per_second, asked_instants, other_figures, per_second
from bench.result import Line, Report, Result

AIM_PER_S = 50_000.0
AIMED = "one zone, office hours and law"


async def measure(report: Report, *, quick: bool) -> Result:
    report("asking the calendar", 0.0)
    return await asyncio.to_thread(_measure, report, 2_000 if quick else 100_000)


def _measure(report: Report, rounds: int) -> Result:
    asked, zone = asked_instants(rounds), ZoneInfo("America/New_York")
    floor = per_second(rounds, lambda number: asked[number].astimezone(zone).astimezone(UTC))
    found = answers_per_second(rounds)
    report("asking what lies around it", 0.8)
    others = other_figures(rounds)
    lines = [
        Line("calendar", f"next_permitted, {name}", "/s", rate, floor, *_aim(rate) if name == AIMED else ())
        for name, rate in found.items()
    ]
    lines += [Line("calendar", name, "/s", rate) for name, rate in others.items()]
    note = (
        f"calendar: {rounds:,} random instants of 300 days, best of three, one core. Floor: one instant to local "
        "time and back with zoneinfo, without any rule."
    )
    return Result(lines, [note])


def _aim(rate: float) -> tuple[str, bool]:
    return f"≥ {AIM_PER_S:,.0f} /s", rate >= AIM_PER_S
