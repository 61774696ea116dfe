"""A stand-in for HubSpot's API, as its reference describes it (developers.hubspot.com/docs/api-reference).

Contacts are found by id, by a property of unique values and by e-mail address; activities are upserted; errors have
their shapes: `category` and `message`, 207 with `numErrors` for a batch, `policyName` of a limit, a list in the message
of VALIDATION_ERROR, scopes in the context of MISSING_SCOPES.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

TOKEN = "pat-na1-00000000-0000-0000-0000-000000000000"
STATUSES = ("NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING")
ACTIVITIES = ("calls", "emails", "communications", "notes")
GROUPS = {"contacts": "contactinformation", **{kind: kind.removesuffix("s") for kind in ACTIVITIES}}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}")


class Told(Exception):
    def __init__(self, status: int, category: str, message: str, **more: Any) -> None:
        self.status = status
        self.body = {"status": "error", "message": message, "correlationId": "a43683b0", "category": category, **more}


@dataclass
class HubSpotStandIn:
    """`objects`: kind -> id -> properties. `before`: asked at each request, and may answer in our place."""

    url: str = ""
    objects: dict[str, dict[str, dict[str, str]]] = field(
        default_factory=lambda: {kind: {} for kind in ("contacts", *ACTIVITIES)}
    )
    unique: dict[str, set[str]] = field(
        default_factory=lambda: {
            "contacts": {"speedlead_person_id"}, **{kind: {"speedlead_event_id"} for kind in ACTIVITIES}
        }
    )  # fmt: skip
    owners: dict[str, str] = field(default_factory=lambda: {"501": "sam@acme.example", "502": "dana@acme.example"})
    tied: set[tuple[str, str, str]] = field(default_factory=set)
    merged: dict[str, str] = field(default_factory=dict)
    erased: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    before: Callable[[str, str], web.Response | None] = lambda method, path: None
    modified: int = 0

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", self._answer)
        return app

    def contact(self, **properties: str) -> str:
        """Somebody over there writes one."""
        return self._write("contacts", str(1000 + len(self.objects["contacts"])), properties)

    def change(self, contact: str, **properties: str) -> None:
        self._write("contacts", contact, properties)

    def _write(self, kind: str, key: str, properties: dict[str, str]) -> str:
        self.modified += 1
        # a search is by this, and each change is later than the one before
        at = datetime.fromtimestamp(datetime.now(UTC).timestamp() + self.modified / 1000, UTC)
        stamp = {"lastmodifieddate": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
        self.objects[kind].setdefault(key, {}).update({**properties, **stamp})
        return key

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path}")
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _error(Told(401, "INVALID_AUTHENTICATION", "Authentication credentials not found."))
        if (early := self.before(request.method, request.path)) is not None:
            return early
        path = re.sub(r"^/crm/(?:(objects|owners|properties)/2026-03|v[34]/(objects|owners|properties))",
                      lambda found: "/" + (found[1] or found[2]), request.path)  # fmt: skip
        raw = await request.read()
        try:
            return self._route(request, path.strip("/").split("/"), json.loads(raw) if raw else {})
        except Told as told:
            return _error(told)

    def _route(self, request: web.Request, path: list[str], body: Any) -> web.Response:  # noqa: C901
        match request.method, *path:
            case "GET", "owners":
                wanted = request.query.get("email")
                found = [{"id": key, "email": email, "archived": False} for key, email in self.owners.items()
                         if wanted in (None, email)]  # fmt: skip
                return web.json_response({"results": found})
            case "GET", "owners", key:
                if key not in self.owners:
                    raise Told(404, "OBJECT_NOT_FOUND", "Resource not found")
                return web.json_response({"id": key, "email": self.owners[key], "archived": False})
            case "GET", "properties", kind, name:
                if name == "hs_lead_status":
                    return web.json_response({"name": name, "options": [{"value": one} for one in STATUSES]})
                if name in ("email", "hs_timestamp"):
                    return web.json_response({"name": name, "groupName": GROUPS[kind]})
                if name not in self.unique[kind]:
                    raise Told(404, "OBJECT_NOT_FOUND", f"Property {name} does not exist")
                return web.json_response({"name": name, "hasUniqueValue": True})
            case "POST", "properties", kind:
                assert body["hasUniqueValue"], body
                if body["groupName"] != GROUPS[kind]:
                    raise Told(400, "VALIDATION_ERROR", f"Property group {body['groupName']} does not exist")
                self.unique[kind].add(body["name"])
                return web.json_response(body, status=201)
            case "POST", "objects", "contacts", "search":
                return self._search(body)
            case "POST", "objects", "contacts", "gdpr-delete":
                self.erased.append(body["objectId"])
                self.objects["contacts"].pop(self._there(body["objectId"]))
                return web.Response(status=204)
            case "POST", "objects", kind, "batch", "upsert":
                return self._upsert(kind, body["inputs"])
            case "POST", "objects", "contacts", "batch", "read":
                return self._read(body["inputs"])
            case "PATCH", "objects", "contacts", key:
                key = self._there(key)
                self._checked("contacts", key, body["properties"])
                return web.json_response(self._shown("contacts", self._write("contacts", key, body["properties"])))
            case "GET", "objects", "contacts", key:
                name = request.query.get("idProperty")
                key = self._by("contacts", name, key) if name else self._there(key)
                return web.json_response(self._shown("contacts", key))
            case "PUT", "objects", kind, key, "associations", "default", "contacts", contact:
                assert key in self.objects[kind]
                self.tied.add((kind, key, self._there(contact)))
                return web.json_response({"status": "COMPLETE", "results": []})
        raise AssertionError(f"{request.method} {request.path}: no such endpoint")

    def _there(self, key: str) -> str:
        key = self.merged.get(key, key)
        if key not in self.objects["contacts"]:
            raise Told(404, "OBJECT_NOT_FOUND", "resource not found")
        return key

    def _by(self, kind: str, name: str, value: str) -> str:
        assert name in self.unique[kind], "Unable to perform update/upsert by non-unique property"
        found = [key for key, properties in self.objects[kind].items() if properties.get(name) == value]
        if not found:
            raise Told(404, "OBJECT_NOT_FOUND", "resource not found")
        return found[0]

    def _checked(self, kind: str, key: str | None, properties: dict[str, str]) -> None:
        status = properties.get("hs_lead_status")
        faults = [("hs_lead_status", "INVALID_OPTION")] if status and status not in STATUSES else []
        email = properties.get("email")
        if email and not _EMAIL.fullmatch(email):
            faults.append(("email", "INVALID_EMAIL"))
        if faults:
            listed = [{"isValid": False, "message": f"{properties[name]} was not valid", "error": code, "name": name}
                      for name, code in faults]  # fmt: skip
            text = json.dumps(listed, separators=(",", ":"))
            raise Told(400, "VALIDATION_ERROR", f"Property values were not valid: {text}")
        taken = [other for other, there in self.objects[kind].items()
                 if kind == "contacts" and email and there.get("email") == email and other != key]  # fmt: skip
        if taken:
            raise Told(409, "OBJECT_ALREADY_EXISTS", f"Contact already exists. Existing ID: {taken[0]}")

    def _upsert(self, kind: str, inputs: list[dict[str, Any]]) -> web.Response:
        results, errors = [], []
        for one in inputs:
            try:
                key: str | None = self._by(kind, one["idProperty"], one["id"])
            except Told:
                key = None
            try:
                self._checked(kind, key, one["properties"])
            except Told as told:
                errors.append(told.body)
                continue
            new = key or str(10_000 + sum(map(len, self.objects.values())))
            self._write(kind, new, {one["idProperty"]: one["id"], **one["properties"]})
            results.append({**self._shown(kind, new), "new": key is None})
        more = {"errors": errors, "numErrors": len(errors)} if errors else {}
        return web.json_response({"status": "COMPLETE", "results": results, **more}, status=207 if errors else 200)

    def _read(self, inputs: list[dict[str, str]]) -> web.Response:
        there = [self.merged.get(one["id"], one["id"]) for one in inputs]
        results = [self._shown("contacts", key) for key in there if key in self.objects["contacts"]]
        missing = [key for key in there if key not in self.objects["contacts"]]
        text = "Could not get some CONTACT objects, they may be deleted or not exist."
        error = {"status": "error", "category": "OBJECT_NOT_FOUND", "context": {"ids": missing}, "message": text}
        more = {"numErrors": 1, "errors": [error]} if missing else {}
        return web.json_response({"status": "COMPLETE", "results": results, **more}, status=207 if missing else 200)

    def _search(self, asked: dict[str, Any]) -> web.Response:
        """Two at a time, whatever was asked, so that pages are turned."""
        ours, since = asked["filterGroups"][0]["filters"]
        assert (ours["operator"], since["operator"], asked["sorts"][0]["direction"]) == (
            "HAS_PROPERTY",
            "GTE",
            "ASCENDING",
        )
        found = sorted(
            (properties["lastmodifieddate"], key) for key, properties in self.objects["contacts"].items()
            if properties.get(ours["propertyName"])
            and datetime.fromisoformat(properties["lastmodifieddate"]).timestamp() * 1000 >= int(since["value"])
        )  # fmt: skip
        start = int(asked.get("after", 0))
        page = [self._shown("contacts", key) for _, key in found[start : start + 2]]
        more = {"paging": {"next": {"after": str(start + 2)}}} if start + 2 < len(found) else {}
        return web.json_response({"total": len(found), "results": page, **more})

    def _shown(self, kind: str, key: str) -> dict[str, Any]:
        return {"id": key, "properties": self.objects[kind][key], "archived": False}


def _error(told: Told) -> web.Response:
    return web.json_response(told.body, status=told.status)
