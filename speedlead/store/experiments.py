"""Experiments as rows: definitions, the arms of those that were started, and what became of the persons in each."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from speedlead.domain.experiment import NAME, Experiment, Metric, Segment
from speedlead.store.plans import COMES_INTO_USE_AFTER

State = Literal["draft", "running", "ended"]

_KNOWN = """
select e.id, e.body, e.author, e.created_wall, e.changed_wall, e.salt, e.planned, e.started_wall, e.ended_wall,
    e.ending, coalesce((select jsonb_agg(jsonb_build_object('variant', a.variant, 'key', a.key, 'share', a.share,
        'plan', a.plan_id || ':' || a.plan_version, 'weights', a.weights) order by a.position)
        from experiment_arm a where a.experiment_id = e.id), '[]'::jsonb) as arms
from experiment e """
_WON: Mapping[Metric, tuple[str, ...]] = {"converted": ("converted",), "qualified": ("qualified", "converted")}

# The first lead of each person counts, wherever else the person turns up; $2 persons at most, in the order of entry.
# What comes later than $3 after the entry counts for nobody, and a person is ripe when that time is over.
_COUNTS = """
with entered as (
    select f.*, row_number() over (order by f.created_at, f.id) as place from (
        select distinct on (l.person_id) l.person_id, l.id, l.created_at, v.variant
        from lead l cross join unnest(l.variants) v (variant)
        where l.variants <> '{}' and l.variants && $1::text[] and v.variant = any($1)
        order by l.person_id, l.created_at, l.id) f),
judged as (
    select e.variant, e.created_at + $3 <= $4 as ripe,
        exists (select from lead l join outcome o on o.lead_id = l.id where l.person_id = e.person_id
            and o.outcome = any($5) and o.at >= e.created_at and o.at <= e.created_at + $3) as won,
        exists (select from suppression s where s.person_id = e.person_id
            and s.at >= e.created_at and s.at <= e.created_at + $3) as opt_out,
        exists (select from lead l join touch t on t.lead_id = l.id join provider_event p on p.touch_id = t.id::text
            where l.person_id = e.person_id and p.kind = 'mail/spamreport'
            and t.sent_at >= e.created_at and t.sent_at <= e.created_at + $3) as complaint,
        exists (select from lead l join breach b on b.lead_id = l.id where l.person_id = e.person_id
            and b.due_at >= e.created_at and b.due_at <= e.created_at + $3) as breach
    from entered e where e.place <= $2)
select variant, count(*)::int as persons, (count(*) filter (where ripe))::int as ripe,
    (count(*) filter (where ripe and won))::int as won, (count(*) filter (where opt_out))::int as opt_out,
    (count(*) filter (where breach))::int as breach, (count(*) filter (where complaint))::int as complaint
from judged group by variant"""


class ExperimentRefused(ValueError):
    """What was asked cannot be done with this experiment; the text says why and what would be possible."""


@dataclass(frozen=True, slots=True)
class StartedArm:
    """`plan`: such as inbound:7; None: the one in use. `weights`: of routing; None: the house's own."""

    variant: str
    key: str
    share: int
    plan: str | None
    weights: dict[str, float] | None


@dataclass(frozen=True, slots=True)
class Known:
    """An experiment as it is stored. `arms`: those of one that was started. `planned`: persons in all arms together."""

    definition: Experiment
    author: str
    created_wall: datetime
    changed_wall: datetime
    salt: bytes
    planned: int | None
    started_wall: datetime | None
    ended_wall: datetime | None
    ending: str | None
    arms: tuple[StartedArm, ...]

    @property
    def state(self) -> State:
        return "draft" if self.started_wall is None else "running" if self.ended_wall is None else "ended"


@dataclass(frozen=True, slots=True)
class ArmCount:
    """Persons of an arm. `ripe`: those whose time for an answer is over; `won`: of these. The rest is of all."""

    persons: int = 0
    ripe: int = 0
    won: int = 0
    opt_out: int = 0
    breach: int = 0
    complaint: int = 0


def variant_of(experiment_id: str, key: str) -> str:
    return f"{experiment_id}:{key}"


async def save(
    conn: Any, definition: Experiment, *, author: str, wall: datetime, new: bool, seen: datetime | None = None
) -> None:
    """As a new draft, or, unless it has to be `new`, in place of the draft of this id. `seen`: when that was changed
    last, as the author knows it.

    Raises ExperimentRefused when the id is taken, it was started, or is another one by now.
    """
    saved = await conn.fetchval(
        """insert into experiment as e (id, body, author, created_wall, changed_wall, salt)
           values ($1, $2, $3, $4, $4, $5)
           on conflict (id) do update set body = excluded.body, author = excluded.author,
               changed_wall = excluded.changed_wall where e.started_wall is null and not $7
                   and ($6::timestamptz is null or e.changed_wall = $6) returning true""",
        definition.id, definition.model_dump(mode="json"), author, wall, secrets.token_bytes(32), seen, new,
    )  # fmt: skip
    if saved is None:
        if new:
            raise ExperimentRefused(f"id: {definition.id} is taken; expected another one")
        if (await known(conn, definition.id)).state == "draft":
            raise ExperimentRefused(f"{definition.id}: somebody else has changed it meanwhile: look again")
        raise ExperimentRefused(
            f"{definition.id}: it was started, and what was asked cannot be changed any more; copy it under another id"
        )


