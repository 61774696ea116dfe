"""What goes on when the answer to an inquiry is over: slow plans, customers, and how both end (docs/nurture.md)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from speedlead.composing.assemble import build_composer
from speedlead.demo.moments import Happening, Moment
from speedlead.demo.people import answers_mail
from speedlead.demo.world import World, open_world
from speedlead.ids import workflow_id
from speedlead.planbook import load_plan, load_programs, packaged_plan
from tests.servers import local_settings
from tests.workflows.conftest import COMPANY_PHONE
from tests.workflows.leads import ADA, ended, notices, touches, tuesday_at

pytestmark = pytest.mark.timeout(90)
COLD = {**ADA, "intent": "research"}
THEN = "then: {exhausted: nurture, not_now: later, converted: customer}\n"
DAY = timedelta(days=1)


@pytest_asyncio.fixture
async def house(temporal_env: WorkflowEnvironment, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """The packaged plan with the one line that goes on."""
    plan = tmp_path / "inbound.yaml"
    plan.write_text(packaged_plan().read_text() + THEN)
    settings = local_settings(
        tmp_path, callbacks="before", virtual_clock=True, company_phone=COMPANY_PHONE, plan_file=plan
    )
    read = load_plan(plan)
    composer = build_composer(settings, read, load_programs(read, plan))
    async with open_world(settings, database_url, temporal_env.client, composer=composer) as made:
        yield made


def says(world: World, **outcome: str) -> Happening:
    async def happens(lead_id: str) -> None:
        await world.call("POST", f"{world.url}/api/leads/{lead_id}/outcomes", outcome)

    return happens


async def program_of(world: World, lead_id: str) -> Any:
    """The program that began when the lead ended."""
    row = await world.pool.fetchrow("select * from lead where follows = $1 order by created_at limit 1", lead_id)
    assert row is not None, "nothing began"
    return row


async def workflow_ended(world: World, lead_id: str) -> dict[str, Any]:
    """Of a workflow that the relay begins a moment later."""
    while not await world.pool.fetchval("select exists (select from message where lead_id = $1 and kind = 'start' "
                                        "and delivered_wall is not null)", lead_id):  # fmt: skip
        await asyncio.sleep(0.05)
    return await ended(world, lead_id)


async def test_two_years_of_slow_mails_follow_a_lead_that_nobody_reached(house: World) -> None:
    lead = await house.submit(tuesday_at(15), **COLD)
    assert (await ended(house, lead))["reason"] == "plan_completed"
    program = await program_of(house, lead)
    assert (program["program"], program["plan_id"], program["stage"]) == ("nurture", "nurture", "nurturing")
    end = await workflow_ended(house, program["id"])
    assert end["reason"] == "program_over"
    found = await house.pool.fetch(
        "select t.step, t.state, t.sent_at - l.open_at as after from touch t join lead l on l.id = t.lead_id "
        "where l.id = $1 order by t.sent_at", program["id"],
    )  # fmt: skip
    assert {row["state"] for row in found} == {"sent"}
    days = [round(row["after"] / DAY) for row in found]
    assert len(days) == 11
    for seen, wanted in zip(days, (14, 30, 60, 90, 182, 273, 365, 456, 547, 638, 730), strict=True):
        assert wanted <= seen <= wanted + 4, days  # a weekend or a holiday
    handle = house.client.get_workflow_handle(workflow_id(program["id"]))
    history = await handle.fetch_history()
    assert len(history.events) < 500, "a life of two years has to stay far below what one history can hold"
    # for the figures it stays what it was: a lead that was given up, and no second one
    assert await house.pool.fetchval("select array_agg(lead_id::text) from metric_lead") == [lead]
    assert await house.pool.fetchval("select stage from lead where id = $1", lead) == "exhausted"
    assert await notices(house, program["id"]) == []


class Whoever(dict[str, list[Moment]]):
    """Moments of leads whose ids nobody knows yet: of the next one that is heard of."""

    def __init__(self, world: World, *moments: Moment) -> None:
        super().__init__()
        self._next = moments
        world.moments._coming = self

    def get(self, lead_id: str, default: Any = None) -> Any:
        if lead_id not in self:
            self[lead_id], self._next = list(self._next), ()
        return self[lead_id]


async def now_of(world: World, lead_id: str) -> datetime:
    offset = await world.pool.fetchval("select clock_offset_us from lead where id = $1", lead_id)
    return datetime.now(UTC) + timedelta(microseconds=offset)


async def test_a_new_inquiry_makes_it_hot_again_at_once(house: World) -> None:
    asked: list[str] = []

    async def asks_again(program: str) -> None:
        asked.append(await house.submit(await now_of(house, program), **ADA))

    lead = await house.submit(tuesday_at(15), **COLD)
    Whoever(house, Moment("day-30", asks_again))[lead] = []
    await ended(house, lead)
    program = await program_of(house, lead)
    assert (await workflow_ended(house, program["id"]))["reason"] == "unqualified"
    # in this world months pass until the workflow hears of its end; the gate knew at once
    assert [line for line in await touches(house, program["id"]) if "lead_closed" not in line] == [
        "day-14 sent", "day-30 sent",
    ]  # fmt: skip
    (again,) = asked
    await ended(house, again)
    row = await house.pool.fetchrow(
        """select n.lead_type, n.program, n.acknowledged_at - n.created_at as took,
               n.promised_at is not null as promised, n.owner_id = o.owner_id as same_owner, n.plan_id, p.close_reason
           from lead n, lead o, lead p where n.id = $1 and o.id = $2 and p.id = $3""",
        again, lead, program["id"],
    )  # fmt: skip
    assert row is not None
    assert (row["lead_type"], row["program"], row["plan_id"], row["close_reason"]) == (
        "hot",
        None,
        "inbound",
        "new_inquiry",
    )
    assert row["promised"]
    assert row["same_owner"]
    assert row["took"] < timedelta(seconds=30)
    assert {"call-1 sent no_answer", "day-7-email sent"} <= set(await touches(house, again))


async def test_a_reply_to_a_slow_mail_is_answered_by_a_person(house: World) -> None:
    lead = await house.submit(tuesday_at(15), **COLD)
    Whoever(house, Moment("day-14", answers_mail(house, ADA["email"], "Yes, it is. Can we talk?")))[lead] = []
    await ended(house, lead)
    program = await program_of(house, lead)
    await workflow_ended(house, program["id"])
    assert [line for line in await touches(house, program["id"]) if "lead_closed" not in line] == ["day-14 sent"]
    reopened = await house.pool.fetchrow("select * from lead where source = 'reply'")
    assert reopened is not None
    assert (reopened["program"], reopened["plan_stopped"], reopened["follows"]) == (None, "replied", None)
    assert reopened["owner_id"] == program["owner_id"]
    await ended(house, reopened["id"])
    assert "rep: reply_received" in await notices(house, reopened["id"])


async def test_not_now_is_kept_at_its_date_by_the_owner_first_and_an_opt_out_ends_it(house: World) -> None:
    begins = tuesday_at(15)
    date = begins + 100 * DAY
    says_later = Moment("call-1", says(house, outcome="not_now", until=date.isoformat()))
    lead = await house.submit(begins, moments=[says_later], **ADA)
    Whoever(house, Moment("day-14", answers_mail(house, ADA["email"], "unsubscribe")))[lead] = [says_later]
    assert (await ended(house, lead))["reason"] == "not_now"
    program = await program_of(house, lead)
    assert (program["plan_id"], program["open_at"]) == ("later", date)
    assert (await workflow_ended(house, program["id"]))["reason"] == "program_over"
    told = await house.pool.fetch(
        "select audience, rep_id, kind, at from notice where lead_id = $1 order by at", program["id"]
    )
    assert [(row["audience"], row["kind"]) for row in told] == [("rep", "owner_task")]
    assert told[0]["rep_id"] == program["owner_id"]
    assert abs(told[0]["at"] - date) < timedelta(minutes=1)
    sent = [line for line in await touches(house, program["id"]) if "opted_out" not in line]
    assert sent == ["their-date skipped owner_task", "day-14 sent"]


async def test_a_customer_is_looked_after_by_support_and_buys_again(house: World) -> None:
    await house.pool.execute(
        """insert into account (id, email, name, role, created_wall)
           select gen_random_uuid(), email, name, 'support', now() from rep where name = 'Emi Tanaka'"""
    )
    lead = await house.submit(tuesday_at(15), moments=[Moment("call-1", says(house, outcome="converted"))], **ADA)
    shown = []

    async def buys_again(program: str) -> None:
        query = "select next_why, next_touch_at - open_at from lead where id = $1"
        shown.append(tuple(await house.pool.fetchrow(query, program)))
        await says(house, outcome="converted")(program)

    Whoever(house, Moment("owner_task", buys_again, nth=2))[lead] = [Moment("call-1", says(house, outcome="converted"))]
    await ended(house, lead)
    first = await program_of(house, lead)
    support = await house.pool.fetchval("select id from rep where name = 'Emi Tanaka'")
    assert (first["program"], first["stage"], first["owner_id"]) == ("customer", "converted", support)
    assert (await workflow_ended(house, first["id"]))["reason"] == "converted"
    assert await notices(house, first["id"]) == ["rep: customer_handed_over", "rep: owner_task", "rep: owner_task"]
    second = await house.pool.fetchrow("select * from lead where follows = $1 and closed_at is null", lead)
    assert second is not None
    assert second["owner_id"] == support
    (repeat,) = await house.pool.fetch("select * from metric_repeat_conversion")
    assert (repeat["lead_id"], repeat["origin_id"], repeat["number"]) == (first["id"], lead, 2)
    assert abs(repeat["since_s"] - 30 * 86400) < 3600
    assert (await workflow_ended(house, second["id"]))["reason"] == "program_over"
    assert shown == [("owner_task", 30 * DAY)]  # what pages said while nothing of ours was planned
    # tasks are nobody's messages: nothing was sent, and no figure has a second lead
    assert await house.pool.fetchval("select count(*) from touch where lead_id <> $1 and state <> 'skipped'", lead) == 0
    assert await house.pool.fetchval("select count(*) from metric_lead") == 1
