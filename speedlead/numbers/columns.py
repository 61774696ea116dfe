"""The facts of a big house in columns: a copy in the memory of a process that counts a million leads in hundredths of a
second.

Postgres stays the record. The copy is what one of its snapshots saw, and says which, so that kept.py adds what has
changed since. A question is the same text for both databases; the few functions that only Postgres has are made here.
Nothing is written to a disk but, for the moment of copying, a piece in a temporary file.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import asyncpg
import structlog

from speedlead.numbers import queries
from speedlead.numbers.questions import Question
from speedlead.numbers.tally import PARTS, Tally, tally_of
from speedlead.store import rollup

if TYPE_CHECKING:
    import duckdb

# a house of fewer leads counts half a year in less than a second without
MANY = 20_000
EVERY_S = 300.0
# a piece is 65 MB of text
_PIECE = 100_000
# more than is changed in a good compression of what is there
_CHANGED = 0.25
# intake has the other processors; a million leads take some 0.5 GB, and a question that sorts all their times as much
_MEANS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 2,
    "memory_limit": "1GB",
    "autoinstall_known_extensions": False,
    "temp_directory": "",
}

_TYPES = {
    "uuid": "uuid", "timestamp with time zone": "timestamptz", "interval": "interval", "text": "varchar",
    "integer": "integer", "double precision": "double", "boolean": "boolean", "boolean[]": "varchar",
    "text[]": "varchar[]", "jsonb": "json",
}  # fmt: skip
# as both databases read it
_COPIED = {
    "interval": "(extract(epoch from {name}) * 1000000)::bigint || ' microseconds'", "text[]": "to_json({name})",
}  # fmt: skip
_COLUMNS = """
select attname::text as name, format_type(atttypid, null) as type from pg_attribute
where attrelid = 'lead_fact'::regclass and attnum > 0 and not attisdropped order by attnum"""
_PIECES = """
select created_at from (select created_at, row_number() over (order by created_at) as n from lead_fact) m
where n % $1 = 0 order by created_at"""

_ALWAYS = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_ADD = """
copy facts.lead_fact from '{path}' (format csv, header false, auto_detect false, delim ',', quote '"', escape '"',
    nullstr '', allow_quoted_nulls false)"""

# what Postgres has, or we have made there, under the same name
_OURS = (
    "create macro jsonb_array_elements(found) as table select unnest(from_json(found, '[\"JSON\"]'))",
    # adding to an instant is slow here, and only leads of the demo have a clock of their own
    "create macro moment_of(wall, own) as case when own = interval '0' then wall else wall + own end",
    """create macro metric_s(from_at, to_at) as case when to_at >= from_at
        then (epoch_us(to_at) - epoch_us(from_at)) / 1000000.0 when to_at < from_at then 0 end""",
    """create macro moment_hour(moment, zone) as strftime(timezone('UTC',
        moment - (timezone(zone, moment) - date_trunc('hour', timezone(zone, moment)))), '%Y-%m-%dT%H:%MZ')""",
    "create macro moment_day(moment, zone) as strftime(timezone(zone, moment), '%Y-%m-%d')",
    "create macro moment_week(moment, zone) as strftime(timezone(zone, moment), '%G-W%V')",
    """create macro figure_cut(sorted, first, last) as list_concat(
        [first - 1, list_position(sorted, sorted[first]) - 1,
            len(sorted) + 1 - list_position(list_reverse(sorted), sorted[last])]::double[],
        sorted[first:last])""",
    """create macro figure_window(sorted, part, wide) as figure_cut(sorted,
        greatest(1, floor(part * (len(sorted) - 1))::int + 1 - wide),
        least(len(sorted), ceil(part * (len(sorted) - 1))::int + 1 + wide))""",
)

log = structlog.get_logger(__name__)


class Columns:
    """One per process. Whoever starts the process runs `keep`; without, nothing is in columns."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._copy: _Copy | None = None
        self._one_at_a_time = asyncio.Lock()
        # a question uses all processors that there are for it: two at a time take the same time, and twice the memory
        self._asked = asyncio.Lock()

    async def keep(self) -> None:
        """Until cancelled. What cannot be copied is counted in Postgres, and tried again in a while."""
        while True:
            try:
                await self.refresh()
            except Exception as error:
                self._copy = None
                log.warning("facts could not be put into columns", error=type(error).__name__)
            await asyncio.sleep(EVERY_S)

    async def refresh(self) -> None:
        """Brings the copy to what is there now; makes it where there is none, or it is not good any more."""
        async with (
            self._one_at_a_time,
            self._pool.acquire() as conn,
            conn.transaction(isolation="repeatable_read", readonly=True),
        ):
            if not await rollup.more_than(conn, MANY):
                self._copy = None
                return
            snapshot: str = await conn.fetchval("select pg_current_snapshot()::text")
            copy = self._copy
            if copy is not None and await _good(conn, copy.snapshot) and not copy.worn:
                await copy.bring(conn, snapshot)
                return
            # two at a time would take twice the memory
            self._copy = copy = None
            self._copy = await _Copy.made(conn, snapshot)

    async def tally(
        self, question: Question, where: str, wide: str, values: queries.Values
    ) -> tuple[str, Tally] | None:
        """With the snapshot that was counted; None: nothing is in columns. Waits for a copy that is being made."""
        async with self._asked:
            try:
                # only now: what who waits held would stay in memory beside a new one
                if (copy := await self._good_copy()) is None:
                    return None
                return await asyncio.to_thread(copy.tally, question, where, wide, values)
            except Exception as error:
                log.warning("a question could not be counted in columns", error=type(error).__name__)
                return None

    async def _good_copy(self) -> "_Copy | None":
        """Raises what `refresh` does."""
        if self._copy is None and self._one_at_a_time.locked():
            async with self._one_at_a_time:
                pass
        if self._copy is not None and not await _good(self._pool, self._copy.snapshot):
            await self.refresh()
        return self._copy


