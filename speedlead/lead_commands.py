"""The part of `speedlead lead …` that changes leads: each asks one lead or several, and says what they answer."""

from typing import Annotated

import typer

from speedlead.domain.steering import BadRequest, plan_named
from speedlead.steer_command import asked_of_leads, corrected

Leads = Annotated[list[str], typer.Argument(help="Ids of leads, or their first eight characters")]
Reason = Annotated[str, typer.Option(help="Why; stands in the audit, and in the story of what it changes")]


def pause(
    leads: Leads, reason: Reason, until: Annotated[str, typer.Option(help="2026-11-30T09:00-05:00; empty: no end")] = ""
) -> None:
    """Hold the plan."""
    asked_of_leads(leads, "pause", {"until": until}, reason)


def resume(leads: Leads, reason: Reason) -> None:
    """Go on with the plan."""
    asked_of_leads(leads, "resume", {}, reason)


def reassign(leads: Leads, reason: Reason, to: Annotated[str, typer.Option(help="E-mail address of the rep")]) -> None:
    """Give leads to another owner."""
    asked_of_leads(leads, "reassign", {"rep_id": to}, reason)


def skip(leads: Leads, reason: Reason, step: Annotated[str, typer.Option(help="Empty: the next one")] = "") -> None:
    """Pass over a step."""
    asked_of_leads(leads, "skip", {"step": step}, reason)


def call_now(leads: Leads, reason: Reason) -> None:
    """Call at once; the law still holds."""
    asked_of_leads(leads, "call_now", {}, reason)


def stop(leads: Leads, reason: Reason) -> None:
    """Stop for good: nothing more is sent, and the lead is closed."""
    asked_of_leads(leads, "stop", {}, reason)


def change_plan(leads: Leads, reason: Reason, plan: Annotated[str, typer.Option(help="Such as inbound:4")]) -> None:
    """Move leads to another plan, or another version of theirs."""
    try:
        asked = plan_named(plan)
    except BadRequest as wrong:
        raise typer.BadParameter(str(wrong)) from None
    asked_of_leads(leads, "change_plan", asked, reason)


def correct(
    lead: Annotated[str, typer.Argument(help="The lead's id, or its first eight characters")],
    reason: Reason,
    name: str = "",
    email: str = "",
    phone: Annotated[str, typer.Option(help="With its country code, or a number of the lead's country")] = "",
    country: Annotated[str, typer.Option(help="Two letters")] = "",
    region: Annotated[str, typer.Option(help="US-TX, or its name")] = "",
    postcode: str = "",
    tz: Annotated[str, typer.Option(help="America/Chicago")] = "",
    product: str = "",
) -> None:
    """Put right what is known of a person; the plan goes on by it at once. The audit keeps names of fields alone."""
    given = {"name": name, "email": email, "phone": phone, "country": country, "region": region,
             "postcode": postcode, "tz": tz, "product": product}  # fmt: skip
    corrected(lead, given, reason)


def add_steering(app: typer.Typer) -> None:
    for command in (pause, resume, reassign, skip, call_now, stop, change_plan, correct):
        app.command(name=command.__name__.replace("_", "-"))(command)
