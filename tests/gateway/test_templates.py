"""The page that shows a message, and the language that a form's sender gets their answer in."""

import html
from urllib.parse import urlencode

import pytest

from speedlead.composing.languages import choose
from speedlead.store.leads import LeadStore
from tests.gateway.house import House

NASTY = {"name": "<script>alert(1)</script>", "message": "{{ 7*7 }} <img src=x onerror=alert(1)> http://evil.example"}


async def preview(house: House, **query: str) -> tuple[int, str]:
    status, text = await house.call("GET", "/templates/preview?" + urlencode(query))
    return status, str(text)


async def test_a_sample_is_shown_in_every_language(house: House) -> None:
    for lang, says in (("en", "We have your demo request, Ada"), ("de", "Eingegangen: Ihre Demo-Anfrage")):
        status, text = await preview(house, template="email/acknowledgement", lang=lang)
        assert status == 200
        assert says in text
        assert f"email/acknowledgement.{lang} v2" in text
    assert 'sandbox="" srcdoc="&lt;html' in text


async def test_a_text_message_is_shown_with_its_segments(house: House) -> None:
    status, text = await preview(house, template="sms/acknowledgement")
    assert status == 200
    assert "2 of 3 segments" in text
    assert "GSM-7" in text


async def test_what_a_real_lead_wrote_is_no_markup_in_the_page_nor_in_the_mail(house: House) -> None:
    lead = await house.lead(**NASTY)
    for template in ("email/acknowledgement", "email/missed_you", "sms/missed_you"):
        status, text = await preview(house, template=template, lead=lead)
        assert status == 200
        mail = html.unescape(text.partition('srcdoc="')[2].partition('"')[0])
        for where in (text, mail):
            assert not any(bad in where for bad in ("<script>", "<img src=x", "evil.example", ">49<", " 49 "))
        assert "your demo request" in html.unescape(text)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"template": "email/nothing"}, "template: expected one of acknowledgement, last_note"),
        ({"template": "fax/useful"}, "channel: expected email or sms or voicemail, got 'fax'"),
        ({"lang": "xx"}, "language: expected one of de, en, es, fr, it, pt"),
        ({"lead": "x"}, "lead: expected a lead's id"),
        ({"lead": "00000000-0000-4000-8000-000000000000"}, "lead: there is no such lead"),
        ({"template": "<b>"}, "channel: expected email or sms or voicemail, got '<b>'"),
    ],
)
async def test_what_cannot_be_shown_is_said(house: House, query: dict[str, str], says: str) -> None:
    status, text = await preview(house, **query)
    assert status == 422
    assert says in html.unescape(text)
    assert "<b>" not in text


async def test_the_language_is_the_forms_own_or_else_the_browsers(house: House) -> None:
    async def language(**fields: str) -> str | None:
        headers = {"Accept-Language": "de-AT,de;q=0.9"}
        status, _, _ = await house.post_form(headers, name="Ada", intent="pricing", **fields)
        assert status == 200
        lead = await house.pool.fetchval("select lead_id from inquiry where email = $1", fields["email"])
        return (await LeadStore(house.pool).read(lead)).language

    assert await language(email="one@example.com") == "de-AT"
    assert await language(email="two@example.com", lang="fr") == "fr"
    api = await house.lead(email="three@example.com")
    record = await LeadStore(house.pool).read(api)
    assert record.language is None
    assert choose(record.language, "ES", frozenset({"en", "es"}), "en") == "es"
