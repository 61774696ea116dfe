"""Where a rep registers a device, and the page behind a notification, in a real browser."""

import json

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Site
from tests.store.hand_made import AVA, SAM

pytestmark = pytest.mark.browser


def test_the_worker_runs_and_shows_what_is_pushed(page: Page, context: BrowserContext, site: Site) -> None:
    site.sign_in(context, "rep", SAM)
    context.grant_permissions(["notifications"], origin=site.url)
    page.goto(f"{site.url}/account/notifications")
    expect(page.get_by_role("button", name="Use this device")).to_be_visible()
    # the same worker as the button registers; a subscription itself needs a push service outside this machine
    state = page.evaluate(
        """async () => {
            const made = await navigator.serviceWorker.register("/static/push-worker.js");
            const worker = made.installing || made.waiting || made.active;
            while (worker.state !== "activated") await new Promise((go) => setTimeout(go, 20));
            return worker.state;
        }"""
    )
    assert state == "activated"
    cdp = context.new_cdp_session(page)
    registered: list[str] = []
    cdp.on("ServiceWorker.workerRegistrationUpdated",
           lambda event: registered.extend(r["registrationId"] for r in event["registrations"]))  # fmt: skip
    cdp.send("ServiceWorker.enable")
    page.wait_for_timeout(200)
    alert = {"title": "A lead is yours", "body": "Ava", "url": f"{site.url}/n/x", "button": "Accept and call",
             "tag": "t", "urgent": True}  # fmt: skip
    cdp.send("ServiceWorker.deliverPushMessage",
             {"origin": site.url, "registrationId": registered[0], "data": json.dumps(alert)})  # fmt: skip
    shown = page.evaluate(
        """async () => {
            const made = await navigator.serviceWorker.getRegistration("/static/");
            for (let n = 0; n < 100; n++) {
                const found = await made.getNotifications();
                if (found.length) return found.map((one) => [one.title, one.body, one.data.url]);
                await new Promise((go) => setTimeout(go, 50));
            }
            return [];
        }"""
    )
    assert shown == [["A lead is yours", "Ava", f"{site.url}/n/x"]]


def test_a_rep_sets_by_what_to_be_told(page: Page, context: BrowserContext, site: Site) -> None:
    site.sign_in(context, "rep", SAM)
    page.goto(f"{site.url}/account/notifications")
    page.get_by_label("Number for texts").fill("212 555 0177")
    page.get_by_label("Push to the devices below").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_have_text("Saved.")
    (row,) = site.run("select mobile, push, sms from rep_channel")
    assert tuple(row) == ("+12125550177", False, True)


def test_the_page_behind_a_teams_button_accepts_and_calls(page: Page, context: BrowserContext, site: Site) -> None:
    site.sign_in(context, "rep", SAM)
    site.run("update lead set owner_id = $2 where id = $1", AVA, SAM)
    page.goto(f"{site.url}/leads/{AVA}/take")
    assert site.recorder.asked == []
    page.get_by_role("button", name="Accept and call").click()
    expect(page.get_by_role("status")).to_contain_text("The lead is yours")
    assert site.recorder.asked[0][1] == "accept"
