"""The page of who is on call: everybody who works leads may look, those who lead a team let somebody step in."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from speedlead import ids
from tests.gateway.house import House, open_house
from tests.store.test_oncall import ADA, TEXT

SAM, LEE = "sam@acme.example", "lee@acme.example"
STEP_IN = {"cover": "nights", "level": "1", "from": "2026-11-25", "to": "2026-11-26", "rep": ADA, "why": "<b>swap</b>"}


@pytest_asyncio.fixture
async def crew(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    file = tmp_path / "own.yaml"
    file.write_text(TEXT, "utf-8")
    async with open_house(database_url, tmp_path, calendars_file=file) as house:
        for number, name in enumerate(("sam", "kim", "lee", "ada"), 1):
            await house.pool.execute(
                """insert into rep (id, name, email, phone, zone, weekly, capacity)
                   values ($1, $2, $3, $4, 'America/New_York', '{}', 9)""",
                ids.new_id(), name, f"{name}@acme.example", f"+1415555271{number}",
            )  # fmt: skip
        yield house


async def post(house: House, path: str, form: dict[str, str], headers: dict[str, str] | None = None) -> tuple[int, str]:
    async with house.http.post(path, data=form, headers=headers or house.staff, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or await answer.text()


async def page(house: House, headers: dict[str, str] | None = None) -> tuple[int, str]:
    async with house.http.get("/oncall", headers=headers or house.staff) as answer:
        return answer.status, await answer.text()


async def audited(house: House) -> list[Any]:
    rows = await house.pool.fetch("select action, asked, status from audit where action like '%/oncall%' order by id")
    return [tuple(row) for row in rows]


async def test_the_page_shows_two_weeks_and_who_is_on_call_now(crew: House) -> None:
    status, text = await page(crew)
    assert status == 200
    assert text.count("<tr>") == 2 * 14 + 1
    assert text.count("on call now") == 2
    assert "09:00–Tue 09:00" in text


async def test_somebody_steps_in_and_the_page_the_audit_and_the_way_back_know_it(crew: House) -> None:
    assert await post(crew, "/oncall", STEP_IN) == (303, "/oncall?said=added")
    _, text = await page(crew)
    assert text.count("&lt;b&gt;swap&lt;/b&gt;") == 2
    assert "<b>swap" not in text
    gone = {"cover": "nights", "level": "1", "from": "2026-11-25"}
    assert await post(crew, "/oncall/remove", gone) == (303, "/oncall?said=removed")
    _, text = await page(crew)
    assert text.count("&lt;b&gt;swap&lt;/b&gt;") == 1
    assert await audited(crew) == [
        ("/oncall", {"cover": "nights", "level": "1", "from": "2026-11-25", "to": "2026-11-26"}, 303),
        ("/oncall/remove", gone, 303),
    ]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"from": "soon"}, "from: expected a date such as 2026-12-21, got &#39;soon&#39;"),
        ({"level": "one"}, "level: expected a number such as 1"),
        ({"level": "9"}, "level: nights has the levels 1 to 2, got 9"),
        ({"cover": "days"}, "cover: expected one of nights"),
        ({"rep": "eve@x.example"}, "rep: expected the e-mail address of an active rep with a phone"),
        ({"to": "2026-11-24"}, "to: 2026-11-24 lies before 2026-11-25"),
        ({"why": ""}, "why: expected a reason"),
    ],
)
async def test_what_cannot_be_is_said_by_field_and_nothing_changes(
    crew: House, typed: dict[str, str], says: str
) -> None:
    status, text = await post(crew, "/oncall", STEP_IN | typed)
    assert (status, says in text) == (422, True), text
    assert await crew.pool.fetchval("select count(*) from oncall_override") == 0


async def test_a_rep_looks_and_changes_nothing(crew: House) -> None:
    rep = await crew.sign_in("rep", str(await crew.pool.fetchval("select id from rep where name = 'sam'")))
    status, text = await page(crew, rep)
    assert (status, "Let them step in" in text, SAM in text) == (200, False, True)
    assert (await post(crew, "/oncall", STEP_IN, rep))[0] == 403
    manager = await crew.sign_in("manager")
    assert (await post(crew, "/oncall", STEP_IN, manager))[0] == 303
    analyst = await crew.sign_in("analyst")
    assert (await page(crew, analyst))[0] == 403


async def test_a_house_without_rotations_says_so(house: House) -> None:
    _, text = await page(house)
    assert "Nobody takes turns" in text
