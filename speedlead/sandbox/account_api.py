"""The accounts behind the sandbox, as the providers' read-only resources show them: numbers, services, webhooks.

`PUT /api/account` changes what they hold, so that everything that can be wrong with an account can be seen wrong.
Shapes: the official OpenAPI documents (twilio-oai, sendgrid-oai).
"""

import asyncio
import base64
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

from aiohttp import web
from cryptography.hazmat.primitives import serialization
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from speedlead.sandbox.sendgrid_api import errors
from speedlead.sandbox.twilio_errors import error

_ROOT = "/2010-04-01/Accounts/{account}"
_SERVICE = "/v1/Services/{service}"
_EVENTS = ("processed", "deferred", "delivered", "bounce", "dropped", "spam_report", "unsubscribe",
           "group_unsubscribe", "group_resubscribe", "open", "click")  # fmt: skip
BRAND_SID = "BN" + "0" * 32
SERVICE_SID = "MG" + "0" * 32

Answer = Callable[[web.Request], web.Response]


class Account(BaseModel):
    """The body of PUT /api/account: what differs from an account that is ready.

    An address that is None is the right one, "" is none at all. `forbidden` are beginnings of paths that answer 403,
    `slow_s` delays every answer, `clock_off_s` is how far Twilio's clock is ahead.
    """

    model_config = ConfigDict(extra="forbid")

    status: Literal["active", "suspended", "closed"] = "active"
    type: Literal["Full", "Trial"] = "Full"
    balance: str = "250.00"
    numbers: list[str] = Field(default_factory=lambda: ["+14155552671"])
    caller_ids: list[str] = Field(default_factory=list)
    voice: bool = True
    sms: bool = True
    voice_url: str | None = None
    voice_method: Literal["GET", "POST"] = "POST"
    call_over_url: str | None = None
    sms_url: str | None = None
    sms_method: Literal["GET", "POST"] = "POST"
    service_sid: str | None = SERVICE_SID
    service_numbers: list[str] | None = None
    sender_names: list[str] = Field(default_factory=list)
    inbound_on_number: bool = False
    inbound_url: str | None = None
    campaigns: list[str] = Field(default_factory=lambda: ["VERIFIED"])
    brand: str = "APPROVED"
    toll_free: str | None = "TWILIO_APPROVED"
    countries: dict[str, str] = Field(default_factory=lambda: {"CA": "+1", "DE": "+49", "GB": "+44", "US": "+1"})
    scopes: list[str] = Field(default_factory=lambda: ["mail.send"])
    domain: str = "speedlead.example"
    domain_valid: bool = True
    verified_senders: list[str] = Field(default_factory=list)
    events_url: str | None = None
    events_enabled: bool = True
    events_without: list[str] = Field(default_factory=list)
    events_signed: bool = True
    reply_domain: str = "speedlead.example"
    parse_url: str | None = None
    parse_mime: bool = False
    parse_signed: bool = True
    webhook_key: str | None = None
    footer: bool = False
    forbidden: list[str] = Field(default_factory=list)
    slow_s: float = Field(0, ge=0, le=60)
    clock_off_s: float = 0


