"""Leads that nobody is: one to look at in a preview, one with the longest values that are plausible."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from speedlead.domain.placing import Consents
from speedlead.domain.zones import Evidence
from speedlead.records import LeadRecord

_NOW = datetime(2026, 9, 22, 14, 0, tzinfo=UTC)

SAMPLE = LeadRecord(
    lead_id="sample", person_id="sample", lead_type="hot", intent="demo_request", source="organic", segment=None,
    stage="new", owner_id="sample", plan_id="inbound", plan_version=1, clock_offset_us=0, created_at=_NOW,
    submitted_at=_NOW, open_at=_NOW, first_attempt_due=_NOW + timedelta(minutes=3), name="Ada Lovelace",
    company="Analytical Engines", email="ada@example.com", phone="+12125550123",
    message="Can you show me how the engine weaves algebraical patterns?", inquiry_number=1,
    evidence=Evidence(tz="America/New_York"), consents=Consents(True, True, True), owner_name="Anna Berg",
    owner_email=None, owner_phone=None, called=True, owner_video="https://video.example.com/anna",
)  # fmt: skip
SAMPLE_PROMISE = (_NOW + timedelta(minutes=3), _NOW, "America/New_York")
"""`Words.promised` of it, but for the channel: due, now, zone."""

LONGEST = replace(
    SAMPLE, name="Wolfeschlegelsteinhausen Hubert", owner_name="Maximiliane Featherstonehaugh",
    message="Could somebody explain the difference between the two larger editions to us, " * 3,
)  # fmt: skip
# a Wednesday in September, and the longest name of a zone's city
LONGEST_PROMISE = (
    datetime(2026, 9, 30, 23, 59, 30, tzinfo=UTC),
    datetime(2026, 9, 25, tzinfo=UTC),
    "America/Argentina/ComodRivadavia",
)
