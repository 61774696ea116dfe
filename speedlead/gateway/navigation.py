"""The links on top of every page: what the role may open, grouped where it would not fit in a line."""

from collections.abc import Sequence
from dataclasses import dataclass

from speedlead.gateway.access.table import May
from speedlead.gateway.access.who import Who

# path, what it is called, what it takes
Row = tuple[str, str, May]

# group -> its pages; the unnamed group is what people work in all day, and is never folded
NAV: dict[str, tuple[Row, ...]] = {
    "": (
        ("/rep", "My leads", May.WORK_QUEUE),
        ("/ops/leads", "All leads", May.READ_ALL),
    ),
    "Figures": (
        ("/ops", "Numbers", May.READ_NUMBERS),
        ("/review", "Weekly review", May.READ_REVIEW),
        ("/quality", "Quality", May.SEE_QUALITY),
        ("/roi", "Return", May.READ_MONEY),
        ("/scenarios", "Scenarios", May.READ_MONEY),
        ("/whatif", "What if", May.ASK_WHAT_IF),
    ),
    "Team": (
        ("/oncall", "On call", May.WORK_QUEUE),
        ("/people", "People", May.MANAGE_PEOPLE),
        ("/capacity", "Capacity", May.MOVE_CAPACITY),
    ),
    "Plan": (
        ("/plans", "Plans", May.READ_PLAN),
        ("/plans/preview", "Preview", May.READ_PLAN),
        ("/experiments", "Experiments", May.READ_EXPERIMENTS),
        ("/scores", "Scores", May.READ_EXPERIMENTS),
    ),
    "Data": (
        ("/form", "Form", May.OWN_ACCOUNT),
        ("/hygiene", "Hygiene", May.STEER_LEADS),
        ("/hooks", "Webhooks", May.MANAGE_HOOKS),
        ("/mappings", "Mappings", May.MANAGE_HOOKS),
        ("/duplicates", "Duplicates", May.MERGE_PEOPLE),
    ),
    "House": (
        ("/start", "First steps", May.RUN_HOUSE),
        ("/accounts", "Accounts", May.MANAGE_ACCOUNTS),
        ("/audit", "Audit", May.READ_AUDIT),
        ("/audit-report", "Audit report", May.RUN_HOUSE),
    ),
}
# that many stand in one line of a small laptop; folding them would only hide them
PLAIN = 7


@dataclass(frozen=True, slots=True)
class Link:
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """Links that open under a word."""

    text: str
    links: tuple[Link, ...]

    def holds(self, path: str) -> bool:
        return any(link.path == path for link in self.links)


def navigation(who: Who) -> Sequence[Link | Group]:
    """What this person may open, in order. A group of one is a plain link, and few links are all plain."""
    groups = {name: tuple(Link(path, text) for path, text, may in rows if who.may(may)) for name, rows in NAV.items()}
    plain = sum(len(links) for links in groups.values()) <= PLAIN
    shown: list[Link | Group] = []
    for name, links in groups.items():
        if plain or not name or len(links) == 1:
            shown += links
        elif links:
            shown.append(Group(name, links))
    return shown
