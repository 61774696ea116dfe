"""What a lead says of our speed and of the contact (REQ 130): two questions, each yes or no. Pure.

Yes or no and no scale: one tap answers it in a mail, a share of some dozen answers has an interval that can be stated,
and nobody has to agree on what a four is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

CHANGE_WITHIN = timedelta(days=14)
# a link that somebody else has got hold of cannot be used to write without end
MOST_CHANGES = 20
MAX_REMARK = 500


@dataclass(frozen=True, slots=True)
class Said:
    """None: no answer to that question. At least one is answered; `remark` has 1 to MAX_REMARK characters."""

    fast: bool | None
    helpful: bool | None
    remark: str | None = None


def open_until(given_at: datetime) -> datetime:
    return given_at + CHANGE_WITHIN


def may_change(given_at: datetime, changes: int, now: datetime) -> bool:
    return now < open_until(given_at) and changes < MOST_CHANGES
