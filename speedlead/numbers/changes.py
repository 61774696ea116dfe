"""What changed in the house, and the agreed figures as long before as after it (REQ 129)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Literal, get_args

from speedlead.numbers.agreed import Part, Value, differs
from speedlead.numbers.chance import Sample, moved
from speedlead.numbers.filters import Filter
from speedlead.numbers.kept import Row
from speedlead.numbers.quality import AROUND, Reviewed, reviewed
from speedlead.numbers.questions import AT, Question, when
from speedlead.numbers.worth import WorthNumbers

Kind = Literal["plan", "routing", "lanes", "calendar", "text", "script", "people", "duty", "experiment"]
KINDS: tuple[str, ...] = get_args(Kind)
WEEK = timedelta(days=7)
MOST_WEEKS = 4
# what comes of a lead counts if it comes so soon, so that the newer leads are not behind for being newer
FOLLOWED = WEEK
_TOGETHER = timedelta(hours=1)

_CHANGES = """
select at_wall as at, kind, what, many::int as many from metric_change where at_wall >= $1 and at_wall < $2
order by at_wall, kind, what"""


def _around(at: datetime, followed: timedelta) -> Question:
    """Of leads by whether they came before or after `at`; what comes of them, of those that could be followed."""
    could = f"m.created_at >= {_literal(at - followed)} and m.created_at < {_literal(at + followed)}"
    return _standing(FOLLOWED, could, (f"(m.created_at >= {_literal(at)})::text",))


def _standing(followed: timedelta, could: str = "true", keys: tuple[str, ...] = ()) -> Question:
    """The agreed figures; what comes of leads counts within `followed`, of those that `could` be followed so long.

    Times that are compared as samples have the sums of their logarithms, and of the squares of those.
    """
    soon = f"{followed.total_seconds():.0f}"
    times = {
        "hot": "case when m.lead_type = 'hot' then m.first_attempt_s end",
        "decided": f"case when {could} and m.first_contact_s + m.qualification_s <= {soon} then m.qualification_s end",
    }
    logs = {name: f"ln(greatest({time}, 1))" for name, time in times.items()}
    return Question(
        {"leads": "count(*)", "followed": when(could),
         "acknowledgement_of": when(f"m.acknowledgement_in_time is not null or m.acknowledgement_due <= {AT}"),
         "acknowledgement": when("m.acknowledgement_in_time"),
         "answered_of": when(f"m.first_attempt_in_time is not null or m.first_attempt_judged <= {AT}"),
         "answered": when("m.first_attempt_in_time"),
         "promises_of": when(f"m.kept is not null or m.promise_due <= {AT}"), "promises": when("m.kept"),
         "reachable_of": "count(m.valid)", "reachable": when("m.valid"),
         "contacted": when(f"{could} and m.first_contact_s <= {soon}"),
         "converted": when(f"{could} and m.conversion_s <= {soon}"),
         **{f"{name}_ln": f"coalesce(sum({log}), 0)" for name, log in logs.items()},
         **{f"{name}_ln2": f"coalesce(sum({log} ^ 2), 0)" for name, log in logs.items()}},
        times, keys,
    )  # fmt: skip


def _literal(at: datetime) -> str:
    return f"timestamptz '{at.astimezone(UTC).isoformat()}'"


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

    async def side(self, wanted: Filter, followed: timedelta) -> Side | None:
        """Of the filter's leads that came at least `followed` before its end; what comes of them counts within that
        time, so that older leads are not ahead for being older. None: no lead came.
        """
        earlier = {"end": wanted.end - followed, "at": wanted.taken_at, "period": None}
        row = await self._one(_standing(followed), wanted.model_copy(update=earlier))
        return _side(row) if row.sums["leads"] else None

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
        sides: dict[tuple[int, bool], Side] = {}
        for n, (mark, one) in enumerate(zip(marks, around, strict=True), 1):
            if one.length:
                weeks = {"start": mark.at - one.length, "end": mark.at + one.length, "period": None}
                leads = wanted.model_copy(update={**weeks, "at": wanted.taken_at})
                for (after,), row in (await self._ask(_around(mark.at, one.followed), leads)).items():
                    if row.sums["leads"]:
                        sides[n, after == "true"] = _side(row)
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


def _side(row: Row) -> Side:
    def share(part: str, whole: str) -> tuple[Value, None]:
        found = Part(round(row.sums[part]), round(row.sums[whole]))
        return Value(found.share, found.whole, found), None

    def time(name: str) -> tuple[Value, Sample]:
        found = row.times[name]
        sample = Sample.of_sums(found.count, row.sums[f"{name}_ln"], row.sums[f"{name}_ln2"])
        return Value(found.median, found.count), sample

    values, samples = zip(
        share("acknowledgement", "acknowledgement_of"), share("answered", "answered_of"), time("hot"),
        share("contacted", "followed"), time("decided"), share("converted", "followed"),
        share("promises", "promises_of"), share("reachable", "reachable_of"), strict=True,
    )  # fmt: skip
    return Side(round(row.sums["leads"]), values, samples)
