"""What this house knows itself: its leads, how soon they were answered, what became of them and what they brought."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import sqrt
from typing import Any

from speedlead.domain import goals
from speedlead.numbers.filters import Filter
from speedlead.numbers.read import Numbers
from speedlead.numbers.rows import Bucket
from speedlead.roi.checks import Check, House, Share, Side, check
from speedlead.roi.currencies import CODES, rounded
from speedlead.roi.inputs import Inputs, Value
from speedlead.roi.reckon import View
from speedlead.store import audit_findings, first_steps, ledger
from speedlead.store.ledger import Money
from speedlead.store.transactions import transact
from speedlead.store.two_spans import two_spans

PERIOD = "90d"
_MONTH_DAYS = Decimal("365.25") / 12
# a house that is younger says nothing about a month
LEAST_DAYS = 7
# with fewer leads in it a bucket says nothing (house rule)
LEAST_LEADS = 30
_Z = 1.96
# of a million leads both months take some seconds; a page that waits for it says so
_WITHIN_S = 60.0
_BUCKETS = ((5, "0-5"), (15, "5-15"), (60, "15-60"))


@dataclass(frozen=True, slots=True)
class Measured:
    """`days`: from the first lead of the period to its end. `response_s`: the median, nights with it."""

    period: str
    days: Decimal
    leads: int
    converted: int
    response_s: float | None
    buckets: tuple[Bucket, ...]
    money: tuple[Money, ...]
    booked_until: date | None

    @property
    def usable(self) -> bool:
        return self.leads > 0 and self.days >= LEAST_DAYS

    def currency(self) -> str | None:
        """The one in which most came in."""
        return self.money[0].currency if self.money else None

    def in_other_currencies(self, code: str) -> list[str]:
        """What is left out because nobody here knows a rate."""
        return [money.currency for money in self.money if money.currency != code]


async def measure(pool: Any, numbers: Numbers, now: datetime, period: str = PERIOD) -> Measured:
    """Leads that came in the period, by the definitions of docs/metrics.md. Raises FilterError and StoreUnavailable."""
    wanted = Filter.of({"period": period}, now)
    by_day = await numbers.outcomes(wanted, by="day")
    spreads = await numbers.spread("first_attempt", wanted)
    first = min((row.group for row in by_day), default=None)
    start = wanted.start if first is None else max(wanted.start, datetime.fromisoformat(f"{first}T00:00:00+00:00"))
    return Measured(
        period,
        Decimal(str((wanted.end - start) / timedelta(days=1))),
        sum(row.leads for row in by_day),
        sum(row.converted for row in by_day),
        spreads[0].median if spreads else None,
        tuple(await numbers.buckets(wanted)),
        tuple(await transact(pool, lambda conn: ledger.money(conn, wanted.start, wanted.end))),
        await transact(pool, ledger.last_booked),
    )


def values(found: Measured, code: str) -> dict[str, Value]:
    """Fields of the calculator that this house fills in itself; the others stay examples."""
    if not found.usable:
        return {}
    whose = f"your leads of the last {found.days:.0f} days"
    filled = {"leads": _value(Decimal(found.leads) * _MONTH_DAYS / found.days, "0.1", whose)}
    if found.response_s is not None:
        filled["response_now"] = _value(Decimal(str(found.response_s)) / 60, "0.1", f"{whose}, the median")
    if found.converted:
        share = Decimal(found.converted) * 100 / found.leads
        filled["conversion"] = _value(share, "0.01", f"{whose}: {found.converted} of {found.leads}")
    money = next((money for money in found.money if money.currency == code), None)
    if money is None:
        return filled

    def each(whole: Decimal, many: int, of: str) -> Value:
        return Value(rounded(whole / many, code), "measured", f"your bookkeeping: {of}")

    if money.customers and money.revenue > 0:
        filled["deal_value"] = each(money.revenue, money.customers, f"{money.customers} leads that brought something")
        if money.support:
            filled["support"] = each(money.support, money.customers, "support of them, and of the whole house")
    if money.acquisition:
        filled["lead_cost"] = each(money.acquisition, found.leads, f"for {found.leads} leads")
    return filled


def _value(amount: Decimal, unit: str, source: str) -> Value:
    return Value(amount.quantize(Decimal(unit)), "measured", source)


def own_views(found: Measured, inputs: Inputs) -> tuple[View, ...]:
    """As if all leads bought as those do that are answered as soon as is wanted; and at the lower end of chance."""
    name = next((name for until, name in _BUCKETS if inputs["response_then"] <= until), "60+")
    bucket = next((bucket for bucket in found.buckets if bucket.bucket == name), None)
    if bucket is None or bucket.leads < LEAST_LEADS or not found.converted or not found.usable:
        return ()
    everybody = Decimal(found.converted) / found.leads
    source = f"your {bucket.leads} leads answered in {name} min, of which {bucket.converted} bought"
    low = Decimal(str(lower_end(bucket.converted, bucket.leads)))
    return (
        View("own_low", "By your leads, at the lower end", low / everybody, f"{source}; lower end of 95 %"),
        View("own", "By your leads", Decimal(bucket.converted) / bucket.leads / everybody, source),
    )


def lower_end(part: int, whole: int) -> float:
    """Of the share behind `part` of `whole`, 95 % two-sided (Wilson 1927)."""
    share, square = part / whole, _Z * _Z / whole
    middle = share + square / 2
    return max(0.0, (middle - _Z * sqrt(share * (1 - share) / whole + square / (4 * whole))) / (1 + square))


# ── when the return falls ────────────────────────────────────────────────────────────────────────────────────────────


async def checks(pool: Any, numbers: Numbers, now: datetime, days: int = 30) -> tuple[Check, ...]:
    """The last `days` against as many before; of both the sales of their own days, so that the newest leads are not
    behind for being new. Raises StoreUnavailable.
    """
    half = timedelta(days=days)
    old, new = (now - 2 * half, now - half), (now - half, now)
    bought = await transact(pool, lambda conn: two_spans(conn, "conversion", old, new), within_s=_WITHIN_S)
    sides = [
        await _side(numbers, Filter(start=start, end=end, at=end), _converted(of))
        for (start, end), of in ((new, bought[1]), (old, bought[0]))
    ]
    report = await transact(pool, audit_findings.newest)
    kinds = None if report is None else [finding.kind for finding in report.findings]
    house = House(
        None if kinds is None else kinds.count("unmatched"),
        None if kinds is None else kinds.count("loop"),
        await transact(pool, first_steps.flow_ok),
        tuple(await transact(pool, first_steps.failing_chores)),
    )
    return check(sides[0], sides[1], house)


def _converted(of: goals.Measured) -> Share:
    return Share(round((of.value or 0) * of.count), of.count)


async def _side(numbers: Numbers, wanted: Filter, converted: Share) -> Side:
    quality, promises = await numbers.quality(wanted), await numbers.promises(wanted)
    shares = {name: _in_time(await numbers.spread(name, wanted)) for name in (
        "first_attempt_business", "assignment", "acknowledgement")}  # fmt: skip
    return Side(
        converted=converted,
        in_time=shares["first_attempt_business"],
        assigned=shares["assignment"],
        acknowledged=shares["acknowledgement"],
        promises=Share(promises.kept, promises.due),
        valid=Share(quality.valid, quality.known),
        doubled=Share(quality.joined, quality.joined + quality.known),
    )


def _in_time(rows: Sequence[Any]) -> Share:
    return Share(sum(row.in_time or 0 for row in rows), sum(row.judged or 0 for row in rows))


def filled_in(found: Measured | None, typed: Mapping[str, str], default: str) -> tuple[dict[str, Value], str]:
    """(what is measured, in which currency to reckon unless another is typed)."""
    if found is None:
        return {}, default
    wanted = typed.get("currency", "").strip().upper()
    code = wanted if wanted in CODES else found.currency() or default
    return values(found, code), code
