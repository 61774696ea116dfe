"""Reads the file of what the assistant may say. Errors name the file, the line and the field."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import yaml

from speedlead import wording
from speedlead.checked_yaml import FileFault, line_of, parse, read_text
from speedlead.domain.assistant import Asking, Facts
from speedlead.domain.assistant_words import Source, refused
from speedlead.domain.script import Script


class FactsError(FileFault):
    """A file of facts that cannot be used; the text is for the person who wrote it."""


def load_facts(file: Path, script: Script | None = None) -> Facts:
    """Raises FactsError, one line per fault. `script`: the reps', whose questions it may ask."""
    try:
        text = read_text(file)
        facts = parse(Facts, text, str(file), whole="facts")
    except FileFault as fault:
        raise FactsError(str(fault)) from None
    wrong = list(_faults(facts, script))
    if wrong:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = [f"{file}:{line_of(node, place)}: {'.'.join(map(str, place))}: {what}" for place, what in wrong]
        raise FactsError("\n".join(lines))
    return facts


def _faults(facts: Facts, script: Script | None) -> Iterator[tuple[tuple[str | int, ...], str]]:
    ids = [question.id for question in script.questions] if script is not None else facts.ask
    for at, name in enumerate(facts.ask):
        if name not in ids:
            yield ("ask", at), f"there is no question {name!r}; expected some of {', '.join(ids)}"
    for at, fact in enumerate(facts.facts):
        # a fact that could not be said word for word would only ever be handed over
        why = refused(fact.say, Source((fact.say,), facts.language, facts.never))
        if why is not None:
            yield ("facts", at, "say"), f"cannot be said as it stands: {wording.reason(why)}"


def check_spoken(facts: Facts, file: Path) -> None:
    """Raises FactsError where these cannot be spoken in a call."""
    if facts.language != "en":
        raise FactsError(f"{file}: language: expected 'en' with SPEEDLEAD_ASSISTANT_VOICE: it speaks nothing else")


def warnings(facts: Facts, file: Path, today: date) -> list[str]:
    if facts.review_by >= today:
        return []
    return [f"{file}: warning: review_by {facts.review_by} is past; {facts.owner} should read it again"]


def questions_of(facts: Facts, script: Script, given: dict[str, str]) -> tuple[Asking, ...]:
    """Those that may be asked and have no answer yet, in the order of the facts' file."""
    found = []
    for name in facts.ask:
        question = script.question(name)
        if question is not None and name not in given:
            found.append(Asking(name, question.ask, {answer.id: answer.say for answer in question.answers}))
    return tuple(found)
