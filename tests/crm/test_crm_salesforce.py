"""Salesforce, told of leads and telling of them, against a stand-in with the shapes of its developer guide."""

from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from speedlead.crm.fields import PLEASE_ERASE
from speedlead.store.erasure import erase
from tests.crm import salesforce
from tests.crm.conftest import Crm, brought_in
from tests.crm.salesforce import SalesforceStandIn
from tests.hooks.conftest import House
from tests.store.hand_made import AVA


async def test_a_lead_is_one_lead_with_a_task_for_each_touch_however_often_it_is_told(
    house: House, force: SalesforceStandIn, in_salesforce: Crm
) -> None:
    await house.tell(kind="inquiry", number=1)
    await house.tell(kind="sent", channel="email", purpose="acknowledgement")
    await house.tell(kind="sent", channel="call", purpose="plan", step="call-1")
    await house.pool.execute("update lead set stage = 'connected' where id = $1", AVA)
    assert await in_salesforce.send() == "4 requests"
    ((key, lead),) = force.leads.items()
    names = ("SpeedleadId__c", "LastName", "Company", "Email", "Phone", "Status", "OwnerId", "LeadSource")
    assert [lead[name] for name in names] == [
        AVA, "Ava Müller", "Northwind", "ava@northwind.example", "+12125550142", "Working - Contacted", "005SAM",
        "Web"]  # fmt: skip
    assert [(task["Type"], task["Status"], task["WhoId"]) for task in force.tasks.values()] == [
        ("Email", "Completed", key), ("Call", "Completed", key)]  # fmt: skip

    force.tokens.clear()  # the session has expired: another one is asked for, once
    await house.pool.execute("update hook_delivery set state = 'waiting'")
    await house.pool.execute("delete from crm_record")
    assert await in_salesforce.send() == "4 requests"
    assert (len(force.leads), len(force.tasks), force.issued) == (1, 2, 2)
    assert {status for status, *_ in await in_salesforce.log()} == {200}


async def test_status_and_owner_come_back_once_and_our_own_never(
    house: House, force: SalesforceStandIn, in_salesforce: Crm
) -> None:
    await house.tell(kind="inquiry", number=1)
    await in_salesforce.send()
    assert await in_salesforce.look() is None, "our own"
    key = force.lead_of(AVA)
    force.change(key, OwnerId="005DANA")
    assert await in_salesforce.look() == "1 changes"
    force.change(key, IsConverted=True, Status="Closed - Converted", ConvertedContactId="003CONTACT")
    assert await in_salesforce.look() == "1 changes"
    assert await in_salesforce.look() is None
    assert await in_salesforce.handed_in() == [
        {"lead_id": AVA, "owner": "dana@acme.example"}, {"lead_id": AVA, "status": "qualified"}]  # fmt: skip

    # a converted lead cannot be written any more: what comes is the contact's
    await house.pool.execute("update lead set stage = 'connected' where id = $1", AVA)
    await house.tell(kind="sent", channel="call", purpose="plan")
    await in_salesforce.send()
    (task,) = force.tasks.values()
    assert task["WhoId"] == "003CONTACT"
    assert {status for status, *_ in await in_salesforce.log()} == {200}


async def test_whom_salesforce_gives_a_new_lead_is_nobodys_change(
    house: House, force: SalesforceStandIn, in_salesforce: Crm
) -> None:
    del force.users["005SAM"]
    await house.tell(kind="inquiry", number=1)
    await in_salesforce.send()
    assert await in_salesforce.log() == [(200, None, "the owner was not told: nobody there has this e-mail address")]
    assert await in_salesforce.look() is None


async def test_one_that_was_merged_is_followed_and_one_that_was_deleted_stays_so(
    house: House, force: SalesforceStandIn, in_salesforce: Crm
) -> None:
    await house.tell(kind="inquiry", number=1)
    await in_salesforce.send()
    old = force.lead_of(AVA)
    force.leads["00QOTHER"] = force.leads[old] | {"Id": "00QOTHER", "SpeedleadId__c": None}
    force.change("00QOTHER")
    force.change(old, IsDeleted=True, MasterRecordId="00QOTHER")
    assert await in_salesforce.look() is None, "merged is not gone"
    await house.pool.execute("update lead set stage = 'connected' where id = $1", AVA)
    await in_salesforce.send()
    assert force.leads["00QOTHER"]["Status"] == "Working - Contacted"
    assert (await in_salesforce.record(AVA)).external_id == "00QOTHER"

    force.change("00QOTHER", IsDeleted=True, SpeedleadId__c=AVA)
    await in_salesforce.look()
    assert (await in_salesforce.record(AVA)).gone
    await house.tell(kind="sent", channel="call", purpose="plan")
    await in_salesforce.send()
    assert force.tasks == {}


