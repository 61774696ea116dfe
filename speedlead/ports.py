"""What activities need from the outside, as Protocols; adapters live in providers/ and store/.

A sender does one request per call and never retries by itself: retrying is decided by the class of the error.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

from speedlead.domain.recovery import Then


class SendErrorKind(StrEnum):
    """What a refusal means for the touch. Doubt is never retried; it is reconciled."""

    RETRY_SAFE = "retry_safe"  # certainly not processed: 429, connection refused before the request
    RETRY_LATER = "retry_later"  # certainly final for now, a later attempt may work
    IN_DOUBT = "in_doubt"  # 5xx, timeout, dropped: it may have been sent
    BAD_ADDRESS = "bad_address"
    OPTED_OUT = "opted_out"
    CONFIG = "config"  # credentials, sender number, permissions: a person of ours must act
    CONTENT = "content"  # refused for what it says
    STALE = "stale"  # its time ran out before it was delivered


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one refusal means, from the table of errors (providers/errors.yaml).

    `then`: what follows. `scope`: what a bad address is bad for; `number` is for calls as well. `after_s`: not again
    sooner, in seconds; `times`: how often again at most. `tell`: operations have to know.
    """

    kind: SendErrorKind
    then: Then
    why: str
    scope: Literal["number", "sms", "email"] | None = None
    after_s: float | None = None
    times: int = 1
    tell: bool = False


class SendError(Exception):
    """A provider did not accept a request. `evidence` is 'HTTP 400, code 21211', never a body or an address.

    `whole_number`: it is about this one number: bad for calls as well as for texts, or (CONFIG) closed to the account.
    """

    def __init__(
        self, kind: SendErrorKind, evidence: str, retry_after_s: float | None = None, *, whole_number: bool = False
    ) -> None:
        super().__init__(f"{kind.value}: {evidence}")
        self.kind = kind
        self.evidence = evidence
        self.retry_after_s = retry_after_s
        self.whole_number = whole_number


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the request; `provider_id` is its own id (message SID, call SID, X-Message-Id).

    `queued_ms`: how long it holds a call back before it dials; 0 where it does not say.
    """

    provider_id: str
    queued_ms: int = 0


@dataclass(frozen=True, slots=True)
class Invitation:
    """A calendar entry (iCalendar) that mail programs act on. `method`: REQUEST or CANCEL (RFC 5546)."""

    method: str
    text: str


@dataclass(frozen=True, slots=True)
class Mail:
    touch_id: str
    to_address: str
    to_name: str | None
    subject: str
    text: str
    html: str
    reply_token: str
    category: str  # 'acknowledgement' or 'cadence' or 'notice'
    list_unsubscribe_url: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    # the Message-ID of the mail that this one answers
    in_reply_to: str | None = None
    # the person of ours who writes; None: the company itself
    from_name: str | None = None
    invitation: Invitation | None = None


class Mailer(Protocol):
    async def send(self, mail: Mail) -> Accepted:
        """Raises SendError."""
        ...


class Texter(Protocol):
    async def send(self, *, touch_id: str, to: str, body: str, validity_s: int) -> Accepted:
        """`to` is E.164. Raises SendError."""
        ...

    async def find(self, *, to: str, body: str, since: datetime) -> list[str]:
        """Ids of messages to `to` with exactly this body, created at or after `since` (wall time): reconciliation."""
        ...


class Dialer(Protocol):
    async def ring_rep(self, *, leg_id: str, to: str, ring_s: int) -> Accepted:
        """Rings a rep; what the call does next is asked of our voice webhooks. Raises SendError."""
        ...

    async def find(self, *, to: str, since: datetime) -> list[str]:
        """Ids of calls to `to` started at or after `since` (wall time): reconciliation."""
        ...

    async def is_over(self, call_id: str) -> bool:
        """Whether this call has ended, however: for the report of it that did not come."""
        ...

    async def hang_up(self, call_id: str) -> None: ...


class Clock(Protocol):
    """Two clocks (docs/adr): business time of a lead, and wall time for leases, HTTP and signatures."""

    def wall(self) -> datetime: ...

    def business(self, offset_us: int) -> datetime:
        """Wall time moved by the lead's clock offset, in microseconds; zero in production."""
        ...
