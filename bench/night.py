"""Leads that live where it is night now: the packaged plan acknowledges, routes and places, and calls nobody yet."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from zoneinfo import ZoneInfo

# zone, country, and the number that the leads' numbers count up from; together there is a night at every hour
PLACES = (
    ("America/New_York", "US", 12_125_200_000),
    ("America/Los_Angeles", "US", 12_135_200_000),
    ("Asia/Tokyo", "JP", 81_332_100_000),
    ("Europe/Paris", "FR", 33_142_200_000),
)
# local hours in which no plan of ours calls, and will not before a run is over
NIGHT = frozenset({20, 21, 22, 23, 0, 1, 2, 3, 4})


class NightLeads:
    """Forms of different people; `place` says where they live."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or datetime.now(UTC)
        self.place, self._country, self._number = next(
            place for place in PLACES if self._now.astimezone(ZoneInfo(place[0])).hour in NIGHT
        )
        self._numbers: Iterator[int] = count(1)

    def form(self) -> dict[str, str]:
        n = next(self._numbers)
        return {
            "name": f"Person {n}",
            "email": f"person{n}@lead.example.com",
            "phone": f"+{self._number + n}",
            "company": "Engines Ltd",
            "message": "Can you show me the analytical engine?",
            "intent": "demo_request",
            "country": self._country,
            "tz": self.place,
            "consent_text": "You may call me about this.",
        }

    @property
    def note(self) -> str:
        local = self._now.astimezone(ZoneInfo(self.place))
        return (
            f"Leads are hot, follow the packaged plan and live in {self.place}, where it was {local:%H} o'clock: "
            "each is acknowledged, routed and placed for the morning; nobody is called meanwhile."
        )
