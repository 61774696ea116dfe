"""The clock of production. Tests and the demo move business time by the lead's offset, never this clock."""

from datetime import UTC, datetime, timedelta


class SystemClock:
    def wall(self) -> datetime:
        return datetime.now(UTC)

    def business(self, offset_us: int) -> datetime:
        return self.wall() + timedelta(microseconds=offset_us)
