"""What is counted in columns is what Postgres counts, whatever has happened since they were filled."""

import asyncio
import tempfile
import weakref
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import pytest_asyncio

from speedlead.demo.season.fill import fill
from speedlead.numbers import columns as module
from speedlead.numbers import queries, questions
from speedlead.numbers.columns import Columns
from speedlead.numbers.filters import Filter
from speedlead.numbers.kept import Kept, everything
from speedlead.numbers.questions import Question
from speedlead.numbers.read import Numbers
from speedlead.store import rollup
from speedlead.store.erasure import erase
from speedlead.store.pool import open_pool
from tests.numbers.cases import LATER
from tests.numbers.conftest import close, same
from tests.servers import TestDatabases
from tests.store.hand_made import FixedClock

LEADS = 300
WANTED = Filter.of({"period": "30d"}, LATER)
# as an erasure leaves it
NOT_GOOD = "insert into lead_fact_floor select pg_current_xact_id()"
CHANGED = "update lead set source = 'organic', first_attempt_at = $2 where id = any($1::uuid[])"


@pytest.fixture(autouse=True)
def small_houses_have_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY", 0)
    # several pieces
    monkeypatch.setattr(module, "_PIECE", 70)


@pytest_asyncio.fixture
async def season(test_databases: TestDatabases) -> AsyncIterator[Any]:
    async with test_databases.fresh() as url:
        await fill(url, LEADS, until=LATER, days=30)
        pool = await open_pool(url, size=4)
        yield pool
        await pool.close()


async def written(season: Any) -> None:
    async with season.acquire() as conn:
        async for _ in rollup.write_all(conn):
            pass


async def by_source(season: Any, columns: Columns | None) -> Any:
    return await Numbers(season, what_was_counted=Kept(columns)).compared(["first_attempt"], WANTED, "source")


async def says_what_postgres_says(season: Any, columns: Columns) -> Any:
    found = await by_source(season, columns)
    assert close(found, await by_source(season, None))
    return found


