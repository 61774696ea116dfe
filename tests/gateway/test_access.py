"""Who may do what: each role on each route, whose leads, sign-in, sessions, and what the audit keeps."""

import re
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI
from starlette.responses import Response
from starlette.routing import Mount, Route

from speedlead.gateway import rendering
from speedlead.gateway.access import passwords
from speedlead.gateway.access.doorkeeper import protect
from speedlead.gateway.access.table import GRANTS, ROUTES, Door, May, Role, door
from speedlead.ids import update_id
from speedlead.store import accounts, sessions
from speedlead.store.transactions import transact
from tests.gateway.house import House, open_house, rep

NOBODY = "00000000-0000-4000-8000-000000000000"
OURS = {"Sec-Fetch-Site": "same-origin"}
GOOD = "violet ladder 7 quickly"


def doors(app: FastAPI) -> list[tuple[str, str, Door]]:
    """(method, path, door) of every route that the app really has."""
    found = []
    for route in app.router.routes:
        methods = {"GET"} if isinstance(route, Mount) else route.methods or set()  # type: ignore[attr-defined]
        found += [(method, route.path, door(method, route.path)) for method in methods - {"HEAD"}]  # type: ignore[attr-defined]
    return found


async def ask(house: House, method: str, path: str, headers: dict[str, str], **form: str) -> tuple[int, str]:
    sent = {"data": form} if method == "POST" else {}
    async with house.http.request(method, path, headers=headers, allow_redirects=False, **sent) as answer:
        # a stream of events has no end
        stream = answer.content_type == "text/event-stream"
        return answer.status, "" if stream else await answer.text(errors="replace")


async def with_password(house: House, email: str = "pat@acme.example", role: str = "manager") -> str:
    async def write(conn: Any) -> str:
        made = await accounts.add_account(conn, email, "Pat", role, house.clock.now)
        await accounts.set_password(conn, made.account_id, await passwords.hashed(GOOD))
        return made.account_id

    return await transact(house.pool, write)


async def sign_in(house: House, email: str, password: str, **more: str) -> tuple[int, str, str]:
    """(status, page, where to)"""
    form = {"email": email, "password": password} | more
    async with house.http.post("/sign-in", data=form, headers=OURS, allow_redirects=False) as answer:
        return answer.status, await answer.text(), answer.headers.get("Location", "")


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_row_has_its_route_and_every_open_one_says_why(house: House) -> None:
    found = doors(house.app)
    exact = {f"{method} {path}" for method, path, _ in found}
    folders = {f"{method} {'/'.join(path.split('/')[:3])}/*" for method, path, _ in found}
    assert set(ROUTES) - exact - folders == set()
    assert [row for row, kept in ROUTES.items() if kept.may is None and not kept.key and not kept.why] == []


async def test_a_route_without_a_row_stops_the_start(house: House) -> None:
    async def secret(request: Any) -> Response:
        return Response("everything")

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.routes.append(Route("/new/page", secret))
    with pytest.raises(LookupError, match="GET /new/page: expected a row"):
        protect(app, house.app.state.context)


def address(path: str, lead: str, account: str) -> str:
    names = {"lead_id": lead, "account_id": account, "action": "resume", "question_id": "moment", "form_key": "demo"}
    return re.sub(r"\{(\w+)\}", lambda part: names.get(part[1], NOBODY), path)


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_on_each_route(house: House, role: Role) -> None:
    """The answer is a refusal exactly where the role has not the permission of the table."""
    sam = await rep(house.pool)
    lead, account = await house.lead(), await with_password(house, "target@acme.example", "analyst")
    await house.pool.execute("update lead set owner_id = $1, stage = 'converted' where id = $2", sam, lead)
    headers, wrong = await house.sign_in(role, sam), []
    for method, path, kept in doors(house.app):
        if path.startswith(("/sign-out", "/webhooks", "/static")) or (kept.may is None and kept.key):
            continue
        status, text = await ask(house, method, address(path, lead, account), headers)
        refused = status == 403 and ("Your role here is" in text or '"reason": "role"' in text)
        allowed = kept.may is None or kept.may in GRANTS[role]
        if refused is allowed or status >= 500 or (status == 303 and "/sign-in" in text):
            wrong.append((method, path, status, allowed))
    assert wrong == []


