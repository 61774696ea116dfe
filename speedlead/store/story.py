"""The lead's story: one row for each thing that happened, in words from closed lists, without personal text."""

from datetime import datetime
from typing import Any


async def tell_story(
    connection: Any,
    lead_id: str,
    *,
    kind: str,
    at: datetime,
    step: str | None = None,
    reason: str | None = None,
    data: dict[str, Any] | None = None,
    dedupe: str | None = None,
) -> None:
    """`at` is business time. A row with the same `dedupe` is written once."""
    await connection.execute(
        """insert into story (lead_id, at, kind, step, reason, data, dedupe) values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (lead_id, dedupe) do nothing""",
        lead_id,
        at,
        kind,
        step,
        reason,
        data or {},
        dedupe,
    )
