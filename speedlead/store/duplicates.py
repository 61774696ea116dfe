"""Looks through all people for pairs that may be one, and keeps what it proposes.

Keys of everybody go into a table of the session alone, so nothing has to be kept up to date, and nothing of anybody is
left behind: a million people are some minutes of reading a night. Only who shares a key is compared.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from itertools import combinations
from typing import Any
from uuid import UUID

from speedlead.domain.duplicates import Someone, keys_of, likeness
from speedlead.enrichment.mail_domains import domain_of, kind_of
from speedlead.store.company_alike import joined

BATCH = 2_000
# A key that more people share says nothing of any two of them: a switchboard, a test number.
MOST_OF_A_KEY = 30
_INDEX_WITHIN_S = 300
# before all others: with "or null" in its place every batch would begin with the first row
_FIRST_ID, _FIRST_KEY = str(UUID(int=0)), -(2**63)

_PEOPLE = """
select p.id, p.name, p.company, array(select address from person_email where person_id = p.id) as emails,
    array(select number from person_phone where person_id = p.id) as phones, l.postcode, l.source
from person p left join lateral (select postcode, source from lead where person_id = p.id
    order by created_at desc limit 1) l on true
where p.erased_wall is null and """
_WALK = _PEOPLE + "p.id > $1 order by p.id limit $2"
_SOME = _PEOPLE + "p.id = any($1::uuid[])"

_TABLE = "create temporary table if not exists duplicate_key (key bigint not null, person_id uuid not null)"
_KEYS = "insert into duplicate_key select * from unnest($1::bigint[], $2::uuid[])"
_SHARED = """
select key, array_agg(person_id) as people from duplicate_key where key > $1
group by key having count(*) between 2 and $3 order by key limit $2"""

_PROPOSE = """
-- in the order in which a merge and an erasure lock people; whoever is part of another entry since is no pair any more
with there as (select id from person where id = any($1::uuid[] || $2::uuid[]) order by id for key share)
insert into duplicate as d (one_id, other_id, score, reasons, certain, found_wall, seen_wall)
select one.id, other.id, new.score, string_to_array(new.reasons, ' '), new.certain, $6, $6
from unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::bool[]) new (one_id, other_id, score, reasons, certain)
join there one on one.id = new.one_id join there other on other.id = new.other_id
on conflict (one_id, other_id) do update set score = excluded.score, reasons = excluded.reasons,
    certain = excluded.certain, seen_wall = greatest(d.seen_wall, excluded.seen_wall) where d.state = 'open'
returning (xmax = 0)"""


@dataclass(frozen=True, slots=True)
class Look:
    """`new`: pairs that were not proposed before; `over`: that are nothing any more, for what was corrected since."""

    people: int
    compared: int
    proposed: int
    new: int
    over: int


async def look_for_duplicates(conn: Any, wall: datetime) -> Look:
    """The whole round, in short transactions of `conn`'s own: it holds no lock and no old row for long."""
    try:
        await conn.execute(_TABLE)
        await conn.execute("truncate duplicate_key")
        people, houses = 0, await joined(conn)
        async for batch in _walk(conn, houses):
            people += len(batch)
            keys = [(_number(key), one.person_id) for one in batch for key in keys_of(one)]
            await conn.execute(_KEYS, [key for key, _ in keys], [person_id for _, person_id in keys])
        await conn.execute("create index on duplicate_key (key) include (person_id)", timeout=_INDEX_WITHIN_S)
        await conn.execute("analyze duplicate_key", timeout=_INDEX_WITHIN_S)
        compared, new = await _compare_all(conn, houses, wall)
        proposed = await conn.fetchval("select count(*) from duplicate where state = 'open' and seen_wall = $1", wall)
        gone = await conn.fetch("delete from duplicate where state = 'open' and seen_wall < $1 returning 1", wall)
        return Look(people, compared, proposed, new, len(gone))
    finally:
        # a connection goes back to others as it is
        await conn.execute("drop table if exists duplicate_key")


async def _walk(conn: Any, houses: Mapping[str, str]) -> AsyncIterator[list[Someone]]:
    last = _FIRST_ID
    while rows := await conn.fetch(_WALK, last, BATCH):
        yield [_someone(row, houses) for row in rows if row["source"] != "flow_check"]
        last = rows[-1]["id"]


