"""Whoever writes while they are being erased is somebody new, whom an answer reaches and the next erasure finds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.resources import files
from typing import Any

import pytest

from speedlead.chores.retention import retention_chore
from speedlead.contact_marks import marks_of
from speedlead.store import erasure
from speedlead.store.inbound import Heard, Inbound, take_inbound
from speedlead.store.optouts import opt_out
from speedlead.store.rows import lock_person
from speedlead.store.transactions import transact
from tests.gateway.house import MONDAY, RETURNS, StepClock
from tests.store.test_erasure import ADA, PRIVATE, SECRET, everything, pool, post

__all__ = ["pool"]
MAIL, NUMBER = str(ADA["email"]), str(ADA["phone"])


@asynccontextmanager
async def being_erased(pool: Any) -> AsyncIterator[str]:
    """Somebody with a closed lead, whose erasure commits when the block ends."""
    lead = (await post(pool)).lead_id
    await pool.execute("update lead set closed_at = created_at, close_reason = 'no_outcome' where id = $1", lead)
    person = str(await pool.fetchval("select person_id from lead"))
    async with pool.acquire() as conn, conn.transaction():
        await erasure.erase(conn, StepClock(), [person], SECRET)
        yield person
        await asyncio.sleep(0.3)


async def hear(pool: Any, channel: Any, sender: str, body: str, **more: Any) -> Heard:
    marks = marks_of(SECRET, sender if channel == "email" else None, sender if channel == "sms" else None)
    provider = "sendgrid" if channel == "email" else "twilio"
    inbound = Inbound(provider, f"inbound:{body}", channel, sender, body, body, marks=marks, **more)
    return await transact(pool, lambda conn: take_inbound(conn, StepClock(), inbound, RETURNS))


async def left_of_the_erased(pool: Any, person: str) -> tuple[str | None, bool]:
    row = await pool.fetchrow("select name, erased_wall is not null as erased from person where id = $1", person)
    return row["name"], row["erased"]


@pytest.mark.parametrize("given", [{}, {"email": None}, {"phone": None}])
async def test_a_form_that_waits_for_an_erasure_is_answered(pool: Any, given: dict[str, None]) -> None:
    async with being_erased(pool) as erased:
        waits = asyncio.create_task(post(pool, **given))
        await asyncio.sleep(0.2)
        assert not waits.done()
    taken = await waits
    assert taken.start is not None
    assert (taken.start.reach.has_email, taken.start.reach.has_phone) == ("email" not in given, "phone" not in given)
    assert await pool.fetchval("select person_id from lead where id = $1", taken.lead_id) != erased
    assert await left_of_the_erased(pool, erased) == (None, True)


async def test_a_form_that_waits_is_as_suppressed_as_before(pool: Any) -> None:
    lead = (await post(pool)).lead_id
    person = str(await pool.fetchval("select person_id from lead"))
    async with pool.acquire() as conn, conn.transaction():
        await lock_person(conn, person)
        await opt_out(conn, StepClock(), person, "all", source="rep")
    async with pool.acquire() as conn, conn.transaction():
        await erasure.erase(conn, StepClock(), [person], SECRET)
        waits = asyncio.create_task(post(pool))
        await asyncio.sleep(0.3)
    taken = await waits
    assert taken.lead_id != lead
    assert await pool.fetchval("select plan_stopped from lead where id = $1", taken.lead_id) == "opted_out"


@pytest.mark.parametrize(("channel", "sender"), [("email", MAIL), ("sms", NUMBER)])
async def test_a_message_that_waits_for_an_erasure_is_a_strangers(pool: Any, channel: str, sender: str) -> None:
    async with being_erased(pool) as erased:
        waits = asyncio.create_task(hear(pool, channel, sender, "Do you sell herring?"))
        await asyncio.sleep(0.2)
        assert not waits.done()
    heard = await waits
    assert heard.stranger == "lead"
    [lead] = heard.told
    somebody = await pool.fetchval("select person_id from lead where id = $1", lead)
    assert somebody != erased
    assert tuple(await pool.fetchrow("select lead_id, person_id from reply")) == (lead, somebody)
    assert await left_of_the_erased(pool, erased) == (None, True)


async def test_an_erased_person_with_an_address_again_takes_further_forms(pool: Any) -> None:
    """As a release before this one could leave them."""
    first = (await post(pool)).lead_id
    await pool.execute("update person set erased_wall = $1", MONDAY)
    assert (await post(pool, message="and another")).lead_id == first
    assert await pool.fetchval("select erased_wall from person") is None


# ── after an erasure, in an old thread ───────────────────────────────────────────────────────────────────────────────

HOW: dict[str, dict[str, Any]] = {
    "a person": {}, "a program": {"automatic": True}, "unverified": {"doubt": "unverified"},
}  # fmt: skip


async def erased_and_wrote_again(pool: Any, **how: Any) -> str:
    lead = (await post(pool)).lead_id
    person = str(await pool.fetchval("select person_id from lead where id = $1", lead))
    async with pool.acquire() as conn, conn.transaction():
        await erasure.erase(conn, StepClock(), [person], SECRET)
    await hear(pool, "email", MAIL, "Adalind again, about herring", lead_id=lead, **how)
    assert "reply" in {name for name, text in (await everything(pool)).items() if PRIVATE.search(text)}
    return person


@pytest.mark.parametrize("how", HOW)
async def test_who_writes_in_an_old_thread_is_found_by_the_address(pool: Any, how: str) -> None:
    person = await erased_and_wrote_again(pool, **HOW[how])
    async with pool.acquire() as conn, conn.transaction():
        found = await erasure.people_with(conn, MAIL)
        assert found == [person]
        await erasure.erase(conn, StepClock(), found, SECRET, (MAIL,))
    assert [name for name, text in (await everything(pool)).items() if PRIVATE.search(text)] == []


@pytest.mark.parametrize("how", HOW)
async def test_who_writes_in_an_old_thread_is_found_by_retention(pool: Any, how: str) -> None:
    await erased_and_wrote_again(pool, **HOW[how])
    await pool.execute("update lead set closed_at = created_at, close_reason = 'no_outcome'")
    later = StepClock()
    later.now += timedelta(days=1001)
    await retention_chore(pool, later, SECRET, leads_days=1000, story_days=100).run()
    assert [name for name, text in (await everything(pool)).items() if PRIVATE.search(text)] == []


async def test_whose_thread_it_is_goes_not_with_who_else_wrote_there(pool: Any) -> None:
    """An address belongs to one person; a thread stays its lead's."""
    other = (await post(pool, email="b@other.example", phone=None, name="B")).lead_id
    await post(pool)
    await hear(pool, "email", MAIL, "I answer for B", lead_id=other)
    async with pool.acquire() as conn:
        found = await erasure.people_with(conn, MAIL)
    assert found == [await pool.fetchval("select person_id from person_email where address = $1", MAIL)]


async def test_the_migration_takes_up_whom_an_earlier_release_left_as_erased(pool: Any) -> None:
    """Who has written since is looked for again; of whom nothing is there stays erased."""
    await post(pool, email="gone@quux.example", phone=None)
    async with pool.acquire() as conn, conn.transaction():
        await erasure.erase(conn, StepClock(), [str(await pool.fetchval("select person_id from lead"))], SECRET)
    again = await erased_and_wrote_again(pool, automatic=True)
    await pool.execute("update person set erased_wall = $1", MONDAY)
    text = (files("speedlead") / "store/migrations/20261122000340_somebody_again.sql").read_text()
    await pool.execute(text.partition("-- migrate:down")[0])
    assert [row["id"] for row in await pool.fetch("select id from person where erased_wall is null")] == [again]
