"""Mail domains that may be one company: by the name in our own table, and by what the people there say it is called.

Joined, they are one company for what is known of a lead, and for who may be a duplicate of whom. Nothing else of
anybody is touched, so to part them again is exact.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import combinations
from typing import Any

from speedlead.domain.duplicates import company_of
from speedlead.enrichment.mail_domains import domain_of, kind_of
from speedlead.store.merging import MergeRefused

# one person may have typed anything
_SAID_BY = 2
# a name that more domains share is a common one
_MOST_OF_A_NAME = 8

_NAMES = """
select domain, name, true as own from company where name is not null
union all
select split_part(e.address, '@', 2), p.company, false
from person p join person_email e on e.person_id = p.id
where p.erased_wall is null and p.company is not null group by 1, 2 having count(*) >= $1"""

# the longer known one is the main one: it stands in our table, or has more people
_PROPOSE = """
insert into company_alike as a (domain, of_domain, reasons, found_wall, seen_wall)
select case when w.first then b else a end, case when w.first then a else b end, string_to_array(reasons, ' '), $4, $4
from unnest($1::text[], $2::text[], $3::text[]) new (a, b, reasons)
cross join lateral (select (exists (select from company where domain = new.a),
        (select count(*) from person_email where split_part(address, '@', 2) = new.a), new.b)
    >= (exists (select from company where domain = new.b),
        (select count(*) from person_email where split_part(address, '@', 2) = new.b), new.a) as first) w
where not exists (select from company_alike k where (k.domain, k.of_domain) in ((new.a, new.b), (new.b, new.a))
    and k.state <> 'open')
on conflict (domain, of_domain) do update set reasons = excluded.reasons, seen_wall = excluded.seen_wall
    where a.state = 'open'"""


async def look_for_alike(conn: Any, wall: datetime) -> int:
    """How many pairs of domains wait for somebody to look at them."""
    rows = await conn.fetch(_NAMES, _SAID_BY)
    domains: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        domain = domain_of(row["domain"])
        if domain is not None and (row["own"] or kind_of(domain) == "company"):
            domains[company_of(row["name"])].add(domain)
    found = [pair for name, held in domains.items() if name and 1 < len(held) <= _MOST_OF_A_NAME
             for pair in combinations(sorted(held), 2) if not _part_of(*pair)]  # fmt: skip
    reasons = ["same_company same_domain_name" if _label(a) == _label(b) else "same_company" for a, b in found]
    if found:
        await conn.execute(_PROPOSE, [a for a, _ in found], [b for _, b in found], reasons, wall)
    await conn.execute("delete from company_alike where state = 'open' and seen_wall < $1", wall)
    return int(await conn.fetchval("select count(*) from company_alike where state = 'open'"))


def _label(domain: str) -> str:
    return domain.split(".")[0]


def _part_of(one: str, other: str) -> bool:
    """eu.acme.com is of acme.com without anybody saying so."""
    return one.endswith(f".{other}") or other.endswith(f".{one}")


async def joined(conn: Any) -> dict[str, str]:
    """Domain -> the one that it is of."""
    rows = await conn.fetch("select domain, of_domain from company_alike where state = 'joined'")
    return {row["domain"]: row["of_domain"] for row in rows}


async def pairs(conn: Any, states: Iterable[str] = ("open",), limit: int = 50) -> list[Any]:
    """`domain` is of `of_domain`, or may be; with what our own table calls each."""
    rows: list[Any] = await conn.fetch(
        """select a.domain, a.of_domain, a.reasons, a.state, a.decided_wall, c.name, o.name as of_name,
               (select count(*) from person_email where split_part(address, '@', 2) = a.domain)::int as people,
               (select count(*) from person_email where split_part(address, '@', 2) = a.of_domain)::int as of_people
           from company_alike a left join company c on c.domain = a.domain left join company o on o.domain = a.of_domain
           where a.state = any($1::text[]) order by a.decided_wall desc nulls last, cardinality(a.reasons) desc,
               a.domain, a.of_domain limit $2""",
        list(states), limit,
    )  # fmt: skip
    return rows


async def join(conn: Any, domain: str, of_domain: str, wall: datetime) -> None:
    """One level deep, so that each domain has one company. Raises MergeRefused."""
    await conn.execute("lock table company_alike in share row exclusive mode")
    held = await joined(conn)
    if domain == of_domain:
        raise MergeRefused("expected two different domains")
    if domain in held:
        raise MergeRefused(f"{domain} is of {held[domain]} already: part them first")
    if of_domain in held:
        raise MergeRefused(f"{of_domain} is of {held[of_domain]}: join {domain} with that one")
    if domain in held.values():
        raise MergeRefused(f"other domains are of {domain}: join {of_domain} with it, or part them first")
    await conn.execute(
        """insert into company_alike (domain, of_domain, reasons, state, found_wall, seen_wall, decided_wall)
           values ($1, $2, '{}', 'joined', $3, $3, $3)
           on conflict (domain, of_domain) do update set state = 'joined', decided_wall = excluded.decided_wall""",
        domain, of_domain, wall,
    )  # fmt: skip
    await conn.execute("delete from company_alike where domain = $2 and of_domain = $1", domain, of_domain)


async def part(conn: Any, domain: str, of_domain: str, wall: datetime) -> None:
    """They are two, and are not proposed again, whether they were joined or only proposed. Raises MergeRefused."""
    done = await conn.fetchval(
        """update company_alike set state = 'dismissed', decided_wall = $3
           where domain = $1 and of_domain = $2 and state <> 'dismissed' returning true""",
        domain, of_domain, wall,
    )  # fmt: skip
    if not done:
        raise MergeRefused(f"{domain} and {of_domain} are neither joined nor proposed")
