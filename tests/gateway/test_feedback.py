"""What leads say of us: the page behind a mail's link, and where its answer goes."""

from datetime import timedelta
from typing import Any

from speedlead.domain.feedback import CHANGE_WITHIN, MOST_CHANGES
from speedlead.feedback_links import feedback_url
from speedlead.store.erasure import erase
from speedlead.store.transactions import transact
from tests.gateway.house import House, open_house

STEP = "day-7-email"


def link(house: House, lead_id: str, step: str = STEP) -> str:
    url = feedback_url("", house.credentials.secret_bytes, lead_id, step)
    assert url is not None
    return url


async def answer(house: House, path: str, **fields: str) -> tuple[int, str]:
    ours = {"Sec-Fetch-Site": "same-origin"}
    async with house.http.post(path, data=fields, headers=ours) as response:
        return response.status, await response.text()


async def look(house: House, path: str) -> tuple[int, str]:
    async with house.http.get(path) as response:
        return response.status, await response.text()


async def rows(house: House) -> list[dict[str, Any]]:
    return [dict(row) for row in await house.pool.fetch("select * from feedback order by step")]


async def test_a_scanner_that_follows_the_link_answers_nothing_and_a_button_does(house: House) -> None:
    lead = await house.lead(lang="de")
    path = link(house, lead)
    status, page = await look(house, f"{path}?fast=no")
    assert status == 200
    assert 'lang="de"' in page
    assert "Haben wir schnell genug geantwortet?" in page
    assert 'name="fast" value="no" checked' in page
    assert 'name="helpful" value="" checked' in page
    assert await rows(house) == []

    status, page = await answer(house, path, fast="no", helpful="yes", remark=" Friday\x00 came\r\nlate ")
    assert status == 200
    assert "bis zum 7. Dezember" in page
    [row] = await rows(house)
    assert (row["fast"], row["helpful"], row["remark"]) == (False, True, "Friday came\nlate")
    story = await house.pool.fetch("select data, step from story where kind = 'feedback'")
    assert [(line["data"], line["step"]) for line in story] == [({"fast": False, "helpful": True}, STEP)]
    page = (await house.call("GET", f"/leads/{lead}"))[1]
    assert "Not answered fast enough; the contact was helpful" in page
    assert "Friday came" in page


async def test_an_answer_is_one_for_each_mail_and_can_be_changed_for_a_fortnight(house: House) -> None:
    lead = await house.lead()
    path = link(house, lead)
    await answer(house, path, fast="no")
    house.clock.now += CHANGE_WITHIN - timedelta(seconds=1)
    assert (await answer(house, path, fast="yes"))[0] == 200
    assert (await answer(house, link(house, lead, "day-2-email"), helpful="no"))[0] == 200
    assert [(row["step"], row["fast"], row["helpful"]) for row in await rows(house)] == [
        ("day-2-email", None, False), (STEP, True, None)]  # fmt: skip
    assert await house.pool.fetchval("select count(*) from story where kind = 'feedback'") == 2
    house.clock.now += timedelta(seconds=1)
    assert (await answer(house, path, fast="no"))[0] == 409
    # what was answered is shown, whatever the link says
    status, page = await look(house, f"{path}?fast=no")
    assert status == 200
    assert "can no longer be changed" in page
    assert "<form" not in page
    assert (await rows(house))[1]["fast"] is True


async def test_what_is_no_answer_and_what_is_no_link(house: House) -> None:
    lead = await house.lead()
    path = link(house, lead)
    for fields in ({}, {"fast": "maybe"}, {"remark": "hello"}):
        status, page = await answer(house, path, **fields)
        assert status == 422
        assert "Please answer one of the two questions." in page
    token = path.split("/")[2]
    for wrong in (f"/feedback/{token}/day-2-email", f"/feedback/{'a' * 45}/{STEP}", f"/feedback/{token}/a%20b"):
        assert (await look(house, wrong))[0] == 404
        assert (await answer(house, wrong, fast="yes"))[0] == 404
    assert (await answer(house, path, remark="x" * 9000, fast="yes"))[0] == 413
    for n in range(MOST_CHANGES + 1):
        assert (await answer(house, path, fast="yes" if n % 2 else "no"))[0] == 200
    assert (await answer(house, path, fast="yes"))[0] == 409
    assert len(await rows(house)) == 1


async def test_erasure_keeps_the_yes_and_no_and_closes_the_page(house: House) -> None:
    lead = await house.lead()
    path = link(house, lead)
    await answer(house, path, fast="yes", remark="I am Ada of Example Street")
    person = str(await house.pool.fetchval("select person_id from lead where id = $1", lead))
    await transact(house.pool, lambda conn: erase(conn, house.clock, [person], house.credentials.secret_bytes))
    [row] = await rows(house)
    assert (row["fast"], row["remark"]) == (True, None)
    assert (await look(house, path))[0] == 404
    assert (await answer(house, path, fast="no"))[0] == 404


async def test_one_address_asks_so_often_and_no_more(database_url: str, tmp_path: Any) -> None:
    async with open_house(database_url, tmp_path, intake_rate_per_minute_address=2) as house:
        assert [(await look(house, "/feedback/x/y"))[0] for _ in range(3)] == [404, 404, 429]
