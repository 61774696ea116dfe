"""The calculation: what a month is worth now and then, for several views of what speed does. Exact, and rounded last.

A month's leads are followed to their end: revenue counts for the month in which the lead came, as in docs/metrics.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from speedlead.roi.curve import Step, gain, step_at
from speedlead.roi.inputs import Inputs

_HUNDRED, _YEAR, _SIXTY = Decimal(100), Decimal(12), Decimal(60)
# what the example's factors stand for: from 2 hours to 5 minutes (REQ 141, 142)
_EXAMPLE_NOW, _EXAMPLE_THEN = Decimal(120), Decimal(5)


@dataclass(frozen=True, slots=True)
class View:
    """One opinion of what speed does: so many times as many leads buy."""

    name: str
    title: str
    times: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Month:
    """Of one view, in the currency of the inputs. Shares are 0 to 1; None: cannot be said, as a share of nothing.

    `gross`: more revenue, less the support of more customers, and the time saved. `net`: `gross` less what it costs.
    `times_cost`: `gross` for each unit spent (REQ 144's 10x). `lead_cost_*`: what it costs to win a customer by leads.
    """

    view: View
    conversion: Decimal
    capped: bool
    customers_now: Decimal
    customers: Decimal
    revenue_now: Decimal
    revenue: Decimal
    support_more: Decimal
    gross: Decimal
    net: Decimal
    net_first_year: Decimal
    times_cost: Decimal | None
    pays_back_months: Decimal | None
    customer_cost_now: Decimal | None
    customer_cost: Decimal | None

    @property
    def gain(self) -> Decimal:
        return self.revenue - self.revenue_now


@dataclass(frozen=True, slots=True)
class Reckoned:
    """`hours`: of work saved a month; `time_net`: what they are worth less all running cost (REQ 134).

    `break_even`: the share of leads that has to buy for the cost to come in again; None: no share does.
    `curve_*`: how many times as likely a lead is to be qualified, by the response curve.
    """

    inputs: Inputs
    months: tuple[Month, ...]
    cost: Decimal
    hours: Decimal
    time_saved: Decimal
    time_net: Decimal
    time_net_first_year: Decimal
    break_even: Decimal | None
    now: Step
    then: Step
    curve_low: Decimal
    curve_high: Decimal

    @property
    def lowest(self) -> Month:
        return min(self.months, key=lambda month: month.net)

    @property
    def highest(self) -> Month:
        return max(self.months, key=lambda month: month.net)


def views_of(inputs: Inputs) -> tuple[View, View]:
    """The careful view and the example's. Both stand for 2 hours becoming 5 minutes; another step is worth as much of
    them, in powers, as the response curve gives for it. In a gap of the curve the careful view takes the lower end.
    """
    low, high = gain(inputs["response_now"], inputs["response_then"])
    return (
        View("careful", "Carefully", _part(inputs["times_careful"], low), inputs.values["times_careful"].source),
        View("example", "By the example", _part(inputs["times"], high), inputs.values["times"].source),
    )


def _part(times: Decimal, ratio: Decimal) -> Decimal:
    whole, _ = gain(_EXAMPLE_NOW, _EXAMPLE_THEN)
    return times ** (ratio.ln() / whole.ln())


def reckon(inputs: Inputs, more: Sequence[View] = ()) -> Reckoned:
    """`more`: views of one's own data."""
    with localcontext(prec=40):
        cost = inputs["tools"] + inputs["people"] + inputs["other"]
        hours = inputs["leads"] * inputs["minutes_saved"] / _SIXTY
        saved = hours * inputs["hour"]
        low, high = gain(inputs["response_now"], inputs["response_then"])
        return Reckoned(
            inputs,
            tuple(_month(inputs, view, cost, saved) for view in (*views_of(inputs), *more)),
            cost,
            hours,
            saved,
            saved - cost,
            (saved - cost) * _YEAR - inputs["one_off"],
            _break_even(inputs, cost - saved),
            step_at(inputs["response_now"]),
            step_at(inputs["response_then"]),
            low,
            high,
        )


def _month(inputs: Inputs, view: View, cost: Decimal, saved: Decimal) -> Month:
    share_now = inputs["conversion"] / _HUNDRED
    share = min(share_now * view.times, Decimal(1))
    now, then = inputs["leads"] * share_now, inputs["leads"] * share
    support = (then - now) * inputs["support"]
    gross = (then - now) * inputs["deal_value"] - support + saved
    net = gross - cost
    acquisition = inputs["leads"] * inputs["lead_cost"] if inputs.knows("lead_cost") else None
    return Month(
        view,
        share,
        share_now * view.times > 1,
        now,
        then,
        now * inputs["deal_value"],
        then * inputs["deal_value"],
        support,
        gross,
        net,
        net * _YEAR - inputs["one_off"],
        gross / cost if cost else None,
        inputs["one_off"] / net if net > 0 else None,
        acquisition / now if acquisition is not None and now else None,
        acquisition / then if acquisition is not None and then else None,
    )


def _break_even(inputs: Inputs, to_earn: Decimal) -> Decimal | None:
    of_one = inputs["leads"] * (inputs["deal_value"] - inputs["support"])
    if of_one <= 0:
        return None
    found = inputs["conversion"] / _HUNDRED + max(to_earn, Decimal(0)) / of_one
    return found if found <= 1 else None
