"""What is known of one lead, how it was judged and where it stands; and a person's word that it is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead.domain.knowing import NAMES, Fact, Value, best
from speedlead.domain.lifecycle import STEPS, Siding, Step, stands
from speedlead.ports import Clock
from speedlead.store.story import tell_story


@dataclass(frozen=True, slots=True)
class KnownFact:
    name: str
    value: Value
    source: str
    confidence: float
    at: datetime
    wrong_at: datetime | None


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that applied, in the words that it had then."""

    id: str
    points: int
    why: str


@dataclass(frozen=True, slots=True)
class Known:
    """`facts`: in the order of their names, the surest of each first. `problem`: what the outside source did not say.

    The rest is the inquiry that was judged last.
    """

    facts: tuple[KnownFact, ...]
    hits: tuple[Hit, ...]
    number: int
    points: int
    lane: str
    came_as: str
    lead_type: str
    version: int
    problem: str | None
    ms: int
    at: datetime
    intent: str
    source: str
    segment: str | None
    channel: str

    @property
    def surest(self) -> list[KnownFact]:
        """One for each name, without what says nothing: a no, and none of something."""
        found: dict[str, KnownFact] = {}
        for fact in self.facts:
            if fact.wrong_at is None:
                found.setdefault(fact.name, fact)
        return [fact for fact in found.values() if fact.value]

    @property
    def knows(self) -> Mapping[str, Value]:
        facts = [fact for fact in self.facts if fact.wrong_at is None]
        return best(Fact(f.name, f.value, f.source, f.confidence) for f in facts)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Life:
    """`reached`: when each step began; `stands`: where the lead is now."""

    stands: Step | Siding
    reached: Mapping[Step, datetime]


async def known_of(conn: Any, lead_id: str) -> Known | None:
    """None for a lead that was not judged."""
    row = await conn.fetchrow(
        """select j.inquiry_number as number, j.points, j.lane, j.came_as, j.lead_type, j.version, j.problem, j.ms,
               j.at, j.rules, i.intent, coalesce(l.source, '') as source, l.segment, i.channel
           from judgement j join lead l on l.id = j.lead_id
               join inquiry i on i.lead_id = j.lead_id and i.number = j.inquiry_number
           where j.lead_id = $1::text::uuid order by j.inquiry_number desc limit 1""",
        lead_id,
    )
    if row is None:
        return None
    facts = await conn.fetch(
        """select name, value, source, confidence, at, wrong_at from known_fact where lead_id = $1::text::uuid
           order by array_position($2::text[], name), confidence desc, source""",
        lead_id, list(NAMES),
    )  # fmt: skip
    told = {name: value for name, value in row.items() if name != "rules"}
    told["intent"] = told["intent"] or "other"
    hits = tuple(Hit(*hit) for hit in row["rules"])
    return Known(tuple(KnownFact(**fact) for fact in facts), hits, **told)


async def life_of(conn: Any, lead_id: str) -> Life | None:
    row = await conn.fetchrow(
        """select l.stage, l.created_at as inquiry, l.assigned_at as lead,
               coalesce(l.earlier_attempt_at, l.first_attempt_at) as working,
               least(l.first_contact_at, (select min(received_at) from reply where lead_id = l.id and not automatic))
                   as engaged,
               o.qualified, o.customer
           from lead l left join lateral (select min(at) filter (where outcome = 'qualified') as qualified,
               min(at) filter (where outcome = 'converted') as customer from outcome where lead_id = l.id) o on true
           where l.id = $1::text::uuid""",
        lead_id,
    )
    if row is None:
        return None
    reached = {step: row[step] for step in STEPS if row[step] is not None}
    return Life(stands(row["stage"], reached), reached)


async def call_wrong(conn: Any, clock: Clock, lead_id: str, name: str, source: str) -> bool:
    """From now on the fact counts for nothing, and for the rules that it led to as an error. False: there is none."""
    offset = await conn.fetchval("select clock_offset_us from lead where id = $1::text::uuid", lead_id)
    if offset is None:
        return False
    now = clock.business(offset)
    found = await conn.fetchval(
        """update known_fact set wrong_at = coalesce(wrong_at, $4)
           where lead_id = $1::text::uuid and name = $2 and source = $3 returning true""",
        lead_id, name, source, now,
    )  # fmt: skip
    if found:
        await tell_story(
            conn, lead_id, kind="fact_wrong", at=now, reason="wrong_data", data={"fact": name, "source": source},
            dedupe=f"fact_wrong:{name}:{source}",
        )  # fmt: skip
    return bool(found)
