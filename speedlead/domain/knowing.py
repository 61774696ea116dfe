"""What is known of a lead before it gets an owner: facts, each with its source and how sure it is (REQ 104). Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Value = str | int | bool
Source = Literal["own_table", "history", "mail_lists", "places", "phone", "http"]
Kind = Literal["free_mail", "disposable", "company"]

# name -> its type; what is not here is no fact, whatever a source says
NAMES: Mapping[str, type[Value]] = {
    "mail_domain": str,
    "free_mail": bool,
    "disposable_mail": bool,
    "company": str,
    "employees": int,
    "industry": str,
    "tier": str,
    "named_account": bool,
    "note": str,
    "country": str,
    "region": str,
    "phone_country": str,
    "leads_before": int,
    "qualified_before": int,
    "bought_before": int,
    "bad_before": int,
    "leads_of_company": int,
    "bought_by_company": int,
}
# what the outside source may say; everything else is ours to know
OUTSIDE = ("company", "employees", "industry", "country")
# equally sure ones: ours before others'
_ORDER: Sequence[Source] = ("own_table", "history", "mail_lists", "places", "phone", "http")
MAX_TEXT = 200

# a company changes slowly, and one that nobody knows today may be known in a week; a fault is asked about again soon
KEPT_FOR = timedelta(days=30)
UNKNOWN_FOR = timedelta(days=7)
FAULT_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Fact:
    """`confidence`: 0 to 1. Raises ValueError for what is no fact."""

    name: str
    value: Value
    source: Source
    confidence: float

    def __post_init__(self) -> None:
        if type(self.value) is not NAMES.get(self.name) or not 0 <= self.confidence <= 1:
            raise ValueError(f"{self.name}: not a fact")


@dataclass(frozen=True, slots=True)
class Company:
    """A row of our own table."""

    domain: str
    name: str | None = None
    employees: int | None = None
    industry: str | None = None
    tier: str | None = None
    named: bool = False
    owner_id: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """Earlier leads of the person, and leads of others with the same company's mail. `bad`: reps said so."""

    leads: int = 0
    qualified: int = 0
    bought: int = 0
    bad: int = 0
    of_company: int = 0
    company_bought: int = 0


def best(facts: Iterable[Fact]) -> dict[str, Value]:
    """One value for each name: the surest."""
    found: dict[str, Value] = {}
    for fact in sorted(facts, key=lambda fact: (-fact.confidence, _ORDER.index(fact.source))):
        found.setdefault(fact.name, fact.value)
    return found


def of_mail(domain: str | None, kind: Kind | None) -> list[Fact]:
    if domain is None or kind is None:
        return []
    # a list is never whole: that a domain is on none says less than that it is on one
    sure = 0.8 if kind == "company" else 0.99
    return [
        Fact("mail_domain", domain, "mail_lists", 1.0),
        Fact("free_mail", kind == "free_mail", "mail_lists", sure),
        Fact("disposable_mail", kind == "disposable", "mail_lists", sure),
    ]


def of_company(company: Company | None) -> list[Fact]:
    if company is None:
        return []
    values: dict[str, Value | None] = {
        "company": company.name, "employees": company.employees, "industry": company.industry, "tier": company.tier,
        "note": company.note, "named_account": company.named,
    }  # fmt: skip
    return [Fact(name, value, "own_table", 0.95) for name, value in values.items() if value is not None]


def of_history(history: History, *, company: bool) -> list[Fact]:
    """`company`: the mail is a company's, so that others' leads say something about this one."""
    values = {
        "leads_before": history.leads, "qualified_before": history.qualified, "bought_before": history.bought,
        "bad_before": history.bad,
    }  # fmt: skip
    if company:
        values |= {"leads_of_company": history.of_company, "bought_by_company": history.company_bought}
    return [Fact(name, count, "history", 1.0) for name, count in values.items()]


def of_place(jurisdictions: Sequence[str], *, presumed: Sequence[str], phone_country: str | None) -> list[Fact]:
    """A place that is the only one which the inquiry allows is surer than one of several."""
    countries = [name for name in jurisdictions if "-" not in name]
    regions = [name for name in jurisdictions if "-" in name and name not in presumed]
    facts = []
    if countries:
        facts.append(Fact("country", countries[0], "places", 0.9 if len(countries) == 1 else 0.5))
    if len(regions) == 1:
        facts.append(Fact("region", regions[0], "places", 0.9 if regions == [*jurisdictions][1:] else 0.6))
    if phone_country is not None:
        facts.append(Fact("phone_country", phone_country, "phone", 0.95))
    return facts


def of_outside(answer: Mapping[str, object] | None) -> list[Fact]:
    """What a stranger's program says is read as nothing more than it may be: a short text, or a number of people."""
    facts = []
    for name in OUTSIDE:
        value = _plain(name, (answer or {}).get(name))
        if value is not None:
            facts.append(Fact(name, value, "http", 0.7))
    return facts


def _plain(name: str, value: object) -> Value | None:
    if NAMES[name] is int:
        whole = isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value < 10_000_000
        return int(value) if whole else None  # type: ignore[call-overload]
    if not isinstance(value, str):
        return None
    text = " ".join("".join(c if c.isprintable() else " " for c in value[: 4 * MAX_TEXT]).split())[:MAX_TEXT].rstrip()
    if name == "country":
        return text.upper() if len(text) == 2 and text.isascii() and text.isalpha() else None
    return text or None
