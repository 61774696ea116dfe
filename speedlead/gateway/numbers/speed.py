"""Panels about time: are we in time, how long does it take, where is it lost, and who is how fast."""

from collections.abc import Sequence
from datetime import date, timedelta

from speedlead import times, wording
from speedlead.domain.quality import Score
from speedlead.gateway.numbers import charts
from speedlead.gateway.numbers.asking import Asking
from speedlead.gateway.numbers.charts import Bar, Span
from speedlead.gateway.numbers.panels import Panel, Shown
from speedlead.gateway.numbers.tables import NONE, Column, Table, count, percent, seconds, share
from speedlead.numbers.metrics import METRICS
from speedlead.numbers.quality import QualityNumbers
from speedlead.numbers.rows import Phase, RepRow, Spread

GOAL = 0.95  # REQ 121
# beyond so many days a column for each would be too thin to read
_DAYS = timedelta(days=21)
_MOST = 12

TIMES_SHOWN = ("acknowledgement", "assignment", "first_attempt", "first_attempt_business", "first_contact",
               "qualification", "conversion", "cycle")  # fmt: skip
_SPREAD = (count("Leads"), count("With a value"), seconds("Mean"), seconds("Median"),
           seconds("P90"), seconds("P95"))  # fmt: skip
_IN_TIME = (count("Due"), count("In time"), share("Share in time"))


def _spread(row: Spread) -> tuple[object, ...]:
    return row.leads, row.count, row.mean, row.median, row.p90, row.p95


def _judged(row: Spread) -> tuple[object, ...]:
    return row.judged, row.in_time, row.share


def tone(share: float | None) -> str:
    return "" if share is None else "good" if share >= GOAL else "bad"


async def response(asking: Asking) -> Shown:
    by_type = await asking.numbers.spread("first_attempt_business", asking.filters, by="type")
    by_source = await asking.numbers.spread("first_attempt_business", asking.filters, by="source")
    rows = [("type", row) for row in by_type] + [("source", row) for row in by_source[:_MOST]]
    table = Table(
        (Column("By"), Column("Group"), *_SPREAD, *_IN_TIME),
        [(by, wording.plain(row.group), *_spread(row), *_judged(row)) for by, row in rows],
    )
    drawn = [row for _, row in rows[:9] if row.judged]
    if not drawn:
        return Shown(table, words="No first attempt was due in this period.")
    due, timely = (sum(getattr(row, name) or 0 for row in by_type) for name in ("judged", "in_time"))
    items = [
        Bar(wording.plain(row.group), row.share, f"{percent(row.share or 0)} of {row.judged:,}", tone(row.share))
        for row in drawn
    ]
    words = f"{percent(timely / due)} of {due:,} first attempts were in time; the target is 95 %." if due else ""
    return Shown(table, charts.bars(items, f"Share in time. {words}", aim=GOAL, aim_says="target 95 %"), words)


