"""When a source that fails is left alone for a while. Instants are given, in seconds of any clock that only goes on."""

from dataclasses import dataclass

FAILURES, REST_S = 5, 60.0


@dataclass(slots=True)
class Breaker:
    """After `failures` in a row nobody asks for `rest_s`; then one asks, and the others wait for what it finds."""

    failures: int = FAILURES
    rest_s: float = REST_S
    in_a_row: int = 0
    rests_until: float = 0.0

    def may(self, now: float) -> bool:
        """Asked right before a request; while it rests, one each `rest_s` is let through to see."""
        if self.in_a_row < self.failures:
            return True
        if now < self.rests_until:
            return False
        self.rests_until = now + self.rest_s
        return True

    def worked(self) -> None:
        self.in_a_row = 0

    def failed(self, now: float) -> None:
        self.in_a_row += 1
        if self.in_a_row >= self.failures:
            self.rests_until = now + self.rest_s
