"""Somebody steps in while phones ring: the rep is hung up, the owner hears of a reply, a talk stops the plan."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from speedlead.demo.moments import Moment
from speedlead.demo.people import answers_mail
from speedlead.demo.world import World
from speedlead.ports import Accepted
from speedlead.providers.twilio import TwilioDialer
from speedlead.store.calls import CallReport, take_lead_leg
from speedlead.store.transactions import transact
from tests.workflows.leads import ADA, ended, notices, touches, tuesday_at
from workflows import options

pytestmark = pytest.mark.timeout(90)
MINUTE = timedelta(minutes=1)
Act = Callable[[World, str], Awaitable[None]]


async def pause(world: World, lead_id: str) -> None:
    await world.leads.update(lead_id, "pause", {"reason": "legal_hold", "by": "ops"})


async def stop(world: World, lead_id: str) -> None:
    await world.leads.update(lead_id, "stop", {"reason": "cancelled_by_manager", "by": "ops"})


async def opt_out(world: World, lead_id: str) -> None:
    body = {"outcome": "do_not_contact", "scope": "call"}
    await world.call("POST", f"{world.url}/api/leads/{lead_id}/outcomes", body)


def rings(world: World, monkeypatch: pytest.MonkeyPatch, act: Act) -> list[str]:
    """The first rep's phone rings until it is hung up, and meanwhile somebody acts; answers the calls hung up."""
    real, hung_up = TwilioDialer.ring_rep, list[str]()

    async def ring(self: TwilioDialer, *, leg_id: str, to: str, ring_s: int) -> Accepted:
        if not leg_id.endswith("call-1.rep-1-1"):
            return await real(self, leg_id=leg_id, to=to, ring_s=ring_s)
        await act(world, leg_id.split(".")[0])
        return Accepted("CA1")

    async def hang_up(self: TwilioDialer, call_id: str) -> None:
        hung_up.append(call_id)

    monkeypatch.setattr(TwilioDialer, "ring_rep", ring)
    monkeypatch.setattr(TwilioDialer, "hang_up", hang_up)
    return hung_up


async def test_a_stop_hangs_up_on_the_rep_who_is_ringing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hung_up = rings(world, monkeypatch, stop)
    lead = await world.submit(tuesday_at(15), **ADA)
    assert (await ended(world, lead))["reason"] == "cancelled_by_manager"
    assert hung_up == ["CA1"]
    assert await touches(world, lead) == ["ack-1 sent", "call-1 skipped stopped"]
    after = await world.pool.fetchval("select closed_at - created_at from lead where id = $1", lead)
    assert after < MINUTE


async def test_an_opt_out_from_calls_hangs_up_and_the_plan_goes_on_by_mail(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung_up = rings(world, monkeypatch, opt_out)
    lead = await world.submit(tuesday_at(15), **ADA)
    await ended(world, lead)
    assert hung_up == ["CA1"]
    made = await touches(world, lead)
    assert "call-1 skipped opted_out" in made
    assert "email-1 sent" in made
    assert not [touch for touch in made if "call" in touch and " sent" in touch]


async def test_a_pause_takes_the_call_back_until_it_is_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_an_hour(world: World, lead_id: str) -> None:
        until = (tuesday_at(16)).isoformat()
        await world.leads.update(lead_id, "pause", {"until": until, "by": "ops"})

    hung_up = rings(world, monkeypatch, for_an_hour)
    lead = await world.submit(tuesday_at(15), **ADA)
    await ended(world, lead)
    assert hung_up == ["CA1"]
    row = await world.pool.fetchrow(
        """select t.state, t.sent_at - l.created_at as after from touch t join lead l on l.id = t.lead_id
           where t.step = 'call-1'"""
    )
    assert row is not None
    assert row["state"] == "sent"
    assert abs(row["after"] - timedelta(hours=1)) < MINUTE
    legs = await world.pool.fetch("select id, result from leg where id like '%call-1.rep%' order by id")
    assert [leg["id"].split(".")[-1] for leg in legs] == ["rep-1-1", "rep-2-1"]
    assert legs[0]["result"] == "called_off"


async def test_a_reply_during_our_own_pause_is_told_to_the_owner_at_once(world: World) -> None:
    async def paused_and_asked(lead_id: str) -> None:
        await pause(world, lead_id)
        await answers_mail(world, ADA["email"], "How much is it?")(lead_id)

    async def ends_it(lead_id: str) -> None:
        assert await world.pool.fetchval("select paused_until is not null from lead where id = $1", lead_id)
        await stop(world, lead_id)

    lead = await world.submit(
        tuesday_at(15), moments=[Moment("call-1", paused_and_asked), Moment("reply_received", ends_it)], **ADA
    )
    assert (await ended(world, lead))["reason"] == "cancelled_by_manager"
    assert "rep: reply_received" in await notices(world, lead)
    told = await world.pool.fetchval(
        "select n.at - l.created_at from notice n join lead l on l.id = n.lead_id where n.kind = 'reply_received'"
    )
    assert told < 2 * MINUTE


async def test_a_late_report_that_they_talked_stops_the_plan(world: World) -> None:
    async def said_late(lead_id: str) -> None:
        report = CallReport("late", "voice/lead-leg", f"{lead_id}.call-1.lead-1-1", "CA9", "completed")
        assert await transact(world.pool, lambda conn: take_lead_leg(conn, world.clock, report)) == lead_id
        await world.relay.deliver(lead_id)

    lead = await world.submit(tuesday_at(15), moments=[Moment("call-1", said_late)], **ADA)
    assert (await ended(world, lead))["reason"] == "no_outcome"
    assert await touches(world, lead) == ["ack-1 sent", "call-1 sent connected"]


async def test_ops_hear_of_a_queue_that_nobody_takes_from_once_an_hour_and_of_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a waiting activity stops the virtual clock: half an hour of waiting is made short
    monkeypatch.setitem(options._SEND, "schedule_to_close_timeout", timedelta(seconds=1))
    texts = options.TEXTS_QUEUE
    monkeypatch.setattr(options, "TEXTS_QUEUE", "nobody-is-there")

    async def a_worker_comes(lead_id: str) -> None:
        monkeypatch.setattr(options, "TEXTS_QUEUE", texts)

    lead = await world.submit(tuesday_at(15), moments=[Moment("queue_stands", a_worker_comes, nth=2)], **ADA)
    await ended(world, lead)
    assert "sms-1 sent" in await touches(world, lead)
    rows: list[Any] = await world.pool.fetch("select audience, reason from notice where kind = 'queue_stands'")
    assert [tuple(row) for row in rows] == [("ops", "queue nobody-is-there")]
