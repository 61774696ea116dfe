"""What if, on the command line: what is played, and its tables."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from speedlead import times, wording
from speedlead.checked_yaml import parse
from speedlead.clock import SystemClock
from speedlead.domain.calendar import parse_zone
from speedlead.domain.crew import shifts_of
from speedlead.domain.experiment import PLAN_NAME
from speedlead.domain.opening import Shift
from speedlead.domain.plan import Plan
from speedlead.foresight import Foresight, Prospect
from speedlead.preview.console import find_plan
from speedlead.records import RepRecord
from speedlead.repbook import load_reps
from speedlead.settings import Settings
from speedlead.store import plans
from speedlead.store.leads import LeadStore
from speedlead.store.past_leads import first_lead, past_leads
from speedlead.store.pool import open_pool
from speedlead.store.transactions import transact
from speedlead.whatif.replay import Compared, Outcome, compare
from speedlead.whatif.staffing import Cover, Hour, staffing
from workers.lifecycle import build_calendar

LIMITS = (
    "Played as leads that never answer, with providers that accept everything: touches are the most there can be.",
    "Whoever is on shift is free at once; how long people really take is in /ops. Calls before the lead are not known.",
    "Both columns go by today's law, calendars and people, not by those of the day on which the lead came.",
    "People needed: Erlang C with calls at random, one queue, and everybody able to take every call.",
)


class WhatIfRefused(Exception):
    """The text names the option and what was expected."""


@dataclass(frozen=True)
class Wish:
    """`plan`: a name, a published version or a file; `team`: a file; None as it is now.

    `cover`: `zone: …, hours: …` as YAML. `zone`: of the hours.
    """

    plan: str | None
    team: Path | None
    cover: str | None
    days: int
    most: int
    zone: str
    call_s: float
    within_s: float


@dataclass(frozen=True)
class Answer:
    """`of_all`: leads that came; `leads` of them were played."""

    compared: Compared
    hours: tuple[Hour, ...]
    of_all: int
    leads: int
    days: int


def answer(settings: Settings, url: str, wish: Wish, *, quiet: bool) -> Answer:
    """Raises WhatIfRefused, and the errors of plans, calendars, laws and files of reps."""
    try:
        zone = ZoneInfo(parse_zone(wish.zone))
    except ValueError as error:
        raise WhatIfRefused(f"--zone: {error}") from None
    # what is typed wrongly is told before anything takes long
    calendar = build_calendar(settings)
    team = None if wish.team is None else _team(wish.team, calendar.business)
    cover = () if wish.cover is None else (_cover(wish.cover),)
    now = SystemClock().wall()
    start = now - timedelta(days=wish.days)
    known = asyncio.run(_read(settings, url, calendar.business, wish, start, now))
    prospects = known.prospects
    if not prospects:
        raise WhatIfRefused(f"--days: expected leads to play, got none of the last {wish.days} days")
    team_now = [rep.shifts for rep in known.reps if not rep.manager]
    team_then = [(*shifts, *cover) for shifts in (team_now if team is None else team)]

    def foresight(plan: Plan, team: Sequence[Sequence[Shift]]) -> Foresight:
        whole = [shift.whole or shift for shifts in team for shift in shifts]
        return Foresight(plan=plan, placer=calendar.placer, places=calendar.places, team=whole)

    each: Sequence[Prospect] | Any = prospects if quiet else track(prospects, "Playing", transient=True)
    compared = compare(each, foresight(known.now, team_now), foresight(known.then, team_then), wish.zone)
    # an average week, of all leads where only some were played; before its first lead a house had no weeks
    days = min(wish.days, max(7, (now - known.first).days))
    part = 7 / days * known.of_all / len(prospects)
    local = now.astimezone(zone)
    monday = datetime.combine(local.date() + timedelta(days=7 - local.weekday()), time(), zone)
    try:
        hours = staffing([calls * part for calls in compared.then.hours], team_then, monday, call_s=wish.call_s,
                         within_s=wish.within_s)  # fmt: skip
    except ValueError as error:
        raise WhatIfRefused(f"--call-minutes: {error}") from None
    return Answer(compared, hours, known.of_all, len(prospects), wish.days)


@dataclass(frozen=True)
class _Known:
    """`first`: when the first lead of all came in, or the end of the period."""

    now: Plan
    then: Plan
    reps: Sequence[RepRecord]
    prospects: list[Prospect]
    of_all: int
    first: datetime


async def _read(settings: Settings, url: str, calendars: Any, wish: Wish, start: datetime, end: datetime) -> _Known:
    pool = await open_pool(url, size=2)
    try:
        now, then = await _plans(pool, settings, wish.plan)
        reps = await LeadStore(pool, calendars).reps()
        prospects, of_all = await transact(pool, lambda conn: past_leads(conn, start, end, wish.most))
        first = await transact(pool, first_lead)
        return _Known(now, then, reps, prospects, of_all, first or end)
    finally:
        await pool.close()


async def _plans(pool: Any, settings: Settings, name: str | None) -> tuple[Plan, Plan]:
    """The one in use, which a file stands for only until one was published, and the one that is asked about."""
    in_use = await plans.in_use(pool)
    now = find_plan(settings, None) if in_use is None else await plans.plan_of(pool, *in_use)
    if name in (None, now.id):
        return now, now
    if re.fullmatch(PLAN_NAME, name or "") is None:
        return now, find_plan(settings, name)
    plan_id, _, version = (name or "").partition(":")
    try:
        return now, await plans.plan_of(pool, plan_id, int(version))
    except LookupError as error:
        raise WhatIfRefused(f"--plan: {error}") from None


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
        raise WhatIfRefused(f"--cover: expected such as {expected!r}: {error}") from None
    return cover.shift()


# ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────────


def rows(found: Answer) -> list[tuple[str, str, str]]:
    """(what, now, then)."""
    now, then = found.compared.now, found.compared.then

    def both(text: Any) -> tuple[str, str]:
        return text(now), text(then)

    def span(part: float) -> tuple[str, str]:
        return both(lambda of: "–" if of.quantile(part) is None else times.span(of.quantile(part)))

    def share(name: str) -> tuple[str, str]:
        return both(lambda of: f"{getattr(of, name) / of.leads:.1%}")

    return [
        ("first touch, half of the leads within", *span(0.5)),
        ("first touch, 95 % within", *span(0.95)),
        ("first touch within 5 minutes", *share("soon")),
        ("first touch after its deadline", *share("late")),
        ("touches in 48 hours, each lead", *both(lambda of: f"{of.touches_48h / of.leads:.1f}")),
        ("calls in all", *both(lambda of: f"{of.calls}")),
        ("touches left out", *both(lambda of: f"{sum(of.skipped.values())}")),
        ("leads that nothing reaches", *both(lambda of: f"{of.unreached}")),
        *((f"  left out: {wording.reason(reason)}", f"{now.skipped[reason]}", f"{then.skipped[reason]}")
          for reason in sorted(now.skipped | then.skipped)),
    ]  # fmt: skip


def show(found: Answer) -> None:
    console = Console()
    played = f"{found.leads} leads of the last {found.days} days were played"
    console.print(f"{played}." if found.leads == found.of_all else f"The newest {played}, of {found.of_all}.")
    table = Table("", "now", "then", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows(found):
        table.add_row(*map(escape, row))
    console.print(table)
    moved = found.compared
    console.print(
        f"The first touch comes sooner for {moved.sooner} leads and later for {moved.later}; "
        f"{moved.won} get one that had none, {moved.lost} lose theirs."
    )
    busy = [hour for hour in found.hours if hour.calls]
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


def as_json(found: Answer) -> dict[str, Any]:
    """Waits are seconds."""

    def side(of: Outcome) -> dict[str, Any]:
        return {
            "first_touch_s": {"p50": of.quantile(0.5), "p95": of.quantile(0.95)}, "within_5_min": of.soon,
            "after_deadline": of.late, "touches_48h": of.touches_48h, "calls": of.calls,
            "left_out": dict(sorted(of.skipped.items())), "unreached": of.unreached,
        }  # fmt: skip

    moved = found.compared
    return {
        "leads": found.of_all, "played": found.leads, "days": found.days, "now": side(moved.now),
        "then": side(moved.then), "sooner": moved.sooner, "later": moved.later, "won": moved.won, "lost": moved.lost,
        "hours": [{"hour": hour.name, "calls": round(hour.calls, 2), "needed": hour.needed, "on_shift": hour.there}
                  for hour in found.hours],
        "limits": list(LIMITS),
    }  # fmt: skip
