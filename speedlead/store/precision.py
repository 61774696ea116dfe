"""How right the rules were: what became of the leads that each of them touched."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from speedlead.domain.flow_check import SOURCE
from speedlead.domain.outcomes import BAD_DATA
from speedlead.numbers.chance import interval

DAYS = (30, 90, 365)


@dataclass(frozen=True, slots=True)
class Share:
    """Of `leads`, `decided` ones: `good` (qualified, bought, or a meeting, unless the lead was not a fit), `bought`
    among them; `bad`: a rep said that the lead was bad or its data wrong, or called a fact about it wrong.
    """

    leads: int
    decided: int
    good: int
    bought: int
    bad: int

    @property
    def share(self) -> float | None:
        return self.good / self.decided if self.decided else None

    @property
    def interval(self) -> tuple[float, float]:
        """Of the share of good ones, 95 %."""
        return interval(self.good, self.decided)


@dataclass(frozen=True, slots=True)
class RuleShare(Share):
    """`points`, `why`: of its newest version. `others`: those judged in that time that it did not touch."""

    rule: str
    points: int
    why: str
    others: Share

    @property
    def verdict(self) -> str:
        """`right`, `wrong` or `open`: does it point where its leads went, by more than chance explains (95 %)?"""
        (low, high), (other_low, other_high) = self.interval, self.others.interval
        better, worse = low > other_high, high < other_low
        if not (better or worse):
            return "open"
        return "right" if better == (self.points > 0) else "wrong"


@dataclass(frozen=True, slots=True)
class Precision:
    """`lanes`: in the order hot, warm, cold, low; a lane without a lead is left out."""

    all: Share
    lanes: dict[str, Share]
    rules: tuple[RuleShare, ...]
    raised: int
    lowered: int
    problems: dict[str, int]
    median_ms: float | None


# the newest judgement of each lead that came in that time, with what became of the lead
_JUDGED = """
judged as materialized (
    select j.lead_id, j.version, j.lane, j.came_as, j.lead_type, j.rules, j.problem, j.ms,
        o.good, o.bought, o.bad, o.decided
    from (select distinct on (lead_id) * from judgement where at > $1 order by lead_id, inquiry_number desc) j
    join lead l on l.id = j.lead_id and l.created_at > $1
    cross join lateral (select
        coalesce(bool_or(outcome in ('qualified', 'converted'))
            -- that the lead does not fit says more than that there was to be a meeting
            or bool_or(outcome = 'meeting_booked') and not bool_or(outcome = 'unqualified'), false) as good,
        coalesce(bool_or(outcome = 'converted'), false) as bought,
        coalesce(bool_or(reason = any($2::text[])), false)
            or exists (select from known_fact k where k.lead_id = j.lead_id and k.wrong_at is not null) as bad,
        coalesce(bool_or(outcome is not null and outcome <> 'callback_requested'), false)
            or l.closed_at is not null as decided
        from outcome where lead_id = j.lead_id) o)
"""
_COUNTS = """count(*)::int as leads, count(*) filter (where decided or good)::int as decided,
    count(*) filter (where good)::int as good, count(*) filter (where bought)::int as bought,
    count(*) filter (where bad)::int as bad"""


async def precision(conn: Any, wall: datetime, days: int) -> Precision:
    since, bad = wall - timedelta(days=days), list(BAD_DATA)
    lanes = await conn.fetch(
        f"""with {_JUDGED} select lane, {_COUNTS} from judged group by grouping sets ((lane), ())
            order by array_position(array['hot', 'warm', 'cold', 'low'], lane)""",  # noqa: S608
        since, bad,
    )  # fmt: skip
    shares = {row["lane"]: Share(*list(row.values())[1:]) for row in lanes}
    everybody = shares.pop(None, Share(0, 0, 0, 0, 0))
    rows = await conn.fetch(
        f"""with {_JUDGED} select r ->> 0 as rule, (array_agg((r ->> 1)::int order by version desc))[1] as points,
                (array_agg(r ->> 2 order by version desc))[1] as why, {_COUNTS}
            from judged cross join jsonb_array_elements(rules) r group by 1 order by 4 desc, 1""",  # noqa: S608
        since, bad,
    )  # fmt: skip
    rest = await conn.fetchrow(
        f"""with {_JUDGED} select count(*) filter (where raised)::int as raised,
                count(*) filter (where came_as <> lead_type and not raised)::int as lowered,
                percentile_cont(0.5) within group (order by ms) as median_ms
            from judged cross join lateral (select came_as <> lead_type
                and (lead_type = 'hot' or came_as = 'cold') as raised) h""",  # noqa: S608
        since, bad,
    )  # fmt: skip
    problems = await conn.fetch(
        """select problem, count(*)::int as times from judgement where at > $1 and problem is not null
           group by 1 order by 2 desc""",
        since,
    )
    return Precision(
        everybody, shares, tuple(_rule(row, everybody) for row in rows), rest["raised"], rest["lowered"],
        {row["problem"]: row["times"] for row in problems}, rest["median_ms"],
    )  # fmt: skip


def _rule(row: Any, all_: Share) -> RuleShare:
    rule, points, why, *counts = row.values()
    own = Share(*counts)
    others = Share(
        all_.leads - own.leads, all_.decided - own.decided, all_.good - own.good, all_.bought - own.bought,
        all_.bad - own.bad,
    )  # fmt: skip
    return RuleShare(own.leads, own.decided, own.good, own.bought, own.bad, rule, points, why, others)


async def lifecycle(conn: Any, wall: datetime, days: int) -> dict[str, int]:
    """Stage -> leads that came in that time."""
    rows = await conn.fetch(
        """select stage, count(*)::int as leads from lead where created_at > $1 and source is distinct from $2
           group by stage""",
        wall - timedelta(days=days),
        SOURCE,
    )
    return {row["stage"]: row["leads"] for row in rows}


async def versions(conn: Any) -> list[tuple[int, datetime]]:
    """Rules that were in use, the newest first, and since when."""
    return [(row["version"], row["used_wall"]) for row in await conn.fetch(
        "select version, used_wall from lane_rules order by version desc limit 20")]  # fmt: skip
