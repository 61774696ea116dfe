"""Reads the template files. Errors name the file and the line, and what was expected.

A folder holds `email/{id}.{language}.txt`, `sms/…`, `voicemail/…` (read out) and `words/{language}.yaml`. A template
begins with its head (YAML between two lines of `---`) and goes on with the text. A folder of one's own is laid over
the packaged one, file by file.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from speedlead.checked_yaml import FileFault, parse, read_text
from speedlead.composing.words import Words

CHANNELS = ("email", "sms", "voicemail")
DEFAULT_LANGUAGE = "en"
_NAME = re.compile(r"^([a-z][a-z0-9_]*)\.([a-z]{2,3})\.txt$")
_WORDS_NAME = re.compile(r"^([a-z]{2,3})\.yaml$")
_HEAD = re.compile(r"\A---\n(.*?\n)---\n(.*)\Z", re.DOTALL)


class TemplateError(FileFault):
    """A template or words file that cannot be used; the text is for the person who wrote it."""


class Head(BaseModel):
    """What stands between the two lines of `---`. `links`: a name -> an address that the text may link to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(ge=1)
    owner: str = Field(min_length=1, max_length=100)
    review_by: date
    subject: str | None = Field(None, min_length=1, max_length=300)
    links: dict[str, str] = {}

    @field_validator("links")
    @classmethod
    def _web_addresses(cls, value: dict[str, str]) -> dict[str, str]:
        for name, address in value.items():
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError(f"expected a name of a-z, 0-9 and _, got {name!r}")
            if not is_web_address(address):
                raise ValueError(f"{name}: expected an address like https://www.example.com/page, got {address!r}")
        return value


@dataclass(frozen=True, slots=True)
class Template:
    """One text in one language. `body_line`: the line of the file on which `body` begins."""

    channel: str
    id: str
    language: str
    head: Head
    body: str
    file: str
    body_line: int
    source: str

    @property
    def name(self) -> str:
        return f"{self.channel}/{self.id}.{self.language}"

    @property
    def edition(self) -> str:
        """What a touch is recorded with: `email/missed_you.de v3`."""
        return f"{self.name} v{self.head.version}"

    @property
    def subject_line(self) -> int:
        lines = self.source.splitlines()
        return next((n for n, line in enumerate(lines, 1) if line.startswith("subject:")), 1)


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of one file, as the database keeps it. `sha256`: of what a lead reads, not of owner and review."""

    channel: str
    id: str
    language: str
    version: int
    sha256: str
    owner: str
    review_by: date
    source: str
    file: str


@dataclass(frozen=True)
class Book:
    """Every template by (channel, id, language), and the words of each language with their files."""

    templates: Mapping[tuple[str, str, str], Template]
    words: Mapping[str, Words]
    word_files: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def under(self, other: "Book") -> "Book":
        return Book(
            {**self.templates, **other.templates},
            {**self.words, **other.words},
            {**self.word_files, **other.word_files},
        )

    def languages(self, channel: str, template: str) -> list[str]:
        return sorted(language for c, t, language in self.templates if (c, t) == (channel, template))

    def editions(self) -> list[Edition]:
        found = [
            Edition(t.channel, t.id, t.language, t.head.version, _digest(t.head.subject, t.head.links, t.body),
                    t.head.owner, t.head.review_by, t.source, t.file)
            for t in self.templates.values()
        ]  # fmt: skip
        for language, words in self.words.items():
            file, source = self.word_files[language]
            # what a file says nothing of is not its text
            left_out = {"meeting"} - words.model_fields_set
            said = words.model_dump_json(exclude={"version", "owner", "review_by", *left_out})
            found.append(Edition("words", "words", language, words.version, _digest(said), words.owner,
                                 words.review_by, source, file))  # fmt: skip
        return found


def packaged_templates() -> Path:
    return Path(str(files("speedlead") / "templates"))


def load_book(own: Path | None = None) -> Book:
    """The packaged templates with those of `own` over them. Raises TemplateError with one line per fault."""
    if own is not None and not own.is_dir():
        raise TemplateError(f"{own}: expected a folder with email/, sms/ or words/ in it")
    book, faults = _packaged()
    if own is not None:
        laid_over, more = _read(own)
        book, faults = book.under(laid_over), (*faults, *more)
    wordless = [
        f"{t.file}:1: {t.name}: there are no words of this language; expected a file words/{t.language}.yaml"
        for t in book.templates.values()
        if t.language not in book.words and not faults
    ]
    if faults or wordless:
        raise TemplateError("\n".join([*faults, *wordless]))
    return book


@cache
def _packaged() -> tuple[Book, tuple[str, ...]]:
    # they are the same as long as the process lives, and several pages want them
    return _read(packaged_templates())


def _read(folder: Path) -> tuple[Book, tuple[str, ...]]:
    """What can be read of it, and one line for each fault."""
    faults: list[str] = []
    templates: dict[tuple[str, str, str], Template] = {}
    words: dict[str, Words] = {}
    word_files: dict[str, tuple[str, str]] = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        room = file.relative_to(folder).parts[0]
        try:
            if room == "scripts":
                continue  # read by speedlead/scriptbook.py
            if room == "words":
                language, text = _language_of(file), read_text(file)
                words[language] = parse(Words, text, str(file), whole="words")
                word_files[language] = (str(file), text)
            else:
                template = read_template(file, folder)
                templates[template.channel, template.id, template.language] = template
        except FileFault as fault:
            faults.append(str(fault))
    return Book(templates, words, word_files), tuple(faults)


def read_template(file: Path, folder: Path) -> Template:
    """Raises FileFault."""
    parts = file.relative_to(folder).parts
    named = _NAME.match(file.name)
    if len(parts) != 2 or parts[0] not in CHANNELS or named is None:
        raise FileFault(
            f"{file}: expected email/NAME.LANGUAGE.txt, sms/NAME.LANGUAGE.txt or voicemail/NAME.LANGUAGE.txt, "
            "such as email/useful.de.txt"
        )
    source = read_text(file).removeprefix("\ufeff").replace("\r\n", "\n")
    found = _HEAD.match(source)
    if found is None:
        raise FileFault(f"{file}:1: expected a head between two lines of ---, with version, owner and review_by")
    # the line of `---` stays, so that errors count lines as an editor does
    head = parse(Head, "\n" + found[1], str(file), whole="head")
    if (head.subject is not None) != (parts[0] == "email"):
        raise FileFault(f"{file}:1: subject: expected {'one for a mail' if parts[0] == 'email' else 'none for a text'}")
    if not found[2].strip():
        raise FileFault(f"{file}:{source.count(chr(10))}: expected a text below the head")
    return Template(parts[0], named[1], named[2], head, found[2], str(file), found[1].count("\n") + 3, source)


def is_web_address(address: str) -> bool:
    parts = urlsplit(address)
    clean = not any(c.isspace() or c in "<>\"'\\" for c in address) and address.isprintable()
    return clean and parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def _language_of(file: Path) -> str:
    named = _WORDS_NAME.match(file.name)
    if named is None:
        raise FileFault(f"{file}: expected words/LANGUAGE.yaml, such as words/de.yaml")
    return named[1]


def _digest(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(repr, parts)).encode()).hexdigest()
