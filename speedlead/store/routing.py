"""Who owns a lead: the decision and everything that follows from it, as one commit.

Locks are taken in the order lead, routing, rep. One decision is made at a time (the routing lock), on loads that are
true at that moment: so no capacity is exceeded and everybody's share is kept, whatever comes at once. What takes long,
reading the team and its hours, is done before.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from speedlead.domain.dealing import Hold
from speedlead.domain.opening import Opening
from speedlead.domain.scoring import Decision, Score, Track
from speedlead.records import Judgement, MovedOn, Standing
from speedlead.store.knowledge import read_judgement
from speedlead.store.reps import read_tracks
from speedlead.store.rows import put_notice
from speedlead.store.story import tell_story

# keeps this lock apart from the other advisory locks
_ROUTING = 5

# $2: the lead that is decided about. What somebody is offered beside it may be theirs at any moment, so it counts
STANDINGS = """
select r.id, r.capacity, r.weight, r.presence, r.away_until, r.last_assigned_wall,
    (coalesce(o.leads, 0) + coalesce(f.leads, 0))::int as leads
from rep r left join (select owner_id, count(*) as leads from lead where closed_at is null and owner_id is not null
    and program is null group by owner_id) o on o.owner_id = r.id
    left join (select a.rep_id, count(*) as leads from offer a join lead l on l.id = a.lead_id
        where a.ended_at is null and a.kind = 'claim' and a.lead_id <> $2 and l.closed_at is null
        group by a.rep_id) f on f.rep_id = r.id
where r.active and not r.manager and r.id = any($1::uuid[])
"""

_OPENED = """
with old as (select id, owner_id, assigned_at, first_attempt_due, clock_offset_us from lead where id = $1
    for no key update)
update lead l set open_at = $2, first_attempt_due = $3, first_attempt_target = $4, clock_offset_us = $5, zone = $6,
    assign_due = $7, deal_at = null,
    -- who became hotter after an attempt is owed one again
    earlier_attempt_at = case when l.first_attempt_at < h.at then coalesce(l.earlier_attempt_at, l.first_attempt_at)
        else l.earlier_attempt_at end,
    first_attempt_at = case when l.first_attempt_at < h.at then null else l.first_attempt_at end
