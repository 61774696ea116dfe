"""Our own table of companies, and what the outside source said of a domain."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead import wording
from speedlead.domain.knowing import Company

# rows written before somebody who waits hears of it
AT_ONCE = 500


class CompaniesRefused(ValueError):
    """What the file asks for and the database cannot give; one line per fault."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the file; the owner by the e-mail address that reps are imported with. `line`: for errors."""

    company: Company
    owner_email: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Imported:
    """Domains, but for those that are as before."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    same: int
    removed: tuple[str, ...]


async def import_companies(
    conn: Any, listed: Sequence[Listed], name: str, wall: datetime, *, remove: bool = False, dry_run: bool = False,
    written: Callable[[int, int], None] = lambda done, of: None,
) -> Imported:  # fmt: skip
    """Adds and changes rows by their domain. `remove`: what is not in the file goes. Raises CompaniesRefused.

    `written`: hears after each part of a long file how many rows are done, of how many.
    """
    reps = {row["email"].lower(): str(row["id"]) for row in await conn.fetch("select id, email from rep where active")}
    faults = [
        f"{name}:{row.line}: owner: there is no active rep with the address {row.owner_email!r}"
        for row in listed
        if row.owner_email is not None and row.owner_email.lower() not in reps
    ]
    if faults:
        raise CompaniesRefused("\n".join(faults))
    wanted = {row.company.domain: _values(row, reps) for row in listed}
    rows = await conn.fetch(
        "select domain, name, employees, industry, tier, named, owner_id::text as owner_id, note from company"
    )
    known = {row["domain"]: tuple(row.values())[1:] for row in rows}
    new = [domain for domain in wanted if domain not in known]
    changed = [domain for domain, values in wanted.items() if domain in known and known[domain] != values]
    removed = [domain for domain in known if domain not in wanted] if remove else []
    rows_to_write = [(domain, *wanted[domain], wall) for domain in (*new, *changed)] if not dry_run else []
    for start in range(0, len(rows_to_write), AT_ONCE):
        await conn.executemany(
            """insert into company (domain, name, employees, industry, tier, named, owner_id, note, imported_wall)
               values ($1, $2, $3, $4, $5, $6, $7::text::uuid, $8, $9) on conflict (domain) do update set
                   name = excluded.name, employees = excluded.employees, industry = excluded.industry,
                   tier = excluded.tier, named = excluded.named, owner_id = excluded.owner_id, note = excluded.note,
                   imported_wall = excluded.imported_wall""",
            rows_to_write[start : start + AT_ONCE],
        )
        written(min(start + AT_ONCE, len(rows_to_write)), len(rows_to_write))
    if not dry_run:
        await conn.execute("delete from company where domain = any($1::text[])", removed)
    return Imported(tuple(new), tuple(changed), len(wanted) - len(new) - len(changed), tuple(removed))


def _values(row: Listed, reps: Mapping[str, str]) -> tuple[Any, ...]:
    c, owner = row.company, reps[row.owner_email.lower()] if row.owner_email is not None else None
    return (c.name, c.employees, c.industry, c.tier, c.named, owner, c.note)


async def remember(
    pool: Any, domain: str, answer: Mapping[str, object] | None, problem: str | None, wall: datetime, until: datetime
) -> None:
    """Until then nobody asks again. A fault never takes the place of an answer that is still good."""
    await pool.execute(
        """insert into company_answer as a (domain, answer, problem, asked_wall, expires_wall)
           values ($1, $2, $3, $4, $5) on conflict (domain) do update set answer = excluded.answer,
               problem = excluded.problem, asked_wall = excluded.asked_wall, expires_wall = excluded.expires_wall
           where excluded.problem is null or a.problem is not null or a.expires_wall <= excluded.asked_wall""",
        domain, dict(answer) if answer is not None else None, problem, wall, until,
    )  # fmt: skip


async def answers_since(conn: Any, since: datetime) -> dict[str | None, int]:
    """Problem (None: it answered, if only that it knows nothing) -> domains that were asked since then."""
    rows = await conn.fetch(
        """select case when answer is null then problem end as problem, count(*)::int as many from company_answer
           where asked_wall >= $1 group by 1 order by 2 desc""",
        since,
    )
    return {row["problem"]: row["many"] for row in rows}


async def known_company(conn: Any, domain: str, parents: Sequence[str]) -> list[str]:
    """Lines for a person: our own row, and what the outside source said."""
    own = await conn.fetchrow(
        """select c.*, r.name as owner from company c left join rep r on r.id = c.owner_id
           where c.domain = any($1::text[]) order by length(c.domain) desc limit 1""",
        list(parents),
    )
    lines = ["Our own table has nothing on it."]
    if own is not None:
        told = {name: own[name] for name in ("name", "employees", "industry", "tier", "named", "owner", "note")}
        words = ", ".join(f"{name} {value}" for name, value in told.items() if value not in (None, False))
        lines = [f"Our own table ({own['domain']}, imported {own['imported_wall']:%Y-%m-%d}): {words or 'no more'}."]
    said = await conn.fetchrow("select * from company_answer where domain = $1", domain)
    if said is not None:
        answer = ", ".join(f"{name} {value}" for name, value in (said["answer"] or {}).items())
        answer = "; ".join(filter(None, (answer, wording.reason(said["problem"]))))
        lines.append(
            f"The outside source, asked {said['asked_wall']:%Y-%m-%d %H:%M} UTC, good until "
            f"{said['expires_wall']:%Y-%m-%d %H:%M} UTC: {answer or 'nothing is known there'}."
        )
    return lines
