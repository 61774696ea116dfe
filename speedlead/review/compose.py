"""Composes the review of one week from the rows (REQ 132): figures, where time is lost, leads worth reading, goals."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from speedlead import times, wording
from speedlead.domain.review_week import Week, day_of
from speedlead.experiments.reading import result_of
from speedlead.experiments.verdict import verdict
from speedlead.numbers import agreed
from speedlead.numbers.agreed import FIGURES, Value
from speedlead.numbers.filters import Filter
from speedlead.numbers.read import Numbers
from speedlead.numbers.rows import Breach as BreachRow
from speedlead.numbers.rows import Phase as PhaseRow
from speedlead.review import content
from speedlead.review.content import Review
from speedlead.review.goals import progress
from speedlead.store import experiments, hygiene_findings, quality_scores, review_rows
from speedlead.store.transactions import transact
from speedlead.store.two_spans import Span, two_spans

# figures that leads need time for: both weeks as they stood when they were over (store/two_spans.py)
_RIPENS = {"First attempt at hot leads": "hot_attempt", "Spoken to": "contact", "Talk to decision": "decision",
           "Became customers": "conversion"}  # fmt: skip
# nobody is to be there then: it is the plan's time, not lost
_CLOSED = "closed_hours"
MOST_PHASES, MOST_BREACHES = 5, 6
# a report over long ago may take its time
_WITHIN_S = 60.0


async def compose(pool: Any, numbers: Numbers, week: Week, zone: str) -> Review:
    """Of any week, also one in which nothing came, and one that is not over. Raises StoreUnavailable."""
    (start, end), (old_start, _) = week.bounds(zone), week.before.bounds(zone)
    now = Filter(start=start, end=end, at=end, zone=zone)
    old = Filter(start=old_start, end=start, at=start, zone=zone)
    values, before = await agreed.values(numbers, now), await agreed.values(numbers, old)
    phases, old_phases = await numbers.phases(now), await numbers.phases(old)
    breaches, old_breaches = await numbers.breaches(now), await numbers.breaches(old)
    quality = await numbers.quality(now)
    old_quality = await numbers.quality(old)

    async def rows(conn: Any) -> Review:
        return Review(
            week=week.name,
            zone=zone,
            leads=quality.leads,
            leads_before=old_quality.leads,
            figures=await _figures(conn, values, before, (old_start, start), (start, end)),
            phases=_phases(phases, old_phases),
            breaches=_breaches(breaches, old_breaches),
            trials=await _trials(conn, start, end),
            worth=await _worth(conn, week, start, end),
            feedback=_feedback(await review_rows.said(conn, start, end, old_start)),
            goals=await _goals(conn, week, zone),
            changes=tuple(
                content.Change(kind=row["kind"], many=row["many"], what=tuple(row["what"] or ()))
                for row in await review_rows.changes(conn, start, end)
            ),
            quality=content.Quality(
                known=quality.known, valid=quality.valid, email_given=quality.email_given,
                email_works=quality.email_works, phone_given=quality.phone_given, phone_works=quality.phone_works,
                joined=quality.joined, possible_duplicates=quality.possible_duplicates,
            ),
            contacts=await _contacts(conn, week, zone),
            hygiene=await _hygiene(conn, week, end),
        )  # fmt: skip

    return await transact(pool, rows, within_s=_WITHIN_S)


async def _figures(
    conn: Any, now: Sequence[Value], old: Sequence[Value], before: Span, week: Span
) -> tuple[content.Figure, ...]:
    found = []
    for one, value, was in zip(FIGURES, now, old, strict=True):
        if (name := _RIPENS.get(one.title)) is not None:
            first, second, apart = await two_spans(conn, name, before, week)
            here, leads, there = second.value, second.count, first.value
        else:
            here, leads, there = value.value, value.leads, was.value
            apart = value.part is not None and was.part is not None and agreed.differs(value.part, was.part)
        found.append(content.Figure(
            title=one.title, owner=one.owner, kind=one.kind, value=here, leads=leads, before=there, target=one.target,
            tone=one.tone(here), changed=apart,
        ))  # fmt: skip
    return tuple(found)


def _phases(now: Sequence[PhaseRow], old: Sequence[PhaseRow]) -> tuple[content.Phase, ...]:
    """The longest first; leads that are still in a phase count with the time that they have been in it."""
    lost = [row for row in now if row.phase != _CLOSED and row.total_s + row.lasting_s > 0]
    whole = sum(row.total_s + row.lasting_s for row in lost)
    before = {row.phase: row.median for row in old}
    lost.sort(key=lambda row: (-(row.total_s + row.lasting_s), row.phase))
    return tuple(
        content.Phase(
            phase=row.phase, leads=row.ended + row.lasting, total_s=row.total_s + row.lasting_s, median_s=row.median,
            share=(row.total_s + row.lasting_s) / whole, median_before_s=before.get(row.phase),
        )
        for row in lost[:MOST_PHASES]
    )  # fmt: skip


def _breaches(now: Sequence[BreachRow], old: Sequence[BreachRow]) -> tuple[content.Breach, ...]:
    """Those of the week before that came no more stand there too: that is news."""
    was = {(row.target, row.phase): row.missed for row in old}
    found = [
        content.Breach(
            target=row.target, phase=row.phase, missed=row.missed, still_open=row.still_open,
            before=was.pop((row.target, row.phase), 0),
        )
        for row in now
    ]  # fmt: skip
    found += [
        content.Breach(target=target, phase=phase, missed=0, still_open=0, before=missed)
        for (target, phase), missed in was.items()
    ]
    return tuple(sorted(found, key=lambda one: (-max(one.missed, one.before), one.target, one.phase)))


async def _trials(conn: Any, start: datetime, end: datetime) -> tuple[content.Trial, ...]:
    found = []
    for one in await experiments.all_known(conn):
        if one.started_wall is None or one.started_wall >= end or (one.ended_wall and one.ended_wall < start):
            continue
        result, question = await result_of(conn, one, end), one.definition.question
        ended = one.ended_wall is not None and one.ended_wall < end
        says = verdict(question, result, ended=ended).head if question is not None else "A roll-out asks nothing."
        found.append(content.Trial(
            id=one.definition.id, title=one.definition.title, state="ended" if ended else "running",
            persons=sum(arm.count.persons for arm in result.arms), says=says,
        ))  # fmt: skip
    return tuple(found)


async def _worth(conn: Any, week: Week, start: datetime, end: datetime) -> tuple[content.Worth, ...]:
    """Three at most: the hot lead that was lost worst, the best recovery, and one by lot."""
    found: list[content.Worth] = []
    if (row := await review_rows.lost(conn, start, end)) is not None:
        first = f"was first tried after {times.span(row['waited_s'])}" if row["tried"] else "was never tried"
        spoken = "spoken to" if row["spoken"] else "never spoken to"
        # words that somebody typed may name people: they would outlive an erasure here, and go out by mail
        code = row["reason"] or ""
        ended = wording.reason(code) if wording.is_code(code) else "for a reason in somebody's own words"
        why = f"{first}, {spoken}, {_many(row['missed'], 'target')} missed; it ended: {ended}"
        found.append(content.Worth(kind="lost", lead_id=row["lead_id"], why=why))
    if (row := await review_rows.recovered(conn, start, end, [one.lead_id for one in found])) is not None:
        why = (
            f"{_many(row['missed'], 'target')} missed, then {wording.result(row['outcome'])} after "
            f"{_many(row['touches'], 'touch', 'touches')} and {times.span(row['took_s'])}"
        )
        found.append(content.Worth(kind="recovered", lead_id=row["lead_id"], why=why))
    if (row := await review_rows.by_lot(conn, start, end, [one.lead_id for one in found], week.name)) is not None:
        why = f"drawn by lot: a {row['lead_type']} lead, now {wording.stage(row['stage'])}"
        found.append(content.Worth(kind="random", lead_id=row["lead_id"], why=why))
    return tuple(found)


def _feedback(rows: dict[str, Any]) -> content.Feedback:
    now, old = rows["now"], rows["old"]
    names = ("fast", "of_speed", "helpful", "of_contact")
    return content.Feedback(**{name: now[name] for name in names}, **{f"{name}_before": old[name] for name in names})


async def _contacts(conn: Any, week: Week, zone: str) -> content.Contacts:
    """Beside the speed; as it is known when the review is composed."""
    newest = week.before
    now = await quality_scores.between(conn, *newest.bounds(zone))
    old = await quality_scores.between(conn, *newest.before.bounds(zone))
    return content.Contacts(
        reviewed=now.reviewed, mean=now.mean, low=now.low, high=now.high, reviewed_before=old.reviewed,
        mean_before=old.mean,
    )  # fmt: skip


async def _hygiene(conn: Any, week: Week, end: datetime) -> content.Hygiene:
    """Of the look that was made for this week, else of the newest before."""
    runs = await hygiene_findings.until(conn, week.name, end)
    if not runs:
        return content.Hygiene()
    found, before = runs[0].findings, runs[1].findings if len(runs) > 1 else {}
    return content.Hygiene(
        looked_at=runs[0].looked_at, found=sum(found.values()), before=sum(before.values()) if before else None,
        repaired=runs[0].repaired, most=max(found, key=lambda kind: found[kind]),
        of_most=max(found.values()),
    )  # fmt: skip


async def _goals(conn: Any, week: Week, zone: str) -> tuple[content.Goal, ...]:
    _, end = week.bounds(zone)
    return tuple(
        content.Goal(
            title=one.goal.aim.title, kind=one.goal.aim.kind, target=one.goal.target,
            starts_on=one.goal.starts_on.isoformat(), horizon=one.goal.horizon, day=one.day,
            baseline=one.baseline.value, now=one.now.value if one.now else None,
            checks=tuple(
                content.Check(day=at.day, value=at.measured.value, code=at.verdict.code, says=at.verdict.text)
                for at in one.checks
            ),
        )
        for one in await progress(conn, day_of(end, zone), zone)
    )  # fmt: skip


def _many(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
