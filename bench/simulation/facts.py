"""What the simulation knows: who a lead really is, what the lead said, and what became of it.

Plain values of its own: the judge (`checker`) must not depend on a type of the product.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Home:
    """Where somebody lives. `country` ISO 3166 alpha-2; `region` a US state, a province, or None; an IANA zone."""

    country: str
    region: str | None
    zone: str


@dataclass(frozen=True, slots=True)
class Named:
    """A place that something the lead said points to; law has to hold there, true or not.

    `by`: tz, address or phone. A zone or an address says where somebody is; a number only where it was given out.
    """

    home: Home
    by: str


@dataclass(frozen=True, slots=True)
class Said:
    """The form, as the product sees it. None: left empty."""

    tz: str | None = None
    country: str | None = None
    region: str | None = None
    postcode: str | None = None
    phone: str | None = None
    email: str | None = None
    consent_sms: bool = False
    consent_call: bool = False
    consent_text: bool = False
    consent_marketing: bool = False


@dataclass(frozen=True, slots=True)
class Lead:
    """`kind`: which evidence was given. `home` is the truth; `named` all that was said about it, in words of places.

    `settled`: what was said leaves one zone, the lead's own, so that its business hours have to be kept.
    """

    number: int
    kind: str
    lead_type: str
    submitted: datetime
    home: Home
    said: Said
    named: tuple[Named, ...]
    settled: bool


@dataclass(frozen=True, slots=True)
class Touch:
    """What went out. `purpose`: acknowledgement or plan. `reasons`: why it was moved, in the product's words."""

    step: str
    channel: str
    at: datetime
    purpose: str = "plan"
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passed:
    """A step that did not go out."""

    step: str
    channel: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """All of one lead. `end`: why it ended, `end_at`: when; `handed_over`: a person of ours has it instead.

    `promised`: the moment of human contact that the acknowledgement names, by `promised_channel`.
    """

    touches: tuple[Touch, ...]
    passed: tuple[Passed, ...]
    end: str | None
    end_at: datetime | None
    handed_over: bool
    promised: datetime | None = None
    promised_channel: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `kind` is what findings are counted by; `told_apart`: worth knowing, but no fault."""

    kind: str
    lead: int
    step: str | None
    text: str

    @property
    def told_apart(self) -> bool:
        return told_apart(self.kind)


def told_apart(kind: str) -> bool:
    return kind.startswith("beyond_evidence_")
