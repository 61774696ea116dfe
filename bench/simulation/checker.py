"""The judge: was every touch of a lead lawful and decent, far enough from the others, and did the lead end?

It shares no code with what places touches: its clock is `whenever`, its law `statutes`, its holidays the plain library,
its spacings the plan file as written. A test keeps it that way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from whenever import Instant

from bench.simulation.facts import Finding, Home, Lead, Story, Touch
from bench.simulation.manners import public_holidays, weekend_of
from bench.simulation.statutes import Statute, statutes_of

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NO_TARGET = 10_000 * DAY
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# reasons for which a step may be left out; any other word is a step that nobody can explain
REASONS = frozenset(
    {"no_phone", "no_email", "no_consent", "unknown_location", "no_common_window", "rep_unavailable", "superseded"}
)
LONGEST = timedelta(days=60)
"""A lead whose plan is through by then is not in limbo."""


RINGING = timedelta(seconds=26)
"""How long before a deadline the plan begins a step, for the phones to ring (`lead_time`)."""

Wrong = tuple[str, str | None, str]
"""Kind, step, words."""


@dataclass(frozen=True, slots=True)
class Spacing:
    """A step as the plan file spaces it: elapsed `delay` or `days` of the lead's calendar after `after`."""

    step: str
    channel: str
    after: str
    delay: timedelta
    days: int
    gap: timedelta


class Checker:
    def __init__(self, plan: Path) -> None:
        written = yaml.safe_load(plan.read_text("utf-8"))
        self._tracks = {name: [_spacing(step) for step in track["steps"]] for name, track in written["tracks"].items()}
        # every lead of the simulation comes from a search; its lead type's own target is never sooner than its track
        organic = [target for target in written["targets"] if target["when"] == {"source": ["organic"]}]
        self._target = min((duration(target["attempts"][0]) for target in organic), default=NO_TARGET)
        self._hours = {
            channel: {day: _times(span) for day, span in week.items()} for channel, week in written["hours"].items()
        }

    def check(self, lead: Lead, story: Story) -> list[Finding]:
        """Everything that is wrong with this lead; empty when nothing is.

        One kind is told apart, because the product cannot know better: `beyond_evidence_…`, law of a place that nothing
        said points to.
        """
        found = [*self._law(lead, story), *self._manners(lead, story)]
        found += [*self._spacings(lead, story), *self._limbo(lead, story), *_promise(story)]
        return [Finding(kind, lead.number, step, text) for kind, step, text in found]

    # ── law ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _law(self, lead: Lead, story: Story) -> Iterator[Wrong]:
        for touch in story.touches:
            if touch.channel == "email":
                continue
            if not lead.named:
                yield "unknown_place", touch.step, f"{touch.channel} although nobody knows where the lead is"
                continue
            for named in dict.fromkeys(n.home for n in lead.named):
                for statute in statutes_of(named.country, named.region, touch.channel, _local(named.zone, touch.at)[0]):
                    for kind, text in _broken(statute, named, lead, touch, story.touches):
                        yield kind, touch.step, f"{statute.where}: {text}"
            for statute in statutes_of(lead.home.country, lead.home.region, touch.channel, touch.at.date()):
                for kind, text in _broken(statute, lead.home, lead, touch, story.touches):
                    if lead.home not in {n.home for n in lead.named}:
                        yield f"beyond_evidence_{kind}", touch.step, f"{statute.where}: {text}"

    # ── manners ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _manners(self, lead: Lead, story: Story) -> Iterator[Wrong]:
        """Only where the lead's zone is settled: elsewhere business hours are a guess that may have to give way."""
        if not lead.settled:
            return
        for touch in story.touches:
            if touch.purpose != "plan":
                continue
            day, minute = _local(lead.home.zone, touch.at)
            week = self._hours[touch.channel]
            start, end = next(iter(week.values()))
            if not start <= minute < end:
                yield "outside_business_hours", touch.step, f"{touch.channel} at {_clock(day, minute)}"
            if day.weekday() in weekend_of(lead.home.country):
                yield "weekend", touch.step, f"{touch.channel} on {day:%A} {day}"
            elif day in public_holidays(lead.home.country, _named_region(lead), day.year):
                yield "holiday", touch.step, f"{touch.channel} on {day}"

    # ── spacings ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _spacings(self, lead: Lead, story: Story) -> Iterator[Wrong]:
        """A step is not nearer to the one before it than the plan says; one that is left out counts as on time."""
        went = {touch.step: touch.at for touch in story.touches}
        zone = lead.home.zone if lead.settled else None
        earliest: dict[str, datetime] = {"lead": lead.submitted}
        last: dict[str, datetime] = {}
        for spacing in self._tracks[lead.lead_type]:
            least = _after(earliest[spacing.after], spacing, zone)
            if spacing.after == "lead":  # a target may be sooner than what the track waits for
                least = min(least, max(lead.submitted, lead.submitted + self._target - RINGING))
            if spacing.channel in last:
                least = max(least, last[spacing.channel] + spacing.gap)
            at = went.get(spacing.step)
            if at is not None and at < least:
                yield "too_near", spacing.step, f"{(least - at)} too early after {spacing.after}"
            earliest[spacing.step] = at or least
            if at is not None:
                last[spacing.channel] = at

    # ── limbo ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _limbo(self, lead: Lead, story: Story) -> Iterator[Wrong]:
        steps = [touch.step for touch in story.touches] + [passed.step for passed in story.passed]
        for spacing in self._tracks[lead.lead_type]:
            if (times := steps.count(spacing.step)) != 1:
                yield "limbo", spacing.step, f"the step ended {times} times"
        for passed in story.passed:
            if passed.reason not in REASONS:
                yield "limbo", passed.step, f"left out for {passed.reason!r}"
        if story.end is None or story.end_at is None:
            yield "limbo", None, "the lead never ends"
            return
        if any(touch.at > story.end_at for touch in story.touches):
            yield "limbo", None, "it is touched after its end"
        if story.end_at - lead.submitted > LONGEST:
            yield "limbo", None, f"it takes {(story.end_at - lead.submitted).days} days"
        reached = any(touch.purpose == "plan" for touch in story.touches)
        if not reached and not story.handed_over:
            yield "limbo", None, "nothing went out and nobody was told"
        if lead.said.email and not any(
            t.purpose == "acknowledgement" and t.at == lead.submitted for t in story.touches
        ):
            yield "limbo", None, "its form was not answered at once"


