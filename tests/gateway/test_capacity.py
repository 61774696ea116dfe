"""/capacity: who has room, what waits; a change is versioned, audited, and can be taken back."""

from datetime import timedelta
from typing import Any

import pytest

from tests.gateway.house import MONDAY, House, rep

WEEK = {str(day): [[540, 1080]] for day in range(5)}


async def ask(house: House, who: dict[str, str], path: str = "/capacity", **form: str) -> tuple[int, str]:
    method = "POST" if form else "GET"
    async with house.http.request(method, path, headers=who, data=form or None, allow_redirects=False) as answer:
        return answer.status, " ".join((await answer.text()).split())


async def change(house: House, who: dict[str, str], rep_id: str, **changes: str) -> tuple[int, str]:
    form = {"capacity": "30", "weight": "2", "reason": "Ben is ill", "seen": "20/1"} | changes
    return await ask(house, who, f"/capacity/{rep_id}", **form)


async def share(house: House, rep_id: str) -> tuple[int, int]:
    row = await house.pool.fetchrow("select capacity, weight from rep where id = $1", rep_id)
    return row["capacity"], row["weight"]


async def rows(house: House) -> list[dict[str, Any]]:
    return [dict(row) for row in await house.pool.fetch("select * from capacity_change order by id")]


async def test_a_change_is_versioned_audited_and_taken_back(house: House) -> None:
    sam, boss = await rep(house.pool), await house.sign_in("manager")
    assert (await change(house, boss, sam))[0] == 303
    assert await share(house, sam) == (30, 2)
    [row] = await rows(house)
    assert (row["old_capacity"], row["old_weight"], row["capacity"], row["weight"]) == (20, 1, 30, 2)
    assert (row["reason"], row["at_wall"]) == ("Ben is ill", house.clock.now)
    audit = await house.pool.fetchrow("select * from audit where action = '/capacity/{rep_id}'")
    assert (audit["asked"], audit["status"], audit["account_id"]) == (
        {"capacity": "30", "weight": "2", "rep_id": sam}, 303, row["account_id"],
    )  # fmt: skip
    _, page = await ask(house, boss)
    assert "20 → 30" in page
    assert "Ben is ill" in page
    assert (await ask(house, boss, f"/capacity/changes/{row['id']}/revert", x="1"))[0] == 303
    assert await share(house, sam) == (20, 1)
    assert [r["reverts"] for r in await rows(house)] == [None, row["id"]]
    again = await ask(house, boss, f"/capacity/changes/{row['id']}/revert", x="1")
    assert again[0] == 422
    assert "this change was taken back already" in again[1]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"capacity": "0"}, "capacity: expected 1 to 100000"), ({"capacity": "many"}, "capacity: expected a whole"),
        ({"capacity": "-3"}, "capacity: expected a whole number"), ({"weight": "101"}, "weight: expected 0 to 100"),
        ({"weight": ""}, "weight: expected a whole number"), ({"reason": "  "}, "reason: expected a few words why"),
        ({"seen": "25/1"}, "somebody else has changed it meanwhile: it is capacity 20, weight 1 now"),
        ({"capacity": "20", "weight": "1"}, "nothing to change"), ({"capacity": "9" * 30}, "expected a whole number"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_and_changes_nothing(house: House, changes: dict[str, str], fault: str) -> None:
    sam, boss = await rep(house.pool), await house.sign_in("manager")
    status, page = await change(house, boss, sam, **changes)
    assert status == 422
    assert fault in page
    assert await share(house, sam) == (20, 1)
    assert await rows(house) == []


async def test_nobody_can_be_changed_who_is_not_there_or_has_left(house: House) -> None:
    gone, boss = await rep(house.pool, active=False), await house.sign_in("manager")
    for who in (gone, "00000000-0000-4000-8000-000000000000", "nobody"):
        status, page = await change(house, boss, who)
        assert status == 422
        assert "there is no such active rep" in page
    for change_id in ("7", "x"):
        assert (await ask(house, boss, f"/capacity/changes/{change_id}/revert", x="1"))[0] == 422


async def test_a_change_that_somebody_went_on_from_stays(house: House) -> None:
    sam, boss = await rep(house.pool), await house.sign_in("manager")
    await change(house, boss, sam)
    await change(house, boss, sam, capacity="40", seen="30/2")
    first = (await rows(house))[0]["id"]
    status, page = await ask(house, boss, f"/capacity/changes/{first}/revert", x="1")
    assert (status, await share(house, sam)) == (422, (40, 2))
    assert "something else stands there since: capacity 40, weight 2" in page


@pytest.mark.parametrize(("role", "status"), [("rep", 403), ("analyst", 403), ("manager", 200), ("ops", 200)])
async def test_capacity_is_moved_by_managers(house: House, role: str, status: int) -> None:
    sam = await rep(house.pool)
    who = await house.sign_in(role, sam if role == "rep" else None)
    assert (await ask(house, who))[0] == status
    if status == 403:
        assert (await change(house, who, sam))[0] == 403
        assert await share(house, sam) == (20, 1)


async def test_the_page_says_who_is_there_what_waits_and_who_has_room_next(house: House) -> None:
    sam, boss = await rep(house.pool), await house.sign_in("manager")
    await house.pool.execute("update rep set weekly = $1", WEEK)
    assert "on shift" in (await ask(house, boss))[1]
    lead = await house.lead()
    await house.pool.execute(
        "update lead set open_at = $2, created_at = $3, first_attempt_due = $4 where id = $1",
        lead, MONDAY, MONDAY - timedelta(minutes=7), MONDAY + timedelta(minutes=3),
    )  # fmt: skip
    _, page = await ask(house, boss)
    assert 'Waiting for somebody <span class="count">1</span>' in page
    assert "The oldest waits 7 min" in page
    assert "Somebody has room now" in page
    await house.pool.execute("update rep set presence = 'away', away_until = $2 where id = $1",
                             sam, MONDAY + timedelta(minutes=10))  # fmt: skip
    assert "Somebody has room in 10 min" in (await ask(house, boss))[1]
    await house.pool.execute("update rep set weight = 0")
    _, page = await ask(house, boss)
    assert "Nobody has room" in page
    assert "gets no leads" in page
    house.clock.now = MONDAY + timedelta(hours=12)
    boss = await house.sign_in("manager")
    await house.pool.execute("update rep set weight = 1, presence = 'available'")
    assert "Somebody has room in 11 h" in (await ask(house, boss))[1]
    assert "waiting for an owner</a></dt><dd>1</dd>" in (await ask(house, boss, "/ops/leads"))[1]
