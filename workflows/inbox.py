"""What each message does to a running lead. Handlers in `lead.py` pass whatever arrived; this reads and applies it."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel
from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from speedlead import contracts as c
    from speedlead.domain.lead import OUT_OF_OFFICE, Report
    from speedlead.domain.outcomes import CallResult, Outcome
    from speedlead.domain.recovery import inquiry_unheard, not_delivered
    from workflows.messages import Rejected, read
    from workflows.state import LeadRun, heeds_what_came
    from workflows.steered import steered

S = TypeVar("S", bound=c.Signal)


class Inbox:
    def __init__(self, run: LeadRun) -> None:
        self._run = run

    # ── signals: facts ───────────────────────────────────────────────────────────────────────────────────────────────

    def take(self, name: str, model: type[S], args: Sequence[Any], apply: Callable[[S], None]) -> None:
        """Applies a signal once. One that cannot be read changes nothing but the story."""
        try:
            message = read(model, args)
            if self._run.seen.is_new(message.message_id):
                apply(message)
                self._run.changed()
        except Rejected as rejected:
            self._run.refused(name, rejected.field, rejected.reason)

    def inquiry(self, message: c.InquirySignal) -> None:
        lead = self._run.lead
        before, away = lead.lead_type, lead.paused
        reach, anew = message.reach, heeds_what_came()
        lead.inquired(
            message.lead_type,
            has_email=reach.has_email,
            has_phone=reach.has_phone,
            consent_sms=reach.consent_sms,
            call_requested=reach.call_requested,
            at=workflow.now(),
            anew=anew,
        )
        self._run.unanswered.append(message.number)
        if lead.lead_type != before:
            lead.submitted_at = workflow.now()
            if anew:
                self._run.watch.again(lead.round)
                if self._run.watch.acceptance.asked and workflow.patched("asked-still-when-hotter"):
                    self._run.watch.acceptance.hotter(workflow.now())
        self._run.note(
            "inquiry_heard",
            reason=f"{before}_to_{lead.lead_type}" if lead.lead_type != before else "again",
            key=f"inquiry:{message.number}",
        )
        self._goes_on(away)

    def outcome(self, message: c.OutcomeSignal) -> None:
        lead, now = self._run.lead, workflow.now()
        if message.call_result is not None:
            self._run.task_result = message.call_result.value
            lead.number_left = message.number_left
            lead.call_ended(message.call_result, now)
        if message.rep_id in (None, lead.owner_id):
            self._run.watch.acceptance.take()
        if message.outcome is not None:
            lead.decided(
                message.outcome,
                now,
                when=message.at or message.until,
                scope=message.scope,
                reason=message.outcome.value,
            )
        self._run.records.append(
            c.RecordRequest(
                lead_id=lead.lead_id,
                key=message.message_id or f"outcome:{self._run.changes}:{now.isoformat()}",
                kind="outcome",
                outcome=message,
                stage=lead.stage.value if lead.follow_up is not None else None,
                at=now,
            )
        )

    def reply(self, message: c.ReplySignal) -> None:
        lead = self._run.lead
        away, until = lead.paused, lead.paused_until
        lead.replied(workflow.now(), automatic=message.automatic, until=message.until, due=message.due)
        if lead.paused and lead.paused_until != until:
            self._run.note("paused", reason=OUT_OF_OFFICE, key=message.message_id, paused_until=lead.paused_until)
            return
        self._run.note(
            "reply_heard", reason="automatic" if message.automatic else message.channel, key=message.message_id
        )
        if message.reply_id is not None and workflow.patched("assistant-turns"):
            self._run.turns.append(message.reply_id)
        self._goes_on(away)

    def answer(self, message: c.AnswerSignal) -> None:
        if not message.assistant:
            self._run.watch.acceptance.take()
        self._run.answers.append(message)

    def _goes_on(self, paused_before: bool) -> None:
        """Says so when what was just heard has ended a pause."""
        if paused_before and not self._run.lead.paused:
            self._run.placement = None
            self._run.note("resumed", reason="lead_wrote")

    def opt_out(self, message: c.OptOutSignal) -> None:
        lead, now = self._run.lead, workflow.now()
        lead.opted_out(message.scope)
        self._run.records.append(
            c.RecordRequest(
                lead_id=lead.lead_id,
                key=message.message_id or f"opt_out:{now.isoformat()}",
                kind="opt_out",
                opt_out=message,
                at=now,
            )
        )

    def delivery(self, message: c.DeliverySignal) -> None:
        """A message did not arrive: another way at once, the same once more, or on with the plan (domain/recovery)."""
        lead = self._run.lead
        name, current = self._step_of(message.touch_id)
        then = message.then or ("other_channel" if message.bad_address else None)
        if message.bad_address:
            mail = message.status in ("bounced", "blocked", "dropped", "spam_report")
            lead.undeliverable(message.channel or ("email" if mail else "sms"))
        after = timedelta(seconds=message.again_after_s or 0)
        if name.startswith("ack-"):
            self._acknowledge_again(name, then, after)
        elif current:
            not_delivered(lead, name, Report(then, after, message.times), workflow.now())

    def _acknowledge_again(self, name: str, then: str | None, after: timedelta) -> None:
        """Once for each inquiry: by the other channel, or by the same when that may work later."""
        number = inquiry_unheard(name, then)
        if number is not None:
            self._run.unheard.append((number, workflow.now() + (after if then == "again" else timedelta(0))))

    def _step_of(self, touch_id: str) -> tuple[str, bool]:
        """The step's name without its round, and whether that is the round of now."""
        name = touch_id.split(".")[1] if touch_id.count(".") else ""
        step, mark, of_round = name.rpartition("-r")
        if not mark or not of_round.isdigit():
            return name, self._run.lead.round == 1
        return step, self._run.lead.round == int(of_round)

    def call_progress(self, message: c.CallProgressSignal) -> None:
        self._run.progress[message.touch_id] = message
        self._run.lead.number_left = message.number_left
        if message.owner_id is not None:
            self._run.lead.owner_id = message.owner_id
        if message.taken:
            self._run.watch.acceptance.take()
        name, current = self._step_of(message.touch_id)
        lead = self._run.lead
        settled = lead.settled.get(name)
        late = not current or (settled is not None and settled.state != "deferred")
        nobody_has_it = lead.follow_up is None or lead.follow_up.kind == "unreachable"
        called_back = bool(lead.callbacks)  # what was agreed in that talk is kept
        if late and message.result == "connected" and nobody_has_it and not (called_back and heeds_what_came()):
            # nobody waits for this result any more; they talk all the same, and the plan must not call again
            lead.call_ended(CallResult.CONNECTED, message.at)

    def assigned(self, message: c.AssignedSignal) -> None:
        self._run.deal_at = None
        self._run.lead.given_to(message.rep_id, workflow.now())

    def replan(self, message: c.ReplanSignal) -> None:
        self._run.placement = None
        # what could not be placed for want of a place or a consent may be possible now
        for channel, reason in list(self._run.lead.closed_channels.items()):
            if reason in ("unknown_location", "no_consent"):
                del self._run.lead.closed_channels[channel]

    # ── updates: requests ────────────────────────────────────────────────────────────────────────────────────────────

    def refuse(self, model: type[BaseModel], args: Sequence[Any]) -> None:
        """For validators: raises what the caller is answered with, and leaves no trace in the lead."""
        try:
            read(model, args)
        except Rejected as rejected:
            raise ApplicationError(
                f"{rejected.field}: {rejected.reason}", {"field": rejected.field}, type="rejected", non_retryable=True
            ) from None

    def log_outcome(self, args: Sequence[Any]) -> c.LeadStatus:
        message = read(c.OutcomeSignal, args)
        if self._run.seen.is_new(message.message_id):
            self.outcome(message)
            self._run.changed()
        return self._run.status()

    def accepted(self, request: c.AcceptRequest) -> c.LeadStatus:
        self._run.accepted[self._offered()] = request.rep_id
        self._run.changed()
        return self._run.status()

    def decline(self, args: Sequence[Any]) -> c.LeadStatus:
        request = read(c.DeclineRequest, args)
        offering = self._run.offering
        if offering is None or offering[1] in (None, request.rep_id) or not heeds_what_came():
            self._run.declined.add(self._offered())
        acceptance = self._run.watch.acceptance
        acceptance.decline(request.rep_id, early=request.rep_id not in acceptance.asked and heeds_what_came())
        self._run.note("declined", reason=request.reason, rep_id=request.rep_id)
        return self._run.status()

    def check_decline(self, args: Sequence[Any]) -> None:
        """Only who is asked can decline: a second click, or somebody else's, ends nobody's offer."""
        self.refuse(c.DeclineRequest, args)
        rep_id, run = read(c.DeclineRequest, args).rep_id, self._run
        acceptance, offering = run.watch.acceptance, run.offering
        asked = set(acceptance.asked) - acceptance.declined
        if offering is not None:
            asked.add(offering[1] or rep_id)
        # where the next one is being asked, their word may be quicker than the answer that names them
        unknown = not asked or (run.calling and offering is None)
        if rep_id not in asked and not unknown:
            raise ApplicationError(
                "rep_id: this lead is offered to somebody else now", {"field": "rep_id"}, type="rejected",
                non_retryable=True,
            )  # fmt: skip

    def _offered(self) -> str:
        now = self._run.lead.touch_step(self._run.next_step or "")
        offered = self._run.offering[0] if self._run.offering is not None else now
        return offered if offered == now or heeds_what_came() else now

    def pause(self, args: Sequence[Any]) -> c.LeadStatus:
        request = read(c.PauseRequest, args)
        self._run.lead.pause(request.until, request.reason, workflow.now())
        self._run.note("paused", reason=request.reason, paused_until=request.until, steered=steered(request))
        return self._run.status()

    def resume(self, args: Sequence[Any]) -> c.LeadStatus:
        request = read(c.ResumeRequest, args)
        self._run.lead.resume(workflow.now())
        self._run.placement = None
        self._run.note("resumed", reason=request.by, steered=steered(request))
        return self._run.status()

    def check_skip(self, args: Sequence[Any]) -> None:
        self.refuse(c.SkipRequest, args)
        step = read(c.SkipRequest, args).step or self._run.next_step
        open_steps = [s.id for s in self._run.lead.track.steps if s.id not in self._run.lead.settled]
        if step not in open_steps:
            expected = ", ".join(open_steps) or "no step is left"
            raise ApplicationError(f"step: expected one of: {expected}", {"field": "step"}, type="rejected")

    def call_now(self, args: Sequence[Any]) -> c.LeadStatus:
        request = read(c.CallNowRequest, args)
        if request.rep_id is not None:
            self._run.caller = (request.rep_id, workflow.now())
        if self._run.lead.paused:
            self._run.note("resumed", reason="call_now")  # the rows know of the pause as well, and the gate reads them
        self._run.lead.resume(workflow.now())
        self._run.placement = None
        self._run.lead.callbacks.append(workflow.now())
        self._run.watch.acceptance.take()
        self._run.note("call_now", steered=steered(request))
        return self._run.status()

    def stop(self, args: Sequence[Any]) -> c.LeadStatus:
        request = read(c.StopRequest, args)
        self._run.lead.decided(Outcome.UNQUALIFIED, workflow.now(), reason=request.reason)
        self._run.note("stopped", reason=request.reason, steered=steered(request))
        return self._run.status()

    def correct(self, args: Sequence[Any]) -> c.LeadStatus:
        request = read(c.CorrectRequest, args)
        reach = request.reach
        if reach is not None:
            self._run.lead.reachable(
                has_email=reach.has_email,
                has_phone=reach.has_phone,
                consent_sms=reach.consent_sms,
                call_requested=reach.call_requested,
            )
        self.replan(c.ReplanSignal())
        self._run.lead.closed_channels = {k: v for k, v in self._run.lead.closed_channels.items() if v == "opted_out"}
        self._run.note("corrected", steered=steered(request))
        return self._run.status()
