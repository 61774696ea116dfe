"""Two entries become one person and two again: nothing is lost, nothing goes out twice, and an opt-out holds."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest

from speedlead.contact_marks import marks_of
from speedlead.domain.outcomes import Outcome
from speedlead.intake import Rules, read_inquiry
from speedlead.planbook import load_plan
from speedlead.store import erasure
from speedlead.store.duplicates import dismiss, look_for_duplicates, open_pairs, open_proposals
from speedlead.store.intake import Submission, take_inquiry
from speedlead.store.merging import MOVE, Asked, Merged, MergeRefused, merge
from speedlead.store.optouts import opt_out, unsubscribe
from speedlead.store.outcomes import Logged, log_outcome
from speedlead.store.reach import locked_lead
from speedlead.store.starts import build_start
from speedlead.store.transactions import transact
from speedlead.store.unmerging import Unmerged, undo
from tests.gateway.house import StepClock
from tests.store.hand_made import put_touch
from tests.store.test_erasure import SECRET, pool

__all__ = ["pool"]
PLAN = load_plan()
RULES = Rules(tuple(name for names in PLAN.intents.values() for name in names))
ANN = {"name": "Ann Lee", "email": "ann.lee@gmail.com", "phone": "+13105550148", "intent": "pricing"}
# tables that hold what a merge moves; each row as text, in any order
MOVED = ("person", "person_email", "person_phone", "lead", "inquiry", "touch", "reply", "suppression", "outcome")


async def post(pool: Any, clock: StepClock, **changes: object) -> tuple[str, str]:
    """(lead, person) of a form."""
    fields = {name: value for name, value in (ANN | changes).items() if value is not None}
    inquiry = read_inquiry(fields, RULES)
    marks = marks_of(SECRET, inquiry.email, inquiry.phone)
    taken = await take_inquiry(pool, clock, PLAN, Submission(inquiry, "demo", marks=marks))
    return taken.lead_id, str(await pool.fetchval("select person_id from lead where id = $1", taken.lead_id))


async def two(pool: Any, clock: StepClock, **second: object) -> tuple[tuple[str, str], tuple[str, str]]:
    """Two entries, an hour apart; the second an hour old."""
    first = await post(pool, clock)
    clock.now += timedelta(hours=1)
    other = await post(pool, clock, **({"email": "annlee+work@gmail.com", "phone": "+13105550149"} | second))
    clock.now += timedelta(hours=1)
    assert first[1] != other[1]
    return first, other


async def join(pool: Any, clock: StepClock, one: str, other: str, **more: Any) -> Merged:
    return await transact(pool, lambda conn: merge(conn, clock, Asked(one, other, **more)))


async def part(pool: Any, clock: StepClock, merge_id: str) -> Unmerged:
    await pool.execute("update message set delivered_wall = $1 where delivered_wall is null", clock.now)
    clock.now += timedelta(minutes=5)
    return await transact(pool, lambda conn: undo(conn, clock, merge_id))


async def rows_of(pool: Any) -> dict[str, list[str]]:
    """A story and messages are added to, so they are left out."""
    return {name: sorted(str(tuple(row)) for row in await pool.fetch(f"select * from {name}"))
            for name in MOVED}  # fmt: skip


async def test_undone_is_as_if_it_had_never_been(pool: Any) -> None:
    clock = StepClock()
    (lead, ann), (other_lead, other) = await two(pool, clock, phone=ANN["phone"], company="Acme")
    await transact(pool, lambda conn: log_outcome(conn, clock, Logged(other_lead, outcome=Outcome.NOT_INTERESTED)))
    await pool.execute(
        "update lead set closed_at = $2, close_reason = 'not_interested' where id = $1", other_lead, clock.now
    )
    await pool.execute("update person_phone set bad_reason = 'disconnected' where person_id = $1", other)
    await pool.execute("insert into suppression values ($1, 'sms', 'opted_out', 'sms_reply', $2)", other, clock.now)
    before = await rows_of(pool)
    done = await join(pool, clock, other, ann)
    assert (done.kept_id, done.gone_id, done.closed) == (ann, other, None)
    assert {row["person_id"] for row in await pool.fetch("select person_id from lead")} == {ann}
    assert await pool.fetchval("select company from person") == "Acme"
    assert await pool.fetchval("select bad_reason from person_phone") == "disconnected"
    # the lead that goes on hears of the opt-out, and that nobody can be called any more
    assert done.told == (lead,)
    assert await pool.fetchval("select count(*) from message where lead_id = $1 and kind = 'opt_out'", lead) == 1
    reach = await pool.fetchval("select asked -> 'reach' ->> 'has_phone' from steering_item where lead_id = $1", lead)
    assert reach == "false"
    back = await part(pool, clock, done.merge_id)
    assert back.leads == (other_lead,)
    assert await rows_of(pool) == before
    assert await open_proposals(pool) == 0
    assert await pool.fetchval("select count(moved) from merge") == 0
    with pytest.raises(MergeRefused, match="undone before"):
        await part(pool, clock, done.merge_id)
    # whoever erases one of them now has nothing to do with the other
    async with pool.acquire() as conn, conn.transaction():
        await erasure.erase(conn, clock, [ann], SECRET)
    assert await pool.fetchval("select people from erased") == [ann]
    assert await pool.fetchval("select name from person where id = $1", other) == "Ann Lee"
    assert await pool.fetchval("select count(moved) from merge") == 0


async def test_every_table_that_names_a_person_is_thought_of(pool: Any) -> None:
    """What goes with the person's row by itself is found anew: proposals, findings."""
    tables = await pool.fetch(
        "select conrelid::regclass::text as name, confdeltype::text as fate from pg_constraint "
        "where confrelid = 'person'::regclass and contype = 'f'"
    )
    moved = set(re.findall("update (\\w+)", " ".join(MOVE)))
    others = {row["name"] for row in tables} - moved
    assert others <= {"suppression", "duplicate", "hygiene_finding"}, "say in store/merging.py what becomes of it"
    assert {row["name"] for row in tables if row["name"] in moved and row["fate"] == "c"} <= {"hygiene_repair"}


