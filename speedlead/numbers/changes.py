"""What changed in the house, and the agreed figures as long before as after it (REQ 129)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Literal, get_args

from speedlead.numbers.agreed import Part, Value, differs
from speedlead.numbers.chance import Sample, moved
from speedlead.numbers.filters import Filter
from speedlead.numbers.quality import AROUND, Reviewed, reviewed
from speedlead.numbers.worth import WorthNumbers

Kind = Literal["plan", "routing", "calendar", "text", "script", "people", "duty", "experiment"]
KINDS: tuple[str, ...] = get_args(Kind)
WEEK = timedelta(days=7)
MOST_WEEKS = 4
# what comes of a lead counts if it comes so soon, so that the newer leads are not behind for being newer
FOLLOWED = WEEK
_TOGETHER = timedelta(hours=1)

_CHANGES = """
select at_wall as at, kind, what, many::int as many from metric_change where at_wall >= $1 and at_wall < $2
order by at_wall, kind, what"""

_TIME = """count({v}) filter (where {ok}) as {name}_count,
    percentile_cont(0.5) within group (order by {v}) filter (where {ok}) as {name}_median,
    avg(ln(greatest({v}, 1))) filter (where {ok}) as {name}_mean,
    stddev_samp(ln(greatest({v}, 1))) filter (where {ok}) as {name}_sd"""
_WITHIN = f"followed and {{v}} <= {FOLLOWED.total_seconds():.0f}"
_HOT = _TIME.format(name="hot", v="first_attempt_s", ok="lead_type = 'hot'")
_DECIDED = _TIME.format(name="decided", v="qualification_s", ok=_WITHIN.format(v="first_contact_s + qualification_s"))
# $13 to $15: marks, how long before and after, and how long of those whose leads could be followed
_COMPARED = f"""
select n::int as n, after, count(*)::int as leads, (count(*) filter (where followed))::int as followed,
    count(*) filter (where acknowledgement_in_time is not null or acknowledgement_due <= at) as acknowledgement_of,
    count(*) filter (where acknowledgement_in_time) as acknowledgement,
    count(*) filter (where first_attempt_in_time is not null or first_attempt_judged <= at) as answered_of,
    count(*) filter (where first_attempt_in_time) as answered,
    count(*) filter (where kept is not null or promise_due <= at) as promises_of,
    count(*) filter (where kept) as promises, count(valid) as reachable_of, count(*) filter (where valid) as reachable,
    count(*) filter (where {_WITHIN.format(v="first_contact_s")}) as contacted,
    count(*) filter (where {_WITHIN.format(v="conversion_s")}) as converted,
    {_HOT}, {_DECIDED}
from (select m.*, k.n, m.created_at >= k.at as after, {{at}} as at,
        m.created_at >= k.at - k.followed and m.created_at < k.at + k.followed as followed
    from {{leads}} join unnest($13::timestamptz[], $14::interval[], $15::interval[]) with ordinality
        k (at, length, followed, n) on m.created_at >= k.at - k.length and m.created_at < k.at + k.length) x
group by n, after order by n, after"""  # noqa: S608 our own text


@dataclass(frozen=True, slots=True)
class Change:
    """`what`: a code, such as inbound:4, email/intro.en v3 or added. `many`: people, or 1."""

    at: datetime
    kind: str
    what: str
    many: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Changes of one kind within an hour; `at`: of the first."""

    at: datetime
    kind: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Windows:
    """So long before and after a mark. `followed`: the same for what comes of leads, which needs FOLLOWED more.

    Whole weeks, so that both sides have the same weekdays; zero while too little time has passed.
    """

    length: timedelta
    followed: timedelta


