"""The panels about what leads bring and what changed, and the scenarios of others, over HTTP."""

import csv
import io
from datetime import timedelta

import pytest

from speedlead.demo.season.fill import fill
from speedlead.demo.season.house import furnish
from tests.gateway.house import House
from tests.gateway.test_access import ask

DAYS, LEADS = 60, 600


@pytest.fixture
async def season(house: House, database_url: str) -> House:
    await fill(database_url, LEADS, until=house.clock.now, days=DAYS)
    await furnish(database_url, until=house.clock.now, days=DAYS)
    return house


async def rows(house: House, path: str, headers: dict[str, str]) -> list[dict[str, str]]:
    status, text = await ask(house, "GET", path, headers)
    assert status == 200, text
    return list(csv.DictReader(io.StringIO(text)))


async def test_a_season_has_books_and_changes_and_every_table_is_a_file(season: House) -> None:
    staff = season.staff
    worth = await rows(season, f"/ops/csv/worth?period={DAYS}d", staff)
    whole = [row for row in worth if row["By"] == "all leads"]
    assert {row["Currency"] for row in whole} == {"EUR", "GBP", "USD"}
    assert all(float(row["Deal value"]) > float(row["Lifetime value until now"]) * 0.8 for row in whole)
    assert {row["By"] for row in worth} == {"all leads", "type", "segment", "source", "channel", "region"}
    assert sum(int(row["Leads"]) for row in await rows(season, f"/ops/csv/risk?period={DAYS}d", staff)) <= LEADS
    scenarios = await rows(season, f"/ops/csv/scenarios?period={DAYS}d", staff)
    assert sum(int(row["Leads"]) for row in scenarios) == 2 * LEADS, "once by type, once by segment"
    changes = await rows(season, f"/ops/csv/changes?period={DAYS}d", staff)
    assert [row["What"].split(" ")[0] for row in changes[::9]] == [
        "People:", "Experiment", "Plan", "Texts", "Routing", "People:"]  # fmt: skip
    assert "can be said from" in changes[-4]["What it says"], "of the newest change nobody knows yet who buys"
    assert {row["By"] for row in await rows(season, "/ops/csv/worth?period=1h", staff)} <= {row["By"] for row in worth}


async def test_the_figures_stand_beside_those_of_last_year(season: House) -> None:
    _, page = await ask(season, "GET", f"/ops?period={DAYS}d&live=off", season.staff)
    assert "in the same weeks of last year" not in page, "there was none"
    await season.pool.execute(
        "update lead set created_at = created_at - interval '52 weeks' where created_at < $1",
        season.clock.now - timedelta(days=DAYS / 2),
    )
    _, page = await ask(season, "GET", f"/ops?period={DAYS / 2:.0f}d&live=off&source=organic", season.staff)
    assert "in the same weeks of last year" not in page, "those were other weeks"
    _, page = await ask(season, "GET", f"/ops?period={DAYS}d&live=off&source=paid_ads", season.staff)
    assert page.count("in the same weeks of last year") >= 6


async def test_what_really_moved_is_flagged_and_what_only_needs_time_is_not(season: House) -> None:
    """Promises broken from half of the season on; sales come later than their leads all the time."""
    path = f"/ops/csv/agreed?period={DAYS / 2:.0f}d"
    flags = "More than chance explains"
    before = {row["Figure"]: row[flags] for row in await rows(season, path, season.staff)}
    assert (before["Can be reached"], before["Spoken to"], before["Became customers"]) == ("", "", "")
    await season.pool.execute(
        "update lead set first_attempt_due = created_at, promised_at = created_at where created_at >= $1",
        (half := season.clock.now - timedelta(days=DAYS / 2)),
    )
    await season.pool.execute(
        "delete from outcome o using lead l where l.id = o.lead_id and l.created_at >= $1 and o.outcome = 'converted'",
        half,
    )
    after = {row["Figure"]: row for row in await rows(season, f"{path}&channel=form", season.staff)}
    assert after["Promises kept"][flags].endswith("before")
    assert (after["Became customers"][flags].endswith("before, with more time"), after["Spoken to"][flags]) == (
        True,
        "",
    )
    assert after["First attempt at hot leads"][flags] == ""
    await season.pool.execute(
        "update lead set first_attempt_at = first_attempt_at + interval '30 minutes' where created_at >= $1", half
    )
    slower = {row["Figure"]: row for row in await rows(season, f"{path}&type=hot", season.staff)}
    assert slower["First attempt at hot leads"][flags].endswith("before")
    assert after["Became customers"]["Before, and last year"].endswith("before, with more time")


@pytest.mark.parametrize(
    ("role", "status"), [("rep", 404), ("support", 404), ("marketing", 200), ("analyst", 200), ("manager", 200)]
)
async def test_money_is_for_those_who_steer_by_it(house: House, role: str, status: int) -> None:
    headers = await house.sign_in(role)
    assert (await ask(house, "GET", "/ops/csv/worth", headers))[0] == status
    assert (await ask(house, "GET", "/ops/csv/risk", headers))[0] == 200
    _, page = await ask(house, "GET", "/ops?live=off", headers)
    assert ("What leads bring" in page, 'href="/scenarios"' in page) == (status == 200, status == 200)
    for path in ("/scenarios", "/scenarios/csv/147"):
        assert (await ask(house, "GET", path, headers))[0] == (403 if status == 404 else 200)


async def test_the_cases_of_others_stand_beside_this_house(season: House) -> None:
    _, page = await ask(season, "GET", "/scenarios", season.staff)
    assert page.count("illustrative</td>") == 35
    assert f"your {LEADS} leads" in page
    channels = await rows(season, "/scenarios/csv/148", season.staff)
    assert [row["channel and scenario"] for row in channels[:2]] == ["your house", "your form"]
    assert [row["source"].startswith("your") for row in channels].count(True) == 6
    assert float(channels[0]["response, min"]) > 0
    [own] = [row for row in await rows(season, "/scenarios/csv/147", season.staff) if "your" in row["source"]]
    assert own["SLA"].startswith("own targets: ")
    assert (await ask(season, "GET", "/scenarios/csv/1", season.staff))[0] == 404


async def test_a_house_without_leads_or_with_one_says_so(house: House) -> None:
    _, page = await ask(house, "GET", "/scenarios", house.staff)
    assert page.count("no lead came in these days") == 4
    _, page = await ask(house, "GET", "/ops?live=off", house.staff)
    for words in ("Nothing of ours changed in this period", "No lead came in this period"):
        assert words in page
    await house.lead()
    house.clock.now += timedelta(minutes=1)
    page = (await ask(house, "GET", "/ops?live=off&period=2d", house.staff))[1]
    assert "could not be worked out" not in page
    assert "Nobody of this period has become a customer yet" in page
