"""What was counted is kept for a while, and only what has changed since is counted again.

A question over half a year is counted once, within one snapshot of the database. Whoever asks again gets that, without
the facts that went since and with those that came (`facts_off`, `facts_on` in migration …600_fact_changes.sql); facts
that are judged otherwise only because time went on are judged again. The answer is the one that counting everything
would give, whatever happened: where that is not certain any more, everything is counted.

What is counted is counted in columns, where the house is big and this process has them (columns.py).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import asyncpg

from speedlead.numbers import queries
from speedlead.numbers.columns import Columns
from speedlead.numbers.queries import Values
from speedlead.numbers.questions import Question
from speedlead.numbers.tally import NONE, PARTS, Keys, Moved, Tally, Timed, Times, added, tally_of, timed

# a report over years may take longer than anything else that asks the database
WITHIN_S = 60.0
# sorts stay in memory, where a million times take 8 MB each; compiling a question costs more than it saves; and what is
# best for the last minute is not for half a year, so no plan is for any period
MEANS = "set local work_mem = '96MB'; set local jit = off; set local plan_cache_mode = force_custom_plan"
# what is older, or has seen more changes, is counted anew while it still answers
OLD, MANY = timedelta(hours=1), 5_000
# a period whose start has gone on by more than this part of it is counted anew
_GONE_ON = 0.05
# of `n` values so many are kept on each side of a percentile: what 5,000 changes move it by
_WIDE = "64 + n / 200"
_MOST, _PERIODS = 1_200, 6
# what else is asked for makes another question; a period and the instant of the figures go on
_SAME = (*queries.CONDITIONS, "unowned", "zone", "teams", "team_reps")

T = TypeVar("T")
# seconds that went into counting for the first time, for whoever wants to know; they do not come again
COUNTED: ContextVar[list[float] | None] = ContextVar("counted", default=None)
# null: what has changed is not known any more
_CHANGES = """
select case when fact_good(s) then (select count(*) from facts_changed(s)) end
from (select $1::text::pg_snapshot as s) s"""
_SINCE = "({base}::text::pg_snapshot, {was_start}, {was_end}, {start}, {end}) m"


@dataclass(frozen=True, slots=True)
class Row:
    """One group's answer; both by the names of the question."""

    sums: dict[str, float]
    times: dict[str, Timed]


@dataclass(frozen=True, slots=True)
class _Base:
    """`snapshot`: what was seen then; `values`: what was asked for, at `values["at"]`."""

    snapshot: str
    tally: Tally
    values: Values


@dataclass(frozen=True, slots=True)
class Look:
    """Whether what was read of other tables is still right.

    `mark`: SQL that says something else when it is not. `touched`: SQL that says whether it may have changed since
    {base}, of {was_start} to {was_end}, for {start} to {end}.
    """

    name: str
    mark: str
    touched: str


@dataclass(frozen=True, slots=True)
class _Read:
    snapshot: str
    mark: str
    values: Values
    answer: Any


