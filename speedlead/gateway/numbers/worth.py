"""Panels about what leads bring: deal and lifetime value by segment, what late answers cost, what works for whom."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from speedlead import times, wording
from speedlead.gateway.numbers import charts
from speedlead.gateway.numbers.asking import Asking
from speedlead.gateway.numbers.charts import Bar
from speedlead.gateway.numbers.panels import Panel, Shown
from speedlead.gateway.numbers.tables import NONE, Column, Table, count, percent, seconds, share
from speedlead.numbers.agreed import Part, differs
from speedlead.numbers.books import Money
from speedlead.numbers.chance import ENOUGH_VALUES, interval, moved
from speedlead.numbers.worth import Risk, Scenario, Worth
from speedlead.roi.currencies import rounded, written

# of fewer leads a share says nothing
FEW = 20
_MOST = 8
_PAST_S = 600.0
FELL, FELL_FASTER = "fell by more than chance explains", "fell by more than chance explains, as we got faster"


# ── deal and lifetime value ──────────────────────────────────────────────────────────────────────────────────────────


async def worth(asking: Asking) -> Shown:
    numbers, wanted = asking.numbers, asking.filters
    rows = await numbers.worth(wanted)
    key = ("worth before", *(f"{name}={text}" for name, text in sorted(wanted.query().items())))
    old = await asking.shelf.of_the_past(key, lambda: numbers.worth(wanted.before()), _PAST_S)
    before = {(row.by, row.name): row for row in old}
    table = Table(
        (Column("By"), Column("Group"), count("Leads"), count("Sales"), share("Customers"), share("At least"),
         share("At most"), share("Repeat conversion"), count("Customers in the books"), Column("Currency"),
         count("Deals"), _money("Deal value"), _money("In the period before"), count("People"),
         _money("Lifetime value until now"), _money("In the first 90 days"), count("People of 90 days"),
         _money("In the first 365 days"),
         count("People of 365 days"), Column("Deal value against the period before")),
        [_worth_row(row, money, before.get((row.by, row.name))) for row in rows for money in row.money or (None,)],
    )  # fmt: skip
    if not rows:
        return Shown(table, words="No lead came in this period.")
    whole = rows[0]
    drawn = [row for row in rows if row.by in ("type", "segment")][:_MOST]
    highest = max(row.won / row.leads for row in drawn) or 1
    items = [
        Bar(f"{row.by}: {_plain(row.name)}", row.won / row.leads / highest, _worth_says(row, whole),
            "" if row.leads >= FEW else "soft")
        for row in drawn
    ]  # fmt: skip
    words = _worth_words(whole, before.get(("all", "")), rows, before)
    return Shown(table, charts.bars(items, f"Customers, and what a deal brings. {words}"), words)


def _money(title: str) -> Column:
    return Column(title, "money")


def _worth_row(row: Worth, money: Money | None, old: Worth | None) -> tuple[object, ...]:
    known = row.leads >= FEW
    low, high = interval(row.won, row.leads)
    name = ("all leads", "") if row.by == "all" else (row.by, _plain(row.name))
    mine = (*name, row.leads, row.sales, row.won / row.leads, low if known else None, high if known else None,
            row.repeats / row.sales if row.sales else None, row.booked)  # fmt: skip
    if money is None:
        return (*mine, "", *(None,) * 9, "")
    code, was = money.currency, old.in_currency(money.currency) if old else None
    return (
        *mine, code, money.deals, rounded(Decimal(repr(money.mean)), code),
        rounded(Decimal(repr(was.mean)), code) if was else None, money.customers, rounded(money.value, code),
        _rounded(money.value_90d, code), money.old_90d, _rounded(money.value_365d, code), money.old_365d,
        guardrail(row, money, old),
    )  # fmt: skip


def _rounded(amount: Decimal | None, code: str) -> Decimal | None:
    return None if amount is None else rounded(amount, code)


def guardrail(row: Worth, money: Money, old: Worth | None) -> str:
    """Deal value against the period before (REQ 160): it must not fall as speed rises."""
    was = old.in_currency(money.currency) if old else None
    if old is None or was is None or min(money.deals, was.deals) < ENOUGH_VALUES:
        return f"under {ENOUGH_VALUES} deals in one of them: nothing can be said"
    way = moved(money.deal_values, was.deal_values)
    if way == 0:
        return "as before, as far as chance allows"
    if way > 0:
        return "rose by more than chance explains"
    faster = row.median is not None and old.median is not None and row.median < old.median
    return FELL_FASTER if faster else FELL


def _worth_says(row: Worth, whole: Worth) -> str:
    parts = [f"{percent(row.won / row.leads)} of {row.leads:,}"]
    money = row.in_currency(whole.money[0].currency) if whole.money else None
    if money is not None:
        parts.append(written(rounded(Decimal(repr(money.mean)), money.currency).quantize(Decimal(1)), money.currency))
    return " · ".join(parts)


def _worth_words(whole: Worth, old: Worth | None, rows: Sequence[Worth], before: dict[tuple[str, str], Worth]) -> str:
    if not whole.sales:
        return "Nobody of this period has become a customer yet."
    again = f"{percent(whole.repeats / whole.sales)} of {whole.sales:,} sales went to people who had bought before"
    if not whole.money:
        return f"{again}. None of them is in the books: `speedlead revenue import`."
    said = [again]
    for money in whole.money[:3]:
        mean, value = rounded(Decimal(repr(money.mean)), money.currency), rounded(money.value, money.currency)
        said.append(
            f"a deal brings {written(mean, money.currency)} ({money.deals:,} deals), "
            f"a customer {written(value, money.currency)} until now"
        )
    fallen = [
        f"{_plain(row.name) if row.by != 'all' else 'all leads'}, {money.currency}"
        for row in rows for money in row.money
        if guardrail(row, money, before.get((row.by, row.name))) in (FELL, FELL_FASTER)
    ]  # fmt: skip
    if fallen:
        faster = old is not None and None not in (whole.median, old.median) and whole.median < old.median  # type: ignore[operator]
        said.append(f"deal value has fallen{' while we got faster' if faster else ''}: {'; '.join(fallen[:4])}")
    if whole.booked < whole.won:
        said.append(f"of {whole.won - whole.booked:,} customers nothing is in the books")
    return "; ".join(said) + "."


# ── what late answers cost ───────────────────────────────────────────────────────────────────────────────────────────


async def risk(asking: Asking) -> Shown:
    rows = [row for row in await asking.numbers.risk(asking.filters) if row.judged]
    late, judged = sum(row.late for row in rows), sum(row.judged for row in rows)
    table = Table(
        (Column("Channel"), Column("Client type"), count("Leads"), count("Due"), count("Late"), share("Late, share"),
         share("Customers, in time"), share("Customers, late"), Column("Missed contracts", "number"),
         count("Late and not tried yet"), Column("What it says")),
        [(_plain(row.channel), _plain(row.client), row.leads, row.judged, row.late, row.late / row.judged,
          row.won_in_time / row.in_time if row.in_time else None, row.won_late / row.late if row.late else None,
          missed(row), row.waiting, _risk_says(row, late, judged)) for row in rows],
    )  # fmt: skip
    if not rows:
        return Shown(table, words="No first attempt was due in this period.")
    worst = sorted((row for row in rows if row.late), key=lambda row: -row.late)[:_MOST]
    if not worst:
        return Shown(table, words=f"All of {judged:,} first attempts were in time.")
    most = max(row.late for row in worst)
    items = [
        Bar(f"{_plain(row.channel)} · {_plain(row.client)}", row.late / most, _late_says(row),
            "bad" if row.waiting else "")
        for row in worst
    ]  # fmt: skip
    told = [number for row in rows if (number := missed(row)) is not None]
    waiting = sum(row.waiting for row in rows)
    words = f"{late:,} of {judged:,} first attempts came too late" + (
        f", which may have cost {sum(told):.1f} contracts" if told else
        f"; under {FEW} late leads in every group, so what they cost cannot be said"
    ) + (f"; {waiting:,} of them can still be tried." if waiting else ".")  # fmt: skip
    return Shown(table, charts.bars(items, words), words)


def missed(row: Risk) -> float | None:
    """How many more would have bought if late leads bought as those in time do; None of too few."""
    if min(row.in_time, row.late) < FEW:
        return None
    return max(0.0, row.late * (row.won_in_time / row.in_time - row.won_late / row.late))


def _late_says(row: Risk) -> str:
    lost = missed(row)
    return f"{row.late:,} late of {row.judged:,}" + (f" · {lost:.1f} missed" if lost else "")


def _risk_says(row: Risk, late: int, judged: int) -> str:
    said = []
    others = Part(late - row.late, judged - row.judged)
    if others.whole and differs(Part(row.late, row.judged), others):
        said.append(f"late {'more' if row.late / row.judged > (others.share or 0) else 'less'} often than the others")
    if min(row.in_time, row.late) < FEW:
        said.append(f"under {FEW} leads in time or late: what it costs cannot be said")
    elif not differs(Part(row.won_in_time, row.in_time), Part(row.won_late, row.late)):
        said.append("what it costs may be chance")
    return "; ".join(said)


# ── what works for whom ──────────────────────────────────────────────────────────────────────────────────────────────


async def scenarios(asking: Asking) -> Shown:
    """Which approach works for which segment in which channel (REQ 162, 163)."""
    rows = await asking.numbers.scenarios(asking.filters)
    rivals: defaultdict[tuple[str, str, str], list[Scenario]] = defaultdict(list)
    for row in rows:
        rivals[row.by, row.name, row.channel].append(row)
    verdicts = {id(row): _verdict(row, rivals[row.by, row.name, row.channel]) for row in rows}
    table = Table(
        (Column("Plan"), Column("Variant"), Column("By"), Column("Segment"), Column("Channel"), count("Leads"),
         seconds("Median to first attempt"), share("In time"), count("Sales"), share("Customers"), share("At least"),
         share("At most"), Column("What it says")),
        [_scenario_row(row, verdicts[id(row)]) for row in rows],
    )  # fmt: skip
    if not rows:
        return Shown(table, words="No lead came in this period.")
    best = sorted((row for row in rows if row.leads >= FEW), key=lambda row: -row.won / row.leads)[:_MOST]
    if not best:
        return Shown(table, words=f"No combination has {FEW} leads in this period: a share of fewer says nothing.")
    highest = best[0].won / best[0].leads or 1
    items = [Bar(_scenario_name(row), row.won / row.leads / highest, _range(row)) for row in best]
    better = sum(text == BETTER for text in verdicts.values())
    words = (
        f"Customers by scenario (plan and variant), type or segment, and channel, the best first, from {FEW} leads on. "
        + (f"{better} are better than their rivals by more than chance explains." if better
           else "Where several scenarios met the same leads, chance explains the difference.")
    )  # fmt: skip
    return Shown(table, charts.bars(items, words), words)


BETTER, WORSE = (f"{word} than the others of this segment and channel" for word in ("better", "worse"))


def _verdict(row: Scenario, rivals: Sequence[Scenario]) -> str:
    if row.leads < FEW:
        return f"under {FEW} leads: too few"
    others = [other for other in rivals if other is not row]
    if not others:
        return "nothing else was tried here"
    rest = Part(sum(other.won for other in others), sum(other.leads for other in others))
    if not differs(Part(row.won, row.leads), rest):
        return "not told apart from chance"
    return BETTER if row.won / row.leads > (rest.share or 0) else WORSE


def _scenario_row(row: Scenario, verdict: str) -> tuple[object, ...]:
    low, high = interval(row.won, row.leads)
    known = row.leads >= FEW
    return (
        row.plan, row.variant, row.by, _plain(row.name), _plain(row.channel), row.leads, row.median,
        row.in_time / row.judged if row.judged else None, row.won, row.won / row.leads, low if known else None,
        high if known else None, verdict,
    )  # fmt: skip


def _scenario_name(row: Scenario) -> str:
    return " · ".join((_plain(row.name), _plain(row.channel), row.variant or row.plan))


def _range(row: Scenario) -> str:
    low, high = interval(row.won, row.leads)
    median = NONE if row.median is None else times.span(row.median)
    return f"{percent(row.won / row.leads)} ({100 * low:.0f}–{100 * high:.0f}) of {row.leads:,} · {median}"


def _plain(code: str) -> str:
    return (wording.plain(code) if code.islower() else code) or "not known"


PANELS = (
    Panel("worth", "What leads bring", "deal_value", worth, broad=True, money=True),
    Panel("risk", "Contracts at risk", "risk", risk),
    Panel("scenarios", "What works for whom", "scenarios", scenarios),
)
