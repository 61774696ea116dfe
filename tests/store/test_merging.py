"""Two entries become one person and two again: nothing is lost, nothing goes out twice, and an opt-out holds."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest

from speedlead.contact_marks import marks_of
from speedlead.domain.hygiene import Repair
from speedlead.domain.outcomes import Outcome
from speedlead.erasure_list import ErasureList, apply
from speedlead.ids import new_id
from speedlead.intake import Rules, read_inquiry
from speedlead.planbook import load_plan
from speedlead.store import erasure
from speedlead.store.duplicates import dismiss, look_for_duplicates, open_pairs, open_proposals
from speedlead.store.erasures import Erasure
from speedlead.store.hygiene_repairs import repair
from speedlead.store.intake import Submission, take_inquiry
from speedlead.store.leads import LeadStore
from speedlead.store.merging import MOVE, Asked, Merged, MergeRefused, merge
from speedlead.store.optouts import opt_out, unsubscribe
from speedlead.store.outcomes import Logged, log_outcome
from speedlead.store.reach import lock_numbers_of, locked_lead
from speedlead.store.starts import build_start
from speedlead.store.transactions import transact
from speedlead.store.unmerging import Unmerged, undo
from tests.gateway.house import StepClock
from tests.store.hand_made import put_touch
from tests.store.test_erasure import SECRET, pool
from tests.store.test_erasures import NobodyRuns

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


async def test_a_lead_whose_newest_inquiry_is_being_answered_does_not_end(pool: Any) -> None:
    clock = StepClock()
    (_, ann), (newer, other) = await two(pool, clock)
    assert (await post(pool, clock, email="annlee+work@gmail.com", message="again"))[0] == newer
    with pytest.raises(MergeRefused, match="is being answered"):
        await join(pool, clock, ann, other)
    clock.now += timedelta(minutes=2)
    assert (await join(pool, clock, ann, other)).closed == newer


async def test_an_opt_out_of_either_holds_for_both_and_one_said_since_too(pool: Any) -> None:
    clock = StepClock()
    (lead, ann), (newer, other) = await two(pool, clock)
    await pool.execute("insert into suppression values ($1, 'email', 'opted_out', 'rep', $2)", other, clock.now)
    await pool.execute("insert into suppression values ($1, 'all', 'opted_out_all', 'rep', $2)", ann,
                       clock.now - timedelta(hours=2))  # fmt: skip
    done = await join(pool, clock, ann, other)
    # the lead's workflow hears of it, and says so to the rows
    told = await pool.fetchval("select id::text from message where lead_id = $1 and kind = 'opt_out'", lead)
    rows = LeadStore(pool)
    await rows.opt_out(lead, scope="email", source="signal", at=clock.now, message_id=told)
    assert await pool.fetchval("select count(*) from suppression where merged is null") == 0
    barred = "select channel from barred where person_id = $1 order by channel"
    assert [row["channel"] for row in await pool.fetch(barred, ann)] == ["all", "email"]
    # they say it again by a link from before, and something else by whatever has no row of ours
    assert await transact(pool, lambda conn: unsubscribe(conn, clock, newer)) == [lead]
    await rows.opt_out(lead, scope="call", source="signal", at=clock.now, message_id="typed by hand")
    await part(pool, clock, done.merge_id)
    for person, channels in ((ann, ["all", "call", "email"]), (other, ["call", "email"])):
        assert [row["channel"] for row in await pool.fetch(barred, person)] == channels
    # each has said one thing, and only the second says it again
    done = await join(pool, clock, ann, other)
    await transact(pool, lambda conn: opt_out(conn, clock, ann, "all", source="rep"))
    await part(pool, clock, done.merge_id)
    assert [row["channel"] for row in await pool.fetch(barred, other)] == ["all", "call", "email"]


async def test_what_nobody_says_again_goes_back_to_whom_it_was_of(pool: Any) -> None:
    clock = StepClock()
    (lead, ann), (_, other) = await two(pool, clock)
    await pool.execute("insert into suppression values ($1, 'email', 'opted_out', 'rep', $2)", other, clock.now)
    await pool.execute("insert into suppression values ($1, 'sms', 'opted_out', 'rep', $2)", ann, clock.now)
    before = await rows_of(pool)
    done = await join(pool, clock, ann, other)
    told = await pool.fetchval("select id::text from message where lead_id = $1 and kind = 'opt_out'", lead)
    await part(pool, clock, done.merge_id)
    # a workflow that is late says nothing that nobody has said
    await LeadStore(pool).opt_out(lead, scope="email", source="signal", at=clock.now, message_id=told)
    assert await rows_of(pool) == before


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
            # somebody new with the number of the one that goes
            asyncio.create_task(post(pool, clock, name="Bo Ray", email="bo@acme.example", phone="+13105550149")),
            asyncio.create_task(join(pool, clock, other, third)),
        ]
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in waiting)
    with pytest.raises(MergeRefused, match="not there any more"):
        await waiting.pop()
    assert (await waiting[0])[1] == ann
    await waiting[1]
    assert (await waiting[2])[1] not in (ann, other, third)
    rows = await pool.fetch("select person_id, channel from suppression")
    assert [tuple(row) for row in rows] == [(ann, "email")]


async def test_who_writes_while_a_merge_is_undone_writes_for_whose_lead_it_is_then(pool: Any) -> None:
    clock = StepClock()
    (_, ann), (newer, other) = await two(pool, clock)
    done = await join(pool, clock, ann, other)
    await pool.execute("update message set delivered_wall = $1", clock.now)
    clock.now += timedelta(minutes=5)
    async with pool.acquire() as conn, conn.transaction():
        await undo(conn, clock, done.merge_id)
        waiting = asyncio.create_task(transact(pool, lambda c: unsubscribe(c, clock, newer)))
        await asyncio.sleep(0.3)
        assert not waiting.done()
    await waiting
    assert await pool.fetchval("select array_agg(person_id) from suppression") == [other]


async def test_a_claim_for_whoever_is_marked_as_a_duplicate_waits_for_no_merge_that_waits_for_it(pool: Any) -> None:
    clock = StepClock()
    (_, ann), (_, other) = await two(pool, clock)
    lead, marked = await post(pool, clock, name="Bo Ray", email="bo@acme.example", phone="+13105550149")
    assert await pool.fetchval("select possible_duplicate_of from person where id = $1", marked) == other
    async with pool.acquire() as conn, conn.transaction():
        await locked_lead(conn, lead)
        merging = asyncio.create_task(join(pool, clock, ann, other))
        await asyncio.sleep(0.3)
        assert not merging.done()
        await conn.execute("set local lock_timeout = '500ms'")
        await lock_numbers_of(conn, marked)
    await merging


async def test_what_was_written_otherwise_since_goes_back_with_the_entry(pool: Any) -> None:
    clock = StepClock()
    (_, ann), (_, other) = await two(pool, clock)
    third = (await post(pool, clock, email="a.lee@acme.example", phone=None))[1]
    clock.now += timedelta(hours=1)
    await pool.execute(
        """insert into duplicate (one_id, other_id, score, reasons, state, found_wall, seen_wall, decided_wall)
           values (least($1::uuid, $2), greatest($1, $2), 60, '{}', 'dismissed', $3, $3, $3)""",
        other, third, clock.now,
    )  # fmt: skip
    done = await join(pool, clock, ann, other)
    asked = [Repair(ann, "email", "annlee+work@gmail.com", "annlee+work@googlemail.com")]
    async with pool.acquire() as conn, conn.transaction():
        assert await repair(conn, asked, clock.wall(), SECRET) == 1
    await part(pool, clock, done.merge_id)
    assert await pool.fetchval("select address from person_email where person_id = $1", other) == asked[0].after
    assert await pool.fetchval("select person_id from hygiene_repair") == other
    pairs = {frozenset(row) for row in await pool.fetch("select one_id, other_id from duplicate")}
    assert pairs == {frozenset((ann, other)), frozenset((other, third))}


async def test_who_was_erased_after_an_undo_is_not_brought_back_by_a_backup_from_before_it(pool: Any) -> None:
    clock = StepClock()
    (_, ann), (newer, other) = await two(pool, clock)
    await join(pool, clock, ann, other)
    await pool.execute("update message set delivered_wall = $1", clock.now)
    clock.now += timedelta(minutes=5)
    found = ErasureList("house", [Erasure(new_id(), clock.now, (other,), (newer,), ())], [])
    await apply(pool, NobodyRuns(), clock, SECRET, found, request_id=new_id())
    names = {row["id"]: row["name"] for row in await pool.fetch("select id, name from person")}
    assert names == {ann: "Ann Lee", other: None}
    assert await pool.fetchval("select array_agg(address) from person_email") == ["ann.lee@gmail.com"]


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
