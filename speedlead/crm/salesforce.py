"""Salesforce: a Lead for each lead of ours, and a Task for each touch.

Shapes: the REST API developer guide (upsert by an external id, sObject rows, query and queryAll, describe, limits;
errors are a list of `errorCode`, `message` and `fields`), and the object reference of Lead and Task.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from speedlead.crm.adapter import Announce, Finding, Look, Memory, Told, note_of, wanted
from speedlead.crm.calls import Refused, Reply, Rest
from speedlead.crm.fields import (
    NAMELESS,
    NO_COMPANY,
    TELLS_OURS,
    Activity,
    Event,
    activity_of,
    person_of,
    please_erase,
    values,
)
from speedlead.crm.model import Salesforce
from speedlead.crm.salesforce_auth import new_token
from speedlead.domain.crm import CONTACT_OF_LEAD, CONVERTED, Record, Seen
from speedlead.hooks.events import SNAPSHOT

LEAD = "Lead"
_TYPES = {"call": "Call", "email": "Email", "message": "Other", "note": "Other"}
# how long they are left alone: their limits are of 24 hours, rolling, and of requests at a time
_DAY, _AT_A_TIME = timedelta(hours=1), timedelta(seconds=10)
_MOST_PAGES, _MOST_ROWS, _MARKED = 50, 10_000, 100
# that were merged into each other one after the other
_MOST_MERGES = 10
_LIMITS = ("REQUEST_LIMIT_EXCEEDED", "TooManyRequests", "SERVER_UNAVAILABLE")
_GONE = ("ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY")
# a value that they do not take; what is missing or may not be written at all is a fault of the set-up, and stays one
_WRONG_VALUE = ("INVALID_EMAIL_ADDRESS", "STRING_TOO_LONG", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                "FIELD_INTEGRITY_EXCEPTION", "INACTIVE_OWNER_OR_USER")  # fmt: skip


@dataclass
class SalesforceApi:
    rest: Rest
    asked: Salesforce
    memory: Memory
    secret: str
    wall: Callable[[], datetime]

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def tell(self, event: Event, about: str, record: Record | None, announce: Announce) -> Told:
        lead = event["data"]["lead"]
        if record is not None and record.gone and event["type"] != SNAPSHOT:
            return Told(record, note_of(None, (), gone=True))
        known = None if record is not None and record.gone else record
        now = await wanted(event, known, self.asked.words, self.asked.owners, self._owner_id)
        own = {self.asked.status_field: now.status, "OwnerId": now.owner}
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
            if sent and known.object == LEAD:
                await announce(record)
                record, left = await self._update(record, sent)
            if record.gone and event["type"] == SNAPSHOT:
                return await self.tell(event, about, record, announce)
        # of a converted lead the opportunity's people see to status and owner
        ours = record.object == LEAD
        record = replace(record, stage=lead["status"], owner_id=lead["owner_id"], writing_status=None,
                         writing_owner=None)  # fmt: skip
        if ours and now.status is not None and self.asked.status_field not in left:
            record = replace(record, status=now.status)
        if ours and now.owner is not None and "OwnerId" not in left:
            record = replace(record, owner=now.owner)
        if event["type"] in self.asked.activities and not record.gone:
            record = await self._logged(activity_of(event), record)
        return Told(record, note_of(now.note, left, record.gone))

    async def _create(self, event: Event, about: str, sent: dict[str, Any]) -> tuple[Record, list[str]]:
        person = person_of(event)
        sent = {"LastName": person.name or NAMELESS, "Company": person.company or NO_COMPANY,
                **{name: text for name, text in (("Email", person.email), ("Phone", person.phone)) if text},
                **sent}  # fmt: skip
        path = f"/sobjects/{LEAD}/{self.asked.id_field}/{quote(about)}"
        try:
            reply, left = await self._leaving_out(path, sent)
        except Refused as refused:
            if refused.code != "CANNOT_UPDATE_CONVERTED_LEAD":
                raise
            return await self._gone_on(Record(about, await self._id_of(about) or "", LEAD), refused), []
        if isinstance(reply.body, dict) and reply.body.get("id"):
            made = Record(about, str(reply.body["id"]), LEAD, made=bool(reply.body.get("created")))
            return await self._with_their_owner(made, "OwnerId" in {*sent} - {*left}), left
        # until version 45 an update says nothing
        return Record(about, await self._id_of(about) or "", LEAD), left

    async def _with_their_owner(self, record: Record, told: bool) -> Record:
        """Whom they gave a new lead, by a rule or because every lead has an owner, is nobody's change."""
        if told or not record.made:
            return record
        rows = await self._rows(f"SELECT OwnerId FROM Lead WHERE Id = '{_quoted(record.external_id)}'")  # noqa: S608
        return replace(record, owner=rows[0]["OwnerId"] if rows else None)

    async def _update(self, record: Record, sent: dict[str, Any]) -> tuple[Record, list[str]]:
        try:
            _, left = await self._leaving_out(f"/sobjects/{LEAD}/{record.external_id}", sent)
        except Refused as refused:
            if refused.code != "CANNOT_UPDATE_CONVERTED_LEAD" and not _is_gone(refused):
                raise
            now = await self._gone_on(record, refused)
            return await self._update(now, sent) if now.object == LEAD and not now.gone else (now, [])
        return record, left

    async def _leaving_out(self, path: str, sent: dict[str, Any]) -> tuple[Reply, list[str]]:
        """A value that they do not take is left out, and the rest goes on."""
        left: list[str] = []
        while True:
            try:
                return await self._ask("PATCH", path, sent), left
            except Refused as refused:
                wrong = [name for name in refused.fields if name in sent and name not in ("LastName", "Company")]
                if refused.code not in _WRONG_VALUE or not wrong:
                    raise
                sent = {name: value for name, value in sent.items() if name not in wrong}
                left += wrong

    async def _gone_on(self, record: Record, refused: Refused) -> Record:
        """As what it goes on. Raises `refused` where it is there as it was: then something else is not."""
        now = await self._now(record.external_id) if record.object == LEAD else None
        if now is None:
            return replace(record, gone=True)
        if now == (record.external_id, LEAD):
            raise refused
        return replace(record, external_id=now[0], object=now[1], made=False)

    async def _now(self, external: str) -> tuple[str, str] | None:
        """Under which id, and as what, a lead goes on that may have been merged or converted; None: it was deleted."""
        for _ in range(_MOST_MERGES):
            wants = "IsDeleted, MasterRecordId, IsConverted, ConvertedContactId"
            soql = f"SELECT {wants} FROM Lead WHERE Id = '{_quoted(external)}'"  # noqa: S608
            row = next(iter(await self._rows(soql, every=True)), None)
            if row is None:
                return None
            if row.get("MasterRecordId"):
                external = str(row["MasterRecordId"])
                continue
            if row.get("IsConverted"):
                contact = row.get("ConvertedContactId")
                return (str(contact), CONTACT_OF_LEAD) if contact else None
            return None if row.get("IsDeleted") else (external, LEAD)
        return None

    async def _logged(self, activity: Activity, record: Record) -> Record:
        try:
            await self._log(activity, record.external_id)
        except Refused as refused:
            if not _is_gone(refused):
                raise
            record = await self._gone_on(record, refused)
            if not record.gone:
                await self._log(activity, record.external_id)
        return record

    async def _log(self, activity: Activity, who: str, status: str = "Completed") -> None:
        day = activity.at.astimezone(UTC).date().isoformat()
        sent = {"Subject": activity.subject[:255], "Description": activity.body, "Status": status, "WhoId": who,
                "ActivityDate": day, "Type": _TYPES[activity.sort]}  # fmt: skip
        await self._ask("PATCH", f"/sobjects/Task/{self.asked.activity_id_field}/{quote(activity.id)}", sent)

    async def forget(self, event: Event, about: str, record: Record | None, ours: bool) -> None:
        external = record.external_id if record else await self._id_of(about)
        if external and (record is None or record.object == LEAD):
            now = await self._now(external)
            ours, external = ours and now == (external, LEAD), now[0] if now else None
        if not external:
            return
        path = f"/sobjects/{LEAD}/{external}"
        try:
            if self.asked.erase == "ask" or not ours:
                await self._log(please_erase(event), external, status="Not Started")
            elif self.asked.erase == "delete":
                await self._ask("DELETE", path)
            else:
                empty = {"LastName": "Erased", **dict.fromkeys(("FirstName", "Email", "Phone", "Description"))}
                await self._ask("PATCH", path, {**empty, "Company": "Erased", **dict.fromkeys(self.asked.fields)})
        except Refused as refused:
            if not _is_gone(refused):
                raise

    async def _id_of(self, about: str) -> str | None:
        soql = f"SELECT Id FROM Lead WHERE {self.asked.id_field} = '{_quoted(about)}'"  # noqa: S608
        rows = await self._rows(soql)
        return str(rows[0]["Id"]) if rows else None

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def look(self, since: datetime, marked: Sequence[str]) -> Look:
        stamp = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        names = f"Id, {self.asked.status_field}, IsConverted, IsDeleted, MasterRecordId, OwnerId, Owner.Email"
        wants = f"SELECT {names}, SystemModstamp FROM Lead WHERE {self.asked.id_field} != null AND "  # noqa: S608
        rows: list[Mapping[str, Any]] = []
        for start in range(0, len(marked), _MARKED):
            ids = ", ".join(f"'{_quoted(one)}'" for one in marked[start : start + _MARKED])
            rows += await self._rows(f"{wants}Id IN ({ids})", every=True)
        newer = f"{wants}SystemModstamp >= {stamp} ORDER BY SystemModstamp, Id LIMIT {_MOST_ROWS}"
        changed = await self._rows(newer, every=True)
        upto = max((_instant(row["SystemModstamp"]) for row in changed), default=None)
        return Look([self._seen(row) for row in [*rows, *changed]], upto, whole=len(changed) < _MOST_ROWS)

    def _seen(self, row: Mapping[str, Any]) -> Seen:
        email = (row.get("Owner") or {}).get("Email") if self.asked.owners else None
        status = CONVERTED if row.get("IsConverted") else row.get(self.asked.status_field)
        # of two that were merged the other one goes on, and the next write finds it
        gone = bool(row.get("IsDeleted")) and not row.get("MasterRecordId")
        return Seen(str(row["Id"]), status, row.get("OwnerId"), email.lower() if email else None, gone=gone)

    async def _owner_id(self, email: str) -> str | None:
        async def ask(address: str) -> str | None:
            found = f"Email = '{_quoted(address)}' AND IsActive = true AND UserType = 'Standard'"
            rows = await self._rows(f"SELECT Id FROM User WHERE {found} ORDER BY CreatedDate LIMIT 1")  # noqa: S608
            return str(rows[0]["Id"]) if rows else None

        return await self.memory.known(email, ask)

    # ── checking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def check(self, make: bool) -> list[Finding]:
        """`make` changes nothing: fields of Salesforce are made in its Setup (docs/crm.md)."""
        limits = (await self._ask("GET", "/limits")).body.get("DailyApiRequests") or {}
        left = limits.get("Remaining", 1)
        found = [Finding("API requests of the day", None if left else "none is left")]
        fields = {one["name"]: one for one in (await self._ask("GET", f"/sobjects/{LEAD}/describe")).body["fields"]}
        found.append(Finding(f"{LEAD}.{self.asked.id_field}", _external(fields.get(self.asked.id_field))))
        for name in (self.asked.status_field, "OwnerId", *self.asked.fields, *self.asked.constants):
            one = fields.get(name)
            wrong = None if one and one.get("updateable") else "the user may not write this field, or it is not there"
            found.append(Finding(f"{LEAD}.{name}", wrong))
        there = {one["value"] for one in (fields.get(self.asked.status_field) or {}).get("picklistValues", ())}
        missing = sorted({*self.asked.statuses.values(), *self.asked.outcomes} - there - {CONVERTED})
        wrong = f"these values are not there: {', '.join(missing)}" if missing else None
        found.append(Finding(f"the values of {LEAD}.{self.asked.status_field}", wrong))
        tasks = {one["name"]: one for one in (await self._ask("GET", "/sobjects/Task/describe")).body["fields"]}
        found.append(
            Finding(f"Task.{self.asked.activity_id_field}", _external(tasks.get(self.asked.activity_id_field)))
        )
        return found

    # ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _rows(self, soql: str, *, every: bool = False) -> list[Mapping[str, Any]]:
        """`every`: deleted ones too."""
        reply = await self._ask("GET", "/queryAll" if every else "/query", query={"q": soql})
        rows, pages = list(reply.body["records"]), 1
        while (more := reply.body.get("nextRecordsUrl")) and pages < _MOST_PAGES:
            reply = await self._ask("GET", more.removeprefix(self._base()))
            rows += reply.body["records"]
            pages += 1
        return rows

    def _base(self) -> str:
        return f"/services/data/v{self.asked.version}"

    async def _ask(self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None) -> Reply:
        """With the token that is known; with another one where that is over (401)."""
        fresh = self.memory.token is None
        while True:
            if self.memory.token is None:
                self.memory.token = await new_token(self.rest, self.asked, self.secret, self.wall())
            # a rule about duplicates would keep a lead out: it is told of all the same, and they see both
            headers = {"Authorization": f"Bearer {self.memory.token}",
                       "Sforce-Duplicate-Rule-Header": "allowSave=true"}  # fmt: skip
            reply = await self.rest.ask(method, self._base() + path, body, query=query, headers=headers)
            if reply.status == 401 and not fresh:
                self.memory.token, fresh = None, True
                continue
            if 200 <= reply.status < 300:
                return reply
            if reply.status == 401:
                self.memory.token = None
            raise _refused(reply)


def _refused(reply: Reply) -> Refused:
    said = reply.body[0] if isinstance(reply.body, list) and reply.body and isinstance(reply.body[0], dict) else {}
    code, text = str(said.get("errorCode") or reply.status), str(said.get("message") or "no reason was given")
    if reply.status == 300:
        code, text = "SEVERAL_RECORDS", "several records have this id: expected a field that is unique"
    limit = code in _LIMITS or reply.status == 429
    # the limit of requests at a time has the same code as that of the day
    day = code == "REQUEST_LIMIT_EXCEEDED" and not text.startswith("Concurrent")
    asked = reply.asked or ((_DAY if day else _AT_A_TIME) if limit else None)
    return Refused(reply.status, code, text, fields=tuple(said.get("fields") or ()), asked=asked, limit=limit)


def _is_gone(refused: Refused) -> bool:
    return refused.status == 404 or refused.code in _GONE


def _external(field: Mapping[str, Any] | None) -> str | None:
    if field is None:
        return "there is no such field, or the user may not see it"
    return None if field.get("externalId") and field.get("unique") else "expected an External ID that is unique"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _instant(text: str) -> datetime:
    """`2026-11-23T15:00:00.000+0000`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
