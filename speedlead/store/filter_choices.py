"""What a filter of figures can be set to: what leads of the last time had, and which plans and people there are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

# the newest so many are enough for a list of suggestions; any other value can be typed
_NEWEST = 5_000
_LEADS = """
with latest as (select id, source, country, region from lead where created_at > $1 and program is null
    order by created_at desc limit $2)
select array(select distinct source from latest order by 1) as sources,
    array(select distinct country from latest where country is not null order by 1) as countries,
    array(select distinct region from latest where region is not null order by 1) as regions,
    array(select distinct i.channel from latest l join inquiry i on i.lead_id = l.id and i.number = 1 order by 1)
        as channels
"""


@dataclass(frozen=True, slots=True)
class Choices:
    """`reps`: (id, name)."""

    sources: tuple[str, ...]
    countries: tuple[str, ...]
    regions: tuple[str, ...]
    channels: tuple[str, ...]
    plans: tuple[str, ...]
    reps: tuple[tuple[str, str], ...]
    variants: tuple[str, ...]


async def choices(conn: Any, since: datetime) -> Choices:
    row = await conn.fetchrow(_LEADS, since, _NEWEST)
    plans = await conn.fetch("select id || ':' || version as plan from plan order by id, version desc")
    reps = await conn.fetch("select id, name from rep where active and not manager order by name")
    variants = await conn.fetch(
        """select a.variant from experiment_arm a join experiment e on e.id = a.experiment_id
           where e.ended_wall is null or e.ended_wall > $1 order by e.started_wall desc, a.position""",
        since,
    )
    return Choices(
        sources=tuple(row["sources"]),
        countries=tuple(row["countries"]),
        regions=tuple(row["regions"]),
        channels=tuple(row["channels"]),
        plans=tuple(plan["plan"] for plan in plans),
        reps=tuple((rep["id"], rep["name"]) for rep in reps),
        variants=tuple(row["variant"] for row in variants),
    )
