"""HubSpot, told of leads and telling of them, against a stand-in with the shapes of its reference."""

from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from speedlead.crm.adapter import Look
from speedlead.crm.fields import PLEASE_ERASE
from speedlead.crm.hubspot import HubSpotApi
from speedlead.store.correcting import correct_rows
from speedlead.store.erasure import erase
from tests.crm.conftest import Crm
from tests.crm.hubspot import HubSpotStandIn
from tests.hooks.conftest import House
from tests.store.hand_made import AVA, BEN, DANA


async def person_of(house: House, lead_id: str) -> str:
    return str(await house.pool.fetchval("select person_id from lead where id = $1", lead_id))


async def test_a_lead_is_one_contact_with_a_line_for_each_touch_however_often_it_is_told(
    house: House, hub: HubSpotStandIn, in_hubspot: Crm
) -> None:
    await house.tell(kind="inquiry", number=1, intent="pricing")
    await house.tell(kind="sent", channel="email", purpose="acknowledgement")
    await house.tell(kind="sent", channel="call", purpose="plan", step="call-1")
    await house.tell(kind="sent", channel="sms", purpose="plan")
    await house.tell(kind="outcome", call_result="connected", outcome="qualified")
    await house.pool.execute("update lead set stage = 'qualified' where id = $1", AVA)
    assert await in_hubspot.send() == "7 requests"
    ((key, contact),) = hub.objects["contacts"].items()
    told = {name: contact[name] for name in contact if name != "lastmodifieddate"}
    assert told == {
        "speedlead_person_id": await person_of(house, AVA), "email": "ava@northwind.example", "lastname": "Ava Müller",
        "company": "Northwind", "phone": "+12125550142", "hs_lead_status": "OPEN_DEAL", "hubspot_owner_id": "501",
    }  # fmt: skip
    many = {kind: len(found) for kind, found in hub.objects.items()}
    assert many == {"contacts": 1, "calls": 1, "emails": 1, "communications": 1, "notes": 1}
    assert {contact for _, _, contact in hub.tied} == {key}
    (call,) = hub.objects["calls"].values()
    assert (call["hs_call_title"], call["hs_call_direction"]) == ("Call attempt", "OUTBOUND")

    before = {kind: dict(found) for kind, found in hub.objects.items()}
    await house.pool.execute("update hook_delivery set state = 'waiting'")
    await house.pool.execute("delete from crm_record")  # as after a crash before it was noted
    assert await in_hubspot.send() == "7 requests"
    assert {kind: len(found) for kind, found in hub.objects.items()} == many
    assert before.keys() == hub.objects.keys()
    assert len(hub.tied) == 4


async def test_who_was_there_before_is_taken_as_they_are_and_their_owner_comes_to_us(
    house: House, hub: HubSpotStandIn, in_hubspot: Crm
) -> None:
    there = hub.contact(email="ava@northwind.example", lastname="Dr. Müller", hubspot_owner_id="502",
                        hs_lead_status="OPEN_DEAL")  # fmt: skip
    await house.tell(kind="inquiry", number=1)
    await in_hubspot.send()
    assert list(hub.objects["contacts"]) == [there]
    contact = hub.objects["contacts"][there]
    assert (contact["lastname"], contact["hubspot_owner_id"]) == ("Dr. Müller", "502"), "what they wrote stays"
    assert contact["hs_lead_status"] == "NEW", "a new inquiry is a new one to them, too"
    assert contact["speedlead_person_id"] == await person_of(house, AVA)
    assert await in_hubspot.look() == "1 changes"
    assert await in_hubspot.handed_in() == [{"lead_id": AVA, "owner": "dana@acme.example"}]


