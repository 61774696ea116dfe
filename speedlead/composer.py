"""Turns a template and a lead into a message, in the lead's language. Every template refers to the inquiry (REQ 54).

Templates are files (docs/templates.md). Their rules are checked before anything is sent (`composing/lint.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from speedlead.composing import safe
from speedlead.composing.book import DEFAULT_LANGUAGE, Book, Template, load_book
from speedlead.composing.languages import choose
from speedlead.composing.rendering import Link, Renderer, RenderError
from speedlead.composing.segments import LONGEST_BODY, count, plain_letters
from speedlead.composing.words import Words
from speedlead.mail_text import html_of_text
from speedlead.records import Answer, LeadRecord

ACKNOWLEDGEMENT = "acknowledgement"
# the owner's own recording, in the owner's name (REQ 95); only this template may name it
VIDEO = "video"
# what is said about a booked meeting; only this template may name it
MEETING = "meeting"
# what every template may name, beside the addresses in its own head
NAMES = frozenset(
    (
        "first_name company company_phone inquiry quote called signature promise next_human_step ask_place other_ways "
        "other_ways_short unsubscribe_url booking_link feedback_yes feedback_no"
    ).split()
)


class ComposeError(ValueError):
    """A template that is missing, or that asks for a name no message has."""


@dataclass(frozen=True, slots=True)
class Message:
    """`edition`: which version of which template in which language this is, such as `email/useful.de v3`."""

    subject: str | None
    text: str
    html: str | None
    edition: str
    # the Message-ID of the mail that this one answers
    in_reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """The latest moment of the first human step, in the lead's zone; without a known zone it is relative."""

    at: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class Meeting:
    """`kind`: booked, moved, cancelled, reminder or missed. `zone`: the clock on which the lead chose."""

    kind: str
    at: datetime
    zone: str
    who: str | None
    link: str | None


@dataclass(frozen=True, slots=True)
class House:
    """Who writes: the company, its number (E.164), its own language, and how many segments a text may take."""

    company: str
    company_phone: str | None = None
    language: str = DEFAULT_LANGUAGE
    segments: int = 3


