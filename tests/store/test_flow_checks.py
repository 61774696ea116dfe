"""A check's lead goes after a day, whatever people of ours have done with it meanwhile."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from speedlead.domain.flow_check import SOURCE
from speedlead.ids import new_id
from speedlead.store import flow_checks
from tests.activities.house import House, open_house

# tables whose rows stop the deletion of rows that they point to, each with what it points to
_POINTS = """
select distinct conrelid::regclass::text as child, confrelid::regclass::text as parent
from pg_constraint where contype = 'f' and confdeltype = 'a' and conrelid <> confrelid
"""


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_house(database_url) as made:
        yield made


async def check(house: House) -> tuple[str, str]:
    """A check's lead that has ended, and its person."""
    lead = await house.lead(source=SOURCE, closed_at=house.clock.now, close_reason="flow_check")
    return lead, await house.person(lead)


async def clean(house: House) -> int:
    async with house.pool.acquire() as conn, conn.transaction():
        await conn.execute("update lead set created_wall = $1", house.clock.now)
        return await flow_checks.clean(conn, house.clock.now + timedelta(days=2))


async def test_what_people_did_with_a_check_goes_with_it(house: House) -> None:
    (lead, person), rep, now = await check(house), await house.rep(), house.clock.now
    other = await house.lead(email=None, phone=None)
    reply, touch = new_id(), f"{lead}.call-1"
    rows: list[tuple[str, dict[str, Any]]] = [
        ("assignment", {"lead_id": lead, "inquiry_number": 1, "rep_id": rep, "reason": "by_hand", "at": now,
                        "gave_up": [], "weights": {}, "candidates": []}),
        ("breach", {"lead_id": lead, "target": "first_attempt", "phase": "at_risk", "due_at": now, "found_at": now}),
        ("reply", {"id": reply, "lead_id": lead, "person_id": person, "channel": "email", "automatic": False,
                   "body": "Hello", "provider_id": "m1", "received_at": now}),
        ("answer", {"id": new_id(), "lead_id": lead, "number": 1, "rep_id": rep, "channel": "email", "body": "Hello",
                    "reply_id": reply, "written_at": now}),
        ("touch", {"id": touch, "lead_id": lead, "person_id": person, "step": "call-1", "channel": "call",
                   "purpose": "manual", "state": "sent"}),
        ("leg", {"id": f"{touch}.rep", "touch_id": touch, "role": "rep", "state": "ended",
                 "claimed_at": now, "claimed_wall": now}),
        ("outcome", {"id": new_id(), "lead_id": lead, "touch_id": touch, "rep_id": rep, "call_result": "no_answer",
                     "at": now}),
        ("person_phone", {"number": "+14155550199", "person_id": person, "created_at": now}),
    ]  # fmt: skip
    for table, row in rows:
        await house.put(table, **row)
    await house.pool.execute(
        "update person set possible_duplicate_of = $1 where id = $2", person, await house.person(other)
    )
    assert await clean(house) == 1
    for table, _ in rows:
        # the other lead's own rows stay
        left = await house.pool.fetch(f"select * from {table}")
        assert not [row for row in left if {lead, person, touch} & {str(value) for value in row.values()}], table
    assert [str(row["id"]) for row in await house.pool.fetch("select id from lead")] == [other]
    assert await house.pool.fetchval("select count(*) from person") == 1


async def test_whoever_got_another_lead_meanwhile_stays(house: House) -> None:
    lead, person = await check(house)
    other = await house.lead(email=None, phone=None)
    await house.pool.execute("update lead set person_id = $1 where id = $2", person, other)
    assert await clean(house) == 1
    assert await house.pool.fetchval("select id::text from person where id = $1", person) == person
    assert [str(row["id"]) for row in await house.pool.fetch("select id from lead")] == [other]
    assert lead != other


@pytest.mark.parametrize("table", ["lead", "person", "touch", "reply", "notice", "inquiry", "outcome", "leg", "answer"])
async def test_no_table_that_points_to_a_check_is_forgotten(house: House, table: str) -> None:
    said = [*flow_checks._FORGET, *flow_checks._FORGET_PEOPLE]
    place = {name: at for at, text in enumerate(said) for name in [text.split()[2]] if text.startswith("delete")}
    for row in await house.pool.fetch(_POINTS):
        if row["parent"] == table and table in place:
            assert row["child"] in place, f"{row['child']} points to {table} and is not deleted with it"
            first = min(at for at, text in enumerate(said) if text.startswith(f"delete from {row['child']} "))
            assert first < place[table], f"{row['child']} has to go before {table}"
