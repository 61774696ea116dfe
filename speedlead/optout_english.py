"""What a language has for refusals, and the English: regular expressions for lower case without accents and hyphens.

The end of a sentence stands there as a word of its own, ` . `; any other punctuation is a space. Who sells to callers
writes about calls and mails as well ("we need to stop calling customers by hand"): a phrase names us or me, or ends.
`everything`, `call`, `sms` and `email` name what is to stop; `here` names no channel: the one it came by is meant.
`keywords` count as whole texts. The last three confirm an opt-out by SMS, in characters of GSM-7 alone.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    keywords: frozenset[str]
    everything: tuple[str, ...]
    call: tuple[str, ...]
    sms: tuple[str, ...]
    email: tuple[str, ...]
    no_texts: str
    no_calls: str
    nothing: str
    here: tuple[str, ...] = ()


_NEGATED = r"(?<!don't )(?<!dont )(?<!do not )(?<!never )"
_NOT = r"(?:do not|don't|dont|never)"
# "you never call me back" is a complaint
_DO_NOT = rf"(?<!you )(?<!they )(?<!nobody )\b{_NOT}"
_ENDS = r"(?= \.|$| (?:please|pls|now|immediately|thanks|thank you|at once|again|already)\b)"


def _stop(doing: str) -> str:
    """The verb's object is me, us or this number, or there is none and nobody says what they themselves are to stop."""
    several = rf"(?:{doing})(?: (?:and|or) (?:calling|phoning|texting|messaging|e ?mailing|contacting))*"
    me = r" (?:me|us|this (?:number|phone|line)|my (?:number|phone|cell|mobile|home|house|office)|here)\b"
    return rf"{_NEGATED}\bstop {several}{me}|{_NEGATED}(?<!to )(?<!we )(?<!i )\bstop {several}{_ENDS}"


def _unwanted(things: str) -> str:
    """I don't want (to receive) any more of them. "We do not want calls to go unanswered" is another matter."""
    return (
        rf"\b(?:{_NOT}|no longer) (?:want|wish|care)(?: for)? (?:to (?:receive|get|have|see) |you to send (?:me|us) )?"
        rf"(?:(?:any|more|further|these|those|this|your|such|of|anymore) )*(?:{things})\b"
        r"(?! (?:to|that|which|lost|unanswered|missed|going|being|in|go|get|from (?!you\b|your\b|this\b))\b)"
    )


def _unwanted_to_be(done: str, do: str) -> str:
    no = rf"\b(?:{_NOT}|no longer) (?:want|wish|like|care)"
    time = r"(?! (?:before|after|until|till|at|on|in|by)\b)"
    return rf"{no} to be (?:{done})\b{time}|{no} you to (?:{do}) (?:me|us)\b{time}"


_PASSED = r"(?! (?:are|is|get|will|to|that|missed|lost|going|slipping)\b)"
_TEXTS, _CALLS, _MAILS = r"texts?|text messages?|sms", r"(?:phone )?calls?", r"e ?mails?|mails?|newsletters?"
ENGLISH = Words(
    keywords=frozenset(
        {
            "remove",
            "opt out",
            "stop all",
            "please stop",
            "stop please",
            "unsubscribe me",
            "remove me",
            "stop it",
            "stop sms",
            "stop now",
            "stop texts",
            "stop text",
            "stop messages",
            "stop message",
            "stop thanks",
            "stop thank you",
            "stop texts please",
            "please stop now",
            "please stop thanks",
            "stop stop",
            "stop stop stop",
            "stop texting",
            "stop messaging",
            "do not text",
            "don't text",
            "dont text",
            "no texts",
            "no texts please",
            "please unsubscribe",
            "unsubscribe please",
            "unsubscribe now",
            "stop this",
        }
    ),
    everything=(
        _stop("contacting|bothering|harassing"),
        rf"{_DO_NOT} (?:ever )?(?:contact|bother) (?:me|us)\b(?! (?:before|after|until|till|at|on|by)\b)",
        _unwanted_to_be("contacted|bothered", "contact|bother"),
        r"\bleave (?:me|us) alone\b(?! to\b)(?<!say leave me alone)(?<!say 'leave me alone)",
        r"\b(?:take|remove) (?:me|us|my (?:name|number|details|e ?mail)) (?:off|from)\b(?! the wait)",
        r"\b(?:please|kindly|pls) (?:remove|delete) (?:me|us)\b(?! from the wait)",
        r"\bopt (?:me )?out of (?:everything|all)\b",
        r"\blose my number\b",
    ),
    call=(
        _stop("calling|phoning|ringing"),
        rf"{_DO_NOT} (?:ever )?(?:call|phone|ring) (?:me|us|this number)\b(?! (?:before|after|until|till|at|on)\b)",
        r"\bno longer (?:call|phone|ring) (?:me|us)\b",
        _unwanted_to_be("called|phoned|rung", "call|phone|ring"),
        _unwanted(_CALLS),
        rf"\bno more {_CALLS}\b{_PASSED}|\bstop (?:the|these|your) calls\b",
    ),
    sms=(
        _stop("texting|messaging|sms"),
        rf"{_DO_NOT} (?:text|message) (?:me|us|this number)\b(?! (?:before|after|until|till|at|on)\b)",
        _unwanted_to_be("texted|messaged", "text|message"),
        _unwanted(_TEXTS),
        rf"\bno more (?:{_TEXTS})\b{_PASSED}|\bstop (?:the|these|your) (?:{_TEXTS})\b",
    ),
    email=(
        _stop("e ?mailing|mailing|sending (?:me|us) (?:e ?)?mails?"),
        rf"{_DO_NOT} (?:e ?mail|write to) (?:me|us)\b(?! (?:before|after|until|till|at|on)\b)",
        _unwanted_to_be("e ?mailed|mailed", "e ?mail|mail"),
        _unwanted(_MAILS),
        rf"\bno more (?:{_MAILS})\b{_PASSED}",
    ),
    here=(
        r"\bunsubscribe (?:me|us)\b",
        r"\bopt (?:me|us) out\b",
        rf"{_NEGATED}\bstop sending (?:me|us)\b",
        rf"{_NEGATED}(?<!to )(?<!we )(?<!i )\bstop sending(?: (?:these|this|those|it|them|messages|spam))*{_ENDS}",
        r"\bi (?:want to )?opt out\b",
        _unwanted("messages?|anything|to hear from you"),
        rf"\bno more messages?\b{_PASSED}|\bstop (?:the|these|your) messages\b",
    ),
    no_texts="You will get no more texts from us. Reply START to get them again.",
    no_calls="We will not call you any more.",
    nothing="We will not contact you any more.",
)
