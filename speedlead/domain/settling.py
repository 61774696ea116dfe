"""What the end of a touch means for its lead. The workflow and the preview take every end in here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from speedlead.domain import recovery
from speedlead.domain.cadence import Act
from speedlead.domain.lead import LeadState, Owed
from speedlead.domain.outcomes import NOT_AN_ATTEMPT, CallResult, Stage

# skip reasons that say something about the channel and not about this one step
_CLOSES_CHANNEL = frozenset(
    {
        "no_phone",
        "no_email",
        "invalid_number",
        "invalid_email",
        "no_consent",
        "no_common_window",
        "unknown_location",
        "opted_out",
    }
)
_TRY_AGAIN = timedelta(minutes=15)
# a call that was not made and is still wanted: the plan goes on beside it
STAYS_DUE = ("rep_unavailable", "provider_busy")


class Result(Protocol):
    """How a touch ended: sent, skipped, deferred, failed, in_doubt; `at` is when it happened, or would have."""

    @property
    def state(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def next_at(self) -> datetime | None: ...
    @property
    def bad_channel(self) -> str | None: ...
    @property
    def opted_out(self) -> str | None: ...
    @property
    def call_result(self) -> CallResult | None: ...


@dataclass(frozen=True, slots=True)
class PassedOver:
    """`step` is its name in touch ids."""

    step: str
    channel: str
    reason: str
    at: datetime


def must_be_placed(act: Act, now: datetime, not_before: datetime | None) -> bool:
    """What is due this moment goes out at once; everything else asks the calendar first."""
    return act.calendar or act.earliest > now or not_before is not None


def cannot_be_placed(lead: LeadState, act: Act, reason: str) -> None:
    """No instant is lawful: the channel is closed for a reason, and the step is decided again."""
    if lead.closed_channels.get(act.step.channel) != "opted_out":
        lead.closed_channels[act.step.channel] = reason


def no_longer_wanted(lead: LeadState, *, manual: bool) -> Literal["paused", "stopped", "opted_out"] | None:
    """Why a call for which a rep's phone rings is not wanted any more. What somebody asked for by hand is no plan."""
    if lead.closed_channels.get("call") == "opted_out":
        return "opted_out"
    if lead.ending is not None:
        return "stopped"
    return "paused" if lead.paused and not manual else None


def pass_over(
    lead: LeadState, act: Act, at: datetime, anchors: Mapping[str, datetime], now: datetime
) -> tuple[PassedOver, ...]:
    """Settles the steps that `act` leaves behind, right before it is done."""
    passed = [
        PassedOver(lead.touch_step(skip.step.id), skip.step.channel, skip.reason, anchors.get(skip.step.id, at))
        for skip in act.skips
    ]
    if lead.owed is not None and act.step.channel == "call" and lead.owed.step != act.step.id:
        owed = lead.owed.step
        passed.append(PassedOver(lead.touch_step(owed), "call", "superseded", now))
        lead.settle(owed, "skipped", lead.settled[owed].at, "call", "superseded")
    for skip in act.skips:
        lead.settle(skip.step.id, "skipped", anchors.get(skip.step.id, at), skip.step.channel, skip.reason)
    return tuple(passed)


def settle(
    lead: LeadState, act: Act, at: datetime, result: Result, now: datetime, *, decided: bool = False
) -> datetime | None:
    """Takes in how the touch ended. Answers the time that a rule or a provider named for another try of the step.

    `decided`: a person of ours has said while it was under way what came of it.
    """
    step = act.step
    if result.opted_out is not None:
        lead.opted_out(result.opted_out)
    if result.bad_channel is not None:
        lead.undeliverable(result.bad_channel)
    match str(result.state):
        case "deferred":
            return _defer(lead, act, at, result, now)
        case "sent":
            attempt = result.call_result not in NOT_AN_ATTEMPT
            how = result.reason or (result.call_result.value if result.call_result is not None else None)
            lead.settle(step.id, "sent" if attempt else "failed", result.at, step.channel, how)
            lead.move(Stage.ATTEMPTING)
            if result.call_result is not None:
                lead.call_ended(result.call_result, result.at, decided=decided)
        case "skipped":
            if result.reason in _CLOSES_CHANNEL:
                lead.closed_channels.setdefault(step.channel, result.reason)
                if step.channel == "call" or step.instead is not None:
                    return None  # decided again, with the channel closed: it may be for a person of ours now
            lead.settle(step.id, "skipped", at, step.channel, result.reason)
        case state:
            lead.settle(step.id, state, result.at, step.channel, result.reason)
    recovery.ended(lead, step.id, step.channel, str(result.state), result.reason, result.call_result, now)
    if step.id in lead.settled:
        lead.settled[step.id].moved = at > act.earliest and act.latest is None
    if act.manual:
        lead.manual_calls += 1
        lead.callbacks = [wanted for wanted in lead.callbacks if wanted > act.earliest]
    return None


def settle_of_earlier_round(lead: LeadState, result: Result, *, decided: bool = False) -> None:
    """Takes in the end of a touch during which the lead became hotter: it says how the person can be reached, and
    settles no step of the track that the lead is on now, whatever their names have in common.
    """
    if result.opted_out is not None:
        lead.opted_out(result.opted_out)
    if result.bad_channel is not None:
        lead.undeliverable(result.bad_channel)
    if str(result.state) == "sent":
        lead.attempted(result.at)
        lead.move(Stage.ATTEMPTING)
        if result.call_result is not None:
            lead.call_ended(result.call_result, result.at, decided=decided)


def _defer(lead: LeadState, act: Act, at: datetime, result: Result, now: datetime) -> datetime | None:
    """Deferred is not failed: it has an instant. A call that found nobody of ours stays due beside the plan."""
    again = result.next_at or now + _TRY_AGAIN
    if act.manual:
        lead.callbacks = [again if wanted == act.earliest else wanted for wanted in lead.callbacks]
        return None
    if act.step.channel != "call" or result.reason not in STAYS_DUE:
        return again
    step = act.step.id
    anchor = lead.settled[step].at if step in lead.settled else at
    tries = lead.owed.tries + 1 if lead.owed is not None and lead.owed.step == step else 1
    lead.owed = Owed(step, max(again, now + offer_again_after(tries)), tries)
    lead.settle(step, "deferred", anchor, "call", result.reason)
    return None


def offer_again_after(tries: int) -> timedelta:
    """A call that nobody of ours took stays due: offered again soon, then at growing distances, 4 hours at most."""
    minutes: int = 2 * 4 ** min(tries - 1, 4)
    return min(timedelta(minutes=minutes), timedelta(hours=4))
