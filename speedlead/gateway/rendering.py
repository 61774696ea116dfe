"""Templates: one environment that escapes everything, and the contexts that more than one place renders."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from speedlead import times, wording
from speedlead.gateway.access.table import May
from speedlead.gateway.access.who import CURRENT
from speedlead.gateway.navigation import navigation
from speedlead.ids import new_id
from speedlead.intake_text import MAX_EXTRA_FIELDS, many_lines, one_line
from speedlead.settings import Settings

STATIC = Path(__file__).parent / "static"
# one more than are kept, so that intake can tell that some were dropped
MAX_HIDDEN = MAX_EXTRA_FIELDS + 1

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,  # whatever the file is called
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def csrf() -> Markup:
    """The field that every form of ours sends along; empty where nobody has signed in."""
    who = CURRENT.get()
    return Markup('<input type="hidden" name="csrf" value="{}">').format(who.csrf) if who else Markup()


_environment.globals.update(
    words=wording, times=times, new_id=new_id, me=CURRENT.get, May=May, csrf=csrf, navigation=navigation
)

# the fields of the form, in DESIGN's fixed names, that a person fills in
FORM_FIELDS = ("name", "email", "phone", "company", "message", "intent", "source", "country", "postcode", "tz",
               "consent_sms", "consent_call", "consent_recorded", "consent_marketing", "consent_ai_voice")  # fmt: skip
# a link may fill in everything but a consent: a box that somebody else has ticked is none
LINKED_FIELDS = tuple(field for field in FORM_FIELDS if not field.startswith("consent_"))
# hidden inputs that the form makes itself; `website` is its trap
_OWN_FIELDS = frozenset({*FORM_FIELDS, "consent_text", "consent_ai_voice_text", "website"}) - {"source"}

COUNTRIES = {
    "US": "United States", "CA": "Canada", "GB": "United Kingdom", "IE": "Ireland", "AU": "Australia",
    "NZ": "New Zealand", "AT": "Austria", "BE": "Belgium", "BR": "Brazil", "CH": "Switzerland", "CZ": "Czechia",
    "DE": "Germany", "DK": "Denmark", "ES": "Spain", "FI": "Finland", "FR": "France", "IN": "India", "IT": "Italy",
    "JP": "Japan", "MX": "Mexico", "NL": "Netherlands", "NO": "Norway", "PL": "Poland", "PT": "Portugal",
    "SE": "Sweden", "SG": "Singapore", "ZA": "South Africa",
}  # fmt: skip


def render(name: str, context: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """The template as a page. A variable that is missing is an error, never an empty place."""
    return HTMLResponse(_environment.get_template(name).render(context), status_code=status)


def consent_text(company_name: str) -> str:
    """What the form shows beside the phone number; it is sent along and kept with the inquiry, word for word."""
    return (
        f"If I give a phone number, I ask {company_name} to call me about this inquiry. The boxes below allow more "
        "than that. None is a condition of getting an answer, and I can withdraw each at any time."
    )


def ai_voice_text(company_name: str) -> str:
    """What stands next to that box; kept word for word as well."""
    return (
        f"A computer of {company_name} with an artificial voice may speak with me on the telephone when no person of "
        "theirs can"
    )


def form_page(
    settings: Settings,
    *,
    form_key: str = "demo",
    values: Mapping[str, str] | None = None,
    more: Sequence[tuple[str, str]] = (),
    errors: Mapping[str, str] | None = None,
    status: int | None = None,
) -> HTMLResponse:
    """The inquiry form; with errors (field name -> what was expected) it answers 422 and keeps what was typed.

    An error under a name that is no field, or under "", stands on top. `more` are further fields, such as utm_source
    of the address: they travel as hidden inputs, a repeated one as often as it was given.
    """
    found = dict(errors or {})
    given = {name: many_lines(text) for name, text in (values or {}).items()}
    context = {
        "company_name": settings.company_name,
        "form_key": form_key,
        "values": given,
        "hidden": _hidden([*given.items(), *more]),
        "errors": found,
        "general": [text for field, text in found.items() if field not in FORM_FIELDS],
        "fields": FORM_FIELDS,
        "intents": wording.INTENTS,
        "countries": COUNTRIES,
        "consent_text": consent_text(settings.company_name),
        "ai_voice_text": ai_voice_text(settings.company_name) if settings.assistant_voice else None,
    }
    return render("form.html", context, status if status is not None else 422 if found else 200)


def _hidden(given: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What the form does not show and has to bring back."""
    pairs = [(one_line(name), many_lines(text)) for name, text in given]
    return [(name, text) for name, text in pairs if name and text and name not in _OWN_FIELDS][:MAX_HIDDEN]


def thanks_page(settings: Settings, promise: str | None) -> HTMLResponse:
    """The answer to a form. `promise` is a sentence such as 'Sam calls you by 14:07, New York time'."""
    context = {"company_name": settings.company_name, "company_phone": settings.company_phone, "promise": promise}
    return render("thanks.html", context)


def workflow_url(settings: Settings, lead_id: str) -> str:
    """The lead's workflow in the Temporal UI."""
    return f"http://127.0.0.1:{settings.temporal_ui_port}/namespaces/{settings.temporal_namespace}/workflows/lead-{lead_id}"


def overdue(at: datetime | None, now: datetime) -> bool:
    return at is not None and at < now


_environment.tests["overdue"] = overdue
