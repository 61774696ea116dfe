"""What leads brought and cost: brought in from the bookkeeping, and read for what speed is worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from speedlead.roi.ledger import Entry

# Of one person's leads by then the newest that was won, else the newest; won later counts as well, as an invoice may be
# paid before somebody logs the sale. No figure has a program: what comes in meanwhile stands with the lead of the
# inquiry behind it.
_BY_ADDRESS = """
select l.id::text from person_email e join lead l on l.person_id = e.person_id
where e.address = $1 and l.created_at < $2::date + 1 and l.source <> 'flow_check' and l.program is null
order by exists (select from outcome w where w.lead_id = l.id and w.outcome = 'converted') desc, l.created_at desc
limit 1
"""
_MONEY = """
select e.currency, count(distinct e.lead_id) filter (where e.kind = 'revenue' and e.amount > 0)::int as customers,
    coalesce(sum(e.amount) filter (where e.kind = 'revenue'), 0) as revenue,
    coalesce(sum(e.amount) filter (where e.kind = 'support_cost'), 0) as support,
    coalesce(sum(e.amount) filter (where e.kind = 'acquisition_cost'), 0) as acquisition
from metric_lead m join ledger_entry e on e.lead_id = m.lead_id
where m.created_at >= $1 and m.created_at < $2 group by 1
"""
_HOUSE = """
select e.currency, coalesce(sum(e.amount) filter (where e.kind = 'support_cost'), 0) as support,
    coalesce(sum(e.amount) filter (where e.kind = 'acquisition_cost'), 0) as acquisition
from ledger_entry e where e.lead_id is null and e.booked_on >= $1 and e.booked_on <= $2 group by 1
"""


class LedgerRefused(Exception):
    """`faults`: one line of text each."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))


@dataclass(frozen=True, slots=True)
class Imported:
    """`old`: entries of which something newer is known already."""

    new: int
    changed: tuple[str, ...]
    same: int
    old: int = 0


@dataclass(frozen=True, slots=True)
class Money:
    """Of the leads of a period, whenever it was booked; costs of the whole house by the day on which they were.

    `customers`: leads that brought something.
    """

    currency: str
    customers: int
    revenue: Decimal
    support: Decimal
    acquisition: Decimal


async def import_entries(
    conn: Any, entries: Sequence[Entry], name: str, wall: datetime, *, dry_run: bool
) -> Imported:  # fmt: skip
    """All or none; the caller holds the transaction. Raises LedgerRefused with every line whose lead is not known."""
    await conn.execute("select pg_advisory_xact_lock(hashtextextended('ledger', 0))")
    known = {row["reference"]: row for row in await conn.fetch(
        """select reference, kind, lead_id::text as lead_id, booked_on, amount, currency, told_at from ledger_entry
           where reference = any($1)""", [entry.reference for entry in entries])}  # fmt: skip
    faults, rows, changed, same, old = [], [], [], 0, 0
    for entry in entries:
        lead, wrong = await _lead_of(conn, entry)
        if wrong:
            faults.append(f"{name}:{entry.line}: {wrong}")
            continue
        row = (entry.kind, lead, entry.day, entry.amount, entry.currency)
        before, told = known.get(entry.reference), entry.told_at
        if before is not None and before["told_at"] is not None:
            if told is not None and told < before["told_at"]:
                old += 1
                continue
            told = told or before["told_at"]
        if before is not None and tuple(before.values())[1:6] == row and told == before["told_at"]:
            same += 1
            continue
        if before is not None:
            changed.append(f"{entry.reference}: {_said(tuple(before.values())[1:6])} → {_said(row)}")
        rows.append((entry.reference, *row, wall, told))
    if faults:
        raise LedgerRefused(faults)
    if not dry_run:
        await conn.executemany(
            """insert into ledger_entry (reference, kind, lead_id, booked_on, amount, currency, imported_wall,
                   told_at)
               values ($1, $2, $3::text::uuid, $4, $5, $6, $7, $8) on conflict (reference) do update set kind = $2,
               lead_id = $3::text::uuid, booked_on = $4, amount = $5, currency = $6, imported_wall = $7,
               told_at = $8""",
            rows,
        )
    return Imported(len(rows) - len(changed), tuple(changed), same, old)


async def _lead_of(conn: Any, entry: Entry) -> tuple[str | None, str]:
    if entry.lead is not None:
        own = "select coalesce(follows, id)::text from lead where id = $1::text::uuid"
        found = await conn.fetchval(own, entry.lead)
        return found, "" if found else f"lead: expected the id of a lead, got {entry.lead}"
    if entry.email is not None:
        found = await conn.fetchval(_BY_ADDRESS, entry.email, entry.day)
        return found, "" if found else f"email: expected the address of a lead of {entry.day} or before"
    return None, ""


def _said(row: Sequence[Any]) -> str:
    kind, lead, day, amount, currency = row
    return f"{kind} {amount.normalize():f} {currency} of {day}" + (f", lead {lead[:8]}" if lead else "")


async def money(conn: Any, start: datetime, end: datetime) -> list[Money]:
    """Of leads that came in [start, end), by currency, the largest revenue first."""
    found = {row["currency"]: dict(row) for row in await conn.fetch(_MONEY, start, end)}
    for row in await conn.fetch(_HOUSE, start.date(), end.date()):
        empty = {"currency": row["currency"], "customers": 0, "revenue": Decimal(0),
                 "support": Decimal(0), "acquisition": Decimal(0)}  # fmt: skip
        mine = found.setdefault(row["currency"], empty)
        mine["support"] += row["support"]
        mine["acquisition"] += row["acquisition"]
    return sorted((Money(**row) for row in found.values()), key=lambda money: (-money.revenue, money.currency))


async def last_booked(conn: Any) -> date | None:
    found: date | None = await conn.fetchval("select max(booked_on) from ledger_entry")
    return found
