"""The preview and real leads on a virtual clock agree: on every touch, on the promise, on the end.

A real touch goes out some tenths of a second after its instant. How late each was is measured in the run itself,
against the instant that the run had planned, and given to the preview as its pace; so a preview that plans another
instant is found, and a busy machine is not. Nothing is earlier than foreseen by a second. Later it may be by what the
machine took over a touch that was skipped, which nothing measures: seconds, where rules differ by minutes.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from speedlead.closures import HolidayClosures
from speedlead.demo.stories import quiet_tuesday
from speedlead.demo.world import World, open_world
from speedlead.foresight import Foreseen, Foresight, Pace, Prospect, Week
from speedlead.planbook import load_plan
from speedlead.records import team_of
from speedlead.store.leads import LeadStore
from tests.servers import TestDatabases, local_settings
from tests.workflows.leads import ADA, ended
from workers.lifecycle import build_calendar

pytestmark = pytest.mark.timeout(180)
SECOND = timedelta(seconds=1)
# later than this after its instant, and the run says nothing about the plan
TOO_LATE = timedelta(seconds=20)

# name -> (days after a Tuesday, UTC time of day, what the form says)
LEADS: dict[str, tuple[int, str, dict[str, str]]] = {
    "hot, Brazil, at night": (
        3,
        "02:10",
        ADA | {"phone": "+5511987654321", "country": "BR", "tz": "America/Sao_Paulo"},
    ),
    "warm, United States, on a Saturday": (4, "17:00", ADA | {"intent": "webinar", "phone": "+12125550131"}),
    "cold, Germany": (
        1,
        "22:30",
        ADA | {"intent": "newsletter", "phone": "+493012345678", "country": "DE", "tz": "Europe/Berlin"},
    ),
    "hot, Florida: three calls in 24 hours": (0, "15:00", ADA | {"phone": "+13055550123", "postcode": "33101"}),
    "hot, Oklahoma: three calls in 24 hours": (
        1,
        "20:30",
        ADA | {"phone": "+14055550123", "postcode": "73101", "tz": "America/Chicago"},
    ),
    "hot, Maryland: texts count as well": (0, "16:00", ADA | {"phone": "+14105550123", "postcode": "21201"}),
    "warm, France: four calls in 30 days": (
        0,
        "19:00",
        ADA | {"intent": "content_download", "phone": "+33142685300", "country": "FR", "tz": "Europe/Paris"},
    ),
    "hot, no e-mail, at night": (2, "04:00", ADA | {"email": "", "phone": "+12125550132"}),
    "hot, no phone": (0, "15:30", ADA | {"phone": ""}),
    "warm, no consent to texts": (
        0,
        "14:00",
        ADA | {"intent": "webinar", "consent_sms": "false", "phone": "+12125550133"},
    ),
    "cold, a number of nowhere": (
        1,
        "14:00",
        ADA | {"intent": "newsletter", "phone": "+881612345678", "country": "", "tz": ""},
    ),
    "hot, neither called nor mailed, at night": (
        2,
        "05:30",
        ADA | {"email": "", "phone": "+881612345679", "country": "", "tz": "", "consent_sms": "false"},
    ),
    "hot, nobody knows where": (
        0,
        "14:00",
        {"name": "Ada", "email": "ada@example.com", "intent": "pricing", "message": "How much?"},
    ),
}


@dataclass(frozen=True)
class Run:
    """One real lead after its end, and what the preview says of it."""

    lead: dict[str, Any]
    touches: dict[str, dict[str, Any]]
    put_off: dict[str, dict[str, Any]]
    pace: dict[str, Pace]
    told: list[str]
    week: Week

    def foreseen(self) -> dict[str, Foreseen]:
        return {touch.step: touch for touch in self.week.touches}


@pytest_asyncio.fixture(scope="module")
async def runs(
    temporal_env: WorkflowEnvironment, test_databases: TestDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Run]]:
    settings = local_settings(
        tmp_path_factory.mktemp("preview"), callbacks="before", virtual_clock=True, company_phone="+14155550100"
    )
    async with (
        test_databases.fresh() as database_url,
        open_world(settings, database_url, temporal_env.client) as world,
    ):
        yield {name: await _run(world, *lead) for name, lead in LEADS.items()}


async def _run(world: World, day: int, time: str, fields: dict[str, str]) -> Run:
    # each lead is a person of its own, as each has its own number: a known person's lead is not new
    unique = {"email": f"{abs(hash((day, time, str(fields))))}@example.com"} if fields.get("email") else {}
    hour, minute = map(int, time.split(":"))
    tuesday = quiet_tuesday(datetime.now(UTC), HolidayClosures())
    at = datetime(tuesday.year, tuesday.month, tuesday.day, hour, minute, tzinfo=UTC) + timedelta(days=day)
    lead_id = await world.submit(at, **{name: text for name, text in (fields | unique).items() if text})
    await ended(world, lead_id)
    rows = await world.pool.fetch("select * from touch where lead_id = $1", lead_id)
    stories = await world.pool.fetch(
        "select step, data from story where lead_id = $1 and kind = 'deferred' order by id", lead_id
    )
    told = await world.pool.fetch("select kind from notice where lead_id = $1", lead_id)
    touches = {row["step"]: dict(row) for row in rows}
    put_off = {row["step"]: dict(row["data"]) for row in stories}
    lead = dict(await world.pool.fetchrow("select * from lead where id = $1", lead_id))
    pace = {step: _pace(row, put_off.get(step), lead) for step, row in touches.items() if row["state"] == "sent"}
    return Run(lead, touches, put_off, pace, [row["kind"] for row in told], await _preview(world, lead_id, pace))


def _pace(touch: dict[str, Any], put_off: dict[str, Any] | None, lead: dict[str, Any]) -> Pace:
    due = lead["created_at"] if touch["step"].startswith("ack-") else touch["planned_at"]
    if put_off is not None:
        due = max(due, datetime.fromisoformat(put_off["next_at"]))
    rings = touch["sent_at"] - touch["claimed_at"] if touch["channel"] == "call" else timedelta(0)
    return Pace(touch["claimed_at"] - due, rings)


async def _preview(world: World, lead_id: str, pace: dict[str, Pace]) -> Week:
    calendar = build_calendar(world.settings)
    store = LeadStore(world.pool, calendar.business)
    lead = await store.read(lead_id)
    foresight = Foresight(
        plan=load_plan(), placer=calendar.placer, places=calendar.places, team=team_of(await store.reps()),
        pace=lambda step: pace.get(step, Pace()),
    )  # fmt: skip
    lead_type: Any = lead.lead_type
    return foresight.week(
        Prospect(
            lead_type=lead_type,
            intent=lead.intent,
            source=lead.source,
            submitted_at=lead.submitted_at,
            evidence=lead.evidence,
            consents=lead.consents,
            has_email=lead.email is not None,
            has_phone=lead.phone is not None,
            segment=lead.segment,
            channel=lead.channel,
        )
    )


def happened(touch: dict[str, Any]) -> datetime:
    """The instant that following steps count from: the ring of the lead's phone, the request to the provider."""
    at: datetime = touch["planned_at"] if touch["state"] == "skipped" else touch["claimed_at"]
    return touch["sent_at"] or at if touch["channel"] == "call" else at


