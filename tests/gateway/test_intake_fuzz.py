"""Whatever is posted: a clear answer or a stored inquiry, never an error of ours, and nothing that rows refuse."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway.house import House, open_house

FINE = {200, 202, 303, 400, 413, 415, 422, 429}
FIELDS = (
    "name email phone company message intent source country postcode tz consent_sms consent_call consent_text "
    "utm_source utm_medium gclid website redirect extra"
).split()

# text with everything: NUL, halves of characters, emoji, right to left, direction marks, combining marks
texts = st.text(st.characters(), max_size=60) | st.sampled_from([
    "", " ", "\x00", "\ud800", "a\x00b", "👩‍👩‍👧‍👦", "שלום עולם", "\u202egro.elpmaxe", "é" * 500, "x" * 70_000,
    "ada@example.com", "+1 415 555 2671", "true", "on", "demo_request", "US", "America/New_York", "00" * 40, "٣٤",
    "ada@münchen.example", '"a b"@example.com', "ada@[127.0.0.1]", "1e400", "-1", "0x10", "javascript:alert(1)",
    "/x", "//x", "{{7*7}}", "'; drop table lead; --",
])  # fmt: skip
names = st.sampled_from(FIELDS) | texts
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
types = st.sampled_from([
    "application/json", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-16",
    "application/x-www-form-urlencoded; charset=utf-7", "multipart/form-data", "multipart/form-data; boundary=",
    "multipart/form-data; boundary=b; charset=utf-7", "multipart/form-data; boundary=b; charset=unicode_escape",
    "multipart/form-data; boundary=b; charset=utf-16", "multipart/form-data; boundary=b; charset=no-such", "text/plain",
    "multipart/form-data; boundary=b; charset=idna", "", "x",
])  # fmt: skip
EXAMPLES = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
Post = Callable[..., tuple[int, str]]


@pytest_asyncio.fixture
async def open_doors(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """A gateway that counts nobody's requests."""
    async with open_house(
        database_url, tmp_path, intake_rate_per_minute_address=10**6, intake_rate_per_minute_key=10**6
    ) as house:
        yield house


