"""The pages /hygiene: lists with their next step, files, setting aside, undoing; who may, and what the audit says."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from speedlead.domain.hygiene import TITLES
from speedlead.hygiene.desk import HygieneDesk
from speedlead.hygiene.reading import Reader
from tests.gateway.house import House
from tests.store.hand_made import SAM, put_reps


async def ask(house: House, who: dict[str, str], path: str, method: str = "GET", **form: str) -> tuple[int, str]:
    async with house.http.request(method, path, headers=who, data=form or None, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location") or " ".join((await answer.text()).split())


async def look(house: House) -> None:
    desk = HygieneDesk(house.pool, house.clock, Reader("US"), b"s", "UTC", "mon 05:00", ("name",), True,
                       timedelta(days=9))  # fmt: skip
    await desk.begin_asked()
    assert await desk.go_on() is not None


async def bounced(house: House, **fields: Any) -> str:
    lead = await house.lead(name="=Eve & <b>Co</b>", email="eve@old.example", **fields)
    await house.pool.execute("update person_email set bad_reason = 'bounced:550'")
    return lead


async def test_before_the_first_look_and_without_a_finding_the_page_says_so(house: House) -> None:
    boss = await house.sign_in("ops")
    assert "Nobody has looked yet" in (await ask(house, boss, "/hygiene"))[1]
    assert await ask(house, boss, "/hygiene/look", "POST", x="") == (303, "/hygiene?said=begun")
    assert await ask(house, boss, "/hygiene/look", "POST", x="") == (303, "/hygiene?said=running")
    assert "One is under way" in (await ask(house, boss, "/hygiene"))[1]
    await look(house)
    _, page = await ask(house, boss, "/hygiene")
    assert "all that was looked at is as it should be" in page
    assert "Look again now" in page


async def test_a_finding_leads_to_its_lead_and_is_set_aside_and_put_back(house: House) -> None:
    lead, boss = await bounced(house, phone="+13105550148"), await house.sign_in("ops")
    await look(house)
    assert 'href="/hygiene/mail_bad"' in (await ask(house, boss, "/hygiene"))[1]
    _, page = await ask(house, boss, "/hygiene/mail_bad")
    assert f'<a href="/leads/{lead}">=Eve &amp; &lt;b&gt;Co&lt;/b&gt;</a>' in page
    assert "eve@old.example: the mail came back (550)" in page
    finding = page.partition('id="finding-')[2][:36]
    assert (await ask(house, boss, f"/hygiene/{finding}/aside", "POST", aside="because"))[0] == 404
    path = f"/hygiene/{finding}/aside"
    assert await ask(house, boss, path, "POST", aside="not_worth_it") == (303, "/hygiene/mail_bad?said=aside")
    _, page = await ask(house, boss, "/hygiene/mail_bad")
    assert "Nothing of this kind is left" in page
    assert "<td>It is not worth the work</td> <td>ops@staff.example</td>" in page
    row = await house.pool.fetchrow("select * from audit where action = '/hygiene/{finding_id}/aside' order by id desc")
    assert (row["asked"], row["status"]) == ({"aside": "not_worth_it", "finding_id": finding}, 303)
    assert (await ask(house, boss, f"/hygiene/{finding}/back", "POST", x=""))[0] == 303
    assert "finding-" in (await ask(house, boss, "/hygiene/mail_bad"))[1]
    assert (await ask(house, boss, "/hygiene/nothing"))[0] == 404


async def test_who_has_left_hands_over_all_and_who_has_the_lead_since_does_not(house: House) -> None:
    lead, boss = await house.lead(name="Eve"), await house.sign_in("ops")
    async with house.pool.acquire() as conn:
        await put_reps(conn)
    await house.pool.execute("update rep set active = false where id = $1", SAM)
    await house.pool.execute("update lead set owner_id = $1", SAM)
    await look(house)
    hand_over = f'<a href="/people/{SAM}/hand-over">'
    assert hand_over in (await ask(house, boss, "/hygiene/owner_gone"))[1]
    await house.pool.execute("update rep set active = true where id = $1", SAM)
    await house.pool.execute("update lead set closed_at = $1", house.clock.wall())
    _, page = await ask(house, boss, "/hygiene/owner_gone")
    assert f'href="/leads/{lead}"' in page
    assert (hand_over in page, "<td>over</td>" in page) == (False, True)


async def test_every_table_is_a_file_that_no_spreadsheet_runs(house: House) -> None:
    lead, boss = await bounced(house), await house.sign_in("ops")
    await house.pool.execute("update person set company = ' Acme  '")
    await look(house)
    for name in (*TITLES, "repairs", "valid"):
        status, _ = await ask(house, boss, f"/hygiene/csv/{name}")
        assert status == 200, name
    async with house.http.get("/hygiene/csv/unreachable", headers=boss) as answer:
        rows = list(csv.reader(io.StringIO(await answer.text())))
    assert rows[1][:4] == [lead, "'=Eve & <b>Co</b>", "eve@old.example: the mail came back (550)", "yes"]
    assert (await ask(house, boss, "/hygiene/csv/nothing"))[0] == 404
    _, page = await ask(house, boss, "/hygiene")
    undo = page.partition('action="')[2].partition('action="')[2].partition('"')[0]
    assert await ask(house, boss, undo, "POST", x="") == (303, "/hygiene?said=undone")
    assert await house.pool.fetchval("select company from person") == " Acme  "
    assert (await ask(house, boss, undo, "POST", x=""))[0] == 404


@pytest.mark.parametrize("role", ["rep", "support", "marketing", "analyst"])
async def test_who_may_not_steer_leads_has_no_such_page(house: House, role: str) -> None:
    who = await house.sign_in(role)
    for method, path in (("GET", "/hygiene"), ("GET", "/hygiene/csv/mail_bad"), ("POST", "/hygiene/look")):
        assert (await ask(house, who, path, method, **({"x": ""} if method == "POST" else {})))[0] == 403
