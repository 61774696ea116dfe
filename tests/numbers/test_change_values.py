"""What customers brought before and after a change of ours: on leads and books made by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from speedlead.numbers.change_values import ChangeValueNumbers, Valued, weeks_around
from speedlead.numbers.changes import Change, Mark
from speedlead.numbers.kept import Kept
from tests.numbers.cases import LATER, Lead, period
from tests.numbers.test_worth import booked, sold

AT = LATER - timedelta(days=200)
MARK = Mark(AT, "plan", (Change(AT, "plan", "inbound:2", 1),))
DAY = timedelta(days=1)


async def customer(
    conn: Any, came: datetime, amount: float, *, currency: str = "EUR", booked_after: timedelta = 2 * DAY
) -> Lead:
    lead = await sold(conn, created=came)
    await booked(conn, lead, str(amount), currency=currency, on=(came + booked_after).date())
    return lead


async def around(numbers: ChangeValueNumbers, *marks: Mark, **fields: Any) -> list[Valued]:
    return await numbers.valued_at(marks or [MARK], period(**fields))


async def test_what_customers_brought_in_their_first_90_days(numbers: ChangeValueNumbers, conn: Any) -> None:
    first = await customer(conn, AT - 3 * DAY, 1000)
    await booked(conn, first, "100", "support_cost", on=(AT + 30 * DAY).date())
    await booked(conn, first, "5000", on=(AT + 100 * DAY).date())
    await customer(conn, AT - 4 * DAY, 500)
    await customer(conn, AT + 4 * DAY, 700)
    await customer(conn, AT + 5 * DAY, 70, currency="USD")
    euros, dollars = await around(numbers)
    assert (euros.currency, euros.weeks, euros.before.count, euros.before.mean) == ("EUR", 4, 2, 700)
    assert (euros.after.count, euros.after.mean, euros.moved) == (1, 700, 0)
    assert (dollars.currency, dollars.before.count, dollars.after.mean) == ("USD", 0, 70)
    assert await around(numbers, source="nowhere") == []


@pytest.mark.parametrize(
    ("came", "booked_after"),
    [(AT - 29 * DAY, 2 * DAY), (AT + 28 * DAY, 2 * DAY), (AT + DAY, 31 * DAY)],
    ids=["before the weeks", "after the weeks", "in the books too late"],
)
async def test_who_is_left_out(numbers: ChangeValueNumbers, conn: Any, came: datetime, booked_after: timedelta) -> None:
    await customer(conn, came, 900, booked_after=booked_after)
    assert await around(numbers) == []


async def test_who_had_bought_before_is_left_out(numbers: ChangeValueNumbers, conn: Any) -> None:
    old = await customer(conn, AT - 60 * DAY, 900)
    again = await sold(conn, created=AT + DAY, of=old)
    await booked(conn, again, "900", on=(AT + 2 * DAY).date())
    assert await around(numbers) == []


async def test_a_rise_is_told_from_chance(numbers: ChangeValueNumbers, conn: Any) -> None:
    for n in range(30):
        await customer(conn, AT - (1 + n % 20) * DAY, 1000 + n)
        await customer(conn, AT + (1 + n % 20) * DAY, 1100 + n)
    [one] = await around(numbers)
    assert (one.before.count, one.after.count, one.moved) == (30, 30, 1)


async def test_what_was_kept_is_read_again_when_the_books_change(numbers: ChangeValueNumbers, conn: Any) -> None:
    lead = await customer(conn, AT + DAY, 700)
    kept = ChangeValueNumbers(numbers._pool, clock=numbers._clock, what_was_counted=Kept())
    for mean in (700, 650):
        assert [one.after.mean for one in await around(kept)] == [mean]
        await booked(conn, lead, "50", "support_cost", on=(AT + 9 * DAY).date())
    later = Mark(AT + DAY / 2, "plan", MARK.changes)
    assert len(await around(kept, MARK, later)) == 2, "another mark is another question"


def test_weeks_are_whole_and_their_customers_old_enough() -> None:
    for days, weeks in ((0, 0), (126, 0), (127, 1), (133, 1), (134, 2), (148, 4), (400, 4)):
        assert weeks_around(LATER - days * DAY, LATER) == weeks


async def test_a_change_of_yesterday_is_not_asked_for(numbers: ChangeValueNumbers) -> None:
    assert await around(numbers, Mark(LATER - DAY, "plan", MARK.changes)) == []
