"""The JSON API about leads: who may ask, outcomes, and requests to a running lead."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest

from speedlead.cadence_errors import LeadNotFound, LeadRefused, LeadUnavailable
from tests.gateway.house import PHONE, House, rep

NOBODY = "00000000-0000-4000-8000-000000000000"
UPDATES = ("accept", "decline", "reassign", "pause", "resume", "skip", "call_now", "stop", "correct", "change_plan")


def later(house: House, **parts: float) -> str:
    return (house.clock.now + timedelta(**parts)).isoformat()


async def log(house: House, lead_id: str, **body: Any) -> tuple[int, Any]:
    return await house.call("POST", f"/api/leads/{lead_id}/outcomes", body)


# ── who may ask ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("method", "headers", "allowed"),
    [
        ("GET", {"Sec-Fetch-Site": "same-origin"}, True),
        ("GET", {"Referer": "{base}/ops"}, True),
        ("GET", {}, False),
        ("GET", {"Sec-Fetch-Site": "cross-site"}, False),
        ("GET", {"Origin": "https://evil.example"}, False),
        ("GET", {"Sec-Fetch-Site": "same-origin", "Host": "evil.example"}, False),
        ("POST", {"Origin": "{base}"}, True),
        ("POST", {"Sec-Fetch-Site": "same-origin"}, True),
        ("POST", {}, False),
        ("POST", {"Referer": "{base}/ops"}, False),
        ("POST", {"Origin": "null"}, False),
        ("POST", {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
        ("POST", {"Origin": "http://evil.example", "Host": "evil.example"}, False),
        ("POST", {"Origin": "{base}.evil.example"}, False),
    ],
)
async def test_only_the_key_and_our_own_pages_may_ask(
    house: House, method: str, headers: dict[str, str], allowed: bool
) -> None:
    lead_id = await house.lead()
    signed = {name: house.staff[name] for name in ("Cookie", "X-CSRF-Token")}
    given = signed | {name: value.format(base=house.base) for name, value in headers.items()}
    path = f"/api/leads/{lead_id}" if method == "GET" else f"/api/leads/{lead_id}/outcomes"
    status, _ = await house.call(method, path, {"outcome": "qualified"} if method == "POST" else None, given)
    assert (status < 300) is allowed
    if not allowed:
        assert status in (401, 403)
        assert await house.count("outcome") == 0


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example:80"}])
async def test_pages_answer_to_our_own_names_only(house: House, headers: dict[str, str]) -> None:
    assert (await house.call("GET", "/ops", headers=house.staff | headers))[0] == 403
    assert (await house.call("GET", "/ops", headers={"Cookie": house.staff["Cookie"]}))[0] == 200
    assert (await house.call("POST", "/rep", headers={"Origin": "https://evil.example"}))[0] == 403


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_leads_are_read_from_rows(house: House) -> None:
    lead_id = await house.lead(name="Ada")
    cold = await house.lead(email="bob@example.com", intent="newsletter")
    for query, found in (("", {lead_id, cold}), ("?type=hot", {lead_id}), ("?stage=booked", set()),
                         ("?open=false", set()),
                         ("?limit=1", None), (f"?owner={NOBODY}", set())):  # fmt: skip
        status, body = await house.call("GET", f"/api/leads{query}")
        assert status == 200
        assert found is None or {lead["lead_id"] for lead in body["leads"]} == found
    status, body = await house.call("GET", f"/api/leads/{lead_id}")
    assert (status, body["card"]["name"]) == (200, "Ada")
    status, body = await house.call("GET", f"/api/leads/{lead_id}/timeline")
    assert [entry["kind"] for entry in body["timeline"]] == ["inquiry"]
    status, body = await house.call("GET", f"/api/leads/{lead_id}/explain")
    assert (status, body["lead_id"]) == (200, lead_id)


@pytest.mark.parametrize("what", ["", "/timeline", "/explain"])
async def test_unknown_and_malformed_ids(house: House, what: str) -> None:
    assert (await house.call("GET", f"/api/leads/{NOBODY}{what}"))[0] == 404
    status, problem = await house.call("GET", f"/api/leads/nonsense{what}")
    assert (status, problem["errors"][0]["field"]) == (422, "lead_id")
    for query in ("limit=0", "limit=x", "type=lukewarm", "stage=odd", "owner=me"):
        assert (await house.call("GET", f"/api/leads?{query}"))[0] == 422


async def test_the_list_takes_every_filter_of_the_command_line(house: House) -> None:
    hot, cold = await house.lead(source="paid_ads"), await house.lead(email="bob@example.com", intent="newsletter")
    plan = await house.pool.fetchrow("select plan_id, plan_version from lead limit 1")
    owner = await rep(house.pool)
    update = "update lead set owner_id = $2, next_touch_at = $3, stage = 'attempting' where id = $1"
    await house.pool.execute(update, hot, owner, house.clock.now)
    breach = "insert into breach (lead_id, target, phase, due_at, found_at) values ($1, 'hot', 'assigned', $2, $2)"
    await house.pool.execute(breach, hot, house.clock.now)
    await house.pool.execute("update lead set closed_at = $2 where id = $1", cold, house.clock.now)
    slow = await house.lead(email="eve@example.com", intent="newsletter")
    await house.pool.execute("update lead set program = 'nurture', follows = $2 where id = $1", slow, cold)
    soon = f"{house.clock.now + timedelta(minutes=1):%Y-%m-%dT%H:%MZ}"
    for query, found in (("", {hot}), ("program=all", {hot, slow}), ("program=nurture", {slow}),
                         ("program=customer", set()), ("source=nurture", set()),
                         ("state=all", {hot, cold}), ("state=closed", {cold}), ("open=all", {hot, cold}),
                         ("stage=attempting", {hot}), ("state=all&type=cold", {cold}), (f"owner={owner}", {hot}),
                         ("owner=none", set()), ("state=all&owner=none", {cold}), ("source=paid_ads", {hot}),
                         ("source=tiktok", set()), (f"plan={plan['plan_id']}:{plan['plan_version']}", {hot, slow}),
                         (f"plan={plan['plan_id']}&program=none", {hot}), ("plan=inbound:99999999999999999999", set()),
                         ("breached=yes", {hot}), ("breached=no", set()), ("state=all&breached=no", {cold}),
                         (f"next_before={soon}", {hot}), ("next_before=2020-01-01", set())):  # fmt: skip
        status, body = await house.call("GET", f"/api/leads?{query}")
        assert (status, {lead["lead_id"] for lead in body["leads"]}) == (200, found), query


@pytest.mark.parametrize(
    ("query", "field", "expected"),
    [
        ("state=ajar", "state", "open or closed or all"),
        ("stage=odd", "stage", "attempting"),
        ("type=lukewarm", "type", "hot or warm or cold"),
        ("owner=me", "owner", "the id of a rep, or none"),
        ("source=a%00b", "source", "printable text"),
        ("plan=a%0A1", "plan", "printable text"),
        ("breached=perhaps", "breached", "yes or no"),
        ("next_before=soon", "next_before", "2026-11-23T15:00Z"),
        ("next_before=0001-01-01T00:00%2B14:00", "next_before", "2026-11-23T15:00Z"),
        ("type=hot&type=cold", "type", "one value"),
        ("open=true&state=all", "open", "state alone"),
        ("typ=hot", "typ", "one of state, stage, type"),
        ("limit=501", "limit", "1 to 500"),
    ],
)
async def test_a_filter_that_makes_no_sense_is_named(house: House, query: str, field: str, expected: str) -> None:
    status, problem = await house.call("GET", f"/api/leads?{query}")
    assert status == 422
    assert [error["field"] for error in problem["errors"]] == [field]
    assert expected in problem["errors"][0]["expected"]


# ── outcomes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_outcome_is_a_row_and_a_message(house: House) -> None:
    lead_id, rep_id = await house.lead(phone=PHONE), await rep(house.pool)
    body = {"call_result": "connected", "outcome": "meeting_booked", "note": "likes tea", "rep_id": rep_id}
    status, state = await log(house, lead_id, **body)
    assert (status, state["plan_stopped"], state["open"]) == (202, "meeting_booked", True)
    message = (await house.messages(lead_id, "outcome"))[0]
    assert (message["call_result"], message["outcome"], message["rep_id"]) == ("connected", "meeting_booked", rep_id)
    assert "tea" not in str(message)
    row = await house.pool.fetchrow("select note, at, rep_id from outcome")
    assert tuple(row) == ("likes tea", house.clock.now, rep_id)
    lead = await house.pool.fetchrow("select first_attempt_at, first_contact_at, decided_at from lead")
    assert tuple(lead) == (house.clock.now,) * 3
    assert house.behind.delivered[-1] == lead_id


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "outcome"),
        ({"note": "x"}, "outcome"),
        ({"outcome": "sold"}, "outcome"),
        ({"call_result": "no"}, "call_result"),
        ({"outcome": "callback_requested"}, "at"),
        ({"outcome": "callback_requested", "at": "2026-11-23T15:00:00Z"}, "at"),
        ({"outcome": "callback_requested", "at": "2026-11-24T15:00:00"}, "at"),
        ({"outcome": "not_now", "until": "2020-01-01T00:00:00Z"}, "until"),
        ({"outcome": "do_not_contact", "scope": "fax"}, "scope"),
        ({"outcome": "qualified", "rep_id": NOBODY}, "rep_id"),
        ({"outcome": "qualified", "rep_id": "me"}, "rep_id"),
        ({"outcome": "qualified", "reason": "Free text, at length"}, "reason"),
        ({"outcome": "qualified", "note": "x" * 5001}, "note"),
        ({"outcome": "qualified", "touch_id": "other.call-1"}, "touch_id"),
        ({"outcome": "qualified", "mood": "good"}, "mood"),
    ],
)
async def test_bad_outcomes_are_refused_with_the_fields_name(house: House, body: dict[str, Any], field: str) -> None:
    lead_id = await house.lead()
    before = await house.counts()
    status, problem = await log(house, lead_id, **body)
    assert (status, [error["field"] for error in problem["errors"]]) == (422, [field])
    assert await house.counts() == before


async def test_a_callback_pauses_until_then(house: House) -> None:
    lead_id = await house.lead()
    at = later(house, hours=20)
    status, state = await log(house, lead_id, outcome="callback_requested", at=at)
    assert (status, state["paused_until"], state["plan_stopped"]) == (202, at, None)
    assert await house.pool.fetchval("select until_at from outcome") == house.clock.now + timedelta(hours=20)


@pytest.mark.parametrize("scope", ["all", "call"])
async def test_do_not_contact_suppresses(house: House, scope: str) -> None:
    lead_id = await house.lead()
    await log(house, lead_id, outcome="do_not_contact", scope=scope)
    assert tuple(await house.pool.fetchrow("select channel, source from suppression")) == (scope, "rep")
    assert (await house.messages(lead_id, "outcome"))[0]["scope"] == scope


@pytest.mark.parametrize("result", ["wrong_number", "disconnected"])
async def test_a_wrong_number_is_not_used_again(house: House, result: str) -> None:
    lead_id = await house.lead(phone=PHONE)
    await log(house, lead_id, call_result=result)
    assert await house.pool.fetchval("select bad_reason from person_phone") == result
    assert await house.pool.fetchval("select plan_stopped from lead") is None


async def test_a_closed_lead_takes_a_late_sale_only(house: House) -> None:
    lead_id = await house.lead()
    await house.close_lead(lead_id)
    status, problem = await log(house, lead_id, outcome="qualified")
    assert (status, problem["reason"]) == (409, "lead_closed")
    assert (await log(house, lead_id, outcome="converted"))[0] == 202
    assert await house.messages(lead_id, "outcome") == []
    assert await house.count("outcome") == 1


async def test_an_outcome_with_a_key_counts_once(house: House) -> None:
    lead_id = await house.lead()
    headers = house.key | {"Idempotency-Key": "call-7"}
    answers = await asyncio.gather(
        *(house.call("POST", f"/api/leads/{lead_id}/outcomes", {"call_result": "busy"}, headers) for _ in range(10))
    )
    assert {status for status, _ in answers} == {202}
    assert len({body["outcome_id"] for _, body in answers}) == 1
    assert await house.count("outcome") == 1
    assert len(await house.messages(lead_id, "outcome")) == 1


async def test_an_outcome_of_nobody_is_404(house: House) -> None:
    assert (await log(house, NOBODY, outcome="qualified"))[0] == 404
    assert (await log(house, "nonsense", outcome="qualified"))[0] == 422


# ── requests to a running lead ───────────────────────────────────────────────────────────────────────────────────────


async def body_of(house: House, name: str) -> dict[str, Any]:
    if name in ("accept", "decline", "reassign"):
        return {"rep_id": await rep(house.pool)}
    if name == "change_plan":
        return {"plan_id": "inbound", "version": house.app.state.context.deps.plan.version}
    return {}


@pytest.mark.parametrize("name", UPDATES)
async def test_every_update_reaches_the_lead_and_answers_with_its_state(house: House, name: str) -> None:
    lead_id, body = await house.lead(), await body_of(house, name)
    status, state = await house.call("POST", f"/api/leads/{lead_id}/{name}", body)
    assert (status, state["lead_id"]) == (200, lead_id)
    asked, called, payload = house.behind.updates[0]
    assert (asked, called) == (lead_id, name)
    assert body.items() <= payload.items()
    assert (await house.call("POST", f"/api/leads/{NOBODY}/{name}", body))[0] == 404
    assert (await house.call("POST", f"/api/leads/nonsense/{name}", body))[0] == 422
    assert (await house.call("POST", f"/api/leads/{lead_id}/{name}", body | {"odd": 1}))[0] == 422
    await house.close_lead(lead_id)
    assert (await house.call("POST", f"/api/leads/{lead_id}/{name}", body))[0] == 409
    assert len(house.behind.updates) == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LeadRefused("not_waiting"), 409),
        (LeadRefused("unknown step", "step"), 422),
        (LeadNotFound(), 503),
        (LeadUnavailable(), 503),
    ],
)
async def test_how_a_lead_can_answer(house: House, error: Exception, status: int) -> None:
    lead_id = await house.lead()
    house.behind.fail = error
    answered, problem = await house.call("POST", f"/api/leads/{lead_id}/skip", {})
    assert (answered, problem["status"]) == (status, status)


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("accept", {"rep_id": NOBODY}, "rep_id"),
        ("accept", {}, "rep_id"),
        ("reassign", {"rep_id": "me"}, "rep_id"),
        ("pause", {"until": "2020-01-01T00:00:00Z"}, "until"),
        ("pause", {"until": "tomorrow"}, "until"),
        ("change_plan", {"plan_id": "inbound", "version": 99}, "version"),
    ],
)
async def test_what_rows_can_tell_is_told_without_asking(
    house: House, name: str, body: dict[str, Any], field: str
) -> None:
    lead_id = await house.lead()
    status, problem = await house.call("POST", f"/api/leads/{lead_id}/{name}", body)
    assert (status, [error["field"] for error in problem["errors"]]) == (422, [field])
    assert house.behind.updates == []


async def test_an_inactive_rep_is_unknown(house: House) -> None:
    lead_id, gone = await house.lead(), await rep(house.pool, active=False)
    assert (await house.call("POST", f"/api/leads/{lead_id}/accept", {"rep_id": gone}))[0] == 422


# ── health ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_health_readiness_and_counters(house: House) -> None:
    assert (await house.call("GET", "/healthz", headers={}))[0] == 200
    assert (await house.call("GET", "/readyz", headers={}))[1] == {
        "ready": True,
        "parts": {"postgres": True, "temporal": True},
    }
    house.behind.fail = ConnectionError()
    assert (await house.call("GET", "/readyz", headers={}))[0] == 503
    await house.lead(email=f"{uuid.uuid4().hex}@example.com")
    assert 'speedlead_inquiries_total{door="api"} 1' in (await house.call("GET", "/metrics"))[1]


async def test_what_is_not_there_is_a_problem(house: House) -> None:
    status, problem = await house.call("GET", "/api/nothing")
    assert (status, problem["status"]) == (404, 404)
    assert (await house.call("DELETE", "/api/leads"))[0] == 405
    assert (await house.call("GET", "/api/openapi.json"))[0] == 200