async def test_of_two_open_leads_the_newer_ends_and_is_begun_again(pool: Any) -> None:
    clock = StepClock()
    (lead, ann), (newer, other) = await two(pool, clock)
    before = await rows_of(pool)
    done = await join(pool, clock, ann, other)
    assert (done.closed, done.kept_id) == (newer, ann)
    assert newer in done.told
    row = await pool.fetchrow("select closed_at, close_reason, stage from lead where id = $1", newer)
    assert (row["closed_at"], row["close_reason"], row["stage"]) == (clock.now, "duplicate", "closed")
    # figures leave it out, as one that somebody logged as a duplicate
    counted = {str(row["lead_id"]) for row in await pool.fetch("select lead_id from metric_lead")}
    assert counted == {lead}
    assert await pool.fetchval("select count(*) from notice where kind = 'leads_joined' and lead_id = $1", lead) == 1
    with pytest.raises(MergeRefused, match="still ending"):
        await transact(pool, lambda conn: undo(conn, clock, done.merge_id))
    back = await part(pool, clock, done.merge_id)
    assert back.reopened == newer
    assert await rows_of(pool) == before
    start = await build_start(pool, newer, again=True)
    assert start is not None
    assert start.resume is not None
    assert start.resume.outcome is None


async def test_what_the_ended_lead_had_put_off_is_due_again(pool: Any) -> None:
    clock = StepClock()
    (_, ann), (newer, other) = await two(pool, clock)
    await put_touch(pool, newer, other, "call-1", "call", "deferred", reason="outside_business_hours",
                    reasons=["outside_business_hours"], next_at=clock.now + timedelta(hours=9))  # fmt: skip
    before = await rows_of(pool)
    done = await join(pool, clock, ann, other)
    assert await pool.fetchval("select state || ' ' || reason from touch") == "skipped lead_closed"
    await part(pool, clock, done.merge_id)
    assert await rows_of(pool) == before


async def test_a_claim_that_waits_for_a_merge_is_one_of_the_person_who_stays(pool: Any) -> None:
    clock = StepClock()
    (_, ann), (newer, other) = await two(pool, clock)
    async with pool.acquire() as conn, conn.transaction(), pool.acquire() as waiting:
        await merge(conn, clock, Asked(ann, other))
        async with waiting.transaction():
            claiming = asyncio.create_task(locked_lead(waiting, newer))
            await asyncio.sleep(0.3)
            assert not claiming.done()
            await conn.execute("commit and chain")
            lead = await claiming
    assert lead is not None
    assert (lead["person_id"], lead["close_reason"]) == (ann, "duplicate")


async def test_two_leads_that_are_both_in_talk_are_left_to_people(pool: Any) -> None:
    clock = StepClock()
    (lead, ann), (newer, other) = await two(pool, clock)
    await pool.execute("update lead set stage = 'booked' where id = $1", newer)
    done = await join(pool, clock, ann, other)
    assert done.closed == lead  # the one that is not with a person
    await part(pool, clock, done.merge_id)
    await pool.execute("update lead set stage = 'connected' where id = $1", lead)
    before = await rows_of(pool)
    with pytest.raises(MergeRefused, match="both have a lead"):
        await join(pool, clock, ann, other)
    assert await rows_of(pool) == before


async def test_an_opt_out_of_either_holds_for_both_and_one_said_since_too(pool: Any) -> None:
    clock = StepClock()
    (lead, ann), (_, other) = await two(pool, clock)
    await pool.execute("insert into suppression values ($1, 'email', 'opted_out', 'rep', $2)", other, clock.now)
    done = await join(pool, clock, ann, other)
    barred = "select channel from barred where person_id = $1 order by channel"
    assert [row["channel"] for row in await pool.fetch(barred, ann)] == ["email"]
    # they say it again, and something else
    assert await transact(pool, lambda conn: unsubscribe(conn, clock, lead)) == [lead]
    await transact(pool, lambda conn: opt_out(conn, clock, ann, "call", source="rep"))
    await part(pool, clock, done.merge_id)
    for person in (ann, other):
        assert [row["channel"] for row in await pool.fetch(barred, person)] == ["call", "email"]


