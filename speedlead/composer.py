"""Turns a template and a lead into a message. Every template refers to the lead's own inquiry (REQ 54).

Templates are text files, `templates/{channel}/{name}.{language}.txt`; a mail's first line is its subject. What a lead
wrote is data: it is never rendered as a template, and HTML is made from the finished text by escaping it.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
    meta,
)

from speedlead.records import LeadRecord

TEMPLATES = Path(__file__).parent / "templates"
_QUOTE = 140
# what a template may ask for
_NAMES = frozenset(
    (
        "first_name company company_phone inquiry inquiry_short quote signature promise next_human_step ask_place "
        "other_ways other_ways_short called"
    ).split()
)
# Anybody can type anybody's address into a form: a mail of ours must not carry a stranger's link to them.
_LINK = re.compile(r"://|@|\w\.[a-z]{2,}", re.IGNORECASE)
_NO_NAME = re.compile(r"[\d<>/:@_\\|{}\[\]()\"=&%#$*+~^!?\u200b-\u200f\u202a-\u202e\u2066-\u2069]|\.\w{2,}")
_INTENTS = {
    "demo_request": "demo request",
    "pricing": "pricing question",
    "talk_to_sales": "request to talk to us",
    "cart_abandoned": "order",
    "content_download": "download",
    "webinar": "webinar registration",
    "newsletter": "newsletter registration",
    "research": "research",
}


class ComposeError(ValueError):
    """A template that is missing, or that asks for a name no message has."""


@dataclass(frozen=True, slots=True)
class Message:
    subject: str | None
    text: str
    html: str | None


@dataclass(frozen=True, slots=True)
class Promise:
    """The latest moment of the first human step, in the lead's zone; without a known zone it is relative."""

    at: datetime | None
    text: str


class Composer:
    def __init__(self, company: str, company_phone: str | None) -> None:
        self._company = company
        self._company_phone = company_phone
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701 - plain text; HTML is made from the finished text by escaping it
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def check(self, channel: str, template: str) -> None:
        """Raises ComposeError when the template is missing, cannot be read, or forgets the inquiry."""
        source = TEMPLATES / channel / f"{template}.en.txt"
        if not source.is_file():
            raise ComposeError(f"template {channel}/{template}: there is no file {source.name}")
        try:
            names = meta.find_undeclared_variables(self._environment.parse(source.read_text(encoding="utf-8")))
        except TemplateSyntaxError as error:
            raise ComposeError(f"template {channel}/{template}: line {error.lineno}: {error.message}") from None
        if unknown := names - _NAMES:
            raise ComposeError(f"template {channel}/{template}: no message has {', '.join(sorted(unknown))}")
        if not names & {"inquiry", "inquiry_short"}:
            raise ComposeError(f"template {channel}/{template}: does not refer to the inquiry")

    def compose(
        self,
        channel: str,
        template: str,
        lead: LeadRecord,
        promise: Promise | None = None,
        next_channel: str = "call",
        ask_place: bool = False,
    ) -> Message:
        """Raises ComposeError."""
        names = {
            "first_name": first_name(lead.name),
            "company": self._company,
            "company_phone": self._company_phone,
            "inquiry": inquiry_words(lead),
            "inquiry_short": inquiry_words(lead),
            "quote": quote(lead.message),
            "called": lead.called,
            "signature": lead.owner_name or f"The team at {self._company}",
            "promise": promise.text if promise else "",
            "next_human_step": {"call": "calls you", "email": "writes to you"}[next_channel],
            "ask_place": ask_place,
            "other_ways": self._other_ways(),
            "other_ways_short": f"Call {self._company_phone}." if self._company_phone else "Just reply.",
        }
        try:
            text = self._environment.get_template(f"{channel}/{template}.en.txt").render(names)
        except TemplateNotFound as error:
            raise ComposeError(f"template {channel}/{template}: there is no file {error.name}") from None
        except UndefinedError as error:
            raise ComposeError(f"template {channel}/{template}: {error.message}") from None
        if channel != "email":
            return Message(None, " ".join(text.split()), None)
        subject, _, body = text.partition("\n")
        body = body.strip() + "\n"
        return Message(" ".join(subject.removeprefix("Subject:").split()), body, as_html(body))

    def _other_ways(self) -> str:
        call = f"Call {self._company_phone}, or reply" if self._company_phone else "Reply"
        return f"{call} to this mail: it goes straight to the person in charge of your inquiry."


def promise_words(due: datetime | None, now: datetime, zone: str | None, channel: str) -> Promise:
    """'by 14:07 (New York time)'. Minutes are rounded up: a promise may be kept early, not late."""
    verb = {"call": "A person calls you", "email": "A person writes to you personally"}[channel]
    if due is None:
        return Promise(None, f"{verb} on the next business day.")
    if zone is None:
        return Promise(due, f"{verb} within {_within(due - now)}.")
    local = due.astimezone(ZoneInfo(zone))
    if local.second or local.microsecond:
        local = datetime.fromtimestamp((int(due.timestamp()) // 60 + 1) * 60, ZoneInfo(zone))
    days = (local.date() - now.astimezone(ZoneInfo(zone)).date()).days
    day = "" if days == 0 else " tomorrow," if days == 1 else f" on {local:%A} {local.day} {local:%B},"
    city = zone.rsplit("/", 1)[-1].replace("_", " ")
    return Promise(due, f"{verb}{day} by {local:%H:%M} ({city} time).")


def _within(wait: timedelta) -> str:
    """Elapsed time, rounded up: '4 minutes', '3 hours'."""
    seconds = max(60, -(-wait // timedelta(seconds=1)))
    size, unit = (60, "minute") if seconds <= 5400 else (3600, "hour")
    count = -(-seconds // size)
    return f"{count} {unit}{'s' if count > 1 else ''}"


def first_name(name: str | None) -> str:
    """The first word of a name, if it can be one."""
    word = name.split()[0].rstrip(",;") if name and name.split() else ""
    return word if word and len(word) <= 40 and not _NO_NAME.search(word) else "there"


def inquiry_words(lead: LeadRecord) -> str:
    return f"your {_INTENTS.get(lead.intent, 'inquiry')}"


def quote(message: str | None) -> str | None:
    """One line of what the lead wrote, cut at a word; nothing of a text with a link in it."""
    if not message or not message.split() or _LINK.search(message):
        return None
    line = " ".join(message.split())
    return line if len(line) <= _QUOTE else line[: _QUOTE + 1].rsplit(" ", 1)[0] + " …"


def as_html(text: str) -> str:
    """Paragraphs of escaped text; nothing in it can become markup."""
    paragraphs = [escape(p).replace("\n", "<br>\n") for p in text.strip().split("\n\n") if p.strip()]
    return "<html><body>\n" + "\n".join(f"<p>{p}</p>" for p in paragraphs) + "\n</body></html>\n"
