"""What if, on the command line: what is played, and its tables."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from speedlead.checked_yaml import parse
from speedlead.clock import SystemClock
from speedlead.domain.calendar import parse_zone
from speedlead.domain.crew import shifts_of
from speedlead.domain.experiment import PLAN_NAME
from speedlead.domain.opening import Shift
from speedlead.domain.plan import Plan
from speedlead.preview.console import find_plan
from speedlead.records import RepRecord
from speedlead.repbook import load_reps
from speedlead.settings import Settings
from speedlead.store import plans
from speedlead.store.pool import open_pool
from speedlead.whatif.house import gather
from speedlead.whatif.staffing import Cover
from speedlead.whatif.told import LIMITS, Told
from speedlead.whatif.words import moved, played, rows
from speedlead.whatif.work import Frame, Team, WhatIfRefused, Work, carry_out
from workers.lifecycle import build_calendar


@dataclass(frozen=True)
class Wish:
    """`plan`: a name, a published version or a file; `team`: a file; None as it is now.

    `cover`: `zone: …, hours: …` as YAML.
    """

    plan: str | None
    team: Path | None
    cover: str | None
    frame: Frame


def answer(settings: Settings, url: str, wish: Wish, *, quiet: bool) -> Told:
    """Raises WhatIfRefused, and the errors of plans, calendars, laws and files of reps."""
    try:
        parse_zone(wish.frame.zone)
    except ValueError as error:
        raise WhatIfRefused("zone", str(error)) from None
    # what is typed wrongly is told before anything takes long
    calendar = build_calendar(settings)
    team = None if wish.team is None else _team(wish.team, calendar.business)
    cover = () if wish.cover is None else (_cover(wish.cover),)

    def other_team(reps: Sequence[RepRecord]) -> Team:
        return [(*shifts, *cover) for shifts in ([rep.shifts for rep in reps] if team is None else team)]

    async def read() -> Work:
        pool = await open_pool(url, size=2)
        try:
            return await gather(
                pool, settings, calendar.business, wish.frame, SystemClock().wall(),
                file_plan=lambda: find_plan(settings, None), plan=lambda conn, now: _plan(conn, settings, wish, now),
                team=other_team,
            )  # fmt: skip
        finally:
            await pool.close()

    work = asyncio.run(read())
    with Progress(transient=True, disable=quiet) as progress:
        bar = progress.add_task("Playing", total=len(work.prospects))
        return carry_out(work, calendar.placer, calendar.places, lambda: progress.advance(bar))


async def _plan(conn: Any, settings: Settings, wish: Wish, now: Plan) -> Plan:
    name = wish.plan
    if name in (None, now.id):
        return now
    if re.fullmatch(PLAN_NAME, name or "") is None:
        return find_plan(settings, name)
    plan_id, _, version = (name or "").partition(":")
    try:
        return await plans.plan_of(conn, plan_id, int(version))
    except LookupError as error:
        raise WhatIfRefused("plan", str(error)) from None


def _team(file: Path, calendars: Any) -> list[tuple[Shift, ...]]:
    """Of a file as `speedlead rep import` reads it. Raises RepFileError."""
    return [
        shifts_of(calendars, email=rep.email, zone=rep.zone, weekly=rep.hours)
        for rep in load_reps(file)
        if rep.active and not rep.manager
    ]


def _cover(text: str) -> Shift:
    try:
        cover = parse(Cover, text, "--cover", whole="cover")
        parse_zone(cover.zone)
    except (ValueError, ValidationError) as error:
        expected = "{zone: Europe/Berlin, hours: {sat: 09:00-18:00}}"
        raise WhatIfRefused("cover", f"expected such as {expected!r}: {error}") from None
    return cover.shift()


def show(found: Told) -> None:
    console = Console()
    console.print(played(found))
    table = Table("", "now", "then", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows(found):
        table.add_row(*map(escape, row))
    console.print(table)
    console.print(moved(found))
    busy = [hour for hour in found.hours_then if hour.calls]
    short = sorted((hour for hour in busy if hour.short), key=lambda hour: -hour.short)
    console.print(
        f"Then, in an average week, {len(short)} of {len(busy)} hours with calls have fewer people than 95 % needs."
    )
    people = Table("hour", "calls", "needed", "on shift", box=box.SIMPLE_HEAD, pad_edge=False)
    for hour in short[:12] or sorted(busy, key=lambda hour: -hour.calls)[:5]:
        people.add_row(hour.name, f"{hour.calls:.1f}", f"{hour.needed}", f"{hour.there}")
    console.print(people)
    for line in LIMITS:
        console.print(f"[dim]{escape(line)}[/]")
