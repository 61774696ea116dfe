"""HubSpot: a contact for each person, and calls, e-mails, messages and notes in its history.

Shapes: developers.hubspot.com/docs/api-reference, objects (batch upsert, batch read, search, gdpr-delete),
associations, owners and properties, of the version 2026-03 and of v3, whose paths alone differ.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from speedlead.crm.adapter import Announce, Finding, Look, Memory, Told, note_of, wanted
from speedlead.crm.calls import Refused, Reply, Rest
from speedlead.crm.fields import TELLS_OURS, Activity, Event, activity_of, person_of, please_erase, values
from speedlead.crm.model import HubSpot
from speedlead.domain.crm import Record, Seen
from speedlead.hooks.events import SNAPSHOT

CONTACT = "contacts"
_OBJECTS = {"call": "calls", "email": "emails", "message": "communications", "note": "notes"}
_TAKEN_BY = re.compile(r"Existing ID: (\d+)")
# how long they are left alone where they do not say for how long: their windows are of ten seconds, and of a day
_WINDOW, _DAY = timedelta(seconds=10), timedelta(hours=1)
_PAGE, _MOST_PAGES, _MARKED = 100, 20, 100
_SCOPES = ("crm.objects.contacts.read", "crm.objects.contacts.write", "crm.objects.owners.read",
           "crm.schemas.contacts.read", "crm.schemas.contacts.write")  # fmt: skip


@dataclass
class HubSpotApi:
    rest: Rest
    asked: HubSpot
    memory: Memory

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def tell(self, event: Event, about: str, record: Record | None, announce: Announce) -> Told:
        lead = event["data"]["lead"]
        if record is not None and record.gone and event["type"] != SNAPSHOT:
            return Told(record, note_of(None, (), gone=True))
        known = None if record is not None and record.gone else record
        now = await wanted(event, known, self.asked.words, self.asked.owners, self._owner_id)
        own = {self.asked.status_field: now.status, "hubspot_owner_id": now.owner}
        sent: dict[str, Any] = {name: value for name, value in own.items() if value is not None}
        if known is None or event["type"] in TELLS_OURS:
            sent |= values(event, self.asked.fields, self.asked.constants)
        if known is None:
            record, left = await self._create(event, about, sent)
        else:
            record, left = replace(known, writing_status=now.status, writing_owner=now.owner), []
            if event["type"] == SNAPSHOT:
                # something is written in any case: so it is seen whether it is still there
                sent[self.asked.id_field] = about
            if sent:
                await announce(record)
                record, left = await self._update(record, sent)
            if record.gone and event["type"] == SNAPSHOT:
                return await self.tell(event, about, record, announce)
        record = replace(record, stage=lead["status"], owner_id=lead["owner_id"], writing_status=None,
                         writing_owner=None)  # fmt: skip
        if now.status is not None and self.asked.status_field not in left:
            record = replace(record, status=now.status)
        if now.owner is not None and "hubspot_owner_id" not in left:
            record = replace(record, owner=now.owner)
        if event["type"] in self.asked.activities and not record.gone:
            record = await self._logged(activity_of(event), record)
        return Told(record, note_of(now.note, left, record.gone))

    async def _create(self, event: Event, about: str, sent: dict[str, Any]) -> tuple[Record, list[str]]:
        """Upserted by our own id, and what was left out. Whoever is there by the address already is taken as it is."""
        person = person_of(event)
        whole = {"email": person.email, "lastname": person.name, "company": person.company, "phone": person.phone}
        sent = {**{name: text for name, text in whole.items() if text}, **sent}
        inputs = {"id": about, "idProperty": self.asked.id_field, "properties": {**sent, self.asked.id_field: about}}
        try:
            found, left = await self._leaving_out(f"{self._objects(CONTACT)}/batch/upsert", inputs)
        except Refused as refused:
            there = _TAKEN_BY.search(refused.text)
            if there is None:
                raise
            # what somebody wrote there of this person stays, and so does its owner, whom the next look finds
            stays = [*whole, "hubspot_owner_id"]
            mine = {name: text for name, text in sent.items() if name not in stays}
            record, left = await self._update(Record(about, there[1], CONTACT), {**mine, self.asked.id_field: about})
            return record, [*left, "hubspot_owner_id"] if "hubspot_owner_id" in sent else left
        return Record(about, str(found["id"]), CONTACT, made=bool(found.get("new"))), left

    async def _leaving_out(self, path: str, inputs: dict[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
        """What was written; a value that they do not take is left out, and the rest goes on."""
        left: list[str] = []
        while True:
            try:
                return await self._one_of_batch(path, inputs), left
            except Refused as refused:
                wrong = [name for name in refused.fields if name in inputs["properties"]]
                if refused.status != 400 or not wrong or inputs.get("idProperty") in wrong:
                    raise
                inputs["properties"] = {n: text for n, text in inputs["properties"].items() if n not in wrong}
                left += wrong

    async def _one_of_batch(self, path: str, inputs: dict[str, Any]) -> Mapping[str, Any]:
        """`id`, and `new` where it was not there before."""
        reply = await self._ask("POST", path, {"inputs": [inputs]})
        body = reply.body or {}
        if body.get("numErrors") or body.get("errors") or not body.get("results"):
            # 207: the request was good, and this part of it was not
            raise _refused((body.get("errors") or [{}])[0], 409 if "CONFLICT" in json.dumps(body) else 400, reply)
        one: Mapping[str, Any] = body["results"][0]
        return one

    async def _update(self, record: Record, sent: dict[str, Any]) -> tuple[Record, list[str]]:
        """By their id. A record that was merged answers under the one that it went into."""
        left: list[str] = []
        while sent:
            try:
                reply = await self._ask(
                    "PATCH", f"{self._objects(CONTACT)}/{quote(record.external_id)}", {"properties": sent}
                )
                return _under(record, str(reply.body["id"])), left
            except Refused as refused:
                if refused.status == 404:
                    return replace(record, gone=True), left
                wrong = [name for name in refused.fields if name in sent and name != self.asked.id_field]
                if refused.status != 400 or not wrong:
                    raise
                sent = {name: text for name, text in sent.items() if name not in wrong}
                left += wrong
        return record, left

    async def _logged(self, activity: Activity, record: Record) -> Record:
        try:
            await self._log(activity, record.external_id)
        except Refused as refused:
            now = await self._now(record.external_id) if refused.status == 404 else record.external_id
            if now == record.external_id:
                raise
            if now is None:
                return replace(record, gone=True)
            await self._log(activity, now)
            return _under(record, now)
        return record

    async def _log(self, activity: Activity, contact: str) -> None:
        """Upserted by the event's id, then tied to the contact: both may be done twice."""
        kind, stamp = _OBJECTS[activity.sort], activity.at.astimezone(UTC).isoformat(timespec="milliseconds")
        properties = {"hs_timestamp": stamp.replace("+00:00", "Z"), self.asked.activity_id_field: activity.id}
        properties |= _text(activity)
        inputs = {"id": activity.id, "idProperty": self.asked.activity_id_field, "properties": properties}
        found = str((await self._one_of_batch(f"{self._objects(kind)}/batch/upsert", inputs))["id"])
        await self._ask("PUT", f"{self._ties(kind)}/{found}/associations/default/{CONTACT}/{contact}")

    async def forget(self, event: Event, about: str, record: Record | None, ours: bool) -> None:
        external = await (self._now(record.external_id) if record else self._now(about, self.asked.id_field))
        if external is None:
            return
        ours = ours and record is not None and external == record.external_id
        try:
            if self.asked.erase == "ask" or not ours:
                await self._log(please_erase(event), external)
            elif self.asked.erase == "delete":
                await self._ask("POST", f"{self._objects(CONTACT)}/gdpr-delete", {"objectId": external})
            else:
                empty = dict.fromkeys(("email", "lastname", "company", "phone", *self.asked.fields), "")
                await self._ask("PATCH", f"{self._objects(CONTACT)}/{external}", {"properties": empty})
        except Refused as refused:
            if refused.status != 404:
                raise

    async def _now(self, key: str, name: str | None = None) -> str | None:
        """The id that it has now, by an id of theirs that may have been merged, or by the property `name`."""
        try:
            query = {"idProperty": name} if name else None
            return str((await self._ask("GET", f"{self._objects(CONTACT)}/{quote(key)}", query=query)).body["id"])
        except Refused as refused:
            if refused.status != 404:
                raise
            return None

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def look(self, since: datetime, marked: Sequence[str]) -> Look:
        seen: list[Seen] = []
        for start in range(0, len(marked), _MARKED):
            seen += await self._marked(marked[start : start + _MARKED])
        upto, after, pages = None, None, 0
        while pages < _MOST_PAGES:
            pages += 1
            body = (await self._ask("POST", f"{self._objects(CONTACT)}/search", self._since(since, after))).body
            for one in body["results"]:
                seen.append(await self._seen(one))
                upto = datetime.fromisoformat(one["properties"]["lastmodifieddate"])
            after = ((body.get("paging") or {}).get("next") or {}).get("after")
            if after is None:
                break
        return Look(seen, upto, whole=after is None)

    def _since(self, since: datetime, after: str | None) -> dict[str, Any]:
        filters = [
            {"propertyName": self.asked.id_field, "operator": "HAS_PROPERTY"},
            {"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(int(since.timestamp() * 1000))},
        ]
        asked: dict[str, Any] = {
            "filterGroups": [{"filters": filters}], "properties": self._read_of(), "limit": _PAGE,
            "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
        }  # fmt: skip
        return asked if after is None else asked | {"after": after}

    async def _marked(self, ids: Sequence[str]) -> list[Seen]:
        """Those that are not there any more are among the errors of the batch."""
        asked = {"inputs": [{"id": one} for one in ids], "properties": self._read_of()}
        body = (await self._ask("POST", f"{self._objects(CONTACT)}/batch/read", asked)).body
        gone = [one for error in body.get("errors") or () for one in (error.get("context") or {}).get("ids") or ()]
        return [*[await self._seen(one) for one in body["results"]],
                *(Seen(str(one), None, None, None, gone=True) for one in gone)]  # fmt: skip

    def _read_of(self) -> list[str]:
        return [self.asked.id_field, self.asked.status_field, "hubspot_owner_id", "lastmodifieddate"]

    async def _seen(self, one: Mapping[str, Any]) -> Seen:
        said = one["properties"]
        owner = said.get("hubspot_owner_id") or None
        email = await self.memory.known(f"id:{owner}", self._owner_email) if owner and self.asked.owners else None
        status = said.get(self.asked.status_field) or None
        return Seen(str(one["id"]), status, owner, email, about=said.get(self.asked.id_field))

    # ── owners ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _owner_id(self, email: str) -> str | None:
        async def ask(address: str) -> str | None:
            found = (await self._ask("GET", self._owners(), query={"email": address, "limit": "1"})).body["results"]
            return str(found[0]["id"]) if found else None

        return await self.memory.known(email, ask)

    async def _owner_email(self, key: str) -> str | None:
        try:
            found = (await self._ask("GET", f"{self._owners()}/{quote(key.removeprefix('id:'))}")).body.get("email")
        except Refused as refused:
            if refused.status != 404:
                raise
            return None
        return found.lower() if found else None

    # ── checking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def check(self, make: bool) -> list[Finding]:
        found = []
        for kind, name in ((CONTACT, self.asked.id_field),
                           *((kind, self.asked.activity_id_field) for kind in _OBJECTS.values())):  # fmt: skip
            found.append(await self._unique(kind, name, make))
        try:
            path = f"{self._properties(CONTACT)}/{self.asked.status_field}"
            there = {one["value"] for one in (await self._ask("GET", path)).body.get("options", ())}
            missing = sorted({*self.asked.statuses.values(), *self.asked.outcomes} - there)
            wrong = f"these values are not there: {', '.join(missing)}" if missing else None
        except Refused as refused:
            wrong = str(refused)
        found.append(Finding(f"{CONTACT}.{self.asked.status_field}", wrong))
        if self.asked.owners:
            try:
                await self._ask("GET", self._owners(), query={"limit": "1"})
                found.append(Finding("owners"))
            except Refused as refused:
                found.append(Finding("owners", str(refused)))
        return found

    async def _unique(self, kind: str, name: str, make: bool) -> Finding:
        try:
            property_ = (await self._ask("GET", f"{self._properties(kind)}/{name}")).body
            wrong = None if property_.get("hasUniqueValue") else "expected a property with unique values"
        except Refused as refused:
            wrong = f"there is no such property; `speedlead crm check --make` adds it ({refused})"
            if refused.status == 404 and make:
                beside = "email" if kind == CONTACT else "hs_timestamp"
                try:
                    group = (await self._ask("GET", f"{self._properties(kind)}/{beside}")).body["groupName"]
                    asked = {"name": name, "label": "speedlead id", "groupName": group, "type": "string",
                             "fieldType": "text", "hasUniqueValue": True}  # fmt: skip
                    await self._ask("POST", self._properties(kind), asked)
                    wrong = None
                except Refused as again:
                    wrong = str(again)
        return Finding(f"{kind}.{name}", wrong)

    # ── paths and answers ────────────────────────────────────────────────────────────────────────────────────────────

    def _objects(self, kind: str) -> str:
        return f"/crm/v3/objects/{kind}" if self.asked.version == "v3" else f"/crm/objects/{self.asked.version}/{kind}"

    def _ties(self, kind: str) -> str:
        """Default associations are of v4 where objects are of v3."""
        return f"/crm/v4/objects/{kind}" if self.asked.version == "v3" else self._objects(kind)

    def _owners(self) -> str:
        return "/crm/v3/owners" if self.asked.version == "v3" else f"/crm/owners/{self.asked.version}"

    def _properties(self, kind: str) -> str:
        return f"/crm/v3/properties/{kind}" if self.asked.version == "v3" else (
            f"/crm/properties/{self.asked.version}/{kind}")  # fmt: skip

    async def _ask(self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None) -> Reply:
        reply = await self.rest.ask(method, path, body, query=query)
        if not 200 <= reply.status < 300:
            raise _refused(reply.body, reply.status, reply)
        return reply


def _under(record: Record, external_id: str) -> Record:
    """What was merged is more than what we made."""
    return replace(record, external_id=external_id, made=record.made and external_id == record.external_id)


def _text(activity: Activity) -> dict[str, str]:
    match activity.sort:
        case "call":
            way = "INBOUND" if activity.inbound else "OUTBOUND"
            return {"hs_call_title": activity.subject, "hs_call_body": activity.body, "hs_call_direction": way}
        case "email":
            way = "INCOMING_EMAIL" if activity.inbound else "EMAIL"
            return {"hs_email_subject": activity.subject, "hs_email_text": activity.body, "hs_email_direction": way,
                    "hs_email_status": "SENT"}  # fmt: skip
        case "message":
            return {"hs_communication_channel_type": "SMS", "hs_communication_logged_from": "CRM",
                    "hs_communication_body": activity.body}  # fmt: skip
        case _:
            return {"hs_note_body": activity.body.replace("\n", "<br>")}


def _refused(said: Any, status: int, reply: Reply) -> Refused:
    """Their error (`status`, `message`, `category`, `errors`), or the one of a limit (`errorType`, `policyName`)."""
    said = said if isinstance(said, dict) else {}
    code = str(said.get("category") or said.get("errorType") or status)
    text, asked = str(said.get("message") or "no reason was given"), reply.asked
    details = [one for one in said.get("errors") or () if isinstance(one, dict)]
    scopes: set[str] = set()
    fields: list[str] = []
    for one in details:
        context = one.get("context")
        if not isinstance(context, dict):
            continue
        scopes |= {str(scope) for scope in context.get("requiredGranularScopes") or context.get("requiredScopes") or ()}
        fields += [str(name) for name in context.get("propertyName") or ()]
    if code == "VALIDATION_ERROR" and not fields:
        # the validation of properties is a list of JSON inside the message
        fields = re.findall(r'"name":"([A-Za-z0-9_]+)"', text)
    if code == "MISSING_SCOPES" or scopes:
        text = f"the token lacks a scope: {', '.join(sorted(scopes)) or f'one of {_SCOPES}'}"
    if status == 429 and asked is None:
        asked = _DAY if said.get("policyName") == "DAILY" else _WINDOW
    return Refused(status, code, text, fields=tuple(fields), asked=asked, limit=status == 429)
