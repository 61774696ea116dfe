"""SendGrid's webhooks: events about mail we sent, and mail from leads (Inbound Parse). Both are signed as bytes."""

import email.parser
import email.policy
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from speedlead.contact_marks import marks_of
from speedlead.domain.flow_check import is_address
from speedlead.gateway.context import Context
from speedlead.gateway.forms import read_form
from speedlead.gateway.problems import Problem
from speedlead.gateway.webhook_keys import FLOW_CHECK, Key, flow_check_keys, sendgrid_keys
from speedlead.gateway.webhooks import Acted, Job, Reader, Unreadable, Verifier, count, endpoint, plain, receive, take
from speedlead.intake_text import many_lines, one_line
from speedlead.mail_text import is_absence_note, is_automatic, text_of_html, written_part
from speedlead.mail_thread import tokens
from speedlead.mail_trust import Doubt, doubt_of
from speedlead.optout import opt_out_scope, says_more
from speedlead.ports import Clock, SendErrorKind
from speedlead.providers.errors import mail_event_ruling
from speedlead.providers.signatures import is_fresh, verify_sendgrid
from speedlead.store.deliveries import Report
from speedlead.store.inbound import Inbound, take_inbound
from speedlead.store.notification_reports import take_any_report
from speedlead.store.webhooks import Received
from speedlead.tokens import read_token

REPLY = "reply"
MAX_EVENT_BYTES = 5_000_000
MAX_MAIL_BYTES = 30_000_000  # SendGrid's own bound of a parsed mail with attachments
MAX_KEPT_MAIL_BYTES = 500_000
MAX_FIELD = 200_000
MAX_ATTACHMENTS = 1000  # pictures of signatures: a mail is not lost for them
MAX_TEXT = 500_000
MAX_EVENTS = 10_000

_STATUS = {"processed": "processed", "deferred": "deferred", "delivered": "delivered", "bounce": "bounced",
           "dropped": "dropped", "spamreport": "spam_report"}  # fmt: skip
# what goes into our record of an event: nothing that names the person
_KEPT = ("event", "type", "status", "timestamp", "sg_event_id", "sg_message_id", "touch_id", "bounce_classification")

_STAMP = "x-twilio-email-event-webhook-timestamp"
_SIGNATURE = "x-twilio-email-event-webhook-signature"


def add_sendgrid_webhooks(app: FastAPI, context: Context) -> None:
    settings, credentials = context.deps.settings, context.deps.credentials
    keys = {"events": flow_check_keys(settings, credentials)}
    for path, read in READERS.items():
        verify = partial(_signed_by, context, (*sendgrid_keys(settings, credentials), *keys.get(path, ())))
        door = _door(context, path, verify, read)
        app.router.add_route(f"/webhooks/sendgrid/{path}", door, methods=["POST"], include_in_schema=False)


def _door(context: Context, path: str, verify: Verifier, read: Reader) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        if not (request.headers.get(_SIGNATURE) and request.headers.get(_STAMP)):
            verify(request, b"")  # refuses; a body without a signature is not worth reading at this size
        received = await receive(context, request, "sendgrid", path, LIMITS[path], verify)
        return await take(context, await _compact(received), read)

    return endpoint(context, serve, path)


def _signed_by(context: Context, keys: tuple[Key, ...], request: Request, body: bytes) -> str:
    signature, stamp = request.headers.get(_SIGNATURE), request.headers.get(_STAMP)
    name = next((key.name for key in keys if verify_sendgrid(key.secret, body, signature, stamp)), None)
    # our own word is worth nothing about anybody else's mail
    if name is None or (name == FLOW_CHECK and not _about_checks(body)):
        count(context, "sendgrid", "forged")
        raise Problem(403, "The signature is not right.")
    oldest = timedelta(hours=context.deps.settings.webhook_max_age_hours)
    if not is_fresh(stamp or "", context.deps.clock.wall(), oldest):
        count(context, "sendgrid", "stale")
        raise Problem(403, "The time stamp of the signature is too old, or ahead of our clock.")
    return name


def _about_checks(body: bytes) -> bool:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return False
    events = found if isinstance(found, list) else []
    return bool(events) and all(isinstance(e, dict) and is_address(_text(e.get("email"))) for e in events)


async def _compact(received: Received) -> Received:
    """A large mail without its attachments, which nobody reads: what is kept are its text fields."""
    if received.path != "inbound" or len(received.body) <= MAX_KEPT_MAIL_BYTES:
        return received
    try:
        fields = await read_form(received.content_type, received.body, max_files=MAX_ATTACHMENTS)
    except Problem:  # it is going to be refused as unreadable; its beginning shows why
        return replace(received, body=received.body[:MAX_KEPT_MAIL_BYTES])
    body = urlencode({name: [plain(value)[:MAX_FIELD] for value in values] for name, values in fields.items()}, True)
    return replace(received, content_type="application/x-www-form-urlencoded", body=body.encode())


