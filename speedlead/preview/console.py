"""The preview on the command line: where its plan and team come from, and its table."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from speedlead.domain.business import Calendars
from speedlead.domain.opening import Shift
from speedlead.domain.plan import Plan
from speedlead.embedded.where import database_of
from speedlead.foresight import Foresight
from speedlead.gateway.context import home_country
from speedlead.planbook import PlanError, load_plan, packaged_plan
from speedlead.preview.desk import Desk, whose
from speedlead.preview.view import Preview
from speedlead.records import team_of
from speedlead.seed import demo_team
from speedlead.settings import Settings
from speedlead.store import plans
from speedlead.store.leads import LeadStore
from speedlead.store.pool import open_pool
from workers.lifecycle import build_calendar

_DATABASE_S = 5


def open_desk(settings: Settings, plan_name: str | None) -> Desk:
    """Raises PlanError, LawError or CalendarError. Works without a database: then the demo's team is taken."""
    calendar = build_calendar(settings)
    team, team_is, published = asyncio.run(_house(settings, calendar.business))
    plan = published if published and plan_name in (None, published.id) else find_plan(settings, plan_name)
    return Desk(
        Foresight(plan=plan, placer=calendar.placer, places=calendar.places, team=team),
        home_country(settings.company_phone or settings.twilio_from),
        team_is,
        datetime.now(UTC).replace(microsecond=0),
    )


def find_plan(settings: Settings, name: str | None) -> Plan:
    """The plan that a new house starts on, one that comes with the product, or a file. Raises PlanError."""
    if name is None:
        return load_plan(settings.plan_file)
    if "/" in name or name.endswith((".yaml", ".yml")):
        return load_plan(Path(name))
    in_use = load_plan(settings.plan_file)
    if in_use.id == name:
        return in_use
    if packaged_plan(name).is_file():
        return load_plan(packaged_plan(name))
    known = sorted({in_use.id, *(file.stem for file in packaged_plan().parent.glob("*.yaml"))})
    raise PlanError(f"plan {name!r}: expected a file such as plans/own.yaml, or one of {', '.join(known)}")


async def _house(settings: Settings, calendars: Calendars) -> tuple[tuple[Shift, ...], str, Plan | None]:
    """The team, in words whose it is, and the published plan in use where there is one."""
    demo = demo_team(calendars)
    url = database_of(settings)
    if url is None:
        return demo, "the demo team's, because no database is set and no `speedlead up` runs on this data folder", None
    try:
        async with asyncio.timeout(_DATABASE_S):
            pool = await open_pool(url, size=2)
        try:
            reps = await LeadStore(pool, calendars).reps()
            in_use = await plans.in_use(pool)
            plan = await plans.plan_of(pool, *in_use) if in_use else None
        finally:
            await pool.close()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return demo, f"the demo team's, because the database does not answer ({type(error).__name__})", None
    return team_of(reps), whose(reps), plan


def show(preview: Preview, team_is: str) -> None:
    console = Console()
    console.print(f"\n[bold]{escape(preview.title)}[/]")
    facts = Table(box=None, show_header=False, pad_edge=False)
    for name, text in (*preview.facts, ("Team hours", team_is)):
        facts.add_row(f"[dim]{name}[/]", escape(text))
    console.print(facts)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, whole in (("lead's clock", True), ("step", True), ("the plan says", False), ("why then, or not", False)):
        table.add_column(name, no_wrap=whole)
    day = ""
    for line in preview.lines:
        when = f"{line.day if line.day != day else '':<10} {line.clock}"
        colour = "" if line.touch.state == "sent" else "dim"
        table.add_row(when, line.step, line.plan, escape(line.why), style=colour)
        day = line.day
    console.print(table)