async def all_known(conn: Any) -> list[Known]:
    """Running ones first, then drafts, then what has ended; the newest first."""
    rows = await conn.fetch(
        _KNOWN
        + "order by e.ended_wall is not null, e.started_wall is null, coalesce(e.ended_wall, e.changed_wall) desc"
    )
    return [_known(row) for row in rows]


async def known(conn: Any, experiment_id: str, *, lock: bool = False) -> Known:
    """Raises ExperimentRefused when there is none."""
    if re.fullmatch(NAME, experiment_id) is None:  # what is no name may be nothing that Postgres takes as text
        raise ExperimentRefused(f"{experiment_id[:60]!r}: expected the id of an experiment")
    if lock:  # a statement of its own: the one that waits for a row reads the arms as they were before
        await conn.execute("select from experiment where id = $1 for update", experiment_id)
    row = await conn.fetchrow(_KNOWN + "where e.id = $1", experiment_id)
    if row is None:
        raise ExperimentRefused(f"{experiment_id}: there is no such experiment")
    return _known(row)


async def under_way(conn: Any) -> list[Known]:
    """Those that assign leads at this moment, the first one first."""
    rows = await conn.fetch(
        _KNOWN + "where e.started_wall <= clock_timestamp() and e.ended_wall is null order by e.started_wall, e.id"
    )
    return [_known(row) for row in rows]


async def lock_starts(conn: Any) -> list[Known]:
    """Those that were started and have not ended, also the ones that are about to be in force; one start at a time."""
    await conn.execute("select pg_advisory_xact_lock(hashtext('experiment'))")
    rows = await conn.fetch(_KNOWN + "where e.started_wall is not null and e.ended_wall is null order by e.id")
    return [_known(row) for row in rows]


async def start(conn: Any, experiment_id: str, arms: Sequence[StartedArm], planned: int | None) -> None:
    await conn.executemany(
        """insert into experiment_arm (variant, experiment_id, position, key, share, plan_id, plan_version, weights)
           values ($1, $2, $3, $4, $5, $6, $7, $8)""",
        [(arm.variant, experiment_id, number, arm.key, arm.share, *_plan(arm.plan), arm.weights)
         for number, arm in enumerate(arms)],
    )  # fmt: skip
    await conn.execute(
        "update experiment set started_wall = clock_timestamp() + $2::interval, planned = $3 where id = $1",
        experiment_id, COMES_INTO_USE_AFTER, planned,
    )  # fmt: skip


async def end(conn: Any, experiment_id: str, ending: str) -> None:
    """No further lead takes part; `ending` is `stopped` or `rolled_out`. One about to be in force never was."""
    await conn.execute(
        "update experiment set ended_wall = clock_timestamp(), ending = $2 where id = $1", experiment_id, ending
    )


async def set_shares(conn: Any, shares: Mapping[str, int]) -> None:
    """By variant."""
    await conn.executemany("update experiment_arm set share = $2 where variant = $1", list(shares.items()))


async def counts(conn: Any, known: Known, *, metric: Metric, within: timedelta, now: datetime) -> dict[str, ArmCount]:
    """By variant; an arm without persons is among them."""
    variants = [arm.variant for arm in known.arms]
    rows = await conn.fetch(_COUNTS, variants, known.planned or 2**31 - 1, within, now, list(_WON[metric]))
    found = {row["variant"]: ArmCount(**{name: row[name] for name in ArmCount.__slots__}) for row in rows}
    return {variant: found.get(variant, ArmCount()) for variant in variants}


async def persons_a_week(conn: Any, segment: Segment, now: datetime) -> float:
    """New leads' persons of the last four weeks that the segment holds, whatever the season."""
    found = await conn.fetchval(
        """select count(distinct l.person_id) from lead l join inquiry i on i.lead_id = l.id and i.number = 1
           where l.created_at > $1::timestamptz - interval '28 days' and l.created_at <= $1
               and l.source is distinct from 'flow_check' and l.program is null
               and ($2::text is null or l.lead_type = $2) and ($3::text[] is null or l.intent = any($3))
               and ($4::text[] is null or l.source = any($4)) and ($5::text[] is null or l.segment = any($5))
               and ($6::text[] is null or i.channel = any($6))
               and ($7::text[] is null or l.country = any($7) or l.region = any($7))""",
        now, segment.lead_type, segment.intent, segment.source, segment.segment, segment.channel, segment.region,
    )  # fmt: skip
    return int(found) / 4


def _plan(name: str | None) -> tuple[str | None, int | None]:
    if name is None:
        return None, None
    plan_id, _, version = name.partition(":")
    return plan_id, int(version)


def _known(row: Any) -> Known:
    found = dict(row)
    found.pop("id")
    return Known(
        definition=Experiment.model_validate(found.pop("body")),
        arms=tuple(StartedArm(**arm) for arm in found.pop("arms")),
        **found,
    )
