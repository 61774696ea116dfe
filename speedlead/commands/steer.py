"""`speedlead steer ACTION --type …`: ask one thing of all leads that match, with preview, pace and a way to go on."""

from typing import Annotated

import typer

from speedlead.domain.steering import ACTIONS, PACE, BadRequest, action_named, plan_named
from speedlead.steer_command import asked_of_many, resumed

app = typer.Typer(
    help="Ask one thing of many leads: pause, resume, reassign, skip, call-now, stop, change-plan.",
    invoke_without_command=True,
    context_settings={"allow_interspersed_args": True},
)
_NAMES = ", ".join(name.replace("_", "-") for name in ACTIONS)


@app.callback()
def steer(
    action: Annotated[str | None, typer.Argument(help=f"One of {_NAMES}")] = None,
    stage: Annotated[str, typer.Option(help="Only leads of this stage")] = "",
    lead_type: Annotated[str, typer.Option("--type", help="hot, warm or cold")] = "",
    owner: Annotated[str, typer.Option(help="E-mail address of the owner; none: leads without one")] = "",
    source: Annotated[str, typer.Option(help="Only leads of this source")] = "",
    plan: Annotated[str, typer.Option(help="Only leads on this plan: inbound or inbound:4")] = "",
    breached: Annotated[str, typer.Option(help="yes: a target was missed; no: none was")] = "",
    next_before: Annotated[str, typer.Option(help="Next touch before this moment: 2026-11-23T15:00Z")] = "",
    program: Annotated[str, typer.Option(help="none, all, nurture or customer; with --plan all, else none")] = "",
    state: Annotated[str, typer.Option(help="open or all")] = "",
    reason: Annotated[str, typer.Option(help="Why; stands in the audit and in the leads' stories")] = "",
    until: Annotated[str, typer.Option(help="pause: until then; empty until somebody resumes it")] = "",
    step: Annotated[str, typer.Option(help="skip: this step; empty the next one")] = "",
    to: Annotated[str, typer.Option(help="reassign: e-mail address of the new owner")] = "",
    to_plan: Annotated[str, typer.Option(help="change-plan: such as inbound:4")] = "",
    pace: Annotated[float, typer.Option(help="Leads a second")] = PACE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show which leads match and change nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask back behind the preview")] = False,
    resume: Annotated[str, typer.Option(help="Go on with this run, by its id or its first characters")] = "",
) -> None:
    """Ask one thing of all leads that match. Ctrl-C is safe: --resume goes on and asks no lead twice."""
    if resume:
        if action is not None:
            raise typer.BadParameter("--resume: expected alone, the run knows what is asked")
        resumed(resume)
    if action is None:
        raise typer.BadParameter(f"expected an action, one of {_NAMES}, or --resume RUN")
    given = {"state": state, "stage": stage, "type": lead_type, "owner": owner, "source": source, "plan": plan,
             "breached": breached, "next_before": next_before, "program": program}  # fmt: skip
    try:
        action = action_named(action)
        asked = {"until": until, "step": step, "rep_id": to, **(plan_named(to_plan) if to_plan else {})}
    except BadRequest as wrong:
        raise typer.BadParameter(str(wrong)) from None
    asked_of_many(action, asked, reason, given, pace, dry_run, yes)
