"""SendGrid's webhooks: events about mail we sent, and mail from leads (Inbound Parse). Both are signed as bytes."""

import email.parser
import email.policy
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime
from hashlib import sha256
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from speedlead.gateway.context import Context, log
from speedlead.gateway.forms import read_form
from speedlead.gateway.limits import read_body
from speedlead.gateway.problems import Problem, unavailable
from speedlead.intake_text import many_lines, one_line
from speedlead.mail_text import is_absence_note, is_automatic, written_part
from speedlead.optout import opt_out_scope
from speedlead.ports import SendErrorKind
from speedlead.providers.errors import mail_event_kind
from speedlead.providers.signatures import verify_sendgrid
from speedlead.store.deliveries import Report, take_report
from speedlead.store.inbound import Inbound, take_inbound
from speedlead.store.transactions import StoreUnavailable, transact
from speedlead.tokens import read_token

REPLY = "reply"
MAX_EVENT_BYTES = 5_000_000
MAX_MAIL_BYTES = 30_000_000  # SendGrid's own bound of a parsed mail with attachments
MAX_EVENTS = 10_000

_STATUS = {"processed": "processed", "deferred": "deferred", "delivered": "delivered", "bounce": "bounced",
           "dropped": "dropped", "spamreport": "spam_report"}  # fmt: skip
# what goes into our record of an event: nothing that names the person
_KEPT = ("event", "type", "status", "timestamp", "sg_event_id", "sg_message_id", "touch_id", "bounce_classification")

Handler = Callable[[Context, Request, bytes], Awaitable[Response]]


def add_sendgrid_webhooks(app: FastAPI, context: Context) -> None:
    for path, handler, limit in (("events", events, MAX_EVENT_BYTES), ("inbound", inbound_mail, MAX_MAIL_BYTES)):
        endpoint = _verified(context, path, handler, limit)
        app.router.add_route(f"/webhooks/sendgrid/{path}", endpoint, methods=["POST"], include_in_schema=False)


def public_key(context: Context) -> str:
    """Empty, which nothing verifies against, for an account of one's own without a configured key."""
    settings = context.deps.settings
    if settings.sendgrid_webhook_public_key is not None:
        return settings.sendgrid_webhook_public_key
    return context.deps.credentials.sandbox_sendgrid_public_key if settings.uses_sandbox else ""


def _verified(context: Context, path: str, handler: Handler, limit: int) -> Callable[[Request], Awaitable[Response]]:
    key = public_key(context)

    async def endpoint(request: Request) -> Response:
        signature = request.headers.get("x-twilio-email-event-webhook-signature")
        timestamp = request.headers.get("x-twilio-email-event-webhook-timestamp")
        try:
            # a body without a signature is not worth reading at this size
            body = await read_body(request, limit) if signature and timestamp else b""
            if not verify_sendgrid(key, body, signature, timestamp):
                context.counters.add("webhooks_refused", provider="sendgrid")
                raise Problem(403, "The signature is not right.")
            context.counters.add("webhooks", provider="sendgrid", path=path)
            return await handler(context, request, body)
        except Problem as problem:
            return problem.response()
        except StoreUnavailable:
            context.counters.add("store_unavailable")
            return unavailable().response()
        except Exception as error:
            context.counters.add("bugs")
            log.error("webhook failed", path=path, error=type(error).__name__)
            return unavailable().response()

    return endpoint


async def events(context: Context, request: Request, body: bytes) -> Response:
    """Each event in a transaction of its own: one that cannot be used does not hold up the others."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or len(found) > MAX_EVENTS:
        context.counters.add("webhooks_unreadable", provider="sendgrid")
        return Response(status_code=204)
    told: set[str] = set()
    for event in found:
        lead_id = await _event(context, event) if isinstance(event, dict) else None
        if lead_id is not None:
            told.add(lead_id)
    await context.deliver_now(*sorted(told))
    return Response(status_code=204)


async def _event(context: Context, event: dict[str, Any]) -> str | None:
    name, kind = _text(event.get("event")), _text(event.get("type"))
    if not name:
        return None
    fault = mail_event_kind(name, kind)
    status = "blocked" if name == "bounce" and fault is not SendErrorKind.BAD_ADDRESS else _STATUS.get(name, name)
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
    return await transact(context.deps.pool, lambda conn: take_report(conn, context.deps.clock, report))


async def inbound_mail(context: Context, request: Request, body: bytes) -> Response:
    """An answer by mail. The address it went to names the lead; the sender's address is the second best guess."""
    fields = await read_form(request.headers.get("content-type", ""), body)
    form = {name: values[-1] for name, values in fields.items()}
    headers = email.parser.HeaderParser(policy=email.policy.compat32).parsestr(form.get("headers", "")[:200_000])
    envelope = _envelope(form)
    message_id = one_line(str(headers.get("Message-ID") or ""))[:300]
    sender = parseaddr(form.get("from", ""))[1] or _text(envelope.get("from"))
    text = written_part(many_lines(form.get("text", "")))
    subject = one_line(form.get("subject", ""))[:500]
    automatic = is_automatic(_lines(headers), _text(envelope.get("from")) if "from" in envelope else None)
    inbound = Inbound(
        provider="sendgrid",
        key=f"inbound:{message_id or sha256(body).hexdigest()}",
        channel="email",
        sender=one_line(sender).lower()[:320],
        subject=subject or None,
        body=many_lines(form.get("text", "")),
        provider_id=message_id or sha256(body).hexdigest(),
        automatic=automatic,
        opt_out=None if automatic else opt_out_scope(text, "email"),
        absence=f"{subject}\n\n{text}" if automatic and is_absence_note(_lines(headers), sender) else None,
        mailed_at=_date(headers),
        lead_id=_lead_of(context, envelope, form),
    )
    deps = context.deps
    told = await transact(deps.pool, lambda conn: take_inbound(conn, deps.clock, inbound, deps.returns))
    await context.deliver_now(*told)
    return Response(status_code=204)


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
