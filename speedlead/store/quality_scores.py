"""What reviews say, for whoever puts quality beside speed: by rep, by arm of an experiment, or of a period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead.domain.quality import Score, score


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of `twice` contacts that two or more have reviewed, how far they are apart in the mean, 0 to 1."""

    twice: int
    apart: float | None


async def between(conn: Any, start: datetime, end: datetime, *, rep_id: str | None = None) -> Score:
    """Of contacts from `start` until before `end`."""
    row = await conn.fetchrow(
        """select count(*)::int as reviewed, avg(value) as mean from metric_contact_quality
           where at >= $1 and at < $2 and ($3::text is null or rep_id = $3::text::uuid)""",
        start, end, rep_id,
    )  # fmt: skip
    return score(row["reviewed"], row["mean"])


async def by_rep(conn: Any, start: datetime, end: datetime) -> dict[str, Score]:
    """Of those who had a contact reviewed in this time."""
    rows = await conn.fetch(
        """select rep_id::text as rep_id, count(*)::int as reviewed, avg(value) as mean from metric_contact_quality
           where at >= $1 and at < $2 group by rep_id""",
        start, end,
    )  # fmt: skip
    return {row["rep_id"]: score(row["reviewed"], row["mean"]) for row in rows}


async def by_variant(conn: Any, variants: Sequence[str]) -> dict[str, Score]:
    """Of contacts with the leads of each arm; an arm without any is among them."""
    rows = await conn.fetch(
        """select a.variant, count(*)::int as reviewed, avg(v.value) as mean
           from metric_contact_quality v join lead l on l.id = v.lead_id cross join unnest(l.variants) a (variant)
           where l.variants && $1::text[] and a.variant = any($1) group by a.variant""",
        list(variants),
    )
    found = {row["variant"]: score(row["reviewed"], row["mean"]) for row in rows}
    return {variant: found.get(variant, Score(0)) for variant in variants}


async def agreement(conn: Any, start: datetime, end: datetime) -> Agreement:
    row = await conn.fetchrow(
        """select count(*)::int as twice, avg(apart) as apart from metric_contact_quality
           where at >= $1 and at < $2 and reviewers > 1""",
        start, end,
    )  # fmt: skip
    return Agreement(row["twice"], row["apart"])
