"""The stories whose histories are stored: those of the demo, and what else can happen to a lead.

Stories of one `Group` are played at once in a world of their own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowHandle
from temporalio.common import RawValue

from speedlead.cadence_client import CadenceClient
from speedlead.demo import stories
from speedlead.demo.moments import Happening, Moment
from speedlead.demo.people import answers_mail, logs
from speedlead.demo.stories import Story
from speedlead.demo.world import World
from speedlead.ids import workflow_id
from speedlead.planbook import load_plan
from speedlead.store.plans import PlanStore
from speedlead.store.starts import build_start
from tests.e2e.house import PLANS

TASKS = Path(__file__).parent / "tasks.yaml"
POISON: tuple[list[Any], ...] = (
    [],
    ["not an object"],
    [None],
    [{"scope": 3, "outcome": "maybe", "channel": "pigeon", "touch_id": 0, "number": "x", "reason": 5}],
    [{"by": "one"}, {"by": "too many"}],
    [RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b"{not json"))],
)
SIGNALS = ("inquiry", "outcome", "reply", "answer", "opt_out", "delivery", "call_progress", "assigned", "replan")


@dataclass(frozen=True)
class Group:
    stories: Sequence[Story]
    # settings of its world
    settings: dict[str, object] = field(default_factory=dict)
    # whether whoever gets a lead takes it at once
    reps_accept: bool = True
    # people call: in real time, because a lead that waits for them skips it
    by_hand: bool = False
    # what the rows are made to say before the first form
    rows: tuple[str, ...] = ()


Happens = Callable[[World, str], Awaitable[None]]


def _then(*moments: tuple[str, Happens]) -> Callable[[World, Story, date], tuple[Moment, ...]]:
    def bound(world: World, happens: Happens) -> Happening:
        return lambda lead_id: happens(world, lead_id)

    return lambda world, story, tuesday: tuple(Moment(after, bound(world, happens)) for after, happens in moments)


def _person(key: str, title: str, of: Story, name: str, **form: str) -> Story:
    email = f"{name.lower().replace(' ', '.')}@example.com"
    kept = {field: value for field, value in of.form.items() if field != "company"}
    return replace(of, key=key, title=title, form=kept | {"name": name, "email": email} | form, acts={},
                   moments=lambda world, story, tuesday: ())  # fmt: skip


def _handle(world: World, lead_id: str) -> WorkflowHandle[Any, Any]:
    return world.client.get_workflow_handle(workflow_id(lead_id))


# ── straight to the workflow, as from the Temporal UI: no row of ours knows of it ────────────────────────────────────


async def _qualified(world: World, lead_id: str) -> None:
    await _handle(world, lead_id).signal("outcome", {"call_result": "connected", "outcome": "qualified"})


async def _poison(world: World, lead_id: str) -> None:
    # every handler gets some, and one of them all; more would only make the file longer
    for args in POISON:
        await _handle(world, lead_id).signal("reply", args=args)
    for number, name in enumerate(SIGNALS):
        await _handle(world, lead_id).signal(name, args=POISON[number % len(POISON)])


# ── what people of ours ask for ──────────────────────────────────────────────────────────────────────────────────────


def _asks(update: str, **body: object) -> Happens:
    async def happens(world: World, lead_id: str) -> None:
        await world.leads.update(lead_id, update, body)

    return happens


def _owner_asks(update: str) -> Happens:
    async def happens(world: World, lead_id: str) -> None:
        owner = await world.pool.fetchval("select owner_id from lead where id = $1", lead_id)
        await world.leads.update(lead_id, update, {"rep_id": owner})

    return happens


async def _pauses_for_an_hour(world: World, lead_id: str) -> None:
    until = activity.info().current_attempt_scheduled_time + timedelta(hours=1)
    await world.leads.update(lead_id, "pause", {"until": until.isoformat(), "by": "ops", "reason": "asked_to"})


async def _pauses_and_resumes(world: World, lead_id: str) -> None:
    await world.leads.update(lead_id, "pause", {"by": "ops", "reason": "asked_to"})
    await world.leads.update(lead_id, "resume", {"by": "ops"})


async def take_calls(world: World) -> None:
    """Until cancelled: whoever is offered a call by hand takes it at once, and logs that nobody answered.

    During its first call a cold lead sends another form.
    """
    done: set[str] = set()
    while True:
        for task in await world.pool.fetch("select id, lead_id, rep_id from notice where kind = 'call_task'"):
            if task["id"] not in done:
                done.add(task["id"])
                await world.leads.update(task["lead_id"], "accept", {"rep_id": task["rep_id"]})
                if await world.pool.fetchval("select lead_type = 'cold' from lead where id = $1", task["lead_id"]):
                    await _asks_again(world, task["lead_id"], "demo_request")
                await world.leads.update(task["lead_id"], "log_outcome", {"call_result": "no_answer"})
        await asyncio.sleep(0.05)


async def _moves_to_a_newer_plan(world: World, lead_id: str) -> None:
    plan = load_plan()
    newer = plan.model_copy(update={"version": plan.version + 1})
    await PlanStore(world.pool).publish(newer)
    await world.leads.update(lead_id, "change_plan", {"plan_id": newer.id, "version": newer.version, "by": "ops"})


async def _gives_it_away(world: World, lead_id: str) -> None:
    other = await world.pool.fetchval(
        "select id from rep where active and id <> (select owner_id from lead where id = $1) order by email limit 1",
        lead_id,
    )
    await world.leads.update(lead_id, "reassign", {"rep_id": other, "by": "ops", "reason": "on_holiday"})


async def _somebody_gets_room(world: World, lead_id: str) -> None:
    """As the waiting pool's chore does, whose rows are not the workflow's business."""
    rep = await world.pool.fetchval("select id from rep where not manager order by email limit 1")
    await world.pool.execute("update lead set owner_id = $2 where id = $1", lead_id, rep)
    await world.leads.signal(lead_id, "assigned", {"rep_id": rep, "message_id": f"deal-{lead_id}"})


async def _asks_again(world: World, lead_id: str, intent: str = "pricing") -> None:
    form = await world.pool.fetchrow(
        "select p.name, i.email from inquiry i join person p on p.id = i.person_id where i.lead_id = $1 limit 1",
        lead_id,
    )
    assert form is not None
    await world.call("POST", f"{world.url}/api/leads", {**form, "intent": intent, "message": "And what is it?"})


async def _writes(world: World, lead_id: str) -> None:
    await world.call("POST", f"{world.url}/api/leads/{lead_id}/messages", {"channel": "email", "body": "Ten a month."})


async def _starts_again_from_rows(world: World, lead_id: str) -> None:
    """The workflow is lost in the middle of a touch; the new one begins at that instant of the lead's time."""
    now = activity.info().current_attempt_scheduled_time
    await _handle(world, lead_id).terminate("lost, for a story")
    async with world.pool.acquire() as connection:
        start = await build_start(connection, lead_id, again=True)
    assert start is not None
    delay = max(timedelta(0), now - datetime.now(now.tzinfo))
    assert await CadenceClient(world.client, start_delay=delay).start(start, again=True)


