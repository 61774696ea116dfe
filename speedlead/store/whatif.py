"""Replays that somebody asked for, as rows: one at a time is carried out, by the chore of that name."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead import ids

# starts the chore
CHANNEL = "whatif"
MOST_BEGUN = 2
DIED = (
    "The worker's process ended twice while this was played. Perhaps it needs more memory than there is: "
    "ask for fewer weeks or one lead type."
)


@dataclass(frozen=True, slots=True)
class Run:
    """`played` of `of_all` leads; None: not known yet. `result`: as `speedlead.whatif.told` keeps it."""

    run_id: str
    who: str
    account_id: str | None
    role: str
    asked: dict[str, str]
    words: str
    state: str
    played: int
    of_all: int | None
    created_wall: datetime
    started_wall: datetime | None
    ended_wall: datetime | None
    problem: str | None
    result: dict[str, Any] | None

    @property
    def lasts(self) -> bool:
        return self.state in ("waiting", "running")


_RUN = """
select r.id::text as run_id, coalesce(a.email, r.role) as who, r.account_id::text as account_id, r.role, r.asked,
    r.words, r.state, r.played, r.of_all, r.created_wall, r.started_wall, r.ended_wall, r.problem, {result} as result
from whatif_run r left join account a on a.id = r.account_id
"""


async def begin(
    conn: Any, *, account_id: str | None, role: str, asked: Mapping[str, str], words: str, wall: datetime
) -> str:
    run_id = ids.new_id()
    await conn.execute(
        "insert into whatif_run (id, account_id, role, asked, words, created_wall) values ($1, $2, $3, $4, $5, $6)",
        run_id, account_id, role, dict(asked), words, wall,
    )  # fmt: skip
    await conn.execute("select pg_notify($1, '')", CHANNEL)
    return run_id


async def run_of(conn: Any, run_id: str) -> Run | None:
    row = await conn.fetchrow(_RUN.format(result="r.result") + "where r.id = $1::text::uuid", run_id)
    return Run(**row) if row else None


async def latest(conn: Any, limit: int = 20) -> list[Run]:
    """Without their results, the newest first."""
    rows = await conn.fetch(_RUN.format(result="null::jsonb") + "order by r.created_wall desc limit $1", limit)
    return [Run(**row) for row in rows]


async def waiting(conn: Any) -> int:
    """How many are to be played or are being played."""
    return int(await conn.fetchval("select count(*) from whatif_run where state in ('waiting', 'running')"))


async def take(conn: Any, wall: datetime) -> Run | None:
    """The oldest one that is to be played. One that a process left when it died begins once more, and then no more."""
    await conn.execute(
        """update whatif_run set state = 'failed', ended_wall = $1, problem = $2
           where state = 'running' and begun >= $3""",
        wall, DIED, MOST_BEGUN,
    )  # fmt: skip
    run_id = await conn.fetchval(
        """update whatif_run set state = 'running', started_wall = $1, played = 0, begun = begun + 1
           where id = (select id from whatif_run where state in ('waiting', 'running') order by created_wall, id limit 1
               for update skip locked) returning id::text""",
        wall,
    )
    return None if run_id is None else await run_of(conn, run_id)


async def progressed(conn: Any, run_id: str, played: int, of_all: int) -> bool:
    """False: it is wanted no more."""
    found = await conn.fetchval(
        "update whatif_run set played = $2, of_all = $3 where id = $1::text::uuid and state = 'running' returning true",
        run_id, played, of_all,
    )  # fmt: skip
    return bool(found)


async def end(
    conn: Any, run_id: str, wall: datetime, *, result: Mapping[str, Any] | None = None, problem: str | None = None
) -> None:
    await conn.execute(
        """update whatif_run set state = case when $3::jsonb is null then 'failed' else 'done' end, result = $3,
               problem = $4, ended_wall = $2, played = coalesce(($3::jsonb ->> 'played')::int, played)
           where id = $1::text::uuid and state = 'running'""",
        run_id, wall, result, problem,
    )  # fmt: skip


async def cancel(conn: Any, run_id: str, wall: datetime) -> None:
    await conn.execute(
        """update whatif_run set state = 'cancelled', ended_wall = $2
           where id = $1::text::uuid and state in ('waiting', 'running')""",
        run_id, wall,
    )  # fmt: skip
