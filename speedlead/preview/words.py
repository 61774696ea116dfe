"""A preview in words, for table, page and picture: what the plan says of each touch, what moved it, how it ends."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from speedlead import times, wording
from speedlead.domain.plan import Plan, Step, Track
from speedlead.domain.schedule import weight
from speedlead.foresight import Foreseen, Prospect, Week

# from then on a day of the year may come twice
_LONG = timedelta(days=300)


@dataclass(frozen=True, slots=True)
class Line:
    """One touch as text. `plan`: what the plan says; `why`: what moved it, or why it is no touch; else empty."""

    touch: Foreseen
    day: str
    clock: str
    step: str
    plan: str
    why: str


def lines(week: Week, track: Track) -> list[Line]:
    steps = {step.id: step for step in track.steps}
    day = "%a %-d %b %Y" if week.touches and week.ended_at - week.touches[0].at > _LONG else "%a %-d %b"
    return [
        Line(
            touch,
            f"{touch.local:{day}}",
            f"{touch.local:%H:%M:%S}" if touch.local.second else f"{touch.local:%H:%M}",
            "acknowledgement" if touch.step not in steps else _name(touch.step),
            _plan(touch, steps.get(touch.step)),
            _why(touch, steps.get(touch.step), week.zone or "UTC"),
        )
        for touch in week.touches
    ]


def facts(week: Week, prospect: Prospect, plan: Plan) -> list[tuple[str, str]]:
    """What holds for the whole week, as (name, text)."""
    zone = week.zone or "UTC"
    place = ", ".join((times.zone_label(zone), *week.place.jurisdictions)) if week.zone else "not known; times are UTC"
    opening = times.clock(week.opening.open_at, zone, seconds=False)
    if week.opening.open_at <= prospect.submitted_at:
        opening += ", with the inquiry"
    elif week.opening.reasons:
        opening += f": {_reasons(week.opening.reasons, week.opening.channel)}"
    if plan.program is not None:
        said = [("Begins", times.clock(prospect.submitted_at, zone)), ("Is", place)]
    else:
        about = f"{prospect.lead_type}, {wording.intent(prospect.intent)}, source {wording.plain(prospect.source)}"
        said = [("Lead", about), ("Comes in", times.clock(prospect.submitted_at, zone)), ("Is", place),
                ("Its clock opens", opening), ("It is promised", week.promise.text)]  # fmt: skip
    said.append(("It ends", _end(week, zone)))
    return said + ([("Then", then)] if (then := follows(plan)) else [])


def follows(plan: Plan) -> str:
    """What the plan names for when it is over, in a line; empty: nothing."""
    ends = {"exhausted": "nobody was reached", "not_now": "“not now”", "converted": "it buys"}
    return "; ".join(f"{ends[ending]}: plan {name}" for ending, name in plan.then.items())


def as_json(week: Week, prospect: Prospect, told: list[Line], then: str | None = None) -> dict[str, Any]:
    """Everything, for programs. Instants are ISO 8601 in UTC, `local` is the lead's clock without an offset."""
    return {
        "lead": {"type": prospect.lead_type, "intent": prospect.intent, "source": prospect.source},
        "submitted_at": _iso(prospect.submitted_at),
        "zone": week.zone,
        "jurisdictions": list(week.place.jurisdictions),
        "opening": {
            "at": _iso(week.opening.open_at),
            "channel": week.opening.channel,
            "reasons": list(week.opening.reasons),
        },
        "promise": {"at": _iso(week.promise.at), "text": week.promise.text, "target": week.opening.target},
        "touches": [_touch(line) for line in told],
        "handed_over_at": _iso(week.handed_over_at),
        "ends": {"at": _iso(week.ended_at), "reason": week.end_reason, "then": then},
    }


def _touch(line: Line) -> dict[str, Any]:
    touch = line.touch
    return {
        "step": touch.step, "channel": touch.channel, "state": touch.state, "at": _iso(touch.at),
        "local": touch.local.isoformat(), "wanted": _iso(touch.wanted), "reason": touch.reason,
        "reasons": list(touch.reasons), "due": _iso(touch.due), "plan": line.plan, "why": line.why,
    }  # fmt: skip


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _name(step: str) -> str:
    return wording.step(step).replace("sms", "SMS")


def _plan(touch: Foreseen, step: Step | None) -> str:
    if step is None:
        return f"at once, by {wording.channel(touch.channel)}, for every inquiry"
    anchor = "the lead's clock opens" if step.after == "lead" else _name(step.after)
    if step.local_days:
        when = "the day" if step.local_days == 1 else f"{step.local_days} days"
        said = f"{when} after {anchor}"
    elif step.delay:
        said = f"{times.span(step.delay)} after {anchor}"
    else:
        said = f"when {anchor}" if step.after == "lead" else f"with {anchor}"
    if step.slot:
        said += f", {_clock(step.slot[0])} to {_clock(step.slot[1])}"
    return said + (f", within {times.span(step.by)}" if step.by else "")


def _why(touch: Foreseen, step: Step | None, zone: str) -> str:
    reasons = _reasons(touch.reasons, touch.channel)
    if touch.state == "sent":
        if not touch.moved:
            return ""
        wanted = times.local(touch.wanted, zone)
        if step is None or not step.local_days:
            return f"not {wanted:%a %-d %b, %H:%M}: {reasons}"
        # a step of another day has no hour until its time of day is looked for
        return reasons if wanted.date() == touch.local.date() else f"not {wanted:%a %-d %b}: {reasons}"
    said = wording.reason(touch.reason, touch.channel)
    if touch.state == "skipped":
        return f"skipped: {said}"
    due = f", due {times.clock(touch.due, zone)}" if touch.due is not None else ""
    return f"a task for the owner{due}: {said}"


def _reasons(codes: tuple[str, ...], channel: str) -> str:
    """What says most first; laws that say the same stand together: 'quiet hours where the lead is (us-fed, us-fl)'."""
    told: dict[str, list[str]] = {}
    for code in sorted(codes, key=weight):
        if code == "outside_business_hours:slot":
            continue  # the time of day that the plan wants is said by the plan's own words
        said, _, law = wording.reason(code, channel).partition(" (")
        told.setdefault(said, []).extend([law.removesuffix(")")] if law else [])
    return "; ".join(f"{said} ({', '.join(laws)})" if laws else said for said, laws in told.items())


def _end(week: Week, zone: str) -> str:
    end = f"{times.clock(week.ended_at, zone)}: {wording.reason(week.end_reason)}"
    if week.handed_over_at is None:
        return end
    return f"handed to a person of ours {times.clock(week.handed_over_at, zone)}, reminded until {end}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