async def _good(conn: Any, snapshot: str) -> bool:
    found: bool = await conn.fetchval("select fact_good($1::text::pg_snapshot)", snapshot)
    return found


class _Copy:
    """`snapshot`: of Postgres, what is there was seen by. Readers find the same in the table `facts.seen`."""

    def __init__(self, database: "duckdb.DuckDBPyConnection", snapshot: str, copied: str) -> None:
        self._database, self.snapshot, self._copied = database, snapshot, copied
        self._leads, self._changed = 0, 0

    @property
    def worn(self) -> bool:
        return self._changed > self._leads * _CHANGED

    @classmethod
    async def made(cls, conn: Any, snapshot: str) -> "_Copy":
        columns = [(row["name"], row["type"]) for row in await conn.fetch(_COLUMNS)]
        copied = ", ".join(_COPIED.get(kind, "{name}").format(name=name) for name, kind in columns)
        copy = cls(await asyncio.to_thread(_opened, columns, snapshot), snapshot, copied)
        edges = [_ALWAYS[0], *(row["created_at"] for row in await conn.fetch(_PIECES, _PIECE)), _ALWAYS[1]]
        for start, end in pairwise(edges):
            async with copy._piece(conn, "created_at >= $1 and created_at < $2", start, end) as path:
                copy._leads += await asyncio.to_thread(copy._add, path)
        return copy

    async def bring(self, conn: Any, snapshot: str) -> None:
        """To what `conn`, whose snapshot is given, sees."""
        rows = await conn.fetch("select facts_changed($1::text::pg_snapshot)::text as lead_id", self.snapshot)
        leads = [row["lead_id"] for row in rows]
        async with self._piece(conn, "lead_id = any($1::uuid[])", leads) as path:
            await asyncio.to_thread(self._change, leads, path, snapshot)
        self._changed += len(leads)
        self.snapshot = snapshot

    def tally(self, question: Question, where: str, wide: str, values: queries.Values) -> tuple[str, Tally]:
        text = queries.tally(question, "facts.lead_fact m", where, wide, in_order=True)
        query, given = queries.given(text, values)
        with self._database.cursor() as cursor:
            cursor.begin()
            [[snapshot]] = cursor.execute("select snapshot from facts.seen").fetchall()
            rows = cursor.execute(query, [_given(value) for value in given]).fetchall()
            cursor.rollback()
        return snapshot, tally_of(rows, len(PARTS))

    @asynccontextmanager
    async def _piece(self, conn: Any, which: str, *given: Any) -> AsyncIterator[str]:
        with tempfile.NamedTemporaryFile(prefix="speedlead-facts-", suffix=".csv") as file:
            query = f"select {self._copied} from lead_fact where {which}"  # noqa: S608 our own text
            await _to_its_end(conn.copy_from_query(query, *given, output=file, format="csv"))
            file.flush()
            yield file.name

    def _add(self, path: str) -> int:
        with self._database.cursor() as cursor:
            return int(cursor.execute(_ADD.format(path=path.replace("'", "''"))).fetchall()[0][0])

    def _change(self, leads: list[str], path: str, snapshot: str) -> None:
        with self._database.cursor() as cursor:
            cursor.begin()
            cursor.execute("delete from facts.lead_fact where lead_id in (select unnest($1::uuid[]))", [leads])
            cursor.execute(_ADD.format(path=path.replace("'", "''")))
            cursor.execute("update facts.seen set snapshot = $1", [snapshot])
            cursor.commit()


def _opened(columns: Sequence[tuple[str, str]], snapshot: str) -> "duckdb.DuckDBPyConnection":
    """Raises KeyError for a column of a type that no fact had."""
    import duckdb  # workers and small houses do without: it takes 40 MB

    database = duckdb.connect(":memory:", config=_MEANS)
    for text in ("set global timezone = 'UTC'", "attach ':memory:' as facts (compress)", *_OURS):
        database.execute(text)
    database.execute(f"create table facts.lead_fact ({', '.join(f'{name} {_TYPES[kind]}' for name, kind in columns)})")
    database.execute("create table facts.seen as select $1 as snapshot", [snapshot])
    return database


async def _to_its_end(copying: Coroutine[Any, Any, Any]) -> None:
    """A second or two, also when cancelled: the driver may wait twenty for the end of one that is cut off."""
    task = asyncio.create_task(copying)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _given(value: Any) -> Any:
    """As text, which the query casts: instants of its own need another package."""
    return value.isoformat() if isinstance(value, datetime) else value
