"""Row simulation: the whole plan for thousands of leads of a year, everywhere, and what an independent judge found."""

import asyncio
import time
from dataclasses import asdict
from threading import Event

from bench.result import Line, Report, Result
from bench.simulation.facts import told_apart
from bench.simulation.leads import END, START
from bench.simulation.places import addresses, countries
from bench.simulation.run import SEED, Seen, simulate_everywhere

LEADS, FEW = 20_000, 2_000


async def measure(report: Report, *, quick: bool) -> Result:
    report("placing a year of leads", 0.0)
    leads = FEW if quick else LEADS
    start = time.perf_counter()
    stop = Event()
    try:
        seen = await asyncio.to_thread(
            simulate_everywhere, leads, lambda part: report(f"{leads:,} leads of a year", part), stop
        )
    finally:
        stop.set()
    return result(seen, time.perf_counter() - start)


def result(seen: Seen, took_s: float) -> Result:
    touches = seen.touches.total()
    known = [address.home for address in addresses()]
    every_zone = {home.zone for home in known}
    every_state = {home.region for home in known if home.country == "US" and home.region}
    year_h = int((END - START).total_seconds() // 3600)
    hours = sum(1 for hour in seen.hours if 0 <= hour < year_h)
    wrong = {kind: number for kind, number in sorted(seen.findings.items()) if not told_apart(kind)}
    beyond = sum(number for kind, number in seen.findings.items() if kind.startswith("beyond_evidence"))
    lines = [
        _line("leads through their whole plan", seen.leads),
        _line("touches placed and judged", touches),
        _line("the same", touches / took_s, unit="/s"),
        _line("leads that went on with a nurture plan for two years", seen.slow),
        _line("mails of it placed and judged", seen.slow_mails),
        _line("findings of the judge", sum(wrong.values()), 0),
        *(_line(f"findings: {kind.replace('_', ' ')}", number, 0) for kind, number in wrong.items()),
        _line("told apart: against a law that nothing the lead said points to", beyond),
        _line("zones, of all where people live", len(seen.zones & every_zone), len(every_zone)),
        _line("countries, of all of ISO 3166", len(seen.countries & set(countries())), len(countries())),
        _line("US states with DC and Puerto Rico", len(seen.states), len(every_state)),
        _line(f"hours of the year in which something went out, of {year_h:,}", hours),
    ]
    note = (
        f"simulation: leads from {START:%d %b %Y} to {END:%d %b %Y}, seed {SEED}, most of them near changes of the "
        "clock, holidays, midnight and the ends of business hours. The judge shares no code, law table or clock "
        "library with what places the touches; nobody answers, so every plan runs to its end."
    )
    details: dict[str, object] = {
        "seed": SEED, "seconds": took_s, "placing_core_seconds": seen.placing_s, "judging_core_seconds": seen.judging_s,
        "touches": dict(seen.touches), "steps_left_out": dict(seen.passed), "ends": dict(seen.ends),
        "evidence": dict(seen.kinds), "findings": dict(seen.findings),
        "examples": [asdict(finding) for finding in seen.examples],
    }  # fmt: skip
    return Result(lines, [note], details)


def _line(what: str, value: float, aim: float | None = None, unit: str = "") -> Line:
    if aim is None:
        return Line("simulation", what, unit, value)
    return Line("simulation", what, unit, value, None, f"{aim:g}", value == aim)
