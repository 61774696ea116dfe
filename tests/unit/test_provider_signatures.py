"""Webhook signatures, checked against independent computations and the vectors of Twilio's own SDK."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from speedlead.providers.signatures import is_fresh, verify_sendgrid, verify_twilio

KEY = ec.generate_private_key(ec.SECP256R1())
DER = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(*DER)).decode()
URL = "https://leads.example.com/webhooks/twilio/sms/status?touch=a.b"


def hmac_sha1(token: str, text: str) -> str:
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def twilio_signature(token: str, url: str, fields: dict[str, str]) -> str:
    return hmac_sha1(token, url + "".join(name + fields[name] for name in sorted(fields)))


def ecdsa(body: bytes, stamp: str = "1700000000") -> str:
    return base64.b64encode(KEY.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()


def test_twilio_s_own_vector_is_valid() -> None:
    fields = {
        "CallSid": "CA1234567890ABCDE", "Digits": "1234", "From": "+14158675309", "To": "+18005551212",
        "Caller": "+14158675309",
    }  # fmt: skip
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert verify_twilio("12345", url, urlencode(fields).encode(), "RSOYDt4T1cUTdK1PDd93/VVr8B8=")


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=6), st.text(min_size=1))
def test_any_form_signed_independently_is_valid_and_no_other(fields: dict[str, str], token: str) -> None:
    body = urlencode(fields).encode()
    signature = twilio_signature(token, URL, fields)
    assert verify_twilio(token, URL, body, signature)
    assert not verify_twilio(token + "x", URL, body, signature)
    assert not verify_twilio(token, URL + "x", body, signature)
    assert not verify_twilio(token, URL, urlencode({**fields, "Added": "1"}).encode(), signature)


def test_blank_and_repeated_fields_count() -> None:
    assert verify_twilio("t", URL, b"A=&B=2", hmac_sha1("t", URL + "AB2"))
    assert not verify_twilio("t", URL, b"B=2", hmac_sha1("t", URL + "AB2"))
    assert verify_twilio("t", URL, b"E=ringing&E=answered", hmac_sha1("t", URL + "EansweredEringing"))


def test_a_json_body_is_covered_by_its_hash() -> None:
    body = b'{"a": 1}'
    url = f"{URL}&bodySHA256={hashlib.sha256(body).hexdigest()}"
    assert verify_twilio("t", url, body, hmac_sha1("t", url))
    assert not verify_twilio("t", url, body + b" ", hmac_sha1("t", url))


@pytest.mark.parametrize("signature", [None, "", "x", "é", "A" * 10_000])
@pytest.mark.parametrize("body", [b"", b"A=1", b"\xff\xfe", b"&".join(b"a=1" for _ in range(600)), b'{"a"'])
def test_odd_input_is_false_and_never_an_error(signature: str | None, body: bytes) -> None:
    assert verify_twilio("t", URL, body, signature) is False
    assert verify_twilio("t", "not a url \x00 [", body, signature) is False
    assert verify_sendgrid(PUBLIC, body, signature, "1700000000") is False
    assert verify_sendgrid("nonsense", body, signature, "é") is False


def test_an_empty_token_opens_nothing() -> None:
    assert not verify_twilio("", URL, b"A=1", hmac_sha1("", URL + "A1"))


@given(st.binary(max_size=300))
def test_any_bytes_signed_with_the_key_are_valid_and_no_others(body: bytes) -> None:
    signature = ecdsa(body)
    assert verify_sendgrid(PUBLIC, body, signature, "1700000000")
    assert not verify_sendgrid(PUBLIC, body + b" ", signature, "1700000000")
    assert not verify_sendgrid(PUBLIC, body, signature, "1700000001")


def test_another_key_and_another_kind_of_key_are_refused() -> None:
    other = base64.b64encode(ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(*DER)).decode()
    wrong_kind = base64.b64encode(rsa.generate_private_key(65537, 2048).public_key().public_bytes(*DER)).decode()
    assert not verify_sendgrid(other, b"[]", ecdsa(b"[]"), "1700000000")
    assert not verify_sendgrid(wrong_kind, b"[]", ecdsa(b"[]"), "1700000000")
    assert not verify_sendgrid("", b"[]", ecdsa(b"[]"), "1700000000")
    assert not verify_sendgrid(PUBLIC, b"[]", ecdsa(b"[]"), None)


@pytest.mark.parametrize("algorithm", ["HMAC_SHA256", "HMAC_SHA1"])
def test_an_algorithm_is_not_interchangeable(algorithm: str) -> None:
    signed = base64.b64encode(hmac.new(b"t", f"{URL}A1".encode(), hashlib.sha256).digest()).decode()
    assert verify_twilio("t", URL, b"A=1", signed, algorithm) is (algorithm == "HMAC_SHA256")
    assert not verify_twilio("t", URL, b"A=1", signed, "HMAC_MD5")


WALL = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "fresh"),
    [(0, True), (-3600, True), (-3601, False), (300, True), (301, False)],
)
def test_a_time_stamp_is_neither_too_old_nor_ahead(seconds: int, fresh: bool) -> None:
    assert is_fresh(str(int(WALL.timestamp()) + seconds), WALL, timedelta(hours=1)) is fresh


@pytest.mark.parametrize("stamp", ["", "x", "1e9", "1" * 30, "-" + "9" * 18, "٣", "nan"])
def test_a_time_stamp_that_is_none_is_not_fresh(stamp: str) -> None:
    assert is_fresh(stamp, WALL, timedelta(hours=1)) is False