class Composer:
    """Made once; keeps compiled templates. `book` without one is the packaged one. Raises ComposeError."""

    def __init__(self, house: House, book: Book | None = None) -> None:
        self.house = house
        self.book = book or packaged_book()
        self._renderer = Renderer()
        # a promise is made in a language in which the whole acknowledgement can be said
        both = [set(self.book.languages(channel, ACKNOWLEDGEMENT)) for channel in ("email", "sms")]
        self._offered = frozenset(both[0] & both[1])
        if house.language not in self._offered:
            raise ComposeError(
                f"SPEEDLEAD_LANGUAGE: expected one of {', '.join(sorted(self._offered))}, in which there is an "
                f"acknowledgement by mail and by text, got {house.language!r}"
            )

    def check(self, channel: str, template: str) -> None:
        """Raises ComposeError when the template is missing where it must be: in the house's own language."""
        if (channel, template, self.house.language) not in self.book.templates:
            raise ComposeError(
                f"template {channel}/{template}: expected a file {channel}/{template}.{self.house.language}.txt"
            )

    def language(self, lead: LeadRecord) -> str:
        return choose(lead.language, lead.evidence.country, self._offered, self.house.language)

    def language_asked(self, tag: str | None) -> str:
        """Of somebody of whom nothing is known but what their browser asks for."""
        return choose(tag, None, self._offered, self.house.language)

    def promise(self, lead: LeadRecord, due: datetime | None, now: datetime, zone: str | None, channel: str) -> Promise:
        return Promise(due, self.book.words[self.language(lead)].promised(due, now, zone, channel))

    def find(self, channel: str, template: str, language: str) -> Template:
        """The template in that language, else in the house's. Raises ComposeError."""
        found = self.book.templates.get((channel, template, language))
        if found is None:
            self.check(channel, template)
            found = self.book.templates[channel, template, self.house.language]
        return found

    def compose(
        self,
        channel: str,
        template: str,
        lead: LeadRecord,
        *,
        unsubscribe_url: str,
        promise: Promise | None = None,
        next_channel: str = "call",
        ask_place: bool = False,
        language: str | None = None,
        booking_link: str | None = None,
        feedback_link: str | None = None,
        meeting: Meeting | None = None,
    ) -> Message:
        """In the lead's language, or the one that is asked for. Raises ComposeError."""
        found = self.find(channel, template, language or self.language(lead))
        values = self.values(found, lead, promise, next_channel, ask_place, unsubscribe_url)
        values |= {"booking_link": Link(booking_link) if booking_link else None}
        for said in ("yes", "no"):
            values[f"feedback_{said}"] = Link(f"{feedback_link}?fast={said}") if feedback_link else None
        if meeting is not None:
            values |= self._about(meeting, found.language)
        try:
            return self.render(found, values)
        except RenderError as error:
            raise ComposeError(f"template {found.name}: {error}") from None

    def too_long(self, text: str) -> str | None:
        """Why a text message is more than the house sends; None when it is not."""
        counted = count(text)
        return f"{counted.segments} segments ({counted.encoding})" if counted.segments > self.house.segments else None

    def render(self, template: Template, values: Mapping[str, object]) -> Message:
        """Raises RenderError."""
        if template.channel == "sms":
            return Message(None, self._text_message(template, values), None, template.edition)
        if template.channel == "voicemail":
            return Message(None, self._renderer.text(template, values), None, template.edition)
        return Message(
            self._renderer.subject(template, values),
            self._renderer.text(template, values),
            self._renderer.html(template, values),
            template.edition,
        )

    def values(
        self,
        template: Template,
        lead: LeadRecord,
        promise: Promise | None,
        next_channel: str,
        ask_place: bool,
        url: str,
    ) -> dict[str, object]:
        """All that a template may name; what may be missing is None."""
        words, house = self.book.words[template.language], self.house
        phone = safe.line(house.company_phone) or None
        links = {name: Link(address) for name, address in template.head.links.items()}
        return links | {
            "first_name": safe.first_name(lead.name) or words.nobody,
            "company": house.company,
            "company_phone": phone,
            "inquiry": inquiry_words(words, lead.intent),
            "quote": safe.quote(lead.message),
            "called": lead.called,
            "signature": safe.line(lead.owner_name, 80) or words.team.format(company=house.company),
            "promise": promise.text if promise else "",
            "next_human_step": words.next_human_step[next_channel],
            "ask_place": ask_place,
            "other_ways": _way(words.other_ways, phone),
            "other_ways_short": _way(words.other_ways_short, phone),
            "unsubscribe_url": Link(url),
            "booking_link": None,
            "feedback_yes": None,
            "feedback_no": None,
            VIDEO: Link(lead.owner_video, lead.owner_video_thumbnail) if lead.owner_video else None,
        }

    def _about(self, meeting: Meeting, language: str) -> dict[str, object]:
        title, said = self.book.words[language].met(
            meeting.kind, meeting.at, meeting.zone, safe.line(meeting.who, 80) or self.house.company
        )
        return {
            "meeting": said, "meeting_title": title, "meeting_link": Link(meeting.link) if meeting.link else None,
        }  # fmt: skip

    def _text_message(self, template: Template, values: Mapping[str, object]) -> str:
        """Too long, it loses the lead's own words first, then the booking page: never the promise or the opt-out."""
        said = values.get("quote")
        quotes = [said, safe.quote(said, 40) if isinstance(said, str) else None, None]
        shorter = [{"quote": quote} for quote in quotes] + [{"quote": None, "booking_link": None}]
        text = ""
        for less in shorter:
            text = plain_letters(self._renderer.text(template, {**values, **less}))
            if count(text).segments <= self.house.segments and len(text) <= LONGEST_BODY:
                return text
        if len(text) > LONGEST_BODY:
            raise RenderError(f"{len(text)} characters; a provider takes {LONGEST_BODY} at most")
        return text


def promise_words(
    due: datetime | None, now: datetime, zone: str | None, channel: str, language: str = DEFAULT_LANGUAGE
) -> Promise:
    """The promise in the packaged words: 'A person calls you by 14:07 (New York time).'"""
    return Promise(due, packaged_book().words[language].promised(due, now, zone, channel))


def packaged_language(wished: str | None, country: str | None) -> str:
    """The language in which a house without templates of its own answers such a lead."""
    return choose(wished, country, frozenset(packaged_book().words), DEFAULT_LANGUAGE)


def recipient(lead: LeadRecord) -> str | None:
    """The name beside the address of a mail; none that could be read as a link."""
    name = safe.line(lead.name, 100)
    return None if not name or safe.has_link(name) else name


def inquiry_words(words: Words, intent: str) -> str:
    return words.intents.get(intent) or words.intents["other"]


@cache
def packaged_book() -> Book:
    return load_book()


def _way(phrases: Mapping[str, str], phone: str | None) -> str:
    return phrases["phone"].format(phone=phone) if phone else phrases["reply"]


def by_hand(channel: str, answer: Answer) -> Message:
    """What one of our people wrote, as it stands: no template, no signature, no quote."""
    html = html_of_text(answer.body) if channel == "email" else None
    return Message(answer.subject, answer.body, html, edition="", in_reply_to=answer.in_reply_to)
