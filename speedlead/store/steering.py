"""Runs that ask one thing of many leads, as rows: who, what, why, which leads, and what each of them answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead import ids

# starts the chore that carries runs out
CHANNEL = "steering"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`leads`: lead -> what is asked of it alone. `filter` is how they were found, for who reads the run later."""

    action: str
    asked: Mapping[str, Any]
    reason: str
    leads: Mapping[str, Mapping[str, Any]]
    filter: Mapping[str, Any]
    role: str
    account_id: str | None = None
    pace: float = 20.0
    background: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """`account_id` is None for the command line, whose `role` has `who` behind a colon."""

    run_id: str
    action: str
    asked: dict[str, Any]
    filter: dict[str, Any]
    reason: str
    who: str
    account_id: str | None
    role: str
    pace: float
    background: bool
    created_wall: datetime
    held_wall: datetime | None
    ended_wall: datetime | None
    total: int
    done: int
    refused: int

    @property
    def waiting(self) -> int:
        return self.total - self.done - self.refused


@dataclass(frozen=True, slots=True)
class Item:
    number: int
    lead_id: str
    asked: dict[str, Any]
    tries: int
    audit_id: int | None


_RUN = """
select r.id::text as run_id, r.action, r.asked, r.filter, r.reason,
    coalesce(a.email, nullif(split_part(r.role, ': ', 2), ''), r.role) as who,
    r.account_id::text as account_id, r.role, r.pace, r.background, r.created_wall, r.held_wall, r.ended_wall,
    i.total, i.done, i.refused
from steering_run r left join account a on a.id = r.account_id
cross join lateral (select count(*)::int as total, count(*) filter (where state = 'done')::int as done,
    count(*) filter (where state = 'refused')::int as refused from steering_item where run_id = r.id) i
"""


async def begin_run(conn: Any, wanted: Wanted, wall: datetime) -> str:
    """Writes the run with all its leads, and returns its id; from here on it can be resumed."""
    run_id = ids.new_id()
    await conn.execute(
        """insert into steering_run (id, account_id, role, action, asked, filter, reason, pace, background,
               created_wall)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        run_id, wanted.account_id, wanted.role, wanted.action, dict(wanted.asked), dict(wanted.filter), wanted.reason,
        wanted.pace, wanted.background, wall,
    )  # fmt: skip
    leads = list(wanted.leads.items())
    await conn.executemany(
        "insert into steering_item (run_id, number, lead_id, asked) values ($1, $2, $3, $4)",
        [(run_id, number, lead_id, dict(asked)) for number, (lead_id, asked) in enumerate(leads, 1)],
    )
    if wanted.background:
        await conn.execute("select pg_notify($1, '')", CHANNEL)
    return run_id


async def run_of(conn: Any, run_id: str) -> Run | None:
    row = await conn.fetchrow(_RUN + "where r.id = $1::text::uuid", run_id)
    return Run(**row) if row else None


async def run_by_prefix(conn: Any, prefix: str) -> str | None:
    """The id of the one run whose id begins like this."""
    rows = await conn.fetch("select id::text as id from steering_run where starts_with(id::text, $1) limit 2", prefix)
    return rows[0]["id"] if len(rows) == 1 and len(prefix) >= 4 else None


async def latest_runs(conn: Any, limit: int = 20) -> list[Run]:
    return [Run(**row) for row in await conn.fetch(_RUN + "order by r.created_wall desc limit $1", limit)]


async def in_background(conn: Any) -> list[str]:
    """Runs that the worker is to carry out, the oldest first."""
    found = "select id::text as id from steering_run where background and ended_wall is null and held_wall is null "
    return [row["id"] for row in await conn.fetch(found + "order by created_wall")]


async def next_items(conn: Any, run_id: str, after: int, limit: int) -> list[Item]:
    """Those that wait, in order; none of a run that is held."""
    rows = await conn.fetch(
        """select i.number, i.lead_id::text as lead_id, i.asked, i.tries, i.audit_id from steering_item i
           join steering_run r on r.id = i.run_id
           where i.run_id = $1 and i.state = 'waiting' and i.number > $2 and r.held_wall is null
           order by i.number limit $3""",
        run_id, after, limit,
    )  # fmt: skip
    return [Item(**row) for row in rows]


async def item_begun(conn: Any, run_id: str, number: int, audit_id: int) -> None:
    await conn.execute(
        "update steering_item set tries = tries + 1, audit_id = $3 where run_id = $1 and number = $2",
        run_id, number, audit_id,
    )  # fmt: skip


async def item_ended(conn: Any, run_id: str, number: int, state: str, answer: str | None, wall: datetime) -> None:
    await conn.execute(
        "update steering_item set state = $3, answer = $4, ended_wall = $5 where run_id = $1 and number = $2",
        run_id, number, state, answer, wall,
    )  # fmt: skip


async def item_unanswered(conn: Any, run_id: str, number: int, answer: str) -> None:
    """It stays to be asked again."""
    await conn.execute("update steering_item set answer = $3 where run_id = $1 and number = $2", run_id, number, answer)


async def not_tried(conn: Any, run_id: str, numbers: list[int]) -> None:
    """They were asked while nobody answered at all: that counts against none of them."""
    await conn.execute(
        "update steering_item set tries = tries - 1 where run_id = $1 and number = any($2::int[]) and tries > 0",
        run_id, numbers,
    )  # fmt: skip


async def end_run(conn: Any, run_id: str, wall: datetime) -> None:
    """Where no lead is left to be asked."""
    await conn.execute(
        """update steering_run set ended_wall = $2 where id = $1 and ended_wall is null
           and not exists (select from steering_item where run_id = $1 and state = 'waiting')""",
        run_id, wall,
    )  # fmt: skip


async def hold_run(conn: Any, run_id: str, wall: datetime | None, *, background: bool = False) -> None:
    """None: it goes on, with `background` in the worker whoever began it."""
    await conn.execute(
        """update steering_run set held_wall = $2, background = background or $3
           where id = $1::text::uuid and ended_wall is null""",
        run_id, wall, background,
    )  # fmt: skip
    if wall is None:
        await conn.execute("select pg_notify($1, '')", CHANNEL)


async def not_done(conn: Any, run_id: str, limit: int = 200) -> list[tuple[str, str, str]]:
    """(lead, state, why) of those that refused or have not answered."""
    rows = await conn.fetch(
        """select lead_id::text as lead_id, state, answer from steering_item
           where run_id = $1::text::uuid and state <> 'done' and answer is not null order by number limit $2""",
        run_id, limit,
    )  # fmt: skip
    return [(row["lead_id"], row["state"], row["answer"]) for row in rows]
