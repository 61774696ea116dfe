"""`speedlead experiment`: plan one, start it, read what it says so far, stop it and roll it out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speedlead.domain.steering import BadRequest
from speedlead.experiments.statistics import planned_persons
from speedlead.steer_command import run_command
from speedlead.whoami import command_line, whoami

if TYPE_CHECKING:
    from speedlead.experiments.steering import By

app = typer.Typer(no_args_is_help=True, help="Experiments and roll-outs: plan, start, read, stop, roll out.")

Id = Annotated[str, typer.Argument(help="The experiment's id")]
Note = Annotated[str, typer.Option(help="Why; stands in the audit")]
Share = Annotated[int, typer.Option(help="Percent of the leads, 1 to 100")]
Words = Annotated[list[str] | None, typer.Option(help="Only these; may be repeated")]


@app.command("list")
def list_all() -> None:
    """Every experiment and roll-out, running ones first."""

    async def work(pool: Any, settings: Any) -> int:
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        from speedlead.experiments.text import segment_words
        from speedlead.store.experiments import all_known

        table = Table("id", "state", "differs in", "leads", "arms", "title")
        for one in await all_known(pool):
            arms = ", ".join(f"{arm.key} {arm.share} %" for arm in one.arms or one.definition.arms)
            leads, title = segment_words(one.definition.segment), escape(one.definition.title)
            table.add_row(one.definition.id, one.state, one.definition.about, leads, arms, title)
        Console().print(table)
        return 0

    run_command(work)


@app.command()
def show(experiment_id: Id) -> None:
    """The definition, and what the rows say so far in plain words."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.clock import SystemClock
        from speedlead.experiments.reading import result_of
        from speedlead.experiments.text import text_of
        from speedlead.experiments.verdict import verdict
        from speedlead.store.experiments import known

        one = await known(pool, experiment_id)
        print(f"{text_of(one.definition)}state: {one.state}")
        if one.state == "draft":
            return 0
        result = await result_of(pool, one, SystemClock().business(0))
        for arm in result.arms:
            count, gets = arm.count, arm.arm.plan or arm.arm.weights or "what everybody gets"
            print(f"{arm.arm.key}: {gets}; {count.persons} persons, {count.ripe} whose time is over, {count.won} won")
        if one.definition.question is not None:
            said = verdict(one.definition.question, result, ended=one.state == "ended")
            print("\n".join((said.head, *said.lines)))
        return 0

    run_command(work)


@app.command("plan-size")
def plan_size(
    usual: Annotated[str, typer.Option(help="The rate now, such as 6%")],
    effect: Annotated[str, typer.Option(help="The least difference worth acting on, in points, such as 2%")],
    share: Annotated[list[int] | None, typer.Option(help="Of each arm, the control first; without it, 50 50")] = None,
    false_alarms: Annotated[str, typer.Option(help="How often nothing may be taken for something")] = "5%",
    power: Annotated[str, typer.Option(help="How often such a difference has to be found")] = "80%",
    per_week: Annotated[float | None, typer.Option(min=0.01, help="Persons a week, to say how long it takes")] = None,
) -> None:
    """How many persons it takes, before anything is set up."""
    import math

    from speedlead.domain.experiment import parse_percent

    shares = share or [50, 50]
    try:
        given = {
            "usual": parse_percent(usual), "effect": parse_percent(effect),
            "false_alarms": parse_percent(false_alarms), "power": parse_percent(power),
        }  # fmt: skip
        wrong = next((name for name, value in given.items() if not 0 < value < 1), None)
        if wrong is not None or given["usual"] + given["effect"] >= 1:
            raise ValueError(f"{wrong or 'effect'}: expected above 0% and, with usual, below 100%")
        if not 2 <= len(shares) <= 3 or min(shares) <= 0:
            raise ValueError("share: expected two or three numbers above 0")
        persons = planned_persons(shares=[one / sum(shares) for one in shares], **given)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    print(f"{persons} persons in all {len(shares)} arms together")
    if per_week:
        print(f"about {math.ceil(persons / per_week)} weeks until they have come in")


@app.command()
def save(
    file: Annotated[Path, typer.Argument(help="A definition; docs/experiments.md says what stands in it")],
) -> None:
    """Keep a definition as a draft, or in place of the draft of its id; says how many persons it takes."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.checked_yaml import read_text
        from speedlead.experiments import steering
        from speedlead.experiments.reading import planned_size
        from speedlead.experiments.text import read

        definition = read(read_text(file), str(file))
        await steering.save(pool, definition, _by("", needs_note=False), new=False)
        size = f": {planned_size(definition)} persons" if definition.question is not None else ""
        print(f"{definition.id}: kept as a draft{size}")
        return 0

    run_command(work)


@app.command()
def start(experiment_id: Id, note: Note = "") -> None:
    """Let leads take part. Nothing of it can be changed afterwards."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.domain.plan import Plan
        from speedlead.experiments import steering
        from speedlead.plan_publishing import check_with
        from speedlead.plan_text import text_of

        async def check(plan: Plan) -> list[str]:
            checked = await check_with(pool, settings, text_of(plan), f"{plan.id}:{plan.version}")
            return [finding.text for finding in checked.findings if finding.stops]

        await steering.start(pool, experiment_id, _by(note), check)
        print(f"{experiment_id}: started; leads take part in a few seconds")
        return 0

    run_command(work)


@app.command()
def stop(experiment_id: Id, note: Note = "") -> None:
    """No further lead takes part; who does keeps what they have."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.experiments import steering

        await steering.stop(pool, experiment_id, _by(note))
        print(f"{experiment_id}: stopped")
        return 0

    run_command(work)


@app.command()
def copy(experiment_id: Id) -> None:
    """A draft that says the same, to run again for another season or segment."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.experiments import steering

        print(await steering.copy(pool, experiment_id, _by("", needs_note=False)))
        return 0

    run_command(work)


@app.command("roll-out")
def roll_out(
    what: Annotated[
        str, typer.Argument(help="An experiment's arm such as short-mail:b, a roll-out, or plan inbound:7")
    ],
    share: Share = 10,
    note: Note = "",
    channel: Words = None,
    region: Words = None,
) -> None:
    """Bring an arm or a plan version to a share of the leads, or give a roll-out another share."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.experiments import steering
        from speedlead.experiments.text import segment_of
        from speedlead.store.experiments import all_known

        known = {one.definition.id for one in await all_known(pool)}
        name, _, part = what.partition(":")
        if part and name in known and not part.isdecimal():
            made = await steering.roll_out(pool, name, part, share, _by(note))
        elif what in known:
            await steering.set_share(pool, what, share, _by(note))
            made = what
        else:
            segment = segment_of(channel=channel or (), region=region or ())
            made = await steering.begin_roll_out(pool, what, segment, share, _by(note))
        print(f"{made}: {share} % of its leads start on it in a few seconds")
        return 0

    run_command(work)


@app.command()
def adopt(experiment_id: Id, note: Note = "") -> None:
    """Make the plan of a roll-out that has reached everybody the one in use."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.experiments import steering

        await steering.adopt(pool, experiment_id, _by(note))
        print(f"{experiment_id}: its plan is in use for all new leads in a few seconds")
        return 0

    run_command(work)


def _by(note: str, *, needs_note: bool = True) -> "By":
    """Raises BadRequest."""
    from speedlead.clock import SystemClock
    from speedlead.experiments.steering import By

    if needs_note and not note.strip():
        raise BadRequest("--note: expected why, in a few words")
    return By(whoami(), command_line(), note.strip()[:80], SystemClock().wall())