@pytest.mark.parametrize("name", LEADS)
def test_every_touch_of_a_real_lead_was_foreseen(runs: dict[str, Run], name: str) -> None:
    run = runs[name]
    assert {pace.out for pace in run.pace.values() if not timedelta(0) <= pace.out < TOO_LATE} == set()
    foreseen = run.foreseen()
    assert {step: touch["state"] for step, touch in run.touches.items()} == {
        step: "skipped" if touch.state == "task" else touch.state for step, touch in foreseen.items()
    }
    for step, touch in run.touches.items():
        assert -SECOND < happened(touch) - foreseen[step].at < TOO_LATE, step
        assert foreseen[step].reason == (touch["reason"] if touch["state"] == "skipped" else None), step
    tasks = [touch.step for touch in run.week.touches if touch.state == "task"]
    assert run.told.count("write_personally") == len(tasks)


@pytest.mark.parametrize("name", LEADS)
def test_the_preview_gives_the_promise_of_the_acknowledgement(runs: dict[str, Run], name: str) -> None:
    run = runs[name]
    assert run.week.opening.open_at == run.lead["open_at"]
    assert run.week.promise.text == run.lead["promise_text"]
    assert run.week.promise.at == run.lead["promised_at"]


@pytest.mark.parametrize("name", LEADS)
def test_the_preview_knows_how_the_lead_ends(runs: dict[str, Run], name: str) -> None:
    run = runs[name]
    assert run.week.end_reason == run.lead["close_reason"]
    assert abs(run.lead["closed_at"] - run.week.ended_at) < TOO_LATE


@pytest.mark.parametrize("name", LEADS)
def test_a_moved_touch_names_the_rules_that_the_lead_was_told_of(runs: dict[str, Run], name: str) -> None:
    run = runs[name]
    for step, data in run.put_off.items():
        assert set(data["reasons"]) <= set(run.foreseen()[step].reasons), step


def test_the_leads_above_meet_every_kind_of_rule(runs: dict[str, Run]) -> None:
    """Else they could agree because nothing ever happens to them."""
    moved = {reason for run in runs.values() for touch in run.week.touches for reason in touch.reasons}
    caps = {f"frequency_cap:{rule}" for rule in ("us-fl", "us-ok", "us-md", "fr")}
    assert {*caps, "weekend"} <= moved
    assert {touch.reason for run in runs.values() for touch in run.week.touches} >= {
        "no_phone", "no_email", "no_consent"}  # fmt: skip
    assert {touch.state for run in runs.values() for touch in run.week.touches} == {"sent", "skipped", "task"}