@dataclass(frozen=True, slots=True)
class Side:
    """`values`: of agreed.FIGURES, in their order. `samples`: logarithms of the seconds of those that are times."""

    leads: int
    values: tuple[Value, ...]
    samples: tuple[Sample | None, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """`also`: other marks within the windows, whose doing a difference may be as well.

    `quality`: of reviewed contacts within FOLLOWED with the leads that could be followed.
    """

    mark: Mark
    windows: Windows
    before: Side | None
    after: Side | None
    also: int
    quality: Reviewed


def together(changes: Sequence[Change]) -> list[Mark]:
    """`changes` in their order; a roll-out of ten texts is one mark."""
    found: list[Mark] = []
    ordered = sorted(changes, key=lambda change: (change.kind, change.at))
    for kind, of_kind in groupby(ordered, key=lambda change: change.kind):
        several: list[Change] = []
        for change in of_kind:
            if several and change.at - several[0].at >= _TOGETHER:
                found.append(Mark(several[0].at, kind, tuple(several)))
                several = []
            several.append(change)
        found.append(Mark(several[0].at, kind, tuple(several)))
    return sorted(found, key=lambda mark: (mark.at, mark.kind))


def moves(before: Side, after: Side) -> tuple[int, ...]:
    """Of each figure: 1 or -1 where it rose or fell by more than chance explains (99 %), else 0."""
    return tuple(
        _moved(*sides, *samples)
        for sides, samples in zip(
            zip(before.values, after.values, strict=True), zip(before.samples, after.samples, strict=True), strict=True
        )
    )


def _moved(old: Value, now: Value, old_times: Sample | None, now_times: Sample | None) -> int:
    if old_times is not None and now_times is not None:
        return moved(now_times, old_times)
    if old.part is None or now.part is None or not differs(now.part, old.part):
        return 0
    return 1 if (now.value or 0) > (old.value or 0) else -1


def windows(at: datetime, now: datetime) -> Windows:
    def weeks(passed: timedelta) -> timedelta:
        return WEEK * max(0, min(MOST_WEEKS, passed // WEEK))

    return Windows(weeks(now - at), weeks(now - at - FOLLOWED))


class ChangeNumbers(WorthNumbers):
    """The figures, what leads bring, and what changed meanwhile."""

    async def changes(self, wanted: Filter) -> list[Mark]:
        """Of the whole house, whatever the filter says besides the period; the oldest first."""
        rows = await self._pool.fetch(_CHANGES, wanted.start, wanted.end)
        return together([Change(**row) for row in rows])

    async def compared_at(self, marks: Sequence[Mark], wanted: Filter) -> list[Compared]:
        """The same leads as the filter's, of the weeks around each mark instead of its period."""
        if not marks:
            return []
        around = [windows(mark.at, wanted.taken_at) for mark in marks]
        reach = wanted.model_copy(update={
            "start": min(mark.at - one.length for mark, one in zip(marks, around, strict=True)) - timedelta(seconds=1),
            "end": max(mark.at + one.length for mark, one in zip(marks, around, strict=True)) + timedelta(seconds=1),
            "period": None,
        })  # fmt: skip
        rows = await self._rows(
            _COMPARED, reach.model_copy(update={"at": wanted.taken_at}), wanted.taken_at,
            [mark.at for mark in marks], [one.length for one in around], [one.followed for one in around],
        )  # fmt: skip
        sides = {(row["n"], row["after"]): _side(row) for row in rows}
        contacts = {
            (row["n"], row["after"]): row
            for row in await self._rows(
                AROUND, reach, [mark.at for mark in marks], [one.followed for one in around], FOLLOWED
            )
        }
        return [
            Compared(mark, one, sides.get((n, False)), sides.get((n, True)),
                     sum(other is not mark and abs(other.at - mark.at) < one.length for other in marks),
                     reviewed(contacts.get((n, False)), contacts.get((n, True))))
            for n, (mark, one) in enumerate(zip(marks, around, strict=True), 1)
        ]  # fmt: skip


def _side(row: Any) -> Side:
    def share(part: str, whole: str) -> tuple[Value, None]:
        found = Part(row[part], row[whole])
        return Value(found.share, found.whole, found), None

    def time(name: str) -> tuple[Value, Sample]:
        count = row[f"{name}_count"]
        return Value(row[f"{name}_median"], count), Sample(count, row[f"{name}_mean"], row[f"{name}_sd"])

    values, samples = zip(
        share("acknowledgement", "acknowledgement_of"), share("answered", "answered_of"), time("hot"),
        share("contacted", "followed"), time("decided"), share("converted", "followed"),
        share("promises", "promises_of"), share("reachable", "reachable_of"), strict=True,
    )  # fmt: skip
    return Side(row["leads"], values, samples)
