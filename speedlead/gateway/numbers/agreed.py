"""The figures that the departments have agreed on, as a panel.

Beside each stands what it was in as long a time before and in the same weeks of last year, and whether chance alone
explains the difference (REQ 133). What comes of leads later is judged by what came of both as soon: those of before had
more time for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from speedlead import times, wording
from speedlead.gateway.numbers.asking import Asking
from speedlead.gateway.numbers.marks import LATE_FIGURES
from speedlead.gateway.numbers.panels import Panel, Shown
from speedlead.gateway.numbers.tables import NONE, Column, Table, percent
from speedlead.numbers import agreed
from speedlead.numbers.agreed import FIGURES, Value
from speedlead.numbers.changes import FOLLOWED, Side, moves
from speedlead.numbers.metrics import METRICS, Metric

_PAST_S = 600.0  # what is over hardly changes
# what comes of a lead is followed for so long a part of the period, a week at most
_FOLLOWED_PART = 7


@dataclass(frozen=True, slots=True)
class Figure:
    """`tone`: good, bad or nothing where no target says. `past`: the same in times that are over, in words, each with
    whether it differs by more than chance explains.
    """

    name: str
    title: str
    owner: str
    metric: Metric
    value: str
    target: str
    tone: str = ""
    of: str = ""
    past: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True)
class Agreed(Shown):
    figures: tuple[Figure, ...] = ()


async def read(asking: Asking) -> Agreed:
    numbers, wanted = asking.numbers, asking.filters
    key = tuple(f"{name}={text}" for name, text in sorted(wanted.query().items()))
    past = {"before": wanted.before(), "in the same weeks of last year": wanted.a_year_before()}
    now = await agreed.values(numbers, wanted)
    old = {
        when: await asking.shelf.of_the_past((when, *key), partial(agreed.values, numbers, then), _PAST_S)
        for when, then in past.items()
    }
    followed = min(FOLLOWED, (wanted.end - wanted.start) / _FOLLOWED_PART)
    side = await numbers.side(wanted, followed)
    moved = {
        when: _moved(side, await asking.shelf.of_the_past(
            ("moved", when, *key), partial(numbers.side, then, followed), _PAST_S))
        for when, then in past.items()
    }  # fmt: skip
    figures = tuple(
        _figure(one, now[n], {when: (values[n], moved[when][n]) for when, values in old.items()})
        for n, one in enumerate(FIGURES)
    )
    titles = ("Figure", "Owner", "Value", "Of", "Target", "Before, and last year", "More than chance explains")
    columns = tuple(Column(title) for title in titles)
    rows = [
        (one.title, one.owner, one.value, one.of, one.target, "; ".join(words for words, _ in one.past),
         "; ".join(words for words, flagged in one.past if flagged))
        for one in figures
    ]  # fmt: skip
    return Agreed(Table(columns, rows), figures=figures)


PANEL = Panel("agreed", "Agreed figures", "outcomes", read)


def _moved(now: Side | None, old: Side | None) -> tuple[bool, ...]:
    return tuple(way != 0 for way in moves(old, now)) if now and old else (False,) * len(FIGURES)


def _figure(one: agreed.Figure, now: Value, past: Mapping[str, tuple[Value, bool]]) -> Figure:
    def words(value: float) -> str:
        return percent(value) if one.kind == "share" else times.span(value)

    late = one.metric in LATE_FIGURES
    return Figure(
        one.metric, one.title, one.owner, METRICS[one.metric],
        value=NONE if now.value is None else words(now.value),
        of=wording.counted(now.leads, "lead") if now.leads else "no lead yet",
        target=one.target, tone=one.tone(now.value),
        past=tuple(
            (f"{words(old.value)} {when}" + (", with more time" if late else ""), moved)
            for when, (old, moved) in past.items() if old.value is not None
        ),
    )  # fmt: skip
