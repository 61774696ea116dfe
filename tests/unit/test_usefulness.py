"""A text that could only arrive too late is not to arrive at all."""

from datetime import UTC, datetime, timedelta

import pytest

from speedlead.domain.plan import Track
from speedlead.domain.usefulness import useful_for

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
TRACK = Track.model_validate({
    "steps": [
        {"id": "call-1", "channel": "call"},
        {"id": "sms-1", "channel": "sms", "after": "call-1", "delay": "10m", "template": "missed_you"},
        {"id": "call-2", "channel": "call", "after": "call-1", "delay": "40m"},
        {"id": "day-2", "channel": "sms", "after": "call-2", "local_days": 1, "template": "missed_you"},
    ]
})  # fmt: skip


@pytest.mark.parametrize(
    ("step", "window_s", "seconds"),
    [
        ("sms-1", None, 1800), ("sms-1-r2", None, 1800), ("sms-1", 600, 600), ("sms-1", 7200, 1800),
        ("sms-1", 2, 10), ("day-2", None, 36_000), ("day-2", 3600, 3600), ("ack-1", None, 900), ("ack-1", 300, 300),
    ],
)  # fmt: skip
def test_until_the_next_step_or_the_end_of_the_hours(step: str, window_s: int | None, seconds: int) -> None:
    end = None if window_s is None else NOW + timedelta(seconds=window_s)
    assert useful_for(TRACK, step, NOW, end) == seconds


def test_without_a_track_it_is_soon_out_of_place() -> None:
    assert useful_for(None, "answer-1", NOW, None) == 900
