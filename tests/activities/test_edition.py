"""What a lead reads is in its language, and its touch says which version of which template it was made from."""

from speedlead.contracts import AcknowledgeRequest
from tests.activities.house import House


async def test_a_touch_names_the_template_its_version_and_its_language(house: House) -> None:
    lead = await house.lead()
    await house.pool.execute("update inquiry set fields = $2 where lead_id = $1", lead, {"browser_lang": "de-AT"})
    await house.run(house.messaging.acknowledge, AcknowledgeRequest(lead_id=lead, inquiry_number=1, lead_type="hot"))
    await house.send(lead, "sms")
    answer, text = await house.touch(lead, "ack-1"), await house.touch(lead, "sms-1")
    assert answer is not None
    assert text is not None
    assert answer["versions"]["template"] == "email/acknowledgement.de v2"
    assert answer["versions"]["tzdata"]  # beside what was there
    assert text["versions"]["template"] == "sms/missed_you.de v2"
    promise = await house.pool.fetchval("select promise_text from lead where id = $1", lead)
    assert promise.endswith("persönlich an.")
    assert promise in house.mail.requests[0].text


async def test_a_mail_carries_the_link_that_opts_out_in_both_of_its_parts(house: House) -> None:
    lead = await house.lead()
    await house.send(lead, "email")
    mail = house.mail.requests[0]
    assert mail.list_unsubscribe_url in mail.text
    assert f'<a href="{mail.list_unsubscribe_url}">' in mail.html
