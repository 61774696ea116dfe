"""One message as a lead would get it, for a look at it: nothing is sent and nothing is written."""

from dataclasses import dataclass

from speedlead.composer import ACKNOWLEDGEMENT, ComposeError, Composer, Message, Promise
from speedlead.composing.book import CHANNELS
from speedlead.composing.samples import SAMPLE_PROMISE
from speedlead.composing.segments import Counted, count
from speedlead.records import LeadRecord


@dataclass(frozen=True, slots=True)
class Shown:
    """`counted`: of a text message. `languages`: in which the template is written."""

    channel: str
    message: Message
    language: str
    languages: list[str]
    counted: Counted | None


def show(composer: Composer, channel: str, template: str, lead: LeadRecord, language: str | None = None) -> Shown:
    """The links of a lead's own are examples. Raises ComposeError, also for a channel or language that is not there."""
    if channel not in CHANNELS:
        raise ComposeError(f"channel: expected {' or '.join(CHANNELS)}, got {channel!r}")
    languages = composer.book.languages(channel, template)
    if not languages:
        known = ", ".join(sorted({t for c, t, _ in composer.book.templates if c == channel}))
        raise ComposeError(f"template: expected one of {known} for {channel}, got {template!r}")
    if language is not None and language not in languages:
        raise ComposeError(
            f"language: expected one of {', '.join(languages)} for {channel}/{template}, got {language!r}"
        )
    found = composer.find(channel, template, language or composer.language(lead))
    message = composer.compose(
        channel,
        template,
        lead,
        unsubscribe_url="https://example.com/u/of-this-lead",
        feedback_link="https://example.com/feedback/of-this-mail",
        promise=_promise(composer, lead, found.language) if template == ACKNOWLEDGEMENT else None,
        language=found.language,
    )
    return Shown(channel, message, found.language, languages, count(message.text) if channel == "sms" else None)


def _promise(composer: Composer, lead: LeadRecord, language: str) -> Promise:
    """What this lead was promised first, said anew in the language asked for; a sample's where nothing is known."""
    words, due = composer.book.words[language], lead.first_attempt_due
    if due is None:
        return Promise(None, words.promised(*SAMPLE_PROMISE, "call"))
    return Promise(due, words.promised(due, min(lead.submitted_at, due), lead.evidence.tz, "call"))