class AccountApi:
    def __init__(
        self, account: Account, *, public_url: str, public_key: str, account_sid: str, auth_token: str, api_key: str
    ) -> None:
        """`account` is what an empty PUT brings back; `public_key` is base64 DER, as SendGrid shows it."""
        self._ready = self._account = account
        self._public_url = public_url
        self._public_key = public_key
        self._account_sid = account_sid
        self._basic = f"{account_sid}:{auth_token}".encode()
        self._bearer = f"Bearer {api_key}".encode()

    def routes(self) -> list[web.RouteDef]:
        twilio: dict[str, Answer] = {
            "/2010-04-01/Accounts/{account}.json": self._fetch_account,
            f"{_ROOT}/Balance.json": self._balance,
            f"{_ROOT}/IncomingPhoneNumbers.json": self._numbers,
            f"{_ROOT}/OutgoingCallerIds.json": self._caller_ids,
            "/v1/Services": self._services,
            _SERVICE: self._fetch_service,
            f"{_SERVICE}/PhoneNumbers": self._service_numbers,
            f"{_SERVICE}/ShortCodes": lambda request: self._meta(request, "short_codes", []),
            f"{_SERVICE}/AlphaSenders": self._sender_names,
            f"{_SERVICE}/Compliance/Usa2p": self._campaigns,
            "/v1/a2p/BrandRegistrations/{sid}": self._brand,
            "/v1/Tollfree/Verifications": self._toll_free,
            "/v1/DialingPermissions/Countries": self._countries,
        }
        sendgrid: dict[str, Callable[[], Any]] = {
            "/v3/scopes": lambda: {"scopes": self._account.scopes},
            "/v3/whitelabel/domains": self._domains,
            "/v3/verified_senders": self._verified_senders,
            "/v3/user/webhooks/event/settings/all": self._event_webhooks,
            "/v3/user/webhooks/parse/settings": self._parse_settings,
            "/v3/user/webhooks/security/policies": self._policies,
            "/v3/tracking_settings/subscription": lambda: {"enabled": self._account.footer},
        }
        routes = [web.get(path, self._as_twilio(answer)) for path, answer in twilio.items()]
        routes += [web.get(path, self._as_sendgrid(answer)) for path, answer in sendgrid.items()]
        return [*routes, web.get("/api/account", self.show), web.put("/api/account", self.put)]

    async def show(self, _request: web.Request) -> web.Response:
        return web.json_response(self._account.model_dump())

    async def put(self, request: web.Request) -> web.Response:
        try:
            given = Account.model_validate_json(await request.read() or b"{}")
        except ValidationError as wrong:
            first = wrong.errors()[0]
            detail = f"{'.'.join(str(part) for part in first['loc']) or 'body'}: {first['msg']}"
            text = json.dumps({"title": "Not understood", "status": 400, "detail": detail})
            raise web.HTTPBadRequest(text=text, content_type="application/problem+json") from None
        self._account = self._ready.model_copy(update=given.model_dump(exclude_unset=True))
        return web.json_response(self._account.model_dump())

    # who asks

    def _as_twilio(self, answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            await asyncio.sleep(self._account.slow_s)
            scheme, _, value = request.headers.get("Authorization", "").partition(" ")
            same = hmac.compare_digest(value.encode(), base64.b64encode(self._basic))
            if not same or scheme.lower() != "basic" or request.match_info.get("account") not in (
                None, self._account_sid,
            ):  # fmt: skip
                return error(20003)
            if self._forbidden(request):
                return error(20003, 403)
            response = answer(request)
            clock = datetime.now(UTC) + timedelta(seconds=self._account.clock_off_s)
            response.headers["Date"] = format_datetime(clock, usegmt=True)
            return response

        return serve

    def _as_sendgrid(self, answer: Callable[[], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            await asyncio.sleep(self._account.slow_s)
            if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._bearer):
                return errors(401, [("The provided authorization grant is invalid, expired, or revoked", None)])
            if self._forbidden(request):
                return errors(403, [("access forbidden", None)])
            return web.json_response(answer())

        return serve

    def _forbidden(self, request: web.Request) -> bool:
        return any(request.path.startswith(path) for path in self._account.forbidden)

    # Twilio

    def _fetch_account(self, _request: web.Request) -> web.Response:
        return web.json_response({
            "sid": self._account_sid, "friendly_name": "Sandbox", "status": self._account.status,
            "type": self._account.type, "owner_account_sid": self._account_sid,
            "uri": f"/2010-04-01/Accounts/{self._account_sid}.json",
        })  # fmt: skip

    def _balance(self, _request: web.Request) -> web.Response:
        balance = {"account_sid": self._account_sid, "balance": self._account.balance, "currency": "USD"}
        return web.json_response(balance)

    def _numbers(self, request: web.Request) -> web.Response:
        asked, now = request.query.get("PhoneNumber"), self._account
        return self._page(request, "incoming_phone_numbers", [{
            "sid": _number_sid(number), "account_sid": self._account_sid, "phone_number": number,
            "friendly_name": number, "capabilities": {"voice": now.voice, "sms": now.sms, "mms": now.sms, "fax": False},
            "sms_url": self._or(now.sms_url, "/webhooks/twilio/sms/inbound"), "sms_method": now.sms_method,
            "sms_application_sid": "", "voice_url": self._or(now.voice_url, "/webhooks/twilio/voice/inbound"),
            "voice_method": now.voice_method, "voice_application_sid": "", "trunk_sid": None,
            "status_callback": self._or(now.call_over_url, "/webhooks/twilio/voice/inbound-over"),
            "status_callback_method": "POST", "status": "in-use",
        } for number in now.numbers if asked in (None, number)])  # fmt: skip

    def _caller_ids(self, request: web.Request) -> web.Response:
        asked = request.query.get("PhoneNumber")
        return self._page(request, "outgoing_caller_ids", [
            {"sid": _number_sid(number), "account_sid": self._account_sid, "phone_number": number,
             "friendly_name": number}
            for number in self._account.caller_ids if asked in (None, number)
        ])  # fmt: skip

    def _services(self, request: web.Request) -> web.Response:
        return self._meta(request, "services", [self._service()] if self._account.service_sid else [])

    def _fetch_service(self, request: web.Request) -> web.Response:
        known = request.match_info["service"] == self._account.service_sid
        return web.json_response(self._service()) if known else error(20404)

    def _service(self) -> dict[str, Any]:
        return {
            "sid": self._account.service_sid, "account_sid": self._account_sid, "friendly_name": "Sandbox service",
            "inbound_request_url": self._or(self._account.inbound_url, "/webhooks/twilio/sms/inbound"),
            "inbound_method": "POST", "use_inbound_webhook_on_number": self._account.inbound_on_number,
        }  # fmt: skip

    def _service_numbers(self, request: web.Request) -> web.Response:
        held = self._account.numbers if self._account.service_numbers is None else self._account.service_numbers
        service = request.match_info["service"]
        return self._meta(request, "phone_numbers", [
            {"sid": _number_sid(number), "account_sid": self._account_sid, "service_sid": service,
             "phone_number": number, "country_code": "US", "capabilities": ["SMS", "Voice"]}
            for number in held
        ])  # fmt: skip

    def _sender_names(self, request: web.Request) -> web.Response:
        return self._meta(request, "alpha_senders", [
            {"sid": "AI" + "0" * 32, "service_sid": request.match_info["service"], "alpha_sender": name}
            for name in self._account.sender_names
        ])  # fmt: skip

    def _campaigns(self, request: web.Request) -> web.Response:
        return self._meta(request, "compliance", [
            {"sid": "QE" + "0" * 32, "brand_registration_sid": BRAND_SID, "campaign_status": status,
             "messaging_service_sid": request.match_info["service"]}
            for status in self._account.campaigns
        ])  # fmt: skip

    def _brand(self, request: web.Request) -> web.Response:
        failed = "Registration error" if self._account.brand == "FAILED" else None
        return web.json_response(
            {"sid": request.match_info["sid"], "status": self._account.brand, "failure_reason": failed}
        )

    def _toll_free(self, request: web.Request) -> web.Response:
        state = self._account.toll_free
        return self._meta(request, "verifications", [] if state is None else [{
            "sid": "HH" + "0" * 32, "status": state, "rejection_reason": None,
            "tollfree_phone_number_sid": request.query.get("TollfreePhoneNumberSid"),
        }])  # fmt: skip

    def _countries(self, request: web.Request) -> web.Response:
        return self._meta(request, "content", [
            {"iso_code": code, "name": code, "country_codes": [calling], "low_risk_numbers_enabled": True}
            for code, calling in self._account.countries.items()
        ])  # fmt: skip

    def _page(self, request: web.Request, name: str, rows: list[dict[str, Any]]) -> web.Response:
        """A list in the shape of the 2010 API; an account here fits on one page."""
        place = {"page": 0, "page_size": 50, "start": 0, "end": max(len(rows) - 1, 0), "uri": str(request.rel_url)}
        return web.json_response({name: rows, **place, "next_page_uri": None, "previous_page_uri": None})

    def _meta(self, request: web.Request, name: str, rows: list[dict[str, Any]]) -> web.Response:
        """The same in the shape of the newer ones."""
        meta = {"key": name, "page": 0, "page_size": 50, "url": str(request.url), "first_page_url": str(request.url),
                "next_page_url": None, "previous_page_url": None}  # fmt: skip
        return web.json_response({name: rows, "meta": meta})

    def _or(self, address: str | None, path: str) -> str:
        return self._public_url + path if address is None else address

    # SendGrid

    def _domains(self) -> list[dict[str, Any]]:
        domain, valid = self._account.domain, self._account.domain_valid
        record = {"valid": valid, "type": "cname", "host": f"em1.{domain}", "data": "u1.wl.sendgrid.net"}
        return [{"id": 1, "user_id": 1, "subdomain": "em1", "domain": domain, "username": "sandbox", "ips": [],
                 "custom_spf": False, "default": True, "legacy": False, "automatic_security": True, "valid": valid,
                 "dns": {"mail_cname": record, "dkim1": {**record, "host": f"s1._domainkey.{domain}"},
                         "dkim2": {**record, "host": f"s2._domainkey.{domain}"}}}] if domain else []  # fmt: skip

    def _verified_senders(self) -> dict[str, Any]:
        found = [{"id": n, "from_email": who, "verified": True} for n, who in enumerate(self._account.verified_senders)]
        return {"results": found}

    def _event_webhooks(self) -> dict[str, Any]:
        now = self._account
        url = self._or(now.events_url, "/webhooks/sendgrid/events")
        hook: dict[str, Any] = {"id": "1", "enabled": now.events_enabled, "url": url, "friendly_name": None}
        hook |= {name: name not in now.events_without for name in _EVENTS}
        if now.events_signed:
            hook["public_key"] = self._key()
        return {"max_allowed": 5, "webhooks": [hook] if url else [{}]}

    def _parse_settings(self) -> dict[str, Any]:
        host, now = self._account.reply_domain, self._account
        url = self._or(now.parse_url, "/webhooks/sendgrid/inbound")
        setting = {"url": url, "hostname": host, "spam_check": False, "send_raw": now.parse_mime}
        return {"result": [setting] if host else []}

    def _policies(self) -> dict[str, Any]:
        policy = {"id": "1", "name": "sandbox", "signature": {"public_key": self._key()}}
        return {"policies": [policy] if self._account.parse_signed else []}

    def _key(self) -> str:
        return self._account.webhook_key or self._public_key


def public_key_of(signing_key_pem: str) -> str:
    """base64 DER of the key that checks what `signing_key_pem` signs."""
    key = serialization.load_pem_private_key(signing_key_pem.encode(), password=None).public_key()
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def _number_sid(number: str) -> str:
    return "PN" + number.lstrip("+").zfill(32)
