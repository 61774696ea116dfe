"""What the audit of a week calls a finding, and what is to be done about it (REQ 59, 84, 102). Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from speedlead.domain.routing_rules import RoutingRules
from speedlead.domain.scoring import GIVEN_UP_FOR
from speedlead.domain.sla import LeadFacts, matches

Kind = Literal["unmatched", "unused", "loop", "by_hand", "review"]
# a lead may go on twice: to who is there, and to who knows it
MOST_HAND_OVERS = 2
# of what a decision gave up, this says nothing about rules: nobody of those who fit was at work
NOT_ABOUT_RULES = frozenset(GIVEN_UP_FOR["shift"])

TITLES: Mapping[Kind, str] = {
    "unmatched": "Leads that no rule, territory or product fits",
    "unused": "Rules, territories and products that no lead used",
    "loop": "Leads that were handed round",
    "by_hand": "Leads that people handed over",
    "review": "Texts and scripts whose review is overdue",
}
ADVICE: Mapping[Kind, str] = {
    "unmatched": "Give somebody what is lacking on the page People, or take it out of the form.",
    "unused": "Take it out, or find out why such leads do not come any more.",
    "loop": "Read the lead's story; who gave it back is to say what was wrong with the first choice.",
    "by_hand": "If the same thing is done by hand again and again, make it a rule of the routing file.",
    "review": "Read it, mend it, and set a new review date; a changed text needs a higher version.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject`: what it is about where that is no lead. `minutes`: what it has cost."""

    kind: Kind
    detail: str
    lead_id: str | None = None
    subject: str | None = None
    minutes: float | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """A lead as the rules see it. `skills`: what it asked for, product and language."""

    facts: LeadFacts
    postcode: str | None
    product: str | None
    language: str | None


def loop_of(owners: Sequence[str]) -> str | None:
    """Why these owners, one after the other, are a loop; None when they are none."""
    order = [owner for at, owner in enumerate(owners) if at == 0 or owners[at - 1] != owner]
    back = len(set(order)) < len(order)
    if back:
        return f"handed over {len(order) - 1} times, and back to somebody who had it before"
    return f"handed over {len(order) - 1} times" if len(order) - 1 > MOST_HAND_OVERS else None


def lacking(gave_up: Iterable[str]) -> tuple[str, ...]:
    return tuple(code for code in gave_up if code not in NOT_ABOUT_RULES)


def unused_rules(rules: RoutingRules, leads: Collection[Came], peaks: Collection[str], days: int) -> list[Finding]:
    """Rules of the routing file that no lead of these met; `peaks`: those by which somebody was chosen."""
    found = [
        Finding("unused", f"no such lead came in {days} days", subject=f"routing file, low_quality rule {number}")
        for number, when in enumerate(rules.low_quality, 1)
        if not any(matches(when, came.facts) for came in leads)
    ]
    found += [
        Finding("unused", f"nobody was chosen in these hours in {days} days", subject=f"routing file, peak {peak.id}")
        for peak in rules.peaks
        if peak.id not in peaks
    ]
    if rules.claim is not None and not any(rules.claimants(came.facts) for came in leads):
        found.append(Finding("unused", f"no such lead came in {days} days", subject="routing file, claim"))
    return found


def unused_skills(skills: Mapping[str, Collection[str]], leads: Collection[Came], days: int) -> list[Finding]:
    """`skills`: 'territory', 'product' or 'language' -> what our people are given."""

    def used(kind: str, name: str) -> bool:
        if kind == "territory":
            return any(covers(name, came) for came in leads)
        if kind == "product":
            return any(came.product == name for came in leads)
        return any((came.language or "").lower().split("-")[0] == name.lower() for came in leads)

    return [
        Finding("unused", f"no lead asked for it in {days} days", subject=f"{kind} {name}")
        for kind, names in skills.items()
        for name in sorted(names)
        if not used(kind, name)
    ]


def covers(territory: str, came: Came) -> bool:
    """`US`, `US-NY`, `US:100` (postcodes that begin with 100), as routing reads them."""
    place, _, prefix = territory.partition(":")
    postcode = (came.postcode or "").replace(" ", "").replace("-", "").upper()
    return place in came.facts.regions and postcode.startswith(prefix.replace(" ", "").replace("-", "").upper())


def overdue(name: str, owner: str, review_by: date, today: date) -> Finding | None:
    if review_by >= today:
        return None
    days = (today - review_by).days
    return Finding("review", f"to be read again by {review_by}, {days} days ago; kept by {owner}", subject=name)


def minutes_between(start: datetime, end: datetime) -> float:
    return round(max(0.0, (end - start).total_seconds() / 60), 1)
