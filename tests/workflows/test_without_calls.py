"""A lead that may not be called: its mail goes on, and one person of ours is told once, with the reason."""

from datetime import timedelta
from typing import Any

import pytest

from speedlead.demo.world import World
from tests.workflows.leads import ADA, ended, touches, tuesday_at

# a satellite's number: it works, and nothing says where the lead is
NOWHERE = ADA | {"phone": "+881612345678", "country": "", "tz": "", "consent_sms": "false"}
GERMANY = ADA | {"phone": "+493012345678", "country": "DE", "tz": "Europe/Berlin", "consent_call": "false"}
INTENTS = {"hot": "demo_request", "warm": "webinar", "cold": "newsletter"}
FIRST_CALL = {"hot": "call-1", "warm": "call-1", "cold": "day-2-call"}
MINUTE = timedelta(minutes=1)


def form(fields: dict[str, str], **changes: str) -> dict[str, str]:
    return {name: text for name, text in (fields | changes).items() if text}


async def told(world: World, lead: str) -> list[tuple[Any, ...]]:
    """Without what every owner hears who does nothing until a deadline (test_acceptance)."""
    rows = await world.pool.fetch(
        """select n.audience, n.kind, n.reason, n.rep_id = l.owner_id as by_owner from notice n
           join lead l on l.id = n.lead_id where n.lead_id = $1
           and n.kind not in ('new_lead', 'due_soon', 'breach') order by n.at""",
        lead,
    )
    return [tuple(row) for row in rows]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("lead_type", INTENTS)
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param(NOWHERE, "unknown_location", id="nobody knows where"),
        pytest.param(form(GERMANY, consent_text=""), "no_consent", id="the law asks for a consent"),
    ],
)
async def test_the_owner_is_told_once_and_the_mails_go_on(
    world: World, lead_type: str, fields: dict[str, str], reason: str
) -> None:
    lead = await world.submit(tuesday_at(14), **form(fields, intent=INTENTS[lead_type]))
    assert (await ended(world, lead))["reason"] == "plan_completed"
    assert await told(world, lead) == [("rep", "write_personally", reason, True)]
    made = await touches(world, lead)
    calls = [touch for touch in made if "call" in touch]
    assert f"{FIRST_CALL[lead_type]} skipped {reason}" in calls
    assert {touch.split(maxsplit=1)[1] for touch in calls} == {f"skipped {reason}"}
    assert sum(" sent" in touch for touch in made) >= 4
