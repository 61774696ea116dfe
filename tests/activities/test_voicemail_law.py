"""A message on a machine: only with the consent to it, in hours and below caps of law; nothing else is one."""

from datetime import timedelta
from typing import Any

import pytest

from speedlead.domain.plan import Plan
from speedlead.store.plans import PlanStore
from tests.activities.house import PLAN, House

CONNECTICUT: dict[str, Any] = {"region": "CT", "postcode": "06103", "phone": "+12035550148"}
MAINE: dict[str, Any] = {"region": "ME", "postcode": "04101", "phone": "+12077735000"}
LONDON: dict[str, Any] = {"country": "GB", "tz": "Europe/London", "phone": "+442079460123"}


async def asked(
    house: House, lead: str, step: str = "call-1", do: str = "leave", *, consent: bool = True,
    phone: str | None = None, purpose: str = "plan",
) -> str:  # fmt: skip
    """What the gate says for a lead whose plan leaves messages."""
    body = PLAN.model_dump(mode="json", by_alias=True) | {"id": f"does-{do.replace('_', '-')}"}
    for track in body["tracks"].values():
        track["voicemail"] = {"do": do} | ({"say": "missed_you"} if do == "leave" else {})
    await PlanStore(house.pool).publish(Plan.model_validate(body))
    await house.pool.execute("update lead set plan_id = $2 where id = $1", lead, body["id"])
    await house.pool.execute("update inquiry set consent_recorded = $2 where lead_id = $1", lead, consent)
    if phone is not None:
        await house.pool.execute("update inquiry set phone = $2 where lead_id = $1", lead, phone)
    rep = await house.rep()
    await house.pool.execute("update lead set owner_id = $2 where id = $1", lead, rep)
    await house.dial(lead, step=step, purpose=purpose)
    permit = await house.gate.claim_lead_leg(f"{lead}.{step}.rep-1-1")
    assert permit.allowed, permit
    assert await house.gate.claim_lead_leg(f"{lead}.{step}.rep-1-1") == permit
    return permit.voicemail


@pytest.mark.parametrize("where", [{}, CONNECTICUT, LONDON], ids=["New York", "Connecticut", "London"])
async def test_a_message_is_left_with_the_consent_to_it(house: House, where: dict[str, Any]) -> None:
    assert await asked(house, await house.lead(**where)) == "leave"


@pytest.mark.parametrize("where", [{}, CONNECTICUT, LONDON], ids=["New York", "Connecticut", "London"])
async def test_neither_a_request_nor_a_ticked_call_is_consent_to_a_recorded_voice(
    house: House, where: dict[str, Any]
) -> None:
    assert await asked(house, await house.lead(**where), consent=False) == "stay"


async def test_the_consent_is_for_the_number_it_was_given_with(house: House) -> None:
    assert await asked(house, await house.lead(), phone="+12125550199") == "stay"


async def test_a_machine_may_be_hung_up_on_without_any_consent(house: House) -> None:
    assert await asked(house, await house.lead(), do="hang_up", consent=False) == "hang_up"


async def test_the_packaged_plan_plays_nothing(house: House) -> None:
    assert {track.voicemail.do for track in PLAN.tracks.values()} == {"stay"}


async def test_illinois_has_narrower_hours_for_a_recorded_voice(house: House) -> None:
    lead = await house.lead(region="IL", postcode="60601", phone="+13125550123", tz="America/Chicago")
    house.clock.now = house.clock.now.replace(hour=14, minute=30)  # 08:30 in Chicago: a call may go, a message not
    assert await asked(house, lead, step="callback-1", purpose="manual") == "stay"
    house.clock.now += timedelta(hours=1)
    await house.pool.execute("update touch set state = 'sent' where lead_id = $1", lead)
    assert await asked(house, lead, step="callback-2", purpose="manual") == "leave"


async def test_maine_takes_one_message_in_eight_hours(house: House) -> None:
    lead = await house.lead(**MAINE)
    assert await asked(house, lead) == "leave"
    await house.pool.execute("update touch set state = 'sent' where lead_id = $1", lead)
    house.clock.now += timedelta(hours=1)
    assert await asked(house, lead, step="call-2") == "stay"
