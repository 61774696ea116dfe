"""The part of `speedlead plan …` that works on the database: drafts, publishing, and moving open leads."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speedlead.domain.steering import PACE, BadRequest, checked, plan_named
from speedlead.steer_command import agreed, run_command
from speedlead.whoami import command_line, whoami

if TYPE_CHECKING:
    from speedlead.plan_check import Checked

Note = Annotated[str, typer.Option(help="Why; stands beside the version and in the audit")]
_NEEDS_NOTE = "--note: expected why this is published, in a few words"


def draft(
    file: Annotated[Path, typer.Argument(help="A plan file; it may still be faulty")],
    note: Annotated[str, typer.Option(help="What it is for")] = "",
) -> None:
    """Keep a plan file as a draft, and say what is wrong with it."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.checked_yaml import read_text
        from speedlead.clock import SystemClock
        from speedlead.store.plan_drafts import add_draft

        text = read_text(file)
        draft_id = await add_draft(pool, text, author=whoami(), note=note, wall=SystemClock().wall())
        checked = await _checked(pool, settings, text, str(file))
        said(checked)
        ready = "may be published" if checked.may_be_published else "cannot be published yet"
        print(f"draft {draft_id}: {ready}")
        return 0

    run_command(work)


def publish(
    what: Annotated[str, typer.Argument(help="The number of a draft, or a plan file")],
    note: Note,
) -> None:
    """Publish a draft or a file under the next version number. New leads start on it, open ones stay where they are."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.checked_yaml import read_text
        from speedlead.clock import SystemClock
        from speedlead.plan_publishing import publish_text
        from speedlead.store.plan_drafts import draft_of

        if not note.strip():
            raise BadRequest(_NEEDS_NOTE)
        if what.isdecimal() and len(what) > 18:
            raise BadRequest(f"{what}: expected the number of a draft, or a plan file")
        found = await draft_of(pool, int(what)) if what.isdecimal() else None
        text = found.yaml if found is not None else read_text(Path(what))
        checked = await _checked(pool, settings, text, f"draft {what}" if found is not None else what)
        said(checked)
        if checked.plan is None or not checked.may_be_published:
            print("Nothing was published.")
            return 1
        plan = await publish_text(
            pool, checked.plan, found, who=whoami(), role=command_line(), note=note, wall=SystemClock().wall()
        )
        follows = "new leads start on it in a few seconds" if plan.program is None else "what begins now follows it"
        print(f"{plan.id} version {plan.version} is published: {follows}.")
        return 0

    run_command(work)


def use(
    plan: Annotated[str, typer.Argument(help="A published version, such as inbound:3")],
    note: Note,
) -> None:
    """Let new leads start on a version that was published before; to take a version back."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.clock import SystemClock
        from speedlead.plan_publishing import use_version

        if not note.strip():
            raise BadRequest(_NEEDS_NOTE)
        asked = plan_named(plan)
        await use_version(
            pool, asked["plan_id"], asked["version"], role=command_line(), note=note, wall=SystemClock().wall()
        )
        print(f"New leads start on {asked['plan_id']} version {asked['version']} in a few seconds.")
        return 0

    run_command(work)


def versions() -> None:
    """Every published version and every draft: since when, by whom, why, and how many open leads follow it."""

    async def work(pool: Any, settings: Any) -> int:
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        from speedlead.store import plan_drafts, plans

        current = await plans.in_use(pool)
        table = Table("plan", "version", "in use since (UTC)", "by", "why", "open leads")
        for one in await plans.versions(pool):
            mark = " (in use)" if current == (one.plan_id, one.version) else ""
            since = f"{one.used_wall:%Y-%m-%d %H:%M:%S}" if one.used_wall else "–"
            table.add_row(one.plan_id, f"{one.version}{mark}", since, escape(one.published_by or "a file at the start"),
                          escape(one.note), str(one.leads))  # fmt: skip
        Console().print(table)
        for kept in await plan_drafts.drafts(pool):
            became = f"published as {kept.published_id}:{kept.published_version}" if kept.published_id else "a draft"
            print(f"draft {kept.draft_id}: {became}, by {kept.author}{': ' * bool(kept.note)}{kept.note}")
        return 0

    run_command(work)


def migrate(
    before: Annotated[str, typer.Argument(metavar="FROM", help="Open leads on this version, such as inbound:3")],
    to: Annotated[str, typer.Argument(metavar="TO", help="A published version, such as inbound:4")],
    note: Annotated[str, typer.Option(help="Why; stands in the audit")] = "",
    lead_type: Annotated[str, typer.Option("--type", help="Only hot, warm or cold leads")] = "",
    stage: Annotated[str, typer.Option(help="Only leads of this stage")] = "",
    source: Annotated[str, typer.Option(help="Only leads of this source")] = "",
    pace: Annotated[float, typer.Option(help="Leads a second")] = PACE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the table and change nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask back behind the table")] = False,
) -> None:
    """Show, per step, what moving open leads would do; then move them. Migrate the other way round to take it back."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.clock import SystemClock
        from speedlead.lead_filter import read_filter, written
        from speedlead.plan_migration import by_step, foresee
        from speedlead.plan_migration_words import closing
        from speedlead.steer_command import start_run
        from speedlead.store import views
        from speedlead.store.plans import plan_of

        source_plan, asked = plan_named(before), plan_named(to)
        if source_plan == asked:
            raise BadRequest(f"TO: expected another version than {before}")
        filters = read_filter({"plan": before, "type": lead_type, "stage": stage, "source": source})
        async with pool.acquire() as conn:
            await plan_of(conn, **source_plan)  # to name one that does not exist is no empty table
            target = await plan_of(conn, **asked)
            leads = await views.matching(conn, filters)
            moves = await foresee(conn, leads, target.cadence(), SystemClock())
        _show_moves(by_step(moves))
        if ends := closing(moves):
            print(ends)
        for one in moves:
            if one.under_way is not None:
                print(f"{one.lead_id}: {one.under_way} is under way; it ends first")
        can: dict[str, dict[str, Any]] = {one.lead_id: {} for one in moves if one.refused is None}
        print(f"{len(moves)} open {'lead' if len(moves) == 1 else 'leads'} on {before}, {len(can)} can go to {to}.")
        if dry_run or not can:
            print("Nothing was changed.")
            return 0
        if not note.strip():
            raise BadRequest("--note: expected why they are moved, in a few words")
        checked("change_plan", asked, note)
        if not agreed(f"Move {len(can)} of them to {to}?", yes):
            return 1
        return await start_run(pool, settings, "change_plan", asked, note, can, written(filters), pace=pace)

    run_command(work)


def said(checked: "Checked") -> None:
    """What was found, one line each."""
    for finding in checked.findings:
        print(finding.text if finding.stops else f"worth a look: {finding.text}")


async def _checked(pool: Any, settings: Any, text: str, name: str) -> "Checked":
    from speedlead.plan_publishing import check_with

    return await check_with(pool, settings, text, name)


def _show_moves(rows: list[Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from speedlead import wording
    from speedlead.plan_migration_words import moves_by, passed_over, stands_at

    table = Table("type", "stands at", "leads", "touch under way", "goes on with", "next touch moves", "passed over")
    for row in rows:
        after = row.refused or wording.step(row.after) or row.after or ""
        table.add_row(row.lead_type, stands_at(row), str(row.leads), str(row.under_way), after,
                      moves_by(row), passed_over(row))  # fmt: skip
    Console().print(table)


def add_to(app: typer.Typer) -> None:
    for command in (draft, publish, use, versions, migrate):
        app.command()(command)