def _promise(story: Story) -> Iterator[Wrong]:
    """The acknowledgement named a moment: if a person of ours was not told instead, something went out by then."""
    first = min((touch.at for touch in story.touches if touch.purpose == "plan"), default=None)
    if story.promised is not None and first is not None and not story.handed_over and first > story.promised:
        yield "after_promise", None, f"first touch {first - story.promised} after the promise"


def _broken(
    statute: Statute, where: Home, lead: Lead, touch: Touch, all_: Sequence[Touch]
) -> Iterator[tuple[str, str]]:
    """(kind, words) for everything in the statute that the touch breaks, on the clock of that place."""
    if not _consented(statute, lead, touch.channel):
        yield "no_consent", f"{touch.channel} needs {statute.consent}"
    for zone in (where.zone, statute.also_in):
        if zone is None:
            continue
        day, minute = _local(zone, touch.at)
        if day in statute.closed:
            yield "legal_holiday", f"{touch.channel} on {day}"
        if statute.week is not None and not any(a <= minute < b for a, b in statute.week[day.weekday()]):
            yield "unlawful_hour", f"{touch.channel} at {_clock(day, minute)} in {zone}"
    cap = statute.cap
    if cap is not None and touch.channel in cap.channels:
        before = [t for t in all_ if t.channel in cap.channels and touch.at - cap.window < t.at <= touch.at]
        if len(before) > cap.times:
            yield "over_cap", f"{len(before)} within {cap.window}, {cap.times} are allowed"


def _consented(statute: Statute, lead: Lead, channel: str) -> bool:
    said = lead.said
    if channel == "sms":
        return said.consent_sms
    asked = said.consent_call or said.consent_text
    given = {"none": True, "inquiry": said.phone is not None, "asked": asked, "ticked": said.consent_call}
    return given[statute.consent]


def _after(anchor: datetime, spacing: Spacing, zone: str | None) -> datetime:
    """The least instant that keeps the spacing; where the zone is a guess, calendar days count as elapsed ones."""
    if not spacing.days:
        return anchor + spacing.delay
    if zone is None:
        return anchor + spacing.days * DAY - timedelta(hours=26)
    return _day_begins(zone, _local(zone, anchor)[0] + spacing.days * DAY)


def _local(zone: str, at: datetime) -> tuple[date, int]:
    """Date and minute of the day there."""
    local = Instant.from_timestamp(int(at.timestamp())).to_tz(zone)
    return local.date().to_stdlib(), local.hour * 60 + local.minute


def _day_begins(zone: str, day: date) -> datetime:
    """The first minute that has this date there, or a later one."""
    at = Instant.from_utc(day.year, day.month, day.day).to_stdlib() - timedelta(hours=15)
    while _local(zone, at)[0] < day:
        at += 15 * MINUTE
    return at


def _named_region(lead: Lead) -> str | None:
    """An address before a number."""
    regions = [n.home.region for n in sorted(lead.named, key=lambda n: n.by == "phone")]
    return next((region for region in regions if region is not None), None)


def _spacing(step: dict[str, Any]) -> Spacing:
    return Spacing(
        step["id"], step["channel"], step["after"], duration(step.get("delay", "0s")), step.get("local_days", 0),
        duration(step.get("min_gap", "0s")),
    )  # fmt: skip


def duration(written: str) -> timedelta:
    return timedelta(seconds=int(written[:-1]) * _UNITS[written[-1]])


def _times(written: str) -> tuple[int, int]:
    """Minutes of the day of '09:00-18:00'."""
    start, end = (int(part[:2]) * 60 + int(part[3:]) for part in written.split("-"))
    return start, end


def _clock(day: date, minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02} on {day:%a} {day}"
