"""What goes out beside the plan, at night and when things fail: acknowledgements, answers, and the end of the lead."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from activities.messaging import Messaging
from speedlead.demo.moments import Moment
from speedlead.demo.world import World, open_world
from speedlead.store.deliveries import Report, take_report
from speedlead.store.transactions import transact
from tests.servers import local_settings
from tests.workflows.leads import ADA, ended, instant_of, notices, touches, tuesday_at
from tests.workflows.test_answers import writes
from tests.workflows.told import said_alike
from workflows import options

pytestmark = pytest.mark.timeout(90)
NIGHT, NEW_YORK = 4, "America/New_York"  # 23:00 there
HOUR = timedelta(hours=1)
ONE_MAIL = """
id: one_mail
version: 1
intents: {hot: [demo_request], warm: [webinar], cold: [newsletter]}
hours: {}
targets: [{id: hot, when: {lead_type: hot}, attempts: [3m], source: test}]
tracks:
  hot: &track
    settle: 1m
    steps:
      - {id: email-1, channel: email, after: lead, template: missed_you}
  warm: *track
  cold: *track
"""


async def lost_answers(world: World) -> None:
    await world.call("PUT", f"{world.sandbox_url}/api/faults", {"email": {"500_after_accept": 1, "silent": 1}})


async def heals(world: World, lead_id: str) -> None:
    await world.call("PUT", f"{world.sandbox_url}/api/faults", {})


async def test_a_fallback_that_comes_at_night_goes_when_the_law_opens(world: World) -> None:
    await lost_answers(world)
    lead = await world.submit(
        tuesday_at(NIGHT), moments=[Moment("ack-1", lambda lead_id: heals(world, lead_id), nth=2)], **ADA
    )
    await ended(world, lead)
    made = await touches(world, lead)
    assert "ack-1 in_doubt no_answer_from_provider" in made
    assert "ack-1-again sent" in made
    assert 8 * HOUR < await instant_of(world, lead, "ack-1-again") < 12 * HOUR
    assert [m["touch_id"] for m in await world.messages(channel="sms") if ".ack-" in m["touch_id"]] == [
        f"{lead}.ack-1-again"
    ]
    said = await said_alike(world, lead, NEW_YORK)
    assert "E-mail: not certain that it was sent (the provider did not confirm it)" in said
    assert "acknowledgement 1 again" in said


async def test_a_mail_whose_word_comes_at_night_needs_no_text_in_the_morning(world: World) -> None:
    await lost_answers(world)

    async def arrives(lead_id: str) -> None:
        await heals(world, lead_id)
        report = Report("sendgrid", "late", "event", f"{lead_id}.ack-1", "X1", "delivered", {})
        await transact(world.pool, lambda conn: take_report(conn, world.clock, report))

    lead = await world.submit(tuesday_at(NIGHT), moments=[Moment("ack-1", arrives, nth=2)], **ADA)
    await ended(world, lead)
    made = await touches(world, lead)
    assert "ack-1 sent" in made
    assert "ack-1-again skipped arrived_after_all" in made
    assert not [m for m in await world.messages(channel="sms") if ".ack-" in m["touch_id"]]
    assert "acknowledgement 1 again" in await said_alike(world, lead, NEW_YORK)


async def test_an_acknowledgement_that_dies_for_an_hour_ends_in_doubt_and_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a waiting activity stops the virtual clock: the hour is made short
    monkeypatch.setitem(options.ACKNOWLEDGE, "schedule_to_close_timeout", timedelta(seconds=2))
    real = Messaging._request

    async def dies(self: Messaging, lead: Any, step: str, channel: str, purpose: str, *rest: Any) -> Any:
        if purpose == "acknowledgement":
            raise RuntimeError("out of memory")
        return await real(self, lead, step, channel, purpose, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Messaging, "_request", dies)
    lead = await world.submit(tuesday_at(15), **ADA)
    await ended(world, lead)
    assert "ack-1 in_doubt no_answer_from_provider" in await touches(world, lead)
    assert "ops: acknowledgement_failed" in await notices(world, lead)
    settled = await world.pool.fetchval(
        "select t.settled_at - l.created_at from touch t join lead l on l.id = t.lead_id where t.step = 'ack-1'"
    )
    assert settled < HOUR, "long before the lead closes"
    assert "E-mail: not certain" in await said_alike(world, lead, NEW_YORK)


@pytest_asyncio.fixture
async def short(temporal_env: WorkflowEnvironment, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """A plan that is through after a minute, at any hour."""
    plan = tmp_path / "one_mail.yaml"
    plan.write_text(ONE_MAIL, encoding="utf-8")
    settings = local_settings(
        tmp_path, callbacks="before", virtual_clock=True, company_phone="+14155550100", plan_file=plan
    )
    async with open_world(settings, database_url, temporal_env.client) as world:
        yield world


async def test_a_lead_does_not_stay_open_for_an_answer_that_waits_for_the_morning(short: World) -> None:
    world = short
    answers = Moment("email-1", writes(world, channel="sms", body="We call you at ten."))
    lead = await world.submit(tuesday_at(NIGHT), moments=[answers], **ADA)
    assert (await ended(world, lead))["reason"] == "plan_completed"
    closed = await world.pool.fetchval("select closed_at - created_at from lead where id = $1", lead)
    assert closed < HOUR
    assert "answer-1 skipped lead_closed" in await touches(world, lead)


async def test_a_lead_stays_open_for_an_answer_that_is_being_sent(
    short: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = short
    real = Messaging._request

    async def slow(self: Messaging, lead: Any, step: str, *rest: Any) -> Any:
        if step == "answer-1":
            await stop(lead.lead_id)
        return await real(self, lead, step, *rest)

    async def stop(lead_id: str) -> None:
        await world.leads.update(lead_id, "stop", {"reason": "cancelled_by_manager", "by": "ops"})

    monkeypatch.setattr(Messaging, "_request", slow)
    answers = Moment("email-1", writes(world, channel="email", body="We call you at ten."))
    lead = await world.submit(tuesday_at(15), moments=[answers], **ADA)
    assert (await ended(world, lead))["reason"] == "cancelled_by_manager"
    assert "answer-1 sent" in await touches(world, lead)
    sent, closed = await world.pool.fetchrow(
        "select t.sent_at, l.closed_at from lead l join touch t on t.lead_id = l.id and t.step = 'answer-1'"
    )
    assert sent <= closed