class Kept:
    """One per process."""

    def __init__(self, columns: Columns | None = None) -> None:
        self._columns = columns
        self._bases: dict[Any, list[_Base]] = {}
        self._anew: set[asyncio.Task[Any]] = set()
        self._reads: dict[Any, _Read] = {}

    async def ask(self, pool: "asyncpg.Pool[Any]", question: Question, values: Values) -> dict[Keys, Row]:
        key = (question.key, *(_frozen(values[name]) for name in _SAME))
        base = next((one for one in self._bases.get(key, ()) if _in_reach(one, values)), None)
        if base is not None:
            found = await self._since(pool, question, base, values)
            if found is not None:
                rows, changes = found
                self._bases[key] = self._bases.pop(key, [])  # what nobody asks for is the first to go
                if (values["at"] - base.values["at"] > OLD or changes > MANY) and not self._anew:
                    task = asyncio.create_task(self._count(pool, question, key, values))
                    self._anew.add(task)
                    task.add_done_callback(self._counted)
                return rows
        began = time.monotonic()
        base = await self._count(pool, question, key, values)
        if (spent := COUNTED.get()) is not None:
            spent.append(time.monotonic() - began)
        found = await self._since(pool, question, base, values)
        return await everything(pool, question, values) if found is None else found[0]

    async def as_read(
        self, pool: "asyncpg.Pool[Any]", look: Look, values: Values, read: Callable[[], Awaitable[T]]
    ) -> T:
        """What `read` answered before, where by `look` it would answer the same now."""
        length = values["end"] - values["start"]
        key = (look.name, round(length.total_seconds() / 3600), *(_frozen(values[name]) for name in _SAME))
        was = self._reads.get(key)
        async with pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await conn.fetchval("select pg_current_snapshot()::text")
            query, given = queries.given(look.mark, values)
            mark = await conn.fetchval(query, *given)
            if was is not None and was.mark == mark and _in_reach(_Base(was.snapshot, {}, was.values), values):
                since = {"base": was.snapshot, "was_start": was.values["start"], "was_end": was.values["end"]}
                query, given = queries.given(look.touched, {**values, **since})
                good = await conn.fetchval("select fact_good($1::text::pg_snapshot)", was.snapshot)
                if good and not await conn.fetchval(query, *given):
                    return cast(T, was.answer)
        answer = await read()
        self._reads[key] = _Read(snapshot, mark, dict(values), answer)
        while len(self._reads) > _MOST:
            del self._reads[next(iter(self._reads))]
        return answer

    def _counted(self, task: "asyncio.Task[Any]") -> None:
        self._anew.discard(task)
        if not task.cancelled():
            task.exception()  # the next who asks tries again

    async def _count(self, pool: "asyncpg.Pool[Any]", question: Question, key: Any, values: Values) -> _Base:
        where = f"{queries.conditions(values)} and {queries.PERIOD}"
        found = None if self._columns is None else await self._columns.tally(question, where, _WIDE, values)
        base = _Base(*(found or await _counted(pool, question, where, values)), dict(values))
        others = [one for one in self._bases.pop(key, ()) if not _in_reach(one, values)]
        self._bases[key] = [base, *others][:_PERIODS]
        while len(self._bases) > _MOST:
            del self._bases[next(iter(self._bases))]
        return base

    async def _since(
        self, pool: "asyncpg.Pool[Any]", question: Question, base: _Base, values: Values
    ) -> tuple[dict[Keys, Row], int] | None:
        """With how many changes; None: it cannot be said from `base` any more."""
        was = {**base.values, "base": base.snapshot, "was_start": base.values["start"], "was_end": base.values["end"],
               "start": values["start"], "end": values["end"]}  # fmt: skip
        now, where = {**was, "at": values["at"], "was_at": base.values["at"]}, queries.conditions(values)
        drift: list[Any] = []
        async with pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
            await conn.execute(MEANS)
            changes = await conn.fetchval(_CHANGES, base.snapshot)
            if changes is None:
                return None
            off = await _tally(conn, question, f"facts_off{_SINCE}", where, None, was)
            on = await _tally(conn, question, f"facts_on{_SINCE}", where, None, now)
            if question.judges and values["at"] != base.values["at"]:
                since = "facts_in_time({base}::text::pg_snapshot, {was_at}, {both_start}, {both_end}) m"
                both = {"both_start": max(was["was_start"], was["start"]), "both_end": min(was["was_end"], was["end"])}
                query, given = queries.given(queries.judged(question, since, where), now | both)
                drift = await conn.fetch(query, *given, timeout=WITHIN_S)
        sums = added(added(_sums(base.tally), _sums(on)), _sums(off), -1)
        sums = added(sums, {tuple(row["keys"]): row["sums"] for row in drift})
        sums = added(sums, {tuple(row["keys"]): row["was"] for row in drift}, -1)
        try:
            return {keys: _row(question, one, base.tally, off, on, keys) for keys, one in sums.items()}, changes
        except Moved:
            return None


async def _counted(pool: "asyncpg.Pool[Any]", question: Question, where: str, values: Values) -> tuple[str, Tally]:
    async with pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        await conn.execute(MEANS)
        snapshot: str = await conn.fetchval("select pg_current_snapshot()::text")
        return snapshot, await _tally(conn, question, "lead_fact m", where, _WIDE, values)


async def everything(pool: "asyncpg.Pool[Any]", question: Question, values: Values) -> dict[Keys, Row]:
    """Counted anew, with nothing kept."""
    async with pool.acquire() as conn, conn.transaction(readonly=True):
        await conn.execute(MEANS)
        found = await _tally(conn, question, queries.LEADS, "true", "1", values)
    return {keys: _row(question, group.sums, found, {}, {}, keys) for keys, group in found.items()}


async def _tally(conn: Any, question: Question, leads: str, where: str, wide: str | None, values: Values) -> Tally:
    query, given = queries.given(queries.tally(question, leads, where, wide), values)
    rows = await conn.fetch(query, *given, timeout=WITHIN_S)
    return tally_of(rows, len(PARTS) if wide else 1)


def _row(question: Question, sums: Any, base: Tally, off: Tally, on: Tally, keys: Keys) -> Row:
    def of(tally: Tally, n: int) -> Times:
        return tally[keys].times[n] if keys in tally else NONE

    times = {name: timed(of(base, n), of(off, n), of(on, n)) for n, name in enumerate(question.times)}
    return Row(dict(zip(question.sums, sums, strict=True)), times)


def _sums(tally: Tally) -> dict[Keys, Sequence[float]]:
    return {keys: group.sums for keys, group in tally.items()}


def _in_reach(base: _Base, values: Values) -> bool:
    """Time goes on, and a period with it; whatever else is asked for is another question."""
    was, gone_on = base.values, (values["end"] - values["start"]) * _GONE_ON
    moved: datetime = values["start"]
    return bool(was["at"] <= values["at"] and abs(moved - was["start"]) <= gone_on and was["end"] <= values["end"])


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
