"""The panel of changes: what we changed on the axis of time, and the agreed figures before and after it (REQ 129)."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from markupsafe import Markup, escape

from speedlead import times
from speedlead.domain.quality import Score
from speedlead.gateway.numbers.asking import Asking
from speedlead.gateway.numbers.panels import Panel, Shown
from speedlead.gateway.numbers.speed import tone
from speedlead.gateway.numbers.tables import NONE, Column, Table, count, percent
from speedlead.gateway.numbers.timeline import Slot, timeline
from speedlead.numbers.agreed import FIGURES, Figure, Value
from speedlead.numbers.changes import FOLLOWED, WEEK, Compared, Mark, moves
from speedlead.numbers.filters import Filter
from speedlead.numbers.rows import Spread

# as many are compared, the newest; more would be read by nobody, and chance would flag some
MOST = 12
_DAYS = timedelta(days=21)
# what comes of leads needs time: counted within FOLLOWED
LATE_FIGURES = ("outcomes", "qualification")
QUALITY = f"Quality of contacts within {FOLLOWED.days} days"
KINDS = {"plan": "Plan", "routing": "Routing file", "lanes": "Rules of lanes", "calendar": "Calendar file",
         "text": "Texts", "script": "Script", "people": "People", "duty": "On call",
         "experiment": "Experiment"}  # fmt: skip
PEOPLE = {"added": "added", "left": "left", "back": "back", "hours": "with other hours", "share": "with another share",
          "away": "away", "stand_in": "standing in"}  # fmt: skip


async def changes(asking: Asking) -> Shown:
    wanted = asking.filters
    everything = await asking.numbers.changes(wanted)
    marks = everything[-MOST:]
    compared = await asking.numbers.compared_at(marks, wanted)
    table = Table(
        (Column("When (UTC)"), Column("What"), Column("Figure"), Column("Before"), Column("After"),
         count("Leads before"), count("Leads after"), count("Weeks"), count("Other changes in them"),
         Column("What it says")),
        [row for one in compared for row in _rows(one, wanted.taken_at)],
    )  # fmt: skip
    if not marks:
        return Shown(table, words="Nothing of ours changed in this period.")
    by = "day" if wanted.end - wanted.start <= _DAYS else "week"
    shares = await asking.numbers.spread("first_attempt_business", wanted, by=by)
    slots = _slots(wanted, by, {row.group: row for row in shares})
    tests = sum(len(FIGURES) + 1 for one in compared if one.before is not None and one.after is not None)
    words = f"{len(everything):,} changes" + (f", the newest {MOST} compared" if len(everything) > MOST else "") + (
        f". Columns: first attempts in time, by {by}. Both sides of a change are as long, in whole weeks. Of {tests} "
        f"comparisons chance alone flags about {tests / 100:.1f}." if tests else f". Columns: in time, by {by}."
    )  # fmt: skip
    picture = timeline(slots, [_at(mark.at, wanted, by) for mark in marks], words) + _listed(compared, wanted.taken_at)
    return Shown(table, picture, words)


def title(mark: Mark) -> str:
    """'Plan inbound:5', 'People: 2 added, 1 with other hours'."""
    kind = KINDS[mark.kind]
    if mark.kind in ("routing", "calendar"):
        return kind
    if mark.kind in ("people", "duty"):
        counts: dict[str, int] = {}
        for change in mark.changes:
            counts[change.what] = counts.get(change.what, 0) + change.many
        return f"{kind}: " + ", ".join(f"{many} {PEOPLE[what]}" for what, many in counts.items())
    told = [change.what for change in mark.changes]
    return f"{kind} " + ", ".join(told[:3]) + (f" and {len(told) - 3} more" if len(told) > 3 else "")


def _rows(one: Compared, now: datetime) -> list[tuple[object, ...]]:
    head = (times.clock(one.mark.at, "UTC"), title(one.mark))
    if one.before is None or one.after is None:
        return [(*head, "", "", "", None, None, one.windows.length // WEEK, one.also, _why_not(one, now))]
    rows: list[tuple[object, ...]] = []
    for figure, old, new, moved in zip(
        FIGURES, one.before.values, one.after.values, moves(one.before, one.after), strict=True
    ):
        late = figure.metric in LATE_FIGURES
        length = one.windows.followed if late else one.windows.length
        says = (
            f"can be said from {times.clock(one.mark.at + WEEK + FOLLOWED, 'UTC')} on" if not length
            else ("rose" if moved > 0 else "fell") + " by more than chance explains" if moved
            else "not told apart from chance"
        )  # fmt: skip
        rows.append((*head, named(figure), _said(figure, old), _said(figure, new), old.leads, new.leads,
                     length // WEEK, one.also, says))  # fmt: skip
    return [*rows, (*head, *_quality(one))]


def _quality(one: Compared) -> tuple[object, ...]:
    """Beside the speed; counted in contacts, and not in leads."""
    found, length = one.quality, one.windows.followed
    says = (
        f"can be said from {times.clock(one.mark.at + WEEK + FOLLOWED, 'UTC')} on" if not length
        else "contacts of both sides have to be reviewed" if not (found.before.reviewed and found.after.reviewed)
        else ("rose" if found.moved > 0 else "fell") + " by more than chance explains" if found.moved
        else "not told apart from chance"
    )  # fmt: skip
    return (QUALITY, _score(found.before), _score(found.after), None, None, length // WEEK, one.also, says)


def _score(of: Score) -> str:
    if of.mean is None or of.low is None or of.high is None:
        return NONE
    return f"{percent(of.mean)} ({percent(of.low)} to {percent(of.high)}, {of.reviewed:,} reviewed)"


def named(figure: Figure) -> str:
    return f"{figure.title} within {FOLLOWED.days} days" if figure.metric in LATE_FIGURES else figure.title


def _said(figure: Figure, value: Value) -> str:
    if value.value is None:
        return NONE
    return percent(value.value) if figure.kind == "share" else times.span(value.value)


def _why_not(one: Compared, now: datetime) -> str:
    if not one.windows.length:
        return f"can be compared from {times.clock(one.mark.at + WEEK, 'UTC')} on"
    return "no lead of this filter came on " + (
        "either side" if one.before is one.after else "the side before" if one.before is None else "the side after"
    )


def _listed(compared: Sequence[Compared], now: datetime) -> Markup:
    lines = [
        f"<li><strong>{escape(title(one.mark))}</strong> <span>{times.clock(one.mark.at, 'UTC')}</span>: "
        f"{escape(_summary(one, now))}</li>"
        for one in compared
    ]
    return Markup(f'<ol class="marks">{"".join(lines)}</ol>')  # noqa: S704 what anybody typed went through escape


def _summary(one: Compared, now: datetime) -> str:
    if one.before is None or one.after is None:
        return f"{_why_not(one, now)}."
    moved = [
        f"{named(figure)} {_said(figure, old)} → {_said(figure, new)}"
        for figure, old, new, way in zip(
            FIGURES, one.before.values, one.after.values, moves(one.before, one.after), strict=True
        )
        if way
    ]
    if one.quality.moved:
        moved.append(f"{QUALITY} {_score(one.quality.before)} → {_score(one.quality.after)}")
    said = "; ".join(moved) + ", more than chance explains" if moved else "no figure moved by more than chance explains"
    if one.also and moved:
        said += f"; {one.also} other change{'s' * (one.also > 1)} in those weeks, so nobody can tell which did it"
    return f"{said}."


# ── the axis ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _first(wanted: Filter, by: str) -> date:
    day = wanted.start.date()
    return day - timedelta(days=day.weekday()) if by == "week" else day


def _slots(wanted: Filter, by: str, shares: dict[str, Spread]) -> list[Slot]:
    """Every day or week of the period, also those without a lead; the filter's days are UTC's."""
    slots, day = [], _first(wanted, by)
    last = (wanted.end - timedelta(microseconds=1)).date()
    while day <= last:
        row = shares.get(day.isoformat() if by == "day" else f"{day:%G-W%V}")
        share = row.share if row else None
        slots.append(Slot(f"{day:%-d %b}", share, tone(share)))
        day += timedelta(days=1 if by == "day" else 7)
    return slots


def _at(at: datetime, wanted: Filter, by: str) -> float:
    """In slots from the left."""
    begins = datetime.combine(_first(wanted, by), datetime.min.time(), at.tzinfo)
    return (at - begins) / (timedelta(days=1) if by == "day" else WEEK)


PANEL = Panel("changes", "Changes, before and after", "changes", changes, broad=True)
