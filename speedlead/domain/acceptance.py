"""Taking a lead: who is asked, how long they have, and who was asked before (REQ 73, 74, 85, 88). Pure.

A lead is somebody's from the moment it is routed; accepting says that they have seen it. Who does not, within the
window of the lead's type, loses it to the next level: another rep, then a manager.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from speedlead.domain.plan import CEILING

# the owner, a backup, a manager
LEVELS = 3
MANAGER_LEVEL = 3


@dataclass(slots=True)
class Acceptance:
    """`asked`: one rep, or several of whom the first has it (claim mode). `since`: their window counts from here.

    `began`: when the first of all was asked. `over`: everybody who could be asked was; the owner keeps the lead.
    """

    asked: tuple[str, ...] = ()
    since: datetime | None = None
    began: datetime | None = None
    level: int = 0
    claim: bool = False
    accepted: bool = False
    over: bool = False
    declined: set[str] = field(default_factory=set)
    # their word was quicker than the news that they are asked
    early: set[str] = field(default_factory=set)

    def ask(self, reps: tuple[str, ...], at: datetime, *, level: int = 1, claim: bool = False) -> None:
        """Asks them; who has a lead already is not asked again."""
        if self.accepted or not reps:
            return
        self.asked, self.since, self.level, self.claim = reps, at, level, claim
        self.began = self.began or at
        self.declined |= self.early.intersection(reps)
        self.early.clear()

    def take(self) -> None:
        self.accepted, self.over = True, False
        self.asked = ()

    def decline(self, rep_id: str, *, early: bool = False) -> None:
        """`early`: also of somebody who is not asked yet."""
        if rep_id in self.asked:
            self.declined.add(rep_id)
        elif early:
            self.early.add(rep_id)

    def hotter(self, at: datetime) -> None:
        """They are asked still, and their time counts anew: nobody knew that it would be so short.

        The owner's from when the lead opens as the hotter one, which routing says.
        """
        if self.accepted or not self.asked:
            return
        if self.claim:
            self.since = at
        else:
            self.asked = ()

    def nobody(self) -> None:
        """Everybody was asked. What comes later, a key press or a click, still takes the lead."""
        self.asked, self.over = (), True

    def ends(self, window: timedelta | None) -> datetime | None:
        """When the next level is asked; at once where all who are asked have declined. None: nobody is waited for."""
        if self.accepted or not self.asked or self.since is None:
            return None
        if self.declined.issuperset(self.asked):
            return self.since
        return None if window is None else self.since + min(window, CEILING)

    @property
    def reason(self) -> str:
        """Why it goes on to the next."""
        return "declined" if self.declined.issuperset(self.asked) else "silent"
