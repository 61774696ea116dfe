"""Two entries of one person become one; the transaction writes down all it takes to undo it (docs/duplicates.md).

The row that goes is deleted: whoever was about to write for it meets nothing, looks again, and finds the one that has
stayed. Locks as everywhere: people (in the order of their ids), their leads, their numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from speedlead import ids
from speedlead.contracts import OptOutSignal, OutcomeSignal, Reach
from speedlead.domain.duplicates import BothInTalk, OpenLead, to_close
from speedlead.domain.outcomes import Outcome
from speedlead.domain.steering import CORRECT
from speedlead.ports import Clock
from speedlead.store.reach import lock_numbers_of
from speedlead.store.rows import put_message, put_notice, reach_of
from speedlead.store.steering import Wanted, begin_run
from speedlead.store.story import tell_story
from speedlead.store.sweeping import end_touches

REASON = "duplicate"
# seconds; an inquiry that is younger is still being answered
_ANSWERED_BY = 120.0

# With whoever points to one of them, or was looked at beside one: their rows are written as well, and who waited for
# them later would hold numbers that their claims wait for.
_LOCK = """
select id, erased_wall is not null as erased from person where id in (
    select unnest($1::uuid[]) union all select id from person where possible_duplicate_of = any($1::uuid[])
    union all select one_id from duplicate where other_id = any($1::uuid[]) and state = 'dismissed'
    union all select other_id from duplicate where one_id = any($1::uuid[]) and state = 'dismissed')
order by id for update"""

_OPEN = """
select l.*, exists (select from inquiry i where i.lead_id = l.id
        and extract(epoch from $2 - i.submitted_wall) < $3) as fresh,
    exists (select from reply y where y.lead_id = l.id and not y.automatic and y.answered_at is null) as answer_owed,
    exists (select from touch t where t.lead_id = l.id and t.channel = 'call' and t.state = 'claimed') as calling
from lead l where l.person_id = any($1::uuid[]) and l.closed_at is null order by l.id for update"""

# what is written down of the entry that goes; addresses are moved by their value, all the rest by its id
_GONE = """
select jsonb_build_object('id', p.id, 'name', p.name, 'company', p.company, 'created_at', p.created_at,
        'possible_duplicate_of', p.possible_duplicate_of) as person,
    (select jsonb_build_object('name', k.name, 'company', k.company, 'possible_duplicate_of', k.possible_duplicate_of)
        from person k where k.id = $2) as kept,
    array(select id::text from lead where person_id = p.id) as leads,
    array(select id::text from reply where person_id = p.id and lead_id is null) as replies,
    array(select address from person_email where person_id = p.id) as emails,
    coalesce((select jsonb_agg(to_jsonb(n) - 'person_id') from person_phone n where n.person_id = p.id), '[]')
        as phones,
    coalesce((select jsonb_agg(to_jsonb(k) - 'person_id') from person_phone k join person_phone n
        on n.number = k.number and n.person_id = p.id where k.person_id = $2), '[]') as shared,
    coalesce((select jsonb_agg(to_jsonb(s) - 'person_id') from suppression s where s.person_id = p.id), '[]')
        as suppressed,
    coalesce((select jsonb_agg(to_jsonb(s) - 'person_id') from suppression s where s.person_id = $2), '[]')
        as suppressed_kept,
    array(select id::text from person where possible_duplicate_of = p.id) as pointing,
    array(select id::text from merge where person_id = p.id) as merges,
    array(select id::text from hygiene_repair where person_id = p.id) as repairs,
    array(select case when one_id = p.id then other_id else one_id end::text from duplicate
        where p.id in (one_id, other_id) and state = 'dismissed') as dismissed,
    array(select case when one_id = $2 then other_id else one_id end::text from duplicate
        where $2 in (one_id, other_id) and state = 'dismissed') as dismissed_kept
