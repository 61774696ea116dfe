"""/plans: a draft from a version, checked, changed by who may, published for new leads only, and open leads moved."""

import re
from datetime import timedelta
from typing import Any

from speedlead.domain.plan import Plan
from speedlead.plan_shelf import PlanShelf
from speedlead.planbook import load_plan
from speedlead.plans_in_use import refresh
from speedlead.store import plans
from tests.gateway.house import House

BASE = load_plan()
NAME = f"{BASE.id}:{BASE.version}"
SEEN = re.compile(r'name="seen" value="([^"]+)"')


async def ask(house: House, who: dict[str, str], path: str = "/plans", **form: str) -> tuple[int, str, str]:
    method = "POST" if form else "GET"
    async with house.http.request(method, path, headers=who, data=form or None, allow_redirects=False) as answer:
        return answer.status, " ".join((await answer.text()).split()), answer.headers.get("location", "")


async def drafted(house: House, who: dict[str, str]) -> tuple[str, str]:
    """(its address, what it was when it was looked at)."""
    status, _, path = await ask(house, who, "/plans/drafts", **{"from": NAME})
    assert status == 303
    return path, await seen(house, who, path)


async def seen(house: House, who: dict[str, str], path: str) -> str:
    found = SEEN.search((await ask(house, who, path))[1])
    assert found is not None
    return found[1]


def targets(**changes: str) -> dict[str, str]:
    """The form as the page shows it, with changes."""
    from speedlead.plan_text import target_data

    fields: dict[str, str] = {}
    for target in map(target_data, BASE.targets):
        fields[f"{target['id']}.attempts"] = ", ".join(target.get("attempts", []))
        fields[f"{target['id']}.assign"] = target.get("assign", "")
        fields[f"{target['id']}.sources"] = ", ".join(target["when"].get("source", []))
    return fields | changes


async def test_marketing_sets_thresholds_and_ops_publishes_for_new_leads_only(house: House) -> None:
    shelf = PlanShelf(BASE)
    object.__setattr__(house.deps, "plan", shelf)
    old = await house.lead()
    marketing, ops = await house.sign_in("marketing"), await house.sign_in("ops")
    path, at = await drafted(house, marketing)
    change = targets(**{"paid-ads.attempts": "2m", "paid-ads.sources": "paid_ads, tiktok"})
    assert (await ask(house, marketing, f"{path}/targets", seen=at, **change))[0] == 303
    _, page, _ = await ask(house, marketing, path)
    assert "It may be published" in page
    assert "paid_ads, tiktok" in page
    assert "+- id: paid-ads" not in page
    assert (await ask(house, marketing, f"{path}/publish", seen="x", note="x"))[0] == 403, "ops publishes"
    at = await seen(house, ops, path)
    status, _, where = await ask(house, ops, f"{path}/publish", seen=at, note="Ads are quicker")
    assert (status, where) == (303, "/plans?said=published")
    assert not await refresh(house.pool, shelf), "every process reads it before it is used"
    await house.pool.execute("update plan set used_wall = clock_timestamp() where used_wall is not null")
    assert await refresh(house.pool, shelf)
    assert shelf.in_use.version == BASE.version + 1
    target = next(target for target in shelf.in_use.targets if target.id == "paid-ads")
    assert target.attempts == (120,)
    assert target.when.source == ("paid_ads", "tiktok")
    assert shelf.in_use.tracks == BASE.tracks
    new = await house.lead(email="bob@example.com")
    found = await house.pool.fetch("select id::text, plan_version from lead")
    assert {row["id"]: row["plan_version"] for row in found} == {old: BASE.version, new: BASE.version + 1}
    line = await house.pool.fetchrow("select object, before, after from audit where action = 'plan publish'")
    assert line is not None
    assert line["object"] == f"{BASE.id}:{BASE.version + 1}"
    again = await ask(house, ops, f"{path}/publish", seen=at, note="once more")
    assert again[0] == 422


async def test_what_is_wrong_with_a_draft_is_said_and_it_is_not_published(house: House) -> None:
    ops = await house.sign_in("ops")
    path, at = await drafted(house, ops)
    text = (await house.pool.fetchval("select yaml from plan_draft")).replace("template: useful", "template: nowhere")
    assert (await ask(house, ops, path, seen=at, yaml=text))[0] == 303
    status, page, _ = await ask(house, ops, path)
    assert status == 200
    assert "email/nowhere" in page
    assert "cannot be published yet" in page
    at = await seen(house, ops, path)
    status, page, _ = await ask(house, ops, f"{path}/publish", seen=at, note="try")
    assert status == 422
    assert "has to be mended first" in page
    assert await house.pool.fetchval("select count(*) from plan") == 1
    assert (await ask(house, ops, path, seen=at, yaml="id: ["))[0] == 303
    assert "not readable as YAML" in (await ask(house, ops, path))[1]


