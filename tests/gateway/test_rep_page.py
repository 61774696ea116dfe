"""What a rep's page is told as it happens, and who is told what; the law behind the callback picker; the own speed."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from speedlead.gateway import rep_events
from speedlead.store import rep_page, sessions
from tests.gateway.house import House
from tests.store.hand_made import AVA, BEN, DANA, DEEPA, LEE, NOBODY, NOW, SAM, SCRIPT, put_house


class Told:
    """One open page: the events that came, and a wait for the next of a kind."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.events: list[tuple[str, dict[str, Any]]] = []

    async def next(self, *names: str, within_s: float = 4.0) -> tuple[str, dict[str, Any]]:
        """The next event of one of the kinds; raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while True:
                name = ""
                while line := (await self.answer.content.readline()).decode():
                    field, _, value = line.strip().partition(": ")
                    if field == "event":
                        name = value
                    elif field == "data":
                        self.events.append((name, json.loads(value)))
                        if name in names:
                            return self.events[-1]
                raise AssertionError(f"the stream ended; it told {self.events}")


@pytest.fixture(autouse=True)
async def rows(house: House) -> None:
    async with house.pool.acquire() as connection, connection.transaction():
        await put_house(connection)


@asynccontextmanager
async def listening(house: House, rep_id: str | None, role: str = "rep") -> AsyncIterator[Told]:
    headers = await house.sign_in(role, rep_id)
    async with house.http.get("/rep/events", headers=headers | {"Accept": "text/event-stream"}) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        told = Told(answer)
        await told.next("hello")
        yield told


async def story(house: House, lead_id: str) -> None:
    await house.pool.execute("insert into story (lead_id, at, kind) values ($1, $2, 'corrected')", lead_id, NOW)


async def notice(house: House, rep_id: str | None, lead_id: str = AVA, audience: str = "rep") -> None:
    await house.pool.execute(
        "insert into notice (id, lead_id, rep_id, audience, kind, at) values (gen_random_uuid(), $1, $2, $3, "
        "'call_task', $4)", lead_id, rep_id, audience, NOW,
    )  # fmt: skip


async def test_a_page_is_told_at_once_what_its_rep_has_not_seen(house: House) -> None:
    async with listening(house, SAM) as told:
        first, second = [(await told.next("notice"))[1] for _ in range(2)]
        assert {first["text"], second["text"]} == {"Please call this lead", "The lead wrote back: please answer"}
        assert first["lead"] == AVA
        assert (await told.next("beat"))[1]["unseen"] == 2
        await notice(house, SAM, BEN)
        _, third = await told.next("notice")
        assert (third["lead"], third["title"], third["urgent"]) == (BEN, "Ben Carter", True)


async def test_nobody_is_told_of_other_peoples_leads(house: House) -> None:
    async with listening(house, SAM) as sam, listening(house, DANA) as dana:
        await sam.next("beat")
        await story(house, AVA)
        assert (await sam.next("changed"))[1]["leads"] == [AVA]
        await notice(house, SAM, SCRIPT)
        await sam.next("notice")
        await story(house, NOBODY)  # anybody may take it
        assert (await dana.next("changed"))[1]["leads"] == [NOBODY]
        assert [name for name, _ in dana.events] == ["hello", "changed"]


async def test_a_lead_that_goes_to_somebody_else_is_told_to_both(house: House) -> None:
    await notice(house, SAM, AVA)
    async with listening(house, SAM) as sam, listening(house, DANA) as dana:
        await sam.next("beat")
        await house.pool.execute("update lead set owner_id = $2 where id = $1", AVA, DANA)
        await story(house, AVA)
        for told in (sam, dana):
            assert AVA in (await told.next("changed"))[1]["leads"]


async def test_a_manager_hears_what_all_managers_are_told(house: House) -> None:
    async with listening(house, LEE) as told:
        assert (await told.next("notice"))[1]["lead"] == NOBODY


async def test_a_line_that_was_numbered_before_the_last_one_told_is_told_all_the_same(house: House) -> None:
    """Two transactions write; the one that began later ends first."""
    async with listening(house, SAM) as told, house.pool.acquire() as slow:
        await told.next("beat")
        async with slow.transaction():
            await slow.execute("insert into story (lead_id, at, kind) values ($1, $2, 'corrected')", AVA, NOW)
            await story(house, BEN)
            assert (await told.next("changed"))[1]["leads"] == [BEN]
        assert (await told.next("changed"))[1]["leads"] == [AVA]


async def test_a_notify_wakes_the_stream_before_the_next_look(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rep_events, "LOOK_S", 60.0)
    async with listening(house, SAM) as told:
        await told.next("beat")
        await asyncio.sleep(0.3)
        await notice(house, SAM, BEN)
        await house.pool.execute("select pg_notify('notices', '')")
        assert (await told.next("notice", within_s=2))[1]["lead"] == BEN


async def test_a_stream_ends_with_its_session(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rep_events, "BEAT_S", 0.2)
    async with listening(house, SAM) as told:
        await told.next("beat")
        await house.pool.execute("delete from session")
        assert (await told.next("over"))[1]["why"] == "signed_out"
        assert await told.answer.content.read() == b"\n"  # the end of that event, and of the stream


async def test_a_stream_that_always_has_something_to_tell_ends_with_its_session_too(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rep_events, "BEAT_S", 0.6)
    monkeypatch.setattr(rep_events, "LOOK_S", 0.05)

    async def busy() -> None:
        while True:
            await story(house, AVA)
            await asyncio.sleep(0.1)

    async with listening(house, SAM) as told:
        await house.pool.execute("delete from session")
        writing = asyncio.create_task(busy())
        try:
            assert (await told.next("over", within_s=3))[1]["why"] == "signed_out"
        finally:
            writing.cancel()
        assert any(name == "changed" for name, _ in told.events)


async def test_listening_does_not_keep_a_session_alive(house: House) -> None:
    async with listening(house, SAM):
        pass
    before = await house.pool.fetchval("select max(seen_wall) from session")
    house.clock.now += sessions.IDLE / 2
    headers = {"Cookie": (await _cookie(house)), "Accept": "text/event-stream"}
    async with house.http.get("/rep/events", headers=headers) as answer:
        assert answer.status == 200
    assert await house.pool.fetchval("select min(seen_wall) from session") == before


async def _cookie(house: House) -> str:
    headers = await house.sign_in("rep", SAM)
    await house.pool.execute("update session set seen_wall = (select min(seen_wall) from session)")
    return headers["Cookie"]


async def test_an_account_has_four_streams_and_the_newest_of_them(house: House) -> None:
    async with AsyncExitStack() as opened:
        first, second, *_ = [await opened.enter_async_context(listening(house, SAM)) for _ in range(5)]
        assert (await first.next("over"))[1]["why"] == "elsewhere"
        await story(house, AVA)
        await second.next("changed")


async def test_who_is_no_rep_hears_nothing(house: House) -> None:
    answer = await house.http.get("/rep/events", headers=await house.sign_in("manager"))
    assert (answer.status, await answer.read()) == (204, b"")
    for role, status in (("analyst", 403), ("marketing", 403)):
        headers = await house.sign_in(role)
        assert (await house.http.get("/rep/events", headers=headers)).status == status
    refused = await house.http.get("/rep/events", headers={"Accept": "text/event-stream"}, allow_redirects=False)
    assert refused.status == 303


async def test_a_rep_sees_no_lead_of_somebody_else(house: House) -> None:
    headers = await house.sign_in("rep", SAM)
    for path in ("", "/live", "/callback?at=2026-11-24T14:00"):
        assert (await house.http.get(f"/rep/leads/{DEEPA}{path}", headers=headers)).status == 404
        assert (await house.http.get(f"/rep/leads/{AVA}{path}", headers=headers)).status == 200


@pytest.mark.parametrize(
    ("at", "lawful", "words"),
    [
        ("2026-11-24T14:00", True, "For you it is Tue 24 Nov, 14:00, New York time"),
        ("2026-11-24T03:30", False, "The first lawful time is Tue 24 Nov, 08:00"),
        ("2026-11-22T14:00", False, "has passed"),
        ("2026-11-24", True, "00:00"),
        ("tomorrow", False, "such as 2026-11-23 14:30"),
        ("", False, "such as 2026-11-23 14:30"),
        ("9999-12-31T23:59", False, ""),
        ("2026-11-24T14:00+01:00", False, "such as"),
    ],
)
async def test_the_law_answers_the_picker(house: House, at: str, lawful: bool, words: str) -> None:
    headers = await house.sign_in("rep", SAM)
    async with house.http.get(f"/rep/leads/{AVA}/callback", params={"at": at}, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        found = await answer.json()
    if at != "2026-11-24":
        assert found["lawful"] is lawful, found
        assert words in found["text"]


async def test_a_callback_at_an_unlawful_time_is_not_logged(house: House) -> None:
    headers = await house.sign_in("rep", SAM)
    form = {"outcome": "callback_requested", "at": "2026-11-24T03:30"}
    async with house.http.post(f"/leads/{AVA}/outcome", data=form, headers=headers) as answer:
        assert answer.status == 422
        assert "The law allows no call then" in await answer.text()
    assert await house.pool.fetchval("select count(*) from outcome") == 0


async def test_the_own_speed_is_that_of_the_metrics(house: House) -> None:
    async with house.pool.acquire() as connection:
        found = await rep_page.speeds(connection, SAM, NOW)
    told = {(speed.days, speed.mine): (speed.leads, speed.within, speed.attempts, speed.median_s) for speed in found}
    # Sam: Ben after 12 min and Ray after 3 min, both in time, one overdue; Deepa is Dana's and came late, after 5 min
    assert told[7, True] == (3, 2, 2, 450.0)
    assert told[7, False] == (4, 2, 3, 300.0)
    assert told[30, True] == told[7, True]


async def test_a_result_is_logged_for_the_call_that_is_meant(house: House) -> None:
    lead, headers = await house.lead(phone="+14155552671"), await house.sign_in()
    first = await house.touch(lead, "call-1", "call", "+14155552671", state="sent", sent_at=house.clock.now)
    async with house.http.get(f"/leads/{lead}", headers=headers) as page:
        assert 'name="touch_id"' not in await page.text()
    house.clock.now += timedelta(minutes=3)
    await house.touch(lead, "call-2", "call", "+14155552671")
    async with house.http.get(f"/leads/{lead}", headers=headers) as page:
        text = await page.text()
    assert re.findall(r'<option value="[^"]+\.(call-\d)"', text) == ["call-2", "call-1"]
    form = {"call_result": "voicemail_left", "touch_id": first}
    async with house.http.post(f"/leads/{lead}/outcome", data=form, headers=headers) as answer:
        assert answer.status == 200
    assert await house.pool.fetchval("select touch_id from outcome") == first
    async with house.http.get(f"/leads/{lead}", headers=headers) as page:
        assert 'name="touch_id"' not in await page.text()


async def test_a_mail_that_came_back_is_told_among_what_was_done(house: House) -> None:
    lead, headers = await house.lead(), await house.sign_in()
    await house.touch(lead, "email-1", "email", "ada@example.com", state="sent", sent_at=house.clock.now,
                      delivery="bounced")  # fmt: skip
    async with house.http.get(f"/leads/{lead}", headers=headers) as page:
        assert "E-mail sent (the mail came back)" in await page.text()