async def test_nobody_in_particular_gets_nowhere(house: House) -> None:
    lead = await house.lead()
    for method, path, kept in doors(house.app):
        if kept.may is None:
            continue
        where = address(path, lead, NOBODY)
        async with house.http.request(method, where, headers=OURS, allow_redirects=False) as answer:
            if path.startswith(("/api/", "/metrics")):
                assert answer.status == 401, path
            else:
                assert (answer.status, answer.headers["Location"][:8]) == (303, "/sign-in"), path
        # a made-up session is none
        headers = OURS | {"Cookie": f"speedlead-{house.deps.settings.http_port}={'x' * 43}"}
        assert (await ask(house, method, where, headers))[0] in (303, 401), path


async def test_the_key_opens_what_the_table_says_and_no_page(house: House) -> None:
    lead = await house.lead()
    for method, path, kept in doors(house.app):
        if kept.may is None and not kept.key:
            continue
        status, _ = await ask(house, method, address(path, lead, NOBODY), house.key | OURS)
        assert (status in (303, 401)) is not kept.key, (method, path, status)
    assert (await ask(house, "GET", "/metrics", {"X-Api-Key": "wrong"} | house.staff))[0] == 401


R, M, P, K, A, S, X = Role
WHO = {
    "GET /rep": {R, M, P, X},
    "POST /rep/choose": {M, P, X},
    "GET /ops": set(Role),
    "GET /ops/leads": {M, P, A, S, X},
    "POST /ops/notices/{notice_id}/seen": {P, X},
    "GET /leads/{lead_id}": {R, M, P, A, S, X},
    "POST /leads/{lead_id}/outcome": {R, M, P, S, X},
    "POST /leads/{lead_id}/{action}": {R, M, P, S, X},
    "GET /api/leads": {R, M, P, A, S, X},
    "POST /api/leads/{lead_id}/stop": {R, M, P, S, X},
    "POST /api/leads/{lead_id}/reassign": {M, P, X},
    "POST /api/leads/{lead_id}/change_plan": {M, P, X},
    "GET /plans/preview": {R, M, P, K, A, X},
    "POST /plans/drafts/{draft_id}/targets": {P, K, X},
    "POST /plans/drafts/{draft_id}/publish": {P, X},
    "POST /plans/migrate": {P, X},
    "GET /templates/preview": {R, M, P, K, A, X},
    "GET /metrics": {P, X},
    "GET /accounts": {X},
    "POST /accounts/{account_id}/role": {X},
    "GET /audit": {P, X},
    "GET /account": set(Role),
}


@pytest.mark.parametrize("row", WHO)
def test_the_table_says_what_was_decided(row: str) -> None:
    may = ROUTES[row].may
    assert {role for role in Role if may in GRANTS[role]} == WHO[row]


def test_reading_roles_change_nothing() -> None:
    changes = {May.WORK_LEADS, May.STEER_LEADS, May.CHOOSE_REP, May.MANAGE_ACCOUNTS, May.RUN_HOUSE}
    for role in (Role.ANALYST, Role.MARKETING):
        assert not GRANTS[role] & changes
    assert GRANTS[Role.SUPPORT] & changes == {May.WORK_LEADS}


