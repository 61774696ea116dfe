"""What if, over HTTP: asked on the page, played by the chore in a process of its own, and shown."""

import asyncio
import csv
import io
import re
from typing import Any

import pytest

from speedlead.chores import whatif as chore
from speedlead.chores.whatif import WhatIf
from speedlead.demo.season.fill import fill
from speedlead.domain.business import Calendars
from speedlead.store import whatif as rows
from speedlead.whatif.asked import AskedWrongly, read
from tests.gateway.house import House
from tests.gateway.test_access import ask
from tests.store.hand_made import put_reps

LEADS = 12
ONE = "reps:\n  - {email: a@x.example, name: A, zone: America/New_York, hours: {tue: 09:00-10:00}}"


@pytest.fixture
async def season(house: House, database_url: str) -> House:
    await fill(database_url, LEADS, until=house.clock.now, days=14)
    return house


async def post(house: House, headers: dict[str, str], path: str = "/whatif", **form: Any) -> tuple[int, str, str]:
    async with house.http.post(path, data=form, headers=headers, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", ""), await answer.text()


async def begin(house: House, headers: dict[str, str], **form: Any) -> str:
    status, where, page = await post(house, headers, **form)
    assert status == 303, page
    return where


async def table(house: House, headers: dict[str, str], path: str) -> list[dict[str, str]]:
    status, text = await ask(house, "GET", path, headers)
    assert status == 200, text
    return list(csv.DictReader(io.StringIO(text)))


async def test_other_people_and_cover_are_played_beside_what_is_now(season: House) -> None:
    house = season
    headers = await house.sign_in("manager")
    where = await begin(house, headers, days="14", team=ONE, more="2", more_hours="tue-wed 09:00-10:00",
                        cover_hours="sat 09:00-11:00", zone="America/New_York")  # fmt: skip
    _, page = await ask(house, "GET", where, headers)
    assert ("It waits for its turn" in page, "Cancel" in page) == (True, True)
    assert await WhatIf(house.pool, house.deps.settings, house.clock).round() == "1 played"
    _, page = await ask(house, "GET", where, headers)
    assert ("The first touch comes sooner for" in page, "Erlang C" in page, "Cancel" in page) == (True, True, False)
    assert "What if: 1 other people; 2 more people, tue-wed 09:00-10:00 America/New_York; on call sat 09" in page
    compared = {row["What"].strip(): row for row in await table(house, headers, f"{where}/csv/compared")}
    assert int(compared["calls in all"]["Then"]) < int(compared["calls in all"]["Now"])
    assert compared["leads not through the plan after 60 days"]["Then"] == "0"
    assert int(re.findall(r"and later for (\d+)", page)[0]) > 0
    hours = await table(house, headers, f"{where}/csv/hours")
    assert len(hours) == 168
    there = {row["Hour"]: int(row["On shift, then"]) for row in hours if row["On shift, then"] != "0"}
    assert there == {"Tue 09:00": 3, "Wed 09:00": 2, "Sat 09:00": 3, "Sat 10:00": 3}
    run = await rows.run_of(house.pool, where.rpartition("/")[2])
    assert run is not None
    assert (run.state, run.played, run.of_all) == ("done", LEADS, LEADS)
    # what was asked can be asked again
    _, form = await ask(house, "GET", f"/whatif?like={run.run_id}", headers)
    assert 'value="sat 09:00-11:00"' in form


async def test_a_draft_is_played_and_a_broken_one_is_refused_by_its_line(season: House) -> None:
    house = season
    headers = await house.sign_in("ops")
    found = await house.pool.fetchval("select id || ':' || version from plan limit 1")
    _, where, _ = await post(house, headers, "/plans/drafts", **{"from": found})
    draft = where.rpartition("/")[2]
    run = await begin(house, headers, plan=f"draft:{draft}", most="1")
    await WhatIf(house.pool, house.deps.settings, house.clock).round()
    compared = await table(house, headers, f"{run}/csv/compared")
    assert [row["Now"] for row in compared] == [row["Then"] for row in compared], "the draft says what is in use"
    await house.pool.execute("update plan_draft set yaml = 'id: inbound' where id = $1", int(draft))
    status, _, page = await post(house, headers, plan=f"draft:{draft}")
    assert (status, f"draft {draft}:1: " in page, 'href="#plan"' in page) == (422, True, True)


async def test_a_run_can_be_cancelled_while_it_is_played_and_the_next_has_its_turn(
    season: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, headers = season, await season.sign_in("analyst")
    first, second = await begin(house, headers), await begin(house, headers, days="1", most="1")
    played, began = chore.play_apart, asyncio.Event()

    async def watched(work: Any, on_progress: Any) -> Any:
        if len(work.prospects) > 1:
            assert (await post(house, headers, f"{first}/cancel"))[0] == 303
            began.set()
        return await played(work, on_progress)

    monkeypatch.setattr(chore, "play_apart", watched)
    # the second one's period has no lead, or one
    await WhatIf(house.pool, house.deps.settings, house.clock).round()
    assert began.is_set()
    states = [(await rows.run_of(house.pool, where.rpartition("/")[2])).state for where in (first, second)]  # type: ignore[union-attr]
    assert states[0] == "cancelled"
    assert states[1] in ("done", "failed")
    # one that a process left when it died is begun again, and an answer that nobody waits for changes nothing
    third = (await begin(house, headers, most="1")).rpartition("/")[2]
    wall = house.clock.wall()
    for _ in range(2):
        run = await rows.take(house.pool, wall)
        assert run is not None
        assert run.run_id == third
    fourth = (await begin(house, headers, most="2")).rpartition("/")[2]
    older = "update whatif_run set created_wall = created_wall - interval '1 day' where id = $1"
    await house.pool.execute(older, fourth)
    await house.pool.execute("update whatif_run set begun = 1 where id = $1", third)
    for _ in range(rows.MOST_BEGUN):
        assert (await rows.take(house.pool, wall)).run_id == fourth  # type: ignore[union-attr]
    assert (await rows.take(house.pool, wall)).run_id == third  # type: ignore[union-attr]
    given_up = await rows.run_of(house.pool, fourth)
    assert given_up is not None
    assert (given_up.state, given_up.problem) == ("failed", rows.DIED)
    assert await rows.progressed(house.pool, third, 1, 1)
    await rows.cancel(house.pool, third, wall)
    assert not await rows.progressed(house.pool, third, 1, 1)
    await rows.end(house.pool, third, wall, result={"played": 1})
    assert (await rows.run_of(house.pool, third)).state == "cancelled"  # type: ignore[union-attr]


async def test_what_is_typed_wrongly_is_named_and_kept(house: House) -> None:
    await put_reps(house.pool)
    headers = await house.sign_in("manager")
    status, _, page = await post(house, headers, days="0", zone="Mars/Base", more="2", more_hours="<b>", team="reps: 3",
                                 within="soon", cover_type="red", without=["x", "y"])  # fmt: skip
    assert status == 422
    for field in ("days", "zone", "more_hours", "team", "within", "cover_type", "without"):
        assert f'<a href="#{field}">' in page, field
    assert ("<b>" in page, "&lt;b&gt;" in page) == (False, True)
    status, _, page = await post(house, headers, plan="inbound:99")
    assert (status, "plan inbound version 99: there is no such plan" in page) == (422, True)
    status, _, page = await post(house, headers, without="7")
    assert (status, "expected people who are here now, got 7" in page) == (422, True)
    # a house without leads says so in the run
    where = await begin(house, headers)
    await WhatIf(house.pool, house.deps.settings, house.clock).round()
    _, page = await ask(house, "GET", where, headers)
    assert "days: expected leads to play, got none of the last 30 days" in page
    for _ in range(5):
        await begin(house, headers)
    status, _, page = await post(house, headers)
    assert (status, "5 are to be played before" in page) == (422, True)


def test_the_team_of_a_roster_replaces_ours() -> None:
    gone = "\n  - {email: b@x.example, name: B, zone: UTC, hours: {tue: 09:00-10:00}, active: false}"
    asked = read({"team": ONE + gone})
    assert asked.words == "2 other people"
    assert [len(shifts) for shifts in asked.other_team([], Calendars())] == [1], "who is not active is not there"
    with pytest.raises(AskedWrongly) as wrong:
        read({"days": "1e400", "most": "٣٣", "call_minutes": "nan", "team": "a" * 60_001})
    assert set(wrong.value.problems) == {"days", "call_minutes", "team"}
