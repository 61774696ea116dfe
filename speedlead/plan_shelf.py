"""The published plans, in memory: which one new leads start on, and the one that each running lead follows. Beside them
the experiments under way, by which some new leads start on another one.

Whoever decides for a lead asks here and waits for nobody; `speedlead/plans_in_use.py` keeps it up to date.
"""

from collections.abc import Sequence
from typing import Protocol

from speedlead.domain.experiment import Running
from speedlead.domain.plan import Plan


class Follows(Protocol):
    @property
    def plan_id(self) -> str: ...
    @property
    def plan_version(self) -> int: ...


class PlanShelf:
    def __init__(self, plan: Plan) -> None:
        self._in_use = plan
        self._known = {(plan.id, plan.version): plan}
        self.running: Sequence[Running] = ()

    @property
    def in_use(self) -> Plan:
        return self._in_use

    @property
    def known(self) -> frozenset[tuple[str, int]]:
        return frozenset(self._known)

    def put(self, plan: Plan) -> None:
        self._known[plan.id, plan.version] = plan

    def use(self, plan_id: str, version: int) -> bool:
        """New leads start on it from now on; False when it was so already. Raises KeyError for one that is not here."""
        before, self._in_use = self._in_use, self._known[plan_id, version]
        return (before.id, before.version) != (plan_id, version)

    def plan(self, plan_id: str, version: int) -> Plan | None:
        return self._known.get((plan_id, version))

    def of(self, lead: Follows) -> Plan:
        """The lead's own; one that nobody has read yet is the one in use, for the seconds that takes."""
        return self._known.get((lead.plan_id, lead.plan_version), self._in_use)


Source = Plan | PlanShelf
"""One plan for everything, as in a test, or what is published."""


def in_use(source: Source) -> Plan:
    return source.in_use if isinstance(source, PlanShelf) else source


def running(source: Source) -> Sequence[Running]:
    return source.running if isinstance(source, PlanShelf) else ()


def plan_of(source: Source, lead: Follows) -> Plan:
    return source.of(lead) if isinstance(source, PlanShelf) else source
