"""A merge is undone: the entry that had gone is there again, with what was its own (limits: docs/duplicates.md).

What hangs on a lead that goes back goes with it; whatever else came since stays with the entry that had stayed. An
opt-out that was said since holds for both: nobody knows whose it was.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from speedlead.contracts import OptOutSignal, ReplanSignal
from speedlead.ports import Clock
from speedlead.store.merging import MergeRefused
from speedlead.store.reach import lock_numbers_of
from speedlead.store.rows import put_message
from speedlead.store.story import tell_story

# its workflow has heard of its end by then, and is over
_OVER_AFTER = timedelta(seconds=60)

_MERGE = """
select m.*, exists (select from merge later where later.kept_id = m.kept_id and later.number > m.number
        and later.undone_wall is null) as built_upon
from merge m where m.id = $1"""

# whoever is written to as well, in the order of their ids
_LOCK = "select id, erased_wall is not null as erased from person where id = any($1::uuid[]) order by id for update"

# $1: what was written down; $2: the entry that goes back; $3: the one that stays
# of what is written otherwise since (store/hygiene_repairs.py)
_REPAIRED = """person_id = $3 and undone_wall is null and at_wall >= ($1::jsonb ->> 'merged_wall')::timestamptz and (
    what = 'email' and $1::jsonb -> 'emails' ? before or what = 'phone' and exists (
        select from jsonb_array_elements($1::jsonb -> 'phones') x where x ->> 'number' = before)
        and not exists (select from jsonb_array_elements($1::jsonb -> 'shared') x where x ->> 'number' = before))"""
_LEADS = """(select x::uuid from jsonb_array_elements_text($1::jsonb -> 'leads') x)"""
_BACK = (
    """insert into person (id, name, company, created_at) select id, name, company, created_at
       from jsonb_to_record($1::jsonb -> 'person') as p (id uuid, name text, company text, created_at timestamptz)
       where id = $2 and $3::uuid is not null""",
    # what somebody has put right since stays as it is now
    """update person k set
           name = case when k.name is not distinct from coalesce(b.name, g.name) then b.name else k.name end,
           company = case when k.company is not distinct from coalesce(b.company, g.company) then b.company
               else k.company end
       from jsonb_to_record($1::jsonb -> 'kept') as b (name text, company text), person g
       where k.id = $3 and g.id = $2""",
    f"""update person_email set person_id = $2 where person_id = $3
           and address in (select jsonb_array_elements_text($1::jsonb -> 'emails')
               union all select after from hygiene_repair where {_REPAIRED})""",  # noqa: S608
    f"""update person_phone set person_id = $2 where person_id = $3
           and number in (select x ->> 'number' from jsonb_array_elements($1::jsonb -> 'phones') x
               union all select after from hygiene_repair where {_REPAIRED})
           and number not in (select x ->> 'number' from jsonb_array_elements($1::jsonb -> 'shared') x)""",  # noqa: S608
    f"update hygiene_repair set person_id = $2 where {_REPAIRED}",  # noqa: S608
    # a number that both had: each as it was, and what was found wrong with it since is wrong for both
    """insert into person_phone (number, person_id, verified, bad_reason, sms_bad_reason, created_at)
       select s.number, $2, g.verified,
           case when n.bad_reason is not distinct from coalesce(s.bad_reason, g.bad_reason) then g.bad_reason
               else n.bad_reason end,
           case when n.sms_bad_reason is not distinct from coalesce(s.sms_bad_reason, g.sms_bad_reason)
               then g.sms_bad_reason else n.sms_bad_reason end, g.created_at
       from jsonb_to_recordset($1::jsonb -> 'shared') as s (number text, bad_reason text, sms_bad_reason text)
       join jsonb_to_recordset($1::jsonb -> 'phones') as g (number text, verified bool, bad_reason text,
           sms_bad_reason text, created_at timestamptz) on g.number = s.number
       join person_phone n on n.number = s.number and n.person_id = $3""",
    """update person_phone n set
           verified = case when n.verified = (s.verified or g.verified) then s.verified else n.verified end,
           bad_reason = case when n.bad_reason is not distinct from coalesce(s.bad_reason, g.bad_reason)
               then s.bad_reason else n.bad_reason end,
           sms_bad_reason = case when n.sms_bad_reason is not distinct from coalesce(s.sms_bad_reason, g.sms_bad_reason)
               then s.sms_bad_reason else n.sms_bad_reason end, created_at = s.created_at
       from jsonb_to_recordset($1::jsonb -> 'shared') as s (number text, verified bool, bad_reason text,
           sms_bad_reason text, created_at timestamptz)
       join jsonb_to_recordset($1::jsonb -> 'phones') as g (number text, verified bool, bad_reason text,
           sms_bad_reason text) on g.number = s.number
       where n.number = s.number and n.person_id = $3 and $2::uuid is not null""",
    # a program that began from one of these leads since goes with it
    f"update lead set person_id = $2 where person_id = $3 and (id in {_LEADS} or follows in {_LEADS})",  # noqa: S608
    "update touch set person_id = $2 where person_id = $3 and lead_id in (select id from lead where person_id = $2) "
    "and $1::jsonb is not null",
    "update inquiry set person_id = $2 where person_id = $3 and lead_id in (select id from lead where person_id = $2) "
    "and $1::jsonb is not null",
    """update reply set person_id = $2 where person_id = $3 and (lead_id in (select id from lead where person_id = $2)
           or id in (select x::uuid from jsonb_array_elements_text($1::jsonb -> 'replies') x))""",
    """update merge set person_id = $2 where person_id = $3
           and id in (select x::uuid from jsonb_array_elements_text($1::jsonb -> 'merges') x)""",
    """update hygiene_repair set person_id = $2 where person_id = $3
           and id in (select x::uuid from jsonb_array_elements_text($1::jsonb -> 'repairs') x)""",
    # whoever pointed to the one or was pointed to, if all of them are still there
    """update person p set possible_duplicate_of = $2 where possible_duplicate_of is not distinct from nullif($3, p.id)
           and id in (select x::uuid from jsonb_array_elements_text($1::jsonb -> 'pointing') x)""",
    """update person p set possible_duplicate_of = o.id from person o where p.id = $2 and $3::uuid is not null
           and o.id = ($1::jsonb -> 'person' ->> 'possible_duplicate_of')::uuid""",
    # said since the merge: for both. What was there before goes back to whom it was of, unless it was said again
    """insert into suppression (person_id, channel, reason, source, at, merged)
       select $2, s.channel, s.reason, s.source, s.at, s.merged
       from jsonb_to_recordset($1::jsonb -> 'suppressed') as s (channel text, reason text, source text, at timestamptz,
           merged uuid) where $3::uuid is not null""",
    """insert into suppression (person_id, channel, reason, source, at)
       select $2, s.channel, s.reason, s.source, s.at from suppression s
       where s.person_id = $3 and s.merged is null and $1::jsonb is not null
       on conflict (person_id, channel) do update set merged = null, source = excluded.source, at = excluded.at""",
    """update suppression s set merged = b.merged
       from jsonb_to_recordset($1::jsonb -> 'suppressed_kept') as b (channel text, merged uuid)
       where s.person_id = $3 and s.channel = b.channel and s.merged = ($1::jsonb ->> 'merge')::uuid
           and $2::uuid is not null""",
    """delete from suppression where person_id = $3 and merged = ($1::jsonb ->> 'merge')::uuid
           and $2::uuid is not null""",
    # what the one that stays was kept apart from for the other's sake
    """delete from duplicate d using jsonb_array_elements_text($1::jsonb -> 'dismissed') x
       where d.one_id = least($3, x::uuid) and d.other_id = greatest($3, x::uuid) and d.state = 'dismissed'
           and d.decided_wall <= ($1::jsonb ->> 'merged_wall')::timestamptz
           and not $1::jsonb -> 'dismissed_kept' ? x and $2::uuid is not null""",
    """insert into duplicate (one_id, other_id, score, reasons, state, found_wall, seen_wall, decided_wall)
       select least($2, x::uuid), greatest($2, x::uuid), 0, '{}', 'dismissed', w.at, w.at, w.at
       from jsonb_array_elements_text($1::jsonb -> 'dismissed') x join person p on p.id = x::uuid
       cross join (select ($1::jsonb ->> 'wall')::timestamptz as at) w where x::uuid <> $3
       on conflict do nothing""",
    # they are two, somebody says so
    """insert into duplicate (one_id, other_id, score, reasons, state, found_wall, seen_wall, decided_wall)
       select least($2::uuid, $3), greatest($2, $3), 0, '{}', 'dismissed', w.at, w.at, w.at
       from (select ($1::jsonb ->> 'wall')::timestamptz as at) w
       on conflict (one_id, other_id) do update set state = 'dismissed', decided_wall = excluded.decided_wall""",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unmerged:
    """`leads`: that went back; `reopened`: the one that the merge had ended; `told`: leads with a message now."""

    kept_id: str
    gone_id: str
    leads: tuple[str, ...]
    reopened: str | None
    told: tuple[str, ...]


async def undo(conn: Any, clock: Clock, merge_id: str) -> Unmerged:
    """The caller holds the transaction. Raises MergeRefused."""
    kept_id, found = await _may_be_undone(conn, merge_id)
    wall, moved, gone_id = clock.wall(), found["moved"], found["gone_id"]
    closed = moved.get("closed")
    await conn.fetch("select id from lead where person_id = $1 order by id for update", kept_id)
    if closed is not None:
        await _is_over(conn, closed, wall)
    await lock_numbers_of(conn, kept_id)
    arguments = moved | {"merge": merge_id, "merged_wall": found["at_wall"].isoformat(), "wall": wall.isoformat()}
    for statement in _BACK:
        await conn.execute(statement, arguments, gone_id, kept_id)
    # what was written down is of somebody else again, and has nothing to do with an erasure of this one
    await conn.execute("update merge set undone_wall = $2, moved = null where id = $1", merge_id, wall)
    reopened = await _open_again(conn, clock, closed, gone_id, kept_id) if closed is not None else None
    told = [reopened] if reopened is not None else []
    for person_id in (kept_id, gone_id):
        lead = await conn.fetchrow(
            """select id, clock_offset_us, closed_at from lead where person_id = $1
               order by closed_at is not null, created_at desc limit 1""",
            person_id,
        )
        if lead is None:
            continue
        at = clock.business(lead["clock_offset_us"])
        await tell_story(conn, lead["id"], kind="merge_undone", at=at, reason="other_person", data={"merge": merge_id})
        if lead["closed_at"] is None:
            told += await _tell_open(conn, lead["id"], person_id)
    leads = await conn.fetch("select id from lead where person_id = $1", gone_id)
    return Unmerged(kept_id, gone_id, tuple(row["id"] for row in leads), reopened, tuple(dict.fromkeys(told)))


async def _may_be_undone(conn: Any, merge_id: str) -> tuple[str, Any]:
    """(the entry that has stayed, locked; the merge). What was read before the lock is read again after it."""
    found = await conn.fetchrow(_MERGE, merge_id)
    if found is None:
        raise MergeRefused(f"merge {merge_id}: there is no such merge")
    moved = found["moved"] or {}
    kin = [*moved.get("pointing", ()), *moved.get("dismissed", ())]
    rows = await conn.fetch(_LOCK, [found["person_id"], *kin])
    erased = any(row["erased"] for row in rows if row["id"] == found["person_id"])
    found = await conn.fetchrow(_MERGE, merge_id)
    if found["undone_wall"] is not None:
        raise MergeRefused("it was undone before")
    if erased or found["moved"] is None:
        raise MergeRefused("the person was erased since: nothing is left to put back")
    if found["person_id"] != found["kept_id"]:
        raise MergeRefused("the one that had stayed is part of another entry since: undo that merge first")
    if found["built_upon"]:
        raise MergeRefused("another entry became part of the same one since: undo that merge first")
    return found["kept_id"], found


async def _is_over(conn: Any, closed: dict[str, Any], wall: datetime) -> None:
    heard = await conn.fetchval("select delivered_wall from message where id = $1", closed["message"])
    known = await conn.fetchval("select exists (select from message where id = $1)", closed["message"])
    if known and (heard is None or heard > wall - _OVER_AFTER):
        raise MergeRefused("the lead that it ended is still ending: try again in a minute")


async def _open_again(conn: Any, clock: Clock, closed: dict[str, Any], gone_id: str, kept_id: str) -> str | None:
    """The lead that the merge had ended, unless its person has another open one by now; its workflow begins anew."""
    lead_id = closed["lead"]
    row = await conn.fetchrow(
        "select person_id, closed_at, close_reason, clock_offset_us from lead where id = $1", lead_id
    )
    taken = "select exists (select from lead where person_id = $1 and closed_at is null)"
    if row is None or row["close_reason"] != "duplicate" or await conn.fetchval(taken, row["person_id"]):
        return None
    await conn.execute("delete from outcome where id = $1", closed["outcome"])
    await conn.execute("delete from story where lead_id = $1 and dedupe = 'closed'", lead_id)
    await conn.execute(
        """update lead l set closed_at = null, close_reason = null, stage = b.stage, plan_stopped = b.plan_stopped,
               decided_at = b.decided_at, next_step = b.next_step, next_touch_at = b.next_touch_at,
               next_why = b.next_why
           from jsonb_to_record($2::jsonb) as b (stage text, plan_stopped text, decided_at timestamptz, next_step text,
               next_touch_at timestamptz, next_why text) where l.id = $1""",
        lead_id, closed["row"],
    )  # fmt: skip
    await conn.execute(
        """update touch t set state = 'deferred', reason = b.reason, settled_at = null, next_at = b.next_at,
               reasons = array(select jsonb_array_elements_text(b.reasons))
           from jsonb_to_recordset($1::jsonb) as b (id text, reason text, reasons jsonb, next_at timestamptz)
           where t.id = b.id and t.state = 'skipped' and t.reason = 'lead_closed'""",
        closed["put_off"],
    )
    # there is no workflow any more: the message begins one from the rows (relay.py)
    await put_message(conn, lead_id, "replan", ReplanSignal(reason="merge_undone"))
    return str(lead_id)


async def _tell_open(conn: Any, lead_id: str, person_id: str) -> list[str]:
    """A lead that ran all the time may not know of an opt-out that holds for its person now."""
    channels = [
        row["channel"] for row in await conn.fetch("select channel from suppression where person_id = $1", person_id)
    ]
    for channel in channels:
        await put_message(conn, lead_id, "opt_out", OptOutSignal(scope=channel))
    return [lead_id] if channels else []
