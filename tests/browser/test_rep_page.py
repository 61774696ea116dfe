"""The page that reps work on: order, keys, what is told as it happens, a lost connection; with and without scripts."""

import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from speedlead.cadence_errors import LeadRefused
from tests.browser.conftest import Site
from tests.browser.test_pages import RULES, sign_in
from tests.store.hand_made import AVA, BEN, DEEPA, NOBODY, NOW, REPLIED, SAM, SCRIPT, coming

pytestmark = pytest.mark.browser


def story(site: Site, lead_id: str, kind: str = "corrected") -> None:
    """What is written about a lead is what open pages hear of."""
    site.run("insert into story (lead_id, at, kind) values ($1, $2, $3)", lead_id, NOW, kind)


def chosen(page: Page) -> Any:
    return page.locator("#lead h2").first


def open_page(page: Page, site: Site, lead_id: str = "") -> None:
    """Sam's page, once it hears what happens."""
    sign_in(page, site)
    with page.expect_response("**/rep/queue*"):  # asked for as soon as the stream is open
        page.goto(f"/rep?lead={lead_id}" if lead_id else "/rep")


def test_a_rep_says_who_they_are_and_sees_what_is_owed_first_on_top(page: Page, site: Site) -> None:
    page.goto("/rep")
    page.get_by_role("button", name="Sam Reyes").click()
    mine = page.get_by_role("region", name="Open leads").get_by_role("listitem")
    # an acceptance, an answer, a call, the rest
    expect(mine.get_by_role("heading")).to_contain_text(["Ava Müller", "Ray Okafor", "<script>", "Ben Carter"])
    expect(mine.locator(".badge")).to_have_text(["Accept", "Answer", "Call", "Planned"])
    expect(mine.nth(2).locator(".due")).to_have_text(re.compile(r"late by \d+:\d\d"))
    expect(page.get_by_role("link", name="Call +12125550142")).to_have_attribute("href", "tel:+12125550142")
    expect(chosen(page)).to_contain_text("Ava Müller")
    page.get_by_role("button", name="Not Sam Reyes?").click()
    expect(page.get_by_role("heading", name="For whom do you work?")).to_be_visible()


def test_deadlines_count_down_by_the_servers_clock(page: Page, site: Site) -> None:
    open_page(page, site)
    due = page.locator(f"#lead-{AVA} .due")
    expect(due).to_have_text(re.compile(r"due in 1:5\d"))
    before = due.text_content()
    page.wait_for_timeout(2_100)
    assert due.text_content() != before
    expect(page.locator(f"#lead-{REPLIED} [data-clock]")).to_have_text("09:00")  # in Chicago


def test_a_rep_accepts_what_is_offered_and_takes_what_is_nobodys(page: Page, site: Site) -> None:
    open_page(page, site)
    page.get_by_role("button", name="Accept Ava Müller").click()
    expect(page.locator("#said")).to_have_text("You have accepted the lead.")
    page.get_by_role("button", name="Take Noor Haddad").click()
    expect(page.locator("#said")).to_have_text("You have accepted the lead.")
    page.get_by_role("button", name="Decline Ava Müller").click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Decline Ava Müller").click()
    page.locator("#ask-yes").click()
    expect(page.locator("#said")).to_contain_text("You have declined")
    asked = [(AVA, "accept", {"rep_id": SAM}), (NOBODY, "accept", {"rep_id": SAM}), (AVA, "decline", {"rep_id": SAM})]
    assert site.recorder.asked == asked


def test_keys_move_accept_decline_and_call_but_never_while_somebody_types(page: Page, site: Site) -> None:
    open_page(page, site)
    page.keyboard.press("a")
    expect(page.locator("#said")).to_have_text("You have accepted the lead.")
    page.keyboard.press("j")
    expect(chosen(page)).to_contain_text("Ray Okafor")
    page.keyboard.press("ArrowDown")
    expect(chosen(page)).to_contain_text("<script>")
    with page.expect_response("**/call_now"):
        page.keyboard.press("c")
    page.keyboard.press("k")
    expect(chosen(page)).to_contain_text("Ray Okafor")
    assert [(lead, name) for lead, name, _ in site.recorder.asked] == [(AVA, "accept"), (SCRIPT, "call_now")]
    # until the next lead is there the panel is inert, and nobody can type into it
    expect(page.locator("#lead:not([inert])")).to_contain_text("Ray Okafor")
    page.get_by_label("Note").click()
    expect(page.get_by_label("Note")).to_be_focused()
    page.keyboard.type("jack 1m dc")
    expect(page.get_by_label("Note")).to_have_value("jack 1m dc")
    expect(chosen(page)).to_contain_text("Ray Okafor")
    assert len(site.recorder.asked) == 2
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.get_by_label("Keys are on").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("k")
    expect(chosen(page)).to_contain_text("Ray Okafor")
    page.reload()
    page.keyboard.press("j")
    page.wait_for_timeout(300)
    expect(chosen(page)).to_contain_text("Ray Okafor")


