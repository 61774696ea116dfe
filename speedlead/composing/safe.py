"""What a lead wrote, made fit to stand in a message of ours. Pure.

Anybody can type anybody's address into a form: a mail of ours must not carry a stranger's link or number to them. Mail
programs make a link of whatever looks like one, so such a text is left out, never repaired.
"""

import re
import unicodedata

from speedlead.intake_text import one_line

LONGEST_NAME = 40
LONGEST_QUOTE = 140
_LINK = re.compile(r"://|@|\w\.[^\W\d_]{2,}|\bwww\b|[a-z0-9]\u3002[a-z]{2,}", re.IGNORECASE)
_NUMBER = re.compile(r"\d(?:[\s().\-/]{0,2}\d){6,}")
_NO_NAME = re.compile(r"[\d<>/:@_\\|{}\[\]()\"=&%#$*+~^!?\u200b-\u200f\u202a-\u202e\u2066-\u2069]|\.\w{2,}")


def line(text: str | None, longest: int = 200) -> str:
    """One line without control characters and direction marks, cut to `longest` characters."""
    return one_line(text or "")[:longest]


def first_name(name: str | None) -> str | None:
    """The first word of a name, if it can be one."""
    words = (name or "").split()
    word = words[0].rstrip(",;") if words else ""
    return one_line(word) if word and len(word) <= LONGEST_NAME and not _NO_NAME.search(word) else None


def quote(message: str | None, longest: int = LONGEST_QUOTE) -> str | None:
    """One line of what the lead wrote, cut at a word; nothing of a text with a link or a telephone number in it."""
    said = one_line(message or "")
    if not said or has_link(said):
        return None
    return said if len(said) <= longest else said[: longest + 1].rsplit(" ", 1)[0][:longest] + " …"


def has_link(text: str) -> bool:
    """Whether a mail program or a telephone might make a link of a part of it."""
    # full-width letters and dots read as plain ones; signs without width part a word only for a machine
    plain = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return bool(_LINK.search(plain) or _NUMBER.search(plain))
