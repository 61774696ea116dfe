"""The synthetic lead of the flow check (REQ 103): how it is known, and when an outage begins and ends. Pure."""

from dataclasses import dataclass
from typing import Literal

SOURCE = "flow_check"
# nobody can have an address there (RFC 2606), so nobody who could be a customer is ever taken for a check
DOMAIN = "flow-check.example"
Stage = Literal["form", "started", "acknowledged", "delivered", "ended"]
STAGES: tuple[Stage, ...] = ("form", "started", "acknowledged", "delivered", "ended")


@dataclass(frozen=True, slots=True)
class Result:
    """`stage`: the last one that was reached; `ms`: milliseconds since the form was posted, by stage."""

    stage: Stage | None
    ms: dict[Stage, int]
    error: str | None = None
    lead_id: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


def address(mark: str) -> str:
    """A person of its own for each check."""
    return f"check-{mark}@{DOMAIN}"


def is_address(email: str | None) -> bool:
    return email is not None and email.lower().endswith(f"@{DOMAIN}")


def is_disguise(source: str, email: str | None, phone: str | None) -> bool:
    """Calls itself a check and could be a person: checks are left out of every list, and this one must not be."""
    return source == SOURCE and (phone is not None or not is_address(email))


def news(before: bool | None, now: bool) -> Literal["failed", "recovered"] | None:
    """What operations have to hear: once for each outage, and once at its end. `before`: the last check, if any."""
    if now:
        return "recovered" if before is False else None
    return "failed" if before is not False else None
