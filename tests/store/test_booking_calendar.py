"""Meetings in a calendar on a real CalDAV server (Radicale), and what that calendar is busy with."""

import asyncio
import base64
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from icalendar import Calendar

from speedlead.booking.accounts import load_accounts
from speedlead.booking.rulebook import BookingError
from speedlead.chores.booking_calendar import BookingCalendar
from speedlead.embedded.ports import free_ports
from speedlead.store import bookings
from speedlead.store.pool import open_pool
from speedlead.store.transactions import transact
from tests.store.meetings import NOW, TUESDAY_10, Meetings

# every Tuesday and Wednesday from 11 to 12, and an entry that leaves its time free
OWN = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//a program//EN
BEGIN:VEVENT
UID:own-1
DTSTAMP:20261101T000000Z
DTSTART;TZID=America/New_York:20261103T110000
DTEND;TZID=America/New_York:20261103T120000
RRULE:FREQ=WEEKLY;BYDAY=TU,WE
SUMMARY:Dentist
END:VEVENT
END:VCALENDAR
"""


@dataclass
class Server:
    """One calendar of Ann's. `url`: of the calendar."""

    url: str
    process: asyncio.subprocess.Process

    async def ask(self, method: str, name: str = "", body: str | None = None) -> tuple[int, str]:
        basic = base64.b64encode(b"ann:pass").decode()
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Basic {basic}"}) as http,
            http.request(method, self.url + name, data=body) as answer,
        ):
            return answer.status, await answer.text()


@dataclass
class Office(Meetings):
    file: Path = Path()

    @property
    def chore(self) -> BookingCalendar:
        return BookingCalendar(
            self.pool, self.clock, load_accounts(self.file), company="Acme", organizer="hello@acme.example",
            horizon_s=self.rules.horizon,
        )  # fmt: skip

    async def calendar(self) -> list[tuple[str, str | None]]:
        found = await self.rows("select calendar, calendar_problem from booking order by number")
        return [(row["calendar"], row["calendar_problem"]) for row in found]


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    (tmp_path / "users").write_text("ann:pass\n")
    port = free_ports(1)[0]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "radicale", "--config", "", "--server-hosts", f"127.0.0.1:{port}",
        "--auth-type", "htpasswd", "--auth-htpasswd-filename", str(tmp_path / "users"),
        "--auth-htpasswd-encryption", "plain", "--storage-filesystem-folder", str(tmp_path / "store"),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    found = Server(f"http://127.0.0.1:{port}/ann/work/", process)
    async with asyncio.timeout(60):
        while True:
            try:
                if (await found.ask("MKCALENDAR"))[0] == 201:
                    break
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)
    yield found
    if process.returncode is None:
        process.terminate()
        await process.wait()


@pytest_asyncio.fixture
async def office(database_url: str, server: Server, tmp_path: Path) -> AsyncIterator[Office]:
    pool = await open_pool(database_url)
    file = tmp_path / "caldav.yaml"
    file.write_text(f"calendars:\n- rep: Ann@acme.example\n  url: {server.url}\n  username: ann\n  password: pass\n")
    office = Office(pool, file=file)
    await office.rep()
    await office.lead()
    yield office
    await pool.close()


async def test_a_meeting_is_written_moved_and_taken_out(office: Office, server: Server) -> None:
    met = await office.book()
    assert await office.chore.write() == "1 written, 0 not"
    status, text = await server.ask("GET", f"{met.id}.ics")
    event = Calendar.from_ical(text).walk("VEVENT")[0]
    assert (status, event["DTSTART"].dt, str(event["SUMMARY"])) == (200, TUESDAY_10, "Acme: Ada Lovelace and Ann Berg")
    assert "METHOD" not in text
    again = TUESDAY_10 + timedelta(hours=2)
    await transact(
        office.pool, lambda conn: bookings.move(conn, office.clock, office.rules, met.id, again, "America/New_York")
    )
    await office.chore.write()
    event = Calendar.from_ical((await server.ask("GET", f"{met.id}.ics"))[1]).walk("VEVENT")[0]
    assert (event["DTSTART"].dt, int(event["SEQUENCE"])) == (again, 1)
    await transact(office.pool, lambda conn: bookings.cancel(conn, office.clock, met.id, None))
    await office.chore.write()
    assert (await server.ask("GET", f"{met.id}.ics"))[0] == 404
    assert await office.calendar() == [("written", None)]


