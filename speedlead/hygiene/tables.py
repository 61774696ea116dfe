"""What was found as tables: for files, and for the folder that `speedlead hygiene --csv` writes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from speedlead import times
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
WEEKS_OF_A_YEAR = 52


async def table_of(conn: Any, name: str, zone: str, wall: datetime) -> Table:
    """`name`: one of `NAMES`."""
    if name == REPAIRS:
        return repairs_table(await repairs(conn), zone)
    if name == VALID:
        return valid_table(await valid_weeks(conn, zone, wall, WEEKS_OF_A_YEAR))
    found = await hygiene_findings.findings(conn, name)
    return findings_table([*found, *await hygiene_findings.findings(conn, name, aside=True)], zone)


def findings_table(found: Iterable[Shown], zone: str) -> Table:
    """For a file: those set aside stand in it too, with why."""
    columns = ("Lead", "Who", "What", "Open lead", "Owner", "First found", "Set aside", "Why")
    return Table(tuple(Column(title) for title in columns), [
        (one.lead_id, who(one), what(one, zone), "yes" if one.is_open else "no", one.owner,
         _day(one.first_wall, zone),
         _day(one.aside_wall, zone) if one.aside_wall else None,
         ASIDE[one.aside_reason] if one.aside_reason else None)
        for one in found
    ])  # fmt: skip


def repairs_table(done: Iterable[Done], zone: str) -> Table:
    columns = ("When", "Lead", "What", "It was", "It is", "Undone")
    return Table(tuple(Column(title) for title in columns), [
        (_day(one.at_wall, zone), one.lead_id, WHAT[one.what], one.before, one.after,
         _day(one.undone_wall, zone) if one.undone_wall else None)
        for one in done
    ])  # fmt: skip


def _day(at: datetime, zone: str) -> str:
    return times.local(at, zone).date().isoformat()


def valid_table(weeks: Sequence[ValidWeek]) -> Table:
    """Share of the leads of each week that something reaches (REQ 108)."""
    columns = (Column("Week from"), Column("Leads", "count"), Column("Something works", "count"),
               Column("Share", "share"))  # fmt: skip
    return Table(columns, [(one.week.isoformat(), one.leads, one.valid, one.valid / one.leads) for one in weeks])
