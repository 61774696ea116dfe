"""What was found as tables: for files, and for the folder that `speedlead hygiene --csv` writes."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from speedlead.domain.hygiene import ASIDE, TITLES
from speedlead.gateway.numbers.tables import Column, Table
from speedlead.hygiene.words import WHAT, what, who
from speedlead.store import hygiene_findings
from speedlead.store.hygiene import ValidWeek, valid_weeks
from speedlead.store.hygiene_findings import Shown
from speedlead.store.hygiene_repairs import Done, repairs

# a table for each kind of finding, and two more
REPAIRS, VALID = "repairs", "valid"
NAMES = (*TITLES, REPAIRS, VALID)


async def table_of(conn: Any, name: str, zone: str, wall: datetime) -> Table:
    """`name`: one of `NAMES`."""
    if name == REPAIRS:
        return repairs_table(await repairs(conn))
    if name == VALID:
        return valid_table(await valid_weeks(conn, zone, wall - timedelta(days=366)))
    found = await hygiene_findings.findings(conn, name)
    return findings_table([*found, *await hygiene_findings.findings(conn, name, aside=True)])


def findings_table(found: Iterable[Shown]) -> Table:
    """For a file: those set aside stand in it too, with why."""
    columns = ("Lead", "Who", "What", "Open lead", "Owner", "First found", "Set aside", "Why")
    return Table(tuple(Column(title) for title in columns), [
        (one.lead_id, who(one), what(one), "yes" if one.detail.get("open") else "no", one.owner,
         one.first_wall.date().isoformat(),
         one.aside_wall.date().isoformat() if one.aside_wall else None,
         ASIDE[one.aside_reason] if one.aside_reason else None)
        for one in found
    ])  # fmt: skip


def repairs_table(done: Iterable[Done]) -> Table:
    columns = ("When", "Lead", "What", "It was", "It is", "Undone")
    return Table(tuple(Column(title) for title in columns), [
        (one.at_wall.date().isoformat(), one.lead_id, WHAT[one.what], one.before, one.after,
         one.undone_wall.date().isoformat() if one.undone_wall else None)
        for one in done
    ])  # fmt: skip


def valid_table(weeks: Sequence[ValidWeek]) -> Table:
    """Share of the leads of each week that something reaches (REQ 108)."""
    columns = (Column("Week from"), Column("Leads", "count"), Column("Something works", "count"),
               Column("Share", "share"))  # fmt: skip
    return Table(columns, [(one.week.isoformat(), one.leads, one.valid, one.valid / one.leads) for one in weeks])