async def test_two_people_do_not_overwrite_each_other(house: House) -> None:
    ops = await house.sign_in("ops")
    path, at = await drafted(house, ops)
    house.clock.now += timedelta(seconds=1)
    assert (await ask(house, ops, f"{path}/targets", seen=at, **targets()))[0] == 303
    status, page, _ = await ask(house, ops, f"{path}/targets", seen=at, **targets())
    assert status == 422
    assert "somebody else has changed the draft" in page
    bad = targets(**{"hot.attempts": "soon"})
    status, page, _ = await ask(house, ops, f"{path}/targets", seen=await seen(house, ops, path), **bad)
    assert status == 422
    assert "expected a duration such as 30s" in page


def without_calls(version: int) -> Plan:
    body: dict[str, Any] = BASE.model_dump(mode="json", by_alias=True) | {"version": version}
    for track in body["tracks"].values():
        track["steps"] = [s | {"after": "lead", "local_days": 0, "delay": 60, "slot": None, "min_gap": 0}
                          for s in track["steps"] if s["channel"] == "email"]  # fmt: skip
    return Plan.model_validate(body)


async def test_the_table_shows_each_step_and_the_move_is_a_run(house: House) -> None:
    lead, ops = await house.lead(), await house.sign_in("ops")
    await plans.PlanStore(house.pool).publish(without_calls(BASE.version + 1))
    to = f"{BASE.id}:{BASE.version + 1}"
    await house.pool.execute("update lead set open_at = created_at")
    status, page, _ = await ask(house, ops, f"/plans/migrate?from={NAME}&to={to}")
    assert status == 200
    assert "1 open lead on" in page
    assert "call 1" in page
    assert "e-mail 1" in page
    assert "earlier" in page
    mark = page.partition('name="seen" value="')[2].partition('"')[0]
    form = {"from": NAME, "to": to, "type": "", "source": "", "seen": mark, "reason": "Fewer calls"}
    status, _, where = await ask(house, ops, "/plans/migrate", **form)
    assert status == 303
    assert where.startswith("/ops/steer/")
    row = await house.pool.fetchrow("select action, asked, reason, background from steering_run")
    assert row is not None
    assert (row["action"], row["asked"]) == ("change_plan", {"plan_id": BASE.id, "version": BASE.version + 1})
    assert await house.pool.fetchval("select lead_id::text from steering_item") == lead
    assert (await ask(house, ops, "/plans/migrate", **(form | {"seen": "7"})))[0] == 422
    assert (await ask(house, ops, "/plans/migrate", **(form | {"reason": ""})))[0] == 422
    marketing = await house.sign_in("marketing")
    assert (await ask(house, marketing, "/plans/migrate"))[0] == 403
    assert (await ask(house, ops, f"/plans/migrate?from={NAME}&to=inbound:99"))[0] == 404


async def test_a_lead_whose_call_stays_due_is_shown_to_stay(house: House) -> None:
    lead, ops = await house.lead(), await house.sign_in("ops")
    await plans.PlanStore(house.pool).publish(without_calls(BASE.version + 1))
    await house.pool.execute("update lead set open_at = created_at")
    await house.pool.execute(
        """insert into touch (id, lead_id, person_id, step, channel, purpose, state, reason, planned_at, placed_at)
           select id || '.call-1', id, person_id, 'call-1', 'call', 'plan', 'deferred', 'rep_unavailable', $2, $2
           from lead where id = $1""",
        lead, house.clock.wall(),
    )  # fmt: skip
    _, page, _ = await ask(house, ops, f"/plans/migrate?from={NAME}&to={BASE.id}:{BASE.version + 1}")
    assert "0 can go to" in page
    assert "Stays: call-1 is still due" in page


async def test_a_version_is_taken_back_for_new_leads(house: House) -> None:
    ops = await house.sign_in("ops")
    status, page, _ = await ask(house, ops, "/plans/use", plan=NAME, note=" ")
    assert (status, "note: expected why it is used" in page) == (422, True)
    assert await house.pool.fetchval("select count(*) from audit where action = 'plan use'") == 0
    assert (await ask(house, ops, "/plans/use", plan=NAME, note="The new one calls too early"))[0] == 303
    line = await house.pool.fetchrow(
        "select object, note, role, account_id is null from audit where action = 'plan use'"
    )
    assert tuple(line or ()) == (NAME, "The new one calls too early", "ops", False)
    assert await house.pool.fetchval("select used_wall is not null from plan")
    status, page, _ = await ask(house, ops, "/plans/use", plan="inbound:99", note="x")
    assert (status, "there is no such plan" in page) == (422, True)
    assert f"{BASE.id} version {BASE.version}" in (await ask(house, ops))[1]
