"""`speedlead plan preview`: without a server, with a database that answers, and with one that does not."""

import json
from pathlib import Path

import asyncpg
import pytest

from speedlead.ids import new_id
from speedlead.planbook import load_plan, packaged_plan
from speedlead.store import plans
from speedlead.store.pool import open_pool
from tests.unit.test_cli import speedlead

ASKED = ("plan", "preview", "--type", "hot", "--phone", "+55 11 98765-4321", "--at", "2026-11-20T23:10-03:00")


def test_without_any_server_it_shows_the_week_and_says_whose_hours_it_took(tmp_path: Path) -> None:
    done = speedlead(*ASKED, "--plan", "inbound", "--png", str(tmp_path / "week.png"), SPEEDLEAD_DATA_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "A person calls you on Monday 23 November, by 09:03 (Sao Paulo time)." in said
    assert "the demo team's, because no database is set" in said
    assert "Mon 23 Nov 09:00 call 1" in said
    assert (tmp_path / "week.png").read_bytes().startswith(b"\x89PNG")


async def test_with_a_database_it_takes_the_reps_that_are_in_it(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        # somebody who works on Tuesday afternoons only
        await connection.execute(
            """insert into rep (id, name, email, phone, zone, weekly, capacity) values
               ($1, 'Tuna', 'tuna@acme.example', '+14155552701', 'America/Sao_Paulo', '{"1": [[840, 1080]]}', 9)""",
            new_id(),
        )
    finally:
        await connection.close()
    done = speedlead(*ASKED, "--json", SPEEDLEAD_DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["team"] == "those of Tuna"
    assert said["touches"][1]["local"] == "2026-11-24T14:00:00"


async def test_with_a_database_it_takes_the_plan_that_is_in_use_there(database_url: str) -> None:
    plan = load_plan(packaged_plan("inbound"))
    track = plan.tracks["hot"]
    published = plan.model_copy(
        update={"tracks": plan.tracks | {"hot": track.model_copy(update={"steps": track.steps[:1]})}}
    )
    pool = await open_pool(database_url, size=2)
    try:
        await plans.publish_next(pool, published, who="Ana", note="")
        await pool.execute("update plan set used_wall = clock_timestamp()")
    finally:
        await pool.close()
    done = speedlead(*ASKED, "--json", SPEEDLEAD_DATABASE_URL=database_url)
    assert done.returncode == 0, done.stderr
    steps = {touch["step"] for touch in json.loads(done.stdout)["touches"]}
    assert track.steps[0].id in steps
    assert track.steps[1].id not in steps


def test_a_database_that_does_not_answer_is_said_and_does_not_stop_it() -> None:
    done = speedlead(*ASKED, "--json", SPEEDLEAD_DATABASE_URL="postgresql://me:hunter2@127.0.0.1:1/x")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["team"].startswith("the demo team's, because the database does not answer")
    assert "hunter2" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--type", "lukewarm"), "--type: not a lead type; expected hot, warm or cold"),
        (("--phone", "12"), "--phone: not a valid phone number; expected a phone number with its country code"),
        (("--at", "soon"), "--at: not a moment; expected a date and a time of day, such as 2026-11-20T23:10-03:00"),
        (("--plan", "nope"), "plan 'nope': expected a file such as plans/own.yaml, or one of customer, inbound"),
        (("--plan", "no/such.yaml"), "no/such.yaml: cannot be read"),
        (("--consent", "fax"), "--consent: 'fax' is not a box of the form; expected sms, call or marketing"),
        (("--no-email",), "--email: neither e-mail nor phone was given; expected an e-mail address or a phone number"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_option(arguments: tuple[str, ...], said: str) -> None:
    done = speedlead("plan", "preview", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)


def test_a_picture_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    done = speedlead(*ASKED, "--json", "--png", str(tmp_path / "no" / "week.png"))
    assert done.returncode == 1
    assert done.stderr == f"--png: {tmp_path / 'no' / 'week.png'}: cannot be written: No such file or directory\n"
