"""LeadWorkflow: the layered plan of one lead, from its form to its decision.

`run` is a loop over one pure decision. What happened arrives by signal, what somebody asks for by update; both only
change the state and wake the loop. Instants are UTC; local time is the business of the activity `place`.
"""

import asyncio
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.records import Records
    from speedlead import contracts as c
    from speedlead.domain.cadence import (
        Act,
        Await,
        Decision,
        Finish,
        HandOver,
        Remind,
        Resume,
        Substitute,
        decide,
    )
    from workflows import options
    from workflows.dealing import Dealing
    from workflows.inbox import Inbox
    from workflows.messages import read
    from workflows.moving import Moving
    from workflows.state import begin, heeds_what_came
    from workflows.steps import Steps


@workflow.defn(name="LeadWorkflow")
class LeadWorkflow:
    @workflow.init
    def __init__(self, start: c.LeadStart) -> None:
        self._run = begin(start)
        self._inbox = Inbox(self._run)
        self._steps = Steps(self._run)
        self._moving = Moving(self._run)
        self._dealing = Dealing(self._run, self._steps.route)
        self._writing = False

    @workflow.run
    async def run(self, start: c.LeadStart) -> c.LeadClosed:
        self._send_answers()  # what a lost workflow had not sent yet
        watching = asyncio.create_task(self._steps.deadlines.watch()) if start.watched else None
        while True:
            await self._acknowledge_new_inquiries()
            await self._write_records()
            await self._moving.take()
            if self._run.lead.opened is None:
                # routing would cost the answer milliseconds; a slow provider must not cost the lead its owner
                await self._run.beside.over(options.ROUTE_AFTER)
                await self._steps.route()
                if self._run.lead.opened is None:  # it became hotter meanwhile, which has an opening of its own
                    continue
            self._dealing.watch()
            closed = await self._do(decide(self._run.lead, workflow.now()))
            if closed is not None:
                self._run.plan_to = None  # whoever waits for the change is answered with the end
                await workflow.wait_condition(
                    lambda: workflow.all_handlers_finished() and not self._steps.deadlines.busy
                )
                if watching is not None:
                    watching.cancel()
                return closed

    async def _do(self, decision: Decision) -> c.LeadClosed | None:
        match decision:
            case Act():
                await self._steps.act(decision)
            case Substitute():
                await self._steps.substitute(decision)
            case Remind(audience=audience, kind=kind, number=number, due=due):
                await self._steps.remind(audience, kind, number, due)
            case Await(until=until, why=why):
                await self._steps.wait(until, why)
            case Resume():
                self._run.lead.resume(workflow.now())
                self._run.placement = None
                self._run.note("resumed", reason="pause_over")
            case HandOver(skips=skips, reminded=reminded):
                await self._steps.hand_over(skips, reminded)
            case Finish():
                return await self._finish(decision)
        return None

    async def _acknowledge_new_inquiries(self) -> None:
        """At once and before everything else: the 30 seconds wait for nothing."""
        while self._run.unanswered:
            self._run.beside.begin(self._steps.acknowledging.first(self._run.unanswered.pop(0)))
            await asyncio.sleep(0)  # its command stands before all others: the first one needs no queue
        self._acknowledge_again()

    def _acknowledge_again(self) -> None:
        while self._run.unheard:
            self._run.beside.begin(self._steps.acknowledging.again(*self._run.unheard.pop(0)))

    def _meanwhile(self) -> None:
        """What does not wait for the loop, which may be with a call that lasts for long."""
        run, beside = self._run, self._run.beside
        if (run.unanswered or run.unheard) and heeds_what_came():
            while run.unanswered:
                beside.begin(self._steps.acknowledging.first(run.unanswered.pop(0)))
            self._acknowledge_again()
        if not run.touching or run.lead.ending is not None:
            return
        if run.lead.opened is None and heeds_what_came():  # its deadlines count from now, and somebody watches them
            beside.begin(self._steps.route())
        elif run.lead.follow_up is not None and heeds_what_came():
            match decide(run.lead, workflow.now()):
                case Remind(audience=audience, kind=kind, number=1 as number, due=due):
                    beside.begin(self._steps.remind(audience, kind, number, due))

    def _send_answers(self) -> None:
        """At once, whatever the plan is doing."""
        while self._run.answers:
            self._run.beside.begin(self._steps.answers.send(self._run.answers.pop(0)))

    def _let_assist(self) -> None:
        while self._run.turns:
            self._run.beside.begin(self._steps.assistant.turn(self._run.turns.pop(0)))

    async def _write_records(self) -> None:
        """In their order: a pause must not be written after its end. What was noted before this is written after it."""
        while self._run.records or self._writing:
            if self._writing:
                if heeds_what_came():
                    await workflow.wait_condition(lambda: not self._writing)
                    continue
                if not self._run.records:
                    return
            record = self._run.records.pop(0)
            self._writing = True
            try:
                given_up = await workflow.execute_activity_method(
                    Records.record, record, summary=f"record {record.kind}", **options.ROWS
                )
                if given_up is not None:
                    self._steps.acknowledging.tell(given_up.ways, given_up.promised_at)
            finally:
                self._writing = False

    async def _finish(self, end: Finish) -> c.LeadClosed | None:
        await self._run.beside.sent()  # an answer that is on its way is part of the lead
        await self._write_records()
        if self._decided_otherwise(end):
            return None
        self._run.lead.stage = end.stage
        self._steps.showing.show(None, end.reason)
        at = workflow.now()
        result = await workflow.execute_activity_method(
            Records.close,
            c.CloseRequest(
                lead_id=self._run.lead.lead_id,
                reason=end.reason,
                stage=end.stage.value,
                skips=self._steps.skip_rows(end.skips),
                heard=self._run.seen.newest(options.HEARD_LAST),
            ),
            summary=f"close · {end.reason}",
            **options.ROWS,
        )
        if result.closed:
            self._run.closed = True
            for skip in end.skips:  # the rows have them too
                self._run.lead.settle(skip.step.id, "skipped", at, skip.step.channel, skip.reason)
            self._steps.showing.show(None, end.reason)
            await self._run.beside.sent()  # an answer that came meanwhile learns from the gate that it is too late
            return c.LeadClosed(lead_id=self._run.lead.lead_id, reason=end.reason, at=result.at)
        if self._decided_otherwise(end):
            return None
        # a message is on its way to this lead: hear it first
        await self._steps.wait(workflow.now() + options.CLOSE_AGAIN_AFTER, "message_on_its_way")
        return None

    def _decided_otherwise(self, end: Finish) -> bool:
        """Something came during a wait, after which this is not the end."""
        lead = self._run.lead
        return (lead.opened is None or decide(lead, workflow.now()) != end) and heeds_what_came()

    # ── signals: facts that happened ─────────────────────────────────────────────────────────────────────────────────

    @workflow.signal(name="inquiry", description="The person sent another form")
    def _on_inquiry(self, *args: Any) -> None:
        self._inbox.take("inquiry", c.InquirySignal, args, self._inbox.inquiry)
        self._meanwhile()

    @workflow.signal(name="outcome", description="What a rep learned: {call_result, outcome, at, until, scope, reason}")
    def _on_outcome(self, *args: Any) -> None:
        self._inbox.take("outcome", c.OutcomeSignal, args, self._inbox.outcome)

    @workflow.signal(name="reply", description="The lead answered: {channel}")
    def _on_reply(self, *args: Any) -> None:
        self._inbox.take("reply", c.ReplySignal, args, self._inbox.reply)
        self._meanwhile()
        self._let_assist()

    @workflow.signal(name="answer", description="A person of ours wrote to the lead: {number, channel}")
    def _on_answer(self, *args: Any) -> None:
        self._inbox.take("answer", c.AnswerSignal, args, self._inbox.answer)
        self._send_answers()

    @workflow.signal(name="opt_out", description="The lead wants no more of this: {scope: all, call, sms or email}")
    def _on_opt_out(self, *args: Any) -> None:
        self._inbox.take("opt_out", c.OptOutSignal, args, self._inbox.opt_out)

    @workflow.signal(name="delivery", description="A touch could not be delivered")
    def _on_delivery(self, *args: Any) -> None:
        self._inbox.take("delivery", c.DeliverySignal, args, self._inbox.delivery)
        self._meanwhile()

    @workflow.signal(name="call_progress", description="A leg of a call ended")
    def _on_call_progress(self, *args: Any) -> None:
        self._inbox.take("call_progress", c.CallProgressSignal, args, self._inbox.call_progress)

    @workflow.signal(name="assigned", description="Somebody has time for the lead: {rep_id}")
    def _on_assigned(self, *args: Any) -> None:
        self._inbox.take("assigned", c.AssignedSignal, args, self._inbox.assigned)

    @workflow.signal(name="replan", description="Place the next touch again")
    def _on_replan(self, *args: Any) -> None:
        self._inbox.take("replan", c.ReplanSignal, args, self._inbox.replan)

    # ── updates: requests that want an answer ────────────────────────────────────────────────────────────────────────

    @workflow.update(
        name="log_outcome", description="What a rep learned: {call_result, outcome, at, until, scope, reason}"
    )
    def _log_outcome(self, *args: Any) -> c.LeadStatus:
        return self._inbox.log_outcome(args)

    @_log_outcome.validator
    def _check_log_outcome(self, *args: Any) -> None:
        self._inbox.refuse(c.OutcomeSignal, args)

    @workflow.update(name="accept", description="A rep takes the offered call: {rep_id}")
    async def _accept(self, *args: Any) -> c.LeadStatus:
        request = read(c.AcceptRequest, args)
        await self._steps.deadlines.accept(request)
        return self._inbox.accepted(request)

    @_accept.validator
    def _check_accept(self, *args: Any) -> None:
        self._inbox.refuse(c.AcceptRequest, args)

    @workflow.update(name="decline", description="A rep does not take it: {rep_id, reason}")
    def _decline(self, *args: Any) -> c.LeadStatus:
        return self._inbox.decline(args)

    @_decline.validator
    def _check_decline(self, *args: Any) -> None:
        self._inbox.check_decline(args)

    @workflow.update(name="pause", description="Hold the plan: {until, by, reason}")
    async def _pause(self, *args: Any) -> c.LeadStatus:
        status = self._inbox.pause(args)
        await self._write_records()  # the gate reads rows: what is being tried again must not go out after this answer
        return status

    @_pause.validator
    def _check_pause(self, *args: Any) -> None:
        self._inbox.refuse(c.PauseRequest, args)

    @workflow.update(name="resume", description="Go on with the plan: {by}")
    def _resume(self, *args: Any) -> c.LeadStatus:
        return self._inbox.resume(args)

    @_resume.validator
    def _check_resume(self, *args: Any) -> None:
        self._inbox.refuse(c.ResumeRequest, args)

    @workflow.update(name="skip", description="Pass over a step, or the next one: {step, by, reason}")
    async def _skip(self, *args: Any) -> c.LeadStatus:
        return await self._steps.skip_by_hand(read(c.SkipRequest, args))

    @_skip.validator
    def _check_skip(self, *args: Any) -> None:
        self._inbox.check_skip(args)

    @workflow.update(name="call_now", description="Call at once: {by}")
    def _call_now(self, *args: Any) -> c.LeadStatus:
        return self._inbox.call_now(args)

    @_call_now.validator
    def _check_call_now(self, *args: Any) -> None:
        self._inbox.refuse(c.CallNowRequest, args)

    @workflow.update(name="stop", description="End this lead: {reason, by}")
    async def _stop(self, *args: Any) -> c.LeadStatus:
        status = self._inbox.stop(args)
        await self._write_records()  # the gate reads rows: what is being tried again must not go out after this answer
        return status

    @_stop.validator
    def _check_stop(self, *args: Any) -> None:
        self._inbox.refuse(c.StopRequest, args)

    @workflow.update(name="correct", description="The row was corrected, read it again: {by}")
    def _correct(self, *args: Any) -> c.LeadStatus:
        return self._inbox.correct(args)

    @_correct.validator
    def _check_correct(self, *args: Any) -> None:
        self._inbox.refuse(c.CorrectRequest, args)

    @workflow.update(name="reassign", description="Give the lead to another rep: {rep_id, by, reason}")
    async def _reassign(self, *args: Any) -> c.LeadStatus:
        return await self._steps.reassign(read(c.ReassignRequest, args))

    @_reassign.validator
    def _check_reassign(self, *args: Any) -> None:
        self._inbox.refuse(c.ReassignRequest, args)

    @workflow.update(name="change_plan", description="Move the lead to another plan version: {plan_id, version, by}")
    async def _change_plan(self, *args: Any) -> c.LeadStatus:
        return await self._moving.ask(read(c.ChangePlanRequest, args))

    @_change_plan.validator
    def _check_change_plan(self, *args: Any) -> None:
        self._inbox.refuse(c.ChangePlanRequest, args)

    # ── queries: looks ───────────────────────────────────────────────────────────────────────────────────────────────

    @workflow.query(name="status", description="Stage, owner, next step and why")
    def _status(self, *_: Any) -> c.LeadStatus:
        return self._run.status()

    @workflow.query(name="timeline", description="Steps that have ended, in order")
    def _timeline(self, *_: Any) -> list[dict[str, Any]]:
        return self._steps.showing.timeline()

    @workflow.query(name="explain", description="What is next, when and why, in a sentence")
    def _explain(self, *_: Any) -> str:
        return self._steps.showing.explain()