async def test_chains_come_apart_in_the_order_in_which_they_were_made(pool: Any) -> None:
    clock = StepClock()
    (_, ann), (_, other) = await two(pool, clock)
    third = await post(pool, clock, email="a.lee@acme.example", phone=None)
    clock.now += timedelta(hours=1)
    before = await rows_of(pool)
    first = await join(pool, clock, ann, other)
    between = await rows_of(pool)
    second = await join(pool, clock, ann, third[1], keep=third[1])
    assert await pool.fetchval("select count(*) from person") == 1
    with pytest.raises(MergeRefused, match="undo that merge first"):
        await part(pool, clock, first.merge_id)
    with pytest.raises(MergeRefused, match="not there any more"):
        await join(pool, clock, ann, third[1])
    await part(pool, clock, second.merge_id)
    assert await rows_of(pool) == between
    third_of_three = await join(pool, clock, ann, third[1])
    with pytest.raises(MergeRefused, match="another entry became part"):
        await part(pool, clock, first.merge_id)
    await part(pool, clock, third_of_three.merge_id)
    await part(pool, clock, first.merge_id)
    assert await rows_of(pool) == before


async def test_who_was_erased_comes_back_by_no_undo_and_by_no_backup(pool: Any) -> None:
    clock = StepClock()
    (_, ann), (_, other) = await two(pool, clock)
    done = await join(pool, clock, ann, other)
    async with pool.acquire() as conn, conn.transaction():
        found = await erasure.read_all(conn, await erasure.all_of(conn, [ann]))
        assert "moved" in found["merge"][0]  # it is given out before
        await erasure.erase(conn, clock, [ann], SECRET)
    assert await pool.fetchval("select moved from merge") is None
    assert set(await pool.fetchval("select people from erased")) == {ann, other}
    with pytest.raises(MergeRefused, match="erased since"):
        await part(pool, clock, done.merge_id)


async def test_who_writes_during_a_merge_writes_for_the_one_that_stays(pool: Any) -> None:
    clock = StepClock()
    (_, ann), (newer, other) = await two(pool, clock)
    third = (await post(pool, clock, email="a.lee@acme.example", phone=None))[1]
    clock.now += timedelta(hours=1)
    async with pool.acquire() as conn, conn.transaction():
        await merge(conn, clock, Asked(ann, other))
        waiting: list[asyncio.Task[Any]] = [
            asyncio.create_task(post(pool, clock, email="annlee+work@gmail.com", message="again")),
            asyncio.create_task(transact(pool, lambda c: unsubscribe(c, clock, newer))),
            asyncio.create_task(join(pool, clock, other, third)),
        ]
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in waiting)
    with pytest.raises(MergeRefused, match="not there any more"):
        await waiting.pop()
    assert (await waiting[0])[1] == ann
    await waiting[1]
    rows = await pool.fetch("select person_id, channel from suppression")
    assert [tuple(row) for row in rows] == [(ann, "email")]


async def test_two_merges_that_cross_make_one_person(pool: Any) -> None:
    clock = StepClock()
    (_, ann), (_, other) = await two(pool, clock)
    both = await asyncio.gather(
        join(pool, clock, ann, other), join(pool, clock, other, ann, keep=other), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in both) == ["MergeRefused", "Merged"]
    assert await pool.fetchval("select count(*) from person") == 1


async def test_likely_pairs_are_found_and_what_was_said_of_them_holds(pool: Any) -> None:
    clock = StepClock()
    (_, ann), (_, other) = await two(pool, clock)
    # a couple with one telephone, a colleague of the same house, and somebody erased
    await post(pool, clock, name="Bo Lee", email="bo@gmail.com")
    _, joan = await post(pool, clock, name="Joan Ray", email="joan@acme.example", phone=None)
    _, john = await post(pool, clock, name="Joan  RAY", email="j.ray@acme.example", phone=None)
    async with pool.acquire() as conn:
        look = await look_for_duplicates(conn, clock.wall())
        pairs = {frozenset((pair.older["id"], pair.newer["id"])): pair for pair in await open_pairs(conn)}
        assert set(pairs) == {frozenset((ann, other)), frozenset((joan, john))}
        found = pairs[frozenset((ann, other))]
        assert (found.older["id"], found.certain) == (ann, True)
        assert found.reasons == ["same_mailbox", "same_name"]
        assert (look.people, look.proposed, look.new, look.over) == (5, 2, 2, 0)
        # somebody says no, somebody corrects a name, and the next night knows
        assert await dismiss(conn, other, ann, clock.wall())
        await conn.execute("update person set name = 'Kim Oz' where id = $1", john)
        clock.now += timedelta(days=1)
        look = await look_for_duplicates(conn, clock.wall())
        assert (look.proposed, look.new, look.over) == (0, 0, 1)
        assert await open_proposals(conn) == 0
