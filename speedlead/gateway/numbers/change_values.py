"""The panel of what customers brought before and after changes of ours, for who may read money (REQ 129)."""

from decimal import Decimal

from speedlead import times
from speedlead.gateway.numbers.asking import Asking
from speedlead.gateway.numbers.marks import MOST, title
from speedlead.gateway.numbers.panels import Panel, Shown
from speedlead.gateway.numbers.tables import Column, Table, count
from speedlead.numbers.chance import ENOUGH_VALUES, Sample
from speedlead.numbers.change_values import BOOKED, VALUED, ChangeValueNumbers, Valued, weeks_around
from speedlead.numbers.changes import WEEK
from speedlead.roi.currencies import rounded

_AGO = (BOOKED + VALUED + WEEK).days


async def change_values(asking: Asking) -> Shown:
    numbers, wanted = asking.of(ChangeValueNumbers), asking.filters
    marks = [mark for mark in await numbers.changes(wanted) if weeks_around(mark.at, wanted.taken_at)][-MOST:]
    found = await numbers.valued_at(marks, wanted)
    table = Table(
        (Column("When (UTC)"), Column("What"), count("Weeks"), Column("Currency"), count("Customers before"),
         count("Customers after"), Column("Brought before", "money"), Column("Brought after", "money"),
         Column("What it says")),
        [
            (times.clock(one.mark.at, "UTC"), title(one.mark), one.weeks, one.currency, one.before.count,
             one.after.count, _mean(one.before, one.currency), _mean(one.after, one.currency), _says(one))
            for one in found
        ],
    )  # fmt: skip
    if not marks:
        return Shown(table, words=f"No change of this period is {_AGO} days ago; so long it takes to know.")
    if not found:
        return Shown(table, words="No customer of the weeks around these changes is in the books.")
    told = [f"{title(one.mark)} ({one.currency}): {_says(one)}" for one in found if one.moved]
    says = "; ".join(told) if told else "nothing is told apart from chance"
    words = (
        f"What each customer brought in the first {VALUED.days} days, at changes at least {_AGO} days ago: {says}. "
        "Other changes in the same weeks may have done it as well."
    )
    return Shown(table, words=words)


def _mean(sample: Sample, currency: str) -> Decimal | None:
    return None if sample.mean is None else rounded(Decimal(repr(sample.mean)), currency)


def _says(one: Valued) -> str:
    if min(one.before.count, one.after.count) < ENOUGH_VALUES:
        return f"under {ENOUGH_VALUES} customers on one side: nothing can be said"
    if not one.moved:
        return "not told apart from chance"
    return ("rose" if one.moved > 0 else "fell") + " by more than chance explains"


PANEL = Panel(
    "change_values", "What customers bring, before and after changes", "change_values", change_values, broad=True,
    table_open=True, money=True,
)  # fmt: skip