async def send(house: House, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    try:
        async with house.http.post(path, data=body, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.text()
    except aiohttp.ClientConnectionError:
        return 413, ""  # closed while a body that is too long was still being sent


def posting(house: House, loop: asyncio.AbstractEventLoop) -> Post:
    def post(path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        work: Coroutine[Any, Any, tuple[int, str]] = send(house, path, body, headers)
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    return post


async def run(house: House, work: Callable[[Post], None]) -> None:
    """Hypothesis runs its examples in a thread; the requests go out from this loop."""
    loop = asyncio.get_running_loop()
    await asyncio.to_thread(work, posting(house, loop))
    assert "speedlead_bugs_total 0\n" in house.app.state.context.counters.text()


def as_multipart(pairs: list[tuple[str, str]]) -> bytes:
    parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in pairs]
    return ("".join(parts) + "--b--\r\n").encode("utf-8", "surrogatepass")


async def test_any_json_gets_a_clear_answer(open_doors: House) -> None:
    @EXAMPLES
    @given(st.dictionaries(names, values, max_size=12), st.booleans())
    def work(post: Post, body: dict[str, Any], reachable: bool) -> None:
        fields = body | ({"email": "ada@example.com"} if reachable else {})
        status, text = post("/api/leads", json.dumps(fields).encode(), open_doors.key)
        assert status in FINE, text

    await run(open_doors, lambda post: work(post))


async def test_any_form_gets_a_clear_answer(open_doors: House) -> None:
    @EXAMPLES
    @given(st.lists(st.tuples(names, texts), max_size=20), types, st.booleans(), st.binary(max_size=40))
    def work(post: Post, pairs: list[tuple[str, str]], kind: str, multipart: bool, rest: bytes) -> None:
        body = as_multipart(pairs) if multipart else urlencode(pairs, errors="surrogatepass").encode()
        status, text = post("/f/demo", body + rest, {"Content-Type": kind})
        assert status in FINE, text

    await run(open_doors, lambda post: work(post))


@pytest.mark.parametrize(
    ("key", "status"),
    [("", 202), ("   ", 202), ("\xfc", 202), ("k" * 200, 202), ("k" * 201, 422), ("k" * 7000, 422)],
)
async def test_odd_idempotency_keys(open_doors: House, key: str, status: int) -> None:
    answers = [await open_doors.post_lead({"Idempotency-Key": key}, email=f"a{n}@example.com") for n in range(2)]
    assert {found for found, _ in answers} == {status}
    # an empty key is none: two different people
    assert await open_doors.count("lead") == (0 if status == 422 else 2 if not key.strip() else 1)


async def test_names_of_every_script_are_kept_and_tricks_are_taken_out(open_doors: House) -> None:
    await open_doors.lead(name="שלום \u202eעולם\x00 👩‍👩‍👧", message="a\x00b\u2066c\n\n\n\n\n\nd")
    row: Any = await open_doors.pool.fetchrow(
        "select p.name, i.message from person p join inquiry i on i.person_id = p.id"
    )
    assert (row["name"], row["message"]) == ("שלום עולם 👩‍👩‍👧", "abc\n\n\nd")


async def test_a_thousand_extra_fields(open_doors: House) -> None:
    extra: dict[str, Any] = {f"x{n}": str(n) for n in range(1000)}
    await open_doors.lead(**extra)
    (kept,) = [row["fields"] for row in await open_doors.pool.fetch("select fields from inquiry")]
    assert (len(kept), kept["fields_dropped"]) == (41, 960)
    status, page, _ = await open_doors.post_form(email="b@example.com", **extra)
    assert status == 400
    assert "at most 300 fields" in page


async def test_of_a_field_sent_twice_the_last_counts_and_a_body_of_64_kb_is_taken(open_doors: House) -> None:
    pairs = [("email", "a@example.com"), ("email", "b@example.com"), ("consent_sms", "false"), ("consent_sms", "on")]
    body = urlencode([*pairs, ("tag", "x"), ("tag", "y"), ("padding", "")]).encode()
    body += b"p" * (65_536 - len(body))
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await send(open_doors, "/f/demo", body, kind))[0] == 200
    assert (await send(open_doors, "/f/demo", body + b"p", kind))[0] == 413
    row: Any = await open_doors.pool.fetchrow("select email, consent_sms, fields from inquiry")
    assert (row["email"], row["consent_sms"]) == ("b@example.com", True)
    assert row["fields"] == {"tag": ["x", "y"], "fields_dropped": 1}


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape", "utf-16", "idna", "hex", "no-such"])
async def test_decoders_that_make_other_text_are_refused(open_doors: House, charset: str) -> None:
    body = as_multipart([("email", "a@example.com"), ("name", "+2AA-"), ("note", "\\ud800")])
    kind = {"Content-Type": f"multipart/form-data; boundary=b; charset={charset}"}
    assert (await send(open_doors, "/f/demo", body, kind))[0] == 415
    assert await open_doors.count("lead") == 0


async def test_control_characters_in_a_request_to_a_running_lead_are_taken_out(open_doors: House) -> None:
    lead_id = await open_doors.lead()
    status, _ = await open_doors.call("POST", f"/api/leads/{lead_id}/stop", {"reason": "du\x00pli\ud800cate"})
    assert status == 200
    assert open_doors.behind.updates[-1][2]["reason"] == "duplicate"
    for note, answer in (("a\x00b", 202), ("\ud800", 422)):
        body = {"outcome": "qualified", "note": note}
        assert (await open_doors.call("POST", f"/api/leads/{lead_id}/outcomes", body))[0] == answer
    odd = {"outcome": "qualified", "touch_id": "a\x00"}
    assert (await open_doors.call("POST", f"/api/leads/{lead_id}/outcomes", odd))[0] == 422
