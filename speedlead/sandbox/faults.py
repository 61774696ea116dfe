"""Faults on demand: what a provider does on a bad day, reproducible by a seed.

Each draw depends on the seed, the fault, the message's key and how often it was asked, not on the order in which
concurrent requests happen to arrive: the same seed breaks the same touches again.
"""

import hashlib
from collections import Counter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Probability = float
Fault = Literal["429", "503_refused", "500_after_accept", "drop_after_accept"]

BEFORE_ACCEPTING: tuple[Fault, ...] = ("429", "503_refused")
AFTER_ACCEPTING: tuple[Fault, ...] = ("500_after_accept", "drop_after_accept")


class ChannelFaults(BaseModel):
    """Probabilities 0..1 per request; `slow` is how often an answer takes `slow_s` seconds more (after accepting).

    `silent`: how often no report at all ever comes of a touch.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    too_many: Probability = Field(0, alias="429", ge=0, le=1)
    refused_503: Probability = Field(0, alias="503_refused", ge=0, le=1)
    broken_500: Probability = Field(0, alias="500_after_accept", ge=0, le=1)
    dropped: Probability = Field(0, alias="drop_after_accept", ge=0, le=1)
    slow: Probability = Field(0, ge=0, le=1)
    slow_s: float = Field(0, ge=0, le=120)
    silent: Probability = Field(0, ge=0, le=1)


class CallbackFaults(BaseModel):
    """Single reports that are lost, sent twice or late (probabilities; `late_s` seconds more), or out of order.

    `shuffle` adds up to the greater of a second and `late_s` to every report.
    """

    model_config = ConfigDict(extra="forbid")

    lost: Probability = Field(0, ge=0, le=1)
    twice: Probability = Field(0, ge=0, le=1)
    late: Probability = Field(1, ge=0, le=1)
    late_s: float = Field(0, ge=0, le=3600)
    shuffle: bool = False


class FaultPlan(BaseModel):
    """The body of PUT /api/faults; an empty object means none."""

    model_config = ConfigDict(extra="forbid")

    sms: ChannelFaults = Field(default_factory=lambda: ChannelFaults.model_validate({}))
    email: ChannelFaults = Field(default_factory=lambda: ChannelFaults.model_validate({}))
    call: ChannelFaults = Field(default_factory=lambda: ChannelFaults.model_validate({}))
    callbacks: CallbackFaults = Field(default_factory=CallbackFaults)
    list_lag_s: float = Field(0, ge=0, le=3600)
    call_queue_ms: int = Field(0, ge=0, le=86_400_000)
    seed: int = 0


class Faults:
    """The plan in force and its dice."""

    def __init__(self, plan: FaultPlan | None = None) -> None:
        self.plan = plan or FaultPlan()
        self._asked: Counter[str] = Counter()

    def set(self, plan: FaultPlan) -> None:
        self.plan = plan
        self._asked.clear()

    def draw(self, what: str, key: str) -> float:
        """A number in [0, 1), the same for the same seed, fault, key and count."""
        name = f"{what}|{key}"
        self._asked[name] += 1
        digest = hashlib.sha256(f"{self.plan.seed}|{name}|{self._asked[name]}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    def happens(self, what: str, key: str, probability: float) -> bool:
        return probability > 0 and self.draw(what, key) < probability

    def request(self, channel: str, key: str, candidates: tuple[Fault, ...]) -> Fault | None:
        """The first of `candidates` that strikes this request, or None."""
        chances: dict[str, Any] = self._of(channel).model_dump(by_alias=True)
        return next((c for c in candidates if self.happens(f"{channel}.{c}", key, chances[c])), None)

    def slowness_s(self, channel: str, key: str) -> float:
        faults = self._of(channel)
        return faults.slow_s if self.happens(f"{channel}.slow", key, faults.slow) else 0.0

    def silent(self, channel: str, key: str) -> bool:
        """The same for all reports of a touch, however often it is asked."""
        digest = hashlib.sha256(f"{self.plan.seed}|{channel}.silent|{key}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64 < self._of(channel).silent

    def _of(self, channel: str) -> ChannelFaults:
        found: ChannelFaults = getattr(self.plan, channel)
        return found
