"""Mail and texts of people whom we do not know: leads like those of a form, and what never becomes one."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.gateway.house import OTHER_PHONE, PHONE, House, rep

INBOUND = "/webhooks/twilio/sms/inbound"
EVE = "eve@customer.example"


async def mail(house: House, text: str = "Do you sell looms?", sender: str = EVE, **more: str) -> int:
    """As Inbound Parse posts it; `more` are its fields, `headers` further header lines."""
    headers = more.pop("headers", "")
    if "message-id" not in headers.lower():
        headers = f"Message-ID: <{hash((text, sender))}@customer.example>\n{headers}"
    fields = {
        "headers": headers, "from": f"Eve Adams <{sender}>", "to": "hello@acme.example", "subject": "Looms",
        "text": text, "envelope": json.dumps({"to": ["hello@acme.example"], "from": sender}), "SPF": "pass",
        "dkim": "{@customer.example : pass}", **more,
    }  # fmt: skip
    parts = [f'--xYz\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    body = ("".join(parts) + "--xYz--\r\n").encode()
    return await house.sendgrid("/webhooks/sendgrid/inbound", body, "multipart/form-data; boundary=xYz")


async def the_lead(house: House) -> dict[str, Any]:
    row = await house.pool.fetchrow(
        """select l.*, i.channel, i.message, i.email, i.phone, i.form_key as door, i.consent_sms, i.consent_call,
               i.consent_text, p.name
           from lead l join inquiry i on i.lead_id = l.id join person p on p.id = l.person_id"""
    )
    return dict(row)


async def test_a_mail_of_a_stranger_is_a_lead(house: House) -> None:
    assert await mail(house, "Do you sell looms?\n\nOn Monday Acme wrote:\n> Hello") == 204
    lead = await the_lead(house)
    assert (lead["channel"], lead["email"], lead["name"]) == ("email", EVE, "Eve Adams")
    assert (lead["intent"], lead["lead_type"], lead["source"]) == ("other", "cold", "inbound_email")
    assert lead["message"] == "Do you sell looms?"
    assert [m["kind"] for m in await house.messages(lead["id"])] == ["start"]
    assert house.behind.delivered == [lead["id"]]
    assert await house.pool.fetchval("select lead_id from reply") == lead["id"]  # so that an answer is threaded to it
    assert await house.count("notice") == 0
    assert 'speedlead_strangers_total{became="lead",channel="email"} 1' in (await house.call("GET", "/metrics"))[1]


async def test_a_text_of_a_stranger_is_a_lead_without_consent(house: House) -> None:
    await house.twilio(INBOUND, MessageSid="SM1", From=OTHER_PHONE, Body="Prices please")
    lead = await the_lead(house)
    assert (lead["channel"], lead["phone"], lead["email"]) == ("sms", OTHER_PHONE, None)
    assert lead["message"] == "Prices please"
    assert (lead["consent_sms"], lead["consent_call"], lead["consent_text"]) == (False, False, None)
    # a person of ours may answer by text all the same
    assert (await house.call("GET", f"/api/leads/{lead['id']}/messages"))[1]["answer_by"] == "sms"


async def test_the_conversation_shows_what_was_written_once(house: House) -> None:
    await mail(house)
    lead = await the_lead(house)
    lines = (await house.call("GET", f"/api/leads/{lead['id']}/messages"))[1]["messages"]
    assert [line["body"] for line in lines] == ["Do you sell looms?"]


async def test_the_same_message_again_changes_nothing(house: House) -> None:
    for _ in range(3):
        await mail(house)
        await house.twilio(INBOUND, MessageSid="SM1", From=OTHER_PHONE, Body="Prices please")
    assert (await house.count("lead"), await house.count("inquiry"), await house.count("reply")) == (2, 2, 2)


async def test_what_a_stranger_writes_next_is_a_reply(house: House) -> None:
    await mail(house)
    await mail(house, "And carpets?")
    lead = await the_lead(house)
    assert [m["kind"] for m in await house.messages(lead["id"])] == ["start", "reply"]
    assert lead["plan_stopped"] == "replied"


@pytest.mark.parametrize(
    ("more", "became"),
    [
        ({"headers": "Auto-Submitted: auto-replied\n"}, "automatic"),
        ({"headers": "Precedence: bulk\n"}, "automatic"),
        ({"sender": "MAILER-DAEMON@customer.example"}, "automatic"),
        ({"sender": "no-reply@customer.example"}, "automatic"),
        ({"spam_score": "7.4"}, "spam"),
        ({"SPF": "fail", "dkim": "none"}, "unverified"),
        ({"SPF": "softfail", "dkim": "{@elsewhere.example : pass}"}, "unverified"),
        ({"sender": "anna@speedlead.example"}, "ours"),
        ({"sender": "eve@localhost"}, "unreadable"),
        ({"sender": "\x00<>@@"}, "unreadable"),
    ],
)
async def test_no_lead(house: House, more: dict[str, str], became: str) -> None:
    await rep(house.pool)
    await house.pool.execute("update rep set email = 'anna@speedlead.example'")
    assert await mail(house, **more) == 204
    assert await house.count("lead") == 0
    looked_at = await house.pool.fetch("select kind, reason from notice")
    expected = [("reply_from_unknown", became)] if became in ("unverified", "unreadable") else []
    assert [tuple(row) for row in looked_at] == expected
    assert f'became="{became}"' in (await house.call("GET", "/metrics"))[1]


@pytest.mark.parametrize(
    "more",
    [{"SPF": "fail"}, {"SPF": "none", "dkim": "none"}, {"spam_score": "4.9"}, {"spam_score": "many"}, {"SPF": ""},
     {"SPF": "fail", "sender": "eve@mail.customer.example"}],
)  # fmt: skip
async def test_a_signature_or_no_check_at_all_is_good_enough(house: House, more: dict[str, str]) -> None:
    await mail(house, **more)
    assert await house.count("lead") == 1


async def test_who_of_us_answers_a_notice_is_no_lead(house: House) -> None:
    rep_id = await rep(house.pool)
    await house.pool.execute("insert into rep_channel (rep_id, mobile) values ($1, $2)", rep_id, PHONE)
    assert (await house.twilio(INBOUND, MessageSid="SM1", From=PHONE, Body="Can somebody else take it?"))[0] == 200
    mine = await house.pool.fetchval("select email from account")
    assert await mail(house, "On my way", sender=mine, dkim=f"{{@{mine.partition('@')[2]} : pass}}") == 204
    assert (await house.count("lead"), await house.count("notice")) == (0, 0)


@pytest.mark.parametrize("body", ["STOP", "stop texting me", "START", "Yes"])
async def test_a_keyword_of_a_stranger_is_for_a_person(house: House, body: str) -> None:
    await house.twilio(INBOUND, MessageSid="SM1", From=OTHER_PHONE, Body=body)
    assert (await house.count("lead"), await house.count("notice")) == (0, 1)


async def test_a_mail_that_wants_nothing_from_us_is_no_lead(house: House) -> None:
    await mail(house, "Please unsubscribe me from everything")
    assert (await house.count("lead"), await house.count("notice")) == (0, 1)


@pytest.mark.parametrize("number", ["12345", "ACME", "", "+1", "+1900555"])
async def test_what_is_no_number_is_no_lead(house: House, number: str) -> None:
    await house.twilio(INBOUND, MessageSid="SM1", From=number, Body="hi")
    assert await house.count("lead") == 0


async def test_a_rep_who_texts_the_company_is_no_lead(house: House) -> None:
    await rep(house.pool)
    await house.twilio(INBOUND, MessageSid="SM1", From=OTHER_PHONE, Body="testing")
    assert (await house.count("lead"), await house.count("notice")) == (0, 0)


async def test_one_house_that_writes_from_everywhere_is_looked_at_once(house: House) -> None:
    for n in range(24):
        await mail(house, f"number {n}", sender=f"a{n}@customer.example")
    assert (await house.count("lead"), await house.count("reply")) == (20, 24)
    assert [tuple(r) for r in await house.pool.fetch("select kind, reason from notice")] == [
        ("reply_from_unknown", "too_many")
    ]
    await mail(house, "somebody else", sender="bob@another.example", dkim="")
    house.clock.now += timedelta(hours=1, seconds=1)
    await mail(house, "an hour later", sender="late@customer.example")
    assert await house.count("lead") == 22


async def test_an_empty_mail_says_its_subject(house: House) -> None:
    await mail(house, "")
    assert (await the_lead(house))["message"] == "Looms"


async def test_a_mail_tells_its_language(house: House) -> None:
    await mail(house, "Verkaufen Sie Webstühle?", headers="Content-Language: de\n")
    assert await house.pool.fetchval("select fields->>'browser_lang' from inquiry") == "de"


async def test_off_hours_the_webhook_is_answered_as_well(house: House) -> None:
    house.clock.now = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
    await mail(house)
    assert await house.count("lead") == 1
