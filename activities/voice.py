"""Dial: ring a rep, who accepts with a key and is then connected to the lead (REQ 46-50, 72, 88, 98)."""

import asyncio
import contextlib
from datetime import datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.clock import ActivityClock, Moment
from activities.doubt import CLOCKS_DIFFER, retry_if_safe, too_early_to_say
from activities.messaging import skip_rows
from activities.planning import Planning
from activities.routing import Routing, available
from speedlead.contracts import CallOffRequest, CheckRequest, DialRequest, SettleTaskRequest, TouchResult, TouchState
from speedlead.domain.opening import next_shift, serving, turn_at
from speedlead.ids import leg_id, touch_id
from speedlead.ports import Dialer, SendError, SendErrorKind
from speedlead.records import (
    CallSoFar,
    Claim,
    ClaimAnswer,
    Claimed,
    Deferred,
    Doubtful,
    Ended,
    LeadRecord,
    Leads,
    Leased,
    RepRecord,
    Skipped,
    Touches,
    team_of,
)

LEASE_S = 7.0
_WORD_WITHIN = timedelta(seconds=15)
# reps that are rung one after the other for one attempt (REQ 88)
MAX_LEVELS = 3
# nobody accepted although somebody is there: the call stays due and is offered again this much later
_OFFER_AGAIN = timedelta(minutes=2)


