"""The stretches of constant offset against the bytes of the zone files and against `whenever`."""

import random
import subprocess
import sys
import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest
from whenever import Instant, PlainDateTime, RepeatedTime, SkippedTime

from speedlead import tzdata_version
from speedlead.domain.calendar import offset_at, to_second, zone_table
from speedlead.domain.walltime import resolve_wall
from tests.unit.calendar_oracle import ZONES, changes, changes_between


def test_no_two_changes_of_a_zone_are_closer_than_the_probes() -> None:
    """The table looks once a day; a change and its reversal inside one day would be missed."""
    closest = min(
        later - earlier
        for zone in zoneinfo.available_timezones()
        for (earlier, _), (later, _) in zip(changes(zone), changes(zone)[1:], strict=False)
        if earlier > -(10**9)
    )
    assert closest > 6 * 86_400


@pytest.mark.parametrize("zone", ZONES)
def test_the_table_has_exactly_the_changes_of_the_file(zone: str) -> None:
    first, last = to_second(datetime(2009, 1, 1, tzinfo=UTC)), to_second(datetime(2036, 1, 1, tzinfo=UTC))
    for year in range(2010, 2036):  # grow the table year by year, as questions would
        table = zone_table(zone, to_second(datetime(year, 1, 1, tzinfo=UTC)))
    found = [at for at in table.starts[1:] if first < at < last]
    assert found == [int(at.timestamp()) for at in changes_between(zone, 2009, 2035) if first < at.timestamp() < last]


def test_offsets_agree_with_another_reader_of_the_files() -> None:
    chance = random.Random(7)
    for _ in range(4000):
        zone = chance.choice(ZONES)
        second = chance.randrange(946_684_800, 2_400_000_000)
        assert offset_at(zone, second) == Instant.from_timestamp(second).to_tz(zone).offset.total("seconds"), (
            zone,
            second,
        )


def test_a_far_question_does_not_build_a_table_of_centuries() -> None:
    zone_table("Europe/Paris", to_second(datetime(2026, 1, 1, tzinfo=UTC)))
    far = zone_table("Europe/Paris", to_second(datetime(2500, 1, 1, tzinfo=UTC)))
    assert far.years[1] - far.years[0] < 50
    assert offset_at("Europe/Paris", to_second(datetime(2026, 7, 1, tzinfo=UTC))) == 7200


def test_wall_times_agree_with_whenever_around_every_change() -> None:
    for zone in ZONES:
        for change in changes_between(zone, 2026, 2027):
            for minutes in range(-200, 201, 20):
                near = change + timedelta(minutes=minutes)
                local = near.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None, fold=0) + timedelta(
                    hours=minutes % 3
                )
                plain = PlainDateTime(local)
                got = resolve_wall(zone, local)
                for name, answer in (
                    ("compatible", got.compatible),
                    ("earlier", got.earlier),
                    ("later", got.later),
                ):
                    expected = plain.assume_tz(zone, disambiguation=name).to_stdlib()  # type: ignore[arg-type]
                    assert answer == expected.astimezone(UTC), (zone, local, name)
                try:
                    plain.assume_tz(zone, disambiguation="raise")
                    kind = "unique"
                except RepeatedTime:
                    kind = "ambiguous"
                except SkippedTime:
                    kind = "nonexistent"
                assert got.kind == kind, (zone, local)


def test_a_wall_time_has_no_zone_of_its_own() -> None:
    with pytest.raises(ValueError, match="already has a time zone"):
        resolve_wall("Europe/Paris", datetime(2026, 1, 1, tzinfo=UTC))


def test_a_process_that_reads_the_systems_files_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tzdata_version.assert_wheel() == tzdata_version.release()
    monkeypatch.setattr(zoneinfo, "TZPATH", ("/usr/share/zoneinfo",))
    with pytest.raises(RuntimeError, match="instead of the pinned tzdata wheel"):
        tzdata_version.assert_wheel()


def test_the_hosts_own_zone_changes_nothing() -> None:
    code = (
        "from datetime import *; from speedlead.domain.calendar import *;"
        "p=Policy({d: ((540,1080),) for d in range(5)}, NEVER);"
        "print(next_permitted(datetime(2026,11,21,20,tzinfo=UTC),[ZonePolicy('America/Vancouver',p,'x')]))"
    )
    for host in ("UTC", "Asia/Kathmandu", "America/New_York"):
        run = subprocess.run(
            [sys.executable, "-c", code],
            env={"TZ": host, "PYTHONTZPATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip() == "2026-11-23 16:00:00+00:00"
