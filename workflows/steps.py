"""Doing what was decided: place it, wait for it, do it, and take in how it ended."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.notifying import Notifying
    from activities.placing import Placing
    from activities.records import Records
    from activities.routing import Routing
    from speedlead import contracts as c
    from speedlead.domain.cadence import Act, Skip, Substitute
    from speedlead.domain.lead import FollowUp
    from speedlead.domain.outcomes import CallResult
    from speedlead.domain.recovery import too_late
    from speedlead.domain.settling import cannot_be_placed, must_be_placed, pass_over, settle, settle_of_earlier_round
    from workflows import options
    from workflows.acknowledging import Acknowledging
    from workflows.answers import Answers
    from workflows.assisting import Assistant
    from workflows.calls import Calls
    from workflows.deadlines import Deadlines
    from workflows.enriching import enrich
    from workflows.failures import Queues, refusal
    from workflows.sending import Sending
    from workflows.showing import Showing
    from workflows.state import LeadRun, Placement, heeds_what_came
    from workflows.steered import steered
    from workflows.waiting import Alarm


@dataclass(frozen=True, slots=True)
class Began:
    """What was true of the lead when a touch began."""

    round: int
    decisions: int


class Steps:
    def __init__(self, run: LeadRun) -> None:
        self._run = run
        self._alarm = Alarm()
        self._queues = Queues(run.lead.lead_id)
        self._calls = Calls(run, self._alarm, self._queues)
        self._sending = Sending(run, self._queues)
        # a message that more urgent things did not wait for
        self._aside: Began | None = None
        self._routing = False
        self.showing = Showing(run)
        self.answers = Answers(run, self._sending.send, self._notify)
        self.assistant = Assistant(run, self._sending.send, self._notify)
        self.acknowledging = Acknowledging(run, self._sending.reconcile, self._notify, self.showing.details)
        self.deadlines = Deadlines(run, self._notify, self.showing.again, self.owner)

    # ── a touch ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def act(self, act: Act) -> None:
        if not await self._message_ended(act):
            return
        at: datetime | None = act.earliest
        named_time = self._run.not_before.get(self._run.lead.touch_step(act.step.id))
        apart = None if act.manual else self._run.lead.apart(act.step)
        not_before = max((at for at in (named_time, apart) if at is not None), default=None)
        anchors: dict[str, datetime] = {}
        why = "scheduled"
        if must_be_placed(act, workflow.now(), not_before):
            placement = await self._place(act, not_before)
            if placement is None:
                return
            at, anchors, why = placement.at, placement.anchors, placement.why
        if at is not None and act.latest is not None and at >= act.latest:
            too_late(self._run.lead, act.step.id)
            return
        if at is not None and at > workflow.now():
            self.showing.show(act.step.id, why, at)
            changes = self._run.changes
            # zone, holiday and law data may change while a lead sleeps: a longer wait is placed again; that of a slow
            # plan once, when it is over, so that a history of years stays short
            slow = self._run.lead.cadence.program is not None
            until = at if slow else min(at, workflow.now() + options.REPLACE_AFTER)
            await self._alarm.until(
                until, lambda: self._run.changes != changes, f"{act.step.id} at {at:%d %b %H:%M} UTC"
            )
            if self._run.changes != changes or workflow.now() < at:
                return
        await self._do(act, at or workflow.now(), anchors)

    async def _place(self, act: Act, not_before: datetime | None) -> Placement | None:
        """The recorded answer of the calendar; asked again only when the question changed or it is a day old."""
        lead, now = self._run.lead, workflow.now()
        key = (act.step.id, act.earliest, not_before, tuple(skip.step.id for skip in act.skips), lead.round)
        known = self._run.placement
        if known is not None and known.key == key and now - known.asked < options.REPLACE_AFTER:
            return known
        changes = self._run.changes
        request = c.PlaceRequest(
            lead_id=lead.lead_id,
            # what goes in place of another touch does not count from the steps before it
            steps=(act.step,) if act.at_once else (*(skip.step for skip in act.skips), act.step),
            due=act.earliest,
            opened=lead.opened or now,
            not_before=not_before,
            touch_step=lead.touch_step(act.step.id),
            manual=act.manual,
        )
        if act.skips and not act.at_once:
            chain = {
                "track_steps": lead.track.steps,
                "lead_time": lead.track.lead_time,
                "deadline": lead.due,
                "anchors": {step: settled.at for step, settled in lead.settled.items()},
            }
            request = request.model_copy(update=chain)
        result = await workflow.execute_activity_method(
            Placing.place,
            request,
            summary=f"place {act.step.id}",
            **options.ROWS,
        )
        if result.at is None:
            if self._run.changes == changes or not heeds_what_came():
                self._impossible(act, result)
            return None
        placement = Placement(
            act.step.id, workflow.now(), result.at, key, dict(result.anchors), result.reason or "scheduled"
        )
        # a message that came meanwhile may have made the answer stale
        self._run.placement = placement if self._run.changes == changes else None
        return placement if self._run.changes == changes else None

    def _impossible(self, act: Act, result: c.PlaceResult) -> None:
        """No instant is lawful: the channel is closed for a reason, and a person of ours is told."""
        reason = result.reason or "no_common_window"
        cannot_be_placed(self._run.lead, act, reason)
        self._run.note("cannot_place", reason=f"{act.step.id}: {reason}", key=f"cannot_place:{act.step.id}:{reason}")

    async def _do(self, act: Act, at: datetime, anchors: dict[str, datetime]) -> None:
        lead = self._run.lead
        self._run.placement = None
        step, began = act.step, Began(lead.round, lead.decisions)
        skips = tuple(
            c.SkipRow(step=passed.step, channel=passed.channel, reason=passed.reason, at=passed.at)
            for passed in pass_over(lead, act, at, anchors, workflow.now())
        )
        self.showing.show(step.id, "due", at)
        self._run.touching += 1
        if step.channel == "call":
            await self._end(act, at, began, self._call(act, at, skips))
            return
        sending = self._sending.begin(step, at, skips)
        await workflow.wait_condition(lambda: sending.answer.done() or self._more_urgent(began))
        end = self._end(act, at, began, self._sending.end(sending))
        if sending.answer.done() or not heeds_what_came():
            await end
        else:  # its provider may refuse it for half an hour
            self._aside = began
            self._run.beside.begin(end)

    async def _end(self, act: Act, at: datetime, began: Began, ends: Awaitable[c.TouchResult]) -> None:
        lead = self._run.lead
        try:
            result = await ends
        finally:
            self._run.touching -= 1
        talked = result.call_result is CallResult.CONNECTED
        decided = talked and lead.decisions != began.decisions and heeds_what_came()
        if self._hotter_since(began.round) and not act.manual:
            settle_of_earlier_round(lead, result, decided=decided)
        else:
            self._settle(act, at, result, decided=decided)
        self._run.changed()

    def _more_urgent(self, began: Began) -> bool:
        """What does not wait for a message that cannot go at once: a call by hand, and a track with other deadlines."""
        return self._run.lead.round != began.round or any(at <= workflow.now() for at in self._run.lead.callbacks)

    async def _message_ended(self, act: Act) -> bool:
        """False: a message that was left aside for this lead has just ended, and all is to be decided again."""
        aside = self._aside
        if aside is None or not self._run.touching or act.manual or aside.round != self._run.lead.round:
            return True
        await workflow.wait_condition(lambda: not self._run.touching or self._more_urgent(aside))
        return False

    async def _call(self, act: Act, at: datetime, skips: tuple[c.SkipRow, ...]) -> c.TouchResult:
        """Reps are rung one after the other, so nobody else has to be asked meanwhile, nor afterwards."""
        run, acceptance = self._run, self._run.watch.acceptance
        run.calling = True
        try:
            result = await self._calls.attempt(act, at, skips)
        finally:
            run.calling = False
            run.caller = None if act.manual else run.caller
        if result.state is c.TouchState.SENT:
            acceptance.take()
        elif result.state is c.TouchState.DEFERRED and result.reason == "rep_unavailable" and not acceptance.accepted:
            acceptance.nobody()
        return result

    def _hotter_since(self, began: int) -> bool:
        """Did the lead become hotter during a wait? Then what ended belongs to a track that it has left."""
        return self._run.lead.round != began and heeds_what_came()

    def _settle(self, act: Act, at: datetime, result: c.TouchResult, *, decided: bool) -> None:
        lead = self._run.lead
        again = settle(lead, act, at, result, workflow.now(), decided=decided)
        if again is not None:
            self._run.not_before[lead.touch_step(act.step.id)] = again

    # ── everything that is not a touch ───────────────────────────────────────────────────────────────────────────────

    async def route(self) -> None:
        """Whoever asks while an answer is on its way has that one."""
        if self._routing and heeds_what_came():
            await workflow.wait_condition(lambda: not self._routing)
            return
        self._routing = True
        try:
            if self._run.lead.cadence.program is None:  # of whoever is in a program everything is known
                await enrich(self._run)
            await self._route()
        finally:
            self._routing = False

    async def _route(self) -> None:
        lead, began, before = self._run.lead, self._run.lead.round, self._run.lead.owner_id
        result = await workflow.execute_activity_method(
            Routing.route,
            c.RouteRequest(lead_id=lead.lead_id, lead_type=lead.lead_type, submitted_at=lead.submitted_at),
            summary=f"route · {self._run.title}",
            **options.ROWS,
        )
        if not self._hotter_since(began):
            if result.lead_type is not None:
                lead.found_to_be(result.lead_type)
            if lead.opened is None:  # a pause may have moved it since
                lead.opened = result.open_at
            lead.due, self._run.deal_at = result.due_at, result.deal_at
            self._run.watch.assign_due = result.assign_due_at
        if result.offered:
            self._run.watch.acceptance.ask(result.offered, max(workflow.now(), result.open_at), claim=True)
        if result.owner_id is not None:
            lead.given_to(await self.owner(before, result.owner_id), workflow.now())
        self._run.changed()

    async def substitute(self, substitute: Substitute) -> None:
        """No usable channel for a step that matters: the owner gets it as a task with the same deadline."""
        lead, step, began = self._run.lead, substitute.step, self._run.lead.round
        self.showing.show(step.id, substitute.reason)
        await self._notify(
            f"instead:{lead.touch_step(step.id)}", "rep", "owner_task" if step.task else "write_personally",
            substitute.reason, substitute.due,
        )  # fmt: skip
        if not self._hotter_since(began):
            await self.skip((Skip(step, substitute.reason),), substitute.at)
        if lead.callbacks:
            # one that was asked for meanwhile is not what was given to a person
            asked_since = [at for at in lead.callbacks if not step.id.startswith("callback-") or at > substitute.due]
            lead.manual_calls += 1
            lead.callbacks = asked_since if asked_since and heeds_what_came() else []

    async def remind(self, audience: str, kind: str, number: int, due: datetime | None = None) -> None:
        follow = self._run.lead.follow_up
        assert follow is not None
        follow.reminded = number  # first: whoever decides meanwhile must not tell it again
        await self._notify(f"{kind}:{follow.since.isoformat()}:{number}", audience, kind, None, due)

    async def _notify(self, key: str, audience: str, kind: str, reason: str | None, due: datetime | None) -> None:
        await workflow.execute_activity_method(
            Notifying.notify,
            c.NotifyRequest(
                lead_id=self._run.lead.lead_id,
                key=key,
                audience=_audience(audience, self._run.lead.owner_id),
                kind=kind,
                reason=reason,
                due_at=due,
            ),
            summary=f"tell the {audience}: {kind}",
            **options.ROWS,
        )

    async def skip(self, skips: Sequence[Skip], at: datetime | None = None) -> None:
        """`at`: what later steps count from, if that is not now."""
        if not skips:
            return
        began = self._run.lead.round
        await workflow.execute_activity_method(
            Records.skip_steps,
            c.SkipStepsRequest(lead_id=self._run.lead.lead_id, skips=self.skip_rows(skips)),
            summary=f"skip {skips[0].step.id}",
            **options.ROWS,
        )
        if self._hotter_since(began):
            return
        for skip in skips:
            anchor = at or workflow.now()
            self._run.lead.settle(skip.step.id, "skipped", anchor, skip.step.channel, skip.reason)

    async def hand_over(self, skips: Sequence[Skip], reminded: int) -> None:
        """The plan is over and nobody was reached; unless the person was heard of while that was written down."""
        lead, began = self._run.lead, self._run.lead.round
        await self.skip(skips)
        heard = lead.follow_up is not None or lead.round != began
        if not (heard and heeds_what_came()):
            lead.follow_up = FollowUp("unreachable", workflow.now(), reminded)

    def skip_rows(self, skips: Sequence[Skip]) -> tuple[c.SkipRow, ...]:
        return tuple(
            c.SkipRow(
                step=self._run.lead.touch_step(skip.step.id),
                channel=skip.step.channel,
                reason=skip.reason,
                at=workflow.now(),
            )
            for skip in skips
        )

    async def wait(self, until: datetime | None, why: str) -> None:
        self.showing.show(None, why, until)
        changes = self._run.changes
        # no touch of ours is placed then, and nothing else would tell the rows what comes next
        if until is not None and why in ("owner_task", "program_over") and workflow.patched("waits-in-rows"):
            await workflow.execute_activity_method(
                Records.show_wait,
                c.WaitRequest(lead_id=self._run.lead.lead_id, until=until, why=why),
                summary=f"waits: {why}",
                **options.ROWS,
            )
        await self._alarm.until(until, lambda: self._run.changes != changes, why)

    async def owner(self, before: str | None, answered: str) -> str:
        """Who has the lead, by an answer that was asked for while `before` had it; where that is old, by the rows."""
        if self._run.lead.owner_id in (before, answered) or not heeds_what_came():
            return answered
        found = await workflow.execute_activity_method(
            Records.owner, self._run.lead.lead_id, summary="whose lead it is", **options.ROWS
        )
        return found or answered

    async def reassign(self, request: c.ReassignRequest) -> c.LeadStatus:
        before = self._run.lead.owner_id
        try:
            await workflow.execute_activity_method(
                Routing.reassign,
                c.ReassignTo(
                    lead_id=self._run.lead.lead_id,
                    rep_id=request.rep_id,
                    reason=request.reason,
                    expected_owner=request.expected_owner,
                    steered=steered(request),
                ),
                summary="reassign",
                **options.ROWS,
            )
        except ActivityError as error:
            raise refusal("rep_id", error) from error
        self._run.lead.owner_id = await self.owner(before, request.rep_id)
        self._run.watch.acceptance.take()
        self._run.changed()
        return self._run.status()

    async def skip_by_hand(self, request: c.SkipRequest) -> c.LeadStatus:
        name = request.step or self._run.next_step
        step = next((s for s in self._run.lead.track.steps if s.id == name), None)
        if step is not None and step.id not in self._run.lead.settled:
            await self.skip((Skip(step, request.reason),))
            self._run.note("skipped_by_hand", reason=f"{step.id}: {request.reason}", steered=steered(request))
        return self._run.status()


def _audience(wanted: str, owner_id: str | None) -> Literal["rep", "manager", "ops"]:
    """What is meant for the owner goes to a manager while there is none."""
    if wanted == "ops":
        return "ops"
    return "manager" if wanted == "manager" or owner_id is None else "rep"
