"""Contacts drawn once a week, reviewed on the page, and their quality beside speed; reps meet the own ones alone."""

import io
import re
import uuid
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from speedlead.chores.quality import quality_chore
from speedlead.domain.quality import Score
from speedlead.numbers.filters import Filter
from speedlead.numbers.quality import QualityNumbers
from speedlead.quality.rulebook import load_quality
from speedlead.store import quality, quality_scores
from speedlead.store.quality_contact import seen
from tests.gateway.house import House
from tests.gateway.test_access import ask
from tests.store.hand_made import DANA, LEE, SAM, HandClock, put, put_lead, put_reps, put_touch

DAY = timedelta(days=1)
ALL = load_quality().model_copy(update={"share": 1.0})
MARKS = {"mark_correct": "2", "mark_answered": "1", "mark_next_step": "2", "mark_tone": "2"}
CALLED, LOGGED, ANSWERED, RANG, OTHER, CHECK = (f"{n}a000000-0000-4000-8000-000000000000" for n in range(1, 7))


def day(number: int, hour: int = 15, minute: int = 0) -> datetime:
    return datetime(2026, 11, number, hour, minute, tzinfo=UTC)


async def outcome(conn: Any, lead: str, rep: str | None, at: datetime, **columns: Any) -> str:
    made = str(uuid.uuid4())
    await put(conn, "outcome", **({"id": made, "lead_id": lead, "rep_id": rep, "at": at,
                                   "call_result": "connected"} | columns))  # fmt: skip
    return made


@pytest.fixture
async def week(house: House) -> House:
    """The week until Sunday 22 November; it is Monday."""
    async with house.pool.acquire() as conn:
        await put_reps(conn)
        called = await put_lead(conn, CALLED, name="Ava Müller", created=day(18), owner_id=DANA)
        script = {"zone": "UTC", "template": "script/inbound.en v1"}
        await put_touch(conn, CALLED, called, "call-1", "call", "sent", sent_at=day(18), call_result="connected",
                        versions=script)  # fmt: skip
        await put(conn, "leg", id=f"{CALLED}.call-1.rep", touch_id=f"{CALLED}.call-1", role="rep", rep_id=SAM,
                  state="ended", claimed_at=day(18), claimed_wall=day(18), answered_at=day(18))  # fmt: skip
        # the same talk, logged without its touch, by somebody else's hand
        await outcome(conn, CALLED, DANA, day(18, 15, 9), outcome="qualified", note="Wants forty seats.")
        await put(conn, "script_answer", lead_id=CALLED, script_id="inbound", script_version=1, question_id="moment",
                  answer_id="yes", rep_id=SAM, at=day(18, 15, 1))  # fmt: skip
        await put_lead(conn, LOGGED, name="Ben", created=day(17), owner_id=SAM)
        await outcome(conn, LOGGED, DANA, day(17))
        answered = await put_lead(conn, ANSWERED, name="Chloe", created=day(19), owner_id=SAM)
        await put(conn, "reply", id=str(uuid.uuid4()), lead_id=ANSWERED, person_id=answered, channel="email",
                  subject="Price?", body="What does it cost?", provider_id="m-9", received_at=day(19))  # fmt: skip
        for number, state in ((1, "sent"), (2, "failed")):
            await put(conn, "answer", id=str(uuid.uuid4()), lead_id=ANSWERED, number=number, rep_id=SAM,
                      channel="email", subject="Re: Price?", body=f"Nine a seat, {number}.",
                      written_at=day(19))  # fmt: skip
            await put_touch(conn, ANSWERED, answered, f"answer-{number}", "email", state, purpose="manual",
                            sent_at=day(19, 16))  # fmt: skip
        await put_lead(conn, RANG, name="Dee", created=day(20), owner_id=SAM)
        rang = await outcome(conn, RANG, None, day(20))
        await put(conn, "inbound_call", id=rang, call_sid="CA1", number="+12125550101", lead_id=RANG, rep_id=SAM,
                  state="connected", reps=[SAM], at=day(20), at_wall=day(20))  # fmt: skip
        # none of these is a contact of last week: no answer, a test of ours, a customer, today, nobody knows whose
        await put_lead(conn, OTHER, name="Eve", created=day(16))
        await outcome(conn, OTHER, SAM, day(16), call_result="no_answer")
        await outcome(conn, OTHER, SAM, day(23))
        await outcome(conn, OTHER, None, day(21))
        customer = str(uuid.uuid4())
        await put_lead(conn, customer, name="Cora", created=day(16), program="customer", follows=OTHER)
        await outcome(conn, customer, SAM, day(16))
        await put_lead(conn, CHECK, name="Check", source="flow_check", created=day(16))
        await outcome(conn, CHECK, SAM, day(16))
    return house


