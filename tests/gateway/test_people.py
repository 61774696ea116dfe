"""The pages about our people: who is there, changes that are shown before they are saved, and one's own word."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from speedlead.gateway.access.table import Role
from tests.gateway.house import MONDAY, House, rep

WEEK = {str(day): [[540, 1020]] for day in range(5)}


async def put_rep(house: House, name: str = "Sam", **columns: Any) -> str:
    """MONDAY is 10:00 in New York."""
    rep_id = await rep(house.pool)
    given = {"name": name, "email": f"{name.lower()}@acme.example", "weekly": WEEK} | columns
    for column, value in given.items():
        await house.pool.execute(f"update rep set {column} = $2 where id = $1", rep_id, value)
    return rep_id


async def get(house: House, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    async with house.http.get(path, headers=headers or house.staff, allow_redirects=False) as answer:
        return answer.status, " ".join(re.sub("<[^>]+>", " ", await answer.text()).split())


async def post(
    house: House, path: str, form: list[tuple[str, str]], headers: dict[str, str] | None = None
) -> tuple[int, str, str]:
    async with house.http.post(path, data=form, headers=headers or house.staff, allow_redirects=False) as answer:
        return answer.status, await answer.text(), answer.headers.get("Location", "")


def form(**changes: str | list[str] | None) -> list[tuple[str, str]]:
    given: dict[str, Any] = {
        "name": "Sam", "zone": "America/New_York", "phone": "+12125550123", "lane": "all", "weight": "1",
        "capacity": "20", "channels": ["call", "email", "sms"], "active": "on", "action": "check",
        **{f"hours_{day}": "09:00-17:00" for day in ("mon", "tue", "wed", "thu", "fri")},
    } | changes  # fmt: skip
    return [(name, one) for name, value in given.items() if value is not None
            for one in (value if isinstance(value, list) else [value])]  # fmt: skip


async def save(house: House, path: str, sent: list[tuple[str, str]]) -> tuple[int, str, str]:
    """Sends what the page of the differences has, with its button."""
    status, page, _ = await post(house, path, sent)
    assert status == 200, page
    import html

    hidden = [(name, html.unescape(value)) for name, value in
              re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page) if name != "csrf"]  # fmt: skip
    return await post(house, path, [*hidden, ("action", "save")])


# ── everybody ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_list_says_who_is_there(house: House) -> None:
    hour = timedelta(hours=1)
    await put_rep(house, "Anna")
    off, met, away, back = [await put_rep(house, name) for name in ("Ben", "Carla", "Dora", "Emil")]
    await put_rep(house, "Fay", zone="Asia/Tokyo", manager=True)
    await put_rep(house, "Gus", weekly={})
    await put_rep(house, "Zoe", active=False)
    for who, source in ((off, "time_off"), (met, "calendar")):
        await house.pool.execute(
            "insert into rep_busy values ($1, $2, $3, $4)", who, source, MONDAY - hour, MONDAY + hour)  # fmt: skip
    for who, until in ((away, MONDAY + hour), (back, MONDAY - hour)):
        await house.pool.execute("update rep set presence = 'away', away_until = $2 where id = $1", who, until)
    status, text = await get(house, "/people")
    assert status == 200
    for told in ("Anna anna@acme.example – on shift New York time, now 10:00 available 0 of 20",
                 "time off until Mon 23 Nov, 11:00", "in a meeting until Mon 23 Nov, 11:00",
                 "away until Mon 23 Nov, 11:00", "Fay manager", "off, next Tue 24 Nov, 09:00 Tokyo time, now 00:00",
                 "Gus gus@acme.example – has no shift", "Zoe has left"):  # fmt: skip
        assert told in text, told
    assert "Emil emil@acme.example – on shift New York time, now 10:00 available" in text


async def test_what_became_of_each_calendar_is_said(house: House) -> None:
    sam = await put_rep(house, ics_url="https://calendar.example/private-s3cret/basic.ics")
    assert "not read yet" in (await get(house, "/people"))[1]
    await house.pool.execute(
        """insert into rep_calendar (rep_id, url, read_wall, failures, problem)
           select id, ics_url, $2, 4, 'calendar_not_found' from rep where id = $1""",
        sam, MONDAY - timedelta(hours=2))  # fmt: skip
    _, text = await get(house, "/people")
    assert "not read: there is none at its address any more" in text
    assert "busy times are old" not in text
    await house.pool.execute("update rep_calendar set read_wall = $1", MONDAY - timedelta(days=2))
    assert "its busy times are old: read Sat 21 Nov, 15:00 UTC" in (await get(house, "/people"))[1]
    async with house.http.get(f"/people/{sam}", headers=house.staff) as answer:
        page = await answer.text()
    assert "at calendar.example" in page
    assert "s3cret" not in page


@pytest.mark.parametrize("role", list(Role))
async def test_who_may(house: House, role: Role) -> None:
    sam = await put_rep(house)
    headers = await house.sign_in(role, sam)
    allowed = role in (Role.MANAGER, Role.OPS, Role.ADMIN)
    assert (await get(house, "/people", headers))[0] == (200 if allowed else 403)
    assert (await get(house, f"/people/{sam}", headers))[0] == (200 if allowed else 403)
    status, _, _ = await post(house, f"/people/{sam}", form(capacity="7"), headers)
    assert status == (200 if allowed else 403)
    works = allowed or role is Role.REP
    assert (await post(house, "/rep/presence", [("presence", "busy")], headers))[0] == (303 if works else 403)


# ── one person ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_change_is_shown_before_it_is_saved_and_is_noted(house: House) -> None:
    sam = await put_rep(house)
    path = f"/people/{sam}"
    sent = form(capacity="7", territories="US-NY, US:100", languages="en; fr", off_from=["2026-12-24", ""],
                off_to=["", ""], hours_sat="10:00-12:00 13:00-14:00",
                ics_url="webcal://calendar.example/private-s3cret.ics")  # fmt: skip
    status, page, _ = await post(house, path, sent)
    assert status == 200
    for shown in ("20", "7", "US-NY, US:100", "2026-12-24..2026-12-24", "sat 10:00-12:00 13:00-14:00",
                  "at calendar.example"):  # fmt: skip
        assert shown in page, shown
    assert await house.pool.fetchval("select capacity from rep where id = $1", sam) == 20
    status, _, where = await save(house, path, sent)
    assert (status, where) == (303, f"{path}?said=saved")
    row = await house.pool.fetchrow("select * from rep where id = $1", sam)
    assert (row["capacity"], row["territories"], row["languages"]) == (7, ["US-NY", "US:100"], ["en", "fr"])
    assert row["ics_url"] == "https://calendar.example/private-s3cret.ics"
    assert row["weekly"]["5"] == [[600, 720], [780, 840]]
    off = await house.pool.fetchrow("select starts_at, ends_at from rep_busy where rep_id = $1", sam)
    assert off["starts_at"] == datetime(2026, 12, 24, 5, tzinfo=UTC)
    line = await house.pool.fetchrow("select * from audit where status = 303 order by id desc limit 1")
    assert (line["action"], line["object"], line["asked"]["action"]) == ("/people/{rep_id}", sam, "save")
    assert (line["before"]["capacity"], line["after"]["capacity"]) == (20, 7)
    assert "s3cret" not in str(dict(line))
    change = await house.pool.fetchrow("select * from capacity_change")
    assert (change["old_capacity"], change["capacity"], change["account_id"]) == (20, 7, line["account_id"])
    # the same again changes nothing, and an address that is left out stays
    sent = [pair for pair in sent if pair[0] != "ics_url"]
    assert (await post(house, path, sent))[2] == f"{path}?said=same"
    assert (await save(house, path, [*sent, ("no_calendar", "on")]))[0] == 303
    assert await house.pool.fetchval("select ics_url from rep where id = $1", sam) is None


async def test_what_is_emptied_is_empty(house: House) -> None:
    sam = await put_rep(house, territories=["US"], languages=["en"])
    await save(house, f"/people/{sam}", form(phone="", hours_mon=None))
    row = await house.pool.fetchrow("select phone, territories, languages, weekly from rep where id = $1", sam)
    assert (row["phone"], row["territories"], row["languages"], "0" in row["weekly"]) == (None, [], [], False)


BAD = [
    ({"zone": "Mars/Base"}, "unknown time zone"), ({"hours_mon": "17:00-09:00"}, "start before its end"),
    ({"hours_mon": "late"}, "times of day such as"), ({"name": ""}, "at least 1 character"),
    ({f"hours_{day}": None for day in ("mon", "tue", "wed", "thu", "fri")}, "hours on one weekday"),
    ({"phone": "030 123"}, "such as +12125550123"), ({"capacity": "0"}, "greater than or equal to 1"),
    ({"capacity": "many"}, "valid integer"), ({"channels": None}, "at least 1 item"),
    ({"lane": "fast"}, "&#39;all&#39;"),
    ({"territories": "XX"}, "not a country"), ({"languages": "english"}, "such as en"),
    ({"off_from": "2026-12-26", "off_to": "2026-12-24"}, "before its start"), ({"off_from": "soon"}, "date"),
    ({"ics_url": "http://calendar.example/x"}, "the address of a calendar"),
    ({"ics_url": "https://me:pw@calendar.example/x"}, "the address of a calendar"), ({"ics_url": "ftp://x"}, "address"),
    ({"ics_url": "https://"}, "address"), ({"ics_url": "https://x/" + "y" * 2000}, "at most 2000"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "told"), BAD)
async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    house: House, wrong: dict[str, Any], told: str
) -> None:
    sam = await put_rep(house)
    status, page, _ = await post(house, f"/people/{sam}", form(**{"products": "crm", **wrong}))
    assert status == 422
    assert told in page
    assert 'value="crm"' in page
    assert 'aria-invalid="true"' in page or 'class="wrong"' in page


async def test_somebody_new(house: House) -> None:
    sent = form(email="Mara@Acme.example", name="Mara")
    status, _, where = await save(house, "/people/add", sent)
    assert status == 303
    mara = await house.pool.fetchrow("select id, email from rep where name = 'Mara'")
    assert (where, mara["email"]) == (f"/people/{mara['id']}?said=saved", "mara@acme.example")
    assert await house.pool.fetchval("select object from audit order by id desc limit 1") == mara["id"]
    status, page, _ = await post(house, "/people/add", sent)
    assert status == 422
    assert "none of our people has yet" in page
    assert (await post(house, "/people/add", form(email="mara", name="M")))[0] == 422


async def test_what_somebody_else_changed_meanwhile_is_shown_not_overwritten(house: House) -> None:
    sam = await put_rep(house)
    status, page, _ = await post(house, f"/people/{sam}", form(capacity="7"))
    seen = re.search('name="seen" value="([^"]+)"', page)
    assert seen
    await house.pool.execute("update rep set capacity = 9, name = 'Samuel' where id = $1", sam)
    again = [("seen", seen[1]), *(pair for pair in form(capacity="7") if pair[0] != "action"), ("action", "save")]
    status, page, _ = await post(house, f"/people/{sam}", again)
    assert status == 409
    assert "Somebody else has changed" in page
    assert "Samuel" in page
    assert await house.pool.fetchval("select capacity from rep where id = $1", sam) == 9
    # a made-up agreement saves nothing
    status, _, _ = await post(house, f"/people/{sam}", [("seen", "x"), *again[1:]])
    assert status == 409


async def test_who_leaves_is_asked_about_open_leads(house: House) -> None:
    sam, lead = await put_rep(house), await house.lead()
    await house.pool.execute("update lead set owner_id = $1 where id = $2", sam, lead)
    status, page, _ = await post(house, f"/people/{sam}", form(active=None))
    assert "1 open leads are theirs" in page
    status, _, where = await save(house, f"/people/{sam}", form(active=None))
    assert (status, where) == (303, f"/people/{sam}?said=saved")
    async with house.http.get(f"/people/{sam}", headers=house.staff) as answer:
        assert f'href="/people/{sam}/hand-over"' in await answer.text()
    assert await house.pool.fetchval("select active from rep where id = $1", sam) is False


async def test_people_that_there_are_not(house: House) -> None:
    for path in ("/people/x", "/people/00000000-0000-4000-8000-000000000000"):
        assert (await get(house, path))[0] == 404
        assert (await post(house, path, form()))[0] == 404


# ── one's own word ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_rep_says_available_busy_and_away_until(house: House) -> None:
    sam = await put_rep(house)
    headers = await house.sign_in("rep", sam)

    async def said() -> tuple[Any, ...]:
        return tuple(await house.pool.fetchrow("select presence, away_until, away_said from rep where id = $1", sam))

    assert (await post(house, "/rep/presence", [("presence", "away"), ("until", "2026-11-23T11:30")], headers))[
        0
    ] == 303
    assert await said() == ("away", datetime(2026, 11, 23, 16, 30, tzinfo=UTC), True)  # on Sam's clock
    assert "Away until Mon 23 Nov, 11:30" in (await get(house, "/rep?live=off", headers))[1]
    line = await house.pool.fetchrow("select * from audit order by id desc limit 1")
    assert (line["object"], line["asked"]) == (sam, {"presence": "away", "until": "2026-11-23T11:30"})
    house.clock.now += timedelta(hours=2)
    assert "Away until Mon" not in (await get(house, "/rep?live=off", headers))[1]
    for presence in ("busy", "available"):
        assert (await post(house, "/rep/presence", [("presence", presence)], headers))[0] == 303
        assert await said() == (presence, None, False)
    assert (await post(house, "/rep/presence", [("presence", "away"), ("until", "")], headers))[0] == 303
    assert await said() == ("away", None, True)
    for wrong in ([("presence", "away"), ("until", "2026-11-23T09:00")], [("presence", "away"), ("until", "soon")],
                  [("presence", "asleep")], [], [("presence", "away"), ("until", "0001-01-01T00:00")]):  # fmt: skip
        status, page, _ = await post(house, "/rep/presence", wrong, headers)
        assert status == 422, wrong
        assert 'role="alert"' in page
    assert await said() == ("away", None, True)


async def test_nobody_in_particular_is_nowhere(house: House) -> None:
    assert (await post(house, "/rep/presence", [("presence", "busy")]))[0] == 404
