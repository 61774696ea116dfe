"""Does what somebody wrote ask us to stop? Pure; wrong in the cautious direction.

Keywords are those that carriers act on (Twilio's default list), as the whole text. US rules also honour any reasonable
wording (47 CFR 64.1200(a)(10)), so common phrases count anywhere in the text, in the languages of `optout_words.py`.
"""

import re
import unicodedata
from typing import Literal

from speedlead.optout_english import ENGLISH, Words
from speedlead.optout_words import COURTESIES, LANGUAGES

Scope = Literal["all", "call", "sms", "email"]

# what Twilio answers, and blocks, by itself: whole texts in any case (its page on Advanced Opt-Out)
_ANSWERED_BY_PROVIDER = frozenset("stop stopall unsubscribe cancel end quit revoke optout".split())
_START = frozenset({"start", "yes", "unstop", "subscribe", "opt in", "optin"})


def _compiled() -> tuple[tuple[Scope | None, re.Pattern[str], Words], ...]:
    """The widest scope first, whatever the language. None: the channel that the text came by."""
    scopes: tuple[Scope | None, ...] = ("all", "call", "sms", "email", None)
    found = []
    for scope in scopes:
        for words in LANGUAGES:
            phrases = words.everything if scope == "all" else words.here if scope is None else getattr(words, scope)
            if phrases:
                found.append((scope, re.compile("|".join(phrases)), words))
    return tuple(found)


_PHRASES = _compiled()
_ENDS = re.compile(r"[.!?;:\u2026\u3002\r\n]+")


def opt_out_scope(text: str, channel: Literal["sms", "email"]) -> Scope | None:
    """What a text opts out of, or None. A keyword means the channel it came by."""
    found = _find(text)
    return None if found is None else found[0] or channel


def says_more(text: str) -> bool:
    """Is there more in a refusal than the refusal? Then somebody waits for an answer to the rest."""
    if _keyword(text) is not None:
        return False
    rest = _sentences(text)
    for _, pattern, _ in _PHRASES:
        rest = pattern.sub(" ", rest)
    return any(word.isalnum() and word not in COURTESIES for word in re.split(r"[ '.]+", rest) if word)


def answered_by_provider(text: str) -> bool:
    """Does the SMS provider confirm this opt-out itself? Then it is not for us to do so again."""
    return text.strip().lower() in _ANSWERED_BY_PROVIDER


def asks_to_resume(text: str) -> bool:
    """START and its kin, as the whole text; it lifts an opt-out of SMS alone."""
    return plain_words(text) in _START


def confirmation(text: str, company: str) -> str:
    """The one text that confirms an opt-out by SMS, in the language that it was asked in.

    It names the sender and sells nothing, as US law wants it within five minutes (47 CFR 64.1200(a)(12)).
    """
    scope, words = _find(text) or (None, ENGLISH)
    said = {"all": words.nothing, "call": words.no_calls}.get(scope or "sms", words.no_texts)
    return f"{company[:40]}: {said}"


def _find(text: str) -> tuple[Scope | None, Words] | None:
    """The scope that was named, if one was, and the language."""
    words = _keyword(text)
    if words is not None:
        return None, words
    plain = _sentences(text)
    return next(((scope, words) for scope, pattern, words in _PHRASES if pattern.search(plain)), None)


def _keyword(text: str) -> Words | None:
    """The language of a keyword that is the whole text, whatever stands around it: "STOP 🙏", "1) Stop!"."""
    plain = plain_words(text).strip(" 0123456789")
    if plain in _ANSWERED_BY_PROVIDER:
        return ENGLISH
    return next((words for words in LANGUAGES if plain in words.keywords), None)


def plain_words(text: str) -> str:
    """Lower case, without accents, single spaces, no punctuation but quotes inside words; 2,000 characters."""
    return " ".join(_sentences(text).replace(".", " ").split())


def _sentences(text: str) -> str:
    """As `plain_words`, with the end of a sentence as ` . `: what a phrase means depends on where it ends."""
    flat = unicodedata.normalize("NFKD", _ENDS.sub(" . ", text[:2000].lower().replace("\u2019", "'")))
    # marks, and what cannot be seen: it may stand within a word
    shown = "".join(letter for letter in flat if unicodedata.category(letter) not in ("Mn", "Cf"))
    words = re.sub(r"(?<=[^\W_])'(?=[^\W_])|[^\w .]|_", lambda found: "'" if found[0] == "'" else " ", shown)
    return " ".join(words.split()).strip(" .")
