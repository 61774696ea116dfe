"""The page of figures over HTTP: who sees what, what the filter keeps, files, and pages that nobody has to reload."""

import asyncio
import csv
import io
import re
from datetime import timedelta

import pytest

from speedlead.demo.season.fill import fill
from speedlead.gateway.numbers import page as numbers_page
from tests.gateway.house import House
from tests.gateway.test_access import ask

LEADS = 300


@pytest.fixture
async def season(house: House, database_url: str) -> House:
    await fill(database_url, LEADS, until=house.clock.now, days=30)
    return house


async def table(house: House, name: str, headers: dict[str, str], query: str = "period=30d") -> list[dict[str, str]]:
    status, text = await ask(house, "GET", f"/ops/csv/{name}?{query}", headers)
    assert status == 200, text
    return list(csv.DictReader(io.StringIO(text)))


async def test_every_table_of_the_page_is_a_file(season: House) -> None:
    status, page = await ask(season, "GET", "/ops?period=30d&live=off", season.staff)
    assert status == 200
    assert "could not be worked out" not in page
    assert page.count('class="figure"') <= 8
    assert page.count("answers for it") == page.count('class="figure"') > 0
    names = re.findall(r'href="/ops/csv/(\w+)\?', page)
    assert names == [panel.name for panel in numbers_page.PANELS]
    for name in names:
        # of no change in 30 days anybody knows what customers brought in 90
        assert bool(await table(season, name, season.staff)) is (name != "change_values"), name


async def test_the_filter_narrows_every_figure_and_stays_in_the_links(season: House) -> None:
    everything = await table(season, "sources", season.staff)
    assert sum(int(row["Leads"]) for row in everything) == LEADS
    [paid] = await table(season, "sources", season.staff, "period=30d&source=paid_ads")
    assert paid["Leads"] == next(row["Leads"] for row in everything if row["Source"] == "paid ads")
    _, page = await ask(season, "GET", "/ops?period=30d&source=paid_ads&type=hot", season.staff)
    assert 'data-from="/ops/figures?period=30d&amp;type=hot&amp;source=paid_ads"' in page
    assert '<option value="paid_ads" selected>' in page


async def test_a_country_without_regions_can_be_chosen_and_stays_chosen(season: House) -> None:
    _, page = await ask(season, "GET", "/ops?period=30d&live=off&country=DE", season.staff)
    offered = re.search(r'<select name="country">(.*?)</select>', page)
    assert offered is not None
    assert 'value="DE" selected' in offered[1]
    assert 'value="GB"' in offered[1]
    assert [row["Region"] for row in await table(season, "regions", season.staff, "period=30d&country=DE")] == ["DE"]


async def test_a_rep_sees_the_own_figures_whatever_the_address_says(season: House) -> None:
    reps = await season.pool.fetch(
        "select owner_id, count(*) from lead where owner_id is not null group by 1 order by 1"
    )
    mine, other = reps[0], reps[1]
    headers = await season.sign_in("rep", mine["owner_id"])
    for query in ("period=365d", f"period=365d&rep={other['owner_id']}", "period=365d&team=everybody"):
        rows = await table(season, "reps", headers, query)
        assert len(rows) == 1
        assert int(rows[0]["Leads"]) < LEADS
    own = await table(season, "reps", headers, "period=365d")
    staff = await table(season, "reps", season.staff, f"period=365d&rep={mine['owner_id']}")
    assert own == staff
    assert (await ask(season, "GET", "/ops/csv/due", headers))[0] == 404, "that is the whole house's"
    _, page = await ask(season, "GET", "/ops", headers)
    assert "My numbers" in page
    assert str(mine["owner_id"]) not in page, "a link that others may open names nobody"


@pytest.mark.parametrize("role", ["marketing", "support"])
async def test_who_does_not_meet_all_leads_meets_no_names_of_reps(season: House, role: str) -> None:
    headers = await season.sign_in(role)
    name = await season.pool.fetchval("select name from rep order by name limit 1")
    status, page = await ask(season, "GET", "/ops?period=30d&live=off", headers)
    assert (status, name in page, "Sources" in page) == (200, False, True)
    for table_name in ("reps", "capacity"):
        assert (await ask(season, "GET", f"/ops/csv/{table_name}", headers))[0] == 404
    assert (await ask(season, "GET", "/ops?period=30d&live=off", await season.sign_in("analyst")))[1].count(name) > 0


async def test_a_house_without_leads_says_so_in_words(house: House) -> None:
    status, page = await ask(house, "GET", "/ops?live=off", house.staff)
    assert status == 200
    for words in ("No lead came in this period", "No first attempt was due", "No target was missed", "no lead yet",
                  "Nothing is overdue, and nothing is due"):  # fmt: skip
        assert words in page, words


@pytest.mark.parametrize(
    "query",
    ["period=soon", "type=lukewarm", "rep=me", "team=nobody-has", "from=2026-13-01", "period=7d&from=2026-11-01"],
)
async def test_a_filter_that_means_nothing_is_named(house: House, query: str) -> None:
    status, page = await ask(house, "GET", f"/ops?{query}", house.staff)
    assert status == 422
    assert re.search(rf'role="alert" id="problem">{query.partition("=")[0]}: expected', page)
    assert (await ask(house, "GET", f"/ops/csv/sources?{query}", house.staff))[0] == 404
    assert (await ask(house, "GET", f"/ops/figures?{query}", house.staff))[0] == 404


async def test_links_to_the_table_of_leads_that_stood_here_still_lead_to_it(house: House) -> None:
    headers = house.staff
    async with house.http.get("/ops?state=all&type=hot", headers=headers, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/ops/leads?state=all&type=hot")


async def test_an_open_page_hears_of_a_lead_and_its_figures_have_it(house: House) -> None:
    async with house.http.get("/ops/events", headers=house.staff) as stream, asyncio.timeout(60):
        assert b"hello" in await stream.content.readuntil(b"\n\n")
        assert await table(house, "sources", house.staff) == []
        await house.lead()
        assert b"changed" in await stream.content.readuntil(b"\n\n")
        # an answer is kept for as long as it was dear, by this house's clock
        while not (rows := await table(house, "sources", house.staff)):
            house.clock.now += timedelta(seconds=1)
        assert [row["Leads"] for row in rows] == ["1"]


async def test_a_view_that_fails_leaves_the_others_on_the_page(house: House) -> None:
    await house.pool.execute("alter view metric_due rename to metric_due_gone")
    status, page = await ask(house, "GET", "/ops?live=off", house.staff)
    assert status == 200
    assert page.count("could not be worked out just now") == 1
    assert (await ask(house, "GET", "/ops/csv/due", house.staff))[0] == 404
    assert (await ask(house, "GET", "/ops/csv/sources", house.staff))[0] == 200