async def events(context: Context, received: Received, clock: Clock) -> Job:
    try:
        found = json.loads(received.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or len(found) > MAX_EVENTS:
        raise Unreadable(f"expected a JSON array of at most {MAX_EVENTS} events")
    named = [event for event in found if isinstance(event, dict) and _text(event.get("event"))]
    about = {_text(event.get("touch_id")).partition(".")[0][:60] for event in named}
    about |= {_text(event.get("email")).lower()[:320] for event in named}
    acts = tuple(partial(_event, clock, event) for event in named)
    return Job(Response(status_code=204), acts, tuple(sorted(about - {""})))


async def _event(clock: Clock, event: dict[str, Any], conn: Any) -> str | None:
    name, kind = _text(event.get("event")), _text(event.get("type"))
    fault = mail_event_ruling(name, kind)
    status = (
        "blocked"
        if name == "bounce" and fault and fault.kind is not SendErrorKind.BAD_ADDRESS
        else _STATUS.get(name, name)
    )
    if name in ("unsubscribe", "group_unsubscribe"):
        status = "spam_report"  # as an opt-out it outranks whatever was heard of the mail before
    payload = {key: _text(event[key]) for key in _KEPT if event.get(key) is not None}
    event_id = _text(event.get("sg_event_id")) or sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()
    report = Report(
        provider="sendgrid",
        key=event_id,
        kind=f"mail/{name}"[:60],
        touch_id=_text(event.get("touch_id")) or "-",
        provider_id=_text(event.get("sg_message_id")).partition(".")[0] or None,
        status=status,
        payload=payload,
        fault=fault,
        code=_text(event.get("status")) or kind or None,
    )
    return await take_any_report(conn, clock, report)


async def inbound_mail(context: Context, received: Received, clock: Clock) -> Job:
    """An answer by mail. The address it went to names the lead, else the thread; the sender's address is a guess."""
    try:
        fields = await read_form(received.content_type, received.body, max_files=MAX_ATTACHMENTS)
    except Problem as problem:
        raise Unreadable(problem.detail) from None
    form = {name: values[-1] for name, values in fields.items()}
    headers = email.parser.HeaderParser(policy=email.policy.compat32).parsestr(form.get("headers", "")[:200_000])
    envelope = _envelope(form)
    message_id = one_line(str(headers.get("Message-ID") or ""))[:300]
    sender = parseaddr(form.get("from", "")[:2000])[1] or _text(envelope.get("from"))
    said = many_lines(form.get("text", "")[:MAX_TEXT]).strip()
    said = said or text_of_html(many_lines(form.get("html", "")[:MAX_TEXT]))
    text = written_part(said)
    subject = one_line(form.get("subject", "")[:2000])[:500]
    automatic = is_automatic(_lines(headers), _text(envelope.get("from")) if "from" in envelope else None)
    address = one_line(sender).lower()[:320]
    scope = None if automatic else opt_out_scope(text, "email")
    inbound = Inbound(
        provider="sendgrid",
        key=f"inbound:{message_id or received.digest}",
        channel="email",
        sender=address,
        subject=subject or None,
        body=said,
        provider_id=message_id or received.digest,
        automatic=automatic,
        opt_out=scope,
        asks_more=scope is not None and says_more(text),
        absence=f"{subject}\n\n{text}" if automatic and is_absence_note(_lines(headers), sender) else None,
        mailed_at=_date(headers),
        lead_id=_lead_of(context, envelope, form) or _lead_of_thread(context, _lines(headers)),
        said=text.strip() or None,
        name=one_line(parseaddr(form.get("from", "")[:2000])[0])[:200] or None,
        language=one_line(str(headers.get("Content-Language") or headers.get("Accept-Language") or ""))[:35] or None,
        doubt=_doubt(context, sender, form),
        marks=marks_of(context.deps.credentials.secret_bytes, address, None),
    )
    returns = context.deps.returns
    about = tuple(part for part in (inbound.sender, inbound.lead_id) if part)

    async def act(conn: Any) -> Acted:
        heard = await take_inbound(conn, clock, inbound, returns)
        if heard.stranger is not None:
            context.counters.add("strangers", channel="email", became=heard.stranger)
        return Acted(heard.told)

    return Job(Response(status_code=204), (act,), about)


def _doubt(context: Context, sender: str, form: dict[str, str]) -> Doubt | None:
    settings = context.deps.settings
    if sender.lower() == settings.sendgrid_from.lower() or sender.rpartition("@")[2].lower() == settings.reply_domain:
        return "ours"
    return doubt_of(sender, spf=form.get("SPF", ""), dkim=form.get("dkim", ""), spam_score=form.get("spam_score", ""))


def _lead_of(context: Context, envelope: dict[str, Any], form: dict[str, str]) -> str | None:
    """The lead that a `reply+{token}@` address names. The envelope counts; the To header may say anything."""
    recipients = envelope.get("to")
    addresses = [_text(item) for item in recipients] if isinstance(recipients, list) else []
    for address in addresses or [parseaddr(form.get("to", ""))[1]]:
        local = address.rpartition("@")[0]
        if local.lower().startswith(f"{REPLY}+"):
            found = read_token(context.deps.credentials.secret_bytes, REPLY, local[len(REPLY) + 1 :])
            if found is not None:
                return found
    return None


def _lead_of_thread(context: Context, headers: dict[str, str]) -> str | None:
    """The lead of the mail of ours that this one answers, whatever address it was sent to."""
    secret = context.deps.credentials.secret_bytes
    return next((lead for token in tokens(headers) if (lead := read_token(secret, REPLY, token)) is not None), None)


def _envelope(form: dict[str, str]) -> dict[str, Any]:
    try:
        found = json.loads(form.get("envelope", ""))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _lines(headers: Message) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in headers.items()}


def _date(headers: Message) -> datetime | None:
    try:
        found = parsedate_to_datetime(str(headers.get("Date", "")))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _text(value: object) -> str:
    return one_line(value[:500]) if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""


READERS: dict[str, Reader] = {"events": events, "inbound": inbound_mail}
LIMITS = {"events": MAX_EVENT_BYTES, "inbound": MAX_MAIL_BYTES}
