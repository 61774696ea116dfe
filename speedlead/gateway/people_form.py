"""The form of one of our people: what stands in it, and the entry that a file would have (`domain/rep_entry.py`)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import zip_longest
from typing import Any

from pydantic import ValidationError

from speedlead.domain.rep_entry import RepEntry
from speedlead.jurisdictions import check_jurisdiction
from speedlead.store.our_people import Person
from speedlead.times import local

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CHANNELS = ("call", "email", "sms")
# how the import's diff calls a field -> how the page does
WORDS = {
    "email": "E-mail", "name": "Name", "zone": "Time zone", "hours": "Hours", "weekly": "Hours", "phone": "Phone",
    "time_off": "Time off", "territories": "Territories", "products": "Products", "languages": "Languages",
    "channels": "Channels", "lane": "Leads", "weight": "Share", "capacity": "Most open leads", "manager": "Manager",
    "active": "Works here", "ics_url": "Calendar",
}  # fmt: skip
_PLAIN = (
    "email",
    "name",
    "zone",
    "phone",
    "territories",
    "products",
    "languages",
    "lane",
    "weight",
    "capacity",
    "ics_url",
)
_LISTS = ("territories", "products", "languages")
_PHONE = "expected a number with its country, such as +12125550123"


@dataclass(frozen=True, slots=True)
class Fault:
    field: str
    text: str


class FormFaults(ValueError):
    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.text}" for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Typed:
    """As it stands in the fields. `off`: pairs of dates; a calendar's address is never put into the form."""

    plain: dict[str, str] = field(default_factory=lambda: dict.fromkeys(_PLAIN, ""))
    hours: dict[str, str] = field(default_factory=lambda: dict.fromkeys(DAYS, ""))
    off: tuple[tuple[str, str], ...] = ()
    channels: tuple[str, ...] = CHANNELS
    manager: bool = False
    active: bool = True
    no_calendar: bool = False


def somebody_new() -> Typed:
    plain = dict.fromkeys(_PLAIN, "") | {"lane": "all", "weight": "1", "capacity": "50"}
    return Typed(plain, dict.fromkeys(DAYS, "") | dict.fromkeys(DAYS[:5], "09:00-17:00"))


def typed_of(person: Person) -> Typed:
    rep = person.rep
    plain = {
        "email": rep.email, "name": rep.name, "zone": rep.zone, "phone": rep.phone or "", "lane": rep.lane,
        "weight": str(rep.weight), "capacity": str(rep.capacity), "ics_url": "",
    } | {name: ", ".join(getattr(rep, name)) for name in _LISTS}  # fmt: skip
    hours = {day: " ".join(_clock(span) for span in rep.weekly.get(n, ())) for n, day in enumerate(DAYS)}
    off = tuple(
        (f"{local(start, rep.zone):%Y-%m-%d}", f"{local(end, rep.zone) - timedelta(days=1):%Y-%m-%d}")
        for why, start, end in person.not_there
        if why == "time_off"
    )
    return Typed(plain, hours, off, rep.channels, rep.manager, person.active)


def read_typed(items: Sequence[tuple[str, str]], email: str | None) -> Typed:
    """What was sent. `email`: whose form it is; None for somebody new, who gives one."""
    last = dict(items)
    plain = {name: last.get(name, "").strip() for name in _PLAIN}
    pairs = zip_longest(_all(items, "off_from"), _all(items, "off_to"), fillvalue="")
    return Typed(
        plain | ({"email": email} if email else {}),
        {day: last.get(f"hours_{day}", "").strip() for day in DAYS},
        tuple((first, until) for first, until in pairs if first or until),
        tuple(_all(items, "channels")),
        "manager" in last,
        "active" in last,
        "no_calendar" in last,
    )


def entry_of(typed: Typed) -> RepEntry:
    """What the same person would be in a file. Raises FormFaults."""
    given: dict[str, Any] = {
        name: typed.plain[name] for name in ("email", "name", "zone", "lane", "weight", "capacity")
    }
    given |= {name: [p for p in re.split(r"[,;\n]\s*", typed.plain[name].strip()) if p] for name in _LISTS}
    given |= {
        "phone": typed.plain["phone"] or None,
        "hours": {day: re.split(r"[\s,;]+", text) for day, text in typed.hours.items() if text},
        # one day needs one date
        "time_off": [{"from": first or until, "to": until or first} for first, until in typed.off],
        "channels": list(typed.channels),
        "manager": typed.manager,
        "active": typed.active,
    }
    if typed.no_calendar:
        given["ics_url"] = None
    elif typed.plain["ics_url"]:
        given["ics_url"] = typed.plain["ics_url"]
    try:
        return RepEntry.model_validate(given, context=check_jurisdiction)
    except ValidationError as error:
        raise FormFaults([_fault(item) for item in error.errors()]) from None


def _fault(item: Any) -> Fault:
    name = str(item["loc"][0]) if item["loc"] else ""
    if name == "phone":
        return Fault(name, _PHONE)
    return Fault(name, str(item["msg"]).removeprefix("Value error, "))


def _all(items: Sequence[tuple[str, str]], name: str) -> list[str]:
    return [text.strip() for key, text in items if key == name]


def _clock(span: tuple[int, int]) -> str:
    first, last = span
    return f"{first // 60:02}:{first % 60:02}-{last // 60:02}:{last % 60:02}"