# ── whose leads ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_rep_meets_own_leads_and_nobodys_and_no_others(house: House) -> None:
    sam, dana = await rep(house.pool), await rep(house.pool)
    own, pool, other = [await house.lead(email=f"{name}@example.com") for name in ("a", "b", "c")]
    await house.pool.execute("update lead set owner_id = $1 where id = $2", sam, own)
    await house.pool.execute("update lead set owner_id = $1 where id = $2", dana, other)
    headers = await house.sign_in("rep", sam)
    for lead, status in ((own, 200), (pool, 200), (other, 404)):
        for path in ("", "/live", "/script", "/script/panel"):
            assert (await ask(house, "GET", f"/leads/{lead}{path}", headers))[0] == status
        for path in ("", "/timeline", "/explain", "/messages"):
            assert (await ask(house, "GET", f"/api/leads/{lead}{path}", headers))[0] == status
        assert (await ask(house, "GET", f"/templates/preview?lead={lead}", headers))[0] == status
        assert (await ask(house, "GET", f"/templates/preview?lead={lead.upper()}%20", headers))[0] == status
    before = await house.counts()
    for name in ("outcome", "answer", "pause", "stop", "script/moment"):
        status, _ = await ask(house, "POST", f"/leads/{other}/{name}", headers, outcome="qualified", answer="yes")
        assert status == 404
    for name in ("outcomes", "messages", "pause", "stop", "accept"):
        assert (await ask(house, "POST", f"/api/leads/{other}/{name}", headers, outcome="qualified"))[0] == 404
    assert await house.counts() == before
    assert house.behind.updates == []
    _, listed = await house.call("GET", "/api/leads", headers=headers)
    assert {lead["lead_id"] for lead in listed["leads"]} == {own, pool}
    assert (await ask(house, "GET", "/ops/leads", headers))[0] == 403


async def test_a_colleagues_lead_is_met_while_its_call_is_offered(house: House) -> None:
    sam, dana, lead = await rep(house.pool), await rep(house.pool), await house.lead()
    await house.pool.execute("update lead set owner_id = $1 where id = $2", dana, lead)
    headers = await house.sign_in("rep", sam)
    assert (await ask(house, "GET", f"/leads/{lead}", headers))[0] == 404
    await house.pool.execute(
        """insert into notice (id, lead_id, rep_id, audience, kind, at)
           values (gen_random_uuid(), $1, $2, 'rep', 'call_task', $3)""", lead, sam, house.clock.now,
    )  # fmt: skip
    assert (await ask(house, "GET", f"/leads/{lead}", headers))[0] == 200


async def test_who_answers_too_late_is_told_who_has_the_lead_and_nothing_else(house: House) -> None:
    sam, lee, lead = await rep(house.pool), await rep(house.pool), await house.lead(name="Ada Love")
    await house.pool.execute("update rep set name = 'Lee Park' where id = $1", lee)
    await house.pool.execute("update lead set owner_id = $1 where id = $2", lee, lead)
    headers = await house.sign_in("rep", sam)
    assert (await ask(house, "POST", f"/leads/{lead}/accept", headers))[0] == 404  # never asked: there is no such lead
    ask_them = """insert into offer (lead_id, rep_id, level, kind, asked_at, ended_at, result)
                  values ($1, $2, $3, 'ask', $4, $5, $6)"""
    at = house.clock.now
    await house.pool.execute(ask_them, lead, sam, 1, at, at, "silent")
    await house.pool.execute(ask_them, lead, lee, 2, at, None, None)
    words = f"Your time to take this lead was over at {at:%H:%M:%S} UTC; Lee Park is asked now. Nothing was changed."
    for action in ("accept", "decline"):
        status, page = await ask(house, "POST", f"/leads/{lead}/{action}", headers, reason="busy")
        assert (status, words in page, "Ada Love" in page) == (409, True, False)
        status, body = await ask(house, "POST", f"/api/leads/{lead}/{action}", headers)
        assert (status, words in body) == (409, True)
    await house.pool.execute("update lead set accepted_at = $1 where id = $2", at, lead)
    assert "Lee Park has it." in (await ask(house, "POST", f"/leads/{lead}/accept", headers))[1]
    await house.close_lead(lead)
    assert "The lead is closed" in (await ask(house, "POST", f"/leads/{lead}/accept", headers))[1]
    assert house.behind.updates == []
    for method, path in (("GET", ""), ("GET", "/take"), ("POST", "/pause"), ("POST", "/take")):
        assert (await ask(house, method, f"/leads/{lead}{path}", headers))[0] == 404