from person p where p.id = $1"""

# $1: the entry that goes; $2: the one that stays
MOVE = (
    """update person k set name = coalesce(k.name, g.name), company = coalesce(k.company, g.company),
           possible_duplicate_of = nullif(k.possible_duplicate_of, g.id)
       from person g where k.id = $2 and g.id = $1""",
    "update person_email set person_id = $2 where person_id = $1",
    # of a number that both have: what one of them has learned of it holds
    """update person_phone k set verified = k.verified or g.verified, bad_reason = coalesce(k.bad_reason, g.bad_reason),
           sms_bad_reason = coalesce(k.sms_bad_reason, g.sms_bad_reason), created_at = least(k.created_at, g.created_at)
       from person_phone g where g.person_id = $1 and k.person_id = $2 and k.number = g.number""",
    """delete from person_phone g where g.person_id = $1
           and exists (select from person_phone k where k.person_id = $2 and k.number = g.number)""",
    "update person_phone set person_id = $2 where person_id = $1",
    "update touch set person_id = $2 where person_id = $1",
    "update reply set person_id = $2 where person_id = $1",
    "update inquiry set person_id = $2 where person_id = $1",
    "update lead set person_id = $2 where person_id = $1",
    "update merge set person_id = $2 where person_id = $1",
    "update hygiene_repair set person_id = $2 where person_id = $1",
    "update person set possible_duplicate_of = nullif($2, id) where possible_duplicate_of = $1",
    # a pair that somebody has looked at stays looked at
    """insert into duplicate (one_id, other_id, score, reasons, state, found_wall, seen_wall, decided_wall)
       select least(x.id, $2), greatest(x.id, $2), d.score, d.reasons, 'dismissed', d.found_wall, d.seen_wall,
           d.decided_wall
       from duplicate d cross join lateral (select case when d.one_id = $1 then d.other_id else d.one_id end as id) x
       where $1 in (d.one_id, d.other_id) and d.state = 'dismissed' and x.id <> $2
       on conflict (one_id, other_id) do update set state = 'dismissed', decided_wall = excluded.decided_wall""",
)
# whoever says one of these again, whichever of the two, says it for both
_KEPT_OPT_OUTS = "update suppression set merged = $2 where person_id = $1 and merged is null"
_OPT_OUTS = """
insert into suppression (person_id, channel, reason, source, at, merged)
select $2, channel, reason, source, at, $3 from suppression where person_id = $1
on conflict do nothing returning channel"""


class MergeRefused(ValueError):
    """Nothing was changed; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`keep`: which of the two stays; None: the one that is older. `role`: as in the audit."""

    one: str
    other: str
    keep: str | None = None
    account_id: str | None = None
    role: str = "ops"
    by_rule: bool = False


@dataclass(frozen=True, slots=True)
class Merged:
    """`lead_id`: the newest of the one that has stayed; `told`: leads that have a message to their workflow."""

    merge_id: str
    kept_id: str
    gone_id: str
    lead_id: str | None
    closed: str | None
    told: tuple[str, ...]


async def merge(conn: Any, clock: Clock, asked: Asked) -> Merged:
    """The caller holds the transaction. Raises MergeRefused."""
    kept_id, gone_id = await _who_stays(conn, asked)
    wall = clock.wall()
    leads = await conn.fetch(_OPEN, [kept_id, gone_id], wall, _ANSWERED_BY)
    ends = _which_ends(leads)
    await lock_numbers_of(conn, kept_id, gone_id)
    merge_id = ids.new_id()
    found = await conn.fetchrow(_GONE, gone_id, kept_id)
    moved: dict[str, Any] = {name: _plain(value) for name, value in found.items()}
    before = {lead["id"]: await reach_of(conn, lead["id"]) for lead in leads}
    told = []
    if ends is not None:
        moved["closed"] = await _close(conn, ends, clock)
        told.append(ends)
    await conn.execute(_KEPT_OPT_OUTS, kept_id, merge_id)
    opt_outs = [row["channel"] for row in await conn.fetch(_OPT_OUTS, gone_id, kept_id, merge_id)]
    for statement in MOVE:
        await conn.execute(statement, gone_id, kept_id)
    await conn.execute("delete from suppression where person_id = $1", gone_id)
    # proposals of the one that goes are found anew for the one that stays
    await conn.execute("delete from person where id = $1", gone_id)
    newest = await conn.fetchrow(
        """select id, clock_offset_us, owner_id, closed_at from lead where person_id = $1
           order by closed_at is not null, created_at desc limit 1""",
        kept_id,
    )
    at = clock.business(newest["clock_offset_us"] if newest else 0)
    await conn.execute(
        """insert into merge (id, kept_id, gone_id, person_id, at, at_wall, by_rule, account_id, role, moved)
           values ($1, $2, $3, $2, $4, $5, $6, $7, $8, $9)""",
        merge_id, kept_id, gone_id, at, wall, asked.by_rule, asked.account_id, asked.role, moved,
    )  # fmt: skip
    if newest is not None:
        await tell_story(conn, newest["id"], kind="merged", at=at, reason="same_person", data={"merge": merge_id})
        if newest["closed_at"] is None:
            told += await _tell_open(conn, newest["id"], opt_outs, before, asked, wall)
            if ends is not None:
                await put_notice(
                    conn, audience="rep" if newest["owner_id"] else "manager", kind="leads_joined", at=at,
                    lead_id=newest["id"], rep_id=newest["owner_id"], reason="same_person",
                    dedupe=f"leads_joined:{merge_id}",
                )  # fmt: skip
    lead_id = newest["id"] if newest is not None else None
    return Merged(merge_id, kept_id, gone_id, lead_id, ends, tuple(dict.fromkeys(told)))


async def _who_stays(conn: Any, asked: Asked) -> tuple[str, str]:
    """(stays, goes), locked."""
    if asked.one == asked.other:
        raise MergeRefused("expected two different people")
    if asked.keep not in (None, asked.one, asked.other):
        raise MergeRefused("keep: expected one of the two people")
    rows = await conn.fetch(_LOCK, [asked.one, asked.other])
    erased = {row["id"]: row["erased"] for row in rows if row["id"] in (asked.one, asked.other)}
    if len(erased) < 2:
        raise MergeRefused("one of the two is not there any more: it was erased, or is part of another entry")
    if any(erased.values()):
        raise MergeRefused("one of the two was erased")
    rows = await conn.fetch(
        "select id from person where id = any($1::uuid[]) order by id is distinct from $2, created_at, id",
        [asked.one, asked.other], asked.keep,
    )  # fmt: skip
    return rows[0]["id"], rows[1]["id"]


def _which_ends(leads: list[Any]) -> str | None:
    if any(lead["calling"] for lead in leads):
        raise MergeRefused("a call to one of the two is being made at this moment: try again when it is over")
    try:
        ends = to_close(
            OpenLead(lead["id"], lead["stage"], lead["created_at"], lead["program"], lead["answer_owed"])
            for lead in leads
        )
    except BothInTalk:
        raise MergeRefused(
            "both have a lead that is with somebody of ours: log an outcome of one of them first"
        ) from None
    if any(lead["id"] == ends and lead["fresh"] and lead["program"] is None for lead in leads):
        raise MergeRefused("an inquiry of the lead that would end is being answered: try again in two minutes")
    return ends


async def _close(conn: Any, lead_id: str, clock: Clock) -> dict[str, Any]:
    """Ends the lead as a duplicate, as `programs.leave` ends a program; what it takes to open it again."""
    row = await conn.fetchrow("select * from lead where id = $1", lead_id)
    at = clock.business(row["clock_offset_us"])
    put_off = await conn.fetch(
        """select id, reason, reasons, next_at from touch
           where lead_id = $1 and state = 'deferred' and doubted_wall is null""",
        lead_id,
    )
    outcome_id = ids.new_id()
    if row["program"] is None:  # as if somebody had logged it: figures leave duplicates out (docs/metrics.md)
        await conn.execute(
            "insert into outcome (id, lead_id, outcome, reason, at) values ($1, $2, $3, $4, $5)",
            outcome_id, lead_id, Outcome.UNQUALIFIED, REASON, at,
        )  # fmt: skip
    await conn.execute(
        """update lead set closed_at = $2, close_reason = $3, stage = 'closed', next_step = null, next_touch_at = null,
               next_why = null, plan_stopped = coalesce(plan_stopped, $3), decided_at = coalesce(decided_at, $2)
           where id = $1""",
        lead_id, at, REASON,
    )  # fmt: skip
    await end_touches(conn, lead_id, at)
    await tell_story(conn, lead_id, kind="closed", at=at, reason=REASON, dedupe="closed")
    message = OutcomeSignal(outcome=Outcome.UNQUALIFIED, reason=REASON)
    message_id = await put_message(conn, lead_id, "outcome", message)
    kept = ("stage", "plan_stopped", "decided_at", "next_step", "next_touch_at", "next_why")
    return {
        "lead": lead_id, "outcome": outcome_id, "message": message_id,
        "row": {name: _plain(row[name]) for name in kept},
        "put_off": [{name: _plain(value) for name, value in touch.items()} for touch in put_off],
    }  # fmt: skip


async def _tell_open(
    conn: Any, lead_id: str, opt_outs: list[Literal["all", "call", "sms", "email"]], before: Mapping[str, Reach],
    asked: Asked, wall: datetime,
) -> list[str]:  # fmt: skip
    """The lead that goes on hears of opt-outs and of other ways to reach the person; whether it has a message now."""
    if "all" in opt_outs:
        await conn.execute("update lead set plan_stopped = 'opted_out' where id = $1", lead_id)
    for channel in opt_outs:
        await put_message(conn, lead_id, "opt_out", OptOutSignal(scope=channel))
    reach = await reach_of(conn, lead_id)
    if before.get(lead_id) != reach:
        item = {lead_id: {"reach": reach.model_dump(mode="json")}}
        fields = {"fields": "email phone"}
        wanted = Wanted(CORRECT, fields, "the same person", item, {}, asked.role, asked.account_id, background=True)
        await begin_run(conn, wanted, wall)
    return [lead_id] if opt_outs else []


def _plain(value: Any) -> Any:
    """As JSON keeps it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, (list, tuple)) else value
