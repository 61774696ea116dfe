"""Panels about what comes of leads: by attempt, speed and where they come from; promises, skips, data quality."""

from collections.abc import Sequence

from speedlead import times, wording
from speedlead.gateway.numbers import charts
from speedlead.gateway.numbers.asking import Asking
from speedlead.gateway.numbers.charts import Bar
from speedlead.gateway.numbers.panels import Panel, Shown
from speedlead.gateway.numbers.speed import tone
from speedlead.gateway.numbers.tables import NONE, Column, Table, count, percent, seconds, share
from speedlead.numbers.rows import Outcomes, Spread

_MOST = 10
_BUCKETS = {"0-5": "within 5 min", "5-15": "5 to 15 min", "15-60": "15 to 60 min", "60+": "after an hour",
            "none": "never tried"}  # fmt: skip
# of fewer leads a share says nothing
_FEW = 20


async def attempts(asking: Asking) -> Shown:
    rows = await asking.numbers.attempts(asking.filters)
    table = Table(
        (Column("Call"), count("Made"), count("Spoken to"), share("Share")),
        [(f"call {row.number}", row.attempts, row.contacts, row.share) for row in rows],
    )
    if not rows:
        return Shown(table, words="No call was made to a lead of this period.")
    highest = max(row.share or 0 for row in rows) or 1
    items = [
        Bar(f"call {row.number}", (row.share or 0) / highest, f"{percent(row.share or 0)} of {row.attempts:,}")
        for row in rows[:_MOST]
    ]  # fmt: skip
    made, spoken = sum(row.attempts for row in rows), sum(row.contacts for row in rows)
    later = sum(row.contacts for row in rows if row.number > 1)
    words = f"{percent(spoken / made)} of {made:,} calls reached the lead" + (
        f"; {percent(later / spoken)} of those only after the first." if spoken else ".")  # fmt: skip
    return Shown(table, charts.bars(items, words), words)


async def buckets(asking: Asking) -> Shown:
    rows = [row for row in await asking.numbers.buckets(asking.filters) if row.leads]
    table = Table(
        (Column("First attempt"), count("Leads"), count("Spoken to"), count("Qualified"),
         count("Customers"), share("Qualified, share"), share("Customers, share")),
        [(_BUCKETS[row.bucket], row.leads, row.contacted, row.qualified, row.converted,
          row.qualified_share, row.share) for row in rows],
    )  # fmt: skip
    if not rows:
        return Shown(table, words="No first attempt was made or due in this period.")
    highest = max(row.share or 0 for row in rows) or 1
    items = [
        Bar(_BUCKETS[row.bucket], (row.share or 0) / highest, _of(row.share, row.leads), _tone(row.leads))
        for row in rows
    ]  # fmt: skip
    words = (
        "Who became customers, by how soon after the form we first tried. Late answers often go to colder leads too."
    )
    return Shown(table, charts.bars(items, words), words)


def _of(part: float | None, leads: int) -> str:
    return f"{percent(part or 0)} of {leads:,}"


def _tone(leads: int) -> str:
    return "" if leads >= _FEW else "soft"


async def channels(asking: Asking) -> Shown:
    return await _by(asking, "channel", "Channel")


async def regions(asking: Asking) -> Shown:
    return await _by(asking, "country+region", "Region")


async def sources(asking: Asking) -> Shown:
    return await _by(asking, "source", "Source")


async def plans(asking: Asking) -> Shown:
    """Before and after a change of plan: the versions beside each other (REQ 129)."""
    return await _by(asking, "plan", "Plan")


async def _by(asking: Asking, by: str, title: str) -> Shown:
    found = await asking.numbers.compared(["first_attempt", "first_attempt_business"], asking.filters, by=by)
    table = Table(
        (Column(title), count("Leads"), share("Share of leads"), seconds("Median to first attempt"),
         seconds("P90"), share("In time"), share("Spoken to"), share("Qualified"),
         share("Customers"), count("Bought again")),
        [_row(row, speed, timely) for row, (speed, timely) in found],
    )  # fmt: skip
    if not found:
        return Shown(table, words="No lead came in this period.")
    largest = max(row.share_of_leads or 0 for row, _ in found) or 1
    items = [
        Bar(_name(row), (row.share_of_leads or 0) / largest, _says(row, speed), _tone(row.leads))
        for row, (speed, _) in found[:7]
    ]  # fmt: skip
    words = "Share of leads, the median time to the first attempt, and how many became customers."
    return Shown(table, charts.bars(items, words), words)


def _row(row: Outcomes, speed: Spread, timely: Spread) -> tuple[object, ...]:
    def of(part: int) -> float | None:
        return part / row.leads if row.leads else None

    return (
        _name(row), row.leads, row.share_of_leads, speed.median, speed.p90, timely.share,
        of(row.contacted), of(row.qualified), row.share, row.repeated,
    )  # fmt: skip


def _name(row: Outcomes) -> str:
    keys = list(row.keys)
    if len(keys) == 2 and keys[1].startswith(keys[0]):  # DE · DE-BY
        keys = keys[1:]
    return " · ".join(wording.plain(key) if key.islower() else key for key in keys if key) or "not known"


