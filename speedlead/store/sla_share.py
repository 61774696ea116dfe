"""How many first attempts were in time in the last hour, by team (REQ 74)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead.store.rows import put_notice

# a lead that is not due yet says nothing; one without an attempt is late
_DUE = """
select r.email, count(*)::int as due, count(*) filter (where l.first_attempt_at <= l.first_attempt_due)::int as timely
from lead l left join rep r on r.id = l.owner_id
where l.first_attempt_due <= $1::timestamptz + l.clock_offset_us * interval '1 microsecond'
    and l.first_attempt_due > $1::timestamptz + l.clock_offset_us * interval '1 microsecond' - interval '1 hour'
    -- who closed before anything was due needed no attempt
    and (l.first_attempt_at is not null or l.closed_at is null or l.closed_at > l.first_attempt_due)
group by r.email
"""


@dataclass(slots=True)
class Share:
    """First attempts that were due in an hour, and those of them in time."""

    due: int = 0
    timely: int = 0

    @property
    def percent(self) -> float:
        return 100 * self.timely / self.due if self.due else 100.0


async def shares(conn: Any, team_of: Callable[[str | None], str], wall: datetime) -> dict[str, Share]:
    """By team, of the hour before now; `team_of` an owner's e-mail address, None: nobody's leads."""
    found: dict[str, Share] = {}
    for row in await conn.fetch(_DUE, wall):
        share = found.setdefault(team_of(row["email"]), Share())
        share.due += row["due"]
        share.timely += row["timely"]
    return found


async def tell_low(conn: Any, team: str, share: Share, wall: datetime) -> None:
    """Once for a team and an hour of the clock."""
    await put_notice(
        conn, audience="manager", kind="sla_share", at=wall, dedupe=f"sla_share:{team}:{wall:%Y-%m-%dT%H}",
        reason=f"Team {team}: {share.timely} of {share.due} in time, {share.percent:.0f} %",
    )  # fmt: skip
