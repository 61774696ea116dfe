"""Write down what reached the workflow, passed-over steps, and the end."""

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.auditing import DONE, REFUSED, Auditing
from activities.clock import ActivityClock
from activities.messaging import skip_rows
from speedlead.contracts import (
    Acknowledged,
    CloseRequest,
    CloseResult,
    LoadPlanRequest,
    RecordRequest,
    SkipStepsRequest,
    TakePlanRequest,
    WaitRequest,
)
from speedlead.domain.outcomes import Outcome
from speedlead.domain.plan import Cadence
from speedlead.records import Leads, Plans, Touches


class Records:
    def __init__(
        self, *, leads: Leads, touches: Touches, plans: Plans, auditing: Auditing, clock: ActivityClock
    ) -> None:
        self._leads = leads
        self._auditing = auditing
        self._touches = touches
        self._plans = plans
        self._clock = clock

    @activity.defn
    async def record(self, request: RecordRequest) -> Acknowledged | None:
        """A fact that may have come without a row (typed into the Temporal UI), or a message that was refused.

        Of an acknowledgement that failed the answer is how it ended on its channels.
        """
        line = await self._auditing.begin(request.lead_id, request.steered)
        await self._record(request)
        await self._auditing.end(line, REFUSED if request.kind == "plan_change_refused" else DONE)
        if request.inquiry_number is None:
            return None
        ways = await self._touches.acknowledgement_failed(request.lead_id, request.inquiry_number, request.at)
        return Acknowledged(ways=ways, promised_at=(await self._leads.read(request.lead_id)).promised_at)

    async def _record(self, request: RecordRequest) -> None:
        lead_id = request.lead_id
        if request.outcome is not None:
            outcome = request.outcome
            await self._leads.outcome(
                lead_id,
                dedupe=request.key,
                at=request.at,
                call_result=outcome.call_result,
                outcome=outcome.outcome,
                until=outcome.at or outcome.until,
                reason=outcome.reason,
                rep_id=outcome.rep_id,
                touch_id=outcome.touch_id,
            )
            if outcome.outcome is Outcome.DO_NOT_CONTACT:
                await self._leads.opt_out(lead_id, scope=outcome.scope, source="rep", at=request.at)
        elif request.opt_out is not None:
            await self._leads.opt_out(lead_id, scope=request.opt_out.scope, source="signal", at=request.at,
                                      message_id=request.opt_out.message_id)  # fmt: skip
        else:
            data: dict[str, object] = {"next_at": request.paused_until.isoformat()} if request.paused_until else {}
            await self._leads.story(
                lead_id,
                kind=request.kind,
                at=request.at,
                reason=request.reason,
                data=data | ({"rep_id": request.rep_id} if request.rep_id else {}),
                dedupe=f"{request.kind}:{request.key}",
            )
        if request.kind in ("paused", "resumed"):
            await self._leads.pause(lead_id, until=request.paused_until, paused=request.kind == "paused")
        if request.kind == "stopped":
            await self._leads.stop(lead_id)
        if request.stage is not None:
            await self._leads.stage(lead_id, request.stage)
        if request.why is not None:
            await self._leads.next_touch(lead_id, None, request.next_at, request.why)

    @activity.defn
    async def skip_steps(self, request: SkipStepsRequest) -> None:
        lead = await self._leads.read(request.lead_id)
        await self._touches.skip(
            request.lead_id, skip_rows(request.skips), self._clock.moment(lead.clock_offset_us).now
        )

    @activity.defn
    async def show_wait(self, request: WaitRequest) -> None:
        """What pages and the watchdog read while no touch is placed."""
        await self._leads.next_touch(request.lead_id, None, request.until, request.why)

    @activity.defn
    async def load_plan(self, request: LoadPlanRequest) -> Cadence:
        try:
            return await self._plans.cadence(request.plan_id, request.version)
        except LookupError as error:
            raise ApplicationError(str(error), type="unknown", non_retryable=True) from None

    @activity.defn
    async def take_plan(self, request: TakePlanRequest) -> None:
        """The rows follow the workflow: whatever starts the lead again from them goes on with the same plan."""
        line = await self._auditing.begin(request.lead_id, request.steered)
        await self._touches.skip(request.lead_id, skip_rows(request.skips), request.at)
        await self._plans.taken(request.lead_id, request.plan_id, request.version)
        await self._leads.story(
            request.lead_id,
            kind="plan_changed",
            at=request.at,
            reason=f"{request.plan_id} v{request.version}",
            data={"before": request.before, "passed_over": [skip.step for skip in request.skips]},
            dedupe=f"plan_changed:{request.at.isoformat()}",
        )
        await self._auditing.end(line)

    @activity.defn
    async def owner(self, lead_id: str) -> str | None:
        return (await self._leads.read(lead_id)).owner_id

    @activity.defn
    async def close(self, request: CloseRequest) -> CloseResult:
        """Refused while the workflow has not heard what was said to the lead; it then goes on and hears it."""
        lead = await self._leads.read(request.lead_id)
        now = self._clock.moment(lead.clock_offset_us).now
        await self._touches.skip(request.lead_id, skip_rows(request.skips), now)
        closed = await self._leads.close(
            request.lead_id, reason=request.reason, stage=request.stage, at=now, heard=request.heard
        )
        return CloseResult(closed=closed, at=now)
