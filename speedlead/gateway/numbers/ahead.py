"""Panels about the next hours: what is due, and who is there to do it."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from speedlead import wording
from speedlead.domain.opening import on_shift
from speedlead.gateway.capacity_page import Place, place_of
from speedlead.gateway.numbers import charts
from speedlead.gateway.numbers.asking import Asking
from speedlead.gateway.numbers.charts import Bar
from speedlead.gateway.numbers.panels import Panel, Shown
from speedlead.gateway.numbers.tables import Column, Table, count
from speedlead.records import RepRecord
from speedlead.store.leads import LeadStore
from speedlead.store.transactions import transact
from speedlead.store.waiting_pool import pool_now
from speedlead.times import clock

HOURS = 12
_FULLEST = 7


async def due(asking: Asking) -> Shown:
    rows = await asking.numbers.due_next(HOURS)
    reps, now = await _reps(asking), asking.now
    slots = range(-1, HOURS)
    counts = {slot: Counter[str]() for slot in slots}
    for row in rows:
        counts[row.slot][row.kind] += row.count
    there = {slot: _there(reps, now + timedelta(hours=slot, minutes=30)) for slot in slots[1:]}
    table = Table(
        (Column("From (UTC)"), count("First attempts"), count("Touches of the plan"),
         count("Replies to answer"), count("All"), count("Reps on shift")),
        [("overdue" if slot < 0 else clock(now + timedelta(hours=slot), "UTC"), found["first_attempt"], found["touch"],
          found["reply"], found.total(), there.get(slot)) for slot, found in counts.items()],
    )  # fmt: skip
    most = max(found.total() for found in counts.values())
    if not most:
        return Shown(table, words=f"Nothing is overdue, and nothing is due in the next {HOURS} hours.")
    items = [
        Bar(_from_now(slot), found.total() / most, f"{found.total():,}", "bad" if slot < 0 else "")
        for slot, found in counts.items()
    ]
    coming, late = sum(counts[slot].total() for slot in slots[1:]), counts[-1].total()
    words = f"Of all leads, whatever the filter says: {coming:,} in the next {HOURS} hours, {late:,} overdue."
    under = ["reps:", *(str(there[slot]) for slot in slots[1:])]
    return Shown(table, charts.columns(items, f"{words} By hour from now.", under=under), words)


def _from_now(slot: int) -> str:
    return "late" if slot < 0 else "now" if slot == 0 else f"+{slot}"


def _there(reps: list[RepRecord], at: datetime) -> int:
    return sum(
        any(shift.holds(at) for shift in on_shift(rep.shifts))
        and not any(start <= at < end for start, end in rep.not_there)
        for rep in reps
    )


async def capacity(asking: Asking) -> Shown:
    now = asking.deps.clock.business(0)
    places = [place_of(rep, now) for rep in await _reps(asking)]
    table = Table(
        (Column("Rep"), Column("On shift"), count("Open leads"), count("Capacity"),
         count("Room"), Column("Could take one from (UTC)")),
        [(place.rep.name, "yes" if place.working else "no", place.rep.open_leads, place.rep.capacity, place.room,
          clock(place.free_at, "UTC") if place.free_at else None) for place in places],
    )  # fmt: skip
    if not places:
        nobody = "There are no reps yet: `speedlead rep import`."
        return Shown(table, words=nobody if asking.filters.rep_id is None else "No lead is given to this person.")
    fullest = sorted(places, key=_filled, reverse=True)[:_FULLEST]
    items = [
        Bar(one.rep.name, _filled(one), f"{one.rep.open_leads:,} of {one.rep.capacity:,}", "" if one.room else "bad")
        for one in fullest
    ]
    waiting = await transact(asking.deps.pool, lambda conn: pool_now(conn, asking.now))
    working = [place for place in places if place.working]
    taken, whole = sum(one.rep.open_leads for one in places), sum(one.rep.capacity for one in places)
    room = wording.counted(sum(one.room for one in working), "lead")
    wait = f"{wording.counted(waiting.waiting, 'lead')} {'waits' if waiting.waiting == 1 else 'wait'} for an owner"
    words = (
        f"{len(working)} of {len(places)} on shift, with room for {room}; {wait}. "
        f"In all {taken:,} of {whole:,} places are taken."
    )
    return Shown(table, charts.bars(items, words), words)


def _filled(place: Place) -> float:
    return place.rep.open_leads / place.rep.capacity


async def _reps(asking: Asking) -> list[RepRecord]:
    wanted = asking.filters.rep_id and str(asking.filters.rep_id)

    async def read(conn: Any) -> list[RepRecord]:
        found = [rep for rep in await LeadStore(conn, asking.calendars).reps() if not rep.manager]
        return sorted((rep for rep in found if wanted in (None, rep.rep_id)), key=lambda rep: rep.name)

    return await transact(asking.deps.pool, read)


PANELS = (
    Panel("due", "Due in the next hours", "due", due, of_all=True),
    Panel("capacity", "Capacity ahead", "due", capacity, names_reps=True),
)