def test_two_keys_log_a_call_and_what_was_decided(page: Page, site: Site) -> None:
    open_page(page, site, REPLIED)
    page.keyboard.press("6")
    expect(page.locator("#armed")).to_contain_text("spoke to the lead, and then?")
    with page.expect_response(f"**/rep/leads/{REPLIED}"):  # the next form
        page.keyboard.press("q")
    expect(page.locator("#said")).to_have_text("Logged.")
    page.wait_for_timeout(200)
    (row,) = site.run("select * from outcome where lead_id = $1", REPLIED)
    assert (row["call_result"], row["outcome"], row["rep_id"]) == ("connected", "qualified", SAM)
    # a digit and Enter is a result alone; Escape and a letter that means nothing forget the digit
    page.keyboard.press("2")
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    page.keyboard.press("z")
    page.keyboard.press("1")
    with page.expect_response("**/outcome"):
        page.keyboard.press("Enter")
    expect(page.locator("#armed")).to_be_empty()
    found = site.run("select call_result, outcome from outcome where lead_id = $1 order by outcome nulls last", REPLIED)
    assert [tuple(row) for row in found] == [("connected", "qualified"), ("no_answer", None)]


def test_a_digit_chooses_in_the_form_and_the_button_logs_it(page: Page, site: Site) -> None:
    open_page(page, site, REPLIED)
    page.keyboard.press("2")
    page.keyboard.press("Escape")
    expect(page.get_by_role("radio", name="no call, or not ended")).to_be_checked()
    page.keyboard.press("6")
    expect(page.get_by_role("radio", name="spoke to the lead")).to_be_checked()
    with page.expect_response("**/outcome"):
        page.get_by_role("button", name="Log it").click()
    expect(page.locator("#said")).to_have_text("Logged.")
    (row,) = site.run("select * from outcome where lead_id = $1", REPLIED)
    assert (row["call_result"], row["outcome"]) == ("connected", None)


def test_nothing_is_logged_for_a_lead_that_was_just_left(page: Page, site: Site) -> None:
    """The next lead's panel is slow: keys that come before it are for nobody, and a late answer for none."""
    open_page(page, site, AVA)
    slow: list[Any] = []
    page.route(f"**/rep/leads/{REPLIED}", lambda route: slow.append(route))
    page.keyboard.press("j")
    page.keyboard.press("6")
    page.keyboard.press("q")
    page.keyboard.press("j")
    page.wait_for_timeout(300)
    expect(chosen(page)).to_contain_text("Ava Müller")
    slow.pop().continue_()
    expect(chosen(page)).to_contain_text("<script>")
    page.wait_for_timeout(300)
    expect(chosen(page)).to_contain_text("<script>")
    assert site.run("select * from outcome") == []


def test_what_cannot_be_taken_back_asks_first(page: Page, site: Site) -> None:
    open_page(page, site, BEN)
    page.keyboard.press("6")
    page.keyboard.press("x")
    page.get_by_role("button", name="Cancel").click()
    assert site.run("select * from outcome") == []
    page.keyboard.press("6")
    page.keyboard.press("x")
    page.get_by_role("button", name="Never contact again").click()
    expect(page.locator("#said")).to_have_text("Logged.")
    assert [row["outcome"] for row in site.run("select outcome from outcome")] == ["do_not_contact"]


def test_the_callback_picker_asks_the_law(page: Page, site: Site) -> None:
    open_page(page, site, AVA)
    page.keyboard.press("b")
    at = page.get_by_label("Call back, or come back, at")
    expect(at).to_be_focused()
    at.fill("2026-11-24T03:30")
    at.blur()
    # the first question of a process builds tables of places
    expect(page.locator("#at-check")).to_contain_text("The law allows no call then", timeout=20_000)
    expect(at).to_have_attribute("aria-invalid", "true")
    assert Axe().run(page, options=RULES).violations_count == 0
    page.get_by_role("button", name="Log it").click()  # and the server refuses it as well
    expect(page.locator("#said")).to_contain_text("The law allows no call then")
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the 422 that is meant
    assert site.run("select * from outcome") == []
    page.get_by_role("button", name="Take the first lawful time").click()
    expect(page.locator("#at-check")).to_contain_text("A lawful time. For you it is Tue 24 Nov, 08:00, New York time.")
    page.get_by_role("button", name="Log it").click()
    expect(page.locator("#said")).to_have_text("Logged.")
    (row,) = site.run("select * from outcome where lead_id = $1", AVA)
    assert row["until_at"].isoformat() == "2026-11-24T13:00:00+00:00"


