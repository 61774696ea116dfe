"""Does what somebody wrote ask us to stop? Pure; wrong in the cautious direction.

Keywords are those that carriers act on (Twilio's default list), as the whole text. US rules also honour any reasonable
wording (47 CFR 64.1200(a)(10)), so common phrases count anywhere in the text.
"""

import re
from typing import Literal

Scope = Literal["all", "call", "sms", "email"]

_STOP = frozenset(
    "stop stopall unsubscribe cancel end quit revoke optout remove arret arreter alto baja stopp abmelden".split()
) | {"opt out", "stop all", "please stop", "stop please", "unsubscribe me", "remove me", "stop it"}
_START = frozenset({"start", "yes", "unstop", "subscribe", "opt in", "optin"})

_NEGATED = r"(?<!don't )(?<!dont )(?<!do not )(?<!never )"
_NEVER = r"(?:do not|don't|dont|never|no longer|quit|cease|stop|please stop)"
_EVERYTHING = (
    rf"{_NEGATED}\bstop (?:contacting|bothering|messaging and calling|harassing)\b",
    r"\b(?:do not|don't|dont|never) (?:ever )?(?:contact|bother) (?:me|us)\b",
    r"\bleave (?:me|us) alone\b",
    r"\b(?:take|remove) (?:me|us|my (?:name|number|details|e-?mail)) (?:off|from)\b",
    r"\bopt (?:me )?out of (?:everything|all)\b",
)
_PHRASES: tuple[tuple[Scope, tuple[str, ...]], ...] = (
    ("all", _EVERYTHING),
    ("call", (rf"{_NEGATED}\bstop (?:calling|phoning|ringing)\b",
              rf"\b{_NEVER} (?:ever )?(?:call|phone|ring) (?:me|us)\b(?! (?:before|after|until|till|at|on)\b)")),
    ("sms", (rf"{_NEGATED}\bstop (?:texting|messaging|sms)\b",
             r"\b(?:do not|don't|dont|never) (?:text|message) (?:me|us)\b",
             r"\bno more (?:texts|messages|sms)\b")),
    ("email", (rf"{_NEGATED}\bstop (?:e-?mailing|mailing|sending (?:me|us) (?:e-?)?mails?)\b",
               r"\b(?:do not|don't|dont|never) (?:e-?mail|write to) (?:me|us)\b", r"\bno more (?:e-?)?mails\b")),
)  # fmt: skip
# these name no channel: the one they came by is meant
_HERE = re.compile(
    rf"\bunsubscribe (?:me|us)\b|\bopt (?:me|us) out\b|{_NEGATED}\bstop sending\b|\bi (?:want to )?opt out\b"
)
_COMPILED = tuple((scope, re.compile("|".join(patterns))) for scope, patterns in _PHRASES)


def opt_out_scope(text: str, channel: Literal["sms", "email"]) -> Scope | None:
    """What a text opts out of, or None. A keyword means the channel it came by."""
    plain = _plain(text)
    if plain in _STOP:
        return channel
    for scope, pattern in _COMPILED:
        if pattern.search(plain):
            return scope
    return channel if _HERE.search(plain) else None


def asks_to_resume(text: str) -> bool:
    """START and its kin, as the whole text; it lifts an opt-out of SMS alone."""
    return _plain(text) in _START


def _plain(text: str) -> str:
    """Lower case, straight quotes, single spaces, no punctuation at the ends; the first 2,000 characters."""
    words = text[:2000].lower().replace("\u2019", "'").translate(str.maketrans("êé", "ee"))
    return re.sub(r"\s+", " ", re.sub(r"[-–—]", " ", words)).strip(" \t.,;:!?\"'()[]*_\u200b\ufeff")
