"""Reps' calendars: what counts as busy, in which zone, over changes of the clock, and what is no calendar."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from speedlead.ics import CalendarFault, Reading, read_busy, slim
from speedlead.ics_child import read_apart

DATA = Path(__file__).parent / "data/calendars"
START = datetime(2026, 10, 12, tzinfo=UTC)


def read(text: str, *, zone: str = "America/New_York", days: int = 28, start: datetime = START) -> Reading:
    return read_busy(text, zone=zone, email="anna@acme.example", start=start, end=start + timedelta(days=days))


def shown(reading: Reading) -> list[str]:
    return [f"{a:%m-%d %H:%M}/{b:%m-%d %H:%M}" for a, b in reading.spans]


def calendar(*entries: str, more: str = "") -> str:
    events = "".join(f"BEGIN:VEVENT\r\nUID:{n}\r\n{entry}\r\nEND:VEVENT\r\n" for n, entry in enumerate(entries))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{more}{events}END:VCALENDAR\r\n"


def test_google_with_exceptions_over_the_change_of_the_clock() -> None:
    found = read((DATA / "google.ics").read_text())
    assert found.remark is None
    assert shown(found) == [
        "10-12 13:00/10-12 13:30",  # 9:00 in summer
        # the 19th is an exception, the 26th was moved to 14:00, the declined, the birthday and 2 November are none
        "10-26 18:00/10-26 18:30",
        "10-31 04:00/11-02 05:00",  # two whole days in New York, the longer one among them
    ]
    later = read((DATA / "google.ics").read_text(), start=datetime(2026, 11, 8, tzinfo=UTC), days=2)
    assert shown(later) == ["11-09 14:00/11-09 14:30"]  # 9:00 in winter


def test_outlook_with_its_own_names_of_zones() -> None:
    assert shown(read((DATA / "outlook.ics").read_text(), zone="America/Los_Angeles")) == [
        "10-28 15:00/10-28 16:00", "10-30 07:00/10-31 07:00", "11-04 16:00/11-04 17:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "zone", "spans"),
    [
        # whole days are the rep's own
        ("DTSTART;VALUE=DATE:20261020", "Asia/Tokyo", ["10-19 15:00/10-20 15:00"]),
        ("DTSTART;VALUE=DATE:20261020\r\nDTEND;VALUE=DATE:20261020", "UTC", ["10-20 00:00/10-21 00:00"]),
        # a time without a zone is the rep's own clock
        ("DTSTART:20261020T090000\r\nDTEND:20261020T100000", "Asia/Tokyo", ["10-20 00:00/10-20 01:00"]),
        ("DTSTART:20261020T090000Z\r\nDURATION:PT90M", "UTC", ["10-20 09:00/10-20 10:30"]),
        ("DTSTART:20261020T090000Z", "UTC", []),  # takes no time
        ("DTSTART:20261020T090000Z\r\nDTEND:20261020T080000Z", "UTC", ["10-20 08:00/10-20 09:00"]),
        ("DTSTART:20261001T000000Z\r\nDTEND:20270101T000000Z", "UTC", ["10-12 00:00/11-09 00:00"]),  # cut
        ("DTSTART:20260101T090000Z\r\nDTEND:20260101T100000Z", "UTC", []),
        ("DTSTART:20261020T090000Z\r\nDTEND:20261020T100000Z\r\nSTATUS:TENTATIVE", "UTC", ["10-20 09:00/10-20 10:00"]),
        ("DTSTART:20261020T090000Z\r\nDTEND:20261020T100000Z\r\nSTATUS:cancelled", "UTC", []),
        ("DTSTART;TZID=Eastern Standard Time:20261020T090000\r\nDTEND;TZID=Eastern Standard Time:20261020T100000",
         "UTC", ["10-20 13:00/10-20 14:00"]),
        ("DTSTART:20200101T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=MONTHLY;BYDAY=3TU", "UTC",
         ["10-20 09:00/10-20 10:00"]),
    ],
)  # fmt: skip
def test_what_is_busy(entry: str, zone: str, spans: list[str]) -> None:
    assert shown(read(calendar(entry), zone=zone)) == spans


def test_a_calendar_that_names_its_zone_means_it_for_times_but_not_for_days() -> None:
    floating = "DTSTART:20261020T090000\r\nDTEND:20261020T100000"
    found = read(calendar(floating, "DTSTART;VALUE=DATE:20261022", more="X-WR-TIMEZONE:Europe/Berlin\r\n"), zone="UTC")
    assert shown(found) == ["10-20 07:00/10-20 08:00", "10-22 00:00/10-23 00:00"]


def test_overlaps_become_one() -> None:
    hour = "DTSTART:20261020T{}0000Z\r\nDTEND:20261020T{}0000Z"
    assert shown(read(calendar(hour.format("09", "11"), hour.format("10", "12"), hour.format("12", "13")))) == [
        "10-20 09:00/10-20 13:00"
    ]


@pytest.mark.parametrize(
    "text",
    ["", "<html>Sign in</html>", "BEGIN:VCALENDAR\r\n", "BEGIN:VEVENT\r\nEND:VEVENT", "\x00\x01",
     "BEGIN:VCARD\r\nEND:VCARD",
     calendar("DTSTART:20261020T090000Z")[:-20]],
)  # fmt: skip
def test_what_is_no_calendar(text: str) -> None:
    with pytest.raises(CalendarFault, match="calendar_garbage"):
        read(text)


def test_one_entry_without_sense_does_not_cost_the_others() -> None:
    good = "DTSTART:20261020T090000Z\r\nDTEND:20261020T100000Z"
    found = read(calendar(good, "DTSTART:20261020T090000Z\r\nRRULE:FREQ=NEVER;COUNT=x", "DTSTART:gibberish"))
    assert shown(found) == ["10-20 09:00/10-20 10:00"]


@pytest.mark.parametrize(
    "entry",
    ["DTSTART:20261020T100000\r\nDTEND:99991231T235959", "DTSTART;VALUE=DATE:20261020\r\nDTEND;VALUE=DATE:99991231",
     "DTSTART:00010101T000000\r\nDTEND:20261020T110000", "DTSTART:20261020T100000Z\r\nDURATION:P9999999D",
     "DTSTART:20261020T100000Z\r\nDTEND:20261020T110000Z\r\nRDATE:99991231T235959Z"],
)  # fmt: skip
def test_an_entry_of_no_imaginable_time_is_left_out_and_the_others_stay(entry: str) -> None:
    good = "DTSTART:20261020T090000Z\r\nDTEND:20261020T100000Z"
    found = read(calendar(good, entry))
    assert (shown(found), found.remark) == (["10-20 09:00/10-20 10:00"], "calendar_partly")


def test_a_rule_may_go_on_until_the_end_of_days() -> None:
    daily = "DTSTART:20261020T090000Z\r\nDTEND:20261020T100000Z\r\nRRULE:FREQ=DAILY;UNTIL=99991231T235959Z"
    found = read(calendar(daily))
    assert (shown(found)[0], found.remark) == ("10-20 09:00/10-20 10:00", None)


def test_no_title_and_no_place_is_even_parsed() -> None:
    text = "\n".join(slim((DATA / "google.ics").read_text(), START.date(), START.date(), []))
    assert "secret" not in text
    assert "SUMMARY" not in text
    assert "VALARM" not in text


async def test_ten_years_of_meetings_are_read_soon() -> None:
    entry = "DTSTART:{0:%Y%m%dT%H0000Z}\r\nDTEND:{0:%Y%m%dT%H3000Z}"
    text = calendar(*(entry.format(START + timedelta(hours=n)) for n in range(-50_000, 2_000)))
    assert 4_000_000 < len(text) < 5_000_000
    begun = time.monotonic()
    found = await read_apart(text, zone="UTC", email="a@acme.example", start=START, end=START + timedelta(days=60))
    assert len(found.spans) == 60 * 24
    assert time.monotonic() - begun < 30


async def test_a_rule_that_never_ends_is_stopped_and_costs_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speedlead.ics_child.WALL_S", 3)
    text = calendar(*["DTSTART:20261001T090000Z\r\nDTEND:20261001T090001Z\r\nRRULE:FREQ=SECONDLY"] * 20)
    with pytest.raises(CalendarFault, match="calendar_slow"):
        await read_apart(text, zone="UTC", email="a@acme.example", start=START, end=START + timedelta(days=60))


async def test_what_is_wrong_comes_back_from_the_process_apart() -> None:
    with pytest.raises(CalendarFault, match="calendar_garbage"):
        await read_apart("hello", zone="UTC", email="a@acme.example", start=START, end=START + timedelta(days=60))
