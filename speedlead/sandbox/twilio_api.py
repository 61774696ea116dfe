"""Twilio's REST API for messages and calls, as far as the product uses it, in Twilio's shapes."""

import base64
import binascii
import hmac
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from speedlead.ids import parse_touch, touch_id
from speedlead.sandbox.answers import with_faults
from speedlead.sandbox.callbacks import Later
from speedlead.sandbox.calls import OVER, Calls
from speedlead.sandbox.faults import Faults
from speedlead.sandbox.legs import leg_of
from speedlead.sandbox.people import People, normal
from speedlead.sandbox.store import Row, Store
from speedlead.sandbox.tokens import call_sid, sms_sid
from speedlead.sandbox.twilio_errors import check_call, check_message, error

_ROOT = "/2010-04-01/Accounts/{account}"


class TwilioApi:
    def __init__(
        self, store: Store, later: Later, people: People, calls: Calls, faults: Faults, *, account_sid: str,
        auth_token: str,
    ) -> None:  # fmt: skip
        self._store = store
        self._later = later
        self._people = people
        self._calls = calls
        self._faults = faults
        self._account_sid = account_sid
        self._auth_token = auth_token

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(f"{_ROOT}/Messages.json", self.create_message),
            web.get(f"{_ROOT}/Messages.json", self.list_messages),
            web.get(f"{_ROOT}/Messages/{{sid}}.json", self.fetch),
            web.post(f"{_ROOT}/Calls.json", self.create_call),
            web.get(f"{_ROOT}/Calls.json", self.list_calls),
            web.get(f"{_ROOT}/Calls/{{sid}}.json", self.fetch),
            web.post(f"{_ROOT}/Calls/{{sid}}.json", self.update_call),
        ]

    async def create_message(self, request: web.Request) -> web.Response:
        if not self._authorised(request):
            return error(20003)
        form = await _form(request)
        to = normal(form.get("To", ""))
        refused = check_message(form, opted_out=self._store.suppressed(to, "sms") is not None)
        refused = refused or self._people.behaviour(to).refuse_sms
        if refused:
            return error(refused)
        touch = _parameter(form.get("StatusCallback"), "touch")

        async def accept() -> web.Response:
            service = form.get("MessagingServiceSid")
            row = self._store.add(Row(
                sms_sid(), "sms", "outbound-api", form.get("From") or str(service), to, touch,
                text=form.get("Body", ""), status="accepted" if service else "queued",
                extra={
                    "status_callback": form.get("StatusCallback"), "messaging_service_sid": service,
                    "validity_s": form.get("ValidityPeriod"),
                },
            ))  # fmt: skip
            answer = web.json_response(self._message(row), status=201)  # as it was when the request was accepted
            await self._people.sms_accepted(row)
            return answer

        return await with_faults(request, self._faults, channel="sms", key=touch or to, refuse=_refuse, accept=accept)

    async def create_call(self, request: web.Request) -> web.Response:
        if not self._authorised(request):
            return error(20003)
        form = await _form(request)
        refused = check_call(form)
        if refused:
            return error(refused)
        leg = leg_of(form.get("StatusCallback")) or leg_of(form.get("Url"))
        to = normal(form["To"])

        async def accept() -> web.Response:
            row = self._store.add(Row(
                call_sid(), "call", "outbound-api", form["From"], to, _touch_of(leg), leg,
                extra={
                    "url": form["Url"], "method": form.get("Method", "POST"), "timeout": _int(form.get("Timeout"), 60),
                    "status_callback": form.get("StatusCallback"),
                    "events": form.get("StatusCallbackEvent", "completed").split(),
                },
            ))  # fmt: skip
            answer = web.json_response(self._call(row), status=201)
            if self._later.mode == "before":
                await self._calls.run(row.id)
            else:
                self._later.spawn(self._calls.run(row.id))
            return answer

        return await with_faults(request, self._faults, channel="call", key=leg or to, refuse=_refuse, accept=accept)

    async def update_call(self, request: web.Request) -> web.Response:
        row = self._store.get(request.match_info["sid"])
        if not self._authorised(request):
            return error(20003)
        if row is None or row.channel != "call":
            return error(20404)
        form = await _form(request)
        if row.status in OVER and form:
            return error(21220)
        if form.get("Status") in ("completed", "canceled"):
            self._calls.command(row, "hangup")
        elif form.get("Url"):
            self._calls.command(row, f"goto:{form['Url']}")
        return web.json_response(self._call(row))

    async def fetch(self, request: web.Request) -> web.Response:
        row = self._store.get(request.match_info["sid"])
        if not self._authorised(request):
            return error(20003)
        if row is None or row.channel == "email":
            return error(20404)
        return web.json_response(self._message(row) if row.channel == "sms" else self._call(row))

    async def list_messages(self, request: web.Request) -> web.Response:
        if not self._authorised(request):
            return error(20003)
        return self._page(request, "sms", "messages")

    async def list_calls(self, request: web.Request) -> web.Response:
        if not self._authorised(request):
            return error(20003)
        return self._page(request, "call", "calls")

    def _page(self, request: web.Request, channel: str, name: str) -> web.Response:
        query = request.query
        size, page = min(_int(query.get("PageSize"), 50), 1000), _int(query.get("Page"), 0)
        rows = self._store.find(
            limit=10_000, channel=channel, recipient=normal(query.get("To", "")), sender=query.get("From"),
            parent_id=query.get("ParentCallSid"), status=query.get("Status"),
        )  # fmt: skip
        known_until = datetime.now(UTC) - timedelta(seconds=self._faults.plan.list_lag_s)
        rows = [row for row in rows if row.received_at <= known_until and _sent_as_asked(row, query)]
        shown = rows[page * size : (page + 1) * size]
        more = len(rows) > (page + 1) * size
        following = request.rel_url.update_query({"Page": str(page + 1), "PageSize": str(size)}) if more else None
        shape = self._message if channel == "sms" else self._call
        return web.json_response({
            name: [shape(row) for row in shown], "page": page, "page_size": size, "start": page * size,
            "end": page * size + max(len(shown) - 1, 0), "uri": str(request.rel_url),
            "first_page_uri": str(request.rel_url.update_query({"Page": "0", "PageSize": str(size)})),
            "next_page_uri": str(following) if following else None, "previous_page_uri": None,
        })  # fmt: skip

    def _message(self, row: Row) -> dict[str, Any]:
        return {
            "sid": row.id, "account_sid": self._account_sid, "api_version": "2010-04-01", "body": row.text,
            "to": row.recipient, "from": None if row.extra.get("messaging_service_sid") else row.sender,
            "messaging_service_sid": row.extra.get("messaging_service_sid"), "direction": row.direction,
            "status": row.status, "error_code": row.error_code, "error_message": None, "num_segments": "1",
            "num_media": "0", "price": None, "price_unit": "USD", "date_created": _stamp(row.received_at),
            "date_updated": _stamp(row.updated_at), "date_sent": _stamp(row.updated_at) if _is_sent(row) else None,
            "uri": f"/2010-04-01/Accounts/{self._account_sid}/Messages/{row.id}.json", "subresource_uris": {},
        }  # fmt: skip

    def _call(self, row: Row) -> dict[str, Any]:
        return {
            "sid": row.id, "account_sid": self._account_sid, "api_version": "2010-04-01", "to": row.recipient,
            "from": row.sender, "parent_call_sid": row.parent_id, "direction": row.direction, "status": row.status,
            "duration": None if row.status not in OVER else str(row.extra.get("duration_s", 0)),
            "queue_time": str(self._faults.plan.call_queue_ms),
            "date_created": _stamp(row.received_at), "date_updated": _stamp(row.updated_at),
            "start_time": _stamp(row.received_at), "end_time": _stamp(row.updated_at) if row.status in OVER else None,
            "answered_by": None, "price": None, "price_unit": "USD", "phone_number_sid": None, "caller_name": None,
            "uri": f"/2010-04-01/Accounts/{self._account_sid}/Calls/{row.id}.json", "subresource_uris": {},
        }  # fmt: skip

    def _authorised(self, request: web.Request) -> bool:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(value, validate=True)
        except binascii.Error:
            return False
        wanted = f"{self._account_sid}:{self._auth_token}".encode()
        same = hmac.compare_digest(given, wanted)
        return same and scheme.lower() == "basic" and request.match_info["account"] == self._account_sid


