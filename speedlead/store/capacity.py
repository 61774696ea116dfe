"""How many leads each rep may have, and their share: every change is a row with who, when, why, the old and the new."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

MOST_LEADS, MOST_SHARE = 100_000, 100

_CHANGE = """
insert into capacity_change (rep_id, at_wall, account_id, reason, old_capacity, old_weight, capacity, weight, reverts)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


@dataclass(frozen=True, slots=True)
class Share:
    """`capacity`: open leads at most. `weight`: share next to the others; 0 gets no leads."""

    capacity: int
    weight: int


@dataclass(frozen=True, slots=True)
class By:
    """Who changes it and why; without an account somebody at the command line."""

    account_id: str | None
    reason: str
    wall: datetime


@dataclass(frozen=True, slots=True)
class Change:
    change_id: int
    rep_id: str
    rep_name: str
    at_wall: datetime
    who: str
    reason: str
    old: Share
    new: Share
    # taken back by a later change, or takes one back itself
    reverted: bool
    reverts: int | None
    # it is how the rep's share is now, so it can be taken back
    stands: bool


class CapacityRefused(ValueError):
    """Nothing was changed; `field` is the form's, "" for none."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field
        self.text = text


async def change_share(
    conn: Any, rep_id: str, new: Share, *, seen: Share, reason: str, account_id: str | None, wall: datetime
) -> None:
    """`seen`: what stood there when it was asked for. Raises CapacityRefused."""
    if not 1 <= new.capacity <= MOST_LEADS:
        raise CapacityRefused("capacity", f"expected 1 to {MOST_LEADS} open leads; weight 0 gives somebody no leads")
    if not 0 <= new.weight <= MOST_SHARE:
        raise CapacityRefused("weight", f"expected 0 to {MOST_SHARE}")
    if not reason:
        raise CapacityRefused("reason", "expected a few words why")
    old = await _locked(conn, rep_id)
    if old != seen:
        raise CapacityRefused("", f"somebody else has changed it meanwhile: it is {_words(old)} now")
    if new == old:
        raise CapacityRefused("", f"nothing to change: it is {_words(old)} already")
    await write_share(conn, rep_id, old, new, By(account_id, reason, wall))


async def revert(conn: Any, change_id: int, *, account_id: str | None, wall: datetime) -> None:
    """Puts back what stood before that change, unless something else stands there by now. Raises CapacityRefused."""
    row = await conn.fetchrow("select * from capacity_change where id = $1", change_id)
    if row is None:
        raise CapacityRefused("", "there is no such change")
    now = await _locked(conn, row["rep_id"])
    if await conn.fetchval("select true from capacity_change where reverts = $1", change_id):
        raise CapacityRefused("", "this change was taken back already")
    if now != Share(row["capacity"], row["weight"]):
        raise CapacityRefused("", f"something else stands there since: {_words(now)}")
    old = Share(row["old_capacity"], row["old_weight"])
    await write_share(conn, row["rep_id"], now, old, By(account_id, row["reason"], wall), change_id)


async def changes(conn: Any, limit: int = 50) -> list[Change]:
    """Newest first."""
    rows = await conn.fetch(
        """select c.*, r.name, r.capacity = c.capacity and r.weight = c.weight as as_now,
               c.id = (select max(n.id) from capacity_change n where n.rep_id = c.rep_id) as newest,
               coalesce(a.email, 'command line') as who,
               exists (select from capacity_change later where later.reverts = c.id) as reverted
           from capacity_change c join rep r on r.id = c.rep_id left join account a on a.id = c.account_id
           order by c.id desc limit $1""",
        limit,
    )
    return [
        Change(
            change_id=row["id"],
            rep_id=str(row["rep_id"]),
            rep_name=row["name"],
            at_wall=row["at_wall"],
            who=row["who"],
            reason=row["reason"],
            old=Share(row["old_capacity"], row["old_weight"]),
            new=Share(row["capacity"], row["weight"]),
            reverted=row["reverted"],
            reverts=row["reverts"],
            stands=row["as_now"] and row["newest"],
        )
        for row in rows
    ]


async def _locked(conn: Any, rep_id: str) -> Share:
    row = await conn.fetchrow("select capacity, weight from rep where id = $1 and active for update", rep_id)
    if row is None:
        raise CapacityRefused("", "there is no such active rep")
    return Share(row["capacity"], row["weight"])


async def write_share(conn: Any, rep_id: str, old: Share, new: Share, by: By, reverts: int | None = None) -> None:
    """The one place where somebody's share changes. The caller holds the rep's row."""
    await conn.execute(
        _CHANGE, rep_id, by.wall, by.account_id, by.reason, old.capacity, old.weight, new.capacity, new.weight, reverts
    )
    await conn.execute("update rep set capacity = $2, weight = $3 where id = $1", rep_id, new.capacity, new.weight)


def _words(share: Share) -> str:
    return f"capacity {share.capacity}, weight {share.weight}"
