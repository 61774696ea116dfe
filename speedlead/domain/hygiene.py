"""What a look at the whole base finds for people to put right, and what is put right by itself (REQ 105-108). Pure.

A finding is about a person, an open lead or a company. Its `state` is what it was found by: whoever sets it aside does
not see it again until that changes. What is put right by itself is how something is written, never what it says.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from speedlead.domain.knowing import Kind as MailKind

Kind = Literal["unreachable", "mail_bad", "mail_throw_away", "mail_typo", "phone_bad", "phone_silent", "missing",
               "no_outcome", "no_owner", "owner_gone", "no_domain"]  # fmt: skip
What = Literal["name", "company", "email", "phone"]
Field = Literal["name", "company", "email", "phone", "place"]
FIELDS: tuple[Field, ...] = ("name", "company", "email", "phone", "place")

# the order of the page: what costs a lead first
TITLES: Mapping[Kind, str] = {
    "owner_gone": "Open leads whose owner has left",
    "no_owner": "Open leads without an owner",
    "no_outcome": "Open leads that nobody has decided",
    "unreachable": "People whom nothing reaches",
    "mail_bad": "Mail addresses that do not work",
    "phone_bad": "Numbers that do not work",
    "phone_silent": "Numbers that never connect",
    "mail_typo": "Mail addresses that look mistyped",
    "mail_throw_away": "Throw-away mail addresses",
    "missing": "Open leads that lack something critical",
    "no_domain": "Companies without a domain",
}
ADVICE: Mapping[Kind, str] = {
    "owner_gone": "Hand over all that they have left, by the link; or open one and choose an owner.",
    "no_owner": "Open it and choose an owner; if it happens often, the routing file or the hours leave a gap.",
    "no_outcome": "Ask the owner for an outcome, or log it; nothing is planned for it any more.",
    "unreachable": "Look for another address or number, correct it on the lead's page, else close the lead.",
    "mail_bad": "Ask for the right address in the next call, and correct it on the lead's page.",
    "phone_bad": "Ask for the right number by mail, and correct it on the lead's page.",
    "phone_silent": "Ask by mail for another number or a better time; a number of nobody costs every round of calls.",
    "mail_typo": "Check the address with the lead, and correct it on the lead's page.",
    "mail_throw_away": "Ask for an address that stays; until then reach the lead by phone.",
    "missing": "Find it out, and correct it on the lead's page.",
    "no_domain": "Find its domain and add it to the table of companies, or ask one of them for a work address.",
}
# why somebody sets a finding aside: codes, so that nobody's name is typed
ASIDE: Mapping[str, str] = {
    "right_as_it_is": "It is right as it is",
    "being_handled": "Somebody is at it",
    "cannot_be_found_out": "It cannot be found out",
    "not_worth_it": "It is not worth the work",
}

# all calls of the packaged plan's warm track, over several days (hot has seven): nobody has this phone in hand
SILENT_CALLS, SILENT_DAYS = 5, 3
# an owner is chosen within minutes; a night and a Sunday may lie between
WITHOUT_OWNER = timedelta(days=3)
# a week in which nobody did anything and nothing is planned
UNDECIDED = timedelta(days=7)
# an address that was put right is no longer used, which is what somebody wanted
_REPLACED = "corrected"
# large services with a name long enough that one wrong letter rarely is a name of its own
_OFTEN_MISTYPED = ("gmail.com", "googlemail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com",
                   "t-online.de", "freenet.de", "comcast.net")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """`key`: what it is about, the same in each round. `detail`: what a person needs to see, by name."""

    kind: Kind
    key: str
    state: str
    person_id: str | None = None
    lead_id: str | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repair:
    """Written otherwise, saying the same."""

    person_id: str
    what: What
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Mail:
    """`normal`: as the intake would write it; None: it is no address. `kind`: of its domain, None where it has none."""

    address: str
    bad: str | None
    normal: str | None
    kind: MailKind | None

    @property
    def works(self) -> bool:
        return self.bad is None and self.normal is not None


@dataclass(frozen=True, slots=True)
class Phone:
    """`calls` of ours to it on so many `days`; `connected`: somebody once picked up there."""

    number: str
    bad: str | None
    normal: str | None
    calls: int = 0
    days: int = 0
    connected: bool = False

    @property
    def works(self) -> bool:
        return self.bad is None and self.normal is not None


@dataclass(frozen=True, slots=True)
class Person:
    """`lead_id`: the newest of their leads, `is_open`: it still is. `place`: where it is, is known.

    `tidy_name`, `tidy_company`: as the intake would write them. `barred`: what they do not want: email, sms, call, all.
    """

    person_id: str
    name: str | None
    company: str | None
    tidy_name: str | None
    tidy_company: str | None
    mails: tuple[Mail, ...]
    phones: tuple[Phone, ...]
    lead_id: str | None
    is_open: bool
    place: bool
    barred: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Stuck:
    """An open lead as people left it. `last_at`: when anybody did anything for it, or it for us; business time."""

    lead_id: str
    person_id: str
    now: datetime
    has_owner: bool
    owner_active: bool
    opened_at: datetime
    last_at: datetime
    waits_until: datetime | None
    paused_until: datetime | None
    decided: bool
    in_program: bool


def findings_of(person: Person, critical: Collection[str]) -> list[Finding]:
    """What somebody should put right about a person. `critical`: fields that an open lead has to have.

    Nobody is asked to find a way to somebody who does not want to be reached by it.
    """
    if "all" in person.barred or {"email", "sms", "call"} <= set(person.barred):
        return []
    found = [one for one in _reaching(person) if not _unwanted(one.kind, person.barred)]
    if person.is_open and (lacks := lacking(person, critical)):
        found.append(_about(person, "missing", person.person_id, " ".join(lacks), {"lacks": lacks}))
    return found


def _unwanted(kind: Kind, barred: Collection[str]) -> bool:
    if kind.startswith("mail_"):
        return "email" in barred
    return "call" in barred if kind == "phone_silent" else kind == "phone_bad" and {"sms", "call"} <= set(barred)


def lacking(person: Person, critical: Collection[str]) -> list[str]:
    known: Mapping[str, bool] = {
        "name": bool(person.name), "company": bool(person.company), "place": person.place,
        "email": bool(person.mails), "phone": bool(person.phones),
    }  # fmt: skip
    return [name for name in FIELDS if name in critical and not known[name]]


def _reaching(person: Person) -> Iterator[Finding]:
    """One address that fails matters only where no other of its kind works."""
    mails = [mail for mail in person.mails if mail.works]
    phones = [phone for phone in person.phones if phone.works]
    bad_mails = [mail for mail in person.mails if not mail.works and mail.bad != _REPLACED]
    bad_phones = [phone for phone in person.phones if not phone.works and phone.bad != _REPLACED]
    if (bad_mails or bad_phones) and not mails and not phones:
        ways = [{"way": mail.address, "why": mail.bad or "not_an_address"} for mail in bad_mails]
        ways += [{"way": phone.number, "why": phone.bad or "not_a_number"} for phone in bad_phones]
        state = " ".join(sorted(f"{way['way']} {way['why']}" for way in ways))
        yield _about(person, "unreachable", person.person_id, state, {"ways": ways})
        return
    for mail in bad_mails if not mails else ():
        why = mail.bad or "not_an_address"
        yield _about(person, "mail_bad", f"{person.person_id} {mail.address}", why, {"way": mail.address, "why": why})
    for phone in bad_phones if not phones else ():
        why = phone.bad or "not_a_number"
        yield _about(person, "phone_bad", f"{person.person_id} {phone.number}", why, {"way": phone.number, "why": why})
    yield from _doubtful_mails(person, mails)
    for phone in phones:
        if phone.calls >= SILENT_CALLS and phone.days >= SILENT_DAYS and not phone.connected:
            detail = {"way": phone.number, "calls": phone.calls, "days": phone.days}
            # more calls to the same silence are nothing new
            yield _about(person, "phone_silent", f"{person.person_id} {phone.normal}", "silent", detail)


def _doubtful_mails(person: Person, working: Sequence[Mail]) -> Iterator[Finding]:
    throw_away = bool(working) and all(mail.kind == "disposable" for mail in working)
    for mail in working:
        # as it is going to be written, so that it stays the same finding
        address = mail.normal or mail.address
        name, _, domain = address.rpartition("@")
        key = f"{person.person_id} {address}"
        # slips of large services stand on the lists of throw-away domains too: somebody collects what arrives there
        if mail.kind != "free_mail" and (meant := meant_domain(domain)) is not None:
            yield _about(person, "mail_typo", key, meant, {"way": address, "meant": f"{name}@{meant}"})
        elif throw_away:
            yield _about(person, "mail_throw_away", key, "throw_away", {"way": address})


def _about(person: Person, kind: Kind, key: str, state: str, detail: Mapping[str, object]) -> Finding:
    return Finding(kind, key, state, person.person_id, person.lead_id, detail)


def repairs_of(person: Person) -> list[Repair]:
    """Where the intake would write the same otherwise; what it would not take is a finding, and is left alone."""
    pairs: list[tuple[What, str | None, str | None]] = [
        ("name", person.name, person.tidy_name),
        ("company", person.company, person.tidy_company),
        *(("email", mail.address, mail.normal) for mail in person.mails),
        *(("phone", phone.number, phone.normal) for phone in person.phones),
    ]
    return [Repair(person.person_id, what, old, new) for what, old, new in pairs if old and new and old != new]


def stuck_of(lead: Stuck) -> Kind | None:
    """Of several reasons the one that has to be mended first."""
    if lead.has_owner and not lead.owner_active:
        return "owner_gone"
    if lead.in_program:
        return None  # a slow plan is on, and owes nobody a word
    if not lead.has_owner:
        return "no_owner" if lead.opened_at <= lead.now - WITHOUT_OWNER else None
    waits = any(at is not None and at > lead.now for at in (lead.waits_until, lead.paused_until))
    if lead.decided or waits or lead.last_at > lead.now - UNDECIDED:
        return None
    return "no_outcome"


def stuck_finding(lead: Stuck) -> Finding | None:
    kind = stuck_of(lead)
    if kind is None:
        return None
    since = lead.opened_at if kind == "no_owner" else lead.last_at
    # whatever is done for it makes it new
    return Finding(kind, lead.lead_id, since.isoformat(), lead.person_id, lead.lead_id,
                   {"since": since.isoformat()})  # fmt: skip


def meant_domain(domain: str) -> str | None:
    """`gmial.com` -> `gmail.com`: one letter too many, too few, another, or two that changed places."""
    return next((name for name in _OFTEN_MISTYPED if domain != name and _one_slip(domain, name)), None)


def _one_slip(typed: str, meant: str) -> bool:
    if abs(len(typed) - len(meant)) > 1:
        return False
    at = next((n for n, (a, b) in enumerate(zip(typed, meant, strict=False)) if a != b), min(len(typed), len(meant)))
    one, other = typed[at:], meant[at:]
    swapped = len(one) > 1 and one[1::-1] == other[:2] and one[2:] == other[2:]
    return swapped or one[1:] == other[1:] or one[1:] == other or one == other[1:]
