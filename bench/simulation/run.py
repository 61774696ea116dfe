"""Many leads through the plan and past the judge, in several processes; what was seen is counted."""

import os
import signal
import time
import zoneinfo
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from threading import Event

from bench.simulation.checker import Checker
from bench.simulation.facts import Finding, Lead, Story
from bench.simulation.leads import START, make
from bench.simulation.product import Product, assemble
from bench.simulation.slow import SlowChecker
from speedlead import planbook

SEED = 1
_CHUNK = 250
_GOES_ON = 5
_PLANS = Path(planbook.__file__).parent / "plans"
_KEPT = 40  # findings that are told in words, of each kind


@dataclass
class Seen:
    """Counts of one run; `findings` by kind, with some of each in `examples`. Seconds of one core."""

    leads: int = 0
    touches: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    examples: list[Finding] = field(default_factory=list)
    zones: set[str] = field(default_factory=set)
    countries: set[str] = field(default_factory=set)
    states: set[str] = field(default_factory=set)
    hours: set[int] = field(default_factory=set)
    # leads that went on with a nurture plan, and its mails
    slow: int = 0
    slow_mails: int = 0
    placing_s: float = 0.0
    judging_s: float = 0.0

    def take(self, lead: Lead, story: Story, found: list[Finding]) -> None:
        self.leads += 1
        self.touches.update(touch.channel for touch in story.touches)
        self.passed.update(str(passed.reason) for passed in story.passed)
        self.ends[str(story.end)] += 1
        self.kinds[lead.kind] += 1
        if lead.named:
            self.zones.add(lead.home.zone)
        self.countries.add(lead.said.country if lead.kind == "country" and lead.said.country else lead.home.country)
        if lead.home.country == "US" and lead.home.region:
            self.states.add(lead.home.region)
        self.hours.update(int((touch.at - START).total_seconds() // 3600) for touch in story.touches)
        self._find(found)

    def go_on(self, story: Story, found: list[Finding]) -> None:
        self.slow += 1
        self.slow_mails += len(story.touches)
        self._find(found)

    def _find(self, found: list[Finding]) -> None:
        for finding in found:
            self.findings[finding.kind] += 1
            if self.findings[finding.kind] <= _KEPT:
                self.examples.append(finding)

    def add(self, other: "Seen") -> None:
        for name, value in vars(other).items():
            mine = getattr(self, name)
            if isinstance(value, int | float | list):
                setattr(self, name, mine + value)
            else:
                mine.update(value)


def simulate(numbers: range, product: Product, checker: Checker, slow: SlowChecker, seed: int = SEED) -> Seen:
    """These leads, here and now; one in five goes on for the two years of a nurture plan."""
    seen = Seen()
    for number in numbers:
        lead = make(number, seed)
        before = time.perf_counter()
        story = product.story(lead)
        between = time.perf_counter()
        found = checker.check(lead, story)
        seen.judging_s += time.perf_counter() - between
        seen.placing_s += between - before
        seen.take(lead, story, found)
        if number % _GOES_ON == 0 and story.end_at is not None:
            later = product.slow_story(lead, story.end_at)
            seen.go_on(later, slow.check(lead, later, story.end_at))
    return seen


def simulate_everywhere(leads: int, report: Callable[[float], None], stop: Event) -> Seen:
    """On all cores. Raises what a process raised. After `stop` what has begun is ended, and that is all."""
    chunks = [range(at, min(at + _CHUNK, leads)) for at in range(0, leads, _CHUNK)]
    seen = Seen()
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), _prepare) as pool:
        try:
            for done in as_completed([pool.submit(_chunk, chunk) for chunk in chunks]):
                seen.add(done.result())
                report(seen.leads / leads)
                if stop.is_set():
                    break
        finally:
            pool.shutdown(cancel_futures=True)
    return seen


def checker() -> Checker:
    return Checker(_PLANS / "inbound.yaml")


def slow_checker() -> SlowChecker:
    return SlowChecker(_PLANS / "nurture.yaml")


_here: tuple[Product, Checker, SlowChecker] | None = None


def _prepare() -> None:
    global _here
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    os.environ["PYTHONTZPATH"] = ""
    zoneinfo.reset_tzpath(to=())
    _here = assemble(), checker(), slow_checker()


def _chunk(numbers: range) -> Seen:
    assert _here is not None
    return simulate(numbers, *_here)
