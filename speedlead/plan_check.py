"""What a draft is held against before it is published: form, templates, promises, the law, and five typical leads."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from speedlead import wording
from speedlead.composer import ComposeError, Composer
from speedlead.domain.plan import LeadTypeName, Plan
from speedlead.domain.plan_reach import LEAD_TYPES, unreachable
from speedlead.foresight import Foresight
from speedlead.planbook import PlanError, parse_plan
from speedlead.preview.desk import Desk
from speedlead.preview.request import NoMoment, PreviewRefused
from speedlead.preview.view import Preview

# what says something about the law and the place, not about what this lead has left out
_LAW = frozenset({"no_common_window", "unknown_location"})


@dataclass(frozen=True, slots=True)
class Typical:
    """`days`, `hour`: after the coming Monday, on the lead's own clock."""

    title: str
    lead_type: LeadTypeName
    days: int
    hour: int
    fields: dict[str, str]


_FORM = {"email": "any", "consent_text": "shown", "consent_sms": "yes"}
TYPICAL = (
    Typical("hot, New York, Tuesday morning", "hot", 1, 10, {"phone": "+12125550123", "tz": "America/New_York"}),
    Typical("hot, São Paulo, Friday night", "hot", 4, 23, {"phone": "+5511987654321", "tz": "America/Sao_Paulo"}),
    Typical("hot, Tokyo, Sunday noon", "hot", 6, 12, {"phone": "+81312345678", "tz": "Asia/Tokyo"}),
    Typical("warm, Berlin, Wednesday afternoon", "warm", 2, 15, {"phone": "+4930123456", "tz": "Europe/Berlin"}),
    Typical("cold, London, Thursday evening", "cold", 3, 20, {"phone": "+442071838750", "tz": "Europe/London"}),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """`stops`: such a plan is not published; everything else is worth a look."""

    text: str
    stops: bool = True


@dataclass(frozen=True)
class Checked:
    """`plan` is None when it cannot be read. `previews`: (title, preview) of the typical leads."""

    plan: Plan | None
    findings: tuple[Finding, ...]
    previews: tuple[tuple[str, Preview], ...] = ()

    @property
    def may_be_published(self) -> bool:
        return self.plan is not None and not any(finding.stops for finding in self.findings)


def check_text(text: str, name: str, desk: Desk, composer: Composer) -> Checked:
    """`name` stands before the line in what is found."""
    try:
        plan = parse_plan(text, name)
    except PlanError as error:
        return Checked(None, tuple(map(Finding, _faults(str(error), name))))
    return check_plan(plan, desk, composer)


def check_plan(plan: Plan, desk: Desk, composer: Composer) -> Checked:
    """`desk`: the calendar and the team of now; its plan does not matter."""
    found = [*_templates(plan, composer), *(Finding(text) for text in unreachable(plan))]
    by = desk.foresight
    with_it = replace(desk, foresight=Foresight(plan=plan, placer=by.placer, places=by.places, team=by.team))
    previews: list[tuple[LeadTypeName, str, Preview]] = []
    for lead in TYPICAL:
        try:
            previews.append((lead.lead_type, lead.title, with_it.preview(_typed(lead, desk.now))))
        except NoMoment as circle:
            found.append(Finding(f"preview: {lead.title}: {circle}"))
        except PreviewRefused as refused:  # such as a plan in which nothing makes a warm lead
            found.append(Finding(f"preview: {lead.title}: {refused}", stops=False))
    # what may be sent to whom in a program is for the person's own consent to say, and most have given none
    for lead_type in LEAD_TYPES if plan.program is None else ():
        found += _lawful(plan, lead_type, [shown for of_type, _, shown in previews if of_type == lead_type])
    return Checked(plan, tuple(found), tuple((title, shown) for _, title, shown in previews))


def _faults(text: str, name: str) -> list[str]:
    """Each begins with the name; what the YAML reader says of one fault takes several lines."""
    found: list[str] = []
    for line in text.splitlines():
        if line.startswith(name) or not found:
            found.append(line)
        elif line.strip() != "^":
            found[-1] += f" {line.strip()}"
    return found


def _templates(plan: Plan, composer: Composer) -> list[Finding]:
    found = []
    for channel, template in dict.fromkeys(plan.templates()):
        try:
            composer.check(channel, template)
        except ComposeError as error:
            found.append(Finding(str(error)))
            continue
        languages = {language for of, name, language in composer.book.templates if (of, name) == (channel, template)}
        missing = sorted(set(composer.book.words) - languages)
        if missing:
            text = f"template {channel}/{template}: not there in {', '.join(missing)}: those leads get the house's own"
            found.append(Finding(text, stops=False))
    return found


def _lawful(plan: Plan, lead_type: LeadTypeName, shown: list[Preview]) -> list[Finding]:
    """A step that the law or the team's hours never let go, for none of the typical leads of its type."""
    found = []
    for step in plan.tracks[lead_type].steps:
        ends = [touch for preview in shown for touch in preview.week.touches if touch.step == step.id]
        if ends and all(touch.state != "sent" and touch.reason in _LAW for touch in ends):
            why = ", ".join(sorted({wording.reason(touch.reason) for touch in ends}))
            found.append(Finding(f"tracks.{lead_type}: {step.id}: never goes out to a typical lead: {why}"))
    for preview in shown:
        if not any(touch.state == "sent" and touch.step != "ack-1" for touch in preview.week.touches):
            found.append(Finding(f"tracks.{lead_type}: nothing of it reaches a typical lead"))
            break
    return found


def _typed(lead: Typical, now: datetime) -> dict[str, str]:
    monday = (now + timedelta(days=7 - now.weekday())).date()
    at = f"{monday + timedelta(days=lead.days)}T{lead.hour:02}:00"
    return {"type": lead.lead_type, "at": at, **_FORM, **lead.fields}
