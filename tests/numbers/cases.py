"""Leads made by hand for figures: one Monday of November 2026, with whatever a test says of each."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from speedlead.numbers.filters import Filter
from tests.store.hand_made import put, put_lead, put_touch

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
# the first lead of a test comes at 15:00 UTC, which is 10:00 in New York
CAME = MONDAY + timedelta(hours=15)
# when the figures are taken, unless a test says another instant
LATER = MONDAY + timedelta(days=7)


def after(**parts: float) -> datetime:
    """So long after the lead came."""
    return CAME + timedelta(**parts)


def period(**fields: Any) -> Filter:
    """That Monday, looked at a week later."""
    values: dict[str, Any] = {"start": MONDAY, "end": MONDAY + timedelta(days=1), "at": LATER}
    return Filter(**(values | fields))


class Lead:
    """A lead of one test, and what happens to it."""

    def __init__(self, conn: Any, lead_id: str, person_id: str) -> None:
        self.conn, self.id, self.person_id = conn, lead_id, person_id

    async def touch(
        self, step: str, sent: datetime | None, channel: str = "call", state: str = "sent", **columns: Any
    ) -> str:
        await put_touch(self.conn, self.id, self.person_id, step, channel, state, sent_at=sent, **columns)
        return f"{self.id}.{step}"

    async def outcome(
        self, at: datetime, outcome: str | None = None, call_result: str | None = None, **columns: Any
    ) -> str:
        outcome_id = str(uuid.uuid4())
        await put(self.conn, "outcome", id=outcome_id, lead_id=self.id, at=at, outcome=outcome,
                  call_result=call_result, **columns)  # fmt: skip
        return outcome_id

    async def story(self, at: datetime, kind: str, reason: str | None = None, **data: Any) -> None:
        await put(self.conn, "story", lead_id=self.id, at=at, kind=kind, reason=reason, step=data.pop("step", None),
                  data=data)  # fmt: skip

    async def given_to(self, rep_id: str, at: datetime, kind: str = "assigned") -> None:
        await self.story(at, kind, rep_id=rep_id)

    async def asks_again(self, at: datetime, number: int = 2, lead_type: str = "hot") -> None:
        await put(self.conn, "inquiry", id=str(uuid.uuid4()), lead_id=self.id, person_id=self.person_id,
                  number=number, form_key="demo", intent="demo_request", lead_type=lead_type, source="organic",
                  fingerprint=b"x", submitted_at=at, submitted_wall=at)  # fmt: skip

    async def breach(self, target: str, phase: str, due: datetime, ended: datetime | None = None) -> None:
        await put(self.conn, "breach", lead_id=self.id, target=target, phase=phase, due_at=due, found_at=due,
                  ended_at=ended)  # fmt: skip


async def a_lead(conn: Any, *, of: Lead | None = None, created: datetime = CAME, **columns: Any) -> Lead:
    """A lead that came at `created`; `of`: another lead of the same person. `columns` go into its row."""
    lead_id = str(uuid.uuid4())
    person_id = await put_lead(
        conn, lead_id, name="Ava", email=None if of else f"{lead_id}@example.com", created=created, **columns
    )
    if of is not None:
        for table in ("lead", "inquiry"):
            key = "id" if table == "lead" else "lead_id"
            await conn.execute(f"update {table} set person_id = $1 where {key} = $2", of.person_id, lead_id)
        await conn.execute("delete from person where id = $1", person_id)
        person_id = of.person_id
    return Lead(conn, lead_id, person_id)
