"""What is kept of each lead for reports is what the views say, whatever happened and in whichever order."""

import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from speedlead.commands import figures as command
from speedlead.demo.season.fill import fill
from speedlead.store import rollup
from speedlead.store.erasure import erase
from speedlead.store.figures import read_figures
from speedlead.store.migrate import DIRECTORY
from speedlead.store.pool import open_pool
from tests.numbers.cases import CAME, LATER, Lead, a_lead, after
from tests.servers import TestDatabases
from tests.store.hand_made import DANA, SAM, FixedClock, put

WRONG = """
select coalesce(f.lead_id, k.lead_id)::text from fact_of_lead f full join lead_fact k on k.lead_id = f.lead_id
where to_jsonb(f) is distinct from to_jsonb(k)"""
READ = """
select m.lead_id::text from fact_leads('-infinity', 'infinity', null, null, null, null, null, null, false, null, null) m
full join fact_of_lead f on f.lead_id = m.lead_id where to_jsonb(m) is distinct from to_jsonb(f)"""


async def write(conn: Any) -> None:
    async for _ in rollup.write_all(conn):
        pass


# ── histories ────────────────────────────────────────────────────────────────────────────────────────────────────────

Step = Callable[[Random, Lead, Lead], Awaitable[None]]


def moment(chance: Random) -> Any:
    """Within minutes, days, or months after the lead came."""
    return after(minutes=chance.choice((1, 4, 30, 3_000, 200_000)) * (1 + chance.random()))


def sql(statement: str, *more: Callable[[Random], Any]) -> Step:
    """`$1` is the lead, `$2` its person, `$3` another lead of the test."""

    async def step(chance: Random, lead: Lead, other: Lead) -> None:
        given = [lead.id, lead.person_id, other.id, *(make(chance) for make in more)]
        used = [n for n in range(1, len(given) + 1) if f"${n}" in statement]
        text = statement
        for place, n in enumerate(used, 1):
            text = text.replace(f"${n}", f"${place}")
        await lead.conn.execute(text, *(given[n - 1] for n in used))

    return step


async def touched(chance: Random, lead: Lead, _: Lead) -> None:
    state = chance.choice(("sent", "sent", "skipped", "deferred", "claimed"))
    await lead.touch(
        f"step-{uuid.UUID(int=chance.getrandbits(128))}", moment(chance) if state == "sent" else None,
        chance.choice(("call", "email", "sms")), state, reason="no_consent",
        purpose=chance.choice(("plan", "acknowledgement")), call_result=chance.choice((None, "connected", "busy")),
    )  # fmt: skip


async def logged(chance: Random, lead: Lead, _: Lead) -> None:
    what = chance.choice(("qualified", "unqualified", "converted", "converted", "meeting_booked", None))
    reason = chance.choice((None, "spam", "budget")) if what == "unqualified" else None
    outcome = await lead.outcome(moment(chance), what, chance.choice((None, "connected", "no_answer")), reason=reason)
    if chance.random() < 0.3:  # of a call to us
        await put(lead.conn, "inbound_call", id=outcome, call_sid=outcome, reps=[], state="connected", at=CAME,
                  at_wall=CAME)  # fmt: skip


async def given(chance: Random, lead: Lead, _: Lead) -> None:
    await lead.given_to(chance.choice((SAM, DANA)), moment(chance), chance.choice(("assigned", "reassigned")))


async def put_off(chance: Random, lead: Lead, _: Lead) -> None:
    await lead.story(moment(chance), "deferred", "quiet_hours", step=f"s-{chance.randrange(2)}", channel="sms")


async def wrote(chance: Random, lead: Lead, _: Lead) -> None:
    await put(lead.conn, "reply", id=uuid.UUID(int=chance.getrandbits(128)), lead_id=lead.id, channel="email",
              body="Yes", received_at=moment(chance), automatic=chance.random() < 0.3)  # fmt: skip


async def asked_again(chance: Random, lead: Lead, _: Lead) -> None:
    await lead.asks_again(moment(chance), number=chance.randrange(10**6))


async def merged(_: Random, lead: Lead, other: Lead) -> None:
    """All of it is somebody else's now, who has no open lead."""
    await lead.conn.execute("update lead set closed_at = coalesce(closed_at, $2) where id = $1", lead.id, LATER)
    for table in ("inquiry", "touch", "lead"):
        key = "id" if table == "lead" else "lead_id"
        await lead.conn.execute(f"update {table} set person_id = $2 where {key} = $1", lead.id, other.person_id)
    lead.person_id = other.person_id


async def erased(_: Random, lead: Lead, __: Lead) -> None:
    async with lead.conn.transaction():
        await erase(lead.conn, FixedClock(LATER), [lead.person_id], b"secret")


def _email(chance: Random) -> str:
    return f"{chance.getrandbits(60):x}@example.com"


