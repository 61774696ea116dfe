"""Doing what was decided: place it, wait for it, do it, and take in how it ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.messaging import Messaging
    from activities.notifying import Notifying
    from activities.placing import Placing
    from activities.records import Records
    from activities.routing import Routing
    from speedlead import contracts as c
    from speedlead.domain.cadence import Act, Skip, Substitute
    from speedlead.domain.lead import FollowUp
    from speedlead.domain.plan import Step
    from speedlead.domain.recovery import too_late
    from speedlead.domain.settling import cannot_be_placed, must_be_placed, pass_over, settle, settle_of_earlier_round
    from speedlead.telling import markdown
    from workflows import options
    from workflows.acknowledging import Acknowledging
    from workflows.answers import Answers
    from workflows.calls import Calls
    from workflows.deadlines import Deadlines
    from workflows.failures import Queues, never_began, refusal
    from workflows.state import LeadRun, Placement, named
    from workflows.telling import told_by, utc
    from workflows.waiting import Alarm

_STAGE = SearchAttributeKey.for_keyword("LeadStage")
_TYPE = SearchAttributeKey.for_keyword("LeadType")
_OWNER = SearchAttributeKey.for_keyword("LeadOwner")
_NEXT = SearchAttributeKey.for_datetime("NextTouchAt")
_BREACHED = SearchAttributeKey.for_bool("SlaBreached")
_PLAN = SearchAttributeKey.for_keyword("PlanVersion")


class Steps:
    def __init__(self, run: LeadRun) -> None:
        self._run = run
        self._alarm = Alarm()
        self._queues = Queues(run.lead.lead_id)
        self._calls = Calls(run, self._alarm, self._queues)
        self.answers = Answers(run, self._send, self._notify)
        self.acknowledging = Acknowledging(run, self.reconcile, self._notify)
        self.deadlines = Deadlines(run, self._notify, self._show_again)

    # ── a touch ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def act(self, act: Act) -> None:
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
            self.show(act.step.id, why, at)
            changes = self._run.changes
            # zone, holiday and law data may change while a lead sleeps: a longer wait is placed again
            until = min(at, workflow.now() + options.REPLACE_AFTER)
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
        step, began = act.step, lead.round
        skips = tuple(
            c.SkipRow(step=passed.step, channel=passed.channel, reason=passed.reason, at=passed.at)
            for passed in pass_over(lead, act, at, anchors, workflow.now())
        )
        self.show(step.id, "due", at)
        self._run.touching = True
        try:
            if step.channel == "call":
                result = await self._call(act, at, skips)
            else:
                result = await self._send(step, at, skips)
        finally:
            self._run.touching = False
        if self._hotter_since(began) and not act.manual:
            settle_of_earlier_round(lead, result)
        else:
            self._settle(act, at, result)
        self._run.changed()

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

    async def _send(
        self,
        step: Step,
        at: datetime,
        skips: tuple[c.SkipRow, ...],
        purpose: Literal["plan", "manual"] = "plan",
    ) -> c.TouchResult:
        lead = self._run.lead
        name = lead.touch_step(step.id) if purpose == "plan" else step.id
        queue = options.queue_of(step.channel)
        try:
            result = await workflow.execute_activity_method(
                Messaging.send,
                c.TouchRequest(
                    lead_id=lead.lead_id,
                    step=name,
                    channel=step.channel,
                    purpose=purpose,
                    template=step.template or "",
                    planned_at=at,
                    skips=skips,
                ),
                summary=f"{step.channel} {step.id}",
                **options.send(step.channel, lead.lead_type),
            )
        except ActivityError as error:
            if never_began(error):
                return await self._queues.backed_up(queue)
            self._queues.flows(queue)
            return await self.reconcile(name, give_up=True, channel=step.channel)
        self._queues.flows(queue)
        if result.state is c.TouchState.IN_DOUBT:
            await workflow.sleep(options.RECONCILE_AFTER, summary=f"wait for the provider's word on {step.id}")
            return await self.reconcile(name, give_up=True, channel=step.channel)
        return result

    async def reconcile(self, step: str, *, give_up: bool, channel: c.Channel | None = None) -> c.TouchResult:
        return await workflow.execute_activity_method(
            Messaging.reconcile,
            c.CheckRequest(lead_id=self._run.lead.lead_id, step=step, give_up=give_up, channel=channel),
            summary=f"reconcile {step}",
            **options.ROWS,
        )

    def _hotter_since(self, began: int) -> bool:
        """Did the lead become hotter during a wait? Then what ended belongs to a track that it has left."""
        return self._run.lead.round != began and workflow.patched("touch-of-its-round")

    def _settle(self, act: Act, at: datetime, result: c.TouchResult) -> None:
        lead = self._run.lead
        again = settle(lead, act, at, result, workflow.now())
        if again is not None:
            self._run.not_before[lead.touch_step(act.step.id)] = again

    # ── everything that is not a touch ───────────────────────────────────────────────────────────────────────────────

    async def route(self) -> None:
        lead, began = self._run.lead, self._run.lead.round
        result = await workflow.execute_activity_method(
            Routing.route,
            c.RouteRequest(lead_id=lead.lead_id, lead_type=lead.lead_type, submitted_at=lead.submitted_at),
            summary=f"route · {self._run.title}",
            **options.ROWS,
        )
        if not self._hotter_since(began):
            if lead.opened is None:  # a pause may have moved it since
                lead.opened = result.open_at
            lead.due, self._run.deal_at = result.due_at, result.deal_at
            self._run.watch.assign_due = result.assign_due_at
        if result.offered:
            self._run.watch.acceptance.ask(result.offered, max(workflow.now(), result.open_at), claim=True)
        if result.owner_id is not None:
            lead.given_to(result.owner_id, workflow.now())
        self._run.changed()

    async def substitute(self, substitute: Substitute) -> None:
        """No usable channel for a step that matters: the owner gets it as a task with the same deadline."""
        lead, step, began = self._run.lead, substitute.step, self._run.lead.round
        self.show(step.id, substitute.reason)
        await self._notify(
            f"instead:{lead.touch_step(step.id)}", "rep", "write_personally", substitute.reason, substitute.due
        )
        if not self._hotter_since(began):
            await self.skip((Skip(step, substitute.reason),), substitute.at)
        if lead.callbacks:
            lead.manual_calls += 1
            lead.callbacks.clear()

    async def remind(self, audience: str, kind: str, number: int, due: datetime | None = None) -> None:
        follow = self._run.lead.follow_up
        assert follow is not None
        await self._notify(f"{kind}:{follow.since.isoformat()}:{number}", audience, kind, None, due)
        follow.reminded = number

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
        if not (heard and workflow.patched("touch-of-its-round")):
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
        self.show(None, why, until)
        changes = self._run.changes
        await self._alarm.until(until, lambda: self._run.changes != changes, why)

    async def reassign(self, request: c.ReassignRequest) -> c.LeadStatus:
        try:
            await workflow.execute_activity_method(
                Routing.reassign,
                c.ReassignTo(lead_id=self._run.lead.lead_id, rep_id=request.rep_id, reason=request.reason),
                summary="reassign",
                **options.ROWS,
            )
        except ActivityError as error:
            raise refusal("rep_id", error) from error
        self._run.lead.owner_id = request.rep_id
        self._run.watch.acceptance.take()
        self._run.changed()
        return self._run.status()

    async def skip_by_hand(self, request: c.SkipRequest) -> c.LeadStatus:
        name = request.step or self._run.next_step
        step = next((s for s in self._run.lead.track.steps if s.id == name), None)
        if step is not None and step.id not in self._run.lead.settled:
            await self.skip((Skip(step, request.reason),))
            self._run.note("skipped_by_hand", reason=f"{step.id}: {request.reason}")
        return self._run.status()

    # ── what people see ──────────────────────────────────────────────────────────────────────────────────────────────

    def show(self, step: str | None, why: str, at: datetime | None = None) -> None:
        """Search attributes (one upsert, only when something differs) and the current details of the Temporal UI."""
        run, lead = self._run, self._run.lead
        run.next_step, run.next_at, run.why = step, at, why
        late = lead.breached(workflow.now()) or bool(run.watch.reported)
        shown = (
            lead.stage.value,
            lead.lead_type,
            lead.owner_id,
            at,
            late,
            named(lead.cadence),
        )
        if shown != run.shown:
            run.shown = shown
            run.changed()  # what is watched depends on what comes next
            updates: list[Any] = [
                _STAGE.value_set(lead.stage.value),
                _TYPE.value_set(lead.lead_type),
                _BREACHED.value_set(late),
                _PLAN.value_set(f"{lead.cadence.id}:{lead.cadence.version}"),
                _NEXT.value_set(at) if at is not None else _NEXT.value_unset(),
            ]
            if lead.owner_id is not None:
                updates.append(_OWNER.value_set(lead.owner_id))
            workflow.upsert_search_attributes(updates)
        workflow.set_current_details(self.explain())

    def _show_again(self) -> None:
        self.show(self._run.next_step, self._run.why, self._run.next_at)

    def explain(self) -> str:
        return markdown(told_by(self._run), self._run.title, utc)

    def timeline(self) -> list[dict[str, Any]]:
        return [
            {"step": step, "state": end.state, "at": end.at, "reason": end.reason}
            for step, end in sorted(self._run.lead.settled.items(), key=lambda item: item[1].at)
        ]


def _audience(wanted: str, owner_id: str | None) -> Literal["rep", "manager", "ops"]:
    """What is meant for the owner goes to a manager while there is none."""
    if wanted == "ops":
        return "ops"
    return "manager" if wanted == "manager" or owner_id is None else "rep"
