"""Erasing and giving out a person on the lead's page, and the codec for the Temporal UI."""

import base64
import io
import json
import zipfile
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.converter import WorkflowSerializationContext

from speedlead.cadence_errors import LeadUnavailable
from speedlead.payload_codec import LeadCiphers, LeadCodec
from speedlead.payloads import keys_of
from speedlead.store.lead_keys import salts_in
from tests.gateway.house import PHONE, House


async def post(house: House, path: str, headers: dict[str, str] | None = None, **fields: str) -> tuple[int, str]:
    async with house.http.post(path, data=fields, headers=headers or house.staff) as answer:
        return answer.status, await answer.text()


async def get(house: House, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    async with house.http.get(path, headers=headers or house.staff) as answer:
        return answer.status, await answer.read()


async def a_lead(house: House) -> str:
    return await house.lead(name="Zebedee", email="zeb@zebra.example", phone=PHONE, message="stripes")


async def test_what_would_go_is_shown_and_nothing_goes_without_the_tick(house: House) -> None:
    lead = await a_lead(house)
    status, page = await get(house, f"/leads/{lead}/erase")
    assert (status, b"What you asked us" in page) == (200, True)
    status, text = await post(house, f"/leads/{lead}/erase")
    assert (status, "tick the box" in text) == (422, True)
    assert await house.pool.fetchval("select name from person") == "Zebedee"


async def test_the_tick_erases_ends_the_lead_and_names_nobody_in_the_audit(house: House) -> None:
    lead = await a_lead(house)
    status, text = await post(house, f"/leads/{lead}/erase", sure="yes")
    assert (status, "Erased." in text) == (200, True)
    assert [(name, body["reason"]) for _, name, body in house.behind.updates] == [("stop", "erased")]
    assert house.behind.forgotten == [lead]
    assert await house.pool.fetchval("select name is null and erased_wall is not null from person")
    assert await house.pool.fetchval("select close_reason from lead") == "erased"
    line = await house.pool.fetchrow("select * from audit order by id desc limit 1")
    assert (line["action"], line["object"], line["status"]) == ("/leads/{lead_id}/erase", lead, 200)
    assert "zeb" not in str(dict(line)).lower()
    # the pages of a lead without a person
    for path in (f"/leads/{lead}", f"/leads/{lead}/erase", "/ops", "/ops/leads", "/rep"):
        status, page = await get(house, path)
        assert (status, b"zeb" in page.lower()) == (200, False), path


async def test_without_temporal_nothing_is_erased_and_the_page_says_so(house: House) -> None:
    lead = await a_lead(house)
    house.behind.fail = LeadUnavailable("Temporal does not answer")
    status, text = await post(house, f"/leads/{lead}/erase", sure="yes")
    assert (status, "Nothing was erased; try again" in text) == (422, True)
    assert await house.pool.fetchval("select name from person") == "Zebedee"


async def test_a_manager_may_not(house: House) -> None:
    lead, manager = await a_lead(house), await house.sign_in("manager")
    assert (await get(house, f"/leads/{lead}/erase", manager))[0] == 403
    assert (await post(house, f"/leads/{lead}/erase", manager, sure="yes"))[0] == 403
    assert (await get(house, f"/leads/{lead}/export", manager))[0] == 403
    assert b"Erase this person" not in (await get(house, f"/leads/{lead}", manager))[1]


async def test_the_export_has_everything_to_read_and_for_programs(house: House) -> None:
    lead = await a_lead(house)
    await house.twilio("/webhooks/twilio/sms/inbound", MessageSid="SM" + "1" * 32, From=PHONE, Body="Ring me <b>")
    status, body = await get(house, f"/leads/{lead}/export")
    assert status == 200
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        data, page = json.loads(archive.read("data.json")), archive.read("read-me.html").decode()
    tables = data["tables"]
    assert tables["person"]["rows"][0]["name"] == "Zebedee"
    assert tables["inquiry"]["rows"][0]["message"] == "stripes"
    assert tables["reply"]["rows"][0]["body"] == "Ring me <b>"
    assert "webhook" not in tables  # it may name others too
    assert "fingerprint" not in tables["inquiry"]["rows"][0]
    for text in ("Zebedee", "zeb@zebra.example", PHONE, "stripes", "Ring me &lt;b&gt;", "What you wrote to us"):
        assert text in page
    assert await house.pool.fetchval("select object from audit where action = '/leads/{lead_id}/export'") == lead


# ── the codec ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def sealed(house: House, lead: str) -> dict[str, Any]:
    """A payload of the lead as JSON, as the UI has it."""
    ciphers = LeadCiphers(keys_of(house.deps.settings, house.credentials), salts_in(house.pool))
    codec = LeadCodec(ciphers).with_context(WorkflowSerializationContext("default", f"lead-{lead}"))
    [payload] = await codec.encode([Payload(metadata={"encoding": b"json/plain"}, data=b'"typed by a manager"')])
    metadata = {name: base64.b64encode(value).decode() for name, value in payload.metadata.items()}
    return {"payloads": [{"metadata": metadata, "data": base64.b64encode(payload.data).decode()}]}


def ui(house: House) -> str:
    return f"http://127.0.0.1:{house.deps.settings.temporal_ui_port}"


async def ask(
    house: House, headers: dict[str, str], body: Any, path: str = "/codec/decode?preserveStorageRefs=true"
) -> tuple[int, Any, str | None]:
    async with house.http.post(path, json=body, headers=headers | {"X-Namespace": "default"}) as answer:
        return answer.status, await answer.json(content_type=None), answer.headers.get("Access-Control-Allow-Origin")


async def test_the_ui_of_somebody_who_runs_the_house_reads_and_it_is_audited(house: House) -> None:
    lead = await a_lead(house)
    body, cookie = await sealed(house, lead), {"Cookie": (await house.sign_in("ops"))["Cookie"]}
    status, answer, allowed = await ask(house, cookie | {"Origin": ui(house)}, body)
    assert (status, allowed) == (200, ui(house))
    assert base64.b64decode(answer["payloads"][0]["data"]) == b'"typed by a manager"'
    line = await house.pool.fetchrow("select * from audit order by id desc limit 1")
    assert (line["action"], line["role"], line["object"], line["status"]) == ("/codec/decode", "ops", lead, 200)
    assert line["asked"] == {"payloads": 1}
    status, answer, _ = await ask(house, house.key, body)
    assert status == 200


async def test_what_the_ui_sends_is_encrypted_and_read_again(house: House) -> None:
    plain = {"payloads": [{"metadata": {"encoding": base64.b64encode(b"json/plain").decode()}, "data": "Inoi"}]}
    status, answer, _ = await ask(house, house.key, plain, "/codec/encode")
    assert status == 200
    assert base64.b64decode(answer["payloads"][0]["metadata"]["encoding"]) == b"binary/encrypted"
    assert (await ask(house, house.key, answer))[1] == plain


async def test_a_query_without_input_is_a_batch_of_none(house: House) -> None:
    for path in ("/codec/encode", "/codec/decode"):
        assert (await ask(house, house.key, {}, path))[:2] == (200, {})


async def test_everybody_else_is_refused(house: House) -> None:
    body = await sealed(house, await a_lead(house))
    ops, rep = (await house.sign_in("ops"))["Cookie"], (await house.sign_in("manager"))["Cookie"]
    assert (await ask(house, {"Origin": ui(house)}, body))[0] == 401
    assert (await ask(house, {"Origin": ui(house), "Cookie": rep}, body))[0] == 403
    # another site cannot use the cookie, nor read the answer
    status, _, allowed = await ask(house, {"Origin": "https://elsewhere.example", "Cookie": ops}, body)
    assert (status, allowed) == (403, None)
    # nor can a form post without an origin
    assert (await ask(house, {"Cookie": ops}, body))[0] == 401
    assert (await ask(house, {"X-Api-Key": "wrong"}, body))[0] == 401


async def test_the_browser_is_told_before_that_the_ui_may_ask(house: House) -> None:
    for origin, expected in ((ui(house), 204), ("https://elsewhere.example", 403)):
        async with house.http.options("/codec/decode", headers={"Origin": origin}) as answer:
            assert answer.status == expected
            if expected == 204:
                assert "x-namespace" in answer.headers["Access-Control-Allow-Headers"]
                assert answer.headers["Access-Control-Allow-Credentials"] == "true"


async def test_bad_bodies_and_missing_keys_are_named(house: House) -> None:
    body = await sealed(house, await a_lead(house))
    body["payloads"][0]["metadata"]["key-id"] = base64.b64encode(b"k9").decode()
    status, answer, _ = await ask(house, house.key, body)
    assert status == 422
    assert "'k9' is not in SPEEDLEAD_PAYLOAD_KEYS" in answer["detail"]
    for wrong in ([], {"payloads": 3}, {"payloads": [3]}, {"payload": []}, "x"):
        assert (await ask(house, house.key, wrong))[0] == 422
