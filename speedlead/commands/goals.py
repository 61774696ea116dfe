"""`speedlead goals`: what the house wants to reach in 30, 60 or 90 days, and how far it is."""

from typing import Annotated, Any

import typer

from speedlead.steer_command import run_command

app = typer.Typer(no_args_is_help=True, help="Goals of the house: set one, see how far it is, end one.")

Aim = Annotated[str, typer.Argument(help="in_time, first_answer, handling, cycle or conversion")]


@app.command()
def show() -> None:
    """Every standing goal: before, now, the goal, and the verdicts of weeks 4 and 8."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.clock import SystemClock
        from speedlead.domain.review_week import day_of
        from speedlead.review.goals import progress
        from speedlead.review.words import check_named, shown

        async with pool.acquire() as conn:
            found = await progress(conn, day_of(SystemClock().wall(), settings.house_zone), settings.house_zone)
        for one in found:
            goal, kind = one.goal, one.goal.aim.kind
            now = shown(kind, one.now.value if one.now else None)
            print(
                f"{goal.aim.name}: {goal.aim.title}: {shown(kind, one.baseline.value)} before, {now} now, goal "
                f"{shown(kind, goal.target)} in {goal.horizon} days from {goal.starts_on}"
            )
            for at in one.checks:
                print(f"  {check_named(at.day)}: {shown(kind, at.measured.value)}. {at.verdict.text}")
            if one.next_check is not None:
                print(f"  next verdict: {one.next_check}")
        if not found:
            print("No goal is set: speedlead goals set in_time 95%")
        return 0

    run_command(work)


@app.command("set")
def set_one(
    aim: Aim,
    target: Annotated[str, typer.Argument(help="95% of a share; 45s, 30m, 4h or 3d of a time")],
    start: Annotated[str, typer.Option(help="First day, such as 2026-11-23; without it today")] = "",
    days: Annotated[str, typer.Option(help="30, 60 or 90")] = "90",
) -> None:
    """Set a goal, in place of the standing one of the same figure."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.clock import SystemClock
        from speedlead.domain.goals import parse_goal
        from speedlead.domain.review_week import day_of
        from speedlead.store.goals import By, set_goal
        from speedlead.store.transactions import transact
        from speedlead.whoami import command_line

        wall = SystemClock().wall()
        goal = parse_goal(aim, target, start, days, day_of(wall, settings.house_zone))
        await transact(pool, lambda conn: set_goal(conn, goal, By(None, command_line(), wall)))
        print(f"{goal.aim.title}: {target} from {goal.starts_on} to {goal.ends_on}")
        return 0

    run_command(work)


@app.command()
def end(aim: Aim) -> None:
    """End the standing goal of a figure."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.clock import SystemClock
        from speedlead.domain.goals import AIMS
        from speedlead.store.goals import By, end_goal
        from speedlead.store.transactions import transact
        from speedlead.whoami import command_line

        by = By(None, command_line(), SystemClock().wall())
        if not await transact(pool, lambda conn: end_goal(conn, aim, by)):
            raise LookupError(f"{aim}: there is no such standing goal; expected one of {', '.join(AIMS)} that is set")
        print(f"{aim}: ended")
        return 0

    run_command(work)