STEPS: dict[str, Step] = {
    "touched": touched, "logged": logged, "given": given, "put off": put_off, "wrote": wrote,
    "asked again": asked_again, "merged": merged, "erased": erased,
    "assigned": sql("update lead set owner_id = $4, assigned_at = $5 where id = $1",
                    lambda chance: chance.choice((SAM, DANA)), moment),
    "opened": sql("update lead set open_at = $4, first_attempt_due = $4::timestamptz + interval '5 minutes' "
                  "where id = $1", moment),
    "tried": sql("update lead set first_attempt_at = $4, accepted_at = $4 where id = $1", moment),
    "talked": sql("update lead set first_contact_at = $4 where id = $1", moment),
    "promised": sql("update lead set promised_at = $4, acknowledged_at = $4 where id = $1", moment),
    "closed": sql("update lead set closed_at = $4, close_reason = 'lost', stage = $5 where id = $1", moment,
                  lambda chance: chance.choice(("closed", "exhausted"))),
    "corrected": sql("update lead set region = $4, source = $5, lead_type = 'warm' where id = $1",
                     lambda chance: chance.choice(("NY", None)), lambda chance: chance.choice(("ads", "flow_check"))),
    "call ended": sql("update touch set state = 'sent', sent_at = $4, call_result = 'connected' where lead_id = $1",
                      moment),
    "a correction of what was logged": sql("update outcome set at = $4 where lead_id = $1", moment),
    "story gone": sql("delete from story where lead_id = $1"),
    "result gone": sql("delete from outcome where lead_id = $1 and id not in (select id from inbound_call)"),
    "call to us gone": sql("delete from inbound_call where id in (select id from outcome where lead_id = $1)"),
    "result of another lead": sql("update outcome set lead_id = $3 where lead_id = $1"),
    "made from": sql("update touch set versions = '{\"template\": \"email/useful.en v2\"}' where lead_id = $1"),
    "missed": sql("insert into breach (lead_id, target, phase, due_at, found_at) values ($1, 'first_attempt', "
                  "'own_work', $4, $4) on conflict do nothing", moment),
    "met at last": sql("update breach set ended_at = due_at + interval '9 minutes' where lead_id = $1"),
    "said": sql("insert into feedback (lead_id, step, fast, given_at, changed_at) values ($1, 's', true, $4, $4) "
                "on conflict (lead_id, step) do update set fast = not feedback.fast", moment),
    "touch gone": sql("delete from touch where lead_id = $1"),
    "a bad address": sql("update person_email set bad_reason = 'bounced' where person_id = $2"),
    "an address": sql("insert into person_email (address, person_id, created_at) values ($4, $2, $5)", _email, moment),
    "a number": sql("insert into person_phone (number, person_id, created_at) values ($4, $2, $5)",
                    lambda chance: f"+1212555{chance.randrange(10**6)}", moment),
    "no address": sql("delete from person_email where person_id = $2"),
    "maybe another": sql("update person set possible_duplicate_of = (select person_id from lead where id = $3) "
                         "where id = $2"),
}  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_facts_are_the_views_after_whatever_happens(conn: Any, seed: int) -> None:
    chance = Random(seed)
    first = await a_lead(conn)
    leads = [first, await a_lead(conn, of=first, created=after(days=3), closed_at=after(days=9)), await a_lead(conn)]
    await conn.execute("update lead set closed_at = $1 where id = $2", after(days=2), first.id)
    await write(conn)
    for name in chance.sample(list(STEPS), len(STEPS)) * 2:
        lead, other = chance.sample(leads, 2)
        await STEPS[name](chance, lead, other)
        assert await conn.fetch(READ) == [], f"{name}: a reader sees something else"
        await write(conn)
        assert await conn.fetch(WRONG) == [], f"{name}: left no mark"


async def test_what_is_told_of_another_row_months_later_changes_a_fact(conn: Any) -> None:
    """Each changes this one column of the lead, whose own rows stay as they are."""
    lead = await a_lead(conn, closed_at=after(days=1), first_attempt_at=after(minutes=4))
    later = await a_lead(conn, of=lead, created=after(days=200), closed_at=after(days=300))
    await later.outcome(after(days=290), "converted")
    call = await lead.outcome(after(minutes=9), None, "connected")
    await put(conn, "inbound_call", id=call, call_sid="CA1", reps=[], state="connected", at=CAME, at_wall=CAME)
    await lead.given_to(SAM, after(minutes=1))
    await lead.given_to(DANA, after(minutes=2), "reassigned")

    async def column(of: Lead, name: str) -> Any:
        await write(conn)
        assert await conn.fetch(WRONG) == []
        return await conn.fetchval(f"select {name} from lead_fact where lead_id = $1", of.id)

    assert await column(later, "repeat_cycle_s") is None
    sale = await lead.outcome(after(days=280), "converted")
    assert await column(later, "repeat_cycle_s") == 10 * 86_400
    await conn.execute("update outcome set at = $2 where id = $1", sale, after(days=270))
    assert await column(later, "repeat_cycle_s") == 20 * 86_400
    await conn.execute("delete from outcome where id = $1", sale)
    assert await column(later, "repeat_cycle_s") is None

    assert await column(later, "known_person") is True
    stranger = await a_lead(conn)
    await conn.execute("update inquiry set person_id = $1 where lead_id = $2", stranger.person_id, lead.id)
    assert await column(later, "known_person") is False

    assert await column(lead, "calls") == 0
    await conn.execute("delete from inbound_call")
    assert await column(lead, "calls") == 1

    assert str(await column(lead, "rep_id")) == DANA
    await conn.execute("update story set data = $2 where lead_id = $1 and kind = 'reassigned'", lead.id,
                       {"rep_id": SAM})  # fmt: skip
    assert str(await column(lead, "rep_id")) == SAM
    await conn.execute("delete from story")
    assert await column(lead, "rep_id") is None