def test_what_a_rep_may_not_is_said_and_changes_nothing(page: Page, site: Site) -> None:
    open_page(page, site, AVA)
    site.recorder.problem = LeadRefused("Dana Kim has this lead.")
    page.keyboard.press("a")
    expect(page.locator("#said")).to_be_visible()
    expect(page.locator("#said p")).to_have_class(re.compile("late"))
    page.complaints.clear()  # type: ignore[attr-defined]


def test_a_notice_is_told_as_it_happens(page: Page, site: Site) -> None:
    page.context.grant_permissions(["notifications"])
    open_page(page, site, AVA)
    expect(page).to_have_title("(2) My leads · speedlead")
    page.get_by_role("button", name="Sound: off").click()
    expect(page.get_by_role("button", name="Sound: on")).to_have_attribute("aria-pressed", "true")
    rang = "Number(document.documentElement.dataset.rang || 0)"
    page.wait_for_function(f"{rang} === 1")
    page.evaluate("() => { window.shown = []; window.Notification = class { constructor(title, given) {"
                  " window.shown.push([title, given.body]); } static permission = 'granted';"
                  " static requestPermission() { return Promise.resolve('granted'); } }; }")  # fmt: skip
    page.get_by_role("button", name="Desktop notices: off").click()
    expect(page.get_by_role("button", name="Desktop notices: on")).to_be_visible()
    note = page.get_by_label("Note")
    note.fill("She asked for a second")
    site.run(
        "insert into notice (id, lead_id, rep_id, audience, kind, at, due_at) "
        "values (gen_random_uuid(), $1, $2, 'rep', 'call_task', $3, $4)", BEN, SAM, NOW, coming(minutes=1),
    )  # fmt: skip
    expect(page.locator("#said")).to_have_text("Please call this lead: Ben Carter", timeout=4_000)
    expect(page).to_have_title("(3) My leads · speedlead")
    expect(page.locator(f"#lead-{BEN} .badge")).to_have_text("Accept")
    assert page.evaluate("window.shown") == [["Please call this lead", "Ben Carter"]]
    page.wait_for_function(f"{rang} === 2")
    expect(note).to_have_value("She asked for a second")
    expect(note).to_be_focused()


def test_a_change_of_a_lead_arrives_within_moments_and_leaves_what_is_being_typed(page: Page, site: Site) -> None:
    open_page(page, site, AVA)
    note = page.get_by_label("Note")
    note.fill("She asked")
    site.run("update person set company = 'Renamed Robotics' where name = 'Ava Müller'")
    site.run("update lead set next_why = 'quiet_hours' where id = $1", AVA)
    story(site, AVA)
    expect(page.locator("#queue").get_by_text("Renamed Robotics")).to_be_visible(timeout=3_000)
    expect(page.locator(".lead-live").get_by_text("quiet hours where the lead is")).to_be_visible(timeout=3_000)
    expect(note).to_have_value("She asked")
    expect(note).to_be_focused()


def test_a_lost_connection_is_said_and_comes_back_without_a_reload(page: Page, site: Site, tmp_path: Path) -> None:
    open_page(page, site, AVA)
    page.evaluate("window.same = true")
    page.context.set_offline(True)
    bar = page.locator("#stale")
    expect(bar).to_contain_text("Not live since")
    page.screenshot(path=tmp_path / "stale.png")
    assert Axe().run(page, options=RULES).violations_count == 0
    page.get_by_role("button", name="Log it").click()
    expect(page.locator("#said")).to_contain_text("Not sent: there is no connection")
    site.run("update person set company = 'Meanwhile Inc' where name = 'Ava Müller'")
    page.context.set_offline(False)
    expect(page.locator("#queue").get_by_text("Meanwhile Inc")).to_be_visible(timeout=10_000)
    expect(bar).to_be_empty()
    assert page.evaluate("window.same")
    page.complaints.clear()  # type: ignore[attr-defined]  # the browser reports the requests that failed


def test_a_session_that_ends_is_said(page: Page, site: Site) -> None:
    open_page(page, site, AVA)
    page.get_by_label("Note").fill("Half a sentence")
    site.run("delete from session")
    expect(page.locator("#stale")).to_contain_text("you are signed out", timeout=25_000)
    expect(page.locator("#stale").get_by_role("link", name="Sign in")).to_have_attribute("href", "/sign-in?next=/rep")
    story(site, AVA)
    page.wait_for_timeout(1_500)
    expect(page.get_by_label("Note")).to_have_value("Half a sentence")  # nobody is sent away from it
    page.complaints.clear()  # type: ignore[attr-defined]


