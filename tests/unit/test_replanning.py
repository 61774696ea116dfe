"""A lead goes to another plan at any moment, and back: no step comes twice, none is lost, none goes in a burst."""

import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speedlead.domain.cadence import Act, Await, Finish, decide
from speedlead.domain.lead import Hurry, LeadState, Owed, Repeat, Report
from speedlead.domain.outcomes import CallResult
from speedlead.domain.plan import Cadence, Step, Track
from speedlead.domain.recovery import not_delivered
from speedlead.domain.replanning import PLAN_CHANGED, cannot_move, move
from speedlead.domain.settling import pass_over, settle
from tests.unit.leads import DAY, HOUR, MINUTE, NOW, lead

_TALK = 3 * MINUTE


def plan(*steps: Step, version: int = 1, settle: int = 86400) -> Cadence:
    track = Track(steps=steps, settle=settle)
    return Cadence(id="own", version=version, tracks={"hot": track, "warm": track, "cold": track})


def call(name: str, after: str = "lead", minutes: int = 0, **more: int) -> Step:
    return Step(id=name, channel="call", after=after, delay=minutes * 60, **more)


def mail(name: str, after: str = "lead", minutes: int = 0, **more: int) -> Step:
    return Step(id=name, channel="email", after=after, delay=minutes * 60, template="useful", **more)


@dataclass(frozen=True)
class Ended:
    state: str
    at: datetime
    reason: str | None = None
    next_at: datetime | None = None
    bad_channel: str | None = None
    opted_out: str | None = None
    call_result: CallResult | None = None


@dataclass
class Walk:
    """A lead that nobody answers; every touch takes three minutes, and a change waits for its end."""

    lead: LeadState
    changes: list[tuple[datetime, Cadence]]
    now: datetime = NOW
    sent: list[tuple[str, str, datetime]] = field(default_factory=list)
    moved_at: list[datetime] = field(default_factory=list)

    def to_the_end(self) -> "Walk":
        for _ in range(500):
            self._take_plan()
            decision = decide(self.lead, self.now)
            match decision:
                case Act():
                    self._act(decision)
                case Await(until=until):
                    assert until is not None
                    self.now = min([until, *(at for at, _ in self.changes[:1])])
                case Finish(reason=reason):
                    assert reason == "plan_completed"
                    return self
                case other:
                    raise AssertionError(f"a lead with every channel: {other}")
        raise AssertionError("the plan leads in a circle")

    def _take_plan(self) -> None:
        while self.changes and self.changes[0][0] <= self.now:
            _, cadence = self.changes.pop(0)
            if cannot_move(self.lead, cadence) is None:
                move(self.lead, cadence, self.now)
                self.moved_at.append(self.now)

    def _act(self, act: Act) -> None:
        apart = self.lead.apart(act.step) or self.now
        at = max(act.earliest + act.step.local_days * DAY, apart, self.now)
        if self.changes and self.changes[0][0] < at:
            self.now = self.changes[0][0]
            return
        pass_over(self.lead, act, at, {}, at)
        self.sent.append((act.step.id, act.step.channel, at))
        self.now = at + _TALK
        result = CallResult.NO_ANSWER if act.step.channel == "call" else None
        settle(self.lead, act, at, Ended("sent", at, call_result=result), self.now)

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.sent]


def walk(first: Cadence, *changes: tuple[datetime, Cadence]) -> Walk:
    return Walk(lead(cadence=first), sorted(changes, key=lambda change: change[0])).to_the_end()


NAMES = [*(("call", f"call-{n}") for n in range(4)), *(("email", f"mail-{n}") for n in range(4)),
         *(("sms", f"text-{n}") for n in range(2))]  # fmt: skip


