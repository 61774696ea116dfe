"""What leads bring, beside how fast they were answered: by segment, scenario and channel, as the books have it.

Amounts of two currencies are never added: whatever is money is told for each currency apart.
"""

from dataclasses import dataclass, field
from typing import Any

from speedlead.numbers import books
from speedlead.numbers.books import SEGMENTS, Books, Money, in_groups
from speedlead.numbers.filters import Filter
from speedlead.numbers.kept import Row
from speedlead.numbers.questions import AT, Question
from speedlead.numbers.read import Numbers

_VARIANT = "array_to_string(m.variants, ', ')"

_WON = "count(m.conversion_s)"
_JUDGED = f"count(*) filter (where m.first_attempt_in_time is not null or m.first_attempt_judged <= {AT})"
_LATE = f"m.first_attempt_in_time is not true and m.first_attempt_judged <= {AT}"
_IN_TIME = "count(*) filter (where m.first_attempt_in_time)"
_SPEED = {"first_attempt": "m.first_attempt_s"}


def _worth(*keys: str) -> Question:
    return Question({"leads": "count(*)", "won": _WON, "again": "count(m.repeat_cycle_s)"}, _SPEED, keys)


_RISK = Question(
    {"leads": "count(*)", "judged": _JUDGED, "in_time": _IN_TIME,
     "won_in_time": "count(m.conversion_s) filter (where m.first_attempt_in_time)",
     "won_late": f"count(m.conversion_s) filter (where {_LATE})",
     "waiting": f"count(*) filter (where m.is_open and m.first_attempt_in_time is null and {_LATE})"},
    keys=("m.channel", "m.segment"),
)  # fmt: skip


def _scenarios(key: str) -> Question:
    sums = {"leads": "count(*)", "judged": _JUDGED, "in_time": _IN_TIME, "won": _WON}
    return Question(sums, _SPEED, ("m.plan", _VARIANT, SEGMENTS[key], "m.channel"))


@dataclass(frozen=True, slots=True)
class Worth:
    """`by`: a name of SEGMENTS, or all. `won`: customers, `again` of them had bought before; `booked`: in the books.

    `repeats`: sales to people who had bought before, also those of a program that followed one of the leads.
    `median`: seconds to the first attempt. `money`: one for each currency, the most deals first.
    """

    by: str
    name: str
    leads: int
    won: int
    again: int
    repeats: int
    booked: int
    median: float | None
    money: tuple[Money, ...] = field(default=())

    @property
    def sales(self) -> int:
        return self.won - self.again + self.repeats

    def in_currency(self, code: str) -> Money | None:
        return next((money for money in self.money if money.currency == code), None)


@dataclass(frozen=True, slots=True)
class Risk:
    """Leads of one channel and client type. `judged`: their first attempt was in time, or is late; `waiting`: late, and
    not made yet, of open leads. `client`: the segment.
    """

    channel: str
    client: str
    leads: int
    judged: int
    in_time: int
    won_in_time: int
    won_late: int
    waiting: int

    @property
    def late(self) -> int:
        return self.judged - self.in_time


@dataclass(frozen=True, slots=True)
class Scenario:
    """Leads of one plan, and variant of an experiment, by type or segment, in one channel."""

    plan: str
    variant: str
    by: str
    name: str
    channel: str
    leads: int
    median: float | None
    judged: int
    in_time: int
    won: int


class WorthNumbers(Numbers):
    """The figures, and what leads bring. An empty period gives no rows."""

    async def worth(self, wanted: Filter) -> list[Worth]:
        """All leads first, then by SEGMENTS in their order, the largest group first."""
        in_books = await self._books(wanted)
        found = []
        for by, question in {"all": _worth(), **{name: _worth(key) for name, key in SEGMENTS.items()}}.items():
            groups = [("".join(keys), row) for keys, row in (await self._ask(question, wanted)).items()]
            found += [
                Worth(by, name, **_counts(row), repeats=in_books.repeats.get((by, name), 0),
                      booked=in_books.booked.get((by, name), 0), median=row.times["first_attempt"].median,
                      money=tuple(in_books.money.get((by, name), ())))
                for name, row in sorted(groups, key=_largest) if row.sums["leads"]
            ]  # fmt: skip
        return found

    async def _books(self, wanted: Filter) -> Books:
        """As they were read before, where nothing of them has changed since."""

        async def read() -> Books:
            money = await self._rows(books.MONEY, wanted, wanted.taken_at)
            return in_groups(money, await self._rows(books.REPEATS, wanted))

        if self._kept is None:
            return await read()
        return await self._kept.as_read(self._pool, books.LOOK, await self._values(wanted), read)

    async def risk(self, wanted: Filter) -> list[Risk]:
        """By channel and client type, the most leads first."""
        groups = sorted((await self._ask(_RISK, wanted)).items(), key=_largest)
        return [Risk(channel, client, **_counts(row)) for (channel, client), row in groups if row.sums["leads"]]

    async def scenarios(self, wanted: Filter) -> list[Scenario]:
        """Once by lead type and once by segment, the most leads first."""
        found = []
        for by in ("type", "segment"):
            for (plan, variant, name, channel), row in (await self._ask(_scenarios(by), wanted)).items():
                median = row.times["first_attempt"].median
                if row.sums["leads"]:
                    found.append(Scenario(plan, variant, by, name, channel, median=median, **_counts(row)))
        return sorted(found, key=lambda one: (-one.leads, one.by, one.plan, one.variant, one.name, one.channel))


def _counts(row: Row) -> dict[str, int]:
    return {name: round(value) for name, value in row.sums.items()}


def _largest(group: tuple[Any, Row]) -> tuple[float, Any]:
    return -group[1].sums["leads"], group[0]
