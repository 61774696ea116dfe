"""The page /roi: what answering sooner is worth, as a range, with what it rests on. It changes nothing."""

import asyncio
from dataclasses import dataclass

import structlog
from fastapi import FastAPI, Request
from markupsafe import Markup
from starlette.responses import Response
from starlette.routing import Route

from speedlead.calendarbook import load_calendars
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.numbers import charts
from speedlead.gateway.numbers.shelf import Shelf
from speedlead.gateway.page_errors import answered
from speedlead.gateway.rendering import render
from speedlead.numbers.read import Numbers, teams_of
from speedlead.roi import document
from speedlead.roi.checks import Check
from speedlead.roi.curve import CURVE, SOURCE
from speedlead.roi.evidence import evidence
from speedlead.roi.inputs import FIELDS, NAMES, RATES, RoiRefused, read
from speedlead.roi.measured import LEAST_DAYS, PERIOD, Measured, checks, filled_in, measure, own_views
from speedlead.roi.reckon import Reckoned, reckon

PATH = "/roi"
PERIODS = (("30d", "the last 30 days"), ("90d", "the last 90 days"), ("180d", "the last 180 days"),
           ("365d", "the last year"), ("none", "no data of ours"))  # fmt: skip
LABELS = {field.name: field.label for field in FIELDS} | {
    "currency": "Currency", "period": "Your data of", "rate_usd": "A dollar costs", "rate_eur": "A euro costs",
}  # fmt: skip
# a page that waits longer than this for the house's figures shows the example, and says so
WITHIN_S = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Known:
    measured: Measured
    checks: tuple[Check, ...]


class RoiPage:
    def __init__(self, deps: GatewayDeps) -> None:
        """Raises CalendarError."""
        self._deps, self._shelf = deps, Shelf(deps)
        calendars, _ = load_calendars(deps.settings.calendars_file)
        self._numbers = Numbers(deps.pool, teams_of(calendars), deps.clock)

    async def show(self, request: Request) -> Response:
        typed = {name: request.query_params.get(name, "").strip() for name in NAMES}
        period = request.query_params.get("period", "") or PERIOD
        problems: dict[str, str] = {}
        if period not in dict(PERIODS):
            problems["period"] = f"expected one of {', '.join(name for name, _ in PERIODS)}, got {period[:20]!r}"
            period = PERIOD
        known, note = await self._known(period)
        found = known.measured if known else None
        measured, default = filled_in(found, typed, "USD")
        reckoned: Reckoned | None = None
        try:
            inputs = read(typed, measured, default_currency=default)
            reckoned = reckon(inputs, own_views(found, inputs) if found else ())
        except RoiRefused as refused:
            problems |= refused.problems
        context = {
            "here": PATH, "typed": typed, "period": period, "periods": PERIODS, "problems": problems, "note": note,
            "fields": FIELDS, "rates": RATES, "currency": reckoned.inputs.currency if reckoned else default,
            "reckoned": reckoned, "document": document, "labels": LABELS, "found": found, "least_days": LEAST_DAYS,
            "checks": known.checks if known else (), "evidence": evidence(), "curve_source": SOURCE,
            "curve": curve_picture(),
        }  # fmt: skip
        # who has typed nothing has made no mistake: the examples are in dollars, and the bookkeeping is not
        mistaken = problems and (any(typed.values()) or "period" in problems)
        return render("roi.html", context, 422 if mistaken else 200)

    async def _known(self, period: str) -> tuple[_Known | None, str]:
        """What the house knows, or why that is not said."""
        if period == "none":
            return None, "Only the example is used, as you wished."

        async def work() -> _Known:
            now = self._deps.clock.wall()
            found = await measure(self._deps.pool, self._numbers, now, period)
            return _Known(found, await checks(self._deps.pool, self._numbers, now))

        try:
            async with asyncio.timeout(WITHIN_S):
                return (await self._shelf.ask(("roi", period), work)).value, ""
        except TimeoutError:
            return None, "Your own figures take longer than a page may: they are being worked out, look again soon."
        except Exception as error:
            log.warning("the return could not be measured", error=type(error).__name__)
            return None, "Your own figures could not be worked out just now."


def curve_picture() -> Markup:
    highest = max(step.high for step in CURVE)
    bars = [
        charts.Bar(
            step.name,
            float(step.high / highest),
            f"{document.plain(step.low)}–{document.plain(step.high)}?" if step.gap else f"{document.plain(step.low)}×",
            "gap" if step.gap else "",
        )
        for step in CURVE
    ]
    told = "; ".join(f"{name}: {value}" for name, value, _ in document.curve_rows())
    return charts.columns(bars, f"How likely a lead is to be qualified, by when it is answered. {told}.")


def add_roi_page(app: FastAPI, deps: GatewayDeps) -> None:
    app.router.routes.append(Route(PATH, answered(RoiPage(deps).show)))
