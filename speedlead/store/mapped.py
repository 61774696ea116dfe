"""What other systems tell by mappings: whose it is, by which id they know it, and what became of what they sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from speedlead.domain.outcomes import Outcome
from speedlead.store.rows import lock_person, newest_lead

PROVIDER = "mapping"
# what waits for this is nobody's fault: the lead may be on its way, or may never come
# a person changes a lead a few times a day, and the systems repeat that
MOST_A_DAY = 12
ECHO_WITHIN = timedelta(hours=1)
NO_LEAD = "no lead of ours has this id, address or number"


# as the bookkeeping's file finds it (store/ledger.py): the newest by then that was won, else the newest
_PAID_BY = """
select l.id::text from lead l where l.person_id = $1 and l.created_at < $2::date + 1 and l.program is null
order by exists (select from outcome w where w.lead_id = l.id and w.outcome = 'converted') desc, l.created_at desc
limit 1
"""


async def lead_of(
    conn: Any, system: str, lead_id: str | None, external_id: str | None, email: str | None, phone: str | None, *,
    paid_on: date | None = None,
) -> str | None:  # fmt: skip
    """The lead with our id; else of the person to whom their id, the address or the number leads, the first that does.

    Of a person it is the open lead, else the newest; of a payment the one by that day that was won, else the newest.
    Won later counts as well: an invoice may be paid before somebody logs the sale. Whoever is erased is nobody.
    """
    found = """
        select f.id, f.person_id, f.how from (
            select id::text, person_id, 1 as how from lead where id = $1::text::uuid
            union all select null, l.person_id, 2 from external_ref r join lead l on l.id = r.lead_id
                where r.system = $2 and r.external_id = $3
            union all select null, person_id, 3 from person_email where address = $4
            union all (select null, person_id, 4 from person_phone where number = $5 limit 2)) f
        join person p on p.id = f.person_id where p.erased_wall is null"""
    rows = await conn.fetch(found, lead_id, system, external_id, email, phone)
    best = min((row["how"] for row in rows), default=0)
    people = {row["person_id"]: row["id"] for row in rows if row["how"] == best}
    if len(people) != 1:  # a number of several people says nothing
        return None
    ((person_id, exactly),) = people.items()
    if exactly is not None:
        return str(exactly)
    if paid_on is not None:
        paid_by: str | None = await conn.fetchval(_PAID_BY, person_id, paid_on)
        return paid_by
    lead = await newest_lead(conn, person_id)
    return None if lead is None else str(lead["id"])


async def remember(conn: Any, system: str, external_id: str, lead_id: str, wall: datetime) -> None:
    await conn.execute(
        """insert into external_ref (system, external_id, lead_id, seen_wall) values ($1, $2, $3, $4)
           on conflict (system, external_id) do update
               set lead_id = excluded.lead_id, seen_wall = excluded.seen_wall""",
        system, external_id, lead_id, wall,
    )  # fmt: skip


async def wake(conn: Any, about: Sequence[str], wall: datetime) -> None:
    """A lead has come: what waits for one that these name is acted on at once, in the order in which it came."""
    await conn.execute(
        """update webhook set state = 'waiting', tries = 0, next_try_wall = least(received_wall, $2)
           where provider = 'mapping' and state <> 'done' and reason = $3 and about && $1""",
        list(about), wall, NO_LEAD,
    )  # fmt: skip


async def note(conn: Any, digest: str, text: str | None, lead_id: str | None) -> None:
    """What became of a request that is kept, beside what is noted of its other parts.

    With the lead, so that whoever is erased is erased there too.
    """
    await conn.execute(
        """update webhook set
               note = case when $2::text is null or strpos(coalesce(note, ''), $2) > 0 then note
                   else left(concat_ws('; ', note, $2), 600) end,
               about = case when $3::text is null or $3 = any(about) then about else about || $3::text end
           where digest = $1""",
        digest, text and text[:300], lead_id,
    )  # fmt: skip


async def rep_of(conn: Any, email: str) -> str | None:
    found: str | None = await conn.fetchval("select id::text from rep where lower(email) = $1 and active", email)
    return found


async def is_logged(conn: Any, outcome_id: str) -> bool:
    return bool(await conn.fetchval("select exists (select from outcome where id = $1)", outcome_id))


async def is_ahead(conn: Any, lead_id: str, at: datetime) -> bool:
    """Is this instant, without the lead's own offset, before there was the lead?"""
    ahead = "select created_at > $2::timestamptz + clock_offset_us * interval '1 microsecond' from lead where id = $1"
    return bool(await conn.fetchval(ahead, lead_id, at))


