"""What a preview is made from: the plan, the calendar, the team as it is now, and how fields are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from speedlead.domain.plan import Plan
from speedlead.foresight import Endless, Foresight
from speedlead.intake import CHANNELS, FieldProblem, Rules
from speedlead.preview.request import NoMoment, read_prospect
from speedlead.preview.view import Preview, make
from speedlead.records import RepRecord


@dataclass(frozen=True)
class Desk:
    """`team_is`: whose shifts were taken, in words. `home`: the country in which a national number is looked for."""

    foresight: Foresight
    home: str
    team_is: str
    now: datetime

    @property
    def plan(self) -> Plan:
        return self.foresight.plan

    def preview(self, typed: Mapping[str, str]) -> Preview:
        """Raises PreviewRefused, NoMoment among them."""
        intents = tuple(intent for of_type in self.plan.intents.values() for intent in of_type)
        channels = CHANNELS.union(*(target.when.channel or () for target in self.plan.targets))
        rules = Rules(intents, self.home, channels=channels)
        prospect = read_prospect(typed, plan=self.plan, rules=rules, places=self.foresight.places, now=self.now)
        try:
            return make(self.foresight, prospect)
        except Endless as endless:
            wanted = "hours of the lead, of the law and of the team that leave a moment for every step"
            raise NoMoment([FieldProblem("type", str(endless), wanted)]) from None


def whose(reps: Sequence[RepRecord]) -> str:
    """For `team_is`."""
    names = [rep.name for rep in reps if not rep.manager]
    return f"those of {', '.join(names)}" if names else "none, because the database has no reps"
