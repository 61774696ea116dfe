"""A touch's state never moves backwards, in whatever order claims, answers, reports and reconciling come.

`claimed` and `deferred` alternate until one of four ends. An end stays, but for what the provider says late: what was
in doubt was sent after all, and a call that was said to have reached nobody has reached somebody.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from speedlead.domain.outcomes import CallResult
from speedlead.ids import new_id
from speedlead.records import Claimed
from speedlead.store import calls
from speedlead.store.calls import CallReport
from speedlead.store.claims import FINAL
from speedlead.store.deliveries import RANK, Report, take_report
from speedlead.store.transactions import transact
from tests.activities.house import House, open_house

EXAMPLES = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
LEG_ORDER = ("claimed", "ringing", "answered", "accepted", "ended")
# once it is there it stays
SET_ONCE = ("sent_at", "provider_id")
# what the provider says late of a call that was given up, or that ended with another result
REACHED = ("voicemail_left", "connected")
CORRECTIONS = {(r.value, to) for r in CallResult for to in REACHED if r.value not in ("connected", to)}
Row = dict[str, Any]


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_house(database_url) as made:
        await made.rep()
        yield made


@dataclass
class Story:
    """One touch. Every method may be called at every moment: whether it makes sense is for the store to say."""

    house: House
    lead: str
    channel: Literal["email", "sms", "call"]
    rep: str
    attempt: int = 1

    @property
    def touch(self) -> str:
        return f"{self.lead}.{self.channel}-1"

    def leg(self, level: int, role: str = "rep", attempt: int | None = None) -> str:
        return f"{self.touch}.{role}-{attempt or self.attempt}-{level}"

    async def claim(self, level: int) -> None:
        before = await self.row()
        if before and before["state"] == "deferred":
            self.attempt += 1  # what was put off is another attempt, with legs of its own
        leg: dict[str, Any] = {"leg_id": self.leg(level), "rep_id": self.rep} if self.channel == "call" else {}
        answer = await self.house.touches.claim(
            self.house.claim(self.lead, f"{self.channel}-1", self.channel, purpose="manual", hours=None, **leg)
        )
        assert not (before and before["state"] in FINAL and isinstance(answer, Claimed))

    async def later(self, level: int) -> None:
        self.house.clock.now += timedelta(seconds=3 * level)

    async def sent(self, level: int) -> None:
        leg = self.leg(level) if self.channel == "call" else None
        await self.house.touches.sent(self.touch, provider_id=f"{self.touch}-{level}", at=self.now, leg_id=leg)

    async def release(self, level: int) -> None:
        await self.house.touches.release(self.touch, self.leg(level) if self.channel == "call" else None)

    async def ended(self, level: int) -> None:
        state = ("failed", "in_doubt", "skipped")[level - 1]
        await self.house.touches.ended(self.touch, state=state, reason="provider_down", at=self.now)

    async def repeat(self, level: int) -> None:
        if self.channel != "call":  # a call never is
            await self.house.touches.repeat(self.touch, self.now)

    async def adopt(self, level: int) -> None:
        leg = self.leg(level) if self.channel == "call" else None
        await self.house.touches.adopt(self.touch, [f"{self.touch}-{level}"], at=self.now, leg_id=leg)

    async def pass_over(self, level: int) -> None:
        skips = [(f"{self.channel}-1", self.channel, "no_phone", self.now)]
        await self.house.touches.skip(self.lead, skips, self.now)

    async def put_off(self, level: int) -> None:
        if self.channel == "call":
            await self.house.touches.put_off(
                self.lead, "call-1", reason="rep_unavailable", next_at=None, now=self.now, planned_at=self.now,
                purpose="manual",
            )  # fmt: skip

    async def end_task(self, level: int) -> None:
        result = (CallResult.CONNECTED, CallResult.NO_ANSWER, None)[level - 1]
        await self.house.touches.task_over(self.touch, self.leg(level), at=self.now, result=result)

    async def key(self, level: int) -> None:
        await self.house.gate.claim_lead_leg(self.leg(level))

    async def close(self, level: int) -> None:
        await self.house.leads.close(self.lead, reason="no_outcome", stage="closed", at=self.now)

    async def delivery(self, status: str, code: str | None) -> None:
        report = Report("twilio", new_id(), "sms/status", self.touch, f"{self.touch}-1", status, {}, None, code)
        await transact(self.house.pool, lambda conn: take_report(conn, self.house.clock, report))

    async def phone(self, what: str, status: str, code: str | None, level: int, attempt: int | None) -> None:
        """`attempt`: an older one, whose reports are late; None: this one."""
        role, clock = ("lead" if what == "take_lead_leg" else "rep"), self.house.clock
        report = CallReport(new_id(), "voice/leg", self.leg(level, role, attempt), f"CA-{role}-{level}", status, code)

        async def work(conn: Any) -> Any:
            if what == "rep_accepted":
                return await calls.rep_accepted(conn, clock, report.leg_id)
            if what == "rep_refused":
                return await calls.rep_refused(conn, clock, report, "rep_declined", None)
            return await getattr(calls, what)(conn, clock, report)

        await transact(self.house.pool, work)

    @property
    def now(self) -> Any:
        return self.house.clock.now

    async def row(self) -> Row | None:
        return await self.house.touch(self.lead, f"{self.channel}-1")

    async def legs(self) -> dict[str, Row]:
        rows = await self.house.pool.fetch("select * from leg where touch_id = $1", self.touch)
        return {row["id"]: dict(row) for row in rows}


def backwards(before: Row | None, after: Row | None) -> str | None:
    """What moved that must not; None when all is well."""
    if before is None:
        return None
    if after is None:
        return "the touch is gone"
    old, new = before["state"], after["state"]
    after_all = (before["call_result"], after["call_result"]) in CORRECTIONS
    if old in FINAL and new != old and (old, new) != ("in_doubt", "sent") and not (new == "sent" and after_all):
        return f"{old} became {new}"
    if before["call_result"] not in (None, after["call_result"]) and not after_all:
        return f"the result {before['call_result']} became {after['call_result']}"
    for name in SET_ONCE:
        if before[name] is not None and after[name] != before[name]:
            return f"{name} changed"
    if before["delivery"] is not None and RANK[after["delivery"]] < RANK[before["delivery"]]:
        return f"delivery {before['delivery']} became {after['delivery']}"
    return None


def leg_backwards(before: Row, after: Row | None) -> str | None:
    if after is None:
        return None if before["state"] == "claimed" else f"a leg that was {before['state']} is gone"
    old, new = before["state"], after["state"]
    if old in ("ended", "failed"):
        corrected = after["result"] in REACHED and before["result"] != "connected" and before["role"] == "lead"
        put_right = before["result"] not in {*CallResult} and before["role"] == "lead"
        if new == old and (after["result"] == before["result"] or corrected or put_right):
            return None
        return f"a leg that was {old}, {before['result']} became {new}, {after['result']}"
    if new == "failed" or LEG_ORDER.index(new) >= LEG_ORDER.index(old):
        return None
    return f"a leg that was {old} became {new}"


Step = Callable[[Story], Awaitable[None]]
level = st.sampled_from([1, 1, 1, 1, 2, 3])  # most things happen to one leg, or nothing would meet
BOTH = ("claim", "claim", "later", "sent", "release", "ended", "adopt", "pass_over", "close")
messages = st.one_of(
    st.tuples(st.sampled_from([*BOTH, "repeat"]), level),
    st.tuples(st.just("delivery"), st.sampled_from(sorted(RANK)), st.sampled_from([None, "30005"])),
)
PHONES = ("take_rep_leg", "take_lead_leg", "take_lead_leg", "rep_accepted", "rep_refused")
PHONE_STATES = ("initiated", "ringing", "in-progress", "completed", "busy", "no-answer", "failed", "canceled")
call_steps = st.one_of(
    st.tuples(st.sampled_from([*BOTH, "put_off", "end_task", "key", "key"]), level),
    st.tuples(
        st.just("phone"),
        st.sampled_from(PHONES),
        st.sampled_from(PHONE_STATES),
        st.sampled_from([None, "404"]),
        level,
        st.sampled_from([None, None, 1]),
    ),
)


async def play(house: House, channel: Literal["email", "sms", "call"], steps: list[tuple[Any, ...]]) -> None:
    rep = await house.pool.fetchval("select id from rep limit 1")
    number = await house.pool.fetchval("select count(*) from lead")
    lead = await house.lead(email=f"{number}@example.com", phone=f"+1212555{number:04}")
    story = Story(house, lead, channel, rep)
    for step, *values in steps:
        touch, legs = await story.row(), await story.legs()
        await getattr(story, step)(*values)
        assert backwards(touch, await story.row()) is None, step
        after = await story.legs()
        assert [wrong for leg in legs if (wrong := leg_backwards(legs[leg], after.get(leg)))] == [], step


@EXAMPLES
@given(channel=st.sampled_from(["email", "sms"]), steps=st.lists(messages, min_size=3, max_size=12))
async def test_a_message_never_moves_backwards(house: House, channel: Any, steps: list[tuple[Any, ...]]) -> None:
    await play(house, channel, [("claim", 1), *steps])


@EXAMPLES
@example(
    dialled=True,
    steps=[("phone", "take_lead_leg", status, None, 1, None) for status in ("failed", "ringing")] + [("later", 1)],
)
@given(dialled=st.booleans(), steps=st.lists(call_steps, min_size=3, max_size=14))
async def test_a_call_never_moves_backwards(house: House, dialled: bool, steps: list[tuple[Any, ...]]) -> None:
    await play(house, "call", [("claim", 1), ("sent", 1), *([("key", 1)] if dialled else []), *steps])
