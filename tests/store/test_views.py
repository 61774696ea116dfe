"""The read models over rows made by hand, and the same on the command line."""

import dataclasses
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from speedlead import times, wording
from speedlead.commands.lead import app
from speedlead.store import notices, views
from speedlead.store.pool import open_pool
from speedlead.store.view_models import Filters
from tests.store.hand_made import (
    AVA,
    BEN,
    CHLOE,
    DANA,
    DEEPA,
    LEE,
    NOBODY,
    NOW,
    REPLIED,
    SAM,
    SCRIPT,
    SCRIPT_NAME,
    VERSION,
    ago,
    coming,
    put,
    put_house,
    put_lead,
    put_notice,
    put_story,
    put_touch,
)


@pytest_asyncio.fixture
async def conn(database_url: str) -> AsyncIterator[Any]:
    pool = await open_pool(database_url, size=2)
    async with pool.acquire() as connection:
        await put_house(connection)
        yield connection
    await pool.close()


async def test_a_lead_is_shown_with_its_person_inquiry_and_owner(conn: Any) -> None:
    view = await views.lead_view(conn, AVA)
    assert view is not None
    assert (view.card.title, view.card.company, view.card.owner_name) == (
        "Ava Müller",
        "Northwind Robotics",
        "Sam Reyes",
    )
    assert (view.card.zone, view.card.plan, view.card.phone) == (
        "America/New_York",
        f"inbound v{VERSION}",
        "+12125550142",
    )
    assert [contact.address for contact in view.emails] == ["ava@northwind.example"]
    assert view.written[0].consents == ("call",)
    assert view.card.deadline == coming(minutes=1, seconds=34)


async def test_an_unknown_lead_has_no_view_no_story_and_no_explanation(conn: Any) -> None:
    nobody = "00000000-0000-4000-8000-0000000000ff"
    assert await views.lead_view(conn, nobody) is None
    assert await views.explain(conn, nobody) is None
    assert await views.timeline(conn, nobody) == []


async def test_the_story_has_each_touch_once_in_order_with_its_text(conn: Any) -> None:
    entries = await views.timeline(conn, BEN)
    assert [(e.what, e.step) for e in entries] == [
        ("An inquiry arrived", None),
        ("Call: no answer", "call-1"),
        ("E-mail: not certain that it was sent", "email-1"),
        ("SMS skipped", "sms-1"),
        ("Call put off", "call-2"),
    ]
    assert entries == sorted(entries, key=lambda e: e.at)
    assert entries[3].reason_text == "there is no consent to SMS"
    assert entries[4].next_at == coming(hours=19)
    sent = (await views.timeline(conn, AVA))[1]
    assert (sent.what, sent.subject) == ("E-mail sent", "We have your demo request")
    assert (await views.timeline(conn, AVA))[2].result == "Sam Reyes"


async def test_a_touch_that_was_put_off_and_then_sent_is_told_twice(conn: Any) -> None:
    await put_story(conn, BEN, (ago(minutes=1), "sent", "call-2", None, {"channel": "call"}))
    await conn.execute("update touch set state = 'sent', call_result = 'busy' where id = $1", f"{BEN}.call-2")
    assert [e.what for e in await views.timeline(conn, BEN) if e.step == "call-2"] == ["Call put off", "Call: busy"]


async def test_the_zone_of_a_touch_stands_when_the_lead_has_none(conn: Any) -> None:
    person = await conn.fetchval("select person_id from lead where id = $1", SCRIPT)
    await put_touch(conn, SCRIPT, person, "email-1", "email", "sent", sent_at=NOW, versions={"zone": "Asia/Kolkata"})
    await put_touch(conn, SCRIPT, person, "email-2", "email", "sent", sent_at=NOW, versions={"zone": "Mars/Base"})
    assert [(e.step, e.zone) for e in await views.timeline(conn, SCRIPT)] == [
        ("email-1", "Asia/Kolkata"),
        ("email-2", "UTC"),
    ]


