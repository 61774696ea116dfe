"""The case tables that others have published, and this house's own rows for them (REQ 147 to 150)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from speedlead.numbers.chance import moved
from speedlead.numbers.filters import Filter
from speedlead.numbers.rows import Outcomes, Spread
from speedlead.numbers.worth import Worth, WorthNumbers
from speedlead.roi.evidence import CaseTable
from speedlead.store.transactions import transact
from speedlead.store.two_spans import two_spans

PERIOD = "90d"
# of fewer leads nothing is said
FEW = 20
MOST = 6
_TIMES = ("first_attempt", "handling", "conversion", "first_attempt_business")
_PERCENT = re.compile(r"([+−-]?\d+(?:\.\d+)?) %")
# who waits for the page says how long; of a million leads both spans take some seconds
_WITHIN_S = 60.0
TOO_FEW, NOTHING = "too few leads", "no data"

Group = tuple[Outcomes, Mapping[str, Spread]]


@dataclass(frozen=True, slots=True)
class OwnRow:
    """`cells`: as many as the table has columns, in its order and its units. `leads`: of which they are."""

    cells: tuple[str, ...]
    leads: int


def share_of(cell: str) -> float | None:
    """0.08 of '8 %'; None where no share stands."""
    found = _PERCENT.fullmatch(cell.strip())
    return None if found is None else float(found[1].replace("−", "-")) / 100


async def own_rows(
    pool: Any, numbers: WorthNumbers, now: datetime, period: str = PERIOD
) -> dict[int, tuple[OwnRow, ...]]:
    """By the table's row. Leads of the period; the newest have had less time. Raises FilterError."""
    wanted = Filter.of({"period": period}, now)
    [*whole] = await _groups(numbers, wanted, None)
    if not whole:
        return {}
    channels, segments = await _groups(numbers, wanted, "channel"), await _groups(numbers, wanted, "segment")
    house = whole[0]
    return {
        147: (_row("your house", house, ("handling", "conversion")),),
        148: _rows("your", house, channels, ("first_attempt", "handling", "conversion")),
        149: _rows("your", house, segments, ("first_attempt", "handling", "conversion"), last="see Return"),
        150: await _moves(pool, numbers, wanted, house[0]),
    }


async def _groups(numbers: WorthNumbers, wanted: Filter, by: str | None) -> list[Group]:
    found = await numbers.compared(_TIMES, wanted, by=by)
    return [(outcomes, dict(zip(_TIMES, spreads, strict=True))) for outcomes, spreads in found]


def _rows(
    name: str, house: Group, groups: Sequence[Group], times: Sequence[str], last: str | None = None
) -> tuple[OwnRow, ...]:
    """The whole house first, then its largest groups."""
    several = [(f"{name} {_plain(group[0].group)}", group) for group in groups[:MOST]] if len(groups) > 1 else []
    return tuple(_row(title, group, times, last) for title, group in (("your house", house), *several))


def _row(title: str, group: Group, times: Sequence[str], last: str | None = None) -> OwnRow:
    outcomes, spreads = group
    if outcomes.leads < FEW:
        cells = [TOO_FEW] * (len(times) + 2)
    else:
        cells = [_length(name, spreads[name]) for name in times]
        cells.append(f"{100 * outcomes.converted / outcomes.leads:.1f} %")
        kept = spreads["first_attempt_business"].share
        cells.append(last or (NOTHING if kept is None else f"own targets: {100 * kept:.0f} % in time"))
    return OwnRow((title, *cells), outcomes.leads)


def _length(name: str, spread: Spread) -> str:
    """Minutes, but for the time to conversion, which the tables have in hours; the median."""
    if spread.median is None:
        return NOTHING
    unit = 3600 if name == "conversion" else 60
    number = spread.median / unit
    return f"{number:.0f}" if number >= 10 else f"{number:.1f}"


async def _moves(pool: Any, numbers: WorthNumbers, wanted: Filter, house: Outcomes) -> tuple[OwnRow, ...]:
    """This period against as long before: what the cases of others are about. Leads of both had as much time."""
    before = wanted.before()
    old, new = (before.start, before.end), (wanted.start, wanted.end)
    within = f"{(wanted.end - wanted.start).days} days"
    rows = []
    for name, case, what in (
        ("conversion", "your house, conversion", "share of customers"),
        ("cycle", "your house, cycle", "cycle time, the median"),
    ):
        was, found, apart = await transact(pool, partial(two_spans, name=name, old=old, new=new), within_s=_WITHIN_S)
        enough = min(was.count, found.count) >= FEW
        rows.append((case, what, _change(found.value, was.value if enough else None, apart=apart)))
    now_worth, old_worth = _whole(await numbers.worth(wanted)), _whole(await numbers.worth(before))
    for money in now_worth.money if now_worth else ():
        known = old_worth.in_currency(money.currency) if old_worth else None
        deals = known if known is not None and min(known.deals, money.deals) >= FEW else None
        apart = deals is not None and moved(money.deal_values, deals.deal_values) != 0
        said = _change(money.mean, deals.mean if deals else None, apart=apart)
        rows.append((f"your house, deals in {money.currency}", "average deal value", said))
    return tuple(OwnRow((case, what, said, within), house.leads) for case, what, said in rows)


def _change(now: float | None, before: float | None, *, apart: bool) -> str:
    """`apart`: by more than chance explains."""
    if not now or not before:
        return "no period before to compare with"
    said = f"{100 * (now / before - 1):+.0f} %".replace("-", "−")
    return said if apart else f"{said}, which chance explains"


def _whole(rows: Sequence[Worth]) -> Worth | None:
    return rows[0] if rows else None


def _plain(code: str) -> str:
    return code.replace("_", " ") or "leads of no known kind"


def shares(table: CaseTable) -> list[tuple[str, float]]:
    """Name and conversion (or change) of each row that has one, for a picture."""
    column = table.columns.index("conversion") if "conversion" in table.columns else table.columns.index("by")
    found = [(row[0], share_of(row[column])) for row in table.rows]
    return [(name, share) for name, share in found if share is not None]
