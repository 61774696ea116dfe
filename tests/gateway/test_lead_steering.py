"""Owner, plan and data of one lead, changed on its page: rows first, then the workflow, with who and why."""

from typing import Any

import pytest

from speedlead.cadence_errors import LeadRefused, LeadUnavailable
from speedlead.store.reach import LEAD_WITH_REACH
from tests.gateway.house import OTHER_PHONE, PHONE, House
from tests.gateway.test_people import get, post, put_rep

ADA = {"name": "Ada Lovelce", "email": "ada@exmaple.com", "phone": PHONE, "country": "US", "consent_sms": "true"}


async def change(house: House, lead: str, what: str, **fields: str) -> tuple[int, str, str]:
    return await post(house, f"/leads/{lead}/{what}", list(({"reason": "she called"} | fields).items()))


async def reach(house: House, lead: str) -> Any:
    return await house.pool.fetchrow(LEAD_WITH_REACH, lead, None)


async def test_owner_and_plan_are_changed_with_who_and_why(house: House) -> None:
    lead, rep_id = await house.lead(**ADA), await put_rep(house, "Ben")
    plan = await house.pool.fetchrow("select id, version from plan")
    account = await house.pool.fetchval("select id::text from account where email = 'admin@staff.example'")
    assert (await change(house, lead, "reassign", rep_id=rep_id))[2] == f"/leads/{lead}?said=reassigned"
    assert (await change(house, lead, "change_plan", plan=f"{plan['id']}:{plan['version']}"))[0] == 303
    assert house.behind.updates == [
        (lead, "reassign", {"rep_id": rep_id, "by": account, "reason": "she called"}),
        (lead, "change_plan", {"plan_id": plan["id"], "version": plan["version"], "by": account}),
    ]
    _, page = await get(house, f"/audit?object={lead}")
    assert page.count("why: she called") == 4, "the request's line and the run's, each"


async def test_corrected_data_are_rows_first_and_the_audit_has_no_values(house: House) -> None:
    lead = await house.lead(**ADA)
    status, page, where = await change(
        house, lead, "correct", name="Ada Lovelace", email="Ada@Example.com", phone="(212) 555-0123", region="Texas",
        postcode="78701", tz="America/Chicago", product="CRM Suite",
    )  # fmt: skip
    assert (status, where) == (303, f"/leads/{lead}?said=corrected"), page
    row = await reach(house, lead)
    assert (row["name"], row["email"], row["phone"], row["region"], row["postcode"], row["tz"], row["product"]) == (
        "Ada Lovelace", "ada@example.com", OTHER_PHONE, "US-TX", "78701", "America/Chicago", "crm_suite")  # fmt: skip
    assert not row["any_consent_sms"], "the consent was given for the other number"
    ((asked_lead, name, payload),) = house.behind.updates
    assert (asked_lead, name, payload["reach"]["has_email"], payload["reach"]["has_phone"]) == (
        lead,
        "correct",
        True,
        True,
    )
    lines = [dict(line) for line in await house.pool.fetch("select * from audit where object = $1", lead)]
    fields = [line["asked"].get("fields") for line in lines if line["action"] == "steer correct"]
    assert fields == ["email name phone postcode product region tz"]
    assert not any(word in str(lines) for word in ("Lovel", "ada@", "555", "78701"))
    bad = await house.pool.fetch("select address from person_email where bad_reason = 'corrected'")
    assert [row["address"] for row in bad] == ["ada@exmaple.com"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "something to correct"),
        ({"email": "ada@"}, "email: expected an e-mail address"),
        ({"phone": "12"}, "phone: expected a phone number"),
        ({"country": "Atlantis"}, "country: expected two letters"),
        ({"region": "Bavaria"}, "region: expected"),
        ({"tz": "Mars/Olympus"}, "tz: expected an IANA zone"),
        ({"product": "!"}, "product: expected a word"),
        ({"name": "Ada", "reason": ""}, "reason: expected 1 to 80"),
        ({"email": "bob@example.com"}, "email: expected an address that is not another person"),
    ],
)
async def test_a_wrong_correction_is_named_and_changes_nothing(house: House, fields: dict[str, str], said: str) -> None:
    lead, _ = await house.lead(**ADA), await house.lead(email="bob@example.com")
    before = dict(await reach(house, lead))
    status, page, _ = await change(house, lead, "correct", **fields)
    assert (status, said in page) == (422, True), page
    assert dict(await reach(house, lead)) == before
    assert house.behind.updates == []


async def test_a_workflow_that_does_not_answer_is_told_later(house: House) -> None:
    lead = await house.lead(**ADA)
    house.behind.fail = LeadUnavailable("the lead's workflow did not answer in time")
    status, page, _ = await change(house, lead, "correct", name="Ada Lovelace")
    assert (status, "did not answer in time" in page) == (422, True)
    assert (await reach(house, lead))["name"] == "Ada Lovelace"
    assert await house.pool.fetchval("select count(*) from steering_item where state = 'waiting'") == 1


async def test_a_refusal_is_said_where_it_was_asked(house: House) -> None:
    lead, rep_id = await house.lead(**ADA), await put_rep(house, "Ben")
    house.behind.fail = LeadRefused("rep_id: expected an active rep", "rep_id")
    status, page, _ = await change(house, lead, "reassign", rep_id=rep_id)
    assert (status, "rep_id: expected an active rep" in page) == (422, True)


async def test_a_rep_may_not(house: House) -> None:
    rep_id = await put_rep(house)
    headers = await house.sign_in("rep", rep_id)
    lead = await house.lead(**ADA)
    for what in ("reassign", "change_plan", "correct"):
        status, _, _ = await post(house, f"/leads/{lead}/{what}", [("reason", "x"), ("name", "y")], headers)
        assert status == 403