def test_the_fifth_tab_takes_the_place_of_the_first(page: Page, site: Site) -> None:
    open_page(page, site, AVA)
    others = [page.context.new_page() for _ in range(4)]
    for other in others:
        other.goto("/rep")
    expect(page.locator("#stale")).to_contain_text("open in too many tabs")
    others.pop().close()
    page.get_by_role("button", name="Go on here").click()
    expect(page.locator("#stale")).to_be_empty()


def test_a_notice_that_was_seen_is_gone(page: Page, site: Site) -> None:
    open_page(page, site)
    page.get_by_role("button", name="Seen: Please call this lead").click()
    expect(page.get_by_role("heading", name="New for you")).to_contain_text("1")
    assert [row["kind"] for row in site.run("select kind from notice where seen_wall is not null")] == ["call_task"]
    # the call is still offered: only an answer takes the offer away
    expect(page.get_by_role("button", name="Accept Ava Müller")).to_be_visible()
    expect(page.get_by_role("button", name="Decline Ava Müller")).to_be_visible()


def test_the_own_speed_stands_beside_everybodys(page: Page, site: Site) -> None:
    open_page(page, site)
    speed = page.get_by_role("region", name="My speed")
    # Ben's first attempt came in time, Ray's too; the one with the script is overdue: it counts as late
    expect(speed.locator(".speed").first).to_contain_text("66 % in time")
    expect(speed.get_by_role("meter", name="Your share within target in the last 7 days")).to_have_attribute(
        "value", "66"
    )


def test_an_outcome_is_never_logged_for_another_lead_than_the_one_asked_for(page: Page, site: Site) -> None:
    site.sign_in(page.context, "manager", SAM)
    page.goto(f"/rep?lead={DEEPA}")
    expect(page.get_by_text("This lead is not among yours")).to_be_visible()
    expect(page.get_by_role("button", name="Log it")).to_have_count(0)
    page.get_by_role("link", name="Open it to log an outcome").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Deepa Rao")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_rep_logs_a_callback_in_the_leads_own_time(browser: Browser, site: Site, scripts: bool) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=scripts)
    page = context.new_page()
    sign_in(page, site)
    page.goto("/rep")
    page.locator(f"#lead-{REPLIED} h3 a").click()
    expect(chosen(page)).to_contain_text("Ray Okafor")
    page.get_by_label("spoke to the lead").check()
    page.get_by_label("asked to be called back").check()
    page.get_by_role("button", name="Log it").click()
    if scripts:
        expect(page.locator("#said")).to_have_text("Please say when to call back.")
        page.get_by_label("Call back, or come back, at").fill("2026-11-24T14:30")
    else:
        expect(page.get_by_role("alert")).to_have_text("Please say when to call back.")
        at = page.get_by_label("Call back, or come back, at")
        expect(at).to_have_accessible_description(re.compile("Please say when to call back. In Chicago time"))
        expect(page.get_by_label("How the call ended")).to_have_value("connected")
        at.fill("2026-11-24T14:30")
    page.get_by_label("Note").fill("After lunch <b>there</b>")
    page.get_by_role("button", name="Log it").click()
    expect(page.get_by_text("Logged.", exact=True)).to_be_visible()
    expect(page.get_by_text("After lunch <b>there</b>")).to_be_visible()
    (row,) = site.run("select * from outcome where lead_id = $1", REPLIED)
    # half past two in Chicago
    assert row["until_at"].isoformat() == "2026-11-24T20:30:00+00:00"
    assert (row["call_result"], row["outcome"], row["rep_id"]) == ("connected", "callback_requested", SAM)
    assert [r["kind"] for r in site.run("select kind from message where lead_id = $1", REPLIED)] == ["outcome"]
    assert site.recorder.delivered == [REPLIED]
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it_on_a_phone_too(page: Page, site: Site, scheme: str, tmp_path: Path) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": 1440, "height": 1000})
    open_page(page, site)
    page.keyboard.press("6")
    page.screenshot(path=tmp_path / f"wide-{scheme}.png", full_page=True)
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator(f"#lead-{REPLIED} h3 a").click()
    expect(chosen(page)).to_contain_text("Ray Okafor")
    page.wait_for_timeout(400)
    expect(chosen(page)).to_be_in_viewport()
    results = Axe().run(page, options=RULES)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "the page scrolls sideways on a phone"
    page.screenshot(path=tmp_path / f"phone-{scheme}.png", full_page=True)