def _refuse(status: int) -> web.Response:
    return error({429: 20429, 503: 20503}.get(status, 20500))


async def _form(request: web.Request) -> dict[str, str]:
    """Form fields; repeated ones (StatusCallbackEvent) joined by a space."""
    form = await request.post()
    return {name: " ".join(str(v) for v in form.getall(name)) for name in form}


def _parameter(url: str | None, name: str) -> str | None:
    return next(iter(parse_qs(urlsplit(url or "").query).get(name, [])), None)


def _touch_of(leg: str | None) -> str | None:
    try:
        ref = parse_touch(leg or "")
    except ValueError:
        return leg
    return touch_id(ref.lead_id, ref.step)


def _int(value: str | None, default: int) -> int:
    return int(value) if value and value.isdigit() else default


def _stamp(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC))


def _is_sent(row: Row) -> bool:
    return row.status not in ("accepted", "queued", "scheduled")


def _sent_as_asked(row: Row, query: Any) -> bool:
    """DateSent filters (=, <, >), by day; a message that is still queued has no DateSent and never matches."""
    for name in ("DateSent", "DateSent<", "DateSent>"):
        if query.get(name):
            asked = date.fromisoformat(query[name][:10])
            day = row.updated_at.date()
            fits = day == asked if name == "DateSent" else day <= asked if name == "DateSent<" else day >= asked
            if not _is_sent(row) or not fits:
                return False
    return True
