"""Are two entries one person? Points for what speaks for it, and why; and which of two open leads goes on. Pure.

Only pairs that share a key are ever compared, so the work grows with the number of people and not with its square.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Literal

Reason = Literal[
    "same_mailbox", "same_number", "same_name", "near_name", "no_name", "other_name", "same_mail_domain",
    "same_company", "same_postcode",
]  # fmt: skip

# from here on a person of ours is asked
PROPOSED_FROM = 50
POINTS: dict[Reason, int] = {
    "same_mailbox": 90,  # the provider delivers both addresses to one box
    "same_number": 40,  # couples and switchboards share one, so it takes a name as well
    "same_name": 30,
    "near_name": 20,
    "no_name": 10,  # one of the two never gave one: nothing speaks against it
    "other_name": -40,
    "same_mail_domain": 20,
    "same_company": 15,
    "same_postcode": 10,
}
_NEAR = 0.85

# Providers that deliver several spellings to one box, by their own pages: support.google.com/mail/answer/7436150 (dots,
# plus), /10313 (googlemail.com); proton.me/support/addresses-and-aliases (dots, hyphens, underscores, plus);
# support.microsoft.com "plus addressing"; fastmail.help "Plus addressing"; support.apple.com/HT201771 (plus; one box
# under three domains).
_ONE_DOMAIN = {
    "googlemail.com": "gmail.com", "protonmail.com": "proton.me", "protonmail.ch": "proton.me", "pm.me": "proton.me",
    "me.com": "icloud.com", "mac.com": "icloud.com",
}  # fmt: skip
_NOT_READ = {"gmail.com": ".", "proton.me": ".-_"}
_PLUS = frozenset("gmail.com proton.me icloud.com outlook.com hotmail.com live.com fastmail.com".split())

_FORMS = re.compile(
    r"\b(inc|incorporated|llc|ltd|limited|corp|corporation|company|co|plc|llp|gmbh|mbh|ag|kg|ohg|ug|se|sa|sas|sarl|srl|"
    r"spa|bv|nv|ab|as|aps|oy|oyj|pty|pte|kk|sl|sro|doo|zrt|kft|holding|group|the)\b"
)


@dataclass(frozen=True, slots=True)
class Someone:
    """What is compared. `domains`: of mail addresses that belong to a company, not to a free service."""

    person_id: str
    name: str | None = None
    company: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    postcode: str | None = None


@dataclass(frozen=True, slots=True)
class Likeness:
    """`certain`: one mailbox, by its provider's own rule, and no name that speaks against it."""

    points: int
    reasons: tuple[Reason, ...]
    certain: bool

    @property
    def proposed(self) -> bool:
        return self.points >= PROPOSED_FROM


def mailbox(address: str) -> str:
    """The address as its provider reads it; of a provider that we do not know, in lower case and no more."""
    local, _, domain = address.lower().rpartition("@")
    domain = _ONE_DOMAIN.get(domain, domain)
    if domain in _PLUS:
        local = local.partition("+")[0] or local
    for sign in _NOT_READ.get(domain, ""):
        local = local.replace(sign, "")
    return f"{local}@{domain}"


def words_of(text: str | None) -> tuple[str, ...]:
    """In an order of their own, so that "Smith, John" is "John Smith"; without accents, signs and case."""
    plain = unicodedata.normalize("NFKD", (text or "").casefold())
    plain = "".join(char for char in plain if not unicodedata.combining(char)).replace("'", "")
    return tuple(sorted(re.findall(r"\w+", plain)))


def company_of(text: str | None) -> str:
    """The name without its legal form; "" where nothing is left."""
    left = " ".join(re.findall(r"\w+", _FORMS.sub(" ", (text or "").casefold().replace(".", ""))))
    return left or " ".join(words_of(text))


def keys_of(one: Someone) -> set[str]:
    """Whoever shares one of these is compared. A name alone is no key: there are too many John Smiths."""
    keys = {f"number {number}" for number in one.phones} | {f"box {mailbox(address)}" for address in one.emails}
    name = words_of(one.name)
    if name:
        houses = {*one.domains} | ({company_of(one.company)} if one.company else set())
        # a typing error leaves the initials as they were; where very many share them, the whole name finds its like
        for how in ("".join(sorted({name[0][0], name[-1][0]})), " ".join(name)):
            keys |= {f"house {house} {how}" for house in houses}
    return keys


def likeness(one: Someone, other: Someone) -> Likeness:
    reasons: list[Reason] = []
    if {mailbox(a) for a in one.emails} & {mailbox(a) for a in other.emails}:
        reasons.append("same_mailbox")
    if set(one.phones) & set(other.phones):
        reasons.append("same_number")
    reasons.append(_names(words_of(one.name), words_of(other.name)))
    if set(one.domains) & set(other.domains):
        reasons.append("same_mail_domain")
    elif one.company and other.company and company_of(one.company) == company_of(other.company):
        reasons.append("same_company")
    if one.postcode and other.postcode and _plain(one.postcode) == _plain(other.postcode):
        reasons.append("same_postcode")
    certain = "same_mailbox" in reasons and "other_name" not in reasons
    return Likeness(max(0, min(100, sum(POINTS[reason] for reason in reasons))), tuple(reasons), certain)


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()


def _names(one: tuple[str, ...], other: tuple[str, ...]) -> Reason:
    if not one or not other:
        return "no_name"
    if one == other:
        return "same_name"
    if _short_for(one, other) or _short_for(other, one):
        return "near_name"
    near = SequenceMatcher(None, " ".join(one), " ".join(other), autojunk=False).ratio() >= _NEAR
    return "near_name" if near else "other_name"


def _short_for(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """ "J. Smith" and "John Smith", "Ana Diaz" and "Ana Maria Diaz": each word is one of the other's, or begins one."""
    left = list(long)
    for word in sorted(short, key=len, reverse=True):
        found = next((w for w in left if w == word or (len(word) == 1 and w.startswith(word))), None)
        if found is None:
            return False
        left.remove(found)
    return len(short) > 1 and any(len(word) > 1 for word in short)


# ── of two open leads ────────────────────────────────────────────────────────────────────────────────────────────────

# whoever is spoken to is not told to begin again
_WITH_A_PERSON = frozenset({"connected", "booked", "qualified", "nurturing", "converted"})


@dataclass(frozen=True, slots=True)
class OpenLead:
    """`program`: nurture or customer; nobody waits for it. `answer_owed`: they wrote, and nobody has answered."""

    lead_id: str
    stage: str
    created_at: datetime
    program: str | None = None
    answer_owed: bool = False

    @property
    def in_talk(self) -> bool:
        return self.program is None and (self.answer_owed or self.stage in _WITH_A_PERSON)


class BothInTalk(ValueError):
    """Each of the two leads is with a person of ours: which one goes on is theirs to say."""


def to_close(leads: Iterable[OpenLead]) -> str | None:
    """Of a person's open leads the one that ends as a duplicate; None where there is one at most. Raises BothInTalk.

    A program gives way to an inquiry, nurture to a customer's program, and what is not yet with a person to what is;
    else the newer one ends.
    """

    def first(lead: OpenLead) -> tuple[bool, bool, bool, datetime, str]:
        return (lead.program is not None, lead.program == "nurture", not lead.in_talk, lead.created_at, lead.lead_id)

    ordered = sorted(leads, key=first)
    if len(ordered) < 2:
        return None
    if all(lead.in_talk for lead in ordered):
        raise BothInTalk
    return ordered[-1].lead_id