@pytest.mark.parametrize(
    ("lead_id", "waits_for", "why"),
    [
        (AVA, "clock", "next_step"),
        (REPLIED, "reply", "reply_received"),
        (DEEPA, "closed", "qualified"),
        (CHLOE, "nobody", None),
    ],
)
async def test_an_explanation_names_what_a_lead_waits_for(
    conn: Any, lead_id: str, waits_for: str, why: str | None
) -> None:
    told = await views.explain(conn, lead_id)
    assert told is not None
    assert (told.waits_for, told.why) == (wording.WAITS[waits_for], why)
    assert told.changed_by


@pytest.mark.parametrize(
    ("outcome", "waits_for", "at"),
    [("meeting_booked", "meeting", None), ("not_now", "later", coming(days=8)), (None, "person", None)],
)
async def test_after_a_talk_the_step_that_was_set_before_is_not_shown_any_more(
    conn: Any, outcome: str | None, waits_for: str, at: Any
) -> None:
    await _logged(conn, BEN, ago(minutes=1), call_result="connected", outcome=outcome, until_at=at)
    await conn.execute("update lead set plan_stopped = $2 where id = $1", BEN, outcome)
    told = await views.explain(conn, BEN)
    assert told is not None
    assert (told.next_step, told.next_at, told.waits_for) == (None, at, wording.WAITS[waits_for])
    assert told.why == (outcome or "waiting_for_outcome")


async def test_a_day_that_was_agreed_later_is_shown_though_the_owner_was_reminded_before(conn: Any) -> None:
    at = coming(days=8)
    await _logged(conn, BEN, ago(hours=2), outcome="not_now")
    await conn.execute("update lead set plan_stopped = 'not_now', next_step = null, next_touch_at = null, "
                       "next_why = 'later_due' where id = $1", BEN)  # fmt: skip
    await _logged(conn, BEN, ago(minutes=1), outcome="not_now", until_at=at)
    told = await views.explain(conn, BEN)
    assert told is not None
    assert (told.next_at, told.waits_for) == (at, wording.WAITS["later"])


async def test_a_callback_is_no_pause_and_takes_the_plan_up_again(conn: Any) -> None:
    at = coming(days=1)
    await _logged(conn, BEN, ago(minutes=1), call_result="connected", outcome="callback_requested", until_at=at)
    await conn.execute(
        "update lead set paused_until = $2, next_step = 'callback-1', next_touch_at = $2 where id = $1", BEN, at
    )
    told, view = await views.explain(conn, BEN), await views.lead_view(conn, BEN)
    assert told is not None
    assert view is not None
    assert not view.card.paused
    assert (told.next_step, told.next_at, told.why) == ("callback-1", at, "callback_requested")
    assert told.waits_for == wording.WAITS["clock"]
    await conn.execute("update lead set paused_until = 'infinity' where id = $1", BEN)
    told = await views.explain(conn, BEN)
    assert told is not None
    assert told.waits_for == wording.WAITS["paused"]


async def test_a_call_is_one_line_with_its_result_and_the_reps_who_did_not_take_it(conn: Any) -> None:
    person = await conn.fetchval("select person_id from lead where id = $1", AVA)
    await put_touch(conn, AVA, person, "call-1", "call", "claimed", claimed_at=ago(seconds=40))
    await _leg(conn, "call-1", "rep-1-1", "rep", "ended", SAM)
    await _leg(conn, "call-1", "rep-1-2", "rep", "accepted", DANA)
    told = await views.explain(conn, AVA)
    assert told is not None
    assert (told.why, told.waits_for) == ("call_in_progress", wording.WAITS["call"])
    await conn.execute("update touch set state = 'sent', sent_at = $1, call_result = 'busy' where step = 'call-1'"
                       " and lead_id = $2", ago(seconds=20), AVA)  # fmt: skip
    await put_story(
        conn, AVA,
        (ago(seconds=30), "call_progress", "call-1", None, {"leg": "rep", "rep_id": SAM, "result": "rep_no_answer"}),
        (ago(seconds=20), "sent", "call-1", None, {"channel": "call"}),
        (ago(seconds=10), "call_progress", "call-1", None, {"leg": "lead", "channel": "call", "result": "busy"}),
    )  # fmt: skip
    lines = [(e.what, e.result) for e in await views.timeline(conn, AVA) if e.step == "call-1"]
    assert lines == [("The rep did not take the call", "the rep did not answer, Sam Reyes"), ("Call: busy", "busy")]