async def test_status_and_owner_come_back_once_and_our_own_never(
    house: House, hub: HubSpotStandIn, in_hubspot: Crm
) -> None:
    await house.tell(kind="inquiry", number=1)
    await in_hubspot.send()
    assert await in_hubspot.look() is None, "our own"
    (key,) = hub.objects["contacts"]
    hub.change(key, hs_lead_status="UNQUALIFIED", hubspot_owner_id="502")
    assert await in_hubspot.look() == "1 changes"
    assert await in_hubspot.look() is None
    assert await in_hubspot.handed_in() == [{"lead_id": AVA, "status": "unqualified", "owner": "dana@acme.example"}]

    # what follows from it here is what they have: nothing is written
    await house.pool.execute(
        "update lead set stage = 'closed', close_reason = 'unqualified', owner_id = $2 where id = $1", AVA, DANA
    )
    await house.tell(kind="reassigned", rep_id=DANA)
    hub.asked.clear()
    await in_hubspot.send()
    assert [one for one in hub.asked if one.startswith(("PATCH", "POST"))] == []

    # a status of ours that means the same to us as theirs would write over what is finer
    hub.change(key, firstname="Ava")
    assert await in_hubspot.look() is None, "another field"
    hub.change(key, hubspot_owner_id="501")
    await in_hubspot.look()
    assert (await in_hubspot.handed_in())[1:] == [{"lead_id": AVA, "owner": "sam@acme.example"}]


async def test_what_they_do_not_take_is_left_out_and_said(house: House, hub: HubSpotStandIn, in_hubspot: Crm) -> None:
    await house.pool.execute("update person_email set address = 'ava@northwind' where address like 'ava@%'")
    await house.tell(kind="inquiry", number=1)
    await in_hubspot.send()
    (contact,) = hub.objects["contacts"].values()
    assert "email" not in contact
    assert contact["lastname"] == "Ava Müller"
    assert await in_hubspot.log() == [(200, None, "left out: email")]


async def test_what_was_deleted_over_there_stays_so_until_it_is_told_anew_and_a_merged_one_is_followed(
    house: House, hub: HubSpotStandIn, in_hubspot: Crm
) -> None:
    await house.tell(kind="inquiry", number=1)
    await in_hubspot.send()
    (key,) = hub.objects["contacts"]
    hub.merged[key] = hub.contact(**hub.objects["contacts"].pop(key) | {"hubspot_owner_id": "502"})
    assert await in_hubspot.look() == "1 changes", "also before we write to it again"
    await house.pool.execute("update lead set stage = 'connected' where id = $1", AVA)
    await in_hubspot.send()
    about = await person_of(house, AVA)
    assert (await in_hubspot.record(about)).external_id == hub.merged[key]

    hub.objects["contacts"].clear()
    await house.pool.execute("update lead set stage = 'booked' where id = $1", AVA)
    await house.pool.execute("update lead set stage = 'qualified' where id = $1", AVA)
    await house.tell(kind="sent", channel="call", purpose="plan")
    await in_hubspot.send()
    assert (await in_hubspot.record(about)).gone
    assert hub.objects["contacts"] == {}
    assert (await in_hubspot.log())[-1] == (200, None, "it was deleted over there: nothing more is told of it")

    for _ in range(2):
        assert await in_hubspot.anew() == 2, "the other lead, that they had never been told of, as well"
        await in_hubspot.send()
        assert not (await in_hubspot.record(about)).gone
        statuses = sorted(contact["hs_lead_status"] for contact in hub.objects["contacts"].values())
        assert statuses == ["NEW", "OPEN_DEAL"]
        hub.objects["contacts"].clear()  # nobody has noticed it when they are told anew


