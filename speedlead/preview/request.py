"""What somebody asks of a preview: fields as typed, checked as an inquiry's are, and the lead that they describe."""

from collections.abc import Mapping
from datetime import datetime
from typing import get_args

from pydantic import ValidationError

from speedlead.closures import YEARS
from speedlead.domain.placing import Consents
from speedlead.domain.plan import LeadTypeName, Plan
from speedlead.domain.walltime import resolve_wall
from speedlead.domain.zones import Evidence
from speedlead.foresight import Places, Prospect
from speedlead.intake import OTHER, FieldProblem, Inquiry, Rules, field_problems, read_inquiry

LEAD_TYPES: tuple[LeadTypeName, ...] = get_args(LeadTypeName)
MOMENT = "2026-11-20T23:10-03:00"
# what the place of the lead, its targets and its consents are read from, in the words of an inquiry
_OF_INQUIRY = ("phone", "country", "region", "postcode", "tz", "source", "segment", "channel", "consent_sms",
               "consent_call", "consent_marketing", "consent_text")  # fmt: skip
_ANY_ADDRESS = "lead@example.com"
# dates that business closures are known for, with room for a plan before the end
_YEARS = range(YEARS.start, YEARS.stop - 1)


class PreviewRefused(ValueError):
    """Some fields cannot be used; `problems` says which, why, and what was expected."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.reason}, expected {p.expected}" for p in problems))
        self.problems = problems


class NoMoment(PreviewRefused):
    """The fields are right, and the plan finds no moment for such a lead."""


def read_prospect(typed: Mapping[str, str], *, plan: Plan, rules: Rules, places: Places, now: datetime) -> Prospect:
    """The lead that the fields describe. Raises PreviewRefused.

    `type`: hot, warm, cold; without it the type of `intent`, or hot. `email`: anything, for a lead with an address.
    `at`: ISO 8601; without an offset it is read on the lead's clock, and empty means `now`. The rest is an inquiry's.
    """
    problems: list[FieldProblem] = []
    given = {name: text.strip() for name, text in typed.items() if text.strip()}
    lead_type, intent = _type_and_intent(given, plan, problems)
    inquiry = _inquiry(given, intent, rules, problems)
    evidence = Evidence(None, None, None, None, None)
    if inquiry is not None:
        evidence = Evidence(inquiry.tz, inquiry.country, inquiry.region, inquiry.postcode, inquiry.phone)
    at = _moment(given["at"], evidence, places) if "at" in given else now
    if isinstance(at, FieldProblem):
        problems.append(at)
    if inquiry is None or isinstance(at, FieldProblem) or problems:
        raise PreviewRefused(problems)
    return Prospect(
        lead_type=lead_type,
        intent=intent,
        source=inquiry.source or rules.default_source,
        submitted_at=at,
        evidence=evidence,
        consents=Consents(
            call_requested=inquiry.call_requested,
            sms=inquiry.consent_sms,
            call=inquiry.consent_call,
            marketing=inquiry.consent_marketing,
            inquiry=inquiry.phone is not None,
            inquiry_at=at,
        ),
        has_email=inquiry.email is not None,
        has_phone=inquiry.phone is not None,
        segment=inquiry.segment,
        channel=inquiry.channel or rules.default_channel,
    )


def _type_and_intent(given: Mapping[str, str], plan: Plan, problems: list[FieldProblem]) -> tuple[LeadTypeName, str]:
    wanted, intent = given.get("type"), given.get("intent")
    lead_type = next((name for name in LEAD_TYPES if name == wanted), None)
    if wanted and lead_type is None:
        problems.append(FieldProblem("type", "not a lead type", "hot, warm or cold"))
    if intent is None:
        lead_type = lead_type or "hot"
        return lead_type, next(iter(plan.intents.get(lead_type, ())), OTHER)
    of_intent = plan.lead_type(intent)
    if lead_type is not None and lead_type != of_intent:
        of_type = ", ".join(plan.intents.get(lead_type, ())) or f"another type: no intent makes a {lead_type} lead"
        problems.append(FieldProblem("intent", f"this intent makes a {of_intent} lead, not a {lead_type} one", of_type))
    return of_intent, intent


def _inquiry(given: Mapping[str, str], intent: str, rules: Rules, problems: list[FieldProblem]) -> Inquiry | None:
    fields = {name: given[name] for name in _OF_INQUIRY if name in given}
    if "email" in given:
        fields["email"] = given["email"] if "@" in given["email"] else _ANY_ADDRESS
    try:
        return read_inquiry({**fields, "intent": intent}, rules)
    except ValidationError as error:
        problems += field_problems(error)
        return None


def _moment(text: str, evidence: Evidence, places: Places) -> datetime | FieldProblem:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return FieldProblem("at", "not a moment", f"a date and a time of day, such as {MOMENT}")
    if moment.year not in _YEARS:
        return FieldProblem("at", "too far away", f"a year from {_YEARS.start} to {_YEARS.stop - 1}")
    if moment.tzinfo is not None:
        return moment
    zones = places.find(evidence).business_zones
    if not zones:
        return FieldProblem(
            "at", "no offset, and nothing says where the lead is", f"an offset as well, such as {MOMENT}"
        )
    return resolve_wall(zones[0], moment).compatible