@st.composite
def plans(draw: st.DrawFn, version: int) -> Cadence:
    chosen = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=7, unique=True))
    steps: list[Step] = []
    for channel, name in chosen:
        after = draw(st.sampled_from(["lead", *(step.id for step in steps)]))
        days = draw(st.sampled_from([0, 0, 0, 1, 2]))
        minutes = 0 if days else draw(st.integers(0, 600))
        gap = draw(st.sampled_from([0, 0, 120, 3600]))
        template = None if channel == "call" else "useful"
        steps.append(Step(id=name, channel=channel, after=after, delay=minutes * 60, local_days=days, min_gap=gap,
                          template=template))  # fmt: skip
    return plan(*steps, version=version)


MOMENTS = st.integers(0, 5 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))


@settings(max_examples=400, deadline=None)
@given(plans(1), plans(2), MOMENTS)
def test_every_due_touch_goes_once(old: Cadence, new: Cadence, at: datetime) -> None:
    done = walk(old, (at, new))
    assert len(set(done.names)) == len(done.names)
    if not done.moved_at:  # the lead was through before
        assert done.names == [step.id for step in old.tracks["hot"].steps]
        return
    before = [name for name, _, when in done.sent if when < done.moved_at[0]]
    left_out = [step.id for step in new.tracks["hot"].steps if step.id not in done.names]
    assert [done.lead.settled[name].reason for name in left_out] == [PLAN_CHANGED] * len(left_out)
    had = {step.id for step in old.tracks["hot"].steps}
    channel = {step.id: step.channel for step in (*old.tracks["hot"].steps, *new.tracks["hot"].steps)}
    order = [step.id for step in new.tracks["hot"].steps]
    held = [name for name in before if name not in order]  # places of the old plan that the new one calls otherwise
    for name in left_out:
        assert name not in had, "what both plans have is never left out"
        of_another = any(channel[name] == channel[other] for other in held)
        behind = any(order.index(other) > order.index(name) for other in before if other in order)
        stands = any(order.index(other) > order.index(name) for other in left_out)
        assert of_another or behind or stands, name


@settings(max_examples=300, deadline=None)
@given(plans(1), plans(2), MOMENTS, MOMENTS)
def test_no_burst_on_another_plan(old: Cadence, new: Cadence, at: datetime, back: datetime) -> None:
    done = walk(old, (at, new), (back, old))
    assert len(set(done.names)) == len(done.names)
    under_way = [when for when in done.moved_at if done.sent and done.sent[0][2] < when]
    if not under_way:
        return
    for channel, least in (("call", 7 * MINUTE), ("email", HOUR), ("sms", HOUR)):
        times = [when for _, of, when in done.sent if of == channel]
        for earlier, later in itertools.pairwise(times):
            if later >= under_way[0]:
                assert later - earlier >= least


@settings(max_examples=300, deadline=None)
@given(plans(1), plans(2), MOMENTS)
def test_there_and_back_between_two_touches_is_as_if_nobody_had_moved(old: Cadence, new: Cadence, at: datetime) -> None:
    assert walk(old, (at, new), (at, old)).names == walk(old).names


@settings(max_examples=200, deadline=None)
@given(plans(1), MOMENTS, MOMENTS)
def test_other_names_for_the_same_steps_change_nothing(old: Cadence, at: datetime, back: datetime) -> None:
    def other(name: str) -> str:
        return name if name == "lead" else f"new-{name}"

    steps = [s.model_copy(update={"id": other(s.id), "after": other(s.after)}) for s in old.tracks["hot"].steps]
    done = walk(old, (at, plan(*steps, version=2)), (back, old))
    assert [name.removeprefix("new-") for name in done.names] == [step.id for step in old.tracks["hot"].steps]


OLD = plan(call("call-1"), call("call-2", "call-1", 7), mail("email-1", "call-2", 2))


def test_a_step_keeps_the_instant_that_later_ones_count_from() -> None:
    new = plan(call("call-1"), call("second", "call-1", 7), mail("email-1", "second", 240), version=2)
    done = walk(OLD, (NOW + 8 * MINUTE, new))
    assert done.sent[-1] == ("email-1", "email", NOW + 247 * MINUTE)
    assert "second" not in done.names