async def trend(asking: Asking) -> Shown:
    wanted = asking.filters
    by = "day" if wanted.end - wanted.start <= _DAYS else "week"
    rows = sorted(await asking.numbers.spread("first_attempt_business", wanted, by=by), key=lambda row: row.keys)
    table = Table(
        (Column(by.capitalize()), *_SPREAD, *_IN_TIME), [(row.group, *_spread(row), *_judged(row)) for row in rows]
    )
    if not any(row.judged for row in rows):
        return Shown(table, words="No first attempt was due in this period.")
    step = max(1, -(-len(rows) // 10))
    items = [
        Bar(
            _day(row.group) if n % step == 0 else "",
            row.share,
            _whole(row.share) if n % step == 0 else "",
            tone(row.share),
        )
        for n, row in enumerate(rows)
    ]
    words = f"In time, by {by} of the inquiry."
    return Shown(table, charts.columns(items, words), words)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).strftime("%-d %b")
    except ValueError:
        return text


def _whole(share: float | None) -> str:
    return NONE if share is None else f"{int(100 * share)}%"


async def lengths(asking: Asking) -> Shown:
    found = await asking.numbers.compared(TIMES_SHOWN, asking.filters)
    titles = [METRICS[name].title for name in TIMES_SHOWN]
    rows = list(zip(titles, found[0][1], strict=True)) if found else []
    table = Table((Column("Time"), *_SPREAD), [(title, *_spread(row)) for title, row in rows])
    if not any(row.count for _, row in rows):
        return Shown(table, words="Nothing has been timed in this period.")
    items = [Span(title, row.median, row.p90) for title, row in rows]
    words = "Dot: the median. Ring: nine of ten are faster."
    return Shown(table, charts.spans(items, f"Lengths of time. {words}"), words)


async def phases(asking: Asking) -> Shown:
    rows = await asking.numbers.phases(asking.filters)
    table = Table(
        (Column("Phase"), count("Leads through"), share("Share of all time"), seconds("Mean"),
         seconds("Median"), seconds("P90"), seconds("P95"), count("In it now"),
         count("Closed in it")),
        [(wording.plain(row.phase), row.ended, _part(row.total_s, rows), row.mean, row.median, row.p90, row.p95,
          row.lasting, row.closed) for row in rows],
    )  # fmt: skip
    if not any(row.ended for row in rows):
        return Shown(table, words="No lead has come through a phase in this period.")
    longest = max(row.total_s for row in rows) or 1
    items = [
        Bar(wording.plain(row.phase), row.total_s / longest,
            f"{percent(_part(row.total_s, rows) or 0)} · median {_span(row.median)}")
        for row in rows if row.ended
    ]  # fmt: skip
    most = max(rows, key=lambda row: row.total_s)
    words = f"Most of the time of all leads goes into: {wording.plain(most.phase)}."
    return Shown(table, charts.bars(items, words), words)


def _span(length: float | None) -> str:
    return NONE if length is None else times.span(length)


def _part(total_s: float, rows: Sequence[Phase]) -> float | None:
    whole = sum(row.total_s for row in rows)
    return total_s / whole if whole else None


async def breaches(asking: Asking) -> Shown:
    rows = await asking.numbers.breaches(asking.filters)
    table = Table(
        (Column("Target"), Column("Slow phase"), count("Missed"), count("Still open"),
         seconds("Median late")),
        [(_target(row.target), wording.reason(row.phase), row.missed, row.still_open, row.median_late) for row in rows],
    )  # fmt: skip
    if not rows:
        return Shown(table, words="No target was missed in this period.")
    most = max(row.missed for row in rows)
    items = [
        Bar(f"{_target(row.target)}: {wording.plain(row.phase)}", row.missed / most,
            f"{row.missed:,}, {row.still_open:,} open" if row.still_open else f"{row.missed:,}",
            "bad" if row.still_open else "")
        for row in rows[:8]
    ]  # fmt: skip
    worst = rows[0]
    words = (
        f"{sum(row.missed for row in rows):,} targets missed; most often {_target(worst.target)}: "
        f"{wording.reason(worst.phase)}."
    )
    return Shown(table, charts.bars(items, words), words)


def _target(name: str) -> str:
    return wording.TARGETS.get(name, wording.plain(name))


async def reps(asking: Asking) -> Shown:
    rows = await asking.numbers.reps(asking.filters)
    scores = await asking.of(QualityNumbers).quality_by_rep(asking.filters)
    table = Table(
        (Column("Rep"), count("Leads"), share("Hot"), share("Came outside cover"),
         count("Open now"), count("Capacity"), Column("Touches per lead", "number"),
         share("In time"), seconds("Median"), seconds("P90"), seconds("Own reaction"),
         share("Spoken to"), share("Qualified"), share("Customers"),
         share("Quality"), count("Reviewed"), Column("Quality between")),
        [(row.name or "nobody", row.leads, _of(row.hot, row), _of(row.outside, row), row.open_now, row.capacity,
          _of(row.touches, row), row.share, row.median, row.p90, row.reaction, _of(row.contacted, row),
          _of(row.qualified, row), _of(row.converted, row), *_quality(scores.get(row.rep_id or ""))) for row in rows],
    )  # fmt: skip
    if not rows:
        return Shown(table, words="Nobody had a lead in this period.")
    words = (
        "How many leads, how many of them hot or outside hours, and how full somebody is, stand beside the speed: who "
        "has more of them is slower without being worse. Differences of a few per cent are chance. "
        "Quality is of reviewed contacts with these leads; with 95 % the true one lies in between."
    )
    return Shown(table, None, words)


def _quality(score: Score | None) -> tuple[float | None, int, str]:
    if score is None or score.low is None or score.high is None:
        return None, 0, NONE
    return score.mean, score.reviewed, f"{percent(score.low)} to {percent(score.high)}"


def _of(part: int, row: RepRow) -> float | None:
    return part / row.leads if row.leads else None


PANELS = (
    Panel("response", "Response within target", "first_attempt_business", response),
    Panel("trend", "In time, over the period", "first_attempt_business", trend),
    Panel("times", "How long it takes", "first_attempt", lengths),
    Panel("phases", "Where time is lost", "phases", phases),
    Panel("breaches", "Missed targets and the slow phase", "breaches", breaches),
    Panel("reps", "Reps side by side", "reps", reps, names_reps=True, broad=True, table_open=True),
)