async def test_lines_of_the_story_say_who_and_what_in_words(conn: Any) -> None:
    await put_story(
        conn, CHLOE,
        (ago(seconds=9), "outcome", None, None, {"call_result": "busy", "result": "busy", "rep_id": SAM}),
        (ago(seconds=8), "resumed", None, SAM, {}),
        (ago(seconds=7), "notified", None, "write_personally", {"audience": "rep"}),
        (ago(seconds=6), "opt_out", None, "opted_out", {"channel": "email"}),
        (ago(seconds=5), "reply_heard", None, "automatic", {}),
        (ago(seconds=4), "stopped", None, "Duplicate of Ben-Carter", {}),
        (ago(seconds=3), "cannot_place", "call-1", "no_consent", {"channel": "call", "reasons": ["no_consent:call"]}),
    )  # fmt: skip
    assert [(e.what, e.result or e.reason_text) for e in await views.timeline(conn, CHLOE)] == [
        ("The rep logged an outcome", "busy, Sam Reyes"),
        ("The plan goes on", "Sam Reyes"),
        ("The owner was told", "Please write to this lead yourself"),
        ("The lead opted out of e-mail", ""),
        ("The plan goes on: nobody wrote this reply", "it was an automatic reply"),
        ("The plan was stopped", "Duplicate of Ben-Carter"),
        ("No permitted time was found for a step", "there is no consent to calls"),
    ]


async def test_a_call_stays_offered_after_the_notice_was_seen_until_it_is_answered(conn: Any) -> None:
    notice = next(n for n in await views.unseen_notices(conn, SAM) if n.kind == "call_task")
    await notices.mark_seen(conn, notice.notice_id, SAM, NOW)
    assert await views.offered(conn, SAM) == {AVA}
    await put_story(conn, AVA, (NOW, "declined", None, "rep_declined", {"rep_id": LEE}))
    assert await views.offered(conn, SAM) == {AVA}  # what a colleague says is no answer of Sam's
    await put_story(conn, AVA, (NOW, "declined", None, "rep_declined", {"rep_id": SAM}))
    assert await views.offered(conn, SAM) == set()


async def test_operations_see_and_take_off_what_they_were_told(conn: Any) -> None:
    notice_id = await put_notice(conn, None, "provider_config", AVA, audience="ops")
    assert [n.kind for n in await views.unseen_notices(conn, None)] == ["provider_config"]
    assert not await notices.mark_seen(conn, notice_id, LEE, NOW)
    assert await notices.mark_seen(conn, notice_id, None, NOW)
    assert await views.unseen_notices(conn, None) == []


async def _logged(conn: Any, lead_id: str, at: Any, **columns: Any) -> None:
    await put(conn, "outcome", id=str(uuid.uuid4()), lead_id=lead_id, at=at, **columns)


async def _leg(conn: Any, step: str, name: str, role: str, state: str, rep_id: str) -> None:
    touch_id = f"{AVA}.{step}"
    await put(conn, "leg", id=f"{touch_id}.{name}", touch_id=touch_id, role=role, state=state, rep_id=rep_id,
              claimed_at=ago(seconds=40), claimed_wall=ago(seconds=40))  # fmt: skip


async def test_a_pause_without_an_end_and_an_undelivered_message_are_what_a_lead_waits_for(conn: Any) -> None:
    await conn.execute("update lead set paused_until = 'infinity' where id = $1", AVA)
    told = await views.explain(conn, AVA)
    assert told is not None
    assert told.waits_for == wording.WAITS["paused"]
    view = await views.lead_view(conn, AVA)
    assert view is not None
    assert (view.card.paused, view.card.paused_until) == (True, None)
    await conn.execute(
        "insert into message (id, lead_id, kind, payload) values (gen_random_uuid(), $1, 'reply', '{}')", AVA
    )
    told = await views.explain(conn, AVA)
    assert told is not None
    assert told.waits_for == wording.WAITS["relay"]


async def test_a_rep_sees_own_open_leads_by_deadline_and_the_pool_apart(conn: Any) -> None:
    assert [card.lead_id for card in await views.rep_leads(conn, SAM)] == [SCRIPT, AVA, REPLIED, BEN]
    assert await views.rep_leads(conn, DANA) == []
    assert {card.lead_id for card in await views.rep_leads(conn, None)} == {NOBODY, CHLOE}


