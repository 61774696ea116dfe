"""When a webhook is tried again, when its endpoint rests, and when it is given up. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

# 5 s, 15 s, 45 s … and then every six hours
_FIRST, _GROWTH, _LONGEST = timedelta(seconds=5), 3, timedelta(hours=6)
# so many that nothing was taken in between: the endpoint rests as a whole, 5 s, 10 s … and then ten minutes at a time
RESTS_AFTER = 5
_LONGEST_REST = timedelta(minutes=10)
# what a receiver asks for by Retry-After is kept to for a day at most
LONGEST_ASKED = timedelta(days=1)
# part of a pause by which it is longer or shorter, so that what failed together does not come back together
JITTER = 0.2
# after a rotation both secrets sign for so long, so that the receiver can change over without a gap
OLD_SECRET_FOR = timedelta(hours=24)
# so many at most beside the new one: each is a signature in a header
_MOST_OLD = 4


class Verdict(Enum):
    TAKEN = "taken"
    LATER = "later"
    GONE = "gone"


def verdict(status: int | None) -> Verdict:
    """`status` None: no answer. A redirect is not followed and not taken (Standard Webhooks: 2xx is success)."""
    if status is not None and 200 <= status < 300:
        return Verdict.TAKEN
    return Verdict.GONE if status == 410 else Verdict.LATER


def pause(tries: int, asked: timedelta | None, roll: float) -> timedelta:
    """How long after its failure number `tries`, from 1, an event is tried again; `roll` is in [0, 1)."""
    wanted = min(_FIRST * float(_GROWTH ** min(tries - 1, 20)), _LONGEST) * (1 + JITTER * (2 * roll - 1))
    return max(wanted, min(asked or timedelta(0), LONGEST_ASKED))


def rest(failures: int, status: int | None, asked: timedelta | None, roll: float) -> timedelta | None:
    """How long the whole endpoint is left alone after `failures` in a row; None: its other leads go on."""
    told = min(asked, LONGEST_ASKED) if asked is not None and status in (429, 503) else None
    if failures < RESTS_AFTER:
        return told
    own = min(_FIRST * float(2 ** min(failures - RESTS_AFTER, 20)), _LONGEST_REST) * (1 + JITTER * (2 * roll - 1))
    return max(own, told or timedelta(0))


def given_up(first_try: datetime, now: datetime, retry_for: timedelta) -> bool:
    return now - first_try >= retry_for


def is_dead(failing_since: datetime, now: datetime, dead_after: timedelta) -> bool:
    return now - failing_since >= dead_after


@dataclass(frozen=True, slots=True)
class Secrets:
    """`old`: those of before, the newest first, each with the moment until which it signs."""

    secret: str
    old: tuple[tuple[str, datetime], ...] = ()

    def rotated(self, new: str, now: datetime) -> "Secrets":
        """A second rotation takes nothing from the secret that the receiver still has."""
        kept = tuple((old, until) for old, until in self.old if now < until)
        return Secrets(new, ((self.secret, now + OLD_SECRET_FOR), *kept)[:_MOST_OLD])

    def in_use(self, now: datetime) -> tuple[str, ...]:
        """The newest first."""
        return (self.secret, *(old for old, until in self.old if now < until))
