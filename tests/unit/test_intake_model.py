"""The form's fields, normalised; and that nothing but a ValidationError ever comes out."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from speedlead.intake import FieldProblem, Inquiry, Rules, field_problems, read_inquiry
from speedlead.intake_text import MAX_EXTRA_BYTES, bounded_extra

RULES = Rules(intents=("demo_request", "pricing"), home_country="US")


def read(**fields: Any) -> Inquiry:
    return read_inquiry({"email": "ada@example.com"} | fields, RULES)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"phone": "+1 (415) 555-2671"}, "+14155552671"),
        ({"phone": "415.555.2671"}, "+14155552671"),
        ({"phone": 14155552671}, "+14155552671"),
        ({"phone": "001 415 555 2671"}, "+14155552671"),
        ({"phone": "020 7946 0958", "country": "UK"}, "+442079460958"),
        ({"phone": "030 901820", "tz": "Europe/Berlin"}, "+4930901820"),
        # a traveller: the browser is on Malta, where there is no such number
        ({"phone": "(415) 555-2671", "tz": "Europe/Malta"}, "+14155552671"),
        ({"phone": "0049 30 901820"}, "+4930901820"),
        ({"phone": "  "}, None),
        ({"phone": None}, None),
    ],
)
def test_phones_become_e164(fields: dict[str, Any], expected: str | None) -> None:
    assert read(**fields).phone == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"source": "Trade Show"}, "trade_show"),
        ({"source": "referral", "gclid": "x"}, "referral"),
        ({"gclid": "x"}, "paid_ads"),
        ({"utm_medium": "CPC", "utm_source": "google"}, "paid_ads"),
        ({"utm_medium": "organic"}, "organic"),
        ({"utm_medium": "partner", "utm_source": "Acme Blog"}, "acme_blog"),
        ({"fbclid": "x"}, "social"),
        ({"source": "", "utm_source": ""}, "website"),
        ({"source": "???"}, "website"),
        ({}, "website"),
    ],
)
def test_the_source_is_inferred_when_it_is_not_given(fields: dict[str, Any], expected: str) -> None:
    assert read(**fields).source == expected


def test_names_are_cleaned_of_what_could_mislead() -> None:
    found = read(name="  Ada\u202e \n  Love\x00lace\ud800 ", message="a\r\nb\n\n\n\n\n\nc  ")
    assert (found.name, found.message) == ("Ada Lovelace", "a\nb\n\n\nc")


@pytest.mark.parametrize(
    ("value", "expected"), [("on", True), ("1", True), (True, True), (0, False), ("", False), (None, False)]
)
def test_consents(value: object, expected: bool) -> None:
    assert read(consent_sms=value).consent_sms is expected


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"phone": "+14155552671"}, False),
        ({"phone": "+14155552671", "consent_text": "Call me"}, True),
        ({"phone": "+14155552671", "consent_call": "on"}, True),
        ({"consent_text": "Call me"}, False),
    ],
)
def test_a_call_is_requested_by_a_number_next_to_a_consent(fields: dict[str, Any], asked: bool) -> None:
    assert read(**fields).call_requested is asked


def test_an_address_has_one_form() -> None:
    assert read(email=" Ada.L@EXÄMPLE.de ").email == "ada.l@xn--exmple-cua.de"


def test_errors_name_the_field_and_never_repeat_the_value() -> None:
    with pytest.raises(ValidationError) as caught:
        read(email="secret-person@", phone="12345", country="Neverland")
    problems = field_problems(caught.value)
    assert [p.field for p in problems] == ["email", "country", "phone"]
    assert "secret" not in str(problems)
    assert "Neverland" not in str(problems)


def test_no_way_to_answer_is_told_at_the_email() -> None:
    with pytest.raises(ValidationError) as caught:
        read_inquiry({"name": "Ada"}, RULES)
    assert field_problems(caught.value) == [
        FieldProblem("email", "neither e-mail nor phone was given", "an e-mail address or a phone number")
    ]


def test_posts_that_say_the_same_have_one_fingerprint() -> None:
    one = read(phone="(415) 555-2671", name="Ada  Lovelace")
    assert one.fingerprint("demo") == read(phone="+14155552671", name="Ada Lovelace").fingerprint("demo")
    assert one.fingerprint("demo") != one.fingerprint("api")
    assert one.fingerprint("demo") != read(phone="(415) 555-2671", name="Ada Lovelace", plan="b").fingerprint("demo")


def test_extra_fields_are_bounded_and_counted() -> None:
    kept = bounded_extra({f"field{n}": "x" * 500 for n in range(100)})
    assert len(json.dumps(kept)) < MAX_EXTRA_BYTES + 100
    assert kept["fields_dropped"] == 100 - (len(kept) - 1)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
field_names = st.sampled_from([*Inquiry.model_fields, "utm_source", "utm_medium", "gclid", "x"]) | st.text()
shaped = st.one_of(
    st.text(),
    st.from_regex(r"\+?[0-9 ()./-]{3,20}", fullmatch=True),
    st.emails(),
    st.sampled_from(
        ["US", "de", "Europe/Paris", "on", "demo_request", "\ud800", "\x00", "Ａ@ｂ.com", "a@b..c", "+1" * 40]
    ),
    st.text(st.characters(codec=None)),
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(field_names, anything | shaped, max_size=10), st.booleans())
def test_nothing_but_a_validation_error_comes_out(fields: dict[str, Any], lenient: bool) -> None:
    try:
        found = read_inquiry(fields, Rules(intents=("demo_request",), lenient=lenient))
    except ValidationError as error:
        assert {bool(p.field and p.reason and p.expected) for p in field_problems(error)} == {True}  # noqa: PT017
        return
    assert found.email or found.phone
    texts = [value for name, value in found.model_dump().items() if isinstance(value, str) or name == "message"]
    for text in texts:
        assert text is None or ("\x00" not in text and text.encode() is not None and text.strip() == text != "")
    # as Postgres takes it: UTF-8 refuses half a surrogate pair, a text has no NUL
    stored = json.dumps(found.extra, allow_nan=False, ensure_ascii=False)
    assert stored.encode()
    assert "\\u0000" not in stored
    assert len(found.fingerprint("demo")) == 32
    # what was normalised once stays as it is
    again = read_inquiry({**found.model_dump(exclude={"extra"})}, Rules(intents=("demo_request",)))
    assert (again.email, again.phone, again.name) == (found.email, found.phone, found.name)


@given(anything)
def test_no_object_at_all_is_a_validation_error(value: Any) -> None:
    if not isinstance(value, dict):
        with pytest.raises(ValidationError):
            read_inquiry(value, RULES)


@given(st.floats())
def test_extra_numbers_are_json(value: float) -> None:
    kept = bounded_extra({"n": value})["n"]
    assert isinstance(kept, str) != math.isfinite(value)


API = Rules(intents=("demo_request",), default_source="api", default_channel="api")
FORM = Rules(intents=("demo_request",), lenient=True)


@pytest.mark.parametrize(
    ("fields", "country", "region"),
    [
        ({"region": "US-TX"}, "US", "US-TX"),
        ({"region": "us-tx", "country": "USA"}, "US", "US-TX"),
        ({"region": "Texas", "country": "us"}, "US", "US-TX"),
        ({"region": "Bayern", "country": "DE"}, "DE", "DE-BY"),
        ({"region": "Québec", "country": "CA"}, "CA", "CA-QC"),
        ({"region": "IDF", "country": "FR"}, "FR", "FR-IDF"),
        ({"region": " ", "country": "FR"}, "FR", None),
    ],
)
def test_a_region_becomes_its_iso_code(fields: dict[str, Any], country: str, region: str | None) -> None:
    found = read_inquiry({"email": "ada@example.com"} | fields, API)
    assert (found.country, found.region) == (country, region)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"region": "Texas"}, FieldProblem("region", "no country to look for it in",
            "a code with its country, such as US-TX, or the field country")),
        ({"region": "ZZ-TX"}, FieldProblem("region", "no country to look for it in",
            "a code with its country, such as US-TX, or the field country")),
        ({"region": "Atlantis", "country": "US"}, FieldProblem("region", "not a known region",
            "a region of US as an ISO 3166-2 code, such as US-AL")),
        ({"region": "US-TX", "country": "CA"}, FieldProblem("region", "not a known region",
            "a region of CA, the country that was given")),
        ({"region": "x" * 101, "country": "CA"}, FieldProblem("region", "too long", "text of at most 100 characters")),
        ({"segment": "???"}, FieldProblem("segment", "not a segment", "a word such as enterprise or b2b_saas")),
        ({"segment": "x" * 61}, FieldProblem("segment", "too long", "text of at most 60 characters")),
        ({"channel": "smoke"}, FieldProblem("channel", "not a known channel",
            "one of api, chat, email, form, messenger, phone, sms")),
    ],
)  # fmt: skip
def test_what_targets_ask_about_is_checked(fields: dict[str, Any], problem: FieldProblem) -> None:
    with pytest.raises(ValidationError) as raised:
        read_inquiry({"email": "ada@example.com"} | fields, API)
    assert field_problems(raised.value) == [problem]


def test_what_a_forms_hidden_fields_say_wrongly_is_noted_and_the_inquiry_kept() -> None:
    found = read_inquiry(
        {"email": "ada@example.com", "region": "Île-de-France", "segment": "?", "channel": "smoke"}, FORM
    )
    assert (found.region, found.segment, found.channel) == (None, None, "form")
    assert found.extra == {"region_unknown": "Île-de-France", "segment_unknown": "?", "channel_unknown": "smoke"}


def test_segment_and_channel_are_words_and_the_door_is_the_default_channel() -> None:
    found = read_inquiry({"email": "ada@example.com", "segment": "B2B SaaS", "channel": "Chat"}, API)
    assert (found.segment, found.channel) == ("b2b_saas", "chat")
    assert read_inquiry({"email": "ada@example.com"}, API).channel == "api"
    assert read_inquiry({"email": "ada@example.com"}, FORM).channel == "form"