async def _compare_all(conn: Any, houses: Mapping[str, str], wall: datetime) -> tuple[int, int]:
    """(comparisons, new proposals); a pair with several keys in common may be compared more than once."""
    compared = new = 0
    last = _FIRST_KEY
    while rows := await conn.fetch(_SHARED, last, BATCH // 4, MOST_OF_A_KEY):
        last = rows[-1]["key"]
        pairs = {tuple(sorted(pair)) for row in rows for pair in combinations(set(row["people"]), 2)}
        ids = list({person_id for pair in pairs for person_id in pair})
        known = {row["id"]: _someone(row, houses) for row in await conn.fetch(_SOME, ids)}
        found = [(one, other, likeness(known[one], known[other])) for one, other in sorted(pairs)
                 if one in known and other in known]  # fmt: skip
        compared += len(found)
        good = [(one, other, like) for one, other, like in found if like.proposed]
        if good:
            told = await conn.fetch(
                _PROPOSE, [one for one, _, _ in good], [other for _, other, _ in good],
                [like.points for *_, like in good], [" ".join(like.reasons) for *_, like in good],
                [like.certain for *_, like in good], wall,
            )  # fmt: skip
            new += sum(row[0] for row in told)
    return compared, new


def _someone(row: Any, houses: Mapping[str, str]) -> Someone:
    """`houses`: domains that are another's, as somebody has said."""
    found = {domain for address in row["emails"] if kind_of(domain := domain_of(address)) == "company"}
    domains = {houses.get(domain, domain) for domain in found if domain}
    return Someone(row["id"], row["name"], row["company"], tuple(row["emails"]), tuple(row["phones"]),
                   tuple(domains), row["postcode"])  # fmt: skip


def _number(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), signed=True)


# ── what is proposed ─────────────────────────────────────────────────────────────────────────────────────────────────

_OPEN = """
select one_id, other_id, score, reasons, certain, found_wall from duplicate where state = 'open'
order by score desc, one_id, other_id limit $1"""

_SIDE = """
select p.id, p.name, p.company, p.created_at,
    array(select address from person_email where person_id = p.id order by created_at, address) as emails,
    array(select number from person_phone where person_id = p.id order by created_at, number) as phones,
    array(select channel from suppression where person_id = p.id order by channel) as opted_out,
    n.id as lead_id, n.stage, n.intent, n.source, n.created_at as lead_at, n.closed_at, r.name as owner,
    (select count(*) from lead where person_id = p.id)::int as leads
from person p left join lateral (select * from lead where person_id = p.id
    order by closed_at is not null, created_at desc limit 1) n on true
left join rep r on r.id = n.owner_id
where p.id = any($1::uuid[])"""


@dataclass(frozen=True, slots=True)
class Pair:
    """`older` is the one that stays when nobody says otherwise; each side as `_SIDE` gives it."""

    older: Any
    newer: Any
    score: int
    reasons: Sequence[str]
    certain: bool


async def open_pairs(conn: Any, limit: int = 50) -> list[Pair]:
    """The likeliest first."""
    rows = await conn.fetch(_OPEN, limit)
    ids = list({row[side] for row in rows for side in ("one_id", "other_id")})
    sides = {row["id"]: row for row in await conn.fetch(_SIDE, ids)}
    pairs = []
    for row in rows:
        both = [sides[row[side]] for side in ("one_id", "other_id")]
        older, newer = sorted(both, key=lambda side: (side["created_at"], side["id"]))
        pairs.append(Pair(older, newer, row["score"], row["reasons"], row["certain"]))
    return pairs


async def open_proposals(conn: Any) -> int:
    """How many pairs wait for somebody to look at them."""
    return int(await conn.fetchval("select count(*) from duplicate where state = 'open'"))


async def certain_pairs(conn: Any, limit: int) -> list[tuple[str, str]]:
    rows = await conn.fetch(
        """select one_id, other_id from duplicate where state = 'open' and certain
           order by score desc, one_id, other_id limit $1""",
        limit,
    )
    return [(row["one_id"], row["other_id"]) for row in rows]


async def dismiss(conn: Any, one: str, other: str, wall: datetime) -> bool:
    """Never proposed again, and no mark of the intake says it any more. False where there is no such proposal."""
    await conn.execute(
        "update person set possible_duplicate_of = null where id in ($1, $2) and possible_duplicate_of in ($1, $2)",
        one, other,
    )  # fmt: skip
    return bool(
        await conn.fetchval(
            """update duplicate set state = 'dismissed', decided_wall = $3
               where one_id = least($1::uuid, $2::uuid) and other_id = greatest($1::uuid, $2::uuid) returning true""",
            one, other, wall,
        )
    )  # fmt: skip