async def test_what_the_calendar_is_busy_with_is_not_offered_and_our_own_entries_are_no_obstacle(
    office: Office, server: Server
) -> None:
    assert (await server.ask("PUT", "own-1.ics", OWN))[0] == 201
    at_11 = TUESDAY_10 + timedelta(hours=1)
    assert at_11 in await office.free()
    met = await office.book()
    await office.chore.write()
    assert await office.chore.read() == "1 read"
    free = await office.free(but=met.id)
    assert at_11 not in free
    assert at_11 + timedelta(days=1) not in free  # Wednesday's
    assert at_11 + timedelta(days=8) not in free  # and next week's
    # the meeting itself stands in that calendar, and may still be moved by half an hour
    assert TUESDAY_10 - timedelta(minutes=30) in free
    await server.ask("DELETE", "own-1.ics")
    await office.chore.read()
    assert at_11 in await office.free(but=met.id)


async def test_a_meeting_stands_while_the_calendar_is_down_and_is_written_later(office: Office, server: Server) -> None:
    status, _ = await server.ask("DELETE")  # the whole calendar is gone
    assert status == 200
    met = await office.book()
    assert await office.chore.write() == "0 written, 1 not"
    assert await office.calendar() == [("waiting", "calendar_not_found")]
    assert met.stands
    assert await office.chore.write() is None  # not at once
    for _ in range(2):
        office.clock.now += timedelta(minutes=5)
        await office.chore.write()
    assert len(await office.rows("select 1 from notice where kind = 'meeting_not_in_calendar'")) == 1
    await server.ask("MKCALENDAR")
    office.clock.now += timedelta(hours=1)
    assert await office.chore.write() == "1 written, 0 not"
    assert (await server.ask("GET", f"{met.id}.ics"))[0] == 200


async def test_what_was_read_stays_while_the_calendar_is_down(office: Office, server: Server) -> None:
    await server.ask("PUT", "own-1.ics", OWN)
    await office.chore.read()
    server.process.terminate()
    await server.process.wait()
    assert await office.chore.read() == "0 read, 1 not"
    assert TUESDAY_10 + timedelta(hours=1) not in await office.free()
    told = await office.rows("select reason from notice where kind = 'calendar_failing'")
    assert [row["reason"] for row in told] == ["calendar_silent"]


async def test_of_somebody_who_is_erased_nothing_stays_in_the_calendar(office: Office, server: Server) -> None:
    met = await office.book()
    await office.chore.write()
    await office.pool.execute("update person set erased_wall = $1, name = null", NOW)
    await office.pool.execute("update booking set state = 'cancelled', calendar = 'waiting'")  # as erasing does
    await office.chore.write()
    assert (await server.ask("GET", f"{met.id}.ics"))[0] == 404


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("calendars:\n- rep: ann\n  url: https://x/\n  username: a\n  password: b\n", ":2: calendars.0.rep:"),
        ("calendars:\n- rep: a@b.c\n  url: http://dav.example/\n  username: a\n  password: s3cret\n",
         ":3: calendars.0.url: expected the address of a calendar, https://"),
        ("calendars: []\n", ":1: calendars:"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_line_and_without_its_secret(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "caldav.yaml").write_text(text)
    with pytest.raises(BookingError) as refused:
        load_accounts(tmp_path / "caldav.yaml")
    assert said in str(refused.value)
    assert "s3cret" not in str(refused.value)
