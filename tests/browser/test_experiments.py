"""The pages /experiments in a browser: from a draft with a fault to a result, a roll-out, and the plan in use."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from speedlead.planbook import load_plan
from speedlead.store.plans import fingerprint
from tests.browser.conftest import Site
from tests.browser.looking import looks_right
from tests.store.hand_made import NOW

pytestmark = pytest.mark.browser
BASE = load_plan()
RIGHT = """\
id: short-mail
title: A shorter first mail to hot leads
segment: {lead_type: hot}
arms:
  - {key: control, share: 50}
  - {key: short, share: 50, changes: {hot.email-1.template: useful}}
question:
  metric: converted
  within: 30d
  usual: 10%
  effect: 10%
  guardrails: {opt_out: 5%, breach: 5%, complaint: 2%}
"""
# $1: variant, $2: persons, $3: of them converted, $4: of them opted out, $5: when they came
PERSONS = """
with made as (select gen_random_uuid() as person, gen_random_uuid() as lead, n from generate_series(1, $2::int) n),
persons as (insert into person (id, created_at) select person, $5 from made),
leads as (insert into lead (id, person_id, form_key, lead_type, intent, source, plan_id, plan_version, created_at,
        created_wall, closed_at, variants)
    select lead, person, 'demo', 'hot', 'pricing', 'website', $6, $7, $5, $5, $5, array[$1::text] from made),
outs as (insert into suppression (person_id, channel, reason, source, at)
    select person, 'email', 'opted_out', 'unsubscribe_link', $5 from made where n <= $4::int)
insert into outcome (id, lead_id, outcome, at) select gen_random_uuid(), lead, 'converted', $5 from made
where n <= $3::int"""


@pytest.fixture
def stocked(site: Site) -> Site:
    """Nothing was tried yet, and the plan in use can be read."""
    site.run("delete from experiment_arm")
    site.run("delete from experiment")
    site.run("""update rep set weekly = '{"0": [[540, 1020]], "1": [[540, 1020]], "2": [[540, 1020]],
        "3": [[540, 1020]], "4": [[540, 1020]]}'""")
    site.run("update plan set body = $1, sha256 = $2, used_wall = clock_timestamp() - interval '1 hour'",
             BASE.model_dump(mode="json", by_alias=True), fingerprint(BASE))  # fmt: skip
    return site


def put_persons(site: Site, key: str, persons: int, won: int, out: int = 0) -> None:
    at = NOW.replace(month=NOW.month - 2)
    site.run(PERSONS, f"short-mail:{key}", persons, won, out, at, BASE.id, BASE.version)


def begin(page: Page) -> None:
    page.goto("/experiments")
    page.get_by_label("Definition").fill(RIGHT)
    page.get_by_role("button", name="Keep as a draft").click()
    page.get_by_label("Why").fill("Mails are long")
    page.get_by_role("button", name="Start it").click()
    expect(page.get_by_role("status")).to_contain_text("Started")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_question_is_asked_answered_and_its_winner_rolled_out(
    page: Page, stocked: Site, scheme: Any, tmp_path: Path
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto("/experiments")
    expect(page.get_by_text("Nothing was tried yet.")).to_be_visible()
    page.get_by_label("Definition").fill(RIGHT.replace("usual: 10%", "usual: often"))
    page.get_by_role("button", name="Keep as a draft").click()
    expect(page.get_by_role("alert")).to_contain_text("definition:10: question.usual: expected a share such as 2.5%")
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 that is meant
    page.get_by_label("Definition").fill(RIGHT)
    page.get_by_role("button", name="Keep as a draft").click()
    expect(page.get_by_text("in all arms together")).to_be_visible()
    looks_right(page, tmp_path, f"draft-{scheme}")
    page.get_by_label("Why").fill("Mails are long")
    page.get_by_role("button", name="Start it").click()
    expect(page.get_by_role("heading", name="Nothing can be said yet.")).to_be_visible()

    put_persons(stocked, "control", 200, 20)
    put_persons(stocked, "short", 195, 55)
    page.reload()
    expect(page.get_by_role("heading", name="short is better than control.")).to_be_visible()
    looks_right(page, tmp_path, f"result-{scheme}")
    page.get_by_label("Why").first.fill("It won")
    page.get_by_role("button", name="End it and roll out").click()
    expect(page.get_by_role("heading", name="Roll-out of short")).to_be_visible()
    for share in ("50", "100"):
        expect(page.get_by_label("Share, in percent")).to_have_value(share)
        page.get_by_label("Why").first.fill("No trouble")
        page.get_by_role("button", name="Change the share").click()
        expect(page.get_by_role("status")).to_have_text("The share is changed.")
    looks_right(page, tmp_path, f"roll-out-{scheme}")
    page.goto("/experiments")
    looks_right(page, tmp_path, f"experiments-{scheme}")
    expect(page.get_by_role("region", name="Experiments and roll-outs").get_by_role("row")).to_have_count(3)


def test_harm_outranks_a_better_figure_and_a_wrong_split_both(page: Page, stocked: Site, tmp_path: Path) -> None:
    begin(page)
    put_persons(stocked, "control", 200, 20)
    put_persons(stocked, "short", 195, 55, out=40)
    page.reload()
    expect(page.get_by_role("heading", name="Stop it: a guardrail is broken.")).to_be_visible()
    expect(page.get_by_text("short: opt-outs are up")).to_be_visible()
    looks_right(page, tmp_path, "harm")
    put_persons(stocked, "control", 200, 20)
    page.reload()
    expect(page.get_by_role("heading", name="Do not use these figures")).to_be_visible()
    page.get_by_label("Why").last.fill("Leads are missing")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("who takes part keeps what they have")).to_be_visible()
    rows = stocked.run("select action, note from audit where action like 'experiment %' order by id")
    assert [row["action"] for row in rows][-3:] == ["experiment save", "experiment start", "experiment stop"]
    assert rows[-1]["note"] == "Leads are missing"


def test_who_may_only_read_finds_no_button(page: Page, stocked: Site, context: Any) -> None:
    begin(page)
    stocked.sign_in(context, role="analyst")
    page.goto("/experiments/short-mail")
    expect(page.get_by_role("heading", name="Nothing can be said yet.")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    refused = page.request.post("/experiments/short-mail/stop", form={"note": "x"}, headers={"Origin": stocked.url})
    assert refused.status == 403
    stocked.sign_in(context, role="rep")
    assert page.request.get("/experiments").status == 403