@pytest.mark.parametrize("before_us", [False, True])
async def test_an_erased_person_is_erased_there_unless_they_were_there_before_us(
    house: House, hub: HubSpotStandIn, in_hubspot: Crm, before_us: bool
) -> None:
    if before_us:
        hub.contact(email="ava@northwind.example", lastname="Dr. Müller")
    await house.tell(kind="inquiry", number=1)
    await in_hubspot.send()
    (key,) = hub.objects["contacts"]
    person = await person_of(house, AVA)
    async with house.pool.acquire() as conn:
        await erase(conn, house.clock, [person], b"secret")
    await in_hubspot.send()
    if before_us:
        (note,) = hub.objects["notes"].values()
        assert "please erase" in note["hs_note_body"]
        assert list(hub.objects["contacts"]) == [key]
    else:
        assert (hub.erased, hub.objects["contacts"]) == ([key], {})
    assert await house.pool.fetchval("select count(*) from crm_record") == 0


@pytest.mark.parametrize(("body", "rests_s"), [
    ({"errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING", "message": "ten_secondly_rolling limit"}, 10),
    ({"errorType": "RATE_LIMIT", "policyName": "DAILY", "message": "You have reached your daily limit."}, 3600),
])  # fmt: skip
async def test_at_a_limit_the_whole_endpoint_rests(
    house: House, hub: HubSpotStandIn, in_hubspot: Crm, body: dict[str, str], rests_s: int
) -> None:
    hub.before = lambda method, path: web.json_response({"status": "error", **body}, status=429)
    await house.tell(kind="inquiry", number=1)
    await house.tell(BEN, kind="inquiry", number=1)
    await in_hubspot.send()
    assert len(hub.asked) == 2, "no more than were under way"
    assert {error for _, error, _ in await in_hubspot.log()} == {"crm_limit"}
    row = await house.row(in_hubspot.endpoint_id)
    assert row.pause_until_wall == house.clock.now + timedelta(seconds=rests_s)
    hub.asked.clear()
    assert (await in_hubspot.look(), hub.asked) == (None, []), "looking rests as well"
    hub.before = lambda method, path: None
    house.clock.now += timedelta(seconds=rests_s + 1)
    await in_hubspot.send()
    assert len(hub.objects["contacts"]) == 2


async def test_a_scope_that_lacks_is_named(house: House, hub: HubSpotStandIn, in_hubspot: Crm) -> None:
    hub.before = lambda method, path: web.json_response({
        "status": "error", "message": "This app hasn't been granted all required scopes to make this call.",
        "category": "MISSING_SCOPES", "errors": [{
            "message": "One or more of the following scopes are required.",
            "context": {"requiredGranularScopes": ["crm.objects.contacts.write"]}}]}, status=403)  # fmt: skip
    await house.tell(kind="inquiry", number=1)
    await in_hubspot.send()
    assert await in_hubspot.log() == [
        (403, None, "MISSING_SCOPES: the token lacks a scope: crm.objects.contacts.write")]  # fmt: skip


async def test_of_two_leads_of_a_person_the_newer_one_speaks(
    house: House, hub: HubSpotStandIn, in_hubspot: Crm
) -> None:
    await house.pool.execute(
        "update lead set created_at = created_at - interval '1 day', closed_at = created_at where id = $1", AVA
    )
    await house.pool.execute(
        "update lead set person_id = (select person_id from lead where id = $1) where id = $2", AVA, BEN
    )
    await house.tell(AVA, kind="inquiry", number=1)
    await house.tell(BEN, kind="inquiry", number=1)
    await in_hubspot.send()
    await house.pool.execute("update lead set stage = 'connected' where id = $1", BEN)
    await in_hubspot.send()
    await house.pool.execute("update lead set stage = 'closed', close_reason = 'unqualified' where id = $1", AVA)
    await house.tell(AVA, kind="sent", channel="call", purpose="plan")
    await in_hubspot.send()
    (contact,) = hub.objects["contacts"].values()
    assert contact["hs_lead_status"] == "CONNECTED"
    assert len(hub.objects["calls"]) == 1, "its touches are told"
    hub.change(next(iter(hub.objects["contacts"])), hubspot_owner_id="502")
    await in_hubspot.look()
    assert await in_hubspot.handed_in() == [{"lead_id": BEN, "owner": "dana@acme.example"}]


