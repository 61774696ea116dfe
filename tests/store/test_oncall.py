"""Overrides as rows, shifts that were worked, and the command that shows both."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from speedlead import ids
from speedlead.calendarbook import parse_calendars
from speedlead.chores.oncall import keep, oncall_chore
from speedlead.chores.runner import run_once
from speedlead.commands import oncall as command
from speedlead.planbook import load_plan
from speedlead.store.oncall import Override, OverrideRefused, notes, put_override, remove_override, worked
from speedlead.store.plans import PlanStore
from speedlead.store.pool import open_pool
from speedlead.store.reps import read_rosters
from speedlead.whoami import whoami
from tests.servers import local_settings
from tests.store.hand_made import FixedClock

TEXT = """
teams:
  - id: everybody
    zone: America/New_York
    on_call:
      - id: nights
        hours: {mon: 00:00-24:00, tue: 00:00-24:00, wed: 00:00-24:00, thu: 00:00-24:00, fri: 00:00-24:00,
          sat: 00:00-24:00, sun: 00:00-24:00}
        rotation: {start: 2026-01-05, every: 1d, handover: "09:00", levels: [[sam@acme.example, kim@acme.example],
          [lee@acme.example]]}
"""
CALENDARS = parse_calendars(TEXT, "own.yaml")
ADA, NOW = "ada@acme.example", datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # Monday, 10:00 in New York
MONDAY, DAY = date(2026, 11, 23), timedelta(days=1)


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[Any]:
    opened = await open_pool(database_url, size=4)
    for number, name in enumerate(("sam", "kim", "lee", "ada"), 1):
        await opened.execute(
            """insert into rep (id, name, email, phone, zone, weekly, capacity)
               values ($1, $2, $3, $4, 'America/New_York', '{}', 9)""",
            ids.new_id(), name, f"{name.title()}@acme.example", f"+1415555270{number}",
        )  # fmt: skip
    yield opened
    await opened.close()


async def put(pool: Any, level: int = 1, first: date = MONDAY, last: date | None = None, rep: str = ADA,
              why: str = "swap", cover: str = "nights") -> None:  # fmt: skip
    async with pool.acquire() as conn, conn.transaction():
        asked = Override(cover, level, first, last or first, rep, why)
        await put_override(conn, await read_rosters(conn, CALENDARS), asked, "boss@acme.example", NOW)


async def on_call(pool: Any, day: date) -> list[str | None]:
    [roster] = await read_rosters(pool, CALENDARS)
    return [duty.rep for duty in roster.duties(day)]


async def off(pool: Any, name: str, start: datetime, end: datetime, source: str = "time_off") -> None:
    await pool.execute(
        "insert into rep_busy (rep_id, source, starts_at, ends_at) select id, $2, $3, $4 from rep where name = $1",
        name, source, start, end,
    )  # fmt: skip


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("an unknown cover", {"cover": "days"}, "cover", "expected one of nights; got 'days'"),
    ("an unknown level", {"level": 3}, "level", "nights has the levels 1 to 2, got 3"),
    ("days that go backwards", {"last": MONDAY - DAY}, "to", "2026-11-22 lies before 2026-11-23"),
    ("too many days", {"last": MONDAY + 31 * DAY}, "to", "at most 31 days"),
    ("a duty that is over", {"first": MONDAY - 2 * DAY}, "from", "the duty of 2026-11-21 is over"),
    ("before the rotation", {"first": date(2026, 1, 4)}, "from", "starts on 2026-01-05"),
    ("no reason", {"why": " "}, "why", "expected a reason"),
    ("somebody whom we do not have", {"rep": "eve@x.example"}, "rep", "active rep with a phone, got 'eve@x.example'"),
    ("somebody who is off", {"rep": "kim@acme.example"}, "rep", "kim@acme.example has time off in the duty of"),
]


@pytest.mark.parametrize(("what", "field", "says"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
async def test_an_override_that_cannot_be_is_refused(pool: Any, what: dict[str, Any], field: str, says: str) -> None:
    await off(pool, "kim", NOW, NOW + timedelta(hours=1))
    with pytest.raises(OverrideRefused) as refused:
        await put(pool, **what)
    assert refused.value.field == field
    assert says in refused.value.text
    assert await pool.fetchval("select count(*) from oncall_override") == 0


async def test_an_override_takes_its_days_and_gives_them_back(pool: Any) -> None:
    before = [await on_call(pool, MONDAY + n * DAY) for n in range(3)]
    await put(pool, last=MONDAY + DAY)
    assert [(await on_call(pool, MONDAY + n * DAY))[0] for n in range(3)] == [ADA, ADA, before[2][0]]
    assert await notes(pool, MONDAY, MONDAY) == {("nights", 1, MONDAY): ("swap", "boss@acme.example")}
    for what in ({"last": MONDAY + 3 * DAY, "rep": "sam@acme.example"}, {"level": 2}):
        with pytest.raises(OverrideRefused, match="ada steps in on 2026-11-23 already, on level 1: remove that first"):
            await put(pool, **what)  # type: ignore[arg-type]
    async with pool.acquire() as conn, conn.transaction():
        rosters = await read_rosters(conn, CALENDARS)
        assert await remove_override(conn, rosters, "nights", 1, MONDAY, MONDAY + DAY, NOW) == 2
    assert [await on_call(pool, MONDAY + n * DAY) for n in range(3)] == before
    with pytest.raises(OverrideRefused, match="has no override"):
        await remove_override(pool, rosters, "nights", 1, MONDAY, MONDAY, NOW)
    with pytest.raises(OverrideRefused, match="is over"):
        await remove_override(pool, rosters, "nights", 1, MONDAY - 3 * DAY, MONDAY, NOW)


async def test_who_leaves_is_on_call_no_more_however_it_was_arranged(pool: Any) -> None:
    before = await on_call(pool, MONDAY)
    await put(pool)
    await pool.execute("update rep set active = false where name = 'ada'")
    assert await on_call(pool, MONDAY) == before


# ── what was worked ──────────────────────────────────────────────────────────────────────────────────────────────────


async def rounds(pool: Any, *moments: datetime) -> list[str | None]:
    said = []
    for now in moments:
        async with pool.acquire() as conn, conn.transaction():
            said.append(await keep(conn, CALENDARS, now))
    return said


async def test_shifts_are_recorded_once_when_they_are_over(pool: Any) -> None:
    [roster] = await read_rosters(pool, CALENDARS)
    end = roster.ends(MONDAY)
    said = await rounds(pool, NOW, end - timedelta(seconds=1), end, end, end + timedelta(minutes=1))
    assert said == [None, None, "2 shifts recorded", None, None]
    first, second = await worked(pool, MONDAY, MONDAY)
    assert [first.email, second.email] == await on_call(pool, MONDAY)
    assert (first.starts_at, first.ends_at, first.minutes) == (end - DAY, end, 1440)
    assert (first.starts_local, first.ends_local) == (datetime(2026, 11, 23, 9), datetime(2026, 11, 24, 9))


async def test_a_shift_is_as_long_as_the_clock_made_it_and_a_pause_of_ours_loses_none(pool: Any) -> None:
    autumn = datetime(2026, 10, 31, 20, 0, tzinfo=UTC)
    await rounds(pool, autumn, autumn + 3 * DAY)
    rows = await worked(pool, date(2026, 10, 30), date(2026, 11, 3))
    assert [(row.day.day, row.minutes) for row in rows if row.level == 1] == [(31, 1500), (1, 1440), (2, 1440)]


async def test_what_was_worked_stays_whatever_is_said_later(pool: Any) -> None:
    await rounds(pool, NOW, NOW + DAY)
    [before, _] = await worked(pool, MONDAY, MONDAY)
    name = before.email.partition("@")[0]
    await off(pool, name, NOW - DAY, NOW + DAY)
    await pool.execute("update oncall_recorded set until_at = $1", NOW)
    await rounds(pool, NOW + DAY)
    assert (await worked(pool, MONDAY, MONDAY))[0] == before


async def test_the_leads_of_a_shift_count_once_each(pool: Any) -> None:
    [roster] = await read_rosters(pool, CALENDARS)
    rep = (await on_call(pool, MONDAY))[0]
    plan = load_plan()
    await PlanStore(pool).publish(plan)
    person, leads = ids.new_id(), [ids.new_id() for _ in range(3)]
    await pool.execute("insert into person (id, created_at) values ($1, $2)", person, NOW)
    for number, lead in enumerate(leads):
        await pool.execute(
            """insert into lead (id, person_id, form_key, lead_type, intent, source, plan_id, plan_version, created_at,
                   created_wall, closed_at)
               values ($1, $2, 'demo', 'hot', 'pricing', 'ads', $4, $5, $3, $3, $3)""",
            lead, person, NOW, plan.id, plan.version,
        )  # fmt: skip
        await pool.execute(
            """insert into touch (id, lead_id, person_id, step, channel, purpose, state, planned_at, placed_at)
               values ($1, $2, $3, 'call-1', 'call', 'plan', 'sent', $4, $4)""",
            f"{lead}.call-1", lead, person, NOW,
        )  # fmt: skip
        # the first is offered twice, refused and taken; the second is not taken; the third is of the day before
        at = NOW - DAY if number == 2 else NOW + timedelta(minutes=number)
        results = {0: ["rep_declined", None], 1: ["rep_no_answer"], 2: [None]}[number]
        for leg, result in enumerate(results):
            await pool.execute(
                """insert into leg (id, touch_id, role, rep_id, state, result, claimed_at, claimed_wall)
                   select $1, $2, 'rep', id, 'ended', $3, $4, $4 from rep where lower(email) = $5""",
                f"{lead}.call-1.rep-{leg}", f"{lead}.call-1", result, at, rep,
            )  # fmt: skip
    await rounds(pool, NOW, roster.ends(MONDAY))
    first, second = await worked(pool, MONDAY, MONDAY)
    assert [(row.called, row.accepted) for row in (first, second)] == [(2, 1), (0, 0)]


async def test_people_hear_a_day_ahead_who_steps_in_and_where_nobody_is_left(pool: Any) -> None:
    tuesday = MONDAY + DAY
    await put(pool, first=tuesday)
    await off(pool, "lee", NOW + timedelta(hours=24), NOW + timedelta(hours=30))
    await rounds(pool, NOW - timedelta(hours=2), NOW, NOW + timedelta(minutes=1))
    rows = await pool.fetch(
        "select audience, kind, reason, r.name from notice left join rep r on r.id = rep_id order by kind"
    )
    assert [tuple(row) for row in rows] == [
        ("manager", "nobody_on_call", "Level 2 of nights, Tue 24 Nov 09:00 (America/New_York)", None),
        ("rep", "on_call_instead", "Level 1 of nights, Tue 24 Nov 09:00 (America/New_York)", "ada"),
    ]


async def test_the_chore_runs_as_others_do(pool: Any, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(TEXT, "utf-8")
    settings = local_settings(tmp_path, calendars_file=file)
    assert await run_once(pool, oncall_chore(pool, settings, FixedClock(NOW))) is None
    assert await run_once(pool, oncall_chore(pool, settings, FixedClock(NOW + DAY))) == "2 shifts recorded"


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────


def run(database_url: str, folder: Path, *words: str) -> Any:
    file = folder / "own.yaml"
    file.write_text(TEXT, "utf-8")
    env = {"SPEEDLEAD_DATABASE_URL": database_url, "SPEEDLEAD_CALENDARS_FILE": str(file),
           "SPEEDLEAD_DATA_DIR": str(folder), "COLUMNS": "200"}  # fmt: skip
    return CliRunner().invoke(command.app, list(words), env=env)


def test_the_command_shows_overrides_and_exports(pool_rows: str, tmp_path: Path) -> None:
    day = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}"
    made = run(pool_rows, tmp_path, "override", "nights", ADA, "--from", day, "--why", "wedding")
    assert (made.exit_code, made.output.strip()) == (0, f"nights, level 1: {ADA} steps in from {day} to {day}")
    shown = run(pool_rows, tmp_path, "show", "--from", day, "--days", "1").output
    assert ADA in shown
    assert f"override by {whoami()}: wedding" in shown
    twice = run(pool_rows, tmp_path, "override", "nights", ADA, "--from", day, "--why", "wedding")
    assert (twice.exit_code, "remove that first" in twice.output) == (1, True)
    gone = run(pool_rows, tmp_path, "remove", "nights", "--from", day)
    assert (gone.exit_code, gone.output.strip()) == (0, "nights, level 1: 1 days are the rotation's again")
    assert "override" not in run(pool_rows, tmp_path, "show", "--from", day).output
    for words, says in (
        (("override", "nights", ADA, "--from", "monday", "--why", "x"), "--from: expected a date"),
        (("export", "--from", "2026-11-02", "--to", "2026-11-01"), "--to: 2026-11-01 lies before"),
    ):
        wrong = run(pool_rows, tmp_path, *words)
        assert (wrong.exit_code, says in wrong.output) == (2, True)


def test_the_export_is_for_a_spreadsheet(pool_rows: str, worked_rows: None, tmp_path: Path) -> None:
    out = run(pool_rows, tmp_path, "export", "--from", "2026-11-23", "--to", "2026-11-23", "--csv")
    assert out.exit_code == 0
    first, second = csv.DictReader(io.StringIO(out.output))
    assert (first["level"], first["minutes"], first["starts_utc"]) == ("1", "1440", "2026-11-23T14:00:00Z")
    assert first["ends_local"] == "2026-11-24 09:00"
    assert second["email"] == "lee@acme.example"
    assert second["name"] == "'=lee"
    table = run(pool_rows, tmp_path, "export", "--from", "2026-11-23", "--to", "2026-11-23").output
    assert "lee@acme.example" in table


@pytest_asyncio.fixture
async def pool_rows(pool: Any, database_url: str) -> str:
    return database_url


@pytest_asyncio.fixture
async def worked_rows(pool: Any) -> None:
    await pool.execute("update rep set name = '=lee' where name = 'lee'")
    await rounds(pool, NOW, NOW + DAY)
