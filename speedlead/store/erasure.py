"""What we hold of one person: found, counted, given out, and erased in one transaction (`personal_data` says what)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead.contact_marks import mark_of
from speedlead.ids import new_id
from speedlead.ports import Clock
from speedlead.store.erasures import Erasure, record
from speedlead.store.personal_data import TABLES, Table
from speedlead.store.rows import lock_person
from speedlead.store.sweeping import end_touches


@dataclass(frozen=True, slots=True)
class Whose:
    """`contacts`: addresses in lower case, numbers, and the ids of the leads, as webhooks name them."""

    people: tuple[str, ...]
    leads: tuple[str, ...]
    open_leads: tuple[str, ...]
    contacts: tuple[str, ...]

    @property
    def args(self) -> tuple[list[str], list[str], list[str]]:
        return list(self.people), list(self.leads), list(self.contacts)


async def person_of_lead(conn: Any, lead_id: str) -> str | None:
    found: str | None = await conn.fetchval("select person_id from lead where id = $1", lead_id)
    return found


async def people_with(conn: Any, contact: str) -> list[str]:
    """Ids of those with this address (one at most) or number; a number may be shared.

    Whoever was erased and has written in an old thread since may have neither: what they wrote names them.
    """
    rows = await conn.fetch(
        """select person_id from person_email where address = $1
           union select person_id from person_phone where number = $1
           union select w.person_id from (
                   select person_id, email as contact from inquiry union all select person_id, phone from inquiry
                   union all select person_id, sender from reply) w
               where lower(w.contact) = $1 and w.person_id is not null
                   and not exists (select from person_email e where e.person_id = w.person_id)
                   and not exists (select from person_phone n where n.person_id = w.person_id)""",
        contact,
    )
    return [row["person_id"] for row in rows]


async def maybe_the_same(conn: Any, person_id: str) -> list[str]:
    """Ids of other people, twenty at most, who may be this one: marked as such, or with the same number."""
    rows = await conn.fetch(
        """select p.id from person p, person me where me.id = $1 and p.id <> $1 and p.erased_wall is null
               and (p.possible_duplicate_of = $1 or me.possible_duplicate_of in (p.id, p.possible_duplicate_of)
                   or exists (select from person_phone n join person_phone mine on mine.number = n.number
                       where n.person_id = p.id and mine.person_id = $1))
           order by p.created_at, p.id limit 20""",
        person_id,
    )
    return [row["id"] for row in rows]


async def leads_of_each(conn: Any, people: list[str]) -> list[list[str]]:
    """Of each of these people who has any, the leads; the newest first."""
    rows = await conn.fetch(
        """select array_agg(id order by created_at desc, id) as leads from lead where person_id = any($1::uuid[])
           group by person_id order by max(created_at) desc""",
        people,
    )
    return [row["leads"] for row in rows]


async def all_of(conn: Any, people: list[str], contacts: tuple[str, ...] = ()) -> Whose:
    """Everything that belongs to them. `contacts`: further addresses, of somebody who may be no person of ours yet."""
    leads = await conn.fetch(
        "select id, closed_at from lead where person_id = any($1::uuid[]) order by created_at", people
    )
    known = await conn.fetch(
        """select address as contact from person_email where person_id = any($1::uuid[])
           union select number from person_phone n where person_id = any($1::uuid[])
               -- what came from a shared number may be the other's
               and not exists (select from person_phone o where o.number = n.number and o.person_id <> all($1::uuid[]))
           union select lower(email) from inquiry where person_id = any($1::uuid[]) and email is not null""",
        people,
    )
    return Whose(
        people=tuple(people),
        leads=tuple(row["id"] for row in leads),
        open_leads=tuple(row["id"] for row in leads if row["closed_at"] is None),
        contacts=tuple(sorted({*contacts, *(row["contact"] for row in known), *(row["id"] for row in leads)})),
    )


async def locked(conn: Any, people: list[str], contacts: tuple[str, ...] = ()) -> Whose:
    """The same, and until the transaction ends nothing is added: whoever writes for one of them waits."""
    for person_id in sorted(people):
        await lock_person(conn, person_id)
    return await all_of(conn, people, contacts)


async def count(conn: Any, whose: Whose) -> dict[str, int]:
    """Table -> rows that erasure would delete or blank, where there are any."""
    found = {t.name: len(await _rows(conn, t, whose, "1")) for t in TABLES if t.where and t.fate != "keep"}
    return {name: many for name, many in found.items() if many}


async def read_all(conn: Any, whose: Whose) -> dict[str, list[dict[str, Any]]]:
    """Table -> whole rows, of every table that an export has."""
    found = {t.name: [dict(row) for row in await _rows(conn, t, whose, "*")] for t in TABLES if t.title}
    return {name: rows for name, rows in found.items() if rows}


async def webhooks_waiting(conn: Any, whose: Whose) -> int:
    return int(
        await conn.fetchval(
            "select count(*) from webhook where about && $1::text[] and state = 'waiting'", list(whose.contacts)
        )
    )


async def erase(
    conn: Any, clock: Clock, people: list[str], secret: bytes, contacts: tuple[str, ...] = (), *,
    erasure_id: str | None = None,
) -> Whose:  # fmt: skip
    """Erases them within the caller's transaction; their leads do not run any more. Returns whom it has found.

    What stays are leads, contacts and outcomes without anybody's name, for counting, keyed marks of opt-outs, and a
    line in the list of erasures; `erasure_id`: of the one that is done again.
    """
    whose = await locked(conn, people, contacts)
    for row in await conn.fetch(
        "select id, clock_offset_us from lead where id = any($1::uuid[]) and closed_at is null for update",
        list(whose.open_leads),
    ):
        await _close(conn, row["id"], clock.business(row["clock_offset_us"]))
    await _mark_opt_outs(conn, people, secret)
    for table in TABLES:
        if table.where and table.fate == "delete":
            await conn.execute(f"delete from {table.name} where {_where(table)}", *_args(table, whose))  # noqa: S608
        elif table.where and table.fate == "blank":
            blanks = ", ".join(f"{column} = {value}" for column, value in table.blank.items())
            await conn.execute(
                f"update {table.name} set {blanks} where {_where(table)}",  # noqa: S608
                *_args(table, whose),
            )
    await conn.execute("update person set erased_wall = $2 where id = any($1::uuid[])", people, clock.wall())
    marks = tuple(mark_of(secret, contact) for contact in whose.contacts if contact not in whose.leads)
    # an older backup has as people of their own those who became part of these since
    gone = await conn.fetch("select distinct gone_id from merge where person_id = any($1::uuid[]) "
                            "and undone_wall is null", people)  # fmt: skip
    known = tuple(dict.fromkeys([*whose.people, *(row["gone_id"] for row in gone)]))
    await record(conn, Erasure(erasure_id or new_id(), clock.wall(), known, whose.leads, marks))
    return whose


async def _close(conn: Any, lead_id: str, at: datetime) -> None:
    """An open lead whose workflow does not run: nothing is to begin it again."""
    await conn.execute(
        """update lead set closed_at = $2, close_reason = 'erased', stage = 'closed', next_step = null,
               next_touch_at = null, decided_at = coalesce(decided_at, $2) where id = $1""",
        lead_id, at,
    )  # fmt: skip
    await end_touches(conn, lead_id, at)


async def _mark_opt_outs(conn: Any, people: list[str], secret: bytes) -> None:
    """So that opt-outs hold for whoever comes back, and for everybody else with the same number."""
    rows = await conn.fetch(
        """select c.contact, s.channel, max(s.at) as at from suppression s join (
               select person_id, address as contact, true as mail from person_email
               union all select person_id, number, false from person_phone) c on c.person_id = s.person_id
           where s.person_id = any($1::uuid[]) and (s.channel = 'all' or c.mail = (s.channel = 'email'))
           group by 1, 2""",
        people,
    )
    await conn.executemany(
        "insert into suppressed_contact (mark, channel, at) values ($1, $2, $3) on conflict do nothing",
        [(mark_of(secret, row["contact"]), row["channel"], row["at"]) for row in rows],
    )
    await conn.execute(
        """insert into suppression (person_id, channel, reason, source, at)
           select o.person_id, kind.channel, 'opted_out', 'before_erasure', max(s.at)
           from suppression s join person_phone mine on mine.person_id = s.person_id
           join person_phone o on o.number = mine.number and o.person_id <> all($1::uuid[])
           join (values ('sms'), ('call')) kind (channel) on s.channel in ('all', kind.channel)
           where s.person_id = any($1::uuid[]) group by 1, 2 on conflict do nothing""",
        people,
    )


async def _rows(conn: Any, table: Table, whose: Whose, what: str) -> list[Any]:
    rows: list[Any] = await conn.fetch(
        f"select {what} from {table.name} where {_where(table)}",  # noqa: S608  names from our own list
        *_args(table, whose),
    )
    return rows


def _numbers(table: Table) -> list[str]:
    return [number for number in ("$1", "$2", "$3") if number in table.where]


def _where(table: Table) -> str:
    """Numbered anew: Postgres wants every argument to be used."""
    text = table.where
    for place, number in enumerate(_numbers(table), start=1):
        text = text.replace(number, f"${place}")
    return text


def _args(table: Table, whose: Whose) -> list[list[str]]:
    return [whose.args[int(number[1]) - 1] for number in _numbers(table)]
