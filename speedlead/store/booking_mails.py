"""What leads are sent about their meetings: rows that one chore works off, each sent once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

# business time of the lead decides when; a mail of a meeting that is over or of another day is none any more
_DUE = """
select m.booking_id, m.kind, m.sequence, m.before_s, m.tries, b.lead_id, b.number, l.clock_offset_us
from booking_mail m join booking b on b.id = m.booking_id join lead l on l.id = b.lead_id
where m.state = 'waiting' and m.due_at <= $1::timestamptz + l.clock_offset_us * interval '1 microsecond'
    and (m.next_wall is null or m.next_wall <= $1)
order by m.due_at limit $2
"""


@dataclass(frozen=True, slots=True)
class DueMail:
    booking_id: str
    kind: str
    sequence: int
    before_s: int
    tries: int
    lead_id: str
    number: int
    clock_offset_us: int

    @property
    def step(self) -> str:
        """What the touch is called: the same on every attempt, another one for every change of the meeting."""
        before = f"-{self.before_s // 60}m" if self.before_s else ""
        return f"meeting-{self.number}-{self.kind}-{self.sequence}{before}"


async def due(conn: Any, wall: datetime, most: int) -> list[DueMail]:
    return [DueMail(**row) for row in await conn.fetch(_DUE, wall, most)]


async def settle(conn: Any, mail: DueMail, state: str, reason: str | None = None) -> None:
    await conn.execute(
        """update booking_mail set state = $5, reason = $6, tries = tries + 1
           where booking_id = $1 and kind = $2 and sequence = $3 and before_s = $4 and state = 'waiting'""",
        mail.booking_id, mail.kind, mail.sequence, mail.before_s, state, reason,
    )  # fmt: skip


async def again(conn: Any, mail: DueMail, next_wall: datetime, reason: str) -> None:
    await conn.execute(
        """update booking_mail set next_wall = $5, reason = $6, tries = tries + 1
           where booking_id = $1 and kind = $2 and sequence = $3 and before_s = $4 and state = 'waiting'""",
        mail.booking_id, mail.kind, mail.sequence, mail.before_s, next_wall, reason,
    )  # fmt: skip