async def drawn(house: House, rules: Any = ALL, zone: str = "UTC", later: timedelta = DAY) -> str | None:
    """On Tuesday: on Monday much of the week is still to be logged."""
    clock = HandClock(house.clock.now + later)
    return await quality_chore(house.pool, rules, clock, b"salt", zone).run()


async def picks(house: House) -> dict[str, str]:
    """Lead -> pick."""
    return {str(row["lead_id"]): str(row["id"]) for row in await house.pool.fetch("select * from quality_pick")}


async def test_each_talk_and_answer_of_a_week_is_a_contact_once_of_whoever_had_it(week: House) -> None:
    house = week
    assert "2026-11-16" not in str(await drawn(house, later=timedelta(0)))
    await house.pool.execute("truncate quality_week cascade")
    assert await drawn(house) == "2026-11-09: 0 of 0 contacts; 2026-11-16: 4 of 4 contacts"
    rows = await house.pool.fetch("select lead_id::text, rep_id::text, kind from quality_pick")
    assert {tuple(row) for row in rows} == {
        (CALLED, SAM, "call"), (LOGGED, DANA, "call"), (ANSWERED, SAM, "answer"), (RANG, SAM, "call")}  # fmt: skip
    await outcome(house.pool, LOGGED, DANA, day(22))
    assert await drawn(house) is None, "a week is drawn once"
    # a week is one of the house: where it was Sunday still
    await outcome(house.pool, RANG, SAM, day(23, 4))
    await house.pool.execute("truncate quality_week, quality_pick cascade")
    assert str(await drawn(house, zone="America/New_York")).endswith("2026-11-16: 6 of 6 contacts")
    await house.pool.execute("delete from outcome where at >= $1", day(22))
    # the same house draws the same ones again
    few = ALL.model_copy(update={"share": 0.3})
    before: set[str] = set()
    for _ in range(2):
        await house.pool.execute("truncate quality_week, quality_pick cascade")
        await drawn(house, few)
        found = {row["contact"] for row in await house.pool.fetch("select contact from quality_pick")}
        assert len(found) == 2
        assert before in (set(), found)
        before = found


async def test_a_manager_reviews_and_another_one_does_without_having_read_it(week: House) -> None:
    house = week
    await drawn(house)
    found = await picks(house)
    first, second = await house.sign_in("manager", LEE), await house.sign_in("ops")
    _, page = await ask(house, "GET", "/quality", first)
    assert page.count("Review the talk") + page.count("Review the written answer") == 4
    _, page = await ask(house, "GET", f"/quality/{found[CALLED]}", first)
    for said in ("Talk of Sam Reyes with Ava Müller", "script/inbound.en v1", "Wants forty seats.",
                 "Is this a good moment?"):  # fmt: skip
        assert said in page
    _, page = await ask(house, "GET", f"/quality/{found[ANSWERED]}", first)
    for said in ("What does it cost?", "Nine a seat, 1.", "none: written by hand"):
        assert said in page
    path = f"/quality/{found[CALLED]}"
    status, page = await ask(house, "POST", path, first, **(MARKS | {"mark_tone": "3", "remark": "<b>" * 700}))
    assert status == 422
    assert set(re.findall(r'<li><a href="#(\w+)">', page)) == {"mark_tone", "remark"}
    assert "&lt;b&gt;" in page
    assert (await ask(house, "POST", path, first, **MARKS, remark="Spoke over her."))[0] == 303
    _, page = await ask(house, "GET", path, second)
    assert ("Spoke over her." in page, "you read that after your own" in page) == (False, True)
    await ask(house, "POST", path, second, **(MARKS | {"mark_correct": "0"}))
    _, page = await ask(house, "GET", path, second)
    assert ("Spoke over her." in page, ": 88 %" in page, ": 62 %" in page) == (True, True, True)
    # said anew, it is the newest that counts, and what was said before stays
    await ask(house, "POST", path, second, **MARKS)
    async with house.pool.acquire() as conn:
        assert await conn.fetchval("select count(*) from quality_review") == 3
        assert [row.value for row in await quality.reviews(conn, found[CALLED])] == [0.875, 0.875]
        assert await quality_scores.agreement(conn, day(1), day(30)) == quality_scores.Agreement(1, 0.0)
        audited = await conn.fetch(
            "select asked ->> 'pick_id' as pick, status from audit where action like '/quality%'"
        )
        assert [tuple(row) for row in audited] == [(found[CALLED], 422), *[(found[CALLED], 303)] * 3]
    _, page = await ask(house, "GET", "/quality", first)
    assert ("1 contacts were reviewed by two or more" in page, "0 points apart" in page) == (True, True)


