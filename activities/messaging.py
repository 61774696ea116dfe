"""Acknowledge, e-mail, text: the gate and the claim, then one request, then the record."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.acknowledged import Tried, told
from activities.clock import ActivityClock, Moment
from activities.doubt import CLOCKS_DIFFER, retry_if_safe, too_early_to_say
from activities.planning import Planning
from speedlead.composer import ACKNOWLEDGEMENT, VIDEO, ComposeError, Composer, Message, Promise, by_hand, recipient
from speedlead.contracts import (
    AcknowledgeRequest,
    CheckRequest,
    SkipRow,
    TouchRequest,
    TouchResult,
    TouchState,
)
from speedlead.domain.usefulness import useful_for
from speedlead.ids import touch_id
from speedlead.plan_shelf import Source, plan_of
from speedlead.ports import Accepted, Mail, Mailer, SendError, SendErrorKind, Texter
from speedlead.records import (
    Claim,
    ClaimAnswer,
    Claimed,
    Deferred,
    Doubtful,
    Ended,
    LeadRecord,
    Leads,
    Leased,
    Purpose,
    Skipped,
    Touches,
)

LEASE_S = 7.0  # longer than the HTTP timeout of 5 s, shorter than the activity's 8 s: no attempt can overlap another
# a provider's word on a request may take so long: nothing is repeated sooner
_WORD_WITHIN = timedelta(seconds=15)
_FINAL_REASONS = {
    SendErrorKind.BAD_ADDRESS: {"email": "invalid_email", "sms": "invalid_number"},
    SendErrorKind.CONFIG: {"email": "provider_config", "sms": "provider_config"},
    SendErrorKind.CONTENT: {"email": "content_refused", "sms": "content_refused"},
    SendErrorKind.RETRY_LATER: {"email": "provider_down", "sms": "provider_down"},
    SendErrorKind.STALE: {"email": "stale", "sms": "stale"},
}
# an acknowledgement goes by the other channel after so many refused requests: some three seconds
_ATTEMPTS_OF_ONE_WAY = 3
# requests that were refused for no fault of theirs, half a minute in all, before operations hear of it
_ATTEMPTS_UNTOLD = 5


class Messaging:
    def __init__(
        self,
        *,
        leads: Leads,
        touches: Touches,
        planning: Planning,
        composer: Composer,
        mailer: Mailer,
        texter: Texter,
        clock: ActivityClock,
        plan: Source,
        reply_token: Callable[[str], str],
        unsubscribe_url: Callable[[str], str],
        booking_link: Callable[[LeadRecord, datetime], str | None] = lambda _lead, _now: None,
        feedback_link: Callable[[str, str], str | None] = lambda _lead_id, _step: None,
    ) -> None:
        self._leads = leads
        self._touches = touches
        self._planning = planning
        self._composer = composer
        self._mailer = mailer
        self._texter = texter
        self._clock = clock
        self._plan = plan
        self._reply_token = reply_token
        self._unsubscribe_url = unsubscribe_url
        self._booking_link = booking_link
        self._feedback_link = feedback_link

    @activity.defn
    async def acknowledge(self, request: AcknowledgeRequest) -> TouchResult:
        """Receipt, exact promised time, what happens next, other ways: within 30 s of every inquiry (REQ 28-35)."""
        try:
            lead = await self._leads.read(request.lead_id, request.inquiry_number)
        except LookupError as error:  # a number typed by hand
            raise ApplicationError(str(error), type="unknown", non_retryable=True) from None
        moment = self._clock.moment(lead.clock_offset_us)
        opening = await self._planning.opening(lead, lead.submitted_at)
        if opening.due is not None and opening.due <= moment.now:
            # this answer is late (an outage): it must not promise a time that has gone by
            opening = await self._planning.opening(lead, moment.now)
        zone = opening.zone
        promise = self._composer.promise(lead, opening.due, moment.now, zone, opening.channel)
        if lead.inquiry_number > 1:
            await self._promised_again(lead, promise.at, moment)
        step = f"ack-{request.inquiry_number}" + ("-again" if request.fallback else "")
        channels = self._ack_channels(lead, request.fallback)
        if not channels:
            await self._leads.promised(lead.lead_id, promise.at, promise.text)
            await self._touches.skip(lead.lead_id, [(step, "email", "no_email", moment.now)], moment.now)
            skipped = TouchResult(state=TouchState.SKIPPED, at=moment.now, reason="no_email")
            return told(promise.at, [(step, "email", skipped)])
        tried: list[Tried] = []
        ways = [(step, channels[0]), *((f"{step}-{channel}", channel) for channel in channels[1:])]
        for name, channel in ways:
            try:
                message = self._composer.compose(
                    channel,
                    ACKNOWLEDGEMENT,
                    lead,
                    unsubscribe_url=self._unsubscribe_url(lead.lead_id),
                    promise=promise,
                    next_channel=opening.channel,
                    ask_place=zone is None,
                    booking_link=self._booking_link(lead, moment.now),
                )
            except ComposeError as error:  # as in `send`; the other channel has a template of its own
                result = await self._no_words(lead, name, channel, str(error), moment)
                tried.append((name, channel, result))
                continue
            try:
                result = await self._send(lead, name, channel, "acknowledgement", message, moment, moment, promise)
                tried.append((name, channel, result))
            except ApplicationError as error:
                # certainly not sent, and nobody knows for how long it will not be
                waited = activity.info().attempt >= _ATTEMPTS_OF_ONE_WAY
                if error.type != SendErrorKind.RETRY_SAFE or not waited or channel == ways[-1][1]:
                    raise
                continue
            # refused here and now: the other channel goes at once, the 30 seconds may not slip
            if result.state not in (TouchState.FAILED, TouchState.SKIPPED, TouchState.DEFERRED):
                break
            if channel == "sms" and result.reason == "invalid_email":
                # an earlier try of this activity was refused by mail, and died before the text
                ways.append((f"{step}-sms", "sms"))
        return told(promise.at, tried)

    @activity.defn
    async def send(self, request: TouchRequest) -> TouchResult:
        """One planned e-mail or text."""
        lead = await self._leads.read(request.lead_id)
        moment = self._clock.moment(lead.clock_offset_us)
        await self._touches.skip(lead.lead_id, skip_rows(request.skips), moment.now)
        touch = touch_id(lead.lead_id, request.step)
        earlier = await self._touches.doubtful(touch)
        # quiet hours may lie between the doubt and the repeat: the provider's list may know it by now
        known = await self._listed(touch, earlier, moment) if isinstance(earlier, Doubtful) else None
        if known is not None:
            return known
        if request.template == VIDEO and request.purpose == "plan" and lead.owner_video is None:
            skipped = (request.step, request.channel, "no_video", moment.now)
            await self._touches.skip(lead.lead_id, [skipped], moment.now)
            return TouchResult(state=TouchState.SKIPPED, at=moment.now, reason="no_video")
        try:
            message = await self._words(request, lead, moment.now)
        except ComposeError as error:
            return await self._no_words(lead, request.step, request.channel, str(error), moment)
        too_long = self._composer.too_long(message.text) if request.channel == "sms" else None
        if too_long is not None:
            return await self._too_long(lead, request, f"{message.edition or request.step}: {too_long}", moment)
        planned = moment._replace(now=request.planned_at)
        return await self._send(lead, request.step, request.channel, request.purpose, message, moment, planned)

    async def _no_words(self, lead: LeadRecord, step: str, channel: str, evidence: str, moment: Moment) -> TouchResult:
        """A template cannot be used. It will not get better by trying: we go on without, and somebody mends it."""
        reason = "template_error"
        await self._alert(lead, reason, channel, evidence, moment)
        await self._touches.skip(lead.lead_id, [(step, channel, reason, moment.now)], moment.now)
        return TouchResult(state=TouchState.SKIPPED, at=moment.now, reason=reason)

    async def _too_long(self, lead: LeadRecord, request: TouchRequest, evidence: str, moment: Moment) -> TouchResult:
        """More segments than the house pays for; a template in another script, or a text that somebody wrote."""
        reason = "too_many_segments"
        await self._alert(lead, "template_error", "sms", evidence, moment)
        await self._touches.skip(lead.lead_id, [(request.step, "sms", reason, moment.now)], moment.now)
        return TouchResult(state=TouchState.SKIPPED, at=moment.now, reason=reason)

    async def _words(self, request: TouchRequest, lead: LeadRecord, now: datetime) -> Message:
        """A template's, those of one of our people, or those of the assistant. Raises ComposeError."""
        if request.purpose != "plan":
            wrote = await self._leads.answer(lead.lead_id, request.step)
            return by_hand(request.channel, wrote)
        url = self._unsubscribe_url(lead.lead_id)
        return self._composer.compose(
            request.channel, request.template, lead, unsubscribe_url=url, booking_link=self._booking_link(lead, now),
            feedback_link=self._feedback_link(lead.lead_id, request.step),
        )  # fmt: skip

    @activity.defn
    async def reconcile(self, request: CheckRequest) -> TouchResult:
        """Nobody heard how a touch ended: its callback, then the provider's list, then once more, then ops (ADR 0010).

        `deferred` with the reason `not_confirmed` gives the touch back for its one repeat, which goes through the gate.
        """
        lead = await self._leads.read(request.lead_id)
        moment = self._clock.moment(lead.clock_offset_us)
        touch = touch_id(request.lead_id, request.step)
        doubt = await self._touches.doubtful(touch)
        if isinstance(doubt, Ended):
            return TouchResult(state=TouchState(doubt.state), at=doubt.at, reason=doubt.reason)
        if isinstance(doubt, Doubtful):
            too_early_to_say(doubt.claimed_at, _WORD_WITHIN if doubt.repeatable else timedelta(seconds=LEASE_S), moment)
            unseen = True
            try:
                known = await self._listed(touch, doubt, moment)
            except SendError as error:
                known, unseen = None, False  # a list that we may not read proves nothing
                retry_if_safe(error)
            if known is not None:
                return known
            if not request.give_up:
                return TouchResult(state=TouchState.IN_DOUBT, at=moment.now, reason="no_answer_from_provider")
            if unseen and doubt.repeatable and await self._touches.repeat(touch, moment.now):
                return TouchResult(state=TouchState.DEFERRED, at=moment.now, next_at=moment.now, reason="not_confirmed")
        state, reason = ("in_doubt", "no_answer_from_provider") if doubt is not None else ("failed", "provider_down")
        await self._touches.ended(touch, state=state, reason=reason, at=moment.now)
        if state == "failed":  # an outage is one thing to know, however many messages it stops
            await self._alert(lead, reason, request.channel or "message", reason, moment)
        else:
            await self._leads.tell(
                lead.lead_id, dedupe=f"{state}:{touch}", audience="ops", kind="send_in_doubt", at=moment.now,
                reason=reason,
            )  # fmt: skip
        return TouchResult(state=TouchState(state), at=moment.now, reason=reason)

    async def _promised_again(self, lead: LeadRecord, due: datetime | None, moment: Moment) -> None:
        """The plan may be days past its first step: a person of ours has to know what was promised now."""
        await self._leads.tell(
            lead.lead_id,
            dedupe=f"assigned:{lead.owner_id}:{lead.inquiry_number}",
            audience="rep" if lead.owner_id is not None else "manager",
            kind="new_inquiry",
            at=moment.now,
            rep_id=lead.owner_id,
            due=due,
        )

    @staticmethod
    def _ack_channels(lead: LeadRecord, fallback: bool) -> list[str]:
        channels = ["email"] if lead.email else []
        if lead.phone and (lead.consents.sms or lead.channel == "sms"):  # the gate knows whether they texted us
            channels.append("sms")
        # in doubt on the first channel: another one if there is, else the same once more
        return channels[1:] or channels if fallback else channels

    async def _send(
        self,
        lead: LeadRecord,
        step: str,
        channel: str,
        purpose: Purpose,
        message: Message,
        moment: Moment,
        planned: Moment,
        promise: Promise | None = None,
    ) -> TouchResult:
        touch = touch_id(lead.lead_id, step)
        answer = await self._touches.claim(
            Claim(
                lead_id=lead.lead_id,
                touch_id=touch,
                step=step,
                channel="email" if channel == "email" else "sms",
                purpose=purpose,
                planned_at=planned.now,
                now=moment.now,
                wall=moment.wall,
                lease_s=LEASE_S,
                offset_us=moment.offset_us,
                hours=plan_of(self._plan, lead).hours.get("email" if channel == "email" else "sms")
                if purpose == "plan"
                else None,
                apart_s=plan_of(self._plan, lead).message_gap if purpose == "plan" else 0,
                subject=message.subject,
                body=message.text,
                template=message.edition,
                promise=(promise.at, promise.text) if promise is not None else None,
            )
        )
        if not isinstance(answer, Claimed):
            return await self._not_claimed(lead, touch, answer, moment)
        try:
            accepted = await self._request(lead, step, channel, purpose, message, answer)
        except SendError as error:
            return await self._refused(lead, touch, channel, error, moment)
        await self._touches.sent(touch, provider_id=accepted.provider_id, at=moment.now)
        return TouchResult(state=TouchState.SENT, at=moment.now)

    async def _request(
        self, lead: LeadRecord, step: str, channel: str, purpose: Purpose, message: Message, claimed: Claimed
    ) -> Accepted:
        touch, address = touch_id(lead.lead_id, step), claimed.address
        if channel == "sms":
            tracks = (
                {str(name): track for name, track in plan_of(self._plan, lead).tracks.items()}
                if purpose == "plan"
                else {}
            )
            validity_s = useful_for(tracks.get(lead.lead_type), step, claimed.claimed_at, claimed.window_end)
            return await self._texter.send(touch_id=touch, to=address, body=message.text, validity_s=validity_s)
        return await self._mailer.send(
            Mail(
                touch_id=touch,
                to_address=address,
                to_name=recipient(lead),
                subject=message.subject or "",
                text=message.text,
                html=message.html or "",
                reply_token=self._reply_token(lead.lead_id),
                category="acknowledgement" if purpose == "acknowledgement" else "cadence",
                list_unsubscribe_url=self._unsubscribe_url(lead.lead_id),
                in_reply_to=message.in_reply_to,
                from_name=lead.owner_name if purpose != "acknowledgement" else None,
            )
        )

    async def _not_claimed(self, lead: LeadRecord, touch: str, answer: ClaimAnswer, moment: Moment) -> TouchResult:
        match answer:
            case Ended(state=state, at=at, reason=reason):
                return TouchResult(state=TouchState(state), at=at, reason=reason)
            case Skipped(reason=reason, reasons=reasons):
                return TouchResult(state=TouchState.SKIPPED, at=moment.now, reason=reason, reasons=reasons)
            case Deferred(next_at=next_at, reasons=reasons):
                return TouchResult(state=TouchState.DEFERRED, at=moment.now, next_at=next_at, reasons=reasons)
            case Leased(until_wall=until):
                wait = max(timedelta(seconds=1), until - moment.wall)
                raise ApplicationError("another attempt holds the claim", type="leased", next_retry_delay=wait)
            case Doubtful():
                return await self._doubt(touch, answer, moment)
        raise AssertionError(answer)

    async def _doubt(self, touch: str, doubt: Doubtful, moment: Moment) -> TouchResult:
        """An earlier attempt died between claim and record: ask the provider what it has before saying 'in doubt'."""
        ended = await self._touches.look(touch)
        if ended is not None:
            return TouchResult(state=TouchState(ended.state), at=ended.at, reason=ended.reason)
        known = await self._listed(touch, doubt, moment)
        return known or TouchResult(state=TouchState.IN_DOUBT, at=moment.now, reason="no_answer_from_provider")

    async def _listed(self, touch: str, doubt: Doubtful, moment: Moment) -> TouchResult | None:
        """Sent after all, says the provider's list. Texts only: of mail there is no list, its events must come."""
        if doubt.channel != "sms" or not doubt.body:
            return None
        found = await self._texter.find(to=doubt.address, body=doubt.body, since=doubt.since_wall - CLOCKS_DIFFER)
        if not await self._touches.adopt(touch, found, at=moment.now):
            return None
        return TouchResult(state=TouchState.SENT, at=moment.now, reason="reconciled")

    async def _refused(
        self, lead: LeadRecord, touch: str, channel: str, error: SendError, moment: Moment
    ) -> TouchResult:
        kind = error.kind
        activity.logger.info("send refused", extra={"touch_id": touch, "kind": kind.value, "evidence": error.evidence})
        if kind is SendErrorKind.RETRY_SAFE:
            await self._touches.release(touch)
            if activity.info().attempt >= _ATTEMPTS_UNTOLD:
                await self._alert(lead, "provider_down", channel, error.evidence, moment)
            delay = timedelta(seconds=error.retry_after_s) if error.retry_after_s else None
            raise ApplicationError(error.evidence, type=kind.value, next_retry_delay=delay)
        if kind is SendErrorKind.IN_DOUBT:
            # a provider that is about to call back does so within moments
            await asyncio.sleep(0.2)
            ended = await self._touches.look(touch)
            if ended is not None:
                return TouchResult(state=TouchState(ended.state), at=ended.at, reason=ended.reason)
            return TouchResult(state=TouchState.IN_DOUBT, at=moment.now, reason=error.evidence)
        if kind is SendErrorKind.OPTED_OUT:
            await self._touches.ended(touch, state="skipped", reason="opted_out", at=moment.now, opted_out=True)
            return TouchResult(
                state=TouchState.SKIPPED,
                at=moment.now,
                reason="opted_out",
                opted_out="email" if channel == "email" else "sms",
            )
        reason = _FINAL_REASONS[kind][channel]
        bad = kind is SendErrorKind.BAD_ADDRESS
        whole = bad and error.whole_number
        lost = await self._touches.ended(
            touch, state="failed", reason=reason, at=moment.now, bad_address=bad, whole_number=whole
        )
        if kind in (SendErrorKind.CONFIG, SendErrorKind.CONTENT):  # nothing gets better until a person of ours acts
            await self._alert(lead, reason, channel, error.evidence, moment)
        return TouchResult(
            state=TouchState.FAILED,
            at=moment.now,
            reason=reason,
            reasons=(error.evidence,),
            bad_channel=lost,
        )

    async def _alert(self, lead: LeadRecord, kind: str, channel: str, reason: str, moment: Moment) -> None:
        await self._leads.alert(lead.lead_id, kind=kind, channel=channel, at=moment.now, reason=reason)


def skip_rows(skips: tuple[SkipRow, ...]) -> list[tuple[str, str, str, datetime]]:
    return [(skip.step, skip.channel, skip.reason, skip.at) for skip in skips]
