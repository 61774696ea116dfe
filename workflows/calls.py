"""One call attempt: reps are rung level by level until one accepts, then the lead is (REQ 46-50, 88, X3)."""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.voice import Voice
    from speedlead import contracts as c
    from speedlead.domain.cadence import Act
    from speedlead.domain.outcomes import CallResult
    from speedlead.ids import touch_id
    from workflows import options
    from workflows.failures import backed_up, never_began
    from workflows.state import LeadRun
    from workflows.waiting import Alarm

# not_permitted: the gate refused the lead's leg after the key; the next claim says why, and until when
_REP_RESULTS = ("rep_no_answer", "rep_declined", "not_permitted")


class Calls:
    def __init__(self, run: LeadRun, alarm: Alarm) -> None:
        self._run = run
        self._alarm = alarm

    async def attempt(self, act: Act, at: datetime, skips: tuple[c.SkipRow, ...]) -> c.TouchResult:
        """How the attempt ended. Ringing a rep is not an attempt; without any rep the call stays due."""
        name = self._run.lead.touch_step(act.step.id)
        self._run.attempts[name] = self._run.attempts.get(name, 0) + 1
        for level in range(1, options.MAX_LEVELS + 1):
            try:
                result = await self._dial(act, name, at, level, skips)
                if result.state is c.TouchState.RINGING:
                    result = await self._hear(name, result)
            except ActivityError as error:
                if never_began(error):
                    return backed_up()
                result = await self._check(name, give_up=True)
                # an earlier rep declined and this one could not be rung: nobody refused the call
                return backed_up() if result.state is c.TouchState.DECLINED else result
            if result.state is not c.TouchState.DECLINED:
                return result
            skips = ()
        return c.TouchResult(
            state=c.TouchState.DEFERRED,
            at=workflow.now(),
            reason="rep_unavailable",
            next_at=workflow.now() + timedelta(minutes=2),
        )

    async def _dial(self, act: Act, name: str, at: datetime, level: int, skips: tuple[c.SkipRow, ...]) -> c.TouchResult:
        lead = self._run.lead
        return await workflow.execute_activity_method(
            Voice.dial,
            c.DialRequest(
                lead_id=lead.lead_id,
                step=name,
                attempt=self._run.attempts[name],
                level=level,
                ring_s=lead.track.ring,
                purpose="manual" if act.manual else "plan",
                planned_at=at,
                skips=skips,
                mode=lead.track.mode,
            ),
            summary=f"ring rep {level} for {act.step.id}",
            **options.dial(lead.lead_type),
        )

    async def _hear(self, name: str, ringing: c.TouchResult) -> c.TouchResult:
        """Waits for the end of the leg. A word that does not come is looked up in the rows."""
        if self._run.lead.track.mode == "task":
            return await self._hear_task(name, ringing)
        touch = touch_id(self._run.lead.lead_id, name)
        ring = timedelta(seconds=self._run.lead.track.ring)
        # a connected call may go on for long: look again at growing distances, then give up
        waits = [
            ring + options.KEY_PRESS + options.LEAD_RINGS + options.CALLBACK_LATE,
            timedelta(minutes=5),
            options.TALK_AT_MOST,
        ]
        if ringing.reason != "ringing":  # in doubt: no phone may ring at all
            waits.insert(0, options.RECONCILE_AFTER)
        for wait in waits:
            await self._alarm.until(
                workflow.now() + wait, lambda: self._heard(touch, ringing.leg_id) is not None, f"{name}: phones ring"
            )
            heard = self._heard(touch, ringing.leg_id)
            if heard is not None:
                return self._as_result(heard)
            result = await self._check(name, give_up=wait == options.TALK_AT_MOST)
            if result.state is not c.TouchState.RINGING:
                return result
        raise AssertionError("check_call gives up at the last look")

    async def _hear_task(self, name: str, ringing: c.TouchResult) -> c.TouchResult:
        """A rep accepts on the page, dials and logs. A result not logged goes on as an unconfirmed no-answer."""
        run = self._run
        run.accepted.pop(name, None)
        run.declined.discard(name)
        run.task_result = None
        window = timedelta(seconds=run.lead.track.accept_within)
        await self._alarm.until(
            workflow.now() + window,
            lambda: name in run.accepted or name in run.declined or run.task_result is not None,
            f"{name}: waiting for a rep to accept",
        )
        if name not in run.accepted and run.task_result is None:
            await self._settle_task(name, ringing, workflow.now(), None)
            return c.TouchResult(state=c.TouchState.DECLINED, at=workflow.now(), reason="not_accepted")
        started = workflow.now()
        if run.task_result is None:
            await self._alarm.until(
                started + timedelta(minutes=15),
                lambda: run.task_result is not None or run.lead.ending is not None,
                f"{name}: waiting for the result",
            )
        result = CallResult(run.task_result) if run.task_result is not None else CallResult.NO_ANSWER
        reason = None if run.task_result is not None else "unconfirmed"
        await self._settle_task(name, ringing, started, result)
        return c.TouchResult(state=c.TouchState.SENT, at=started, call_result=result, reason=reason)

    async def _settle_task(self, name: str, ringing: c.TouchResult, at: datetime, result: CallResult | None) -> None:
        await workflow.execute_activity_method(
            Voice.settle_task,
            c.SettleTaskRequest(
                lead_id=self._run.lead.lead_id, step=name, leg_id=ringing.leg_id or "", at=at, call_result=result
            ),
            summary=f"{name}: {result.value if result else 'not taken'}",
            **options.ROWS,
        )

    async def _check(self, name: str, *, give_up: bool) -> c.TouchResult:
        return await workflow.execute_activity_method(
            Voice.check_call,
            c.CheckRequest(lead_id=self._run.lead.lead_id, step=name, give_up=give_up),
            summary=f"what became of {name}",
            **options.ROWS,
        )

    def _heard(self, touch: str, leg: str | None) -> c.CallProgressSignal | None:
        """The end of this attempt, or of this rep's leg; the end of an earlier rep's leg says nothing new."""
        heard = self._run.progress.get(touch)
        if heard is None or (heard.result in _REP_RESULTS and leg is not None and heard.leg_id != leg):
            return None
        return heard

    def _as_result(self, heard: c.CallProgressSignal) -> c.TouchResult:
        if heard.result in _REP_RESULTS:
            return c.TouchResult(state=c.TouchState.DECLINED, at=heard.at, reason=heard.result)
        return c.TouchResult(state=c.TouchState.SENT, at=heard.at, call_result=CallResult(heard.result))
