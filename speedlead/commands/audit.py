"""`speedlead audit …`: what of routing, hand-overs and texts somebody should look at."""

from typing import Any

import typer

app = typer.Typer(no_args_is_help=True, help="The audit of the week: rules, hand-overs and texts to look at.")


@app.command()
def run() -> None:
    """Make one now, beside the weekly one."""
    from speedlead.command_database import with_database
    from speedlead.settings import load_settings

    settings = load_settings()

    async def work(conn: Any) -> int:
        from speedlead.chores.audit import audit
        from speedlead.clock import SystemClock

        async with conn.transaction():
            await audit(conn, settings, SystemClock())
        return await _show(conn)

    with_database(work)


@app.command()
def show() -> None:
    """The newest one."""
    from speedlead.command_database import with_database

    with_database(_show)


async def _show(conn: Any) -> int:
    import sys

    from speedlead.store.audit_findings import newest

    report = await newest(conn)
    if report is None:
        print("No audit was made yet: speedlead audit run", file=sys.stderr)
        return 1
    print(f"Audit of {report.at:%Y-%m-%d %H:%M} UTC, {report.days} days: {len(report.findings)} findings")
    for title, advice, findings in report.by_kind():
        cost = sum(f.minutes or 0 for f in findings)
        print(f"\n{title}: {len(findings)}" + (f", {cost:.0f} minutes in all" if cost else ""))
        for f in findings:
            about = f"lead {f.lead_id}" if f.lead_id else f.subject
            print(f"  {about}: {f.detail}" + (f" ({f.minutes:.0f} min)" if f.minutes is not None else ""))
        print(f"  → {advice}")
    return 0