async def same_outcome(conn: Any, lead_id: str, outcome: str, until: datetime | None, scope: str) -> bool:
    """Is this what the lead's newest outcome says already? Systems that tell each other of it would never end.

    The person is locked from here on, so that two who say the same at once are one after the other.
    """
    person_id = await conn.fetchval("select person_id from lead where id = $1", lead_id)
    await lock_person(conn, person_id)
    if outcome == Outcome.DO_NOT_CONTACT:
        stands = "select exists (select from suppression where person_id = $1 and channel in ('all', $2))"
        return bool(await conn.fetchval(stands, person_id, scope))
    return bool(
        await conn.fetchval(
            # whoever says no moment knows of none, and takes none away
            """select outcome = $2 and ($3::timestamptz is null or until_at is not distinct from $3) from outcome
               where lead_id = $1 and outcome is not null order by at desc, id desc limit 1""",
            lead_id, outcome, until,
        )
    )  # fmt: skip


async def circles(
    conn: Any, lead_id: str, role: str, outcome: Outcome | None, wall: datetime
) -> Literal["told_back", "told_too_often"] | None:
    """Whether systems with crossed words set each other off: ours to A, A's to B, B's to us, and so on.

    `role`: whose word it is, as in the audit. `told_back`: it said the same within the hour, only other systems have
    changed it since, and now it says it again. `told_too_often`: `MOST_A_DAY` changes by systems within a day.
    """
    rows = await conn.fetch(
        """select role, action, asked ->> 'outcome' as outcome, at_wall, (after ->> 'outcomes')::int as outcomes
           from audit where object = $1 and action in ('mapping outcome', 'mapping reassign') and status = 200
               and at_wall > $2 order by id desc limit $3""",
        lead_id, wall - timedelta(days=1), MOST_A_DAY,
    )  # fmt: skip
    logged = [row for row in rows if row["action"] == "mapping outcome"]
    now = await conn.fetchval("select count(*)::int from outcome where lead_id = $1", lead_id)
    for since, row in enumerate(logged):
        said = row["role"] == role and row["outcome"] == outcome and row["at_wall"] > wall - ECHO_WITHIN
        if said and since > 0 and logged[0]["role"] != role and now - row["outcomes"] == since:
            return "told_back"
    return "told_too_often" if len(rows) >= MOST_A_DAY else None


async def refused(conn: Any, mapping: str, why: str, many: int, wall: datetime) -> None:
    await conn.execute(
        """insert into mapping_refusal (mapping, many, why, at_wall) values ($1, $2, $3, $4)
           on conflict (mapping) do update set many = mapping_refusal.many + excluded.many, why = excluded.why,
               at_wall = excluded.at_wall""",
        mapping, many, why, wall,
    )  # fmt: skip


# ── for people ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Tally:
    """Of the requests that are kept. `refused`: how many were signed by nobody, ever, and why the last one was."""

    done: int = 0
    waiting: int = 0
    failed: int = 0
    newest: datetime | None = None
    refused: int = 0
    refused_why: str | None = None
    refused_at: datetime | None = None


async def tallies(conn: Any) -> dict[str, Tally]:
    rows = await conn.fetch(
        """select coalesce(w.path, r.mapping) as name, coalesce(w.done, 0) as done, coalesce(w.waiting, 0) as waiting,
               coalesce(w.failed, 0) as failed, w.newest, coalesce(r.many, 0) as refused, r.why as refused_why,
               r.at_wall as refused_at
           from (select path, count(*) filter (where state = 'done') as done,
                   count(*) filter (where state = 'waiting') as waiting,
                   count(*) filter (where state = 'failed') as failed, max(received_wall) as newest
               from webhook where provider = 'mapping' group by 1) w
           full join mapping_refusal r on r.mapping = w.path"""
    )
    return {row["name"]: Tally(**{k: v for k, v in row.items() if k != "name"}) for row in rows}


async def deliveries(conn: Any, mapping: str, limit: int) -> list[Any]:
    """Newest first: id, received_wall, state, tries, next_try_wall, reason and the lead, where it is known."""
    rows: list[Any] = await conn.fetch(
        """select id::text as id, received_wall, state, tries, next_try_wall, concat_ws('; ', reason, note) as reason,
               (select l.id::text from lead l where l.id::text = any(w.about) limit 1) as lead_id
           from webhook w where provider = 'mapping' and path = $1 order by received_wall desc limit $2""",
        mapping, limit,
    )  # fmt: skip
    return rows


async def not_done(conn: Any, mapping: str) -> list[str]:
    rows = await conn.fetch(
        "select id::text as id from webhook where provider = 'mapping' and path = $1 and state <> 'done'", mapping
    )
    return [row["id"] for row in rows]