async def test_a_field_that_may_not_be_written_is_named_and_the_days_limit_is_waited_for(
    house: House, force: SalesforceStandIn, in_salesforce: Crm
) -> None:
    force.lacks = {"LeadSource"}
    await house.tell(kind="inquiry", number=1)
    await in_salesforce.send()
    ((status, error, said),) = await in_salesforce.log()
    assert (status, error) == (400, None)
    assert str(said).startswith("INVALID_FIELD_FOR_INSERT_UPDATE (LeadSource): ")
    force.lacks, force.limit = set(), True
    house.clock.now += (
        rest := (await house.pool.fetchval("select max(next_try_wall) from hook_delivery")) - house.clock.now
    )
    assert rest.total_seconds() > 0
    await in_salesforce.send()
    assert (await in_salesforce.log())[-1] == (
        403,
        "crm_limit",
        "REQUEST_LIMIT_EXCEEDED: TotalRequests Limit exceeded.",
    )
    row = await house.row(in_salesforce.endpoint_id)
    assert row.pause_until_wall is not None
    assert (row.pause_until_wall - house.clock.now).total_seconds() == 3600


async def test_it_signs_in_by_a_jwt_and_an_erased_lead_is_deleted(
    house: House, force: SalesforceStandIn, tmp_path: Path
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    force.public_key = public.decode()
    crm = await brought_in(house, tmp_path, "salesforce", force.url, pem.decode(), client_id=salesforce.CLIENT,
                           auth="jwt", username=salesforce.USER)  # fmt: skip
    await house.tell(kind="inquiry", number=1)
    await crm.send()
    assert force.issued == 1
    person = await house.pool.fetchval("select person_id from lead where id = $1", AVA)
    async with house.pool.acquire() as conn:
        await erase(conn, house.clock, [person], b"secret")
    await crm.send()
    assert force.leads[force.lead_of(AVA)]["IsDeleted"]
    assert "Ava" not in str(await house.pool.fetch("select * from crm_record, hook_try"))


async def test_of_an_erased_lead_that_was_converted_the_contact_is_asked_for(
    house: House, force: SalesforceStandIn, in_salesforce: Crm
) -> None:
    await house.tell(kind="inquiry", number=1)
    await in_salesforce.send()
    key = force.lead_of(AVA)
    force.change(key, IsConverted=True, ConvertedContactId="003CONTACT")
    person = await house.pool.fetchval("select person_id from lead where id = $1", AVA)
    async with house.pool.acquire() as conn:
        await erase(conn, house.clock, [person], b"secret")
    await in_salesforce.send()
    assert not force.leads[key]["IsDeleted"]
    (task,) = force.tasks.values()
    assert (task["WhoId"], task["Status"], task["Subject"]) == ("003CONTACT", "Not Started", PLEASE_ERASE)


async def test_what_is_wrong_with_a_field_is_no_deletion_and_a_limit_at_a_time_is_short(
    house: House, force: SalesforceStandIn, in_salesforce: Crm
) -> None:
    await house.tell(kind="inquiry", number=1)
    await in_salesforce.send()
    force.refuses = ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    await house.pool.execute("update lead set stage = 'connected' where id = $1", AVA)
    await in_salesforce.send()
    assert (await in_salesforce.log())[-1] == (400, None, "INVALID_CROSS_REFERENCE_KEY: invalid cross reference id")
    assert not (await in_salesforce.record(AVA)).gone
    force.refuses = ("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")
    house.clock.now += timedelta(seconds=10)
    await in_salesforce.send()
    assert (await house.row(in_salesforce.endpoint_id)).pause_until_wall == house.clock.now + timedelta(seconds=10)
