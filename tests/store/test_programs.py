"""Programs as rows: when one begins, what it counts for, and what stays with the lead behind it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from speedlead.contracts import CloseRequest
from speedlead.domain.cadence import Act, decide
from speedlead.domain.experiment import Segment
from speedlead.domain.outcomes import Outcome
from speedlead.domain.plan import Plan
from speedlead.ids import new_id
from speedlead.lead_rows import state_of
from speedlead.numbers.queries import REPS
from speedlead.plan_publishing import publish_text, use_version
from speedlead.planbook import PlanError, load_plan, packaged_plan
from speedlead.records import Claimed, Deferred
from speedlead.store import audit_findings, experiments, filter_choices, first_steps, our_people, views
from speedlead.store.figures import read_figures
from speedlead.store.hand_over import plan_hand_over
from speedlead.store.ledger import _BY_ADDRESS as BY_ADDRESS
from speedlead.store.mapped import lead_of
from speedlead.store.optouts import suppress
from speedlead.store.outcomes import Logged, log_outcome
from speedlead.store.past_leads import first_lead
from speedlead.store.plans import PlanStore
from speedlead.store.restored import close_as_known
from speedlead.store.starts import build_start
from speedlead.store.story import tell_story
from speedlead.store.waiting_pool import WaitingPool
from tests.activities.house import NO_CALENDARS, PLAN, House, open_house

DAY = timedelta(days=1)
NURTURE = load_plan(packaged_plan("nurture"))
GOES_ON = PLAN.model_copy(update={"version": 99, "then": {"exhausted": "nurture", "converted": "customer"}})


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_house(database_url) as made:
        store = PlanStore(made.pool)
        for plan in (GOES_ON, NURTURE):
            await store.publish(plan)
        yield made


async def exhausted(house: House, lead: str) -> Any:
    """The program that begins, if any."""
    await house.pool.execute("delete from message where lead_id = $1", lead)
    assert await house.leads.close(lead, reason="plan_completed", stage="exhausted", at=house.clock.now)
    return await house.pool.fetchrow("select * from lead where follows = $1", lead)


async def a_lead(house: House, **columns: Any) -> str:
    return await house.lead(plan_version=99, **columns)


async def test_a_program_begins_in_the_transaction_that_closes_the_lead_and_once(house: House) -> None:
    owner = await house.rep()
    lead = await a_lead(house, owner_id=owner)
    program = await exhausted(house, lead)
    assert (program["program"], program["plan_id"], program["stage"], program["owner_id"]) == (
        "nurture", "nurture", "nurturing", owner,
    )  # fmt: skip
    assert program["open_at"] == program["created_at"] == house.clock.now
    assert await house.pool.fetchval("select kind from message where lead_id = $1", program["id"]) == "start"
    # asked again, the answer is the same
    assert await house.leads.close(lead, reason="plan_completed", stage="exhausted", at=house.clock.now)
    assert await house.pool.fetchval("select count(*) from lead where follows = $1", lead) == 1


async def test_nothing_begins_for_whoever_wants_nothing_and_on_a_plan_that_names_nothing(house: House) -> None:
    assert await exhausted(house, await house.lead()) is None
    out = await a_lead(house, email="out@example.com", phone=None)
    async with house.pool.acquire() as conn, conn.transaction():
        await suppress(conn, await house.person(out), "all", source="test", at=house.clock.now)
    assert await exhausted(house, out) is None
    unqualified = await a_lead(house, email="un@example.com", phone=None)
    await house.pool.execute("delete from message where lead_id = $1", unqualified)
    await house.leads.close(unqualified, reason="unqualified", stage="closed", at=house.clock.now)
    assert await house.pool.fetchval("select count(*) from lead where program is not null") == 0


async def test_a_plan_that_was_never_published_is_told_to_operations_once(house: House) -> None:
    for number in range(2):
        lead = await a_lead(house, email=f"c{number}@example.com", phone=None)
        await house.pool.execute("delete from message where lead_id = $1", lead)
        await house.leads.close(lead, reason="converted", stage="converted", at=house.clock.now)
    told = await house.pool.fetch("select audience, reason from notice where kind = 'program_missing'")
    assert [tuple(row) for row in told] == [("ops", "customer")]


async def test_a_program_is_nobodys_work_and_in_no_figure(house: House) -> None:
    owner = await house.rep()
    lead = await a_lead(house, owner_id=owner)
    program = str((await exhausted(house, lead))["id"])
    await house.pool.execute("update lead set owner_id = null where id = $1", program)
    assert await WaitingPool(house.pool).in_order(house.clock.wall()) == []
    await house.pool.execute("update lead set owner_id = $2 where id = $1", program, owner)
    (rep,) = [rep for rep in await house.leads.reps() if rep.rep_id == owner]
    assert rep.open_leads == 0
    async with house.pool.acquire() as conn:
        assert await views.rep_leads(conn, owner) == []
        assert (await views.counters(conn, house.clock.wall())).open == 0
        # once the person was heard of, it is
        await conn.execute("update lead set plan_stopped = 'replied' where id = $1", program)
        assert [card.lead_id for card in await views.rep_leads(conn, owner)] == [program]
    assert await house.pool.fetchval("select array_agg(lead_id::text) from metric_lead") == [lead]


async def figures(house: House) -> dict[str, Any]:
    """Whatever counts leads, of everybody."""
    wall, since = house.clock.wall(), house.clock.now - 90 * DAY
    watched, _ = await read_figures(house.pool, wall)
    async with house.pool.acquire() as conn:
        return {
            **{name: [dict(row) for row in await conn.fetch(f"select * from {name} order by lead_id")]
               for name in ("metric_lead", "fact_of_lead", "metric_due")},
            "watched": [watched[name] for name in ("leads_open", "leads_without_what_next", "first_attempts_hour")],
            "open_now": [row["open_now"] for row in await conn.fetch(REPS)],
            "counters": await views.counters(conn, wall),
            "load": [rep.open_leads for rep in await views.reps(conn)],
            "people": [one.rep.open_leads for one in await our_people.people(conn, NO_CALENDARS)],
            "filters": await filter_choices.choices(conn, since),
            "steps": await first_steps.of_leads(conn),
            "came": await audit_findings.came(conn, since),
            "unmatched": await audit_findings.unmatched(conn, since, str),
            "loops": await audit_findings.loops(conn, since),
            "by_hand": await audit_findings.by_hand(conn, since, wall),
            "a_week": await experiments.persons_a_week(conn, Segment(), house.clock.now + 3 * DAY),
            "first": await first_lead(conn),
            "paid_by": await lead_of(conn, "crm", None, None, "ada@example.com", None, paid_on=wall.date() + DAY),
            "booked": await conn.fetchval(BY_ADDRESS, "ada@example.com", wall.date() + DAY),
        }  # fmt: skip


async def test_every_figure_is_that_of_a_house_without_programs(house: House) -> None:
    owners = [await house.rep(name) for name in ("Anna", "Ben", "Cleo")]
    lead = await a_lead(house, owner_id=owners[0])
    house.clock.now += 40 * DAY
    program = str((await exhausted(house, lead))["id"])
    await house.pool.execute("update lead set next_touch_at = $2 where id = $1", program, house.clock.now + DAY)
    await house.pool.execute("delete from message where lead_id = $1", program)  # as if its workflow had begun
    async with house.pool.acquire() as conn:
        for owner in owners:
            await tell_story(conn, program, kind="reassigned", at=house.clock.now, reason="ill", data={"rep_id": owner})
    await house.put(
        "assignment", lead_id=program, at=house.clock.now, reason="nobody", inquiry_number=1, weights={}, candidates=[]
    )
    await house.put("notice", id=new_id(), lead_id=program, audience="rep", rep_id=owners[0], kind="reassigned",
                    at=house.clock.now, dedupe="one")  # fmt: skip
    await house.put("outcome", id=new_id(), lead_id=program, outcome="not_now", at=house.clock.now)
    with_it = await figures(house)
    for table in ("notice", "assignment", "outcome", "story", "message", "inquiry", "lead_fact", "lead_stale"):
        await house.pool.execute(f"delete from {table} where lead_id = $1", program)
    await house.pool.execute("delete from lead where id = $1", program)
    without = await figures(house)
    assert {name for name, value in without.items() if with_it[name] != value} == set()
    assert (without["booked"], without["paid_by"], len(without["came"])) == (lead, lead, 1)


async def test_who_buys_in_a_nurture_program_becomes_a_customer_by_the_plan_of_the_inquiry(house: House) -> None:
    await PlanStore(house.pool).publish(load_plan(packaged_plan("customer")))
    lead = await a_lead(house)
    program = str((await exhausted(house, lead))["id"])
    async with house.pool.acquire() as conn, conn.transaction():
        await log_outcome(conn, house.clock, Logged(program, outcome=Outcome.CONVERTED))
    await house.pool.execute("delete from message where lead_id = $1", program)
    assert await house.leads.close(program, reason="converted", stage="converted", at=house.clock.now)
    found = await house.pool.fetchrow("select program, follows::text from lead where closed_at is null")
    assert found is not None
    assert tuple(found) == ("customer", lead)
    # webhooks hear of the lead alone, so the sale stands in its story
    told = "select data ->> 'outcome' from story where lead_id = $1 and kind = 'outcome'"
    assert await house.pool.fetchval(told, lead) == "converted"


async def test_what_closed_after_the_backup_goes_on_as_well(house: House) -> None:
    lead = await a_lead(house)
    request = CloseRequest(lead_id=lead, reason="plan_completed", stage="exhausted")
    for closed in (True, False):
        assert await close_as_known(house.pool, request, house.clock.now) is closed
    assert await house.pool.fetchval("select count(*) from lead where follows = $1", lead) == 1


async def test_programs_take_no_room_from_whoever_takes_over(house: House) -> None:
    leaves, full, free = [await house.rep(name, capacity=1) for name in ("Anna", "Ben", "Cleo")]
    inquiry = await a_lead(house, owner_id=leaves)
    for number in range(4):
        lead = await a_lead(house, owner_id=full if number == 3 else leaves, email=f"c{number}@x.example", phone=None)
        await exhausted(house, lead)
    async with house.pool.acquire() as conn:
        given = await plan_hand_over(conn, leaves, None)
    assert len(given) == 4
    assert given[inquiry] in (full, free)


async def test_its_own_limit_counts_every_message_to_the_person(house: House) -> None:
    lead = await a_lead(house)
    wrote = house.claim(lead)
    assert isinstance(await house.touches.claim(wrote), Claimed)
    program = str((await exhausted(house, lead))["id"])
    await house.pool.execute("update lead set tz = 'America/New_York', country = 'US' where id = $1", program)
    mail = house.claim(program, "day-14", apart_s=14 * 86400)
    assert await house.touches.claim(mail) == Deferred(house.clock.now + 14 * DAY, ("message_gap",))
    house.clock.now += 14 * DAY
    assert isinstance(await house.touches.claim(house.claim(program, "day-14", apart_s=14 * 86400)), Claimed)


async def test_a_sale_in_a_nurture_program_is_one_of_the_inquiry_behind_it(house: House) -> None:
    lead = await a_lead(house)
    program = str((await exhausted(house, lead))["id"])
    async with house.pool.acquire() as conn, conn.transaction():
        await log_outcome(conn, house.clock, Logged(program, outcome=Outcome.CONVERTED))
    row = await house.pool.fetchrow("select lead_id::text, converted_at, stage from metric_lead")
    assert row is not None
    assert tuple(row) == (lead, house.clock.now, "exhausted")
    assert await house.pool.fetchval("select count(*) from metric_repeat_conversion") == 0


async def test_one_whose_workflow_was_lost_goes_on_where_it_was(house: House) -> None:
    lead = await a_lead(house)
    program = str((await exhausted(house, lead))["id"])
    async with house.pool.acquire() as conn:
        start = await build_start(conn, program, again=True)
    assert start is not None
    assert (start.watched, start.plan.program) == (False, "nurture")
    next_ = decide(state_of(start), house.clock.now)
    assert isinstance(next_, Act)
    assert (next_.step.id, next_.earliest) == ("day-14", house.clock.now + 14 * DAY)


async def test_publishing_stores_what_goes_on_and_brings_it_into_no_use(house: House) -> None:
    async def publish(plan: Plan) -> Plan:
        return await publish_text(house.pool, plan, None, who="ann", role="ops", note="why", wall=house.clock.wall())

    made = await publish(GOES_ON.model_copy(update={"then": {"not_now": "later"}}))
    stored = await house.pool.fetch("select id, version, used_wall is null as unused from plan where id <> 'inbound'")
    assert sorted(tuple(row) for row in stored) == [("later", 1, True), ("nurture", 1, True)]
    assert (await publish(NURTURE)).version == 2
    assert await house.pool.fetchval("select count(*) from plan where id = 'nurture' and used_wall is not null") == 0
    with pytest.raises(LookupError, match="a nurture plan answers no inquiry"):
        await use_version(house.pool, "nurture", 1, role="ops", note="why", wall=house.clock.wall())
    for then, fault in (({"converted": "gone"}, "never published"), ({"converted": "nurture"}, "program: customer")):
        with pytest.raises(PlanError, match=fault):
            await publish(made.model_copy(update={"then": then}))
