"""What erasure leaves of a person, on a real database filled by every door."""

import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from speedlead.contact_marks import marks_of
from speedlead.domain.outcomes import CallResult
from speedlead.intake import Rules, read_inquiry
from speedlead.planbook import load_plan
from speedlead.store import erasure
from speedlead.store.audit import Change, begin
from speedlead.store.intake import Submission, Taken, take_inquiry
from speedlead.store.optouts import opt_out
from speedlead.store.outcomes import Logged, log_outcome
from speedlead.store.personal_data import TABLES
from speedlead.store.plans import PlanStore
from speedlead.store.pool import open_pool
from speedlead.store.rows import lock_person
from tests.gateway.house import StepClock

PLAN = load_plan()
RULES = Rules(tuple(name for names in PLAN.intents.values() for name in names))
SECRET = b"s" * 32
ADA: dict[str, object] = {
    "name": "Adalind Quux", "email": "adalind@quux.example", "phone": "+13105550148", "message": "zebra crossing",
    "intent": "pricing", "postcode": "90210", "favourite": "marmalade", "consent_text": "I ask Acme",
}  # fmt: skip
PRIVATE = re.compile(r"adalind|quux|3105550148|zebra|90210|marmalade|herring", re.IGNORECASE)


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator["asyncpg.Pool[Any]"]:
    opened = await open_pool(database_url)
    await PlanStore(opened).publish(PLAN)
    yield opened
    await opened.close()


async def post(pool: Any, **changes: object) -> Taken:
    inquiry = read_inquiry({name: value for name, value in (ADA | changes).items() if value is not None}, RULES)
    marks = marks_of(SECRET, inquiry.email, inquiry.phone)
    return await take_inquiry(pool, StepClock(), PLAN, Submission(inquiry, "demo", marks=marks))


async def erase(pool: Any, lead_id: str) -> erasure.Whose:
    async with pool.acquire() as conn, conn.transaction():
        person = await erasure.person_of_lead(conn, lead_id)
        assert person is not None
        return await erasure.erase(conn, StepClock(), [person], SECRET)


async def everything(pool: Any) -> dict[str, str]:
    """table -> all its rows as text; what is in bytes as its text too."""
    names = await pool.fetch(
        "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"
    )
    found = {}
    for (name,) in names:
        rows = await pool.fetch(f'select * from "{name}"')
        values = [value for row in rows for value in row.values()]
        found[name] = "\n".join(value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in values)
    return found


async def test_every_column_of_every_table_is_classified(pool: Any) -> None:
    rows = await pool.fetch(
        """select c.table_name, array_agg(c.column_name::text) as columns from information_schema.columns c
           join information_schema.tables t using (table_schema, table_name)
           where c.table_schema = 'public' and t.table_type = 'BASE TABLE' group by 1"""
    )
    there = {row["table_name"]: set(row["columns"]) for row in rows}
    ours = {table.name for table in TABLES if table.fate == "ours"}
    known = {table.name: table.columns for table in TABLES}
    hint = "say in speedlead/store/personal_data.py what becomes of it when a person is erased"
    assert set(there) == set(known), f"a table: {hint}"
    assert len(known) == len(TABLES), "a table stands twice"
    for name in set(there) - ours:
        assert there[name] == known[name], f"columns of {name}: {hint}"


async def test_nothing_of_the_person_is_left_but_counts(pool: Any) -> None:
    taken = await post(pool)
    async with pool.acquire() as conn, conn.transaction():
        await log_outcome(conn, StepClock(), Logged(taken.lead_id, CallResult.NO_ANSWER, note="smells of herring"))
        why = Change(None, "ops", None, "/leads/{lead_id}/pause", taken.lead_id, {}, note="Mrs Quux is away")
        await begin(conn, why, None, StepClock().wall())
    before = await everything(pool)
    found = {name for name, text in before.items() if PRIVATE.search(text)}
    assert found >= {"person", "inquiry", "lead", "outcome", "audit"}
    whose = await erase(pool, taken.lead_id)
    assert whose.leads == (taken.lead_id,)
    after = await everything(pool)
    assert [name for name, text in after.items() if PRIVATE.search(text)] == []
    lead = await pool.fetchrow("select * from lead where id = $1", taken.lead_id)
    assert (lead["lead_type"], lead["close_reason"], lead["country"]) == ("hot", "erased", None)
    assert lead["closed_at"] is not None
    assert await pool.fetchval("select count(*) from outcome where call_result = 'no_answer'") == 1
    assert await pool.fetchval("select count(*) from lead_key") == 0


async def test_erased_twice_is_erased_once(pool: Any) -> None:
    lead_id = (await post(pool)).lead_id
    await erase(pool, lead_id)
    row = await pool.fetchrow("select * from lead where id = $1", lead_id)
    await erase(pool, lead_id)
    assert await pool.fetchrow("select * from lead where id = $1", lead_id) == row


@pytest.mark.parametrize(
    ("scope", "again", "channels"),
    [
        ("all", {}, {"all", "call", "sms"}),
        ("all", {"phone": None}, {"all"}),
        ("all", {"email": None}, {"all"}),
        # another person with the number: their mail is their own
        ("all", {"email": "b@other.example", "name": "B"}, {"call", "sms"}),
        ("email", {}, {"email"}),
        ("sms", {}, {"sms"}),
        ("sms", {"email": "b@other.example", "name": "B"}, {"sms"}),
        ("call", {"phone": None}, set()),
    ],
)
async def test_an_opt_out_holds_after_erasure(
    pool: Any, scope: Any, again: dict[str, object], channels: set[str]
) -> None:
    first = await post(pool)
    async with pool.acquire() as conn, conn.transaction():
        person = await erasure.person_of_lead(conn, first.lead_id)
        assert person is not None
        await lock_person(conn, person)
        await opt_out(conn, StepClock(), person, scope, source="rep")
    await erase(pool, first.lead_id)
    second = await post(pool, **again)
    assert second.lead_id != first.lead_id
    rows = await pool.fetch(
        "select b.channel from barred b join lead l using (person_id) where l.id = $1", second.lead_id
    )
    assert {row["channel"] for row in rows} == channels
    stopped = await pool.fetchval("select plan_stopped from lead where id = $1", second.lead_id)
    assert (stopped == "opted_out") == ("all" in channels)


async def test_who_never_opted_out_comes_back_as_anybody(pool: Any) -> None:
    await erase(pool, (await post(pool)).lead_id)
    assert await pool.fetchval("select count(*) from suppressed_contact") == 0
    second = await post(pool)
    assert second.start is not None
    assert await pool.fetchval("select count(*) from barred") == 0


async def test_marks_of_another_installation_mean_nothing() -> None:
    assert marks_of(SECRET, "a@b.example", None) != marks_of(b"t" * 32, "a@b.example", None)


async def test_a_shared_number_stays_opted_out_for_the_other(pool: Any) -> None:
    first = await post(pool)
    other = await post(pool, email="b@other.example", name="B")
    async with pool.acquire() as conn, conn.transaction():
        person = await erasure.person_of_lead(conn, first.lead_id)
        assert person is not None
        await lock_person(conn, person)
        await opt_out(conn, StepClock(), person, "all", source="rep")
    await erase(pool, first.lead_id)
    rows = await pool.fetch("select channel from barred b join lead l using (person_id) where l.id = $1", other.lead_id)
    assert {row["channel"] for row in rows} == {"call", "sms"}