def test_what_is_new_and_behind_the_lead_is_left_out_and_what_is_ahead_goes() -> None:
    new = plan(
        call("call-1"), mail("hello", "call-1", 1), call("call-2", "call-1", 7), mail("bye", "call-2", 60), version=2
    )
    done = walk(plan(call("call-1"), call("call-2", "call-1", 7), call("call-3", "call-2", 600)), (NOW + HOUR, new))
    assert done.names == ["call-1", "call-2", "bye"]
    assert done.lead.settled["hello"].reason == PLAN_CHANGED


def test_a_plan_without_the_next_step_goes_on_with_what_it_has() -> None:
    done = walk(OLD, (NOW + MINUTE, plan(call("call-1"), mail("email-9", "call-1", 30), version=2)))
    assert done.names == ["call-1", "email-9"]


def test_a_change_during_a_touch_counts_it_under_its_old_name() -> None:
    new = plan(call("first"), call("second", "first", 7), mail("email-1", "second", 2), version=2)
    done = walk(OLD, (NOW + MINUTE, new))  # call-1 rings until the third minute
    assert done.names == ["call-1", "second", "email-1"]
    assert done.sent[1][2] == NOW + 7 * MINUTE


def owing(first: Cadence = OLD) -> LeadState:
    """call-2 found nobody of ours and is still due."""
    state = lead(cadence=first)
    state.settle("call-1", "sent", NOW, "call")
    state.settle("call-2", "deferred", NOW + 7 * MINUTE, "call", "rep_unavailable")
    state.owed = Owed("call-2", NOW + HOUR)
    return state


def test_a_call_that_is_owed_goes_on_being_owed_under_its_new_name_and_back() -> None:
    new = plan(call("call-1"), call("second", "call-1", 7), mail("email-1", "second", 2), version=2)
    state = owing()
    assert move(state, new, NOW + 10 * MINUTE) == ()
    assert state.owed == Owed("second", NOW + HOUR)
    assert "call-2" not in state.settled
    move(state, OLD, NOW + 11 * MINUTE)
    assert state.owed == Owed("call-2", NOW + HOUR)
    assert "second" not in state.settled
    decision = decide(state, NOW + 12 * MINUTE)
    assert isinstance(decision, Act)
    assert decision.step.id == "email-1"


def test_a_plan_that_has_no_call_for_one_that_is_owed_is_refused() -> None:
    without = plan(call("call-1"), mail("email-1", "call-1", 2), version=7)
    assert cannot_move(owing(), without) == (
        "call-2 is still due, and the hot track of own version 7 has no call that could take its place"
    )
    later = plan(call("call-1"), mail("email-1", "call-1", 2), call("call-9", "email-1", 60), version=7)
    assert cannot_move(owing(), later) is None


def test_a_repetition_that_is_owed_and_a_late_word_about_an_old_step_are_not_lost() -> None:
    state = lead(cadence=OLD)
    for step in OLD.tracks["hot"].steps:
        state.settle(step.id, "sent", NOW, step.channel)
    state.repeats["email-1"] = Repeat("email-1", 1, NOW + HOUR)
    new = plan(call("call-1"), mail("hello", "call-1", 2), call("call-5", "hello", 600), version=2)
    move(state, new, NOW + MINUTE)
    assert state.repeats == {"hello": Repeat("hello", 1, NOW + HOUR)}
    not_delivered(state, "email-1", Report("other_channel"), NOW + 2 * MINUTE)
    assert state.hurry == Hurry("email", NOW + 2 * MINUTE)


@pytest.mark.parametrize("channel", ["call", "email"])
def test_a_lead_that_stays_on_its_plan_is_not_held_apart(channel: str) -> None:
    state = lead(cadence=OLD)
    state.settle("call-1", "sent", NOW, "call")
    state.settle("email-1", "sent", NOW, "email")
    step = call("x", min_gap=7200) if channel == "call" else mail("x")
    assert state.apart(step) is None
    state.replanned = True
    assert state.apart(step) == NOW + (2 * HOUR if channel == "call" else HOUR)