async def test_a_whole_season_is_kept_and_a_lead_that_is_gone_is_not(test_databases: TestDatabases) -> None:
    async with test_databases.fresh() as url:
        await fill(url, 150, until=LATER, days=30)
        pool = await open_pool(url, size=2)
        async with pool.acquire() as conn:
            assert await rollup.waiting(conn) == 0
            assert await conn.fetch(WRONG) == []
            kept = "select count(*) from lead_fact"
            whole = await conn.fetchval(kept)
            await conn.execute("insert into lead_fact (lead_id, created_at) values (gen_random_uuid(), $1)", LATER)
            await rollup.mark_all(conn)
            await write(conn)
            assert (whole, await conn.fetchval(kept)) == (150, 150)
        await pool.close()


# ── marks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_nobody_waits_for_another_and_what_came_meanwhile_stays_marked(database_url: str, conn: Any) -> None:
    lead = await a_lead(conn)
    pool = await open_pool(database_url, size=3)
    async with pool.acquire() as one, pool.acquire() as two, pool.acquire() as writer:
        await one.execute("set lock_timeout = '1s'")
        await two.execute("set lock_timeout = '1s'")
        begun = one.transaction()
        await begun.start()
        await Lead(one, lead.id, lead.person_id).touch("call-1", after(minutes=1))
        await Lead(two, lead.id, lead.person_id).touch("call-2", after(minutes=2))
        await write(writer)
        assert await writer.fetchval("select touches from lead_fact") == 1
        await begun.commit()
        assert await writer.fetch(READ) == []
        assert await rollup.waiting(writer) == 1
        await write(writer)
        assert await writer.fetchval("select touches from lead_fact") == 2
    await pool.close()


async def test_an_erasure_takes_the_facts_with_it_at_once(conn: Any) -> None:
    lead = await a_lead(conn, region="NY")
    await write(conn)
    async with conn.transaction():
        await erase(conn, FixedClock(LATER), [lead.person_id], b"secret")
    assert await conn.fetchval("select count(*) from lead_fact") == 0
    await write(conn)
    assert await conn.fetchval("select region from lead_fact") is None


async def test_every_table_that_a_fact_is_made_of_leaves_marks(conn: Any) -> None:
    read = await conn.fetch(
        """with recursive views as (
               select 'fact_of_lead'::regclass::oid as id
               union select d.refobjid from views v join pg_rewrite r on r.ev_class = v.id
                   join pg_depend d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass
                       and d.refclassid = 'pg_class'::regclass)
           select c.relname as name, (select bit_or(t.tgtype::int) from pg_trigger t
               where t.tgrelid = c.oid and t.tgname like 'lead_fact%') as events
           from views v join pg_class c on c.oid = v.id where c.relkind = 'r'"""
    )
    insert, delete, update = 4, 8, 16
    wanted = {row["name"]: insert | delete | update for row in read} | {"person": update}  # no lead is of a new person
    assert {"lead", "touch", "outcome", "story"} < wanted.keys()
    assert {name for row in read if (row["events"] or 0) & wanted[name := row["name"]] != wanted[name]} == set()


def test_who_changes_a_view_marks_every_lead() -> None:
    first = "20261122000420"
    changed = [
        path for path in Path(DIRECTORY).glob("*.sql")
        if path.name > first
        and re.search(r"replace view (metric_(?!change\b)|fact_of)", path.read_text().split("-- migrate:down")[0])
    ]  # fmt: skip
    assert [path.name for path in changed if "into lead_stale" not in path.read_text()] == []


# ── comparing ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_fact_that_is_wrong_is_found_counted_and_written_anew(
    database_url: str, conn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEEDLEAD_DATABASE_URL", database_url)
    for hours in range(3):
        await a_lead(conn, created=CAME + timedelta(hours=hours))
    assert "3 leads" in (await run("write")).output
    assert (await run("check")).exit_code == 0
    await conn.execute("update lead_fact set touches = 9 where created_at = $1", CAME)
    await conn.execute("delete from lead_fact where created_at > $1", CAME + timedelta(hours=1))
    checked = await run("check", "--leads", "50")
    assert (checked.exit_code, "2 of 3 leads differ" in checked.output) == (1, True)
    pool = await open_pool(database_url, size=2)
    found, _ = await read_figures(pool, LATER)
    await pool.close()
    assert (found["rollup_differs"], found["rollup_waiting"]) == ([((), 2.0)], [((), 2.0)])
    await run("write")
    assert (await run("check")).exit_code == 0
    assert await conn.fetch(WRONG) == []


async def run(*arguments: str) -> Result:
    import asyncio

    return await asyncio.to_thread(CliRunner().invoke, command.app, list(arguments))
