"""A stand-in for Salesforce's REST API, as its developer guide describes it.

Upsert by an external id (201 and 200 with `id` and `created`), rows (PATCH 204), the few queries that are asked, with
`queryAll` for deleted ones; errors are a list of `errorCode`, `message`, `fields`. The token endpoint checks a JWT with
another library than ours.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from aiohttp import web

CLIENT, SECRET, USER = "3MVG9consumer", "a consumer's secret", "speedlead@acme.example"
STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")
_WHERE = re.compile(r"(\w+) (=|>=|!=|IN) ('(?:[^'\\]|\\.)*'|\([^)]*\)|[\w.:-]+)")


class Told(Exception):
    def __init__(self, status: int, code: str, message: str, fields: tuple[str, ...] = ()) -> None:
        self.status, self.body = status, [{"message": message, "errorCode": code, "fields": list(fields)}]


@dataclass
class SalesforceStandIn:
    """`leads`, `tasks`: id -> fields. `public_key`: whose JWT is believed; `tokens`: those that are valid.

    `refuses`: what the write to a lead is told.
    """

    url: str = ""
    leads: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    users: dict[str, str] = field(
        default_factory=lambda: {"005SAM": "sam@acme.example", "005DANA": "dana@acme.example"}
    )
    public_key: str = ""
    tokens: list[str] = field(default_factory=list)
    issued: int = 0
    lacks: set[str] = field(default_factory=set)
    limit: bool = False
    refuses: tuple[str, str] | None = None
    asked: list[str] = field(default_factory=list)
    modified: int = 0

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/services/oauth2/token", self._token)
        app.router.add_route("*", "/services/data/v62.0/{rest:.*}", self._answer)
        return app

    def change(self, key: str, **fields: Any) -> None:
        self.modified += 1
        at = datetime.now(UTC) + timedelta(milliseconds=self.modified)
        self.leads[key].update(
            fields, SystemModstamp=at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}+0000"
        )

    def lead_of(self, ours: str) -> str:
        return next(key for key, row in self.leads.items() if row["SpeedleadId__c"] == ours)

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form["grant_type"] == "client_credentials":
            good = (form["client_id"], form["client_secret"]) == (CLIENT, SECRET)
        else:
            said = jwt.decode(
                str(form["assertion"]), self.public_key, ["RS256"], audience="https://login.salesforce.com"
            )
            good = (said["iss"], said["sub"]) == (CLIENT, USER)
        if not good:
            return web.json_response(
                {"error": "invalid_client", "error_description": "invalid client credentials"}, status=400
            )
        self.issued += 1
        self.tokens.append(f"00Dxx0000001gPL!{self.issued}")
        return web.json_response({"access_token": self.tokens[-1], "instance_url": self.url, "token_type": "Bearer"})

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        raw = await request.read()
        try:
            if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
                raise Told(401, "INVALID_SESSION_ID", "Session expired or invalid")
            if self.limit:
                raise Told(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
            return self._route(request, request.match_info["rest"].split("/"), json.loads(raw) if raw else {})
        except Told as told:
            return web.json_response(told.body, status=told.status)

    def _route(self, request: web.Request, path: list[str], body: dict[str, Any]) -> web.Response:
        match request.method, *path:
            case "GET", "limits":
                return web.json_response({"DailyApiRequests": {"Max": 15000, "Remaining": 14998}})
            case "GET", ("query" | "queryAll") as which:
                return self._query(request.query["q"], every=which == "queryAll")
            case "GET", "sobjects", what, "describe":
                return web.json_response({"name": what, "fields": self._fields(what)})
            case "PATCH", "sobjects", "Task", "SpeedleadEventId__c", ours:
                self._checked("Task", body)
                return self._upsert(self.tasks, "00T", "SpeedleadEventId__c", ours, body)
            case "PATCH", "sobjects", "Lead", "SpeedleadId__c", ours:
                self._checked("Lead", body)
                there = [
                    key for key, row in self.leads.items() if row["SpeedleadId__c"] == ours and not row["IsDeleted"]
                ]
                if there and self.leads[there[0]]["IsConverted"]:
                    raise Told(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
                return self._upsert(self.leads, "00Q", "SpeedleadId__c", ours, body)
            case "PATCH", "sobjects", "Lead", key:
                row = self._there(key)
                if self.refuses:
                    raise Told(400, *self.refuses)
                self._checked("Lead", body)
                if row["IsConverted"]:
                    raise Told(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
                self.change(key, **body)
                return web.Response(status=204)
            case "DELETE", "sobjects", "Lead", key:
                self._there(key)
                self.change(key, IsDeleted=True)
                return web.Response(status=204)
        raise AssertionError(f"{request.method} {request.path}: no such resource")

    def _there(self, key: str) -> dict[str, Any]:
        if key not in self.leads or self.leads[key]["IsDeleted"]:
            raise Told(404, "ENTITY_IS_DELETED", "entity is deleted")
        return self.leads[key]

    def _checked(self, what: str, fields: dict[str, Any]) -> None:
        for name in fields:
            if name in self.lacks:
                raise Told(
                    400,
                    "INVALID_FIELD_FOR_INSERT_UPDATE",
                    f"Unable to create/update fields: {name}. Please check the security settings of this field.",
                    (name,),
                )
        if what == "Lead" and fields.get("Email") and not re.fullmatch(r"\S+@\S+\.\w+", fields["Email"]):
            raise Told(400, "INVALID_EMAIL_ADDRESS", f"Email: invalid email address: {fields['Email']}", ("Email",))

    def _upsert(
        self, rows: dict[str, dict[str, Any]], prefix: str, field_: str, ours: str, body: dict[str, Any]
    ) -> web.Response:
        assert field_ not in body, "The external ID field may not be in the body"
        there = [key for key, row in rows.items() if row[field_] == ours and not row.get("IsDeleted")]
        key = there[0] if there else f"{prefix}{len(rows) + 1:012}"
        if rows is self.leads:
            if not there:
                assert body["LastName"], "REQUIRED_FIELD_MISSING"
                assert body["Company"], "REQUIRED_FIELD_MISSING"
                rows[key] = {
                    "Id": key,
                    field_: ours,
                    "OwnerId": "005DANA",
                    "IsConverted": False,
                    "IsDeleted": False,
                    "MasterRecordId": None,
                    "ConvertedContactId": None,
                    "Status": STATUSES[0],
                }
            self.change(key, **body)
        else:
            rows.setdefault(key, {"Id": key, field_: ours}).update(body)
        return web.json_response(
            {"id": key, "success": True, "errors": [], "created": not there}, status=200 if there else 201
        )

    def _fields(self, what: str) -> list[dict[str, Any]]:
        ours = "SpeedleadId__c" if what == "Lead" else "SpeedleadEventId__c"
        found: list[dict[str, Any]] = [
            {"name": name, "updateable": name not in self.lacks} for name in ("OwnerId", "LeadSource")
        ]
        found.append({"name": "Status", "updateable": True, "picklistValues": [{"value": one} for one in STATUSES]})
        return found + [{"name": ours, "externalId": True, "unique": True, "updateable": True}] * (
            ours not in self.lacks
        )

    def _query(self, soql: str, *, every: bool) -> web.Response:
        """One row a page, so that pages are turned; the next one is asked for by its number."""
        what = re.search(r"FROM (\w+)", soql)
        assert what
        if what[1] == "User":
            found = [{"Id": key} for key, email in self.users.items() if f"'{email}'" in soql]
        else:
            found = [
                self._with_owner(row)
                for row in self.leads.values()
                if (every or not row["IsDeleted"]) and _fits(soql, row)
            ]
            found.sort(key=lambda row: row["SystemModstamp"])
        return web.json_response({"totalSize": len(found), "done": True, "records": found})

    def _with_owner(self, row: dict[str, Any]) -> dict[str, Any]:
        return row | {"Owner": {"Email": self.users.get(row["OwnerId"])}}


def _fits(soql: str, row: dict[str, Any]) -> bool:
    for name, sign, value in _WHERE.findall(soql.partition(" WHERE ")[2]):
        there = row.get(name)
        if sign == "=" and there != value.strip("'"):
            return False
        if sign == "!=" and there is None:
            return False
        if sign == "IN" and f"'{there}'" not in value:
            return False
        if sign == ">=" and datetime.strptime(there, "%Y-%m-%dT%H:%M:%S.%f%z") < datetime.fromisoformat(value):
            return False
    return True