async def test_filters_and_counters(conn: Any) -> None:
    async def found(**filters: Any) -> set[str]:
        return {card.lead_id for card in await views.open_leads(conn, Filters(**filters))}

    assert await found(lead_type="warm") == {BEN}
    assert await found(stage="attempting", owner_id=SAM) == {BEN, REPLIED}
    assert await found(state="closed") == {DEEPA}
    assert len(await found(state="all")) == 7
    assert len(await found(limit=2)) == 2
    counted = await views.counters(conn, NOW)
    assert dataclasses.astuple(counted) == (6, 1, 1, 1, 0)


async def test_overdue_is_judged_by_the_leads_own_clock(conn: Any) -> None:
    await conn.execute("update lead set clock_offset_us = 86400000000 where id = $1", AVA)
    assert (await views.counters(conn, NOW)).overdue == 2
    assert (await views.counters(conn, NOW - timedelta(days=2))).overdue == 0


async def test_a_manager_sees_and_takes_off_what_managers_were_told(conn: Any) -> None:
    (notice,) = await views.unseen_notices(conn, LEE)
    assert (notice.kind, notice.lead_title) == ("nobody_available", "Noor Haddad")
    assert not await notices.mark_seen(conn, notice.notice_id, SAM, NOW)
    assert await notices.mark_seen(conn, notice.notice_id, LEE, NOW)
    assert await views.unseen_notices(conn, LEE) == []
    assert [(rep.name, rep.open_leads, rep.unseen) for rep in await views.reps(conn)] == [
        ("Dana Kim", 0, 0),
        ("Lee Ortiz", 0, 0),
        ("Sam Reyes", 4, 2),
    ]


async def test_plain_connections_read_the_same_as_those_of_the_pool(conn: Any, database_url: str) -> None:
    plain = await asyncpg.connect(database_url)
    try:
        assert await views.lead_view(plain, AVA) == await views.lead_view(conn, AVA)
        assert await views.timeline(plain, BEN) == await views.timeline(conn, BEN)
    finally:
        await plain.close()


async def test_the_command_line_prints_the_same_read_models(
    conn: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put_lead(conn, "8f3a0000-0000-4000-8000-000000000000", name="[red]Markup[/red]", tz="America/New_York")

    def run(*words: str) -> str:
        from concurrent.futures import ThreadPoolExecutor

        # a command runs a loop of its own
        with ThreadPoolExecutor(1) as thread:
            result = thread.submit(CliRunner().invoke, app, list(words)).result()
        return result.output + f"exit {result.exit_code}"

    monkeypatch.setenv("SPEEDLEAD_DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "160")
    shown = run("show", "3f3a0000")
    assert "Ben Carter" in shown
    assert "London time" in shown
    assert "there is no consent to SMS" in shown
    assert "[red]Markup[/red]" in run("show", "8f3a0000")
    assert SCRIPT_NAME in run("show", SCRIPT)
    explained = run("explain", BEN)
    assert "day 2 call, Tue 24 Nov, 10:00:00 London time" in explained
    assert "outside business hours where the lead is" in explained
    assert run("list", "--type", "warm").count("3f3a0000") == 1
    assert run("explain", "ffff0000").endswith("exit 1")


def test_times_are_told_on_the_local_clock() -> None:
    assert times.clock(NOW, "America/New_York") == "Mon 23 Nov, 10:00"
    assert times.zone_label("America/Argentina/Buenos_Aires") == "Buenos Aires time"
    assert [times.relative(coming(seconds=s), NOW) for s in (0, 42, 390, -90, 7500, 86400 * 3)] == [
        "now", "in 42 s", "in 6 min 30 s", "1 min 30 s ago", "in 2 h 5 min", "in 3 days",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("no_phone", "there is no phone number"),
        ("quiet_hours:us-fl", "quiet hours where the lead is (us-fl)"),
        ("something_new", "something new"),
        ("voicemail_left", "voicemail, message left"),
        (None, ""),
    ],
)
def test_every_reason_has_words_and_a_new_one_is_not_hidden(code: str | None, text: str) -> None:
    assert wording.reason(code) == text
