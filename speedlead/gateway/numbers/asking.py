"""What a panel is worked out from, and what the filter offers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from speedlead.domain.business import Calendars
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.numbers.shelf import Shelf
from speedlead.numbers.changes import ChangeNumbers
from speedlead.numbers.filters import Filter
from speedlead.numbers.read import Numbers, teams_of
from speedlead.store import filter_choices
from speedlead.store.transactions import transact

N = TypeVar("N", bound=Numbers)
_LOOK_BACK = timedelta(days=90)


@dataclass(frozen=True)
class Asking:
    deps: GatewayDeps
    calendars: Calendars
    filters: Filter
    shelf: Shelf

    @property
    def numbers(self) -> ChangeNumbers:
        return self.of(ChangeNumbers)

    def of(self, kind: type[N]) -> N:
        """Figures that share what was counted with all others of the process."""
        return kind(self.deps.pool, teams_of(self.calendars), self.deps.clock, self.shelf.counted)

    @property
    def now(self) -> datetime:
        return self.deps.clock.wall()


async def choices(deps: GatewayDeps, shelf: Shelf) -> filter_choices.Choices:
    """Raises StoreUnavailable."""
    since = deps.clock.wall() - _LOOK_BACK

    async def read() -> filter_choices.Choices:
        return await transact(deps.pool, lambda conn: filter_choices.choices(conn, since))

    return (await shelf.ask(("choices",), read, quick=True)).value
