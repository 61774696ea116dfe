"""When the return falls: is it the routing, the data, or what should set things off? (REQ 146). Pure.

Two periods of the same length are compared, with the figures of docs/metrics.md, and what the house watches anyhow.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

Area = Literal["return", "routing", "data", "triggers"]
State = Literal["good", "look", "unknown"]

# a share that fell by more than chance explains in one period of twenty
_Z = 1.96
# with fewer of a kind in either period nothing is said about a change
LEAST = 20


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole`."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Side:
    """One period: leads that bought, were answered in time, had an owner and an acknowledgement in time, and so on."""

    converted: Share
    in_time: Share
    assigned: Share
    acknowledged: Share
    promises: Share
    valid: Share
    doubled: Share


@dataclass(frozen=True, slots=True)
class House:
    """What is watched anyhow. `unmatched`, `loops`: findings of the newest audit; None: there was none.

    `flow_ok`: did the newest flow check come through; None: none runs. `failing`: chores whose last round failed.
    """

    unmatched: int | None
    loops: int | None
    flow_ok: bool | None
    failing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """`then` is what to do where `state` is look. `link`: the page with more."""

    area: Area
    title: str
    state: State
    says: str
    then: str
    link: str


def fell(now: Share, before: Share) -> bool | None:
    """By more than chance (two shares, pooled, 95 %); None where there are too few to say."""
    if min(now.whole, before.whole) < LEAST:
        return None
    pooled = (now.part + before.part) / (now.whole + before.whole)
    error = sqrt(pooled * (1 - pooled) * (1 / now.whole + 1 / before.whole))
    return error > 0 and (before.part / before.whole - now.part / now.whole) / error > _Z


def check(now: Side, before: Side, house: House) -> tuple[Check, ...]:
    """In the order in which to look: the return itself, routing, data, triggers."""
    return (
        _share("return", "Leads that buy", now.converted, before.converted, "Go through what follows.",
               "/ops"),
        _share("routing", "Owner within the target", now.assigned, before.assigned,
               "Look at who is on shift and at the rules of the routing file.", "/audit-report"),
        _share("routing", "First attempt within the target", now.in_time, before.in_time,
               "Look at the phase in which leads wait.", "/ops"),
        _count("routing", "Leads that no rule fits", house.unmatched,
               "Give somebody the territory, product or language that is lacking.", "/audit-report"),
        _count("routing", "Leads that were handed round", house.loops,
               "Read why the first choice gave them back.", "/audit-report"),
        _share("data", "Leads whom we can reach", now.valid, before.valid,
               "Look at the form and at the sources that bring the wrong addresses.", "/ops"),
        _share("data", "Inquiries from people we knew already", now.doubled, before.doubled,
               "Look for a form that is sent twice, and for people who are not answered.", "/ops", up=True),
        _share("triggers", "Acknowledged within 30 seconds", now.acknowledged, before.acknowledged,
               "Look at the provider and at what is in doubt.", "/ops"),
        _share("triggers", "Promises kept", now.promises, before.promises,
               "Look at what is promised outside hours.", "/ops"),
        _flow(house.flow_ok),
        _chores(house.failing),
    )  # fmt: skip


def _share(area: Area, title: str, now: Share, before: Share, then: str, link: str, *, up: bool = False) -> Check:
    """`up`: a rise is what to look at."""
    if now.value is None or before.value is None:
        return Check(area, title, "unknown", "nothing to compare yet", then, link)
    worse = fell(before, now) if up else fell(now, before)
    said = f"{now.value:.1%} of {now.whole}, before {before.value:.1%} of {before.whole}"
    if worse is None:
        return Check(area, title, "unknown", f"{said}: too few to say", then, link)
    return Check(area, title, "look" if worse else "good", said, then, link)


def _count(area: Area, title: str, many: int | None, then: str, link: str) -> Check:
    if many is None:
        return Check(area, title, "unknown", "no audit was made yet: speedlead audit run", then, link)
    return Check(area, title, "look" if many else "good", f"{many} in the newest audit", then, link)


def _flow(ok: bool | None) -> Check:
    says = {None: "no flow check has run", True: "the newest one came through", False: "the newest one failed"}[ok]
    state: State = "unknown" if ok is None else "good" if ok else "look"
    return Check("triggers", "Flow check", state, says, "Find the stage at which it stopped.", "/ops/leads")


def _chores(failing: tuple[str, ...]) -> Check:
    says = f"failing: {', '.join(failing)}" if failing else "none fails"
    then = "Read the error: docs/operations.md, “Flow check, watchdog, audit”."
    return Check("triggers", "What recurs", "look" if failing else "good", says, then, "/ops/leads")
