"""Checks a plan with the house's own calendar, team and texts, and publishes it with a line in the audit."""

from datetime import UTC, datetime
from typing import Any

from speedlead.composing.assemble import read_composer
from speedlead.domain.plan import Plan
from speedlead.foresight import Foresight
from speedlead.gateway.context import home_country
from speedlead.plan_check import Checked, check_text
from speedlead.planbook import PlanError, fits, load_plan, packaged_plan
from speedlead.preview.desk import Desk, whose
from speedlead.records import team_of
from speedlead.seed import demo_team
from speedlead.settings import Settings
from speedlead.store import audit, plans
from speedlead.store.leads import LeadStore
from speedlead.store.plan_drafts import Draft, draft_published
from speedlead.store.transactions import transact


async def check_with(pool: Any, settings: Settings, text: str, name: str) -> Checked:
    """For a command, which has no calendar yet. Raises ComposeError, LawError, CalendarError."""
    from workers.lifecycle import build_calendar

    calendar = build_calendar(settings)
    reps = await LeadStore(pool, calendar.business).reps() if pool is not None else ()
    team = team_of(reps) or demo_team(calendar.business)
    foresight = Foresight(plan=load_plan(), placer=calendar.placer, places=calendar.places, team=team)
    home = home_country(settings.company_phone or settings.twilio_from)
    return check_text(text, name, Desk(foresight, home, whose(reps), datetime.now(UTC)), read_composer(settings))


async def publish_text(
    pool: Any, plan: Plan, draft: Draft | None, *, who: str, role: str, note: str, wall: datetime,
    account_id: str | None = None,
) -> Plan:  # fmt: skip
    """Under the next number of its id. Raises DraftRefused or PlanError, and nothing is published then."""

    async def work(conn: Any) -> Plan:
        before = await plans.in_use(conn)
        await _programs_of(conn, plan, who, note)
        made = await plans.publish_next(conn, plan, who=who, note=note)
        if draft is not None:
            await draft_published(conn, draft, made.id, made.version)
        await _noted(conn, "plan publish", made.id, made.version, before, role, account_id, note, wall)
        return made

    return await transact(pool, work)


async def use_version(
    pool: Any, plan_id: str, version: int, *, role: str, note: str, wall: datetime, account_id: str | None = None
) -> None:
    """Raises LookupError."""

    async def work(conn: Any) -> None:
        before = await plans.in_use(conn)
        program = (await plans.plan_of(conn, plan_id, version)).program
        if program is not None:
            raise LookupError(f"plan {plan_id} version {version}: a {program} plan answers no inquiry")
        await plans.use(conn, plan_id, version)
        await _noted(conn, "plan use", plan_id, version, before, role, account_id, note, wall)

    await transact(pool, work)


async def _programs_of(conn: Any, plan: Plan, who: str, note: str) -> None:
    """What it names for when it is over is there and for that: published before, or packaged and published now."""
    for ending, name in plan.then.items():
        program = plan if name == plan.id else await plans.newest(conn, name)
        if program is None and packaged_plan(name).is_file():
            program = load_plan(packaged_plan(name))
            await plans.store_next(conn, program, who=who, note=note)
        if program is None:
            raise PlanError(f"plan {plan.id}: then.{ending}: plan {name} was never published; publish it first")
        fits(plan, ending, program)


async def _noted(
    conn: Any, action: str, plan_id: str, version: int, before: tuple[str, int] | None, role: str,
    account_id: str | None, note: str, wall: datetime,
) -> None:  # fmt: skip
    change = audit.Change(account_id, role, None, action, f"{plan_id}:{version}", {}, note or None)
    was = {"in_use": f"{before[0]}:{before[1]}"} if before is not None else None
    await audit.end(
        conn, await audit.begin(conn, change, was, wall), {"in_use": f"{plan_id}:{version}"}, 200,
    )  # fmt: skip
