"""From one plan to another while a lead is under way (domain/replanning)."""

import contextlib

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.records import Records
    from speedlead import contracts as c
    from speedlead.domain.replanning import PLAN_CHANGED, cannot_move, move
    from workflows import options
    from workflows.failures import refusal
    from workflows.state import LeadRun, named
    from workflows.steered import steered


class Moving:
    def __init__(self, run: LeadRun) -> None:
        self._run = run

    async def ask(self, request: c.ChangePlanRequest) -> c.LeadStatus:
        """Between two touches: one that is under way ends on its own plan; the answer says that the change waits."""
        run = self._run
        try:
            cadence = await workflow.execute_activity_method(
                Records.load_plan,
                c.LoadPlanRequest(lead_id=run.lead.lead_id, plan_id=request.plan_id, version=request.version),
                summary="load plan",
                **options.ROWS,
            )
        except ActivityError as error:
            raise refusal("plan_id", error) from error
        if (why := cannot_move(run.lead, cadence)) is not None:
            raise ApplicationError(f"version: {why}", {"field": "version"}, type="rejected", non_retryable=True)
        run.plan_to, run.plan_asked = cadence, steered(request)
        run.changed()
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: run.plan_to is not cadence or run.touching > 0, timeout=options.PLAN_TAKEN_WITHIN
            )
        if run.plan_to is cadence:
            run.note("plan_change_waits", reason=named(cadence), steered=run.plan_asked)
        return run.status()

    async def take(self) -> None:
        """Goes where the lead was told to, if anywhere. Only the loop does this, so no decision is half of a plan."""
        run, lead, cadence = self._run, self._run.lead, self._run.plan_to
        if cadence is None or run.touching:
            return
        if (why := cannot_move(lead, cadence)) is not None:  # what was under way has ended otherwise than it began
            run.plan_to = None
            run.note("plan_change_refused", reason=why[:300], steered=run.plan_asked)
            return
        before = named(lead.cadence)
        passed = move(lead, cadence, workflow.now())
        run.placement = None
        await workflow.execute_activity_method(
            Records.take_plan,
            c.TakePlanRequest(
                lead_id=lead.lead_id,
                plan_id=cadence.id,
                version=cadence.version,
                before=before,
                skips=tuple(
                    c.SkipRow(step=lead.touch_step(skip.step), channel=skip.channel, reason=PLAN_CHANGED, at=skip.at)
                    for skip in passed
                ),
                at=workflow.now(),
                steered=run.plan_asked,
            ),
            summary=f"take plan {named(cadence)}",
            **options.ROWS,
        )
        if run.plan_to is cadence:  # else somebody has asked for yet another one meanwhile
            run.plan_to = None
        run.changed()
