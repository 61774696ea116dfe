"""Tokens, buckets and opt-out words by themselves."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedlead.gateway.guards import origin_of
from speedlead.gateway.limits import TokenBuckets, sender_of
from speedlead.mail_text import written_part
from speedlead.optout import opt_out_scope
from speedlead.tokens import make_token, read_token

SECRET = b"s" * 32


@given(st.uuids(), st.booleans())
def test_a_token_reads_back_whatever_its_case(row: uuid.UUID, upper: bool) -> None:
    token = make_token(SECRET, "reply", str(row))
    assert len(f"reply+{token}") <= 64
    assert read_token(SECRET, "reply", token.upper() if upper else token) == str(row)
    assert read_token(SECRET, "unsubscribe", token) is None
    assert read_token(b"t" * 32, "reply", token) is None


@given(st.text() | st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=45, max_size=45))
def test_no_text_is_a_token_by_chance(text: str) -> None:
    assert read_token(SECRET, "reply", text) is None


@pytest.mark.parametrize("position", range(0, 45, 4))
def test_a_changed_token_is_none(position: int) -> None:
    token = make_token(SECRET, "reply", str(uuid.UUID(int=7)))
    changed = token[:position] + ("b" if token[position] != "b" else "c") + token[position + 1 :]
    assert read_token(SECRET, "reply", changed) is None


def test_a_bucket_holds_a_minute_and_fills_again() -> None:
    now = [0.0]
    buckets = TokenBuckets(60, now=lambda: now[0])
    assert [buckets.take("a") for _ in range(60)] == [0.0] * 60
    assert buckets.take("a") == pytest.approx(1.0)
    assert buckets.take("b") == 0.0
    now[0] = 2.0
    assert [buckets.take("a") for _ in range(3)] == [0.0, 0.0, pytest.approx(1.0)]


def test_buckets_are_bounded() -> None:
    buckets = TokenBuckets(1, max_senders=10, now=lambda: 0.0)
    for n in range(1000):
        buckets.take(str(n))
    assert len(buckets._buckets) == 10


def test_one_customer_with_ipv6_is_one_sender() -> None:
    assert sender_of("2001:db8:1:2:aaaa::1") == sender_of("2001:db8:1:2:bbbb::2") != sender_of("2001:db8:1:3::1")
    assert sender_of("203.0.113.7") == "203.0.113.7"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://A.example:443/x?y", "https://a.example"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("https://a.example:99999/", ""),
        ("javascript:alert(1)", ""),
        ("//a.example", ""),
        ("", ""),
        ("null", ""),
    ],
)
def test_origins(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@given(st.text())
def test_any_text_can_be_judged(text: str) -> None:
    assert opt_out_scope(text, "sms") in (None, "all", "call", "sms", "email")
    assert len(written_part(text)) <= len(text)
