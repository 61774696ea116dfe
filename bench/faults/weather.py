"""How bad the day is: what the providers do to requests and reports, and how often a worker dies."""

from dataclasses import dataclass
from typing import Any

# about one request in five; slow is longer than the client waits
_REQUESTS = {"429": 0.05, "503_refused": 0.03, "drop_after_accept": 0.05, "500_after_accept": 0.03,
             "slow": 0.02, "slow_s": 6}  # fmt: skip


@dataclass(frozen=True)
class Weather:
    """`faults` is the body of the sandbox's PUT /api/faults; deaths are probabilities per request."""

    faults: dict[str, Any]
    dies_before: float = 0.01
    dies_after: float = 0.01


def within(seed: int) -> Weather:
    """What the protocol is made for: a provider's word, by report or by list, is there within 15 s of the request.

    Reports are late by up to 11 s, doubled and out of order; of one text and call in ten none ever comes, but the
    lists, which lag 8 s, have them. Mail has no list, so of every mail some report comes.
    """
    return Weather({
        "email": _REQUESTS, "sms": _REQUESTS | {"silent": 0.1}, "call": _REQUESTS | {"silent": 0.1},
        "callbacks": {"late": 0.5, "late_s": 5, "twice": 0.2, "shuffle": True}, "list_lag_s": 8, "seed": seed,
    })  # fmt: skip


def beyond(seed: int) -> Weather:
    """Worse than anybody can reconcile: reports half a minute late or never, and lists that lag a minute."""
    requests = _REQUESTS | {"silent": 0.2}
    return Weather({
        "email": requests, "sms": requests, "call": requests,
        "callbacks": {"lost": 0.1, "late": 0.5, "late_s": 30, "twice": 0.2, "shuffle": True}, "list_lag_s": 60,
        "seed": seed,
    })  # fmt: skip
