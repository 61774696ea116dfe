"""Pauses, rests and secrets: pure rules, for any numbers."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedlead.domain.hooks import (
    JITTER,
    LONGEST_ASKED,
    RESTS_AFTER,
    Secrets,
    Verdict,
    given_up,
    is_dead,
    pause,
    rest,
    verdict,
)  # fmt: skip
from speedlead.hooks.events import schema

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
rolls = st.floats(0, 1, exclude_max=True)
asked = st.none() | st.timedeltas(timedelta(0), timedelta(days=400))


@given(st.integers(1, 10_000), asked, rolls)
def test_a_pause_grows_has_a_bound_and_keeps_to_what_was_asked(tries: int, told: timedelta | None, roll: float) -> None:
    found = pause(tries, told, roll)
    assert timedelta(seconds=5) * (1 - JITTER) <= found <= max(timedelta(hours=6) * (1 + JITTER), LONGEST_ASKED)
    assert found >= min(told or timedelta(0), LONGEST_ASKED)
    assert pause(tries + 1, told, roll) >= found


@given(st.integers(1, 10_000), st.sampled_from([None, 429, 500, 503]), asked, rolls)
def test_an_endpoint_rests_after_failures_in_a_row_or_when_it_asks(
    failures: int, status: int | None, told: timedelta | None, roll: float
) -> None:
    found = rest(failures, status, told, roll)
    if failures < RESTS_AFTER and (told is None or status not in (429, 503)):
        assert found is None
    else:
        assert found is not None
        assert found <= max(timedelta(minutes=12), LONGEST_ASKED)
        assert status not in (429, 503) or found >= min(told or timedelta(0), LONGEST_ASKED)


def test_five_days_of_pauses_are_some_thirty_requests() -> None:
    at, tries = timedelta(0), 0
    while at < timedelta(days=5):
        tries += 1
        at += pause(tries, None, 0.5)
    assert 20 <= tries <= 40


@pytest.mark.parametrize(
    ("status", "means"),
    [(200, Verdict.TAKEN), (204, Verdict.TAKEN), (299, Verdict.TAKEN), (301, Verdict.LATER), (304, Verdict.LATER),
     (400, Verdict.LATER), (404, Verdict.LATER), (410, Verdict.GONE), (500, Verdict.LATER), (None, Verdict.LATER)],
)  # fmt: skip
def test_only_2xx_is_taken_and_410_is_the_end(status: int | None, means: Verdict) -> None:
    assert verdict(status) is means


def test_ends_come_at_their_hour() -> None:
    day = timedelta(days=1)
    assert not given_up(NOW - day + timedelta(seconds=1), NOW, day)
    assert given_up(NOW - day, NOW, day)
    assert not is_dead(NOW - day + timedelta(seconds=1), NOW, day)
    assert is_dead(NOW - day, NOW, day)


def test_each_old_secret_signs_for_its_day_also_after_another_rotation() -> None:
    both = Secrets("a").rotated("b", NOW)
    assert both.in_use(NOW + timedelta(hours=23)) == ("b", "a")
    assert both.in_use(NOW + timedelta(hours=24)) == ("b",)
    three = both.rotated("c", NOW + timedelta(hours=1))
    assert three.in_use(NOW + timedelta(hours=1)) == ("c", "b", "a"), "who clicks twice takes nothing from the receiver"
    assert three.in_use(NOW + timedelta(hours=24)) == ("c", "b")
    many = both
    for number in range(9):
        many = many.rotated(str(number), NOW)
    assert many.in_use(NOW) == ("8", "7", "6", "5", "4"), "a header has an end"


def test_the_schema_that_receivers_read_is_that_of_the_code() -> None:
    written = Path(__file__).parents[2] / "docs" / "webhooks.schema.json"
    assert json.loads(written.read_text("utf-8")) == schema(), "speedlead hook schema > docs/webhooks.schema.json"