def _says(row: Outcomes, speed: Spread) -> str:
    median = NONE if speed.median is None else times.span(speed.median)
    return f"{percent(row.share_of_leads or 0)} · {median} · {percent(row.share or 0)}"


async def promises(asking: Asking) -> Shown:
    row = await asking.numbers.promises(asking.filters)
    early = await asking.numbers.touches_48h(asking.filters)
    table = Table(
        (Column("What"), count("Leads"), share("Share"), Column("Mean", "number")),
        [("Promised", row.promised, None, None), ("Due", row.due, None, None), ("Kept", row.kept, row.share, None),
         ("Broken", row.broken, None, None), ("Not due yet", row.waiting, None, None),
         ("Touches in the first 48 h, everybody", early.leads, None, early.touches),
         ("Calls in the first 48 h, everybody", early.leads, None, early.calls),
         ("Touches in the first 48 h, not reached", early.unreached, early.share, early.unreached_touches),
         ("Calls in the first 48 h, not reached", early.unreached, None, early.unreached_calls),
         ("Touches before giving up", early.given_up, None, early.given_up_touches)],
    )  # fmt: skip
    if not row.promised and not early.leads:
        return Shown(table, words="Nothing was promised in this period.")
    items = (
        [Bar("Promises kept", row.share, f"{percent(row.share)} of {row.due:,}", tone(row.share))]
        if row.share is not None
        else []
    )
    for name, number in (
        ("Touches in 48 h, not reached", early.unreached_touches),
        ("Touches before giving up", early.given_up_touches),
    ):
        if number is not None:
            items.append(
                Bar(
                    name,
                    min(1.0, number / 10),
                    f"{number:.1f} of 6 to 8" if "48" in name else f"{number:.1f}; usual are 1.3",
                )
            )
    late = f" The broken ones came {times.span(row.median_late)} late (median)." if row.median_late is not None else ""
    words = f"Do we do what the acknowledgement says, and do we stay at it?{late}"
    return Shown(table, charts.bars(items, words), words)


async def skips(asking: Asking) -> Shown:
    rows = await asking.numbers.skips(asking.filters)
    table = Table(
        (Column("What"), Column("Channel"), Column("Reason"), count("Touches"), count("Leads")),
        [(wording.TOUCH_STATES.get(row.kind, row.kind), wording.CHANNELS.get(row.channel, row.channel),
          wording.reason(row.reason, row.channel), row.touches, row.leads) for row in rows],
    )  # fmt: skip
    if not rows:
        return Shown(table, words="Nothing was left out or put off in this period.")
    ordered = sorted(rows, key=lambda row: -row.touches)
    items = [
        Bar(f"{wording.CHANNELS.get(row.channel, row.channel)} {wording.TOUCH_STATES.get(row.kind, row.kind)}: "
            f"{wording.plain(row.reason)}", row.touches / ordered[0].touches, f"{row.touches:,}",
            "" if row.kind == "skipped" else "soft")
        for row in ordered[:8]
    ]  # fmt: skip
    total = {kind: sum(row.touches for row in rows if row.kind == kind) for kind in ("skipped", "deferred")}
    words = f"{total['skipped']:,} touches were left out, {total['deferred']:,} put off."
    return Shown(table, charts.bars(items, words), words)


async def quality(asking: Asking) -> Shown:
    row = await asking.numbers.quality(asking.filters)
    parts: Sequence[tuple[str, int, int]] = (
        ("Can be reached: something works", row.valid, row.known),
        ("E-mail given", row.email_given, row.known),
        ("E-mail works", row.email_works, row.email_given),
        ("Phone given", row.phone_given, row.known),
        ("Phone works", row.phone_works, row.phone_given),
    )
    counts = (("Inquiries that joined an open lead", row.joined), ("People known already", row.known_people),
              ("Possible duplicates", row.possible_duplicates))  # fmt: skip
    table = Table(
        (Column("What"), count("Leads"), count("Of"), share("Share")),
        [(name, part, whole, part / whole if whole else None) for name, part, whole in parts]
        + [(name, number, None, None) for name, number in counts],
    )
    if not row.leads:
        return Shown(table, words="No lead came in this period.")
    items = [Bar(name, part / whole, f"{percent(part / whole)} of {whole:,}") for name, part, whole in parts if whole]
    prevented = row.joined + row.known_people
    words = (
        f"{prevented:,} times no second record was made: {row.joined:,} inquiries joined an open lead, "
        f"{row.known_people:,} people were known."
    )
    return Shown(table, charts.bars(items, words), words)


PANELS = (
    Panel("attempts", "Success by attempt", "attempts", attempts),
    Panel("buckets", "Customers by speed", "buckets", buckets),
    Panel("channels", "Channels", "outcomes", channels),
    Panel("regions", "Regions", "outcomes", regions),
    Panel("sources", "Sources", "outcomes", sources),
    Panel("plans", "Plans side by side", "outcomes", plans),
    Panel("promises", "Promises and persistence", "promises", promises),
    Panel("skips", "Left out and put off", "skips", skips),
    Panel("quality", "Data quality", "quality", quality),
)