async def test_support_meets_converted_leads_and_its_own_only(house: House) -> None:
    sold, open_one = await house.lead(email="a@example.com"), await house.lead(email="b@example.com")
    await house.pool.execute("update lead set stage = 'converted', closed_at = now() where id = $1", sold)
    headers = await house.sign_in("support")
    assert (await ask(house, "GET", f"/leads/{sold}", headers))[0] == 200
    assert (await ask(house, "GET", f"/leads/{open_one}", headers))[0] == 404
    _, listed = await house.call("GET", "/api/leads?open=all", headers=headers)
    assert [lead["lead_id"] for lead in listed["leads"]] == [sold]
    _, table = await ask(house, "GET", "/ops/leads?state=all", headers)
    assert (sold[:8] in table, open_one[:8] in table) == (True, False)
    # a customer asks again, and the lead is theirs
    mine = await rep(house.pool)
    await house.pool.execute("update lead set owner_id = $1 where id = $2", mine, open_one)
    headers = await house.sign_in("support", mine)
    assert (await ask(house, "GET", f"/leads/{open_one}", headers))[0] == 200
    assert (await ask(house, "POST", f"/leads/{open_one}/reassign", headers))[0] == 403
    bought = await house.call("POST", f"/api/leads/{open_one}/outcomes", {"outcome": "converted"}, headers=headers)
    assert bought[0] == 202, bought


async def test_marketing_sees_no_lead_in_a_preview(house: House) -> None:
    lead, headers = await house.lead(name="Ada"), await house.sign_in("marketing")
    assert (await ask(house, "GET", "/templates/preview", headers))[0] == 200
    assert (await ask(house, "GET", f"/templates/preview?lead={lead}", headers))[0] == 404


