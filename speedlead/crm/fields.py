"""What of an event is worth telling a CRM, in plain words: who it is, and one line for its history. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from speedlead.hooks.events import SNAPSHOT

Event = Mapping[str, Any]
Sort = Literal["call", "email", "message", "note"]
# what a record has to have over there, where a person gave no name
NAMELESS, NO_COMPANY = "(no name given)", "(none given)"
PLEASE_ERASE = "This person was erased in speedlead: please erase what you have of them."
# with these the fields that the file names go along
TELLS_OURS = frozenset({"lead.created", "lead.inquiry", SNAPSHOT})


@dataclass(frozen=True, slots=True)
class Person:
    name: str | None
    company: str | None
    email: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Activity:
    """`inbound`: they came to us. `body` has no words of anybody: codes, and where the lead's page is."""

    id: str
    sort: Sort
    at: datetime
    inbound: bool
    subject: str
    body: str


def person_of(event: Event) -> Person:
    contact = event["data"].get("contact") or {}
    emails, phones = contact.get("emails") or (None,), contact.get("phones") or (None,)
    return Person(contact.get("name"), contact.get("company"), emails[0], phones[0])


def please_erase(event: Event) -> Activity:
    return Activity(event["id"], "note", datetime.fromisoformat(event["time"]), False, PLEASE_ERASE, PLEASE_ERASE)


def activity_of(event: Event) -> Activity:
    """Of an event of `model.ACTIVITIES`."""
    kind, said = event["type"], event["data"]["details"]
    channel = said.get("channel")
    sort: Sort = "note"
    if kind in ("lead.attempted", "lead.acknowledged", "lead.replied"):
        sort = _SORTS.get(channel, "note")
    subject = _SUBJECTS[kind](said)
    facts = {"Step": said.get("step"), "Reason": said.get("reason"), "Source": said.get("source")}
    lines = [subject, *(f"{name}: {text}" for name, text in facts.items() if text), event["data"]["lead"]["url"]]
    inbound = kind in ("lead.replied", "lead.inquiry")
    return Activity(event["id"], sort, datetime.fromisoformat(event["time"]), inbound, subject, "\n".join(lines))


def _words(code: str | None) -> str:
    return (code or "").replace("_", " ")


_CHANNELS = {"email": "E-mail", "sms": "Text message", "call": "Call", "chat": "Chat"}
# a chat of the page is no channel that a CRM knows: HubSpot's messages are texts, WhatsApp and LinkedIn
_SORTS: Mapping[str | None, Sort] = {"call": "call", "email": "email", "sms": "message"}


def _by(said: Mapping[str, Any]) -> str:
    return _CHANNELS.get(said.get("channel") or "", "Message")


_SUBJECTS = {
    "lead.inquiry": lambda said: f"Another inquiry: {_words(said.get('intent')) or 'no intent given'}",
    "lead.acknowledged": lambda said: f"Inquiry acknowledged: {_by(said)}",
    "lead.attempted": lambda said: "Call attempt" if said.get("channel") == "call" else f"{_by(said)} sent",
    "lead.replied": lambda said: f"The lead replied: {_by(said)}",
    "lead.outcome": lambda said: "Logged: " + ", ".join(
        _words(said.get(name)) for name in ("call_result", "outcome") if said.get(name)),
    "lead.corrected": lambda said: f"Corrected in speedlead, not here: {', '.join(said['fields'])}",
    "lead.opted_out": lambda said: f"The lead wants no more: {_words(said.get('scope')) or 'all'}",
}  # fmt: skip


def values(event: Event, fields: Mapping[str, str], constants: Mapping[str, str]) -> dict[str, Any]:
    """The fields of their own that the file names."""
    lead = event["data"]["lead"]
    return {**constants, **{theirs: lead[ours] for theirs, ours in fields.items() if lead.get(ours) is not None}}
