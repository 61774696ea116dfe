"""What was counted, with the changes since, is what counting everything finds, to the last percentile."""

import random
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from statistics import quantiles
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from speedlead.demo.season.fill import fill
from speedlead.demo.season.house import furnish
from speedlead.numbers import kept as kept_module
from speedlead.numbers.changes import Change, ChangeNumbers, Mark
from speedlead.numbers.filters import Filter
from speedlead.numbers.kept import Kept
from speedlead.numbers.quality import QualityNumbers
from speedlead.numbers.read import Numbers
from speedlead.numbers.tally import PARTS, Moved, Times, Window, timed
from speedlead.numbers.voices import Voices
from speedlead.store import rollup
from speedlead.store.erasure import erase
from speedlead.store.pool import open_pool
from tests.numbers.cases import LATER
from tests.numbers.conftest import close
from tests.servers import TestDatabases
from tests.store.hand_made import FixedClock

# ── percentiles ──────────────────────────────────────────────────────────────────────────────────────────────────────

few = st.integers(0, 12).map(float)


def cut(values: list[float], part: float, wide: int) -> Window:
    """What `figure_window` gives."""
    place = part * (len(values) - 1)
    first, last = max(0, int(place) - wide), min(len(values) - 1, -int(-place // 1) + wide)
    below = sum(value < values[first] for value in values)
    upto = sum(value <= values[last] for value in values)
    return Window(first, below, upto, array("d", values[first : last + 1]))


def whole(values: list[float]) -> Times:
    ordered = sorted(values)
    return Times(len(ordered), sum(ordered), (Window(0, 0, len(ordered), ordered),) if ordered else ())


@given(st.lists(few, max_size=40), st.lists(few, max_size=12), st.data(), st.integers(0, 6))
def test_a_percentile_is_exact_or_not_said(counted: list[float], new: list[float], data: Any, wide: int) -> None:
    ordered = sorted(counted)
    gone = data.draw(st.lists(st.sampled_from(range(len(ordered))), unique=True, max_size=8)) if ordered else []
    windows = tuple(cut(ordered, part, wide) for part in PARTS) if ordered else ()
    left = [value for place, value in enumerate(ordered) if place not in gone] + new
    try:
        found = timed(Times(len(ordered), sum(ordered), windows), whole([ordered[place] for place in gone]), whole(new))
    except Moved:
        assert wide < len(gone) + len(new), "what is kept on each side is enough for so many changes"
        return
    assert found.count == len(left)
    assert found.total == pytest.approx(sum(left))
    if len(left) > 1:
        by_twenty = quantiles(left, n=20, method="inclusive")
        assert (found.median, found.p90, found.p95) == pytest.approx((by_twenty[9], by_twenty[17], by_twenty[18]))
    else:
        assert found.median == (left[0] if left else None)


async def test_the_database_cuts_as_the_test_does(conn: Any) -> None:
    chance = random.Random(3)
    for many in (1, 2, 30):
        values = sorted(float(chance.randrange(9)) for _ in range(many))
        for part in PARTS:
            for wide in (1, 4, 99):
                found = await conn.fetchval("select figure_window($1::float8[], $2, $3)", values, part, wide)
                wanted = cut(values, part, wide)
                assert found == [wanted.first, wanted.below, wanted.upto, *wanted.values]


# ── a season that goes on ────────────────────────────────────────────────────────────────────────────────────────────

LEADS, DAYS = 400, 30
FILTERS: tuple[dict[str, str], ...] = (
    {}, {"type": "hot", "source": "organic"}, {"channel": "form", "country": "US"}, {"region": "US-NY"},
    {"team": "everybody"}, {"plan": "inbound"}, {"variant": "short-first-mail:short"},
)  # fmt: skip
ALL_TIMES = ("acknowledgement", "assignment", "acceptance", "first_attempt", "first_attempt_business", "first_contact",
             "qualification", "decision", "conversion", "cycle", "reaction")  # fmt: skip

HAPPENS = (
    "update lead set closed_at = $2, close_reason = 'lost', stage = 'closed' where id = $1",
    "update lead set first_attempt_at = $2, first_contact_at = $2 where id = $1",
    "update lead set region = 'US-CA', source = 'organic', lead_type = 'cold' where id = $1 "
    "and $2::timestamptz is not null",
    "update lead set promised_at = $2, acknowledged_at = null where id = $1",
    "insert into outcome (id, lead_id, outcome, at) values (gen_random_uuid(), $1, 'converted', $2)",
    "delete from touch where lead_id = $1 and channel <> 'call' and $2::timestamptz is not null",
    "insert into breach (lead_id, target, phase, due_at, found_at) values ($1, 'qualification', 'own_work', $2, $2) "
    "on conflict do nothing",
    "update breach set ended_at = $2, due_at = $2::timestamptz - interval '7 minutes' where lead_id = $1",
    "insert into feedback (lead_id, step, fast, given_at, changed_at) values ($1, 's', true, $2, $2) "
    "on conflict (lead_id, step) do update set fast = false",
    "insert into ledger_entry (reference, kind, lead_id, booked_on, amount, currency, imported_wall) "
    "values (gen_random_uuid()::text, 'revenue', $1, $2::timestamptz::date, 100, 'EUR', $2)",
    "delete from outcome where lead_id = $1 and outcome = 'converted' and $2::timestamptz is not null",
    "update lead set closed_at = null, close_reason = null where id = $1 and $2::timestamptz is not null "
    "and not exists (select from lead o where o.person_id = lead.person_id and o.closed_at is null)",
)  # fmt: skip


@pytest_asyncio.fixture(scope="module")
async def season(test_databases: TestDatabases) -> AsyncIterator[Any]:
    async with test_databases.fresh() as url:
        await fill(url, LEADS, until=LATER, days=DAYS)
        await furnish(url, until=LATER, days=DAYS)
        pool = await open_pool(url, size=4)
        yield pool
        await pool.close()


class All(ChangeNumbers, QualityNumbers, Voices):
    """Every figure of facts."""


MARK = Mark(LATER - timedelta(days=15), "plan", (Change(LATER - timedelta(days=15), "plan", "inbound:2", 1),))


Question = Callable[[All, Filter], Awaitable[Any]]


def compared(by: str | None) -> Question:
    return lambda numbers, wanted: numbers.compared(ALL_TIMES, wanted, by)


ASKED: tuple[Question, ...] = (
    compared(None), compared("source"), compared("country+week"), All.attempts, All.buckets, All.phases, All.skips,
    All.quality, All.reps, All.touches_48h, All.promises, All.breaches, All.versions, All.said, All.worth,
    lambda numbers, wanted: numbers.compared_at([MARK], wanted),
)  # fmt: skip


async def answers(numbers: All, wanted: Filter, asked: Sequence[Question] = ASKED) -> list[Any]:
    return [await ask(numbers, wanted) for ask in asked]


def asked_with(place: int) -> Sequence[Question]:
    """Without a filter all, with each other one a third: so each question meets two filters, and each filter five."""
    return ASKED[place % 3 :: 3] if place else ASKED


async def test_changes_added_to_what_was_counted_are_everything_counted_anew(
    season: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[Any] = []
    monkeypatch.setattr(kept_module, "_WIDE", "64")
    monkeypatch.setattr(kept_module, "OLD", timedelta(days=9))
    original = Kept._count

    async def count(self: Kept, *given: Any) -> Any:
        counted.append(given)
        return await original(self, *given)

    monkeypatch.setattr(Kept, "_count", count)
    chance, known = random.Random(11), Kept()
    for place, fields in enumerate(FILTERS):
        wants = Filter.of({"period": f"{DAYS - 3}d"} | fields, LATER)
        await answers(All(season, what_was_counted=known), wants, asked_with(place))
    first = len(counted)
    leads = [row["id"] for row in await season.fetch("select id from lead order by id")]
    # in the middle some changes are written into the facts, and the newest are not
    for step, places in enumerate(((1, 2), (0, 3, 4), (5, 6))):
        now = LATER + timedelta(hours=5 * (step + 1))
        for happens, lead in zip(HAPPENS, chance.sample(leads, len(HAPPENS)), strict=True):
            await season.execute(happens, lead, now - timedelta(minutes=chance.randrange(9_000)))
        if step != 1:
            async with season.acquire() as conn:
                async for _ in rollup.write_all(conn):
                    pass
        for place in places:
            wants = Filter.of({"period": f"{DAYS - 3}d"} | FILTERS[place], now)
            anew = await answers(All(season), wants, asked_with(place))
            since = await answers(All(season, what_was_counted=known), wants, asked_with(place))
            for one, other in zip(since, anew, strict=True):
                assert close(one, other), (step, FILTERS[place])
    assert len(counted) == first, "nothing was counted anew"


async def test_books_are_read_again_when_something_happened_to_a_buyer(
    season: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    original = All._rows

    async def rows(self: All, *given: Any) -> Any:
        read.append("read")
        return await original(self, *given)

    monkeypatch.setattr(All, "_rows", rows)
    known, wanted = Kept(), Filter.of({"from": "2026-01-01"}, LATER + timedelta(hours=22))
    numbers = All(season, what_was_counted=known)
    await numbers._books(wanted)
    silent = await season.fetchval(
        """select id from lead l
           where not exists (select from outcome o where o.lead_id = l.id and o.outcome = 'converted')
               and not exists (select from ledger_entry e where e.lead_id = l.id) order by id limit 1"""
    )
    for happens, again in (
        ("update lead set tz = 'UTC' where id = $1", False),
        ("insert into ledger_entry (reference, kind, lead_id, booked_on, amount, currency, imported_wall) values "
         "('one-more', 'revenue', $1, '2026-01-05', 77, 'EUR', now())", True),
        ("insert into outcome (id, lead_id, outcome, at) select gen_random_uuid(), $1, 'converted', created_at "
         "from lead where id = $1", True),
        ("delete from outcome where lead_id = $1", True),
    ):  # fmt: skip
        read.clear()
        await season.execute(happens, silent)
        assert await numbers._books(wanted) == await _anew(season, wanted, read), happens
        assert bool(read) is again, happens


async def _anew(season: Any, wanted: Filter, read: list[str]) -> Any:
    """With nothing kept, and without a line in `read`."""
    before = len(read)
    found = await All(season)._books(wanted)
    del read[before:]
    return found


async def test_an_erasure_is_in_no_figure_that_was_kept(season: Any) -> None:
    known, wanted = Kept(), Filter.of({"period": f"{DAYS}d"}, LATER + timedelta(days=1))
    before = await Numbers(season, what_was_counted=known).outcomes(wanted, by="region")
    person, region = await season.fetchrow(
        "select person_id, region from lead where region is not null order by created_at desc limit 1"
    )
    async with season.acquire() as conn, conn.transaction():
        await erase(conn, FixedClock(LATER), [person], b"secret")
    assert await season.fetchval("select count(*) from lead_fact_was w join lead l on l.id = w.lead_id "
                                 "where l.person_id = $1 and w.created_at is not null", person) == 0  # fmt: skip
    after = await Numbers(season, what_was_counted=known).outcomes(wanted, by="region")
    assert after == await Numbers(season).outcomes(wanted, by="region")
    was, now = ({row.keys[0]: row.leads for row in rows}[region] for rows in (before, after))
    assert now < was


async def test_both_tables_of_facts_have_the_same_columns(season: Any) -> None:
    """Rows go from one to the other by place."""
    columns = """select array_agg(attname::text order by attnum) from pg_attribute
        where attrelid = $1::regclass and attnum > 0 and not attisdropped"""
    kept, was = await season.fetchval(columns, "lead_fact"), await season.fetchval(columns, "lead_fact_was")
    assert was == ["place", "xid", *kept]
