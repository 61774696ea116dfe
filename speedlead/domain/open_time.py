"""Open time of a lead: when a person of ours may contact it. Targets count in it, from the lead's opening.

A target that does not fit before closing goes on at the next opening, so a deadline never lies in closed time, cover
never makes it later, and a closure never makes it earlier.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from speedlead.domain.calendar import add_local_days, offset_at, to_second
from speedlead.domain.placing import Impossible, Placed

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# a calendar that is open for a second a day must not be walked for ever
_MOST_WINDOWS = 200


@dataclass(frozen=True, slots=True)
class OpenTime:
    """`first`: the window of the opening. `at_or_after`: the next open instant. `zones`: where its day is counted."""

    first: Placed
    at_or_after: Callable[[datetime], Placed | Impossible]
    zones: tuple[str, ...]

    def after(self, span: timedelta) -> datetime:
        """The instant at which so much open time has passed since the opening. An end of a window counts as in it."""
        window, left = self.first, span
        for _ in range(_MOST_WINDOWS):
            closes = window.valid_until
            if closes is None or window.at + left <= closes:
                return window.at + left
            left -= closes - window.at
            following = self.at_or_after(closes)
            if isinstance(following, Impossible):
                return closes
            window = following
        return window.at

    def end_of_day(self) -> datetime:
        """The last instant of the opening's day that is open; midnight where it stays open.

        The day is the lead's, or the team's where the lead's zone is unknown; without either it is 24 hours.
        """
        opened = self.first.at
        night = add_local_days(opened, 1, self.zones) if self.zones else opened + timedelta(days=1)
        window = self.first
        for _ in range(_MOST_WINDOWS):
            closes = window.valid_until
            if closes is None or closes >= night:
                return night
            following = self.at_or_after(closes)
            if isinstance(following, Impossible) or following.at >= night:
                return closes
            window = following
        return window.at


def moment_names(at: datetime, zone: str, *, business: bool) -> frozenset[str]:
    """What targets call this moment, on the clock of `zone`: 'tue', 'weekday', 'business_hours'."""
    second = to_second(at)
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second + offset_at(zone, second))).weekday()
    return frozenset(
        {_DAYS[local], "weekend" if local >= 5 else "weekday", "business_hours" if business else "off_hours"}
    )
