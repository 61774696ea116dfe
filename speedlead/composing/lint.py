"""What a template has to say, and what it must not. Every finding is one line: file, line, and what was expected.

Rules that ask for a thing render the template with every combination of what may be missing, and look for it in what
comes out: a promise inside of an `{% if %}` is none.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from speedlead.composer import ACKNOWLEDGEMENT, MEETING, NAMES, VIDEO, Composer, Promise
from speedlead.composing.book import Template
from speedlead.composing.rendering import Link, RenderError
from speedlead.composing.samples import LONGEST, LONGEST_PROMISE
from speedlead.composing.segments import count
from speedlead.composing.words import Words
from speedlead.optout import opt_out_scope

# a template is words, values and conditions: nothing else of the language, so nothing else can be reached
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.If, nodes.CondExpr, nodes.Not, nodes.And,
    nodes.Or, nodes.Const,
)  # fmt: skip
_ADDRESS = re.compile(r"https?:|ftp:|javascript:|data:|www\.|\w://", re.IGNORECASE)
_UNDER_IF = ("called", "ask_place")
_MAY_BE_MISSING = ("quote", "company_phone")
_LONGEST_SUBJECT = 150
_VIDEO_OF_TEST = "https://video.invalid/v/1"
_ADDRESS_OF_TEST = "https://unsubscribe.invalid/u/token"


@dataclass(frozen=True, slots=True)
class Finding:
    """`warning`: worth a look; everything else stops the start."""

    file: str
    line: int
    text: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {'warning: ' * self.warning}{self.text}"


def lint(composer: Composer, today: date) -> list[Finding]:
    """Every finding in every template and in the words, in the order of their files."""
    found = [finding for template in composer.book.templates.values() for finding in check(composer, template, today)]
    for language, words in composer.book.words.items():
        file = composer.book.word_files[language][0]
        found += _review(file, 1, words.review_by, words.owner, today)
    return sorted(found, key=lambda finding: (finding.file, finding.line))


def check(composer: Composer, template: Template, today: date) -> Iterator[Finding]:
    head = template.head
    grammar = [*_grammar(template, head.subject or "", template.subject_line - 1), *_grammar(template)]
    yield from grammar
    yield from _review(template.file, 1, head.review_by, head.owner, today)
    if grammar:
        return  # it cannot be rendered, or must not be
    words = composer.book.words[template.language]
    try:
        yield from _contents(composer, template, words)
        yield from _size(composer, template)
    except RenderError as error:
        yield Finding(template.file, template.body_line, str(error))


def _review(file: str, line: int, review_by: date, owner: str, today: date) -> Iterator[Finding]:
    if review_by < today:
        yield Finding(file, line, f"review_by {review_by} is past; {owner} should read it again", warning=True)


# ── how it is written ────────────────────────────────────────────────────────────────────────────────────────────────


def _grammar(template: Template, source: str | None = None, above: int | None = None) -> Iterator[Finding]:
    """Of the body, or of `source` that begins `above` lines below the top."""
    source = template.body if source is None else source
    above = template.body_line - 1 if above is None else above

    def at(line: int, text: str) -> Finding:
        return Finding(template.file, above + line, text)

    try:
        tree = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).parse(source)
    except TemplateSyntaxError as error:
        yield at(error.lineno, f"{error.message}")
        return
    own = {VIDEO: [VIDEO], MEETING: [MEETING, "meeting_title", "meeting_link"]}.get(template.id, [])
    ways = {"unsubscribe_url", "booking_link", "feedback_yes", "feedback_no"}
    addresses = {*template.head.links, *ways, *({VIDEO, "meeting_link"} & {*own})}
    names = {*NAMES, *addresses, *own}
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.Filter) and node.name == "link":
            if not (isinstance(node.node, nodes.Name) and node.node.name in addresses and len(node.args) == 1
                    and isinstance(node.args[0], nodes.Const) and not node.kwargs):  # fmt: skip
                yield at(
                    node.lineno, f'expected {{{{ NAME | link("words") }}}} with one of {", ".join(sorted(addresses))}'
                )
        elif not isinstance(node, _ALLOWED):
            what = f"the filter {node.name!r}" if isinstance(node, nodes.Filter) else type(node).__name__.lower()
            yield at(
                node.lineno,
                f'{what} is not for templates; expected {{{{ name }}}}, {{{{ address | link("words") }}}} or '
                "{% if name %} … {% else %} … {% endif %}",
            )
        elif isinstance(node, nodes.TemplateData):
            for line, text in enumerate(node.data.split("\n")):
                if _ADDRESS.search(text):
                    yield at(
                        node.lineno + line, "an address in the text; expected it under links: in the head, by name"
                    )
        elif isinstance(node, nodes.Name) and node.name not in names:
            yield at(node.lineno, f"no message has {node.name!r}; expected one of {', '.join(sorted(names))}")


# ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _wanted(template: Template) -> dict[str, tuple[str, str]]:
    """name -> (what it is, what is expected) of all that this template has to say."""
    wanted = {"inquiry": ("the inquiry", "{{ inquiry }}, so that every touch refers to it")}
    if template.channel == "email":
        wanted["unsubscribe_url"] = ("the way to opt out", "{{ unsubscribe_url }}")
    if template.id == ACKNOWLEDGEMENT:
        wanted |= {
            "promise": ("the promised time", "{{ promise }}"),
            "next_human_step": ("what happens next", "{{ next_human_step }}"),
            "other_ways": ("other ways to reach us", "{{ other_ways }} or {{ other_ways_short }}"),
        }
    if template.channel == "voicemail":
        wanted["company"] = ("who calls", "{{ company }}: a recorded voice says at its beginning whose it is")
    if template.id == MEETING:
        wanted[MEETING] = ("what is said about the meeting", "{{ meeting }}")
    if template.id == VIDEO:
        wanted[VIDEO] = ("the owner's video", '{{ video | link("words") }}')
    return wanted


def _contents(composer: Composer, template: Template, words: Words) -> Iterator[Finding]:
    wanted = _wanted(template)
    if template.channel == "voicemail" and "company_phone" not in template.body:
        yield Finding(
            template.file, template.body_line,
            "the number to call back is missing; expected {{ company_phone }} (47 CFR 64.1200(b))",
        )  # fmt: skip
    missing: dict[str, str] = {}
    # few templates ask for everything that may be missing: most ways come out the same
    for text, subject in dict.fromkeys(_all_ways(composer, template, words)):
        for name, (what, expected) in wanted.items():
            mark = {"unsubscribe_url": _ADDRESS_OF_TEST, VIDEO: _VIDEO_OF_TEST}.get(name, f"§{name}§")
            if mark not in text:
                missing[name] = f"{what} is missing, or missing at times; expected {expected}"
        if template.channel == "sms" and not _says(text, words.stop):
            missing["stop"] = f"the way to opt out is missing, or missing at times; expected {' or '.join(words.stop)}"
        if template.id == ACKNOWLEDGEMENT and not any(_bare(phrase) in _bare(text) for phrase in words.receipt):
            missing["receipt"] = (
                f"the receipt is missing; expected one of the phrases under receipt: in words/{template.language}.yaml:"
                f" {', '.join(words.receipt)}"
            )
        if opt_out_scope(f"Yes.\n{text}", "email" if template.channel == "email" else "sms"):
            missing["quoted"] = "a reply that quotes this would be read as an opt-out; expected other words for it"
        if len(subject) > _LONGEST_SUBJECT:
            missing["subject"] = f"subject: expected {_LONGEST_SUBJECT} characters at most"
    yield from (Finding(template.file, template.body_line, text) for text in missing.values())


def _all_ways(composer: Composer, template: Template, words: Words) -> Iterator[tuple[str, str]]:
    """(text, subject) with everything that may be missing there or not; each value says its own name."""
    for held in itertools.product((True, False), repeat=len(_UNDER_IF) + len(_MAY_BE_MISSING) + 1):
        given = dict(zip((*_UNDER_IF, *_MAY_BE_MISSING, "first_name"), held, strict=True))
        values: dict[str, object] = {name: f"§{name}§" for name in NAMES}
        values |= {name: Link("https://link.invalid/") for name in template.head.links}
        values |= {name: given[name] for name in _UNDER_IF}
        values |= {name: None for name in _MAY_BE_MISSING if not given[name]}
        values["first_name"] = values["first_name"] if given["first_name"] else words.nobody
        values["other_ways_short"] = values["other_ways"]
        values["unsubscribe_url"] = Link(_ADDRESS_OF_TEST)
        values[VIDEO] = Link(_VIDEO_OF_TEST)
        # with the telephone number or without: once more of everything would take twice as long
        link = Link("https://booking.invalid/book/token") if given["company_phone"] else None
        values |= {"feedback_yes": link, "feedback_no": link}
        values |= {"booking_link": link, "meeting_link": link, MEETING: f"§{MEETING}§", "meeting_title": "§title§"}
        message = composer.render(template, values)
        yield message.text, message.subject or ""


def _bare(text: str) -> str:
    """Without accents and case: a text message may have lost them."""
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))


def _says(text: str, phrases: list[str]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text) for phrase in phrases)


# ── how long it gets ─────────────────────────────────────────────────────────────────────────────────────────────────


def _size(composer: Composer, template: Template) -> Iterator[Finding]:
    """With the longest values that are plausible, as they would be sent."""
    if template.channel != "sms":
        return
    words, limit = composer.book.words[template.language], composer.house.segments
    texts = []
    for intent, channel in itertools.product(words.intents, ("call", "email")):
        promise = Promise(None, words.promised(*LONGEST_PROMISE, channel))
        lead = replace(LONGEST, intent=intent)
        values = composer.values(template, lead, promise, channel, True, _ADDRESS_OF_TEST)
        texts.append(composer.render(template, values).text)
    longest = max(texts, key=lambda text: (count(text).segments, len(text)))
    worst = count(longest)
    if worst.segments > limit:
        yield Finding(
            template.file, template.body_line,
            f"{worst.segments} segments ({worst.encoding}) with long values; expected {limit} at most "
            f"(SPEEDLEAD_SMS_SEGMENTS): {longest!r}",
        )  # fmt: skip
    if worst.odd:
        yield Finding(
            template.file, template.body_line,
            f"{' '.join(worst.odd)} make it UCS-2: 70 characters a segment instead of 160", warning=True,
        )  # fmt: skip
