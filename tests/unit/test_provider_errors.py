"""What a refusal means, from the table, and what an unknown one falls back to."""

import time
from email.utils import formatdate

import pytest

from speedlead.ports import SendErrorKind
from speedlead.providers import errors
from speedlead.providers.http import MAX_RETRY_AFTER_S, Exchange, no_answer, retry_after_s


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, SendErrorKind.RETRY_SAFE), (400, SendErrorKind.CONTENT), (413, SendErrorKind.CONTENT),
        (401, SendErrorKind.CONFIG), (403, SendErrorKind.CONFIG), (404, SendErrorKind.CONFIG),
        (302, SendErrorKind.CONFIG), (408, SendErrorKind.IN_DOUBT), (500, SendErrorKind.IN_DOUBT),
        (503, SendErrorKind.IN_DOUBT), (200, SendErrorKind.IN_DOUBT),
    ],
)  # fmt: skip
def test_a_status_has_a_default_class(status: int, kind: SendErrorKind) -> None:
    assert errors.status_ruling(status).kind is kind


def test_only_certain_refusals_are_safe_to_repeat() -> None:
    safe = {code for code in range(10_000, 70_000) if (r := errors.twilio_ruling(code)) and r.kind == "retry_safe"}
    assert safe == {20429, 21611}


@pytest.mark.parametrize(
    ("code", "kind", "scope"),
    [
        (21610, SendErrorKind.OPTED_OUT, None), ("21614", SendErrorKind.BAD_ADDRESS, "sms"),
        (21211, SendErrorKind.BAD_ADDRESS, "number"), (20003, SendErrorKind.CONFIG, None),
    ],
)  # fmt: skip
def test_a_code_says_what_the_address_is_bad_for(code: int | str, kind: SendErrorKind, scope: str | None) -> None:
    ruling = errors.twilio_ruling(code)
    assert ruling is not None
    assert (ruling.kind, ruling.scope) == (kind, scope)


def test_an_unknown_delivery_code_is_worth_a_later_attempt() -> None:
    assert errors.delivery_ruling(39999).kind is SendErrorKind.RETRY_LATER
    assert errors.delivery_ruling(None).kind is SendErrorKind.RETRY_LATER
    assert errors.delivery_ruling("30034").kind is SendErrorKind.CONFIG
    assert errors.delivery_ruling("30005").kind is SendErrorKind.BAD_ADDRESS


def test_a_blocked_mail_is_no_bad_address() -> None:
    found = {
        event: ruling and ruling.kind
        for event in ("bounce:bounce", "bounce:blocked", "spamreport", "delivered")
        for ruling in [errors.mail_event_ruling(*event.split(":"))]
    }
    assert found == {
        "bounce:bounce": SendErrorKind.BAD_ADDRESS, "bounce:blocked": SendErrorKind.RETRY_LATER,
        "spamreport": SendErrorKind.OPTED_OUT, "delivered": None,
    }  # fmt: skip


def test_nothing_left_means_nothing_sent() -> None:
    assert no_answer(TimeoutError(), Exchange(left=False)).kind is SendErrorKind.RETRY_SAFE
    assert no_answer(TimeoutError(), Exchange(left=True)).kind is SendErrorKind.IN_DOUBT
    assert no_answer(TimeoutError(), Exchange(left=True), repeatable=True).kind is SendErrorKind.RETRY_SAFE


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7), ({"retry-after": "0.5"}, 0.5), ({"Retry-After": "-3"}, 0), ({}, None),
        ({"Retry-After": "soon"}, None), ({"Retry-After": "nan"}, None), ({"Retry-After": "1e9"}, MAX_RETRY_AFTER_S),
    ],
)  # fmt: skip
def test_retry_after_is_read_carefully(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_a_date_and_a_reset_are_differences_to_now() -> None:
    in_a_minute = time.time() + 60
    for headers in ({"Retry-After": formatdate(in_a_minute)}, {"X-RateLimit-Reset": str(int(in_a_minute))}):
        assert 55 < (retry_after_s(headers) or 0) < 62
