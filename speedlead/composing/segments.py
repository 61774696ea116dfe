"""How many segments a text takes, and the letters that keep it short (facts: Twilio, "Messaging character limits").

GSM-7: 160 characters, or 153 in each of several; one letter outside of it makes the whole text UCS-2: 70, or 67.
"""

import unicodedata
from dataclasses import dataclass

# a provider refuses a longer body, whatever its segments (Twilio Messages.create, error 21617)
LONGEST_BODY = 1600
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")
# what a word processor makes of plain signs; always turned back
_PLAIN = str.maketrans({
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\u2032": "'", "\u201c": '"', "\u201d": '"',
    "\u201e": '"', "\u201f": '"', "\u2033": '"', "\u00ab": '"', "\u00bb": '"', "\u2039": "'", "\u203a": "'",
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2015": "-", "\u2212": "-",
    "\u2026": "...", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2022": "-", "\u00ad": None, "\u200b": None,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counted:
    """`encoding`: GSM-7 or UCS-2; `units`: septets or 16-bit units; `odd`: the letters that made it UCS-2."""

    encoding: str
    units: int
    segments: int
    odd: str


def plain_letters(text: str) -> str:
    """The text as it is sent. Curly quotes, dashes and odd spaces become plain ones.

    Accents that GSM-7 lacks (á, ç, ê) are left out if that alone brings the text from UCS-2 into it: the same words
    in half as many segments. A name in another script keeps every letter.
    """
    straight = text.translate(_PLAIN)
    if _in_gsm(straight):
        return straight
    bare = "".join(letter if _in_gsm(letter) else _without_accent(letter) for letter in straight)
    return bare if _in_gsm(bare) else straight


def count(text: str) -> Counted:
    odd = "".join(dict.fromkeys(letter for letter in text if not _in_gsm(letter)))
    encoding, one, many = ("UCS-2", 70, 67) if odd else ("GSM-7", 160, 153)
    sizes = [_size(letter, encoding) for letter in text]
    if sum(sizes) <= one:
        return Counted(encoding, sum(sizes), 1, odd)
    segments, room = 1, many
    for size in sizes:
        if size > room:  # an escape or a surrogate pair never straddles two segments
            segments, room = segments + 1, many
        room -= size
    return Counted(encoding, sum(sizes), segments, odd)


def _size(letter: str, encoding: str) -> int:
    if encoding == "GSM-7":
        return 2 if letter in _EXTENDED else 1
    return 2 if ord(letter) > 0xFFFF else 1


def _in_gsm(text: str) -> bool:
    return all(letter in _BASIC or letter in _EXTENDED for letter in text)


def _without_accent(letter: str) -> str:
    return "".join(part for part in unicodedata.normalize("NFD", letter) if not unicodedata.combining(part))
