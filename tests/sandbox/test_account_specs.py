"""The look-ups of `speedlead doctor --live` and the sandbox's answers to them, judged by the providers' own documents.

The documents are third-party data and are not kept here; what covers these paths is `twilio_api_v2010.json`,
`twilio_messaging_v1.json`, `twilio_voice_v1.json` of twilio-oai and `tsg_*_v3.json` of sendgrid-oai.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from speedlead.credentials import load_or_create
from speedlead.doctor_live import checks
from speedlead.sandbox import server
from tests.servers import local_settings

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("TESTS_OPENAPI_DIR") or ROOT.parent / "shared" / "data" / "openapi")
DOCUMENTS = (
    "twilio_api_v2010.json", "twilio_messaging_v1.json", "twilio_voice_v1.json", "tsg_scopes_v3.json",
    "tsg_domain_authentication_v3.json", "tsg_verified_senders_v3.json", "tsg_webhooks_v3.json",
    "tsg_tracking_settings_v3.json",
)  # fmt: skip
# path, query and answer of one look-up
Exchange = tuple[str, dict[str, str], Any]


def operations(document: dict[str, Any], path: str) -> list[dict[str, Any]]:
    """The GETs whose path fits; one without a variable comes first."""
    fits = [
        (template.count("{"), item["get"])
        for template, item in document["paths"].items()
        if "get" in item and re.fullmatch(re.sub(r"\\\{\w+\\\}", r"[^/]+?", re.escape(template)), path)
    ]
    return [operation for _, operation in sorted(fits, key=lambda fit: fit[0])]


def resolved(document: dict[str, Any], node: Any) -> Any:
    while isinstance(node, dict) and "$ref" in node:
        target: Any = document
        for part in node["$ref"][2:].split("/"):
            target = target[part]
        node = target
    return node


def faults(document: dict[str, Any], schema: Any, value: Any, where: str) -> list[str]:
    """Fields that the document does not know, lacks, or types otherwise; deep."""
    schema = resolved(document, schema)
    for part in schema.get("allOf", []):
        part = resolved(document, part)
        schema = {**schema, "properties": {**schema.get("properties", {}), **part.get("properties", {})},
                  "required": [*schema.get("required", []), *part.get("required", [])]}  # fmt: skip
    if value is None:
        return [] if schema.get("nullable") or "null" in str(schema.get("type")) else [f"{where}: null"]
    kinds = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict}
    named = schema.get("type")
    if isinstance(named, str) and not isinstance(value, kinds[named]):  # type: ignore[arg-type]
        return [f"{where}: {type(value).__name__}, documented as {named}"]
    if schema.get("enum") and value not in schema["enum"]:
        return [f"{where}: {value} is not in {schema['enum']}"]
    if isinstance(value, list) and "items" in schema:
        return [
            fault for n, item in enumerate(value) for fault in faults(document, schema["items"], item, f"{where}.{n}")
        ]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    known = schema["properties"]
    found = [f"{where}.{name}: not documented" for name in value if name not in known]
    found += [f"{where}.{name}: missing" for name in schema.get("required", []) if name not in value]
    for name, item in value.items():
        found += faults(document, known[name], item, f"{where}.{name}") if name in known else []
    return found


@pytest.fixture(scope="module")
def documents() -> dict[str, dict[str, Any]]:
    there = {name: json.loads((FOLDER / name).read_text()) for name in DOCUMENTS if (FOLDER / name).is_file()}
    if not there:
        pytest.skip(f"none of the providers' OpenAPI documents of accounts is in {FOLDER} (TESTS_OPENAPI_DIR)")
    return there


@pytest.fixture
async def exchanges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Exchange]:
    """Every look-up of one run with its answer: a toll-free and a US number, a service, all lists filled."""
    taken: list[Exchange] = []

    @web.middleware
    async def note(request: web.Request, handler: Any) -> web.StreamResponse:
        answer: web.Response = await handler(request)
        if request.path.startswith(("/2010-04-01/", "/v1/", "/v3/")):
            taken.append((request.path, dict(request.query), json.loads(answer.body)))  # type: ignore[arg-type]
        return answer

    monkeypatch.setattr(server, "guard", note)
    settings = local_settings(tmp_path, twilio_from="+18885550123", sendgrid_reply_domain="reply.speedlead.example")
    async with server.serving(settings, load_or_create(tmp_path)):
        account = {"service_numbers": ["+18885550123", "+14155552671"], "sender_names": ["ACME"], "domain": "a.example",
                   "caller_ids": ["+18885550123"], "verified_senders": ["hello@speedlead.example"]}  # fmt: skip
        for also in ({}, {"numbers": []}):
            async with aiohttp.ClientSession() as http:
                await (await http.put(f"{settings.sandbox_url}/api/account", json=account | also)).read()
            assert [check.what async for check in checks(settings)]
    return taken


async def test_look_ups_and_answers_fit_the_documents(
    exchanges: list[Exchange], documents: dict[str, dict[str, Any]]
) -> None:
    judged: set[str] = set()
    wrong: list[str] = []
    for path, query, answer in exchanges:
        for document in documents.values():
            for operation in operations(document, path)[:1]:
                judged.add(path)
                parameters = [resolved(document, node) for node in operation.get("parameters", [])]
                wrong += [f"{path}?{name}" for name in query if name not in {p["name"] for p in parameters}]
                content = resolved(document, operation["responses"]["200"])["content"]
                schema = next(iter(content.values()))["schema"]
                wrong += faults(document, schema, answer, path)
    assert wrong == []
    if set(documents) == set(DOCUMENTS):
        assert judged == {path for path, _, _ in exchanges}
        assert len(judged) >= 18


def test_an_undocumented_field_is_found() -> None:
    item = {"type": "object", "properties": {"c": {"type": "boolean"}}}
    known = {"a": {"type": "string"}, "b": {"type": "array", "items": item}}
    schema = {"type": "object", "required": ["a"], "properties": known}
    assert faults({}, schema, {"b": [{"c": "yes", "d": 1}]}, "x") == [
        "x.a: missing", "x.b.0.d: not documented", "x.b.0.c: str, documented as boolean",
    ]  # fmt: skip
