"""The form of a webhook endpoint: what was typed, and what it asks for."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from speedlead.hooks.address import Allowed
from speedlead.hooks.endpoint import Endpoint
from speedlead.hooks.events import EVENTS
from speedlead.hooks.sealing import Private
from speedlead.store.hooks import EndpointRow

# fields of the form that hold values with commas between them
LEADS = {"lead_type": "Types (hot, warm, cold)", "source": "Sources", "intent": "Intents", "segment": "Segments",
         "country": "Countries (US, DE …)"}  # fmt: skip
# this one is always sent, so it is no choice
ALWAYS = "lead.erased"
CHOICES = {name: told for name, (_, told) in EVENTS.items() if name != ALWAYS}


@dataclass(frozen=True)
class Typed:
    """As the form shows it."""

    name: str = ""
    url: str = ""
    events: tuple[str, ...] = tuple(CHOICES)
    include: tuple[str, ...] = ()
    active: bool = True
    leads: dict[str, str] = field(default_factory=lambda: dict.fromkeys(LEADS, ""))


def typed_of(row: EndpointRow, private: Private) -> Typed:
    leads = {name: ", ".join(row.only_leads.get(name, ())) for name in LEADS}
    return Typed(row.name, private.url, row.events, row.include, row.state == "on", leads)


def read_typed(items: Sequence[tuple[str, str]]) -> Typed:
    given = {name: text.strip() for name, text in items}
    return Typed(
        name=given.get("name", ""),
        url=given.get("url", ""),
        events=tuple(text for name, text in items if name == "events"),
        include=tuple(text for name, text in items if name == "include"),
        active=given.get("active") == "yes",
        leads={name: given.get(name, "") for name in LEADS},
    )


def endpoint_of(typed: Typed, allowed: Allowed) -> Endpoint | dict[str, str]:
    """What is asked for, or field -> what was expected of it."""
    leads = {name: _values(text) for name, text in typed.leads.items()}
    asked = {"name": typed.name, "url": typed.url, "events": [*typed.events, ALWAYS] if typed.events else [],
             "only_leads": leads, "include": typed.include, "active": typed.active}  # fmt: skip
    try:
        return Endpoint.model_validate(asked, context=allowed)
    except ValidationError as error:
        faults = {}
        for fault in error.errors():
            place = [str(part) for part in fault["loc"] if part != "only_leads"]
            faults[place[0] if place else "name"] = str(fault["msg"]).removeprefix("Value error, ")
        return faults


def _values(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