async def test_of_two_that_were_merged_there_the_newest_lead_hears(
    house: House, hub: HubSpotStandIn, in_hubspot: Crm
) -> None:
    await house.pool.execute("update lead set created_at = created_at - interval '1 day' where id = $1", AVA)
    for lead_id in (AVA, BEN):
        await house.tell(lead_id, kind="inquiry", number=1)
    await in_hubspot.send()
    ava, ben = [(await in_hubspot.record(await person_of(house, lead_id))).external_id for lead_id in (AVA, BEN)]
    hub.objects["contacts"].pop(ava)
    hub.merged[ava] = ben
    await house.pool.execute("update lead set stage = 'connected' where id = $1", AVA)
    await in_hubspot.send()
    hub.change(ben, hubspot_owner_id="502")
    assert await in_hubspot.look() == "1 changes"
    assert await in_hubspot.handed_in() == [{"lead_id": BEN, "owner": "dana@acme.example"}]


async def test_what_was_read_before_we_wrote_sets_nothing_back(
    house: House, hub: HubSpotStandIn, in_hubspot: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.tell(kind="inquiry", number=1)
    await in_hubspot.send()
    (key,) = hub.objects["contacts"]
    look = HubSpotApi.look

    async def slow(api: HubSpotApi, *asked: Any) -> Look:
        """While it looks, the owner is changed here, and told."""
        seen = await look(api, *asked)
        house.clock.now += timedelta(seconds=1)
        await house.pool.execute("update lead set owner_id = $2 where id = $1", AVA, DANA)
        await house.tell(kind="reassigned", rep_id=DANA)
        await in_hubspot.send()
        return seen

    with monkeypatch.context() as patch:
        patch.setattr(HubSpotApi, "look", slow)
        assert await in_hubspot.look() is None
    assert hub.objects["contacts"][key]["hubspot_owner_id"] == "502"
    assert (await in_hubspot.record(await person_of(house, AVA))).owner == "502"
    assert await in_hubspot.look() is None

    # the other way round: what a look finds while we tell is not lost
    await house.pool.execute("update lead set stage = 'connected' where id = $1", AVA)
    hub.change(key, hubspot_owner_id="501")

    told = HubSpotApi._update

    async def slow_too(api: HubSpotApi, *asked: Any) -> Any:
        await in_hubspot.look()
        return await told(api, *asked)

    monkeypatch.setattr(HubSpotApi, "_update", slow_too)
    await in_hubspot.send()
    await in_hubspot.look()
    assert await in_hubspot.handed_in() == [{"lead_id": AVA, "owner": "sam@acme.example"}]


async def test_more_than_a_look_takes_is_gone_on_with_and_looking_rests_at_a_limit(
    house: House, hub: HubSpotStandIn, in_hubspot: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("speedlead.crm.hubspot._MOST_PAGES", 1)
    for _ in range(4):  # of others, earlier, and all within the overlap
        hub.contact(speedlead_person_id="typed by somebody")
    await house.tell(kind="inquiry", number=1)
    await in_hubspot.send()
    key = (await in_hubspot.record(await person_of(house, AVA))).external_id
    hub.change(key, hubspot_owner_id="502")
    looks = [await in_hubspot.look() for _ in range(5)]
    assert looks.count("1 changes") == 1
    monkeypatch.undo()
    house.clock.now += timedelta(hours=1)
    await in_hubspot.look()
    upto = await house.pool.fetchval("select upto from crm_look")
    assert upto == house.clock.now - timedelta(minutes=10), "what stands still is not asked for for ever"

    hub.before = lambda method, path: web.json_response({"policyName": "DAILY"}, status=429)
    await in_hubspot.look()
    hub.asked.clear()
    assert (await in_hubspot.look(), hub.asked) == (None, [])


async def test_a_line_for_a_contact_that_was_deleted_or_merged_does_not_hold_up_its_lead(
    house: House, hub: HubSpotStandIn, in_hubspot: Crm
) -> None:
    await house.tell(kind="inquiry", number=1)
    await in_hubspot.send()
    hub.objects["contacts"].clear()
    await house.tell(kind="sent", channel="call", purpose="plan")
    await in_hubspot.send()
    assert (await in_hubspot.log())[-1] == (200, None, "it was deleted over there: nothing more is told of it")


@pytest.mark.parametrize("why", ["merged over there", "merged with another of ours", "a customer by another lead"])
async def test_what_is_more_than_the_erased_person_s_record_is_not_deleted(
    house: House, hub: HubSpotStandIn, in_hubspot: Crm, why: str
) -> None:
    for lead_id in (AVA, BEN):
        await house.tell(lead_id, kind="inquiry", number=1)
    await in_hubspot.send()
    ava, ben = [(await in_hubspot.record(await person_of(house, lead_id))).external_id for lead_id in (AVA, BEN)]
    if why == "a customer by another lead":
        await house.pool.execute("update lead set stage = 'converted', closed_at = now() where id = $1", BEN)
        await house.pool.execute(
            "update lead set person_id = (select person_id from lead where id = $1) where id = $2", AVA, BEN
        )
    elif why == "merged over there":
        hub.merged[ava] = hub.contact(**hub.objects["contacts"].pop(ava), firstname="of theirs")
    else:
        hub.objects["contacts"].pop(ben)
        hub.merged[ben] = ava
        await house.pool.execute("update lead set stage = 'connected' where id = $1", BEN)
        await in_hubspot.send()
    async with house.pool.acquire() as conn:
        await erase(conn, house.clock, [await person_of(house, AVA)], b"secret")
    await in_hubspot.send()
    assert hub.erased == []
    assert {note["hs_note_body"] for note in hub.objects["notes"].values()} >= {PLEASE_ERASE}


async def test_the_record_of_an_entry_that_was_merged_here_is_erased_too(
    house: House, hub: HubSpotStandIn, in_hubspot: Crm
) -> None:
    for lead_id in (AVA, BEN):
        await house.tell(lead_id, kind="inquiry", number=1)
    await in_hubspot.send()
    both = list(hub.objects["contacts"])
    await house.pool.execute(
        "update lead set person_id = (select person_id from lead where id = $1), closed_at = created_at where id = $2",
        AVA, BEN,
    )  # fmt: skip
    async with house.pool.acquire() as conn:
        await erase(conn, house.clock, [await person_of(house, AVA)], b"secret")
    await in_hubspot.send()
    assert sorted(hub.erased) == sorted(both)


async def test_a_correction_of_ours_is_a_note_and_the_new_address_is_the_one_that_is_told(
    house: House, hub: HubSpotStandIn, in_hubspot: Crm
) -> None:
    async def correct(lead_id: str, **fields: str) -> None:
        async with house.pool.acquire() as conn, conn.transaction():
            await correct_rows(conn, house.clock, lead_id, fields)

    house.clock.now += timedelta(days=2)  # long after the address that was given
    await correct(AVA, email="ava@north.example")
    await house.tell(kind="inquiry", number=1)
    await in_hubspot.send()
    (contact,) = hub.objects["contacts"].values()
    assert contact["email"] == "ava@north.example", "not the one that was typed wrongly"
    assert not hub.objects["notes"], "who is not there yet needs no note"

    await correct(AVA, name="Ava Mueller", phone="+12125550143", country="US")
    await in_hubspot.send()
    (contact,) = hub.objects["contacts"].values()
    assert (contact["lastname"], contact["phone"]) == ("Ava Müller", "+12125550142"), "theirs belongs to them"
    (note,) = hub.objects["notes"].values()
    assert "Corrected in speedlead, not here: name, phone" in note["hs_note_body"]
    assert "Mueller" not in note["hs_note_body"]
    assert await house.states() == ["taken"] * 2
