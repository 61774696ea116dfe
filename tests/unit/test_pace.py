"""How fast providers are asked: an account's limits, and the sandbox's absence of any."""

from pathlib import Path
from typing import Any

import pytest

from speedlead.settings import Settings
from workers.lifecycle import pace_of
from workers.registry import Pace

ACCOUNTS = {
    "twilio_account_sid": "AC" + "0" * 32, "twilio_auth_token": "t", "twilio_from": "+14155550100",
    "sendgrid_api_key": "SG.1", "sendgrid_from": "hello@acme.example", "public_url": "https://leads.acme.example",
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "pace"),
    [
        (ACCOUNTS, Pace(mails=100, texts=1, calls=1)),
        (ACCOUNTS | {"texts_per_second": 3, "calls_per_second": 5}, Pace(mails=100, texts=3, calls=5)),
        ({}, Pace()),
        ({"texts_per_second": 2}, Pace(texts=2)),
    ],
)
def test_an_account_has_limits_and_the_sandbox_those_that_are_set(
    tmp_path: Path, given: dict[str, Any], pace: Pace
) -> None:
    assert pace_of(Settings(data_dir=tmp_path, **given)) == pace
    assert Pace().texts >= 50


@pytest.mark.parametrize("wrong", ["0", "-1", "fast"])
def test_a_pace_is_a_number_above_zero(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    from speedlead.settings import SettingsError, read_settings

    monkeypatch.setenv("SPEEDLEAD_TEXTS_PER_SECOND", wrong)
    with pytest.raises(SettingsError, match="SPEEDLEAD_TEXTS_PER_SECOND: expected a number above 0"):
        read_settings({"SPEEDLEAD_TEXTS_PER_SECOND": wrong})