class Voice:
    def __init__(
        self,
        *,
        leads: Leads,
        touches: Touches,
        dialer: Dialer,
        clock: ActivityClock,
        planning: Planning,
        routing: Routing,
        queue_limit_s: float = 5,
        script: str | None = None,
    ) -> None:
        """`queue_limit_s`: ops hear of calls that a provider holds back for longer.

        `script`: the version of the script that reps go by, which each call is recorded with.
        """
        self._leads = leads
        self._touches = touches
        self._dialer = dialer
        self._clock = clock
        self._planning = planning
        self._routing = routing
        self._queue_limit_s = queue_limit_s
        self._script = script

    @activity.defn
    async def dial(self, request: DialRequest) -> TouchResult:
        """Rings the rep of this level. The call's end is heard as `call_progress`, or read here if it came first."""
        lead = await self._leads.read(request.lead_id)
        moment = self._clock.moment(lead.clock_offset_us)
        touch = touch_id(lead.lead_id, request.step)
        await self._touches.skip(lead.lead_id, skip_rows(request.skips), moment.now)
        reps = await self._leads.reps()
        leg = leg_id(touch, f"rep-{request.attempt}-{request.level}")
        rep = await self._whom(lead, request, leg, reps, moment.now)
        if rep is None:
            return await self._nobody(lead, request, reps, moment)
        await self._own(lead, rep, moment.now)
        answer = await self._touches.claim(
            Claim(
                lead_id=lead.lead_id,
                touch_id=touch,
                step=request.step,
                channel="call",
                purpose=request.purpose,
                planned_at=request.planned_at,
                now=moment.now,
                wall=moment.wall,
                lease_s=LEASE_S,
                offset_us=moment.offset_us,
                hours=self._planning.call_hours(lead, reps, moment.now) if request.purpose == "plan" else None,
                leg_id=leg,
                rep_id=rep.rep_id,
                template=self._script,
            )
        )
        if not isinstance(answer, Claimed):
            return await self._not_claimed(touch, leg, answer, moment)
        if request.mode == "task":
            return await self._offer_task(lead, request, rep, touch, leg, moment)
        return await self._ring(lead, rep, touch, leg, request.ring_s, moment)

    async def _ring(
        self, lead: LeadRecord, rep: RepRecord, touch: str, leg: str, ring_s: int, moment: Moment
    ) -> TouchResult:
        assert rep.phone is not None
        try:
            accepted = await self._dialer.ring_rep(leg_id=leg, to=rep.phone, ring_s=ring_s)
        except SendError as error:
            return await self._refused(lead, touch, leg, error, moment)
        await self._touches.sent(touch, provider_id=accepted.provider_id, at=moment.now, leg_id=leg)
        if accepted.queued_ms:
            await self._held_back(lead, leg, accepted.queued_ms, moment)
        return _so_far(await self._touches.call(touch, leg), leg, moment.now)

    async def _held_back(self, lead: LeadRecord, leg: str, queued_ms: int, moment: Moment) -> None:
        """The provider dials so many a second, and the lead waits for the others: ops hear of it once an hour."""
        activity.metric_meter().create_histogram("call_queue", unit="ms").record(queued_ms)
        await self._touches.queued(leg, queued_ms)
        if queued_ms > self._queue_limit_s * 1000:
            await self._leads.alert(
                lead.lead_id, kind="calls_queued", channel="call", at=moment.now, reason=f"{queued_ms / 1000:.1f} s",
                hourly=True,
            )  # fmt: skip

    async def _offer_task(
        self, lead: LeadRecord, request: DialRequest, rep: RepRecord, touch: str, leg: str, moment: Moment
    ) -> TouchResult:
        await self._touches.sent(touch, provider_id=None, at=moment.now, leg_id=leg)
        await self._leads.ask_for_call(lead.lead_id, leg, rep.rep_id, at=moment.now, due=lead.first_attempt_due)
        return TouchResult(state=TouchState.RINGING, at=moment.now, leg_id=leg, rep_id=rep.rep_id)

    @activity.defn
    async def call_off(self, request: CallOffRequest) -> TouchResult:
        """Hangs up on the rep whose phone rings for a call that nobody wants any more. A talk that is on goes on.

        From the rows' commit on a key connects nobody; the hanging up is a courtesy, and is tried once.
        """
        lead = await self._leads.read(request.lead_id)
        moment = self._clock.moment(lead.clock_offset_us)
        touch = touch_id(request.lead_id, request.step)
        state = TouchState.DEFERRED if request.reason == "paused" else TouchState.SKIPPED
        ringing = await self._touches.call_off(touch, state=state.value, reason=request.reason, at=moment.now)
        if ringing is None:
            return _so_far(await self._touches.call(touch, None), None, moment.now)
        for call_id in ringing:
            try:
                await self._dialer.hang_up(call_id)
            except SendError as error:
                activity.logger.info("not hung up", extra={"touch_id": touch, "evidence": error.evidence})
        # a pause is the lead's: when it is over, the call is due at once
        return TouchResult(state=state, at=moment.now, reason=request.reason, next_at=moment.now)

    @activity.defn
    async def settle_task(self, request: SettleTaskRequest) -> None:
        """The end of a call that a rep made by hand, or of the offer that was not taken."""
        touch = touch_id(request.lead_id, request.step)
        await self._touches.task_over(
            touch, request.leg_id, at=request.at, result=request.call_result, silent=request.silent
        )

    @activity.defn
    async def check_call(self, request: CheckRequest) -> TouchResult:
        """What became of a call whose end was not heard of in time: our rows, then the provider, then a person."""
        lead = await self._leads.read(request.lead_id)
        moment = self._clock.moment(lead.clock_offset_us)
        touch = touch_id(request.lead_id, request.step)
        call = await self._touches.call(touch, None)
        result = _so_far(call, None, moment.now)
        if result.state is not TouchState.RINGING:
            return result
        if call.claimed_at is None:
            # every request was refused: certainly no call
            await self._touches.ended(touch, state="failed", reason="provider_down", at=moment.now)
            await self._leads.alert(
                lead.lead_id, kind="provider_down", channel="call", at=moment.now, reason="provider_down"
            )
            return TouchResult(state=TouchState.FAILED, at=moment.now, reason="provider_down")
        if not call.leg_known:
            too_early_to_say(call.claimed_at, _WORD_WITHIN, moment)
            if await self._listed(touch, call, moment):
                return _so_far(await self._touches.call(touch, None), None, moment.now)
            return await self._to_a_person(lead, touch, "no_answer_from_provider", moment)
        if call.open_call is not None and await self._is_over(call.open_call):
            # nobody accepted, and the report of that was lost: the next rep is rung
            await self._touches.task_over(touch, call.leg_id or "", at=moment.now, result=None)
            return TouchResult(state=TouchState.DECLINED, at=moment.now, reason="rep_no_answer", leg_id=call.leg_id)
        return await self._to_a_person(lead, touch, "no_call_result", moment) if request.give_up else result

    async def _to_a_person(self, lead: LeadRecord, touch: str, reason: str, moment: Moment) -> TouchResult:
        """Nobody knows of this call and it is never placed again: its owner sees to the lead, ops see to the provider.

        In that order of dying: the notices are there before the row says that it is over.
        """
        await self._leads.tell(
            lead.lead_id, dedupe=f"in_doubt:{touch}", audience="ops", kind="call_in_doubt", at=moment.now, reason=reason
        )
        await self._leads.tell(
            lead.lead_id,
            dedupe=f"call_personally:{touch}",
            audience="rep" if lead.owner_id is not None else "manager",
            kind="call_personally" if reason == "no_answer_from_provider" else "call_in_doubt",
            at=moment.now,
            rep_id=lead.owner_id,
            reason=reason,
            due=lead.first_attempt_due,
        )
        await self._touches.ended(touch, state="in_doubt", reason=reason, at=moment.now)
        return TouchResult(state=TouchState.IN_DOUBT, at=moment.now, reason=reason)

    async def _listed(self, touch: str, call: CallSoFar, moment: Moment) -> bool:
        """The provider has a call to this rep since the claim that is no other touch's: it is ours."""
        rep = next((rep for rep in await self._leads.reps() if rep.rep_id == call.rep_id), None)
        if rep is None or rep.phone is None or call.claimed_wall is None:
            return False
        try:
            found = await self._dialer.find(to=rep.phone, since=call.claimed_wall - CLOCKS_DIFFER)
        except SendError as error:
            retry_if_safe(error)
            return False
        return await self._touches.adopt(touch, found, at=moment.now, leg_id=call.leg_id)

    async def _is_over(self, call_id: str) -> bool:
        try:
            return await self._dialer.is_over(call_id)
        except SendError as error:
            retry_if_safe(error)
            return False

    async def _whom(
        self, lead: LeadRecord, request: DialRequest, leg: str, reps: tuple[RepRecord, ...], now: datetime
    ) -> RepRecord | None:
        """The owner first, then backups who are there, the best by the scores of routing; nobody twice in one attempt.

        Whoever is there by a rotation comes by their level, after those at work and before any owner on a later level.
        Before all of them, whatever they are and say, comes the rep who has just asked for this call.
        """
        rung = await self._touches.rung(touch_id(lead.lead_id, request.step), leg.rsplit("-", 1)[0])
        again = next((rep for rep in reps if rep.rep_id == rung.get(leg)), None)
        if again is not None or request.level > MAX_LEVELS:
            return again
        callers = [rep for rep in reps if rep.rep_id == request.rep_id and rep.phone is not None]
        if callers and request.rep_id not in rung.values():
            return callers[0]
        facts = self._planning.facts(lead)
        there = [
            rep
            for rep in reps
            # a rep without a phone cannot be rung
            if not rep.manager
            and rep.phone is not None
            and available(rep, now, facts)
            and rep.rep_id not in rung.values()
        ]
        turn = {rep.rep_id: turn_at(serving(rep.shifts, facts), now) or 0 for rep in there}
        for at in sorted(set(turn.values())):
            crew = {rep.rep_id: rep for rep in there if turn[rep.rep_id] == at}
            owner = crew.pop(lead.owner_id or "", None)
            # the lead is theirs already: what keeps others from getting one does not count, and nothing is scored
            if owner is not None and "call" in owner.channels:
                return owner
            best = await self._routing.best_of(lead, list(crew.values()), now)
            if best is not None:
                return crew[best]
        return None

    async def _own(self, lead: LeadRecord, rep: RepRecord, now: datetime) -> None:
        """A lead that found nobody when it came belongs to whoever is rung for it first."""
        if lead.owner_id is None:
            # no room or no share, for somebody who asked for the call: that is theirs all the same, the lead is not
            with contextlib.suppress(LookupError):
                await self._leads.assign(lead.lead_id, rep.rep_id, now)

    async def _nobody(
        self, lead: LeadRecord, request: DialRequest, reps: tuple[RepRecord, ...], moment: Moment
    ) -> TouchResult:
        """The call stays due. On a later level somebody is there but did not accept: offer it again soon."""
        crew = serving(team_of(reps), self._planning.facts(lead))
        again = moment.now + _OFFER_AGAIN if request.level > 1 else next_shift(crew, moment.now)
        kind = "nobody_accepted" if request.level > 1 else "nobody_available"
        await self._leads.tell(
            lead.lead_id,
            dedupe=f"{kind}:{request.step}",
            audience="manager",
            kind=kind,
            at=moment.now,
            due=lead.first_attempt_due,
        )
        await self._touches.put_off(
            lead.lead_id, request.step, reason="rep_unavailable", next_at=again, now=moment.now,
            planned_at=request.planned_at, purpose=request.purpose,
        )  # fmt: skip
        return TouchResult(state=TouchState.DEFERRED, at=moment.now, next_at=again, reason="rep_unavailable")

    async def _not_claimed(self, touch: str, leg: str, answer: ClaimAnswer, moment: Moment) -> TouchResult:
        match answer:
            case Ended(state=state, at=at, reason=reason, call_result=result):
                return TouchResult(state=TouchState(state), at=at, reason=reason, call_result=result)
            case Skipped(reason=reason, reasons=reasons):
                return TouchResult(state=TouchState.SKIPPED, at=moment.now, reason=reason, reasons=reasons)
            case Deferred(next_at=next_at, reasons=reasons):
                return TouchResult(state=TouchState.DEFERRED, at=moment.now, next_at=next_at, reasons=reasons)
            case Leased(until_wall=until):
                so_far = _so_far(await self._touches.call(touch, leg), leg, moment.now)
                if so_far.state is not TouchState.RINGING or so_far.reason == "ringing":
                    return so_far
                wait = max(timedelta(seconds=1), until - moment.wall)
                raise ApplicationError("another attempt holds the claim", type="leased", next_retry_delay=wait)
            case Doubtful():
                return await self._doubt(touch, leg, moment)
        raise AssertionError(answer)

    async def _doubt(self, touch: str, leg: str, moment: Moment) -> TouchResult:
        """An earlier attempt died between claim and record. Whatever the list says now, nobody is rung again."""
        call = await self._touches.call(touch, leg)
        if _so_far(call, leg, moment.now).state is TouchState.RINGING and not call.leg_known:
            await self._listed(touch, call, moment)
            call = await self._touches.call(touch, leg)
        return _so_far(call, leg, moment.now)

    async def _refused(self, lead: LeadRecord, touch: str, leg: str, error: SendError, moment: Moment) -> TouchResult:
        activity.logger.info(
            "call refused", extra={"leg_id": leg, "kind": error.kind.value, "evidence": error.evidence}
        )
        if error.kind is SendErrorKind.RETRY_SAFE:
            await self._touches.release(touch, leg)
            delay = timedelta(seconds=error.retry_after_s) if error.retry_after_s else None
            raise ApplicationError(error.evidence, type=error.kind.value, next_retry_delay=delay)
        if error.kind is SendErrorKind.IN_DOUBT:
            # the call may be ringing: its own callbacks will say
            await asyncio.sleep(0.2)
            return _so_far(await self._touches.call(touch, leg), leg, moment.now)
        if error.kind is SendErrorKind.RETRY_LATER:  # as many calls as it takes are under way or waiting there
            again = moment.now + timedelta(seconds=error.retry_after_s or 60)
            await self._touches.release(touch, leg)
            await self._leads.alert(
                lead.lead_id, kind="provider_busy", channel="call", at=moment.now, reason=error.evidence
            )
            return TouchResult(state=TouchState.DEFERRED, at=moment.now, next_at=again, reason="provider_busy")
        # what the provider refuses here is the rep's number or our account, never the lead
        if error.kind is SendErrorKind.BAD_ADDRESS or error.whole_number:
            # a rep's number that is wrong, or closed to us, must not cost the lead its call: the next rep is rung
            await self._leads.tell(
                lead.lead_id, dedupe=f"refused:{leg}", audience="ops", kind="provider_config", at=moment.now,
                reason=error.evidence,
            )  # fmt: skip
            # the leg stays, as ended: whoever was rung is not rung again in this attempt
            await self._touches.task_over(touch, leg, at=moment.now, result=None)
            return TouchResult(state=TouchState.DECLINED, at=moment.now, reason="rep_unreachable", leg_id=leg)
        await self._leads.alert(
            lead.lead_id, kind="provider_config", channel="call", at=moment.now, reason=error.evidence
        )
        await self._touches.ended(touch, state="failed", reason="provider_config", at=moment.now)
        return TouchResult(state=TouchState.FAILED, at=moment.now, reason="provider_config", reasons=(error.evidence,))


def _so_far(call: CallSoFar, leg: str | None, now: datetime) -> TouchResult:
    """From rows: ended, or ringing (reason `ringing` once the provider is known to have it)."""
    if call.ended is not None:
        ended = call.ended
        return TouchResult(
            state=TouchState(ended.state),
            at=ended.at,
            reason=ended.reason,
            call_result=ended.call_result,
            leg_id=leg,
        )
    if call.leg_over:
        return TouchResult(state=TouchState.DECLINED, at=now, reason=call.leg_result, leg_id=leg)
    reason = "ringing" if call.leg_known else None
    return TouchResult(state=TouchState.RINGING, at=now, leg_id=call.leg_id or leg, reason=reason)