ALL_DAY = "update rep set weekly = jsonb_build_object({})".format(
    ", ".join(f"'{day}', '[[0, 1440]]'::jsonb" for day in range(7))
)
BASE, WITHOUT_PHONE, COLD = stories.NEVER_ANSWERS, stories.WITHOUT_PHONE, stories.COLD
PHONES = (f"+1212555{number:04}" for number in range(151, 199))


def _hot(key: str, title: str, name: str, *moments: tuple[str, Happens]) -> Story:
    return replace(_person(key, title, BASE, name, phone=next(PHONES)), moments=_then(*moments))


def _by_mail(key: str, title: str, name: str, *moments: tuple[str, Happens]) -> Story:
    return replace(_person(key, title, WITHOUT_PHONE, name), moments=_then(*moments))


OUT_OF_PLAN = (
    _hot("outcome_by_signal", "An outcome from the Temporal UI", "Ingrid Solberg", ("call-2", _qualified)),
    replace(_person("poison_signals", "Signals that make no sense", COLD, "Walter Quist", phone="+61491570159"),
            moments=_then(("email-1", _poison))),
    _hot("changes_plan", "Moves to a newer plan", "Hedda Falk", ("call-2", _moves_to_a_newer_plan)),
    _hot("starts_again", "The workflow is lost and starts again from rows", "Otto Brahm",
         ("email-1", _starts_again_from_rows)),
    _hot(
        "steered", "Paused, skipped, given away, called at once, stopped", "Greta Lind",
        ("call-1", _pauses_for_an_hour), ("call-2", _asks("skip", step="call-3", by="ops", reason="too_many")),
        ("email-1", _gives_it_away), ("email-1", _pauses_and_resumes), ("sms-1", _asks("call_now", by="ops")),
        ("sms-1", _asks("correct", by="ops")), ("day-3-email", _asks("stop", by="ops", reason="no_budget")),
    ),
    _by_mail("asks_again", "Sends another form, which makes it hotter", "Alma Reyes", ("email-1", _asks_again)),
    replace(_by_mail("is_answered", "Writes, and somebody of ours answers", "Iris Novak"),
            moments=lambda world, story, tuesday: (
                Moment("email-1", answers_mail(world, story.form["email"], "How much is it?")),
                Moment("reply_received", lambda lead_id: _writes(world, lead_id)),
                Moment("reply_received", logs(world, outcome="not_interested", note="Too much."), nth=2),
            )),
)  # fmt: skip

GROUPS = (
    Group((*stories.STORIES, *OUT_OF_PLAN)),
    Group(
        (
            _by_mail("nobody_accepts", "Asked one after the other, and nobody accepts", "Edith Wolff"),
            _by_mail("declined", "The owner declines, the backup accepts", "Bruno Costa",
                     ("write_personally", _owner_asks("decline")), ("escalated", _owner_asks("accept"))),
        ),
        reps_accept=False,
    ),
    Group(
        (_hot("waits_in_the_pool", "Nobody is there, then somebody", "Vera Holm", ("routed", _somebody_gets_room)),),
        rows=("update rep set active = false",),
    ),
    Group(
        (
            _hot("calls_by_hand", "A rep dials and logs", "Emil Nord"),
            _person("hotter_in_a_call", "Sends a form that makes it hotter while a rep calls", BASE, "Ylva Berg",
                    phone=next(PHONES), intent="newsletter"),
        ),
        settings={"plan_file": TASKS, "law_file": PLANS / "no_limits.yaml"},
        rows=(ALL_DAY,),
        by_hand=True,
    ),
)  # fmt: skip
RECORDED = tuple(story for group in GROUPS for story in group.stories)
