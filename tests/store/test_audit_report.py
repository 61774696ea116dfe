"""The audit of a week finds what was planted, with its lead or rule and what it cost, and nothing in a good week."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from speedlead.chores.audit import audit
from speedlead.domain import audit as judged
from speedlead.settings import Settings
from speedlead.store.audit_findings import newest, write
from speedlead.store.transactions import transact
from tests.activities.house import House, open_house
from tests.servers import local_settings

MINUTES_20 = timedelta(minutes=20)


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_house(database_url) as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return local_settings(tmp_path)


async def found(house: House, settings: Settings) -> list[judged.Finding]:
    made = await transact(house.pool, lambda conn: audit(conn, settings, house.clock))
    report = await transact(house.pool, newest)
    assert report is not None
    assert list(report.findings) == made
    return [f for f in made if f.subject is None or "low_quality" not in f.subject]


async def owned(house: House, lead: str, *reps: str, kind: str = "reassigned") -> None:
    for rep in reps:
        await house.put("story", lead_id=lead, at=house.clock.now, kind=kind, data={"rep_id": rep})


async def test_a_week_in_which_all_went_well_has_no_findings(house: House, settings: Settings) -> None:
    rep = await house.rep(territories=["US"])
    lead = await house.lead()
    await owned(house, lead, rep, kind="assigned")
    await house.put("assignment", lead_id=lead, inquiry_number=1, rep_id=rep, reason="best", gave_up=["off_shift"],
                    weights={}, candidates=[], at=house.clock.now)  # fmt: skip
    assert await found(house, settings) == []


async def test_unmatched_leads_say_what_was_lacking(house: House, settings: Settings) -> None:
    rep = await house.rep()
    far, nobody, check = (
        await house.lead(),
        await house.lead(email="b@x.example"),
        await house.lead(email="c@x.example", source="flow_check"),
    )
    for lead, owner, gave_up in ((far, rep, ["off_shift", "other_territory"]), (nobody, None, []), (check, None, [])):
        await house.put("assignment", lead_id=lead, inquiry_number=1, rep_id=owner, reason="best", gave_up=gave_up,
                        weights={}, candidates=[], at=house.clock.now)  # fmt: skip
    told = {f.lead_id: f.detail for f in await found(house, settings) if f.kind == "unmatched"}
    assert set(told) == {far, nobody}
    assert told[nobody] == "nobody fits"
    assert "territory" in told[far]
    assert "shift" not in told[far]


async def test_skills_that_no_lead_asked_for(house: House, settings: Settings) -> None:
    await house.rep(territories=["US-NY", "DE", "US:100"], products=["crm", "erp"], languages=["de"])
    lead = await house.lead(region="US-NY", postcode="10001")
    await house.pool.execute(
        "update inquiry set fields = $1 where lead_id = $2", {"product": "crm", "lang": "de-AT"}, lead
    )
    assert {f.subject for f in await found(house, settings) if f.kind == "unused"} == {"territory DE", "product erp"}


async def test_rules_of_the_file_that_no_lead_met(house: House, settings: Settings, tmp_path: Path) -> None:
    made = await transact(house.pool, lambda conn: audit(conn, settings, house.clock))
    assert [f.subject for f in made if f.kind == "unused"] == ["routing file, low_quality rule 1"]
    await house.lead(lead_type="cold", intent="other")
    made = await transact(house.pool, lambda conn: audit(conn, settings, house.clock))
    assert [f.subject for f in made if f.kind == "unused"] == []


async def test_loops_and_hand_overs_by_hand_with_their_minutes(house: House, settings: Settings) -> None:
    reps = [await house.rep(name) for name in ("Anna", "Ben", "Cleo", "Dora")]
    fine, back, round_ = [await house.lead(email=f"{n}@x.example") for n in "abc"]
    for lead, *order in ((fine, *reps[:3]), (back, reps[0], reps[1], reps[0]), (round_, *reps)):
        await owned(house, lead, *order)
    await house.pool.execute(
        """insert into notice (id, lead_id, audience, kind, at, dedupe)
           select gen_random_uuid(), lead_id, 'rep', 'reassigned', at, 'x' from story where lead_id = $1 limit 1""",
        fine,
    )
    await house.pool.execute(
        "delete from story where lead_id = $1 and id <> (select min(id) from story where lead_id = $1)", fine
    )
    await house.put("outcome", id=fine, lead_id=fine, at=house.clock.now + MINUTES_20)
    told = await found(house, settings)
    assert {f.lead_id: f.detail for f in told if f.kind == "loop"} == {
        back: "handed over 2 times, and back to somebody who had it before",
        round_: "handed over 3 times",
    }
    assert [(f.lead_id, f.detail, f.minutes) for f in told if f.kind == "by_hand"] == [(fine, "to Anna", 20.0)]


async def test_texts_past_their_review(house: House, settings: Settings) -> None:
    house.clock.now += timedelta(days=3650)
    told = [f for f in await found(house, settings) if f.kind == "review"]
    assert any("script" in (f.subject or "") for f in told)
    assert any("email/" in (f.subject or "") for f in told)
    assert all("kept by" in f.detail for f in told)
    assert judged.overdue("x", "Ada", date(2026, 1, 2), date(2026, 1, 2)) is None


async def test_operations_hear_of_findings(house: House, settings: Settings) -> None:
    await found(house, settings)
    rows: list[Any] = await house.pool.fetch("select kind, reason from notice")
    assert [tuple(row) for row in rows] == [("audit_done", "1 finding")]


async def test_a_newer_audit_without_findings_takes_back_the_notice_of_the_older(
    house: House, settings: Settings
) -> None:
    await found(house, settings)
    await transact(house.pool, lambda conn: write(conn, house.clock.now, 7, [], house.clock.wall()))
    assert await house.pool.fetchval("select count(*) from notice where seen_wall is null") == 0
