"""What leads and reps do at a moment: each acts over HTTP, as it would in life."""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from speedlead.demo.moments import Happening
    from speedlead.demo.world import World


def answers_mail(world: "World", address: str, text: str) -> "Happening":
    """The lead answers the newest mail that it got."""

    async def happens(lead_id: str) -> None:
        mails = await world.messages(channel="email", to=address)
        newest = next(mail for mail in mails if mail["direction"] != "inbound")
        await world.call("POST", f"{world.sandbox_url}/api/messages/{newest['id']}/reply", {"text": text})

    return happens


def logs(world: "World", *, outcome: str, note: str, at: datetime | None = None) -> "Happening":
    """The owner logs an outcome, as the rep page does."""

    async def happens(lead_id: str) -> None:
        lead = (await world.call("GET", f"{world.url}/api/leads/{lead_id}"))["card"]
        body = {"outcome": outcome, "note": note, "rep_id": lead["owner_id"], "at": at and at.isoformat()}
        given = {name: value for name, value in body.items() if value is not None}
        await world.call("POST", f"{world.url}/api/leads/{lead_id}/outcomes", given)

    return happens
