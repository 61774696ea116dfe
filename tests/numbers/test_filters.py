"""The query string of a report: read, written back, refused."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import ValidationError

from speedlead.lead_filter import FilterError
from speedlead.numbers.filters import Filter
from tests.store.hand_made import SAM

NOW = datetime(2026, 10, 27, 12, 30, tzinfo=UTC)
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ({}, "2026-10-20T11:30Z", "2026-10-27T12:30Z"),
        # the night of 25 October has an hour more: seven days back is the same time of day
        ({"period": "7d"}, "2026-10-20T11:30Z", "2026-10-27T12:30Z"),
        ({"period": "24h"}, "2026-10-26T12:30Z", "2026-10-27T12:30Z"),
        ({"period": "today"}, "2026-10-26T23:00Z", "2026-10-27T12:30Z"),
        ({"period": "yesterday"}, "2026-10-25T23:00Z", "2026-10-26T23:00Z"),
        ({"from": "2026-10-25", "to": "2026-10-25"}, "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        ({"from": "2026-10-25"}, "2026-10-24T22:00Z", "2026-10-27T12:30Z"),
        ({"from": "2026-10-25T06:00", "to": "2026-10-25T06:00Z"}, "2026-10-25T05:00Z", "2026-10-25T06:00Z"),
    ],
)
def test_periods(query: dict[str, str], start: str, end: str) -> None:
    found = Filter.of(query, NOW, BERLIN)
    assert (found.start, found.end) == (datetime.fromisoformat(start), datetime.fromisoformat(end))
    assert (found.at, found.taken_at, found.zone) == (NOW, NOW, BERLIN)


def test_the_first_instant_of_today_is_a_period() -> None:
    midnight = datetime(2026, 10, 26, 23, tzinfo=UTC)
    found = Filter.of({"period": "today"}, midnight, BERLIN)
    assert timedelta(0) < found.end - found.start < timedelta(seconds=1)


QUERY = {
    "period": "30d", "type": "hot", "source": "paid_ads", "channel": "chat", "country": "US", "region": "US-NY",
    "team": "nobody's leads", "rep": SAM, "plan": "inbound:4",
    "variant": "short-mail:control",
}  # fmt: skip


@pytest.mark.parametrize("query", [QUERY, {"from": "2026-10-01", "to": "2026-10-25", "plan": "inbound"}, {}])
def test_a_link_keeps_the_filter(query: dict[str, str]) -> None:
    found = Filter.of(query, NOW, BERLIN)
    assert Filter.of(found.query(), NOW, BERLIN) == found


def test_every_field_is_read_and_others_are_left_alone() -> None:
    found = Filter.of(QUERY | {"sort": "mean", "region": " US-NY "}, NOW)
    assert found.query() == QUERY
    assert (found.rep_id, found.plan, found.plan_version) == (UUID(SAM), "inbound", 4)


def test_a_period_of_days_stays_one() -> None:
    link = Filter.of({"period": "7d"}, NOW).query()
    assert Filter.of(link, NOW + timedelta(days=1)).end == NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"period": "week"}, "period: expected 24h, 7d, today or yesterday, got 'week'"),
        ({"period": "0d"}, "period: expected 24h, 7d, today or yesterday, got '0d'"),
        ({"period": "9999d"}, "period: expected 24h, 7d, today or yesterday, got '9999d'"),
        ({"period": "7d", "from": "2026-10-01"}, "period: expected either a period, or from and to, got 'both'"),
        ({"to": "2026-10-01"}, "from: expected the first day, such as 2026-11-01, because `to` is given, got ''"),
        ({"from": "1 Oct"}, "from: expected a day such as 2026-11-01, or a moment, got '1 Oct'"),
        ({"from": "2026-02-30"}, "from: expected a day such as 2026-11-01, or a moment, got '2026-02-30'"),
        ({"from": "9999-12-31", "to": "9999-12-31"}, "to: expected a day such as 2026-11-01, or a moment, got "),
        ({"from": "2026-10-09", "to": "2026-10-01"}, "from: expected a moment before 2026-10-02T00:00:00Z, got "),
        ({"from": "2027-01-01"}, "from: expected a moment before 2026-10-27T12:30:00Z, got '2027-01-01T00:00:00Z'"),
        ({"from": "2020-01-01"}, "from: expected a period of at most 1098 days, got '2491 days'"),
        ({"type": "HOT"}, "type: expected hot, warm or cold, got 'HOT'"),
        ({"rep": "sam"}, "rep: expected the id of a rep, got 'sam'"),
        ({"plan": "inbound:x"}, "plan: expected a plan such as inbound or inbound:4, got 'inbound:x'"),
        ({"plan": "inbound:9999999999"}, "plan: expected a plan such as inbound or inbound:4, got "),
        ({"source": "a\0b"}, "source: expected at most 200 printable characters, got "),
        ({"region": "x" * 201}, "region: expected at most 200 printable characters, got "),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(query: dict[str, str], said: str) -> None:
    with pytest.raises(FilterError) as refused:
        Filter.of(query, NOW)
    assert str(refused.value).startswith(said)


def test_a_filter_made_by_code_is_checked_as_well() -> None:
    with pytest.raises(ValidationError, match="start: expected a moment before the end"):
        Filter(start=NOW, end=NOW)
    with pytest.raises(ValidationError, match="plan: expected the plan whose version is 4, got none"):
        Filter(start=NOW, end=NOW + timedelta(days=1), plan_version=4)
    with pytest.raises(ValidationError, match="timezone"):
        Filter(start=datetime(2026, 1, 1), end=NOW)
    assert Filter(start=NOW, end=NOW + timedelta(days=1)).taken_at == NOW + timedelta(days=1)
