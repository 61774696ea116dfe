"""What a lead's page, `speedlead lead explain`, the query `explain` and the Temporal UI say of a lead, word for word.

Rows tell it (`store/views.py`), and the running workflow (`workflows/telling.py`); the words are made here alone. Pure:
the caller brings the clock on which instants are read, the lead's own or UTC.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from speedlead import wording
from speedlead.domain.outcomes import CallResult

ClockFace = Callable[[datetime], str]
# what a provider says of a message that it had taken
NOT_ARRIVED = frozenset({"bounced", "blocked", "dropped", "undelivered", "failed", "spam_report"})


@dataclass(frozen=True, slots=True)
class Past:
    """A step that has ended. `step` is its name in touch ids.

    `reason`: a call's result, why it did not go out, or why what was sent did not arrive.
    """

    at: datetime
    step: str
    channel: str
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """`waits_for` is a key of `wording.WAITS`; all else are codes."""

    stage: str
    past: tuple[Past, ...]
    next_step: str | None
    next_at: datetime | None
    why: str | None
    waits_for: str
    # by when the newest acknowledgement said that a person gets in touch
    promised: datetime | None = None


def lines(told: Told, clock: ClockFace) -> tuple[tuple[str, str], ...]:
    """(name, text) in the order in which people ask: what happened, what is next, when, why, what would change it."""
    found = [("stage", wording.stage(told.stage))]
    found += [("past", past_line(past, clock)) for past in told.past]
    if told.promised is not None:
        found.append(("promised", f"a person of ours by {clock(told.promised)}"))
    if told.next_at is not None:
        found.append(("next", f"{wording.step(told.next_step) or 'a reminder'}, {clock(told.next_at)}"))
    if told.why:
        found.append(("why", wording.reason(told.why)))
    found.append(("waits for", wording.WAITS[told.waits_for]))
    found.append(("changed by", "; ".join(wording.changes(told.waits_for))))
    return tuple(found)


def past_line(past: Past, clock: ClockFace) -> str:
    call_result = past.reason if past.channel == "call" and past.reason in list(CallResult) else None
    what = wording.touch(past.state, past.channel, call_result)
    told = past.state != "sent" or past.reason in NOT_ARRIVED
    why = "" if call_result or not told else wording.reason(past.reason, past.channel)
    return f"{wording.step(past.step)}, {clock(past.at)}: {what}" + (f" ({why})" if why else "")


def markdown(told: Told, title: str, clock: ClockFace) -> str:
    """For the Temporal UI. At most some 40 lines: a plan has no more steps."""
    return f"**{title}**\n\n" + "\n".join(f"- {name}: {text}" for name, text in lines(told, clock))
