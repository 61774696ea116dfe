"""One call attempt: reps are rung level by level until one accepts, then the lead is (REQ 46-50, 88, X3)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.voice import Voice
    from speedlead import contracts as c
    from speedlead.domain.cadence import Act
    from speedlead.domain.outcomes import CallResult
    from speedlead.domain.settling import no_longer_wanted
    from speedlead.ids import touch_id
    from workflows import options
    from workflows.failures import Queues, never_began, still_due
    from workflows.state import LeadRun, heeds_what_came
    from workflows.waiting import Alarm

# not_permitted: the gate refused the lead's leg after the key; the next claim says why, and until when
_REP_RESULTS = ("rep_no_answer", "rep_declined", "not_permitted")


class Calls:
    def __init__(self, run: LeadRun, alarm: Alarm, queues: Queues) -> None:
        self._run = run
        self._alarm = alarm
        self._queues = queues

    async def attempt(self, act: Act, at: datetime, skips: tuple[c.SkipRow, ...]) -> c.TouchResult:
        """How the attempt ended. Ringing a rep is not an attempt; without any rep the call stays due."""
        name, began = self._run.lead.touch_step(act.step.id), self._run.lead.round

        def left_behind() -> bool:
            """It became hotter since: who has not taken this call is asked for the one of the hotter track."""
            return not act.manual and self._run.lead.round != began and heeds_what_came()

        self._run.attempts[name] = self._run.attempts.get(name, 0) + 1
        for level in range(1, options.MAX_LEVELS + 1):
            try:
                result = await self._dial(act, name, at, level, skips)
                self._queues.flows(options.VOICE_QUEUE)
                if result.state is c.TouchState.RINGING:
                    result = await self._hear(act, name, result, left_behind)
            except ActivityError as error:
                if never_began(error):
                    return await self._queues.backed_up(options.VOICE_QUEUE)
                self._queues.flows(options.VOICE_QUEUE)
                result = await self._check(name, give_up=True)
                # an earlier rep declined and this one could not be rung: nobody refused the call
                return still_due() if result.state is c.TouchState.DECLINED else result
            result = self._after_all(name, result)
            if result.state is not c.TouchState.DECLINED:
                return result
            if left_behind():
                return still_due()
            skips = ()
        return c.TouchResult(
            state=c.TouchState.DEFERRED,
            at=workflow.now(),
            reason="rep_unavailable",
            next_at=workflow.now() + timedelta(minutes=2),
        )

    async def _dial(self, act: Act, name: str, at: datetime, level: int, skips: tuple[c.SkipRow, ...]) -> c.TouchResult:
        lead = self._run.lead
        # what was said about an earlier offer; a rep may be quicker than the answer of this one
        self._run.accepted.pop(name, None)
        self._run.declined.discard(name)
        self._run.task_result = None
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
                rep_id=self._caller() if act.manual else None,
            ),
            summary=f"ring rep {level} for {act.step.id}",
            **options.dial(lead.lead_type),
        )

    def _caller(self) -> str | None:
        """Who asked for this call, while they can still be expected to sit by their phone."""
        rep_id, since = self._run.caller or (None, workflow.now())
        return rep_id if workflow.now() - since < options.CALLER_WAITS else None

    async def _hear(
        self, act: Act, name: str, ringing: c.TouchResult, left_behind: Callable[[], bool]
    ) -> c.TouchResult:
        """Waits for the end of the leg. A word that does not come is looked up in the rows.

        A rep whose phone rings for a call that nobody wants any more is hung up; a talk that is on goes on.
        """
        if self._run.lead.track.mode == "task":
            return await self._hear_task(act, name, ringing, left_behind)
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
        dialled = False  # the lead's phone: too late to call it off

        def heard() -> c.CallProgressSignal | None:
            return self._heard(touch, ringing.leg_id)

        def unwanted() -> Literal["paused", "stopped", "opted_out"] | None:
            return None if dialled else no_longer_wanted(self._run.lead, manual=act.manual)

        for wait in waits:
            until, summary = workflow.now() + wait, f"{name}: phones ring"
            await self._alarm.until(until, lambda: heard() is not None or unwanted() is not None, summary)
            if heard() is None and (why := unwanted()) is not None:
                result = await self._call_off(name, why)
                if result.state is not c.TouchState.RINGING:
                    return result
                dialled = True
                await self._alarm.until(until, lambda: heard() is not None, summary)
            if (end := heard()) is not None:
                return self._as_result(end)
            result = await self._check(name, give_up=wait == options.TALK_AT_MOST)
            if result.state is not c.TouchState.RINGING:
                return result
        raise AssertionError("check_call gives up at the last look")

    async def _hear_task(
        self, act: Act, name: str, ringing: c.TouchResult, left_behind: Callable[[], bool]
    ) -> c.TouchResult:
        """A rep accepts on the page, dials and logs. A result not logged goes on as an unconfirmed no-answer."""
        run = self._run
        ends = workflow.now() + timedelta(seconds=run.lead.track.accept_within)
        run.offering = (name, ringing.rep_id)
        try:
            await self._alarm.until(
                ends,
                lambda: name in run.accepted or name in run.declined or run.task_result is not None or left_behind(),
                f"{name}: waiting for a rep to accept",
            )
        finally:
            run.offering = None
        if name not in run.accepted and run.task_result is None:
            wanted = no_longer_wanted(run.lead, manual=act.manual) is None
            silent = wanted and name not in run.declined and workflow.now() >= ends
            await self._settle_task(name, ringing, workflow.now(), None, silent=silent)
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

    async def _settle_task(
        self, name: str, ringing: c.TouchResult, at: datetime, result: CallResult | None, *, silent: bool = False
    ) -> None:
        await workflow.execute_activity_method(
            Voice.settle_task,
            c.SettleTaskRequest(
                lead_id=self._run.lead.lead_id,
                step=name,
                leg_id=ringing.leg_id or "",
                at=at,
                call_result=result,
                silent=silent,
            ),
            summary=f"{name}: {result.value if result else 'not taken'}",
            **options.ROWS,
        )

    async def _call_off(self, name: str, why: Literal["paused", "stopped", "opted_out"]) -> c.TouchResult:
        return await workflow.execute_activity_method(
            Voice.call_off,
            c.CallOffRequest(lead_id=self._run.lead.lead_id, step=name, reason=why),
            summary=f"call off {name}: {why}",
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

    def _after_all(self, name: str, result: c.TouchResult) -> c.TouchResult:
        """A report that they talked may overtake the answer of the activity that has read of less."""
        heard = self._run.progress.get(touch_id(self._run.lead.lead_id, name))
        talked = heard is not None and heard.result == "connected" and result.call_result is not CallResult.CONNECTED
        return self._as_result(heard) if heard is not None and talked else result

    def _as_result(self, heard: c.CallProgressSignal) -> c.TouchResult:
        if heard.result in _REP_RESULTS:
            return c.TouchResult(state=c.TouchState.DECLINED, at=heard.at, reason=heard.result)
        return c.TouchResult(state=c.TouchState.SENT, at=heard.at, call_result=CallResult(heard.result))