async def test_a_rep_meets_the_own_reviews_and_nobody_reviews_their_own(week: House) -> None:
    house = week
    await drawn(house)
    found = await picks(house)
    sam, dana = await house.sign_in("rep", SAM), await house.sign_in("rep", DANA)
    path = f"/quality/{found[CALLED]}"
    assert (await ask(house, "GET", path, sam))[0] == 404, "nobody has reviewed it"
    assert (await ask(house, "POST", path, sam, **MARKS))[0] == 403
    manager = await house.sign_in("manager", LEE)
    await ask(house, "POST", path, manager, **MARKS, remark="Ask for the date.")
    status, page = await ask(house, "GET", path, sam)
    # the lead is Dana's: what it said is not for Sam's eyes
    assert (status, "Ask for the date." in page, "Wants forty seats." in page) == (200, True, False)
    _, page = await ask(house, "GET", "/quality", sam)
    assert ("Ava Müller" in page, "88 %" in page, "Ben" in page) == (True, True, False)
    assert (await ask(house, "GET", path, dana))[0] == 404
    _, page = await ask(house, "GET", "/quality", await house.sign_in("rep"))
    assert "Nothing yet." in page
    assert (await ask(house, "GET", path, await house.sign_in("analyst")))[0] == 403
    lead = await house.sign_in("manager", SAM)
    status, page = await ask(house, "POST", path, lead, **MARKS)
    assert (status, "Nobody reviews a contact of their own" in page) == (422, True)


async def test_quality_stands_beside_speed_and_remarks_go_with_the_person(week: House) -> None:
    house = week
    await drawn(house)
    found, manager = await picks(house), await house.sign_in("manager", LEE)
    for lead in (CALLED, ANSWERED):
        await ask(house, "POST", f"/quality/{found[lead]}", manager, **MARKS, remark="She was ill.")
    wanted = Filter.of({"period": "30d"}, house.clock.now)
    numbers = QualityNumbers(house.pool)
    assert {rep: (score.reviewed, score.mean) for rep, score in (await numbers.quality_by_rep(wanted)).items()} == {
        SAM: (2, 0.875)}  # fmt: skip
    assert [(row.channel, row.made_from, row.touches) for row in await numbers.versions(wanted)] == [
        ("call", "script/inbound.en v1", 1), ("email", None, 1)]  # fmt: skip
    _, table = await ask(house, "GET", "/ops/csv/reps?period=30d", manager)
    assert "Quality (%),Reviewed,Quality between" in table
    assert re.search(r"Sam Reyes,.*,87\.50,2,\d+\W+% to ", table)
    async with house.pool.acquire() as conn:
        await conn.execute("update lead set variants = array['mail:short'] where id = $1", CALLED)
        assert await quality_scores.by_variant(conn, ["mail:short", "mail:control"]) == {
            "mail:short": (await quality_scores.between(conn, day(18), day(19))), "mail:control": Score(0)}  # fmt: skip
        assert (await quality_scores.between(conn, day(18), day(19), rep_id=DANA)) == Score(0)
    async with house.http.get(f"/leads/{CALLED}/export", headers=house.staff) as answer:
        with zipfile.ZipFile(io.BytesIO(await answer.read())) as export:
            assert any(b"She was ill." in export.read(name) for name in export.namelist())
    status, page = await ask(house, "POST", f"/leads/{CALLED}/erase", house.staff, sure="yes")
    remarks = {row["remark"] for row in await house.pool.fetch(
        "select remark from quality_review where pick_id = $1", uuid.UUID(found[CALLED]))}  # fmt: skip
    assert (status, remarks) == (200, {None}), page
    # what is left is told without the person
    async with house.pool.acquire() as conn:
        pick = await quality.pick_of(conn, found[CALLED], str(uuid.uuid4()))
        assert pick is not None
        assert (pick.lead, pick.value) == (CALLED[:8], 0.875)
        assert (await seen(conn, pick)).logged[-1].note is None
        await conn.execute("delete from quality_review where pick_id = $1::text::uuid", found[CALLED])
        listed = await quality.picks(conn, str(uuid.uuid4()), day(1))
        assert CALLED not in {one.lead_id for one in listed}, "nothing is left to review"
    # a review of somebody who was erased meanwhile keeps its marks alone
    await ask(house, "POST", f"/quality/{found[CALLED]}", manager, **MARKS, remark="Late word.")
    assert not await house.pool.fetchval("select exists (select from quality_review where remark = 'Late word.')")
