"""An experiment from its draft to its roll-out, with inquiries that really come in."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from speedlead.domain.experiment import Experiment, Segment
from speedlead.domain.plan import Plan
from speedlead.experiments import steering
from speedlead.experiments.reading import result_of
from speedlead.experiments.steering import By
from speedlead.ids import new_id
from speedlead.intake import Rules, read_inquiry
from speedlead.plan_shelf import PlanShelf
from speedlead.planbook import load_plan
from speedlead.plans_in_use import refresh
from speedlead.store import experiments
from speedlead.store.experiments import ExperimentRefused, Known
from speedlead.store.intake import Submission, Taken, take_inquiry
from speedlead.store.leads import LeadStore
from speedlead.store.plans import from_file
from speedlead.store.pool import open_pool
from tests.gateway.house import StepClock

PLAN = load_plan()
BASE = f"{PLAN.id}:{PLAN.version}"
RULES = Rules(intents=tuple(name for names in PLAN.intents.values() for name in names))
WEIGHTS = {"geography": 0, "expertise": 0, "load": 1, "availability": 0, "performance": 0}
QUESTION = {
    "metric": "converted", "within": "30d", "usual": "20%", "effect": "20%",
    "guardrails": {"opt_out": "2%", "breach": "5%", "complaint": "1%"},
}  # fmt: skip


class House:
    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self.pool, self.clock, self.shelf = pool, StepClock(), PlanShelf(PLAN)
        self.faults: list[str] = []

    def by(self, note: str = "a try") -> By:
        return By("mo@example.com", "manager", note, self.clock.wall())

    async def check(self, plan: Plan) -> Sequence[str]:
        return self.faults

    async def in_force(self) -> None:
        """As if the seconds had passed after which every process knows."""
        await self.pool.execute("update experiment set started_wall = '2020-01-01' where started_wall is not null")
        await self.pool.execute("update plan set used_wall = clock_timestamp() where used_wall > clock_timestamp()")
        await refresh(self.pool, self.shelf)

    async def started(self, experiment_id: str = "short", **fields: Any) -> Known:
        definition = Experiment.model_validate(
            {"id": experiment_id, "title": "A shorter mail", "question": QUESTION, "segment": {"lead_type": "hot"},
             "arms": [{"key": "control", "share": 50},
                      {"key": "b", "share": 50, "changes": {"hot.email-1.template": "useful"}}], **fields}
        )  # fmt: skip
        await steering.save(self.pool, definition, self.by(), new=True)
        await steering.start(self.pool, experiment_id, self.by(), self.check)
        await self.in_force()
        return await experiments.known(self.pool, experiment_id)

    async def take(self, email: str, **fields: Any) -> Taken:
        given = {"email": email, "intent": "demo_request", **fields}
        submission = Submission(read_inquiry(given, RULES), "demo")
        return await take_inquiry(self.pool, self.clock, self.shelf.in_use, submission, self.shelf.running)

    async def lead(self, taken: Taken) -> Any:
        return await self.pool.fetchrow(
            "select variants, plan_id || ':' || plan_version as plan, person_id from lead where id = $1", taken.lead_id
        )

    async def end_of(self, taken: Taken, outcome: str) -> None:
        await self.pool.execute(
            "insert into outcome (id, lead_id, outcome, at) values ($1, $2, $3, $4)",
            new_id(), taken.lead_id, outcome, self.clock.now + timedelta(days=1),
        )  # fmt: skip
        await self.pool.execute("update lead set closed_at = $2 where id = $1", taken.lead_id, self.clock.now)


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    pool = await open_pool(database_url)
    await from_file(pool, PLAN)
    yield House(pool)
    await pool.close()


async def test_a_person_gets_one_arm_with_its_plan_and_keeps_it(house: House) -> None:
    known = await house.started()
    plans = {arm.variant: arm.plan for arm in known.arms}
    assert plans["short:control"] == BASE
    assert plans["short:b"] == f"{PLAN.id}:{PLAN.version + 1}"
    seen: Counter[str] = Counter()
    for number in range(40):
        taken = await house.take(f"p{number}@example.com")
        row = await house.lead(taken)
        (variant,) = row["variants"]
        seen[variant] += 1
        assert row["plan"] == plans[variant]
        assert taken.start is not None
        assert f"{taken.start.plan.id}:{taken.start.plan.version}" == plans[variant]
        first_mail = next(step for step in taken.start.plan.tracks["hot"].steps if step.id == "email-1")
        assert first_mail.template == ("useful" if variant == "short:b" else "missed_you")
        await house.end_of(taken, "unqualified")
        again = await house.lead(await house.take(f"p{number}@example.com", message="again"))
        assert again["variants"] == [variant]
    assert min(seen["short:control"], seen["short:b"]) > 4
    cold = await house.lead(await house.take("c@example.com", intent="newsletter"))
    assert (cold["variants"], cold["plan"]) == ([], BASE)


async def test_who_was_assigned_first_stays_whatever_the_lot_says_now(house: House) -> None:
    """As of a person who took over the leads of another one."""
    await house.started()
    for number in range(12):
        taken = await house.take(f"m{number}@example.com")
        (variant,) = (await house.lead(taken))["variants"]
        other = "short:b" if variant == "short:control" else "short:control"
        await house.pool.execute("update lead set variants = $2 where id = $1", taken.lead_id, [other])
        await house.end_of(taken, "unqualified")
        assert (await house.lead(await house.take(f"m{number}@example.com", message="again")))["variants"] == [other]


async def test_each_person_counts_once_and_only_when_the_time_is_over(house: House) -> None:
    known = await house.started()
    won: Counter[str] = Counter()
    persons: Counter[str] = Counter()
    for number in range(12):
        taken = await house.take(f"q{number}@example.com")
        (variant,) = (await house.lead(taken))["variants"]
        persons[variant] += 1
        won[variant] += number % 3 == 0
        await house.end_of(taken, "converted" if number % 3 == 0 else "unqualified")
        if number % 2:
            await house.end_of(await house.take(f"q{number}@example.com", message="more"), "unqualified")
    async with house.pool.acquire() as conn:
        early = await result_of(conn, known, house.clock.now + timedelta(days=2))
        late = await result_of(conn, known, house.clock.now + timedelta(days=31))
    assert [(arm.count.ripe, arm.count.won) for arm in early.arms] == [(0, 0), (0, 0)]
    assert early.arms[1].effect is None
    assert {arm.arm.variant: (arm.count.persons, arm.count.ripe, arm.count.won) for arm in late.arms} == {
        variant: (persons[variant], persons[variant], won[variant]) for variant in ("short:control", "short:b")
    }
    assert late.arms[1].effect is not None
    assert late.arms[1].effect.low < 0 < late.arms[1].effect.high


async def test_persons_beyond_the_planned_number_are_not_counted(house: House) -> None:
    await house.started()
    for number in range(6):
        await house.take(f"n{number}@example.com")
    await house.pool.execute("update experiment set planned = 4")
    known = await experiments.known(house.pool, "short")
    assert (await result_of(house.pool, known, house.clock.now)).persons == 4


async def test_what_was_started_cannot_be_changed_and_the_way_on_is_told(house: House) -> None:
    known = await house.started()
    with pytest.raises(ExperimentRefused, match="copy it under another id"):
        await steering.save(house.pool, known.definition, house.by(), new=False)
    with pytest.raises(ExperimentRefused, match="started before"):
        await steering.start(house.pool, "short", house.by(), house.check)
    with pytest.raises(ExperimentRefused, match="part of the comparison"):
        await steering.set_share(house.pool, "short", 80, house.by())
    assert await steering.copy(house.pool, "short", house.by()) == "short-again"
    with pytest.raises(ExperimentRefused, match=r"^short sets the plan of some of the same leads"):
        await steering.start(house.pool, "short-again", house.by(), house.check)
    await steering.stop(house.pool, "short", house.by())
    await refresh(house.pool, house.shelf)
    assert (await house.lead(await house.take("late@example.com")))["variants"] == []
    await steering.start(house.pool, "short-again", house.by(), house.check)


@pytest.mark.parametrize(
    ("arm", "says"),
    [
        ({"plan": "inbound:99"}, "arm b: plan inbound version 99: there is no such plan"),
        ({"changes": {"hot.email-9.template": "useful"}}, "has no such step; expected one of call-1"),
        ({"changes": {"hot.email-1.template": "missed_you"}}, "says all of that already"),
        ({"plan": BASE}, f"two arms are {BASE}"),
    ],
)
async def test_an_arm_that_is_nothing_is_refused_and_nothing_starts(
    house: House, arm: dict[str, Any], says: str
) -> None:
    with pytest.raises(ExperimentRefused, match=says):
        await house.started(arms=[{"key": "control", "share": 50}, {"key": "b", "share": 50, **arm}])
    assert (await experiments.known(house.pool, "short")).state == "draft"


async def test_a_plan_that_fails_its_check_is_never_stored(house: House) -> None:
    house.faults = ["template email/useful: not there"]
    with pytest.raises(ExperimentRefused, match="arm b: its plan cannot be used: template email/useful"):
        await house.started()
    assert await house.pool.fetchval("select max(version) from plan") == PLAN.version


async def test_weights_of_an_arm_reach_whoever_routes_its_leads(house: House) -> None:
    await house.started(arms=[{"key": "control", "share": 5}, {"key": "load", "share": 95, "weights": WEIGHTS}])
    leads = LeadStore(house.pool)
    for number in range(6):
        taken = await house.take(f"w{number}@example.com")
        weights = (await leads.read(taken.lead_id)).routing_weights
        (variant,) = (await house.lead(taken))["variants"]
        assert weights == (WEIGHTS if variant == "short:load" else None)


async def test_a_winner_is_rolled_out_by_steps_and_nobody_falls_out_again(house: House) -> None:
    known = await house.started(segment={})
    made = await steering.roll_out(house.pool, "short", "b", 10, house.by("it won"))
    assert (await experiments.known(house.pool, "short")).ending == "rolled_out"
    await house.in_force()
    persons = [await house.take(f"r{number}@example.com") for number in range(30)]
    ids = [str((await house.lead(taken))["person_id"]) for taken in persons]
    inside: set[str] = set()
    for share in (10, 50, 100):
        await steering.set_share(house.pool, made, share, house.by())
        await refresh(house.pool, house.shelf)
        (running,) = house.shelf.running
        now = {one for one in ids if (arm := running.arm_of(one, ())) is not None and arm.plan is not None}
        assert inside <= now
        inside = now
    assert inside == set(ids)
    await steering.adopt(house.pool, made, house.by())
    await house.in_force()
    assert f"{house.shelf.in_use.id}:{house.shelf.in_use.version}" == known.arms[1].plan
    notes = await house.pool.fetch("select action, note from audit order by id")
    assert [row["action"] for row in notes][-5:] == [
        "experiment roll-out",
        *["experiment share"] * 3,
        "experiment adopt",
    ]


async def test_a_roll_out_to_one_channel_leaves_the_others_alone(house: House) -> None:
    changed = await house.started()
    await steering.stop(house.pool, "short", house.by())
    plan = changed.arms[1].plan or ""
    made = await steering.begin_roll_out(house.pool, plan, Segment(channel=("chat",)), 100, house.by())
    await house.in_force()
    assert (await house.lead(await house.take("a@example.com", channel="chat")))["plan"] == plan
    assert (await house.lead(await house.take("b@example.com", channel="form")))["plan"] == BASE
    with pytest.raises(ExperimentRefused, match="a part of the leads"):
        await steering.adopt(house.pool, made, house.by())


@pytest.mark.parametrize(
    ("plan", "share", "says"),
    [
        ("nonsense", 10, "plan: expected a published version such as inbound:7, got 'nonsense'"),
        ("inbound:99", 10, "there is no such plan"),
        (BASE, 0, "share: expected 1 to 100, got 0"),
        (BASE, 101, "share: expected 1 to 100, got 101"),
    ],
)
async def test_a_roll_out_of_nothing_is_refused(house: House, plan: str, share: int, says: str) -> None:
    with pytest.raises(ExperimentRefused, match=says):
        await steering.begin_roll_out(house.pool, plan, Segment(), share, house.by())
    assert await experiments.all_known(house.pool) == []


async def test_a_draft_that_somebody_else_changed_is_neither_saved_nor_started(house: House) -> None:
    await house.started()
    await steering.copy(house.pool, "short", house.by())
    copy = await experiments.known(house.pool, "short-again")
    before = copy.changed_wall - timedelta(minutes=1)
    with pytest.raises(ExperimentRefused, match="look again"):
        await steering.save(house.pool, copy.definition, house.by(), new=False, seen=before)
    with pytest.raises(ExperimentRefused, match="look again"):
        await steering.start(house.pool, "short-again", house.by(), house.check, seen=before)
    await steering.save(house.pool, copy.definition, house.by(), new=False, seen=copy.changed_wall)


@pytest.mark.parametrize("name", ["nothing", "a\0b", "../x", ""])
async def test_what_is_no_experiment_is_refused_whatever_it_is(house: House, name: str) -> None:
    with pytest.raises(ExperimentRefused, match=r"there is no such experiment|expected the id of an experiment"):
        await steering.stop(house.pool, name, house.by())


async def test_of_two_that_take_the_same_id_at_once_one_is_refused(house: House) -> None:
    arms = [{"key": "control", "share": 50}, {"key": "b", "share": 50, "changes": {"hot.email-1.template": "useful"}}]
    given = {"id": "one", "question": QUESTION, "arms": arms}
    done = await asyncio.gather(*(
        steering.save(house.pool, Experiment.model_validate({**given, "title": title}), house.by(), new=True)
        for title in ("mine", "yours")), return_exceptions=True)  # fmt: skip
    (refused,) = [one for one in done if one is not None]
    assert isinstance(refused, ExperimentRefused)
    assert str(refused) == "id: one is taken; expected another one"


async def test_whoever_adopts_sees_the_share_that_another_one_is_just_setting(house: House) -> None:
    known = await house.started(segment={})
    made = await steering.roll_out(house.pool, "short", "b", 100, house.by("it won"))
    async with house.pool.acquire() as conn, conn.transaction():
        arms = (await experiments.known(conn, made, lock=True)).arms
        adopting = asyncio.create_task(steering.adopt(house.pool, made, house.by()))
        async with house.pool.acquire() as other:
            while not await other.fetchval("select exists (select from pg_locks where not granted)"):
                assert not adopting.done()
        await experiments.set_shares(conn, {arms[0].variant: 10, arms[1].variant: 90})
    with pytest.raises(ExperimentRefused, match="only 10 % of the leads"):
        await adopting
    assert known.arms[1].plan == arms[0].plan


async def test_of_two_that_start_at_once_for_the_same_leads_one_is_refused(house: House) -> None:
    arms = [{"key": "control", "share": 50}, {"key": "b", "share": 50, "changes": {"hot.email-1.template": "useful"}}]
    for name in ("one", "two"):
        definition = Experiment.model_validate({"id": name, "title": name, "question": QUESTION, "arms": arms})
        await steering.save(house.pool, definition, house.by(), new=True)
    done = await asyncio.gather(
        *(steering.start(house.pool, name, house.by(), house.check) for name in ("one", "two")), return_exceptions=True
    )
    assert sum(isinstance(one, ExperimentRefused) for one in done) == 1
    assert sum(one is None for one in done) == 1
