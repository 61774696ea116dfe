"""A made-up season: the same every time, whole, and readable by whatever reads leads."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from speedlead.demo.season.fill import COLUMNS, fill
from speedlead.store import views
from speedlead.store.pool import open_pool
from tests.servers import TestDatabases

UNTIL = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
LEADS = 400


async def rows(url: str) -> dict[str, Any]:
    conn = await asyncpg.connect(url)
    try:
        return {
            table: await conn.fetchval(f"select md5(string_agg(t::text, '|' order by t::text)) from {table} t")
            for table in COLUMNS
            if table not in ("story", "assignment", "offer")  # their own numbers come from the database
        }
    finally:
        await conn.close()


async def test_the_same_seed_makes_the_same_leads_and_another_makes_others(test_databases: TestDatabases) -> None:
    found = []
    for seed in (7, 7, 8):
        async with test_databases.fresh() as url:
            written = await fill(url, LEADS, until=UNTIL, days=30, seed=seed)
            assert (written["lead"], written["story"] > 5 * LEADS) == (LEADS, True)
            found.append(await rows(url))
    assert found[0] == found[1]
    assert found[0]["lead"] != found[2]["lead"]


async def test_it_does_not_go_next_to_real_leads(test_databases: TestDatabases) -> None:
    async with test_databases.fresh() as url:
        await fill(url, 5, until=UNTIL, days=3)
        with pytest.raises(ValueError, match="expected one without leads"):
            await fill(url, 5, until=UNTIL, days=3)
        with pytest.raises(ValueError, match="leads: expected 1 to"):
            await fill(url, 0, until=UNTIL)


async def test_what_happened_hangs_together(test_databases: TestDatabases) -> None:
    async with test_databases.fresh() as url:
        await fill(url, LEADS, until=UNTIL, days=30)
        conn = await asyncpg.connect(url)
        try:
            wrong = """select count(*) from lead where created_at > $1 or open_at < created_at
                or first_attempt_at < created_at or first_contact_at < first_attempt_at or closed_at < created_at
                or greatest(acknowledged_at, assigned_at, first_attempt_at, first_contact_at, closed_at) > $1
                or (closed_at is null) <> (close_reason is null) or (closed_at is null and next_touch_at is null)"""
            assert await conn.fetchval(wrong, UNTIL) == 0
            assert await conn.fetchval("select max(at) <= $1 from story", UNTIL)
            late = """select count(*) from lead l where first_attempt_at > first_attempt_due and not exists (
                select from breach b where b.lead_id = l.id and b.target = 'first_attempt')"""
            assert await conn.fetchval(late) == 0
            quick, slow = [
                await conn.fetchval(
                    """select avg(exists (select from outcome o
                           where o.lead_id = l.id and o.outcome = 'converted')::int)
                       from lead l where first_attempt_at - created_at between $1 and $2""", *between)
                for between in ((timedelta(0), timedelta(minutes=5)), (timedelta(hours=1), timedelta(days=9)))
            ]  # fmt: skip
            assert quick > slow, "who is answered soon buys more often"
        finally:
            await conn.close()


async def test_the_products_own_pages_read_these_leads(test_databases: TestDatabases) -> None:
    async with test_databases.fresh() as url:
        await fill(url, 60, until=UNTIL, days=10)
        pool = await open_pool(url, size=2)
        try:
            async with pool.acquire() as conn:
                leads = [row["id"] for row in await conn.fetch("select id from lead")]
                for lead in leads:
                    view = await views.lead_view(conn, lead)
                    assert view is not None
                    assert view.card.lead_id == lead
        finally:
            await pool.close()