async def test_a_person_asks_in_their_own_name(house: House) -> None:
    sam, dana, lead = await rep(house.pool), await rep(house.pool), await house.lead()
    headers = await house.sign_in("rep", sam)
    async with house.http.post(f"/api/leads/{lead}/outcomes", json={"outcome": "qualified", "rep_id": dana},
                               headers=headers) as answer:  # fmt: skip
        assert answer.status == 422
    for path, body in (("pause", {"by": dana}), ("accept", {})):
        async with house.http.post(f"/api/leads/{lead}/{path}", json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
    account = await house.pool.fetchval(
        "select a.id from account a join rep r on r.email = a.email where r.id = $1", sam
    )
    assert [payload.get("by", payload.get("rep_id")) for _, _, payload in house.behind.updates] == [account, sam]


async def test_a_manager_works_for_a_rep_and_a_rep_for_nobody_else(house: House) -> None:
    sam, dana = await rep(house.pool), await rep(house.pool)
    manager, own = await house.sign_in("manager"), await house.sign_in("rep", sam)
    assert (await ask(house, "POST", "/rep/choose", own, rep_id=dana))[0] == 403
    assert "For whom do you work?" in (await ask(house, "GET", "/rep", manager))[1]
    assert (await ask(house, "POST", "/rep/choose", manager, rep_id=dana))[0] == 303
    assert "my leads" in (await ask(house, "GET", "/rep", manager))[1]
    await house.pool.execute("update account set role = 'rep' where email = 'manager@staff.example'")
    assert "No rep has your address" in (await ask(house, "GET", "/rep", manager))[1]


# ── signing in ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_link_works_once_within_its_hour(house: House) -> None:
    account = await with_password(house)
    made = await transact(house.pool, lambda conn: accounts.make_link(conn, account, house.clock.now))
    for _ in range(2):  # looking at it uses nothing up
        assert (await ask(house, "GET", f"/sign-in/link/{made}", {}))[0] == 200
    assert (await ask(house, "POST", f"/sign-in/link/{made}", {"Origin": "https://evil.example"}))[0] == 403
    assert (await ask(house, "POST", f"/sign-in/link/{made}", OURS))[0] == 303
    assert (await ask(house, "POST", f"/sign-in/link/{made}", OURS))[0] == 410
    late = await transact(house.pool, lambda conn: accounts.make_link(conn, account, house.clock.now))
    house.clock.now += accounts.LINK_LASTS
    assert (await ask(house, "POST", f"/sign-in/link/{late}", OURS))[0] == 410
    assert late.encode() not in b"".join(await house.pool.fetchval("select array_agg(token_hash) from sign_in_link"))


async def test_a_password_opens_a_session_and_leads_where_one_was_going(house: House) -> None:
    await with_password(house)
    wanted = "/leads/x?live=off"
    assert (await sign_in(house, "PAT@acme.example ", GOOD, next=wanted))[::2] == (303, wanted)
    for elsewhere in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:1", "/\n/evil.example"):
        assert (await sign_in(house, "pat@acme.example", GOOD, next=elsewhere))[::2] == (303, "/")


async def test_unknown_closed_and_wrong_are_one_answer(house: House) -> None:
    await with_password(house)
    closed = await with_password(house, "gone@acme.example")
    await transact(house.pool, lambda conn: accounts.set_active(conn, closed, False))
    pages = set()
    for email, password in (("pat@acme.example", "wrong"), ("nobody@acme.example", GOOD), ("gone@acme.example", GOOD),
                            ("admin@staff.example", "")):  # fmt: skip
        status, page, _ = await sign_in(house, email, password)
        pages.add((status, page.replace(email, "EMAIL")))
    assert len(pages) == 1
    assert next(iter(pages))[0] == 403


@pytest.mark.parametrize("email", ["pat@acme.example", "nobody@acme.example"])
async def test_guessing_is_stopped_for_an_address_whether_it_has_an_account_or_not(house: House, email: str) -> None:
    await with_password(house)
    for _ in range(accounts.FREE_TRIES):
        assert (await sign_in(house, email, "wrong"))[0] == 403
    status, page, _ = await sign_in(house, email, GOOD)
    assert (status, "Please wait 1 minute" in page) == (429, True)
    house.clock.now += accounts.FIRST_WAIT
    assert (await sign_in(house, email, GOOD))[0] == (303 if email.startswith("pat") else 403)


async def test_guessing_from_one_address_is_stopped(house: House) -> None:
    passed = 0
    while (await sign_in(house, f"p{passed}@acme.example", "wrong"))[0] == 403:
        passed += 1
        assert passed < 60
    assert passed >= 20  # a slow machine gets some of the next minute's


@pytest.mark.parametrize(
    "password",
    ["short", "x" * 201, "password1234", "aaaaaaaaaaaaaaa", "abcdefghijklmno", "pat123456pat", "qwertyqwerty"],
)
async def test_weak_passwords_are_not_taken(house: House, password: str) -> None:
    assert passwords.weakness(password, "pat@acme.example")
    assert passwords.weakness(GOOD, "pat@acme.example") is None
    status, _ = await ask(house, "POST", "/account/password", house.staff, new=password)
    assert status == 422
    assert await house.pool.fetchval("select count(*) from account where password_hash is not null") == 0


async def test_an_unknown_account_takes_as_long_as_a_known_one() -> None:
    known = await passwords.hashed(GOOD)
    assert known.split("$")[:4] == passwords._nobodys.split("$")[:4], "another cost than that of a real password"
    assert not passwords.outdated(passwords._nobodys)
    assert passwords._verify(passwords._nobodys, "nobody has this password"), "not a hash that is computed to its end"
    assert not await passwords.matches(None, "nobody has this password")


async def test_a_new_password_signs_out_everywhere_else(house: House) -> None:
    await with_password(house)
    here, there = await house.sign_in("manager"), await house.sign_in("manager")
    assert (await ask(house, "POST", "/account/password", here, new=GOOD))[0] == 303
    assert (await ask(house, "GET", "/account", here))[0] == 200
    assert (await ask(house, "GET", "/account", there))[0] == 303
    assert (await ask(house, "POST", "/account/password", here, new=GOOD + "2", current="wrong"))[0] == 422
    assert (await ask(house, "POST", "/account/password", here, new=GOOD + "2", current=GOOD))[0] == 303


# ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_cookie_is_for_no_script_and_no_other_site_and_secure_under_https(house: House) -> None:
    await with_password(house)
    form = {"email": "pat@acme.example", "password": GOOD}
    async with house.http.post("/sign-in", data=form, headers=OURS, allow_redirects=False) as answer:
        cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    token = cookie.partition("=")[2].partition(";")[0]
    assert len(token) == 43
    assert await house.pool.fetchval("select count(*) from session where token_hash = $1", token.encode()) == 0


async def test_a_session_ends_when_idle_and_after_a_week_and_a_refresh_is_no_sign_of_life(house: House) -> None:
    for _ in range(14):  # looked at every eleven hours
        assert (await ask(house, "GET", "/account", house.staff))[0] == 200
        house.clock.now += timedelta(hours=11)
    house.clock.now += timedelta(hours=14) + sessions.WHOLE - timedelta(days=7)
    assert (await ask(house, "GET", "/account", house.staff))[0] == 303
    fresh = await house.sign_in()
    house.clock.now += sessions.IDLE - timedelta(minutes=1)
    assert (await ask(house, "GET", "/ops/table", fresh | {"HX-Request": "true"}))[0] == 200
    house.clock.now += timedelta(minutes=2)
    status, _ = await ask(house, "GET", "/ops/table", fresh | {"HX-Request": "true"})
    assert status == 401


async def test_signing_in_makes_a_new_session_and_closes_the_old_one(house: House) -> None:
    await with_password(house)
    before = await house.count("session")
    form = {"email": "pat@acme.example", "password": GOOD}
    async with house.http.post("/sign-in", data=form, headers=house.staff, allow_redirects=False) as answer:
        assert answer.headers["Set-Cookie"].partition(";")[0] != house.staff["Cookie"]
    assert await house.count("session") == before
    assert (await ask(house, "GET", "/account", house.staff))[0] == 303


async def test_signing_out_here_and_everywhere(house: House) -> None:
    one, two, three = [await house.sign_in("ops") for _ in range(3)]
    assert (await ask(house, "POST", "/sign-out", one))[0] == 303
    assert [(await ask(house, "GET", "/account", each))[0] for each in (one, two, three)] == [303, 200, 200]
    assert (await ask(house, "POST", "/sign-out/everywhere", two))[0] == 303
    assert [(await ask(house, "GET", "/account", each))[0] for each in (two, three)] == [303, 303]


async def test_a_change_needs_the_pages_own_token(house: House) -> None:
    lead = await house.lead()
    other = await house.sign_in("ops")
    bare = {name: value for name, value in house.staff.items() if name != "X-CSRF-Token"}
    for path in (f"/leads/{lead}/pause", f"/api/leads/{lead}/pause", "/accounts", "/sign-out/everywhere"):
        assert (await ask(house, "POST", path, bare))[0] == 403
        assert (await ask(house, "POST", path, bare | {"X-CSRF-Token": other["X-CSRF-Token"]}))[0] == 403
    assert house.behind.updates == []
    assert await house.pool.fetchval("select count(*) from audit where action not like 'signed in%'") == 0


# ── accounts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_admin_adds_changes_and_closes_accounts(house: House) -> None:
    status, page = await ask(house, "POST", "/accounts", house.staff, email="New@Acme.example", name="N", role="rep")
    assert status == 200
    link = re.search(r"/sign-in/link/[\w-]{43}", page)
    assert link is not None
    account = await house.pool.fetchval("select id from account where email = 'new@acme.example'")
    async with house.http.post(link[0], headers=OURS, allow_redirects=False) as answer:
        cookie = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
    assert (await ask(house, "GET", "/rep", cookie))[0] == 200
    assert (await ask(house, "POST", f"/accounts/{account}/role", house.staff, role="analyst"))[0] == 303
    assert (await ask(house, "GET", "/rep", cookie))[0] == 403  # at once, not at the next sign-in
    assert (await ask(house, "POST", f"/accounts/{account}/active", house.staff, active="no"))[0] == 303
    assert (await ask(house, "GET", "/account", cookie))[0] == 303
    assert (await ask(house, "POST", f"/accounts/{account}/link", house.staff))[0] == 404
    for wrong in ({"email": "nonsense", "role": "rep"}, {"email": "new@acme.example", "role": "rep"},
                  {"email": "x@acme.example", "role": "king"}):  # fmt: skip
        assert (await ask(house, "POST", "/accounts", house.staff, **wrong))[0] == 422
    rows = await house.pool.fetch("select before, after, status from audit where object = $1 order by id", account)
    assert (rows[0]["before"], rows[0]["after"]["role"]) == (None, "rep")
    changes = [(row["before"]["role"], row["after"]["role"], row["after"]["active"]) for row in rows if row["before"]]
    assert changes[:2] == [("rep", "analyst", True), ("analyst", "analyst", False)]


async def test_the_last_admin_stays(house: House) -> None:
    (admin,) = [row["id"] for row in await house.pool.fetch("select id from account where role = 'admin'")]
    assert (await ask(house, "POST", f"/accounts/{admin}/role", house.staff, role="rep"))[0] == 422
    assert (await ask(house, "POST", f"/accounts/{admin}/active", house.staff, active="no"))[0] == 422
    assert await house.pool.fetchval("select role from account where active") == "admin"


async def test_the_first_link_is_the_admins_until_somebody_has_been_in(house: House) -> None:
    await house.pool.execute("truncate account cascade")
    first = await transact(house.pool, lambda conn: accounts.first_link(conn, house.clock.now))
    second = await transact(house.pool, lambda conn: accounts.first_link(conn, house.clock.now))
    assert first
    assert second
    assert (await ask(house, "POST", f"/sign-in/link/{first}", OURS))[0] == 410  # only the newest
    assert (await ask(house, "POST", f"/sign-in/link/{second}", OURS))[0] == 303
    assert await transact(house.pool, lambda conn: accounts.first_link(conn, house.clock.now)) is None
    assert [tuple(r) for r in await house.pool.fetch("select email, role, password_hash from account")] == [
        (accounts.FIRST_ADMIN, "admin", None)
    ]


# ── the audit ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_change_by_a_person_is_a_line_with_no_words_but_why(house: House) -> None:
    lead, sam = await house.lead(name="Ada Lovelace"), await rep(house.pool)
    headers = await house.sign_in("rep", sam)
    form = {"outcome": "meeting_booked", "note": "her mother is ill", "outcome_id": str(uuid.uuid4())}
    assert (await ask(house, "POST", f"/leads/{lead}/outcome", headers, **form))[0] == 303
    assert (await ask(house, "POST", f"/leads/{lead}/pause", headers, reason="on a walrus hunt"))[0] == 303
    rows = await house.pool.fetch("select * from audit where object = $1 order by id", lead)
    assert [(r["action"], r["role"], r["rep_id"], r["status"]) for r in rows] == [
        ("/leads/{lead_id}/outcome", "rep", sam, 303), ("/leads/{lead_id}/{action}", "rep", sam, 303)]  # fmt: skip
    assert rows[0]["asked"] == {"outcome": "meeting_booked"}
    assert (rows[0]["before"]["plan_stopped"], rows[0]["after"]["plan_stopped"]) == (None, "meeting_booked")
    assert rows[1]["asked"] == {"action": "pause"}
    assert [r["note"] for r in rows] == [None, "on a walrus hunt"]
    # no word of letters a to f alone: ids are full of those
    words = ("lovelace", "mother", "example.com")
    assert not any(word in str([tuple(r) for r in rows]).lower() for word in words)
    _, page = await ask(house, "GET", f"/audit?object={lead}", house.staff)
    assert "meeting_booked" in page
    assert "why: on a walrus hunt" in page


@pytest.mark.parametrize("name", ["pause", "resume", "skip", "call_now", "stop", "change_plan"])
async def test_what_a_machine_changes_in_a_lead_is_a_line_with_why(house: House, name: str) -> None:
    lead, plan = await house.lead(), await house.pool.fetchrow("select id, version from plan")
    body = {"by": "crm", "reason": "the fair was cancelled"}
    if name == "change_plan":
        body |= {"plan_id": plan["id"], "version": plan["version"]}
    assert (await house.call("POST", f"/api/leads/{lead}/{name}", body, house.key))[0] == 200
    (row,) = await house.pool.fetch("select * from audit where object = $1", lead)
    assert (row["account_id"], row["role"], row["object"], row["status"]) == (None, "api key", lead, 200)
    assert (row["action"], row["asked"]["by"], row["note"]) == (f"/api/leads/{{lead_id}}/{name}", "crm", body["reason"])
    assert (await house.call("GET", f"/api/leads/{lead}", headers=house.key))[0] == 200
    assert await house.pool.fetchval("select count(*) from audit where object = $1", lead) == 1, "reading is no change"


async def test_a_reason_that_no_line_can_hold_is_named(house: House) -> None:
    lead = await house.lead()
    status, problem = await house.call("POST", f"/api/leads/{lead}/resume", {"reason": "x" * 81}, house.key)
    assert (status, [error["field"] for error in problem["errors"]]) == (422, ["reason"])
    assert house.behind.updates == []


@pytest.mark.parametrize("name", ["pause", "resume", "skip", "stop"])
async def test_the_page_asks_why(house: House, name: str) -> None:
    lead = await house.lead()
    status, page = await ask(house, "POST", f"/leads/{lead}/{name}", house.staff)
    assert (status, "Please say why" in page) == (422, True)
    assert house.behind.updates == []
    assert (await ask(house, "POST", f"/leads/{lead}/{name}", house.staff, reason="she asked"))[0] == 303
    why = "select note from audit where object = $1 and status = 303"
    assert await house.pool.fetchval(why, lead) == "she asked"


async def test_the_line_stands_before_the_change(house: House) -> None:
    """A process that dies in between leaves a line whose end is not known."""
    lead, seen = await house.lead(), []
    real = house.behind.update

    async def update(*asked: Any, key: str | None) -> Any:
        seen.append(await house.pool.fetchrow("select action, status, request_id from audit where object = $1", lead))
        assert key == update_id(str(seen[0]["request_id"]), "resume"), "or the workflow writes a line of its own"
        return await real(*asked, key=key)

    house.behind.update = update  # type: ignore[method-assign]
    assert (await ask(house, "POST", f"/leads/{lead}/resume", house.staff, reason="she is back"))[0] == 303
    assert tuple(seen[0])[:2] == ("/leads/{lead_id}/{action}", None)


async def test_staff_have_a_name_of_their_own(database_url: str, tmp_path: Path) -> None:
    """As in docker-compose.yml: leads and providers come by the public name, which has no sign-in."""
    staff = "http://127.0.0.1:8082"
    changes = {"public_url": "https://leads.acme.example", "staff_url": staff}
    async with open_house(database_url, tmp_path, **changes) as house:
        local = f"http://127.0.0.1:{house.deps.settings.http_port}"
        admin = {"Host": "127.0.0.1:8082", **await house.sign_in(role="admin")}
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{local}/accounts", headers=admin) as answer:
                assert answer.status == 200
            form = {"email": "new@acme.example", "name": "New", "role": "manager"}
            async with http.post(f"{local}/accounts", headers=admin | {"Origin": staff}, data=form) as answer:
                said = await answer.text()
            assert f"{staff}/sign-in/link/" in said
            assert "leads.acme.example/sign-in" not in said
            async with http.get(f"{local}/accounts", headers=admin | {"Host": "127.0.0.1:8083"}) as answer:
                assert answer.status == 403


def test_every_form_of_ours_sends_the_pages_token() -> None:
    forgotten = []
    for file in (Path(rendering.__file__).parent / "templates").glob("*.html"):
        parts = file.read_text().split('<form method="post"')[1:]
        if file.name not in ("form.html", "sign_in.html", "sign_in_link.html"):  # nobody has signed in there
            forgotten += [file.name for part in parts if "{{ csrf() }}" not in part.partition("</form>")[0]]
    assert forgotten == []
