"""Reads rep scripts, `templates/scripts/{id}.yaml`. Errors name the file, the line and the field."""

import hashlib
import string
from datetime import date
from pathlib import Path

import yaml

from speedlead.checked_yaml import FileFault, line_of, parse, read_text
from speedlead.composing.book import Edition, packaged_templates
from speedlead.domain.script import Script, faults

DEFAULT_SCRIPT = "inbound"
LANGUAGE = "en"
# what an opening may say in braces
PLACES = frozenset({"rep", "company", "inquiry", "name"})


class ScriptError(FileFault):
    """A script that cannot be used; the text is for the person who wrote it."""


def load_scripts(own: Path | None = None) -> dict[str, tuple[Script, str]]:
    """id -> (script, file): the packaged ones with those of `own`/scripts over them. Raises ScriptError."""
    found: dict[str, tuple[Script, str]] = {}
    wrong: list[str] = []
    for folder in (packaged_templates(), *([own] if own else [])):
        for file in sorted((folder / "scripts").glob("*.yaml")):
            try:
                script = load_script(file)
            except ScriptError as error:
                wrong.append(str(error))
                continue
            found[script.id] = (script, str(file))
    if wrong:
        raise ScriptError("\n".join(wrong))
    return found


def script_in_use(own: Path | None = None) -> str:
    """What a call is recorded with: `script/inbound.en v3`. Raises ScriptError."""
    return recorded(load_scripts(own)[DEFAULT_SCRIPT][0])


def recorded(script: Script) -> str:
    return f"script/{script.id}.{LANGUAGE} v{script.version}"


def load_script(file: Path) -> Script:
    """Raises ScriptError with one line per fault: `inbound.yaml:31: questions.2.answers.0.next: there is no …`."""
    try:
        text = read_text(file)
        script = parse(Script, text, str(file), whole="script")
    except FileFault as fault:
        raise ScriptError(str(fault)) from None
    wrong = faults(script)
    if script.id != file.stem:
        wrong.insert(0, (("id",), f"expected the name of the file, {file.stem!r}, got {script.id!r}"))
    if (places := _places(script.opening)) is None or not places <= PLACES:
        wrong.insert(0, (("opening",), f"expected nothing in braces but {', '.join(sorted(PLACES))}"))
    if wrong:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        raise ScriptError(
            "\n".join(f"{file}:{line_of(node, place)}: {'.'.join(map(str, place))}: {what}" for place, what in wrong)
        )
    return script


def warnings(script: Script, file: str, today: date) -> list[str]:
    if script.review_by >= today:
        return []
    return [f"{file}:1: warning: review_by {script.review_by} is past; {script.owner} should read it again"]


def edition(script: Script, file: str) -> Edition:
    said = script.model_dump_json(exclude={"version", "owner", "review_by"})
    sha = hashlib.sha256(said.encode()).hexdigest()
    return Edition("script", script.id, LANGUAGE, script.version, sha, script.owner, script.review_by,
                   Path(file).read_text(encoding="utf-8"), file)  # fmt: skip


def _places(phrase: str) -> set[str] | None:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(phrase) if name is not None}
    except ValueError:
        return None