from old left join rep r on r.id = old.owner_id left join lead_hotter h on h.lead_id = $1 where l.id = old.id
returning old.owner_id, old.assigned_at, r.active, r.presence, r.away_until
"""


class RoutingStore:
    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def tracks(self, now: datetime) -> Mapping[str, Track]:
        return await read_tracks(self._pool, now)

    async def route(
        self,
        lead_id: str,
        inquiry_number: int,
        opening: Opening,
        decide: Callable[[Sequence[Standing]], Decision],
        stays: Callable[[str, datetime | None], bool],
        *,
        team: Sequence[str],
        weights: Mapping[str, float],
        offset_us: int,
        now: datetime,
        hold: Hold | None = None,
        peak: str | None = None,
        claimants: int = 0,
        assign_due: datetime | None = None,
        known_as: str = "known_owner",
    ) -> str | None:
        """Opens the lead's clock and gives it an owner, tells whoever is concerned and keeps everybody's score.

        An owner stays; before the lead was ever handed over only while `stays(presence, away_until)`. With `hold`,
        a lead without an owner gets none yet. `peak`: the peak hours whose weights these are. With `claimants` a new
        lead is offered to so many and stays without an owner until one of them takes it. `assign_due`: by when it is
        to have an owner. `known_as`: why a lead has an owner before it was given to one. Answers the owner's id; asked
        again, the answer is the same. Raises LookupError when there is no such lead.
        """
        async with self._pool.acquire() as conn, conn.transaction():
            lead = await conn.fetchrow(
                _OPENED, lead_id, opening.open_at, opening.due, opening.target, offset_us, opening.zone, assign_due
            )
            if lead is None:
                raise LookupError(f"lead {lead_id}: there is no such lead")
            owner, new = lead["owner_id"], lead["assigned_at"] is None
            if owner is not None and lead["active"] and (not new or stays(lead["presence"], lead["away_until"])):
                if new:
                    await own(conn, lead_id, owner, now, "assigned", known_as)
                    await keep(conn, lead_id, inquiry_number, owner, known_as, None, weights, now)
                await tell_owner(conn, lead_id, inquiry_number, owner, opening.due, now)
                return str(owner)
            if hold is not None and owner is None:
                await _hold(conn, lead_id, hold, now)
                return None
            if owner is None and await _is_offered(conn, lead_id):
                await _new_deadline(conn, lead_id, opening.due)
                return None
            await lock_routing(conn)
            rows = await conn.fetch(STANDINGS, list(team), lead_id)
            decision = decide([Standing(*row) for row in rows])
            if decision.rep_id is None:
                await keep(conn, lead_id, inquiry_number, None, "nobody", decision, weights, now, peak)
                await _nobody(conn, lead_id, inquiry_number, opening.due, now)
                await conn.execute("select pg_notify('pool', '')")
                return None
            if claimants and owner is None and new:
                await _offer(conn, lead_id, claimants, decision, opening, now)
                await keep(conn, lead_id, inquiry_number, None, "offered", decision, weights, now, peak)
                return None
            reason = None if owner is None else "owner_away" if lead["active"] else "owner_left"
            await own(conn, lead_id, decision.rep_id, now, "reassigned" if reason else "assigned", reason)
            await keep(
                conn, lead_id, inquiry_number, decision.rep_id, reason or "best_fit", decision, weights, now, peak
            )
            await tell_owner(conn, lead_id, inquiry_number, decision.rep_id, opening.due, now)
            return decision.rep_id

    async def judgement(self, lead_id: str) -> Judgement | None:
        return await read_judgement(self._pool, lead_id)

    async def offered(self, lead_id: str) -> tuple[str, ...]:
        """Those of whom the first has the lead, the best first."""
        rows = await self._pool.fetch(
            "select rep_id from offer where lead_id = $1 and kind = 'claim' and ended_at is null order by id", lead_id
        )
        return tuple(row["rep_id"] for row in rows)


async def _is_offered(conn: Any, lead_id: str) -> bool:
    return bool(
        await conn.fetchval("select exists (select from offer where lead_id = $1 and ended_at is null)", lead_id)
    )


async def _offer(conn: Any, lead_id: str, most: int, decision: Decision, opening: Opening, now: datetime) -> None:
    """To the best of those who lack no more than the best does."""
    able = [score.rep_id for score in decision.scores if set(score.refused) <= set(decision.gave_up)]
    for rep_id in able[:most]:
        await conn.execute(
            "insert into offer (lead_id, rep_id, level, kind, asked_at) values ($1, $2, 1, 'claim', $3)",
            lead_id, rep_id, max(now, opening.open_at),
        )  # fmt: skip
        await put_notice(
            conn, audience="rep", kind="claim_offer", at=now, lead_id=lead_id, rep_id=rep_id, due=opening.due,
            dedupe=f"{lead_id}:claim:{rep_id}",
        )  # fmt: skip
    await tell_story(conn, lead_id, kind="offered", at=now, data={"reps": able[:most]}, dedupe="offered")


async def _new_deadline(conn: Any, lead_id: str, due: datetime | None) -> None:
    """Who was offered the lead is offered it still, by the same notice: it may have become hotter."""
    await conn.execute(
        """update notice set due_at = $2 where lead_id = $1 and kind = 'claim_offer' and seen_wall is null
               and due_at is distinct from $2""",
        lead_id, due,
    )  # fmt: skip


async def assign(conn: Any, lead_id: str, rep_id: str, now: datetime) -> str:
    """Gives the lead to the rep unless it has an owner; answers the owner.

    Raises LookupError when the rep is full or has no share of the leads.
    """
    owner: str | None = await conn.fetchval("select owner_id from lead where id = $1 for no key update", lead_id)
    if owner is not None:
        return owner
    if await _is_offered(conn, lead_id):
        raise LookupError(f"lead {lead_id}: it is offered to several, and the first who accepts has it")
    await lock_routing(conn)
    if not await has_room(conn, rep_id):
        raise LookupError(f"rep {rep_id}: no capacity left")
    if not await conn.fetchval("select weight > 0 and not manager from rep where id = $1", rep_id):
        raise LookupError(f"rep {rep_id}: no share of the leads")
    await own(conn, lead_id, rep_id, now, "assigned", None)
    return rep_id


async def reassign(
    conn: Any, lead_id: str, rep_id: str, now: datetime, reason: str, expected_owner: str | None = None
) -> None:
    """A person's decision: a capacity does not stand in its way, and nobody is asked to take it.

    `expected_owner`: who has the lead while it is given; asked again, the answer is the same. Raises LookupError.
    """
    owner = await conn.fetchval("select owner_id from lead where id = $1 for no key update", lead_id)
    if expected_owner is not None and owner not in (expected_owner, rep_id):
        raise MovedOn("moved_on, the lead is with somebody else by now and stays there")
    await lock_routing(conn)
    # locked: whoever leaves at this moment has left before this is decided, or leaves with this lead to hand over
    if not await conn.fetchval("select active from rep where id = $1 for no key update", rep_id):
        raise LookupError(f"rep {rep_id}: there is no such active rep")
    await own(conn, lead_id, rep_id, now, "reassigned", reason)
    await conn.execute("update lead set accepted_at = $2 where id = $1", lead_id, now)
    await conn.execute(
        "update offer set ended_at = $2, result = 'reassigned' where lead_id = $1 and ended_at is null", lead_id, now
    )


async def has_room(conn: Any, rep_id: str) -> bool:
    """Fewer open leads than their capacity? True for as long as the routing lock is held."""
    return bool(
        await conn.fetchval(
            """select capacity > (select count(*) from lead where owner_id = $1 and closed_at is null
                   and program is null) from rep where id = $1 and active""",
            rep_id,
        )
    )


async def lock_routing(conn: Any) -> None:
    await conn.execute("select pg_advisory_xact_lock($1)", _ROUTING)


async def own(conn: Any, lead_id: str, rep_id: str, now: datetime, kind: str, reason: str | None) -> None:
    await conn.execute(
        """update lead set owner_id = $2, assigned_at = coalesce(assigned_at, $3), deal_at = null,
               stage = case when stage in ('new', 'acknowledged') then 'assigned' else stage end where id = $1""",
        lead_id, rep_id, now,
    )  # fmt: skip
    await conn.execute("update rep set last_assigned_wall = clock_timestamp() where id = $1", rep_id)
    await tell_story(conn, lead_id, kind=kind, at=now, reason=reason, data={"rep_id": rep_id})


async def keep(
    conn: Any, lead_id: str, inquiry_number: int, rep_id: str | None, reason: str, decision: Decision | None,
    weights: Mapping[str, float], now: datetime, peak: str | None = None,
) -> None:  # fmt: skip
    await conn.execute(
        """insert into assignment (lead_id, inquiry_number, rep_id, reason, gave_up, weights, candidates, at, peak)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           on conflict (lead_id, inquiry_number, rep_id) do update set candidates = excluded.candidates,
               weights = excluded.weights, peak = excluded.peak, at = excluded.at""",
        lead_id, inquiry_number, rep_id, reason, list(decision.gave_up) if decision else [], dict(weights),
        [_row(score) for score in decision.scores] if decision else [], now, peak,
    )  # fmt: skip


def _row(score: Score) -> dict[str, object]:
    return {"rep": score.rep_id, "score": score.total, **score.parts, "no": list(score.refused)}


async def tell_owner(conn: Any, lead_id: str, number: int, rep_id: str, due: datetime | None, now: datetime) -> None:
    await put_notice(
        conn, audience="rep", kind="new_lead" if number == 1 else "new_inquiry", at=now, lead_id=lead_id,
        rep_id=rep_id, due=due, dedupe=f"{lead_id}:assigned:{rep_id}:{number}",
    )  # fmt: skip


async def _nobody(conn: Any, lead_id: str, number: int, due: datetime | None, now: datetime) -> None:
    await put_notice(
        conn, audience="manager", kind="nobody_available", at=now, lead_id=lead_id, due=due,
        dedupe=f"{lead_id}:nobody:{number}",
    )  # fmt: skip


async def _hold(conn: Any, lead_id: str, hold: Hold, now: datetime) -> None:
    await conn.execute("update lead set deal_at = $2 where id = $1", lead_id, hold.until)
    await tell_story(
        conn, lead_id, kind="held", at=now, reason=hold.reason, data={"until": hold.until.isoformat()},
        dedupe=f"held:{hold.reason}:{hold.until.isoformat()}",
    )  # fmt: skip
