"""Builds the composer of a process from settings, after reading every template as the linter does."""

from collections.abc import Sequence
from datetime import UTC, datetime

from speedlead.checked_yaml import FileFault
from speedlead.composer import ComposeError, Composer, House
from speedlead.composing.book import Edition, load_book
from speedlead.composing.lint import lint
from speedlead.domain.plan import Plan
from speedlead.scriptbook import edition, load_scripts
from speedlead.settings import Settings


def build_composer(settings: Settings, plan: Plan | None = None, programs: Sequence[Plan] = ()) -> Composer:
    """Raises ComposeError with one line for each thing that must be mended, the templates of the plan among them.

    `programs`: the plans that go on when it is over.
    """
    composer = read_composer(settings)
    wrong = [str(finding) for finding in lint(composer, datetime.now(UTC).date()) if not finding.warning]
    speaks = plan is not None and any(track.voicemail.say for track in plan.tracks.values())
    if speaks and settings.company_phone is None:
        wrong.append("SPEEDLEAD_COMPANY_PHONE: expected a number, which the plan's voicemail messages have to say")
    for of in (*([plan] if plan else []), *programs):
        for channel, template in dict.fromkeys(of.templates()):
            try:
                composer.check(channel, template)
            except ComposeError as error:
                wrong.append(f"plan {of.id}: {error}")
    if wrong:
        raise ComposeError("\n".join(wrong))
    return composer


def read_composer(settings: Settings) -> Composer:
    """Without the linter. Raises ComposeError."""
    house = House(settings.company_name, settings.company_phone, settings.language, settings.sms_segments)
    try:
        return Composer(house, load_book(settings.templates_dir))
    except FileFault as fault:
        raise ComposeError(str(fault)) from None


def editions_of(settings: Settings) -> list[Edition]:
    """What is in use, for the record: every template, words file and script. Raises ComposeError."""
    try:
        scripts = load_scripts(settings.templates_dir).values()
        return [*load_book(settings.templates_dir).editions(), *(edition(*script) for script in scripts)]
    except FileFault as fault:
        raise ComposeError(str(fault)) from None
