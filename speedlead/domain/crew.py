"""The shifts of one of our people: the usual ones, cut by the team's calendar, and the on-call cover beside them."""

from collections.abc import Sequence

from speedlead.domain.business import Calendars
from speedlead.domain.hours import Weekly
from speedlead.domain.opening import Shift
from speedlead.domain.roster import Roster


def shifts_of(
    calendars: Calendars, *, email: str, zone: str, weekly: Weekly, rosters: Sequence[Roster] = ()
) -> tuple[Shift, ...]:
    """The first is the usual one; the others are cover, which closures of the team do not touch.

    `rosters`: of the covers in which people take turns; without them nobody is on call there.
    """
    own = calendars.team_of(email)
    usual = Shift(zone, weekly) if own is None else Shift(zone, weekly, also=(own.rule,), name=own.id)
    cover = []
    for calendar in calendars.teams:
        for window in calendar.on_call:
            if email.lower() in window.reps:
                rule = calendar.cover_rule(window)
                cover.append(Shift(rule.zone, window.hours, covers=window.when, name=window.id))
            elif not window.reps and window.rotation is None and calendar is own:
                also = (calendar.cover_rule(window),)
                cover.append(Shift(zone, weekly, also=also, covers=window.when, name=window.id))
    turns = [shift for roster in rosters for shift in roster.shifts(email.lower())]
    return (usual, *cover, *turns)