def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A line each time that all facts are copied."""
    found: list[str] = []
    opened = module._opened

    def open_(*given: Any) -> Any:
        found.append("made")
        return opened(*given)

    monkeypatch.setattr(module, "_opened", open_)
    return found


async def test_only_what_has_changed_is_copied_again(season: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found, columns = made(monkeypatch), Columns(season)
    await columns.refresh()
    before = await by_source(season, columns)
    leads = [row["id"] for row in await season.fetch("select id from lead order by id limit 20")]
    await season.execute(CHANGED, leads, LATER - timedelta(hours=1))
    # first the changes are marked only, then written, then in columns
    for step in (lambda: written(season), columns.refresh, columns.refresh):
        assert not close(await says_what_postgres_says(season, columns), before)
        await step()
    await says_what_postgres_says(season, columns)
    assert found == ["made"]


async def test_a_copy_that_much_was_changed_in_is_made_anew(season: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found, columns = made(monkeypatch), Columns(season)
    await columns.refresh()
    leads = [row["id"] for row in await season.fetch("select id from lead")]
    await season.execute(CHANGED, leads, LATER)
    await written(season)
    await columns.refresh()
    assert found == ["made"], "it is good as it is, once"
    await columns.refresh()
    assert found == ["made"] * 2
    await says_what_postgres_says(season, columns)


async def test_of_who_is_erased_no_column_has_more_than_the_facts(season: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found, columns = made(monkeypatch), Columns(season)
    await columns.refresh()
    person, lead = await season.fetchrow("select person_id, id from lead where region is not null limit 1")
    known = Question({"leads": f"count(*) filter (where m.lead_id = '{lead}' and m.region is not null)"})

    async def has_it() -> float:
        _, tally = await columns.tally(known, "true", "1", {}) or ("", {})
        return tally[()].sums[0]

    assert await has_it() == 1
    async with season.acquire() as conn, conn.transaction():
        await erase(conn, FixedClock(LATER), [person], b"secret")
    assert await has_it() == 0
    assert found == ["made"] * 2, "what was copied before is not good any more"
    await says_what_postgres_says(season, columns)


async def test_a_small_house_has_none(season: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MANY", LEADS)
    columns = Columns(season)
    await columns.refresh()
    assert await columns.tally(questions.QUALITY, "true", "1", {}) is None
    await says_what_postgres_says(season, columns)


async def test_who_asks_while_they_are_filled_waits(season: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found, columns = made(monkeypatch), Columns(season)
    filling = asyncio.create_task(columns.refresh())
    while not found:
        await asyncio.sleep(0.001)
    assert await columns.tally(questions.QUALITY, "true", "1", {}) is not None
    await filling


async def test_what_columns_cannot_count_postgres_does(season: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = Columns(season)
    await columns.refresh()

    def full(*_: Any, **__: Any) -> Any:
        raise duckdb.OutOfMemoryException("full")

    monkeypatch.setattr(module._Copy, "tally", full)
    await says_what_postgres_says(season, columns)


async def test_a_copy_that_fails_is_tried_again(season: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.0)
    found, columns, add = made(monkeypatch), Columns(season), module._Copy._add

    def fails_once(self: Any, path: str) -> int:
        if len(found) == 1:
            raise duckdb.OutOfMemoryException("full")
        return add(self, path)

    monkeypatch.setattr(module._Copy, "_add", fails_once)
    keeping = asyncio.create_task(columns.keep())
    while len(found) < 2:
        await asyncio.sleep(0.01)
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
    await says_what_postgres_says(season, columns)


async def test_the_old_copy_goes_before_the_new_one_is_made(season: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    columns, opened, gone = Columns(season), module._opened, list[bool]()
    await columns.refresh()
    old = weakref.ref(columns._copy)

    def open_(*given: Any) -> Any:
        gone.append(old() is None)
        return opened(*given)

    monkeypatch.setattr(module, "_opened", open_)
    await season.execute(NOT_GOOD)
    await says_what_postgres_says(season, columns)
    assert gone == [True]


async def test_where_no_new_copy_can_be_made_postgres_counts(season: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    columns, tried = Columns(season), list[str]()
    await columns.refresh()

    def full(*_: Any) -> Any:
        tried.append("tried")
        raise duckdb.OutOfMemoryException("full")

    monkeypatch.setattr(module, "_opened", full)
    await season.execute(NOT_GOOD)
    await asyncio.gather(*(says_what_postgres_says(season, columns) for _ in range(3)))
    assert tried == ["tried"], "the others do not wait for that again"


async def test_one_question_is_counted_at_a_time(season: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    columns, tally, under_way = Columns(season), module._Copy.tally, list[int]()
    await columns.refresh()

    def count(self: Any, *given: Any) -> Any:
        assert not under_way, "two take the memory of two"
        under_way.append(1)
        try:
            return tally(self, *given)
        finally:
            under_way.clear()

    monkeypatch.setattr(module._Copy, "tally", count)
    asked = (columns.tally(questions.QUALITY, "true", "1", {}) for _ in range(5))
    assert None not in await asyncio.gather(*asked)


async def test_every_cursor_has_the_clock_of_utc(season: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    columns = Columns(season)
    await columns.refresh()
    assert columns._copy is not None
    with columns._copy._database.cursor() as cursor:
        assert cursor.execute("select current_setting('timezone')").fetchall() == [("UTC",)]


async def test_who_is_cancelled_waits_for_the_piece_that_is_copied(season: Any) -> None:
    columns, seen = Columns(season), list[str]()
    await columns.refresh()

    class Slow:
        async def copy_from_query(self, *_: Any, **__: Any) -> None:
            seen.append("begun")
            await asyncio.sleep(0.05)
            seen.append("over")

    async def copied() -> None:
        assert columns._copy is not None
        async with columns._copy._piece(Slow(), "true"):
            seen.append("read")

    copying = asyncio.create_task(copied())
    while not seen:
        await asyncio.sleep(0)
    copying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await copying
    assert seen == ["begun", "over"]


async def test_nothing_of_it_stays_on_the_disk(season: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[str] = []
    add = module._Copy._add

    def look(self: Any, path: str) -> int:
        assert oct(Path(path).stat().st_mode)[-3:] == "600"
        seen.append(path)
        return add(self, path)

    monkeypatch.setattr(module._Copy, "_add", look)
    await Columns(season).refresh()
    assert len(seen) == -(-LEADS // 70)
    assert {Path(path).parent for path in seen} == {tmp_path}
    assert list(tmp_path.iterdir()) == []


# ── what only one of the two databases had ───────────────────────────────────────────────────────────────────────────

# clocks go forward and back there, by half an hour too, and one has never stood at whole hours
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("moment", ["hour", "day", "week"])
async def test_hours_days_and_weeks_are_the_same(season: Any, zone: str, moment: str) -> None:
    await season.execute(
        """update lead_fact f set created_at = $1::timestamptz + n * interval '47 minutes'
           from (select lead_id, row_number() over (order by lead_id) as n from lead_fact) x
           where x.lead_id = f.lead_id""",
        datetime(2026, 10, 24, tzinfo=UTC),
    )
    columns, question = Columns(season), Question({"leads": "count(*)"}, keys=(questions.MOMENTS[moment],))
    await columns.refresh()
    values = {**nothing_asked(), "zone": zone, "start": datetime(2026, 1, 1, tzinfo=UTC), "end": LATER, "at": LATER}
    found = await Kept(columns).ask(season, question, values)
    assert same(found, await everything(season, question, values))
    assert len(found) > 1


def nothing_asked() -> dict[str, Any]:
    return dict.fromkeys((*queries.CONDITIONS, "unowned", "teams", "team_reps"))


async def test_a_lead_of_the_demo_has_its_own_clock(season: Any) -> None:
    await season.execute(
        "update lead_fact set clock_offset = interval '-3 days -01:02:03.000004' where source = 'referral'"
    )
    await season.execute("update lead_fact set clock_offset = interval '900 days' where source = 'paid'")
    columns = Columns(season)
    await columns.refresh()
    for question in (questions.PHASES, questions.BUCKETS, questions.TOUCHES_48H, questions.PROMISES):
        values = {**nothing_asked(), "start": WANTED.start, "end": WANTED.end, "at": WANTED.taken_at, "zone": "UTC"}
        assert same(await Kept(columns).ask(season, question, values), await everything(season, question, values))
        assert await columns.tally(question, queries.PERIOD, "1", values) is not None
