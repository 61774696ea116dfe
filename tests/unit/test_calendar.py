"""The calendar's meaning, by example and by the shared vectors."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from speedlead import vectors
from speedlead.domain import calendar
from speedlead.domain.calendar import (
    EVERY_DAY,
    NEVER,
    Cap,
    Policy,
    ZonePolicy,
    add_local_days,
    complement_week,
    next_admissible,
    next_permitted,
    open_until,
    parse_zone,
    permitted,
    why_not,
)
from speedlead.tzdata_version import assert_wheel, release

VECTORS = Path(__file__).parent / "data" / "time_vectors.json"
NINE_TO_SIX = dict.fromkeys(range(5), ((540, 1080),))
OFFICE = Policy(NINE_TO_SIX, NEVER, frozenset({date(2026, 11, 26)}))
NEW_YORK = [ZonePolicy("America/New_York", OFFICE, "business_hours")]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_every_row_of_the_vectors_passes() -> None:
    assert vectors.check_file(VECTORS) == []
    assert vectors.count_rows(VECTORS) == 83


def test_a_wrong_expectation_of_every_kind_is_reported(tmp_path: Path) -> None:
    data = json.loads(VECTORS.read_text("utf-8"))
    data["next_permitted"][0]["permitted_utc"] = "2026-01-01T00:00:00Z"
    data["cadence"][0]["expect_utc"][2] = "2026-01-01T00:00:00Z"
    data["caps"][0]["permitted_utc"] = None
    data["wall"][0]["kind"] = "unique"
    data["wall"][1]["first_at_or_after"] = "2026-01-01T00:00:00Z"
    data["caps"][1]["policy"] = "nobody"
    broken = tmp_path / "vectors.json"
    broken.write_text(json.dumps(data), "utf-8")
    lines = vectors.check_file(broken)
    assert len(lines) == 6
    assert any("cannot be read: KeyError: 'nobody'" in line for line in lines)
    assert any(line.startswith("cadence-01: step 2 is 2026-11-23T15:27:00+00:00, expected") for line in lines)


def test_the_wheel_is_what_zoneinfo_reads() -> None:
    assert assert_wheel() == release() == "2026f"
    probe = datetime(2026, 12, 1, 12, tzinfo=UTC)
    assert calendar.offset_at("America/Vancouver", int(probe.timestamp())) == -7 * 3600


@pytest.mark.parametrize(
    "name",
    [
        "",
        "UTC ",
        "Mars/Olympus",
        "Etc/Unknown",
        "Factory",
        "../etc/passwd",
        "/etc/localtime",
        "right/UTC",
        "\0",
        "Zürich",
    ],
)
def test_an_unknown_zone_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        parse_zone(name)
    with pytest.raises(ValueError, match="unknown time zone"):
        permitted(utc("2026-11-23T15:00"), [ZonePolicy(name, OFFICE, "business_hours")])


@pytest.mark.parametrize("call", [permitted, why_not])
def test_an_instant_without_a_zone_is_refused(call: object) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        call(datetime(2026, 11, 23, 15), NEW_YORK)  # type: ignore[operator]
    with pytest.raises(ValueError, match="no time zone"):
        next_permitted(datetime(2026, 11, 23, 15), NEW_YORK)


def test_a_permitted_instant_comes_back_unchanged_and_in_utc() -> None:
    at = utc("2026-11-23T15:04:05.250001")
    assert next_permitted(at, NEW_YORK) is at
    elsewhere = at.astimezone(timezone(timedelta(hours=9)))
    answer = next_permitted(elsewhere, NEW_YORK)
    assert answer == at
    assert answer is not None
    assert answer.tzinfo is UTC


def test_no_rules_permit_everything_but_not_after_latest() -> None:
    at = utc("2026-11-23T03:00")
    assert next_permitted(at, []) == at
    assert next_permitted(at, [], latest=at - timedelta(microseconds=1)) is None
    assert open_until(at, []) is None


def test_hours_that_never_open_give_none_after_sixty_days() -> None:
    closed = [ZonePolicy("America/New_York", Policy({}, NEVER), "business_hours")]
    assert next_permitted(utc("2026-11-23T03:00"), closed) is None
    assert next_permitted(utc("2026-11-23T03:00"), closed, latest=utc("2030-01-01T00:00")) is None


def test_without_latest_the_sixtieth_day_is_the_last() -> None:
    start = utc("2026-11-23T15:00")
    only = frozenset(start.date() + timedelta(days=n) for n in range(-1, 400) if n != 60)
    rule = [ZonePolicy("UTC", Policy(None, NEVER, quiet_dates=only), "law")]
    assert next_permitted(start, rule) == utc("2027-01-22T00:00")
    assert next_permitted(start - timedelta(days=1), rule) is None
    assert next_permitted(start - timedelta(days=1), rule, latest=utc("2027-01-22T00:00")) == utc("2027-01-22T00:00")


def test_two_zones_without_a_common_hour_give_none() -> None:
    far_apart = [ZonePolicy(zone, OFFICE, "business_hours") for zone in ("Europe/London", "Pacific/Auckland")]
    assert next_permitted(utc("2026-11-23T03:00"), far_apart) is None


def test_reasons_name_what_refuses() -> None:
    florida = ZonePolicy(
        "America/New_York", Policy(None, complement_week(dict.fromkeys(range(7), ((480, 1200),)))), "us-fl"
    )
    alabama = ZonePolicy("America/Chicago", Policy(None, NEVER, quiet_dates=frozenset({date(2026, 11, 26)})), "us-al")
    rules = [*NEW_YORK, florida, alabama]
    assert why_not(utc("2026-11-23T15:00"), rules) == ()
    assert why_not(utc("2026-11-24T02:00"), rules) == ("outside_business_hours", "quiet_hours:us-fl")
    assert why_not(utc("2026-11-22T15:00"), rules) == ("weekend",)
    assert why_not(utc("2026-11-26T15:00"), rules) == ("holiday", "holiday:us-al")
    assert why_not(utc("2026-11-23T15:00"), NEW_YORK, (960, 1080)) == ("outside_business_hours:slot",)


def test_holidays_close_business_and_nothing_else() -> None:
    thanksgiving = utc("2026-11-26T15:00")
    holidays = frozenset({thanksgiving.date()})
    for business, open_ in ((None, True), (NINE_TO_SIX, False)):
        rule = [ZonePolicy("America/New_York", Policy(business, NEVER, holidays), "business_hours")]
        assert permitted(thanksgiving, rule) is open_
        assert (why_not(thanksgiving, rule) == ()) is open_


def test_a_rule_binds_only_between_its_dates() -> None:
    """Pennsylvania forbids Sundays from 2026-10-18 on, which is a Sunday."""
    no_sunday = Policy(None, {6: ((0, 1440),)})
    rule = [ZonePolicy("America/New_York", no_sunday, "us-pa", since=date(2026, 10, 18), until=date(2026, 11, 1))]
    assert permitted(utc("2026-10-11T15:00"), rule)
    assert next_permitted(utc("2026-10-18T03:59"), rule) == utc("2026-10-18T03:59")
    assert next_permitted(utc("2026-10-18T04:00"), rule) == utc("2026-10-19T04:00")
    assert why_not(utc("2026-10-18T15:00"), rule) == ("quiet_hours:us-pa",)
    assert permitted(utc("2026-11-01T15:00"), rule)
    assert why_not(utc("2026-11-01T15:00"), rule) == ()


def test_open_until_runs_over_midnight_and_a_change_of_clocks() -> None:
    assert open_until(utc("2026-11-23T15:00"), NEW_YORK) == utc("2026-11-23T23:00")
    at_night = Policy(None, {6: ((600, 1440),)})
    rule = [ZonePolicy("America/New_York", at_night, "law")]
    # from Saturday noon to Sunday 10:00; that night the clocks go back
    assert open_until(utc("2026-10-31T16:00"), rule) == utc("2026-11-01T15:00")
    always = [ZonePolicy("America/New_York", Policy(EVERY_DAY, NEVER), "business_hours")]
    assert open_until(utc("2026-11-23T15:00"), always) is None


@pytest.mark.parametrize(
    ("week", "match"), [({7: ((0, 10),)}, "weekday 7"), ({0: ((10, 10),)}, "10..10"), ({0: ((0, 1441),)}, "0..1441")]
)
def test_wrong_hours_are_refused(week: dict[int, tuple[tuple[int, int], ...]], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Policy(week, NEVER)
    with pytest.raises(ValueError, match=match):
        Policy(None, week)


def test_overlapping_and_touching_intervals_are_one() -> None:
    split = Policy({0: ((600, 700), (540, 600), (650, 720))}, NEVER)
    rule = [ZonePolicy("UTC", split, "business_hours")]
    assert open_until(utc("2026-11-23T09:00"), rule) == utc("2026-11-23T12:00")


@pytest.mark.parametrize("slot", [(600, 600), (-1, 10), (0, 1441)])
def test_a_wrong_slot_is_refused(slot: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="slot"):
        next_permitted(utc("2026-11-23T15:00"), NEW_YORK, slot=slot)


def test_a_cap_must_say_what_it_counts() -> None:
    for wrong in ((3, None, False, None), (None, 60, False, None), (None, None, True, None), (None, None, False, None)):
        with pytest.raises(ValueError, match="cap 'x'"):
            Cap(*wrong, rule="x")


def test_a_cap_of_zero_never_lets_go() -> None:
    assert next_admissible(utc("2026-11-23T15:00"), NEW_YORK, [Cap(0, 3600, False, None, "x")], []) is None
    assert next_admissible(utc("2026-11-23T15:00"), NEW_YORK, [Cap(0, None, True, None, "x")], []) is None


def test_touches_still_to_come_count_when_their_window_is_reached() -> None:
    """A touch planned for 16:00 uses up a cap of one an hour from then on, not before."""
    cap = [Cap(1, 3600, False, None, "x")]
    planned = [utc("2026-11-23T16:00")]
    assert next_admissible(utc("2026-11-23T15:59"), NEW_YORK, cap, planned) == utc("2026-11-23T15:59")
    assert next_admissible(utc("2026-11-23T16:00"), NEW_YORK, cap, planned) == utc("2026-11-23T17:00")


def test_a_long_cap_is_waited_for_beyond_sixty_days() -> None:
    cap = [Cap(1, 90 * 86_400, False, None, "x")]
    history = [utc("2026-11-23T15:00")]
    assert next_admissible(utc("2026-11-23T16:00"), NEW_YORK, cap, history) == utc("2027-02-22T14:00")
    assert next_admissible(utc("2026-11-23T16:00"), NEW_YORK, cap, history, latest=utc("2027-01-01T00:00")) is None


def test_local_days_start_when_the_last_zone_has_its_date() -> None:
    at = utc("2026-11-24T02:00")  # still Monday in New York, Tuesday in London
    assert add_local_days(at, 1, ["America/New_York"]) == utc("2026-11-24T05:00")
    assert add_local_days(at, 1, ["America/New_York", "Europe/London"]) == utc("2026-11-25T00:00")
    assert add_local_days(utc("2026-09-05T15:00"), 1, ["America/Santiago"]) == utc("2026-09-06T04:00")  # no midnight
    with pytest.raises(ValueError, match="at least one zone"):
        add_local_days(at, 1, [])
