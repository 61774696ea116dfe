"""Attempts, buckets, phases and whatever else is counted, on leads made by hand."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from speedlead.lead_filter import FilterError
from speedlead.numbers.read import Numbers
from speedlead.numbers.rows import Attempt, Breach, Due, Skip
from speedlead.numbers.voices import Said, Voices
from tests.numbers.cases import CAME, LATER, MONDAY, Lead, a_lead, after, period
from tests.store.hand_made import DANA, SAM, FixedClock, put

EMPTY = period(start=MONDAY - timedelta(days=30), end=MONDAY - timedelta(days=29))


async def test_an_empty_period_has_no_rows_or_a_row_of_zeros(numbers: Numbers, conn: Any) -> None:
    await a_lead(conn)
    for read in (numbers.attempts, numbers.phases, numbers.breaches, numbers.skips, numbers.reps, numbers.snapshots):
        assert await read(EMPTY) == []
    assert [(row.bucket, row.leads, row.share) for row in await numbers.buckets(EMPTY)] == [
        (bucket, 0, None) for bucket in ("0-5", "5-15", "15-60", "60+", "none")
    ]
    quality, promises, persistence = (
        await numbers.quality(EMPTY), await numbers.promises(EMPTY), await numbers.touches_48h(EMPTY),
    )  # fmt: skip
    assert (quality.leads, quality.share, promises.promised, promises.share) == (0, None, 0, None)
    assert (persistence.leads, persistence.touches, persistence.given_up_touches) == (0, None, None)


# ── attempts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def called(lead: Lead, *results: str | None) -> None:
    for number, result in enumerate(results, 1):
        await lead.touch(f"call-{number}", after(minutes=10 * number), call_result=result)


async def test_success_by_attempt(numbers: Numbers, conn: Any) -> None:
    await called(await a_lead(conn), "no_answer", "busy", "connected")
    await called(await a_lead(conn), "connected")
    await called(await a_lead(conn), "voicemail_left")
    assert await numbers.attempts(period()) == [Attempt(1, 3, 1), Attempt(2, 1, 0), Attempt(3, 1, 1)]


async def test_mails_and_calls_that_failed_are_no_call_attempts(numbers: Numbers, conn: Any) -> None:
    lead = await a_lead(conn)
    await lead.touch("ack-1", after(seconds=1), "email", purpose="acknowledgement")
    await lead.touch("email-1", after(minutes=1), "email")
    await called(lead, "failed", "abandoned")
    await lead.touch("call-3", None, state="deferred")
    await lead.touch("call-4", after(hours=2), call_result="connected")
    assert await numbers.attempts(period()) == [Attempt(1, 1, 1)]


async def test_a_logged_result_belongs_to_the_call_before_it(numbers: Numbers, conn: Any) -> None:
    lead = await a_lead(conn)
    await called(lead, None)
    await lead.outcome(after(minutes=12), "qualified", "connected")
    assert await numbers.attempts(period()) == [Attempt(1, 1, 1)]
    # a second result without another call of ours: somebody rang from a phone of their own
    await lead.outcome(after(minutes=50), None, "connected")
    assert await numbers.attempts(period()) == [Attempt(1, 1, 1), Attempt(2, 1, 1)]


async def test_the_second_result_says_nothing_about_the_call(numbers: Numbers, conn: Any) -> None:
    lead = await a_lead(conn)
    await called(lead, None)
    await lead.outcome(after(minutes=12), None, "no_answer")
    await lead.outcome(after(minutes=50), None, "connected")
    await lead.outcome(after(minutes=55), None, "failed")
    assert await numbers.attempts(period()) == [Attempt(1, 1, 0), Attempt(2, 1, 1)]


async def test_a_talk_that_is_logged_makes_no_contact_of_the_result_logged_before_it(
    numbers: Numbers, conn: Any
) -> None:
    lead = await a_lead(conn)
    await lead.outcome(after(minutes=12), None, "no_answer")
    await lead.outcome(after(minutes=50), None, "connected")
    assert await numbers.attempts(period()) == [Attempt(1, 1, 0), Attempt(2, 1, 1)]


async def test_a_result_that_names_its_call_belongs_to_that_one(numbers: Numbers, conn: Any) -> None:
    lead = await a_lead(conn)
    await called(lead, None, None)
    await lead.outcome(after(minutes=25), None, "connected", touch_id=f"{lead.id}.call-1")
    assert await numbers.attempts(period()) == [Attempt(1, 1, 1), Attempt(2, 1, 0)]


async def test_a_call_to_us_is_no_attempt(numbers: Numbers, conn: Any) -> None:
    lead = await a_lead(conn)
    call = await lead.outcome(after(minutes=2), None, "connected")
    await put(conn, "inbound_call", id=call, call_sid="CA1", lead_id=lead.id, reps=[SAM], state="connected",
              at=after(minutes=2), at_wall=after(minutes=2))  # fmt: skip
    assert await numbers.attempts(period()) == []


# ── response, phases, breaches ───────────────────────────────────────────────────────────────────────────────────────


async def test_conversion_by_response(numbers: Numbers, conn: Any) -> None:
    for minutes, won in ((5, True), (5.1, False), (15, False), (59, False), (61, True)):
        lead = await a_lead(conn, first_attempt_at=after(minutes=minutes), first_contact_at=after(hours=2))
        if won:
            await lead.outcome(after(days=3), "converted")
    await a_lead(conn, open_at=CAME, first_attempt_due=after(hours=1))
    await a_lead(conn, open_at=CAME, first_attempt_due=after(hours=1), closed_at=after(minutes=3))
    rows = await numbers.buckets(period())
    assert [(row.bucket, row.leads, row.contacted, row.qualified, row.converted) for row in rows] == [
        ("0-5", 1, 1, 1, 1), ("5-15", 2, 2, 0, 0), ("15-60", 1, 1, 0, 0), ("60+", 1, 1, 1, 1), ("none", 1, 0, 0, 0),
    ]  # fmt: skip
    early = await numbers.buckets(period(at=after(minutes=30)))
    assert early[-1].leads == 0, "still in time"


async def test_the_phases_to_the_first_attempt_add_up_to_it(numbers: Numbers, conn: Any) -> None:
    lead = await a_lead(
        conn, acknowledged_at=after(seconds=2), open_at=after(minutes=10), assigned_at=after(minutes=12),
        accepted_at=after(minutes=15), first_attempt_at=after(minutes=20), first_contact_at=after(minutes=50),
    )  # fmt: skip
    await lead.outcome(after(minutes=110), "qualified")
    rows = {row.phase: row for row in await numbers.phases(period())}
    assert {name: row.median for name, row in rows.items()} == {
        "acknowledgement": 2, "closed_hours": 600, "assignment": 120, "acceptance": 180, "first_attempt": 300,
        "contact": 1800, "decision": 3600, "sale": None,
    }  # fmt: skip
    assert [row.stage for row in rows.values()] == ["inbound", *["routing"] * 3, *["qualification"] * 3, "conversion"]
    assert (rows["sale"].ended, rows["sale"].lasting) == (0, 1)


async def test_a_mail_of_the_plan_ends_what_nobody_had_done_yet(numbers: Numbers, conn: Any) -> None:
    """The first attempt came before anybody had taken the lead: nothing after it is time to the first attempt."""
    await a_lead(conn, open_at=CAME, assigned_at=after(minutes=2), accepted_at=after(hours=3),
                 first_attempt_at=after(minutes=9))  # fmt: skip
    rows = {row.phase: row.median for row in await numbers.phases(period())}
    assert (rows["closed_hours"], rows["assignment"], rows["acceptance"], rows["first_attempt"]) == (0, 120, 420, 0)


async def test_a_phase_lasts_until_its_end_or_the_end_of_the_lead(numbers: Numbers, conn: Any) -> None:
    await a_lead(conn, open_at=CAME)
    await a_lead(conn, open_at=CAME, closed_at=after(minutes=5))
    [phase] = [row for row in await numbers.phases(period(at=after(minutes=30))) if row.phase == "assignment"]
    assert (phase.ended, phase.lasting, phase.lasting_s, phase.closed, phase.median) == (0, 1, 1800, 1, None)


async def test_breaches_by_target_and_slow_phase(numbers: Numbers, conn: Any) -> None:
    lead, other = await a_lead(conn), await a_lead(conn)
    await lead.breach("first_attempt", "own_work", after(minutes=3), after(minutes=5))
    await other.breach("first_attempt", "own_work", after(minutes=3))
    await other.breach("qualification", "own_work", after(hours=3))
    check = await a_lead(conn, source="flow_check")
    await check.breach("assignment", "assignment", after(minutes=1))
    assert await numbers.breaches(period()) == [
        Breach("first_attempt", "own_work", 2, 1, 120), Breach("qualification", "own_work", 1, 1, None),
    ]  # fmt: skip


async def test_skips_and_deferrals_by_reason(numbers: Numbers, conn: Any) -> None:
    lead = await a_lead(conn)
    await lead.touch("sms-1", None, "sms", "skipped", reason="no_consent", settled_at=after(hours=1))
    for minutes in (5, 6, 7):
        await lead.story(after(minutes=minutes), "deferred", "quiet_hours", step="call-1", channel="call")
    await lead.story(after(minutes=8), "deferred", "rep_unavailable", step="call-1", channel="call")
    other = await a_lead(conn)
    await other.touch("sms-1", None, "sms", "skipped", reason="no_consent", settled_at=after(hours=1))
    assert await numbers.skips(period()) == [
        Skip("skipped", "no_consent", "sms", 2, 2), Skip("deferred", "quiet_hours", "call", 1, 1),
        Skip("deferred", "rep_unavailable", "call", 1, 1),
    ]  # fmt: skip


# ── persistence, promises, quality ───────────────────────────────────────────────────────────────────────────────────


async def test_touches_and_calls_of_the_first_48_hours(numbers: Numbers, conn: Any) -> None:
    lead = await a_lead(conn)
    await called(lead, "no_answer", "no_answer", "no_answer", "no_answer")
    await lead.touch("email-1", after(hours=5), "email")
    await lead.touch("email-2", after(hours=48), "email")
    await lead.touch("email-3", after(hours=48, seconds=1), "email")
    await lead.touch("meeting-1-invitation-0", after(hours=6), "email", purpose="meeting")
    await lead.touch("assistant-1", after(hours=7), "email", purpose="assistant")
    await called(await a_lead(conn, first_contact_at=after(minutes=10)), "connected")
    young = await a_lead(conn, created=after(hours=7))
    await called(young, "no_answer")
    row = await numbers.touches_48h(period(at=after(hours=50)))
    assert (row.leads, row.touches, row.calls) == (2, 3.5, 2.5)
    assert (row.unreached, row.unreached_touches, row.unreached_calls, row.enough, row.share) == (1, 6, 4, 1, 1)


async def test_attempts_before_giving_up(numbers: Numbers, conn: Any) -> None:
    for results in (("no_answer",), ("no_answer", "busy", "no_answer")):
        await called(await a_lead(conn, closed_at=after(days=3), close_reason="plan_completed"), *results)
    for reason in ("erased", "opted_out"):
        await a_lead(conn, closed_at=after(days=1), close_reason=reason)
    await a_lead(conn, closed_at=after(days=1), close_reason="plan_completed", first_contact_at=after(hours=2))
    wrote = await a_lead(conn, closed_at=after(days=1), close_reason="no_outcome")
    await put(conn, "reply", id=str(uuid.uuid4()), lead_id=wrote.id, channel="email", body="Hm.",
              received_at=after(hours=1))  # fmt: skip
    decided = await a_lead(conn, closed_at=after(days=1), close_reason="not_interested")
    await decided.outcome(after(days=1), "not_interested")
    row = await numbers.touches_48h(period())
    assert (row.given_up, row.given_up_touches, row.given_up_calls) == (2, 2, 2)


async def test_promises(numbers: Numbers, conn: Any) -> None:
    for minutes in (9, 10, 12):
        lead = await a_lead(conn, promised_at=after(minutes=10))
        await lead.touch("call-1", after(minutes=minutes), call_result="no_answer")
    await a_lead(conn, promised_at=after(minutes=10))
    await a_lead(conn, promised_at=LATER + timedelta(hours=1))
    await a_lead(conn, promised_at=after(minutes=10), closed_at=after(minutes=5))
    await a_lead(conn)
    row = await numbers.promises(period())
    assert (row.promised, row.due, row.kept, row.broken, row.waiting, row.median_late) == (6, 4, 2, 2, 1, 120)


async def test_a_promise_is_kept_by_what_comes_after_its_own_inquiry(numbers: Numbers, conn: Any) -> None:
    """We had called before; the second form was promised a call of its own. A caller of ours is there as well."""
    lead = await a_lead(conn, promised_at=after(hours=2, minutes=10), first_contact_at=after(minutes=5))
    await lead.touch("call-1", after(minutes=5), call_result="connected")
    await lead.asks_again(after(hours=2))
    assert (await numbers.promises(period())).kept == 0
    rang_us = await a_lead(conn, promised_at=after(minutes=10), first_contact_at=after(minutes=4))
    await rang_us.outcome(after(minutes=4), None, "connected")
    assert (await numbers.promises(period())).kept == 1


async def test_data_quality(numbers: Numbers, conn: Any) -> None:
    fine = await a_lead(conn, created=CAME - timedelta(days=50), closed_at=CAME - timedelta(days=49))
    again = await a_lead(conn, of=fine)
    await again.asks_again(after(hours=1))
    await again.asks_again(after(hours=2), number=3)
    broken = await a_lead(conn)
    await conn.execute("update person_email set bad_reason = 'bounced' where person_id = $1", broken.person_id)
    await conn.execute("update person set possible_duplicate_of = $1 where id = $2", fine.person_id, broken.person_id)
    phone = await a_lead(conn)
    await conn.execute("delete from person_email where person_id = $1", phone.person_id)
    await put(conn, "person_phone", number="+12125550142", person_id=phone.person_id, created_at=CAME)
    gone = await a_lead(conn)
    await conn.execute("delete from person_email where person_id = $1", gone.person_id)
    await conn.execute("update person set erased_wall = $1 where id = $2", LATER, gone.person_id)
    row = await numbers.quality(period())
    assert (row.leads, row.known, row.valid, row.share) == (4, 3, 2, 2 / 3)
    assert (row.email_given, row.email_works, row.phone_given, row.phone_works) == (2, 1, 1, 1)
    assert (row.joined, row.known_people, row.possible_duplicates) == (2, 1, 1)


# ── people of ours, what is coming, where leads stood ────────────────────────────────────────────────────────────────


async def test_reps_side_by_side(numbers: Numbers, conn: Any) -> None:
    """Dana has left, and Sam has her lead: what she did stays hers, by name."""
    hers = await a_lead(conn, owner_id=SAM, open_at=CAME, first_attempt_at=after(minutes=2),
                        first_attempt_due=after(minutes=3), first_contact_at=after(minutes=2))  # fmt: skip
    await hers.given_to(DANA, after(seconds=1))
    await hers.given_to(SAM, after(days=1), "reassigned")
    await called(hers, "connected", "no_answer")
    await hers.outcome(after(days=2), "converted")
    for minutes in (4, 8):
        his = await a_lead(conn, owner_id=SAM, open_at=after(minutes=1), first_attempt_at=after(minutes=minutes),
                           first_attempt_due=after(minutes=5), lead_type="warm", closed_at=after(days=1))  # fmt: skip
        await his.given_to(SAM, after(seconds=1))
    await a_lead(conn, open_at=CAME, first_attempt_due=after(minutes=3))
    await conn.execute("update rep set active = false where id = $1", DANA)
    sam, nobody, dana = sorted(await numbers.reps(period()), key=lambda row: (-row.leads, row.name or ""))
    assert (dana.rep_id, dana.name, dana.active, dana.leads, dana.hot) == (DANA, "Dana Kim", False, 1, 1)
    assert (dana.median, dana.reaction, dana.share, dana.touches, dana.contacted) == (120, 119, 1, 2, 1)
    assert (dana.qualified, dana.converted, dana.open_now) == (1, 1, 0)
    assert (sam.rep_id, sam.active, sam.leads, sam.hot, sam.outside, sam.attempted) == (SAM, True, 2, 0, 2, 2)
    assert (sam.median, sam.share, sam.touches, sam.converted, sam.open_now) == (300, 0.5, 0, 0, 1)
    assert (nobody.rep_id, nobody.name, nobody.leads, nobody.judged, nobody.in_time) == (None, None, 1, 1, 0)


async def test_a_rep_whose_row_is_gone_is_an_id_without_a_name(numbers: Numbers, conn: Any) -> None:
    gone = str(uuid.uuid4())
    lead = await a_lead(conn, open_at=CAME, first_attempt_at=after(minutes=2), owner_id=SAM)
    await lead.given_to(gone, after(seconds=1))
    [row] = await numbers.reps(period())
    assert (row.rep_id, row.name, row.active, row.capacity, row.median) == (gone, None, False, None, 120)
    [spread] = await numbers.spread("decision", period(), "team")
    assert spread.keys == ("",)


async def test_what_is_due_in_the_next_hours(numbers: Numbers, conn: Any) -> None:
    lead = await a_lead(conn, next_touch_at=LATER + timedelta(minutes=90), first_attempt_due=LATER + timedelta(hours=2))
    await put(conn, "reply", id=str(uuid.uuid4()), lead_id=lead.id, channel="email", body="Hm.",
              received_at=LATER - timedelta(hours=1), due_at=LATER - timedelta(minutes=1))  # fmt: skip
    # of the demo, whose clock is two hours ahead
    await a_lead(conn, next_touch_at=LATER + timedelta(hours=2), clock_offset_us=2 * 3600 * 10**6)
    await a_lead(conn, next_touch_at=LATER, closed_at=LATER)
    hours = [LATER + timedelta(hours=n) for n in range(-1, 3)]
    assert await numbers.due_next(3) == [
        Due(-1, hours[0], "reply", 1), Due(0, hours[1], "touch", 1), Due(1, hours[2], "touch", 1),
        Due(2, hours[3], "first_attempt", 1),
    ]  # fmt: skip
    assert len(await numbers.due_next(2)) == 3


@pytest.mark.parametrize("hours", [0, 337])
async def test_hours_are_one_to_two_weeks(numbers: Numbers, hours: int) -> None:
    with pytest.raises(FilterError, match=r"hours: expected 1 to 336, got"):
        await numbers.due_next(hours)


async def test_snapshots(numbers: Numbers, conn: Any) -> None:
    lead = await a_lead(conn, assigned_at=after(minutes=5), first_contact_at=after(minutes=22))
    await called(lead, "no_answer", "connected")
    await lead.outcome(after(minutes=31), "qualified")
    rows = {(row.moment, row.number): row for row in await numbers.snapshots(period())}
    assert list(rows) == [("entry", 0), ("after_contact", 0), ("touch", 1), ("touch", 2)]
    assert rows["entry", 0].touches == 0
    assert rows["entry", 0].assigned == 0
    talk = rows["after_contact", 0]
    assert (talk.median_since, talk.touches, talk.calls, talk.contacted) == (32 * 60, 2, 2, 1)
    assert (talk.logged, talk.decided, talk.handed_over) == (1, 1, 1)
    assert (rows["touch", 1].assigned, rows["touch", 1].contacted, rows["touch", 2].touches) == (1, 0, 2)
    early = await numbers.snapshots(period(at=after(minutes=31)))
    assert [row.moment for row in early] == ["entry", "touch", "touch"], "its ten minutes are not over"


async def test_how_far_leads_came_and_their_share(numbers: Numbers, conn: Any) -> None:
    won = await a_lead(conn, acknowledged_at=CAME, assigned_at=CAME, first_attempt_at=CAME, first_contact_at=CAME)
    await won.outcome(after(hours=1), "meeting_booked")
    await won.outcome(after(days=1), "qualified")
    await won.outcome(after(days=9), "converted")
    for _ in range(3):
        await a_lead(conn, source="referral")
    referral, organic = await numbers.outcomes(period(), "source")
    assert (referral.keys, referral.leads, referral.share_of_leads, referral.share) == (("referral",), 3, 0.75, 0)
    assert (organic.leads, organic.of_all, organic.share) == (1, 4, 1)
    assert (organic.acknowledged, organic.assigned, organic.attempted, organic.contacted) == (1, 1, 1, 1)
    assert (organic.booked, organic.qualified, organic.converted, organic.repeated) == (1, 1, 1, 0)


async def test_what_leads_say_is_the_newest_word_of_each(numbers: Numbers, conn: Any) -> None:
    first, second, _silent = await a_lead(conn), await a_lead(conn), await a_lead(conn)
    for lead, step, fast, helpful, remark, hours in (
        (first, "day-2-email", False, False, "late", 1), (first, "day-7-email", True, None, None, 2),
        (second, "day-7-email", False, True, "thanks", 3),
    ):  # fmt: skip
        await put(conn, "feedback", lead_id=lead.id, step=step, fast=fast, helpful=helpful, remark=remark,
                  given_at=after(hours=hours), changed_at=after(hours=hours))  # fmt: skip
    voices = Voices(numbers._pool, clock=FixedClock(LATER))
    assert await voices.said(period()) == Said(2, 2, 1, 2, 1, 2, 3)  # what was said of the contact stands
    assert await voices.said(EMPTY) == Said(0, 0, 0, 0, 0, 0, 0)
