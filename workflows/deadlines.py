"""What somebody has to hear of in time: a lead that nobody takes, a deadline that comes, a target that is missed.

One task and one timer for each lead, for the earliest of its deadlines, and none where nothing is due by itself.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.acceptance import Acceptance
    from speedlead import contracts as c
    from speedlead.domain.acceptance import MANAGER_LEVEL
    from speedlead.domain.watching import Due, named, next_due
    from workflows import options
    from workflows.failures import refusal
    from workflows.state import LeadRun
    from workflows.waiting import Alarm

Notify = Callable[[str, str, str, str | None, datetime | None], Awaitable[None]]
Owner = Callable[[str | None, str], Awaitable[str]]


class Deadlines:
    def __init__(self, run: LeadRun, notify: Notify, show_again: Callable[[], None], owner: Owner) -> None:
        self._run = run
        self._owner = owner
        self._notify = notify
        self._show_again = show_again
        self._alarm = Alarm()
        # what was found is told before the lead ends
        self.busy = False

    async def watch(self) -> None:
        run = self._run
        while True:
            changes = run.changes
            due = self._next()
            if due is None:
                self._alarm.off()
                await workflow.wait_condition(lambda seen=changes: run.changes != seen)  # type: ignore[misc]
            elif due.at > workflow.now():
                await self._alarm.until(due.at, lambda seen=changes: run.changes != seen, _summary(due))  # type: ignore[misc]
            else:
                self.busy = True
                try:
                    await self._meet(due)
                finally:
                    self.busy = False

    def _next(self) -> Due | None:
        run, lead = self._run, self._run.lead
        acceptance = run.watch.acceptance
        if lead.owner_id is not None and lead.opened is not None:
            run.watch.assigned_at = run.watch.assigned_at or workflow.now()
            if not acceptance.accepted and not acceptance.over and acceptance.asked != (lead.owner_id,):
                # however the lead has come to its owner; nobody is asked before it opens
                acceptance.ask((lead.owner_id,), max(workflow.now(), lead.opened), level=max(1, acceptance.level))
        # before the plan has said what comes next, nobody knows whether it keeps the deadline
        return next_due(lead, run.watch, calling=run.calling, coming=run.next_at, known=bool(run.shown))

    async def _meet(self, due: Due) -> None:
        watch = self._run.watch
        match due.what:
            case "escalate":
                await self._escalate()
            case "remind":
                watch.reminded = True
                await self._notify(named("due_soon", watch.round), "rep", "due_soon", None, self._run.lead.due)
            case "breach":
                watch.reported.add(named(due.target, watch.round_of(due.target)))
                await self._report(due)

    async def _escalate(self) -> None:
        run, acceptance = self._run, self._run.watch.acceptance
        asked, since = acceptance.asked, acceptance.since
        assert since is not None
        level = min(acceptance.level + (0 if acceptance.claim else 1), MANAGER_LEVEL + 1)
        try:
            result = await workflow.execute_activity_method(
                Acceptance.escalate,
                c.EscalateRequest(
                    lead_id=run.lead.lead_id,
                    reason=acceptance.reason,
                    level=level,
                    asked=asked,
                    asked_at=since,
                    declined=tuple(rep for rep in asked if rep in acceptance.declined),
                ),
                summary=f"not taken: ask the next · {run.title}",
                **options.ROWS,
            )
        except ActivityError:
            acceptance.nobody()
            return
        if acceptance.accepted:  # it was taken meanwhile, and the rows say by whom
            return
        before = run.lead.owner_id
        if result.owner_id is not None:
            run.lead.owner_id = result.owner_id
        if result.accepted:
            acceptance.take()
        elif result.level is None or result.owner_id is None:
            acceptance.nobody()
        else:
            at = max(workflow.now(), run.lead.opened or workflow.now())
            acceptance.ask((result.owner_id,), at, level=result.level)
        if run.lead.owner_id != before:
            run.changed()

    async def _report(self, due: Due) -> None:
        run = self._run
        phase = await workflow.execute_activity_method(
            Acceptance.breach,
            c.BreachRequest(
                lead_id=run.lead.lead_id, target=due.target, due_at=due.at, round=run.watch.round_of(due.target)
            ),
            summary=f"target missed? · {due.target}",
            **options.ROWS,
        )
        if phase is not None:
            self._show_again()

    # ── what people say ──────────────────────────────────────────────────────────────────────────────────────────────

    async def accept(self, request: c.AcceptRequest) -> None:
        """The rows decide. Raises what a wrong or late rep is answered with; then nothing has changed."""
        run, before = self._run, self._run.lead.owner_id
        try:
            result = await workflow.execute_activity_method(
                Acceptance.accept,
                c.TakeRequest(lead_id=run.lead.lead_id, rep_id=request.rep_id),
                summary="accept",
                **options.ROWS,
            )
        except ActivityError as error:
            raise refusal("rep_id", error) from error
        if not result.taken:
            raise ApplicationError(result.why or "not yours", type="rejected", non_retryable=True)
        run.lead.owner_id = await self._owner(before, request.rep_id)
        run.watch.acceptance.take()
        run.changed()


def _summary(due: Due) -> str:
    return {"escalate": "taken by then, or the next is asked", "remind": "half the time is over"}.get(
        due.what, f"deadline: {due.target}"
    )
