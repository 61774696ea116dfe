"""The assistant's turn: only where nobody of ours can answer in time, and a message may go at this moment."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from temporalio import activity

from activities.clock import ActivityClock
from activities.planning import Planning
from speedlead.contracts import TurnRequest, TurnResult
from speedlead.domain.assistant import TARGETS_S, in_time
from speedlead.domain.placing import Placed
from speedlead.plan_shelf import Source, plan_of
from speedlead.records import LeadRecord, Leads

# where neither the plan nor the house has a target for a channel
_ELSE_S = 3600


class Ended(Protocol):
    @property
    def act(self) -> str: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def answer(self) -> int | None: ...
    @property
    def channel(self) -> str | None: ...


class Desk(Protocol):
    """`speedlead/assistant/desk.py`."""

    async def channel(self, lead_id: str, reply_id: str) -> str | None:
        """How the message came; None: there is no such message."""
        ...

    async def take(self, lead_id: str, reply_id: str, now: datetime, wall: datetime) -> Ended: ...
    async def keep_out(self, lead_id: str, reply_id: str, reason: str, now: datetime) -> Ended: ...


class Assisting:
    """`desk` None: this worker has no assistant."""

    def __init__(
        self, *, leads: Leads, planning: Planning, clock: ActivityClock, plan: Source, desk: Desk | None = None
    ) -> None:
        self._leads = leads
        self._planning = planning
        self._clock = clock
        self._plan = plan
        self._desk = desk

    @activity.defn
    async def assistant_turn(self, request: TurnRequest) -> TurnResult:
        """One message, once. What is to be sent by SMS or mail is named in the result; a chat has it already."""
        if self._desk is None:
            return TurnResult(act="kept_out", reason="assistant_off")
        lead = await self._leads.read(request.lead_id)
        moment = self._clock.moment(lead.clock_offset_us)
        channel = await self._desk.channel(request.lead_id, request.reply_id)
        if channel is None:
            return TurnResult(act="kept_out", reason="no_such_message")
        targets = {str(name): span for name, span in plan_of(self._plan, lead).answers.items()}
        target = targets.get(channel, TARGETS_S.get(channel, _ELSE_S))
        at_work = await self._planning.at_work(lead, moment.now)
        if in_time(moment.now, at_work, timedelta(seconds=target)):
            if channel == "call":  # somebody waits on the telephone to hear what comes of it
                await self._desk.keep_out(request.lead_id, request.reply_id, "person_at_work", moment.now)
            return TurnResult(act="kept_out", reason="person_at_work")
        if not self._lawful(lead, channel, moment.now):
            await self._desk.keep_out(request.lead_id, request.reply_id, "quiet_hours", moment.now)
            return TurnResult(act="kept_out", reason="quiet_hours")
        ended = await self._desk.take(request.lead_id, request.reply_id, moment.now, moment.wall)
        if ended.answer is None or ended.channel not in ("sms", "email"):
            return TurnResult(act=ended.act, reason=ended.reason)
        return TurnResult(
            act=ended.act, reason=ended.reason, answer=ended.answer,
            channel="sms" if ended.channel == "sms" else "email",
        )  # fmt: skip

    def _lawful(self, lead: LeadRecord, channel: str, now: datetime) -> bool:
        """Before a model is paid for words that could not go; the gate asks again, with all it knows."""
        if channel not in ("sms", "email"):
            return True
        asker = replace(self._planning.asker(lead), consents=replace(lead.consents, sms=True), hours={})
        answer = self._planning.place(asker.question("sms" if channel == "sms" else "email", now))
        return isinstance(answer, Placed) and answer.at <= now
