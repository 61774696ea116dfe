"""Row faults: 2,000 touches through providers that refuse, drop, break and lag, with workers killed at the request."""

import tempfile
from collections import Counter
from pathlib import Path

from bench.faults.house import FaultyHouse, Progress, open_house
from bench.faults.judge import Accepted, Verdict, judge, twice
from bench.faults.naive import AT_LEAST_ONCE, AT_MOST_ONCE, run_naively
from bench.faults.weather import Weather, beyond, within
from bench.result import Line, Report, Result

SEED = 20_261_122
LEADS, FEW, BEYOND = 667, 60, 200  # three touches each
PATIENCE_S = 420.0


async def measure(report: Report, *, quick: bool) -> Result:
    leads = FEW if quick else LEADS
    report("starting", 0.0)
    weather = within(SEED)
    ours, died, floors = await _within(weather, leads, report)
    late, later_died = await _beyond(FEW if quick else BEYOND, report)
    return _result(ours, floors, late, died, later_died)


async def faults(house: FaultyHouse, weather: Weather, leads: int, within_s: float, report: Progress) -> Verdict:
    """The leads' whole lives in this weather, judged when everybody has been told everything."""
    await house.weather(weather)
    open_leads = await house.live_through(leads, within_s, report)
    await house.all_told(90)
    verdict = judge(await house.touches(), house.accepted(), leads)
    verdict.unfinished += ["a lead that is still open"] * open_leads
    return verdict


async def _within(weather: Weather, leads: int, report: Report) -> tuple[Verdict, int, dict[str, Counter[str]]]:
    with tempfile.TemporaryDirectory(prefix="speedlead-faults-", ignore_cleanup_errors=True) as folder:
        async with open_house(Path(folder), weather, SEED) as house:
            verdict = await faults(
                house, weather, leads, PATIENCE_S, lambda what, part: report(what, 0.02 + 0.5 * part)
            )
            died = house.died()
            floors = {}
            for n, (name, attempts) in enumerate((("naive", AT_LEAST_ONCE), ("once", AT_MOST_ONCE))):
                await run_naively(
                    house.client, name, verdict.touches, attempts,
                    lambda part, n=n: report("the same without a ledger", 0.52 + 0.1 * (n + part)),
                )  # fmt: skip
                floors[name] = _floor(house.accepted(), name, verdict.touches)
    return verdict, died, floors


async def _beyond(leads: int, report: Report) -> tuple[Verdict, int]:
    weather = beyond(SEED + 1)
    with tempfile.TemporaryDirectory(prefix="speedlead-faults-", ignore_cleanup_errors=True) as folder:
        async with open_house(Path(folder), weather, SEED + 1) as house:
            verdict = await faults(
                house, weather, leads, PATIENCE_S, lambda what, part: report(f"worse: {what}", 0.72 + 0.26 * part)
            )
            return verdict, house.died()


def _floor(accepted: list[Accepted], name: str, touches: int) -> Counter[str]:
    mine = [a for a in accepted if (a.touch_id or "").startswith(f"{name}-")]
    return Counter(duplicates=len(twice(mine)), missed=touches - len({a.touch_id for a in mine}))


def _result(ours: Verdict, floors: dict[str, Counter[str]], late: Verdict, died: int, later_died: int) -> Result:
    naive, once = floors["naive"], floors["once"]
    lines = [
        _line("touches (mail, texts, calls; acknowledgements among them)", ours.touches),
        _line("workers killed right before or right after a request", died),
        _line("went out twice; floor: retried until answered", len(ours.duplicates), naive["duplicates"], aim=0),
        _line("lost without a word; floor: tried once", len(ours.missed), once["missed"], aim=0),
        _line("rows that contradict the provider, or never ended", len(ours.wrong) + len(ours.unfinished), aim=0),
        _line("in doubt to the end, and a person was told", len(ours.handed_over)),
        _line("nowhere to be found, so sent once more", ours.repeated),
        _line("acknowledgements that came twice, as their rule allows", ours.acknowledged_twice),
        _line(f"beyond the bound ({late.touches:,} touches): went out twice", len(late.duplicates)),
        _line("beyond the bound: lost without a word", len(late.missed), aim=0),
        _line("beyond the bound: in doubt to the end, and a person was told", len(late.handed_over)),
    ]
    note = (
        f"faults: seeds {SEED} and {SEED + 1}; about one request in five fails or is never answered. Within the bound "
        "a provider's word (report or list) is there 15 s after the request, before anything is repeated; beyond it "
        "reports are half a minute late or lost and lists lag a minute: what then goes twice cannot be told from what "
        "was never taken. The floors send the same number of touches through the same faults and deaths."
    )
    details: dict[str, object] = {
        "seeds": [SEED, SEED + 1], "within": _details(ours), "beyond": _details(late), "naive": dict(naive),
        "once": dict(once), "workers_killed": [died, later_died],
    }  # fmt: skip
    return Result(lines, [note], details)


def _details(verdict: Verdict) -> dict[str, object]:
    return vars(verdict) | {"states": dict(sorted(verdict.states.items()))}


def _line(what: str, value: float, floor: float | None = None, *, aim: float | None = None) -> Line:
    return Line(
        "faults", what, "", value, floor, "" if aim is None else f"{aim:g}", None if aim is None else value == aim
    )
