"""Leads in the state that a test needs, on the default plan, from a Tuesday at 15:00 UTC."""

from datetime import UTC, datetime, timedelta
from typing import Any

from speedlead.domain.lead import LeadState
from speedlead.planbook import load_plan

CADENCE = load_plan().cadence()
NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3600, 86400))


def lead(lead_type: str = "hot", **changes: Any) -> LeadState:
    values: dict[str, Any] = {
        "lead_id": "7f3a", "lead_type": lead_type, "cadence": CADENCE, "submitted_at": NOW, "has_email": True,
        "has_phone": True, "consent_sms": True, "call_requested": True, "opened": NOW,
    }  # fmt: skip
    return LeadState(**(values | changes))


def inquire(state: LeadState, lead_type: str, at: datetime | None = None, **reach: bool) -> None:
    known = {"has_email": False, "has_phone": False, "consent_sms": False, "call_requested": False}
    state.inquired(lead_type, at=at, **(known | reach))  # type: ignore[arg-type]
