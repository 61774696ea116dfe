"""The figures that the departments have agreed on: eight at most, each with somebody who answers for it (REQ 131, 132).

Beside each stands what it was in as long a time before, and whether chance alone explains the difference (REQ 133).
"""

import math
from dataclasses import dataclass

from speedlead import times
from speedlead.gateway.numbers.asking import Asking
from speedlead.gateway.numbers.panels import Panel, Shown
from speedlead.gateway.numbers.tables import NONE, Column, Table, percent
from speedlead.numbers.filters import Filter
from speedlead.numbers.metrics import METRICS, Metric
from speedlead.numbers.rows import Spread

# both periods need so many leads before anything is said, and the difference has to be this many standard errors
_ENOUGH, _SURE = 50, 2.58
_BEFORE_S = 600.0  # the period before hardly changes


@dataclass(frozen=True, slots=True)
class Part:
    """So many of so many."""

    part: int
    whole: int

    @property
    def share(self) -> float | None:
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Figure:
    """`tone`: good, bad or nothing where no target says. `before`: the same in the period before, in words."""

    name: str
    title: str
    owner: str
    metric: Metric
    value: str
    target: str
    tone: str = ""
    of: str = ""
    before: str = ""
    flagged: bool = False


@dataclass(frozen=True)
class Agreed(Shown):
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class _Read:
    """What all figures of a period are made of."""

    acknowledged: Spread | None
    answered: Spread | None
    hot: Spread | None
    decided: Spread | None
    leads: int
    contacted: int
    converted: int
    kept: Part
    valid: Part


async def read(asking: Asking) -> Agreed:
    now = await _read(asking, asking.filters)
    key = ("before", *(f"{name}={text}" for name, text in sorted(asking.filters.query().items())))
    old = await asking.shelf.of_the_past(key, lambda: _read(asking, _before(asking.filters)), _BEFORE_S)
    figures = (
        _share("acknowledgement", "Acknowledged within 30 s", "Operations", _judged(now.acknowledged),
               _judged(old.acknowledged), 0.99, "99 % of leads"),
        _share("first_attempt_business", "Answered within target", "Sales lead", _judged(now.answered),
               _judged(old.answered), 0.95, "95 %"),
        _time("first_attempt", "First attempt at hot leads", "Sales lead", now.hot, old.hot, 300, "5 min, the median"),
        _share("outcomes", "Spoken to", "Sales lead", Part(now.contacted, now.leads), Part(old.contacted, old.leads)),
        _time("qualification", "Talk to decision", "Sales lead", now.decided, old.decided, 14_400, "4 h, the median"),
        _share("outcomes", "Became customers", "Sales and marketing", Part(now.converted, now.leads),
               Part(old.converted, old.leads)),
        _share("promises", "Promises kept", "Operations", now.kept, old.kept, 0.95, "95 %"),
        _share("quality", "Can be reached", "Marketing", now.valid, old.valid, 0.9, "90 % of leads"),
    )  # fmt: skip
    titles = ("Figure", "Owner", "Value", "Of", "Target", "The period before")
    columns = tuple(Column(title) for title in titles)
    rows = [(one.title, one.owner, one.value, one.of, one.target, one.before) for one in figures]
    return Agreed(Table(columns, rows), figures=figures)


PANEL = Panel("agreed", "Agreed figures", "outcomes", read)


async def _read(asking: Asking, wanted: Filter) -> _Read:
    numbers = asking.numbers
    found = await numbers.compared(["acknowledgement", "first_attempt_business", "qualification"], wanted)
    promises, quality = await numbers.promises(wanted), await numbers.quality(wanted)
    hot = await numbers.spread("first_attempt", wanted, by="type")
    return _Read(
        acknowledged=found[0][1][0] if found else None,
        answered=found[0][1][1] if found else None,
        hot=next((row for row in hot if row.keys == ("hot",)), None),
        decided=found[0][1][2] if found else None,
        leads=sum(row.leads for row, _ in found),
        contacted=sum(row.contacted for row, _ in found),
        converted=sum(row.converted for row, _ in found),
        kept=Part(promises.kept, promises.due),
        valid=Part(quality.valid, quality.known),
    )


def _before(wanted: Filter) -> Filter:
    """As long, right before."""
    length = wanted.end - wanted.start
    return wanted.model_copy(update={"start": wanted.start - length, "end": wanted.start, "period": None})


def _judged(row: Spread | None) -> Part:
    return Part(row.in_time or 0, row.judged or 0) if row is not None else Part(0, 0)


def _share(
    name: str, title: str, owner: str, now: Part, old: Part, goal: float | None = None, target: str = ""
) -> Figure:
    share, was = now.share, old.share
    tone = "" if share is None or goal is None else "good" if share >= goal else "bad"
    return Figure(
        name, title, owner, METRICS[name],
        value=NONE if share is None else percent(share),
        of=f"{now.whole:,} leads" if now.whole else "no lead yet",
        target=target or "none: watched for changes", tone=tone,
        before="" if was is None else f"{percent(was)} before", flagged=differs(now, old),
    )  # fmt: skip


def _time(
    name: str, title: str, owner: str, now: Spread | None, old: Spread | None, goal_s: float, target: str
) -> Figure:
    value, was = now.median if now else None, old.median if old else None
    tone = "" if value is None else "good" if value <= goal_s else "bad"
    return Figure(
        name, title, owner, METRICS[name],
        value=NONE if value is None else times.span(value),
        of=f"{now.count:,} leads" if now is not None and now.count else "no lead yet",
        target=target, tone=tone, before="" if was is None else f"{times.span(was)} before",
    )  # fmt: skip


def differs(now: Part, old: Part) -> bool:
    """Two shares are further apart than chance explains (99 %, two-sided, pooled)."""
    if min(now.whole, old.whole) < _ENOUGH:
        return False
    pooled = (now.part + old.part) / (now.whole + old.whole)
    error = math.sqrt(pooled * (1 - pooled) * (1 / now.whole + 1 / old.whole))
    return error > 0 and abs(now.part / now.whole - old.part / old.whole) > _SURE * error
