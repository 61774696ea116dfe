"""What leads say of us: one row for each mail that asked, changed in place, and one line of the story for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead.domain.feedback import Said, may_change
from speedlead.ports import Clock
from speedlead.store.rows import lock_person
from speedlead.store.story import tell_story

_PUT = """
insert into feedback (lead_id, step, fast, helpful, remark, given_at, changed_at) values ($1, $2, $3, $4, $5, $6, $6)
on conflict (lead_id, step) do update set fast = excluded.fast, helpful = excluded.helpful, remark = excluded.remark,
    changed_at = excluded.changed_at, changes = feedback.changes + 1
"""


@dataclass(frozen=True, slots=True)
class Given:
    said: Said
    given_at: datetime
    changes: int


@dataclass(frozen=True, slots=True)
class Remark:
    lead_id: str
    fast: bool | None
    helpful: bool | None
    remark: str | None
    changed_at: datetime


class FeedbackOver(Exception):
    """The answer is too old, or was changed too often, to be changed."""


async def standing(conn: Any, clock: Clock, lead_id: str, step: str) -> tuple[Given | None, datetime]:
    """The answer to this mail, and the lead's time now. Raises LookupError for a lead that is gone or erased."""
    row = await conn.fetchrow(
        """select l.clock_offset_us, p.erased_wall from lead l join person p on p.id = l.person_id where l.id = $1""",
        lead_id,
    )
    if row is None or row["erased_wall"] is not None:
        raise LookupError(f"lead {lead_id}: there is no such lead")
    return await _given(conn, lead_id, step), clock.business(row["clock_offset_us"])


async def give(conn: Any, clock: Clock, lead_id: str, step: str, said: Said) -> Given:
    """Keeps the answer, or changes it. Raises FeedbackOver, and LookupError for a lead that is gone or erased."""
    person_id = await conn.fetchval("select person_id from lead where id = $1", lead_id)
    if person_id is None or await lock_person(conn, person_id):
        raise LookupError(f"lead {lead_id}: there is no such lead")
    before, now = await standing(conn, clock, lead_id, step)
    if before is not None:
        if not may_change(before.given_at, before.changes, now):
            raise FeedbackOver
        if before.said == said:
            return before
    await conn.execute(_PUT, lead_id, step, said.fast, said.helpful, said.remark, now)
    # the line stays one, with what holds now: the remark is in the row alone, where erasure and export find it
    data, dedupe = {"fast": said.fast, "helpful": said.helpful}, f"feedback:{step}"
    if before is None:
        await tell_story(conn, lead_id, kind="feedback", at=now, step=step, data=data, dedupe=dedupe)
    else:
        await conn.execute("update story set data = $3 where lead_id = $1 and dedupe = $2", lead_id, dedupe, data)
    found = await _given(conn, lead_id, step)
    assert found is not None
    return found


async def remarks(conn: Any, start: datetime, end: datetime, most: int) -> list[Remark]:
    """What was said in [start, end) in words, or by who is not content; words first."""
    rows = await conn.fetch(
        """select f.lead_id::text as lead_id, f.fast, f.helpful, f.remark, f.changed_at
           from feedback f join lead l on l.id = f.lead_id
           where f.changed_at >= $1 and f.changed_at < $2
               and (f.remark is not null or f.fast is false or f.helpful is false)
           order by f.remark is null, f.fast is not false and f.helpful is not false, f.changed_at desc limit $3""",
        start, end, most,
    )  # fmt: skip
    return [Remark(**row) for row in rows]


async def _given(conn: Any, lead_id: str, step: str) -> Given | None:
    row = await conn.fetchrow(
        "select fast, helpful, remark, given_at, changes from feedback where lead_id = $1 and step = $2", lead_id, step
    )
    if row is None:
        return None
    return Given(Said(row["fast"], row["helpful"], row["remark"]), row["given_at"], row["changes"])
