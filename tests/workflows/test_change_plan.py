"""A running lead goes to another version of its plan, also while a touch is under way, and back."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from speedlead.cadence_errors import LeadRefused
from speedlead.contracts import LeadStatus
from speedlead.demo.moments import Moment
from speedlead.demo.world import World
from speedlead.domain.plan import Plan
from speedlead.planbook import load_plan
from speedlead.store.plans import PlanStore
from speedlead.store.starts import build_start
from tests.workflows.leads import ADA, ended, instant_of, touches, tuesday_at

pytestmark = pytest.mark.timeout(120)
BASE = load_plan()
NEXT, LAST = BASE.version + 1, BASE.version + 2
Happening = Callable[[str], Awaitable[None]]


def edited(version: int, edit: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Plan:
    """The default plan with another hot track."""
    body = BASE.model_dump(mode="json", by_alias=True) | {"version": version}
    body["tracks"]["hot"]["steps"] = edit(body["tracks"]["hot"]["steps"])
    return Plan.model_validate(body)


def renamed(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every step but the first goes by another name."""
    other = {step["id"]: f"new-{step['id']}" for step in steps[1:]}
    return [s | {"id": other.get(s["id"], s["id"]), "after": other.get(s["after"], s["after"])} for s in steps]


def only_mail(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [s | {"after": "lead", "delay": 600} for s in steps if s["id"] == "email-1"]


def goes_to(world: World, version: int, answers: list[LeadStatus]) -> Happening:
    async def happens(lead_id: str) -> None:
        asked = {"plan_id": BASE.id, "version": version, "by": "ops"}
        answers.append(await world.leads.update(lead_id, "change_plan", asked))

    return happens


def sent(made: list[str]) -> list[str]:
    return [line.split()[0] for line in made if line.split()[1] == "sent"]


async def test_renamed_steps_go_once_also_when_the_change_comes_in_the_middle_of_a_touch(world: World) -> None:
    await PlanStore(world.pool).publish(edited(NEXT, renamed))
    answers: list[LeadStatus] = []
    lead = await world.submit(tuesday_at(15), moments=[Moment("email-1", goes_to(world, NEXT, answers))], **ADA)
    assert (await ended(world, lead))["reason"] == "plan_completed"
    assert [answer.plan_waits for answer in answers] == [f"{BASE.id} v{NEXT}"], "the mail was under way"
    made = await touches(world, lead)
    names = [name.removeprefix("new-") for name in sent(made)]
    assert names == ["ack-1", *(step.id for step in BASE.tracks["hot"].steps)], "each place of the plan once"
    assert "new-email-1 skipped plan_changed" in made
    assert "new-sms-1" in sent(made)
    assert "sms-1" not in sent(made)
    assert await instant_of(world, lead, "new-sms-1") - await instant_of(world, lead, "email-1") == pytest.approx(
        timedelta(minutes=10), abs=timedelta(seconds=30)
    )
    row = await world.pool.fetchrow("select plan_version from lead where id = $1", lead)
    assert row is not None
    assert row["plan_version"] == NEXT
    story = await world.pool.fetch("select kind from story where lead_id = $1 and kind like 'plan_change%'", lead)
    assert [line["kind"] for line in story] == ["plan_change_waits", "plan_changed"]


async def test_rolled_back_a_lead_ends_as_if_it_had_stayed(world: World) -> None:
    await PlanStore(world.pool).publish(edited(NEXT, renamed))
    answers: list[LeadStatus] = []
    moments = [
        Moment("call-2", goes_to(world, NEXT, answers)),
        Moment("new-sms-1", goes_to(world, BASE.version, answers)),
    ]
    lead = await world.submit(tuesday_at(15), moments=moments, **ADA)
    await ended(world, lead)
    made = await touches(world, lead)
    assert [name.removeprefix("new-") for name in sent(made)] == [
        "ack-1", *(step.id for step in BASE.tracks["hot"].steps)]  # fmt: skip
    assert {"new-call-3", "new-email-1", "new-sms-1", "call-4", "day-7-email"} <= set(sent(made))
    assert await world.pool.fetchval("select plan_version from lead where id = $1", lead) == BASE.version


async def test_a_lead_that_is_moved_before_its_first_touch_has_the_new_plan_alone(world: World) -> None:
    await PlanStore(world.pool).publish(edited(NEXT, renamed))
    answers: list[LeadStatus] = []
    lead = await world.submit(tuesday_at(15), moments=[Moment("routed", goes_to(world, NEXT, answers))], **ADA)
    await ended(world, lead)
    assert [answer.plan_waits for answer in answers] == [f"{BASE.id} v{NEXT}"], "routing was under way"
    steps = [step.id for step in edited(NEXT, renamed).tracks["hot"].steps]
    assert sent(await touches(world, lead)) == ["ack-1", *steps]


async def test_a_plan_without_a_call_is_refused_while_one_is_owed(world: World) -> None:
    await PlanStore(world.pool).publish(edited(NEXT, only_mail))
    refusals: list[LeadRefused] = []

    async def moved(lead_id: str) -> None:
        try:
            await goes_to(world, NEXT, [])(lead_id)
        except LeadRefused as refused:
            refusals.append(refused)

    await world.pool.execute("update rep set active = false where not manager")
    lead = await world.submit(tuesday_at(15), moments=[Moment("email-1", moved)], **ADA)
    await ended(world, lead)
    assert [(refused.field, "is still due" in refused.reason) for refused in refusals] == [("version", True)]
    assert await world.pool.fetchval("select plan_version from lead where id = $1", lead) == BASE.version


async def test_a_lost_workflow_goes_on_with_the_plan_that_the_lead_was_moved_to(world: World) -> None:
    await PlanStore(world.pool).publish(edited(NEXT, renamed))
    answers: list[LeadStatus] = []
    rebuilt: list[Any] = []

    async def read(lead_id: str) -> None:
        async with world.pool.acquire() as conn:
            rebuilt.append(await build_start(conn, lead_id, again=True))

    moments = [Moment("call-3", goes_to(world, NEXT, answers)), Moment("new-sms-1", read)]
    lead = await world.submit(tuesday_at(15), moments=moments, **ADA)
    await ended(world, lead)
    start = rebuilt[0]
    assert start.plan.version == NEXT
    assert start.resume.replanned
    settled = {step.step: (step.state, step.channel) for step in start.resume.steps}
    assert settled["call-3"] == ("sent", "call")
    assert settled["new-call-3"] == ("skipped", "call")
    assert "new-call-4" not in settled
