"""Twilio's webhooks: SMS reports, SMS from leads, and what a call does next.

Raw body, real signature, stored before acted on, answered fast. A forged one is 403, a database that is down 503, so
that it comes again; nothing else is ever an error to Twilio.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from speedlead.gateway import twiml
from speedlead.gateway.context import Context, log
from speedlead.gateway.limits import read_body
from speedlead.gateway.problems import Problem, unavailable
from speedlead.intake_text import many_lines
from speedlead.optout import asks_to_resume, opt_out_scope
from speedlead.ports import SendErrorKind
from speedlead.providers.errors import delivery_kind, twilio_ruling
from speedlead.providers.signatures import verify_twilio
from speedlead.store import calls
from speedlead.store.calls import CallReport
from speedlead.store.deliveries import Report, take_report
from speedlead.store.inbound import Inbound, take_inbound
from speedlead.store.transactions import StoreUnavailable, transact

MAX_BYTES = 65_536
_TROUBLE = "Sorry, something went wrong on our side. Please call the lead yourself."


@dataclass(frozen=True, slots=True)
class Call:
    """One verified request: its form fields, and the touch or leg that its URL names."""

    form: dict[str, str]
    query: dict[str, str]

    def get(self, name: str) -> str | None:
        return self.form.get(name) or None

    @property
    def leg(self) -> str:
        return self.query.get("leg", "")[:200]


Handler = Callable[[Context, Call], Awaitable[Response]]


def add_twilio_webhooks(app: FastAPI, context: Context) -> None:
    routes: dict[str, Handler] = {
        "sms/status": sms_status,
        "sms/inbound": sms_inbound,
        "voice/rep": voice_rep,
        "voice/accept": voice_accept,
        "voice/leg": voice_leg,
        "voice/lead-leg": voice_lead_leg,
        "voice/done": voice_done,
        "voice/amd": voice_amd,
    }
    for path, handler in routes.items():
        app.router.add_route(
            f"/webhooks/twilio/{path}", _verified(context, path, handler), methods=["POST"], include_in_schema=False
        )


def _verified(context: Context, path: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    token = auth_token(context)

    async def endpoint(request: Request) -> Response:
        try:
            body = await read_body(request, MAX_BYTES)
        except Problem as problem:
            return problem.response()
        if not verify_twilio(token, signed_url(request, context), body, request.headers.get("x-twilio-signature")):
            context.counters.add("webhooks_refused", provider="twilio")
            return Problem(403, "The signature is not right.").response()
        context.counters.add("webhooks", provider="twilio", path=path)
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        form = {name: many_lines(value) for name, value in pairs}
        try:
            return await handler(context, Call(form, {name: many_lines(v) for name, v in request.query_params.items()}))
        except StoreUnavailable:
            context.counters.add("store_unavailable")
            return unavailable().response()
        except Exception as error:
            # a provider takes a 500 for a broken address; 503 makes it come again and us look at the log
            context.counters.add("bugs")
            log.error("webhook failed", path=path, error=type(error).__name__)
            return unavailable().response()

    return endpoint


def auth_token(context: Context) -> str:
    own = context.deps.settings.twilio_auth_token
    secret = own if own is not None else context.deps.credentials.sandbox_twilio_auth_token
    return secret.get_secret_value()


def signed_url(request: Request, context: Context) -> str:
    """What the provider called: our public address and the bytes of path and query, not what a proxy made of them."""
    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope.get("query_string", b"")
    path = raw_path.partition(b"?")[0].decode("latin-1")
    return context.deps.settings.public_url + path + (f"?{query.decode('latin-1')}" if query else "")


# ── SMS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def sms_status(context: Context, call: Call) -> Response:
    sid, status, code = call.get("MessageSid"), call.get("MessageStatus"), call.get("ErrorCode")
    if sid and status:
        failed = status in ("failed", "undelivered")
        ruling = twilio_ruling(code)
        report = Report(
            provider="twilio",
            key=f"{sid}:{status}",
            kind="sms/status",
            touch_id=call.query.get("touch") or None,
            provider_id=sid,
            status=status,
            payload={"sid": sid, "status": status, "code": code},
            fault=delivery_kind(code) if failed else None,
            code=code,
            sms_only=ruling is not None and ruling.kind is SendErrorKind.BAD_ADDRESS and ruling.scope == "sms",
        )
        told = await transact(context.deps.pool, lambda conn: take_report(conn, context.deps.clock, report))
        await context.deliver_now(told)
    return Response(status_code=204)


async def sms_inbound(context: Context, call: Call) -> Response:
    sid, sender, body = call.get("MessageSid"), call.get("From"), call.form.get("Body", "")
    if sid and sender:
        # sent with Advanced Opt-Out only, so we judge the words ourselves as well
        kind = (call.get("OptOutType") or "").upper()
        inbound = Inbound(
            provider="twilio",
            key=f"inbound:{sid}",
            channel="sms",
            sender=sender,
            body=body,
            provider_id=sid,
            opt_out=opt_out_scope(body, "sms") or ("sms" if kind == "STOP" else None),
            resumes=kind == "START" or asks_to_resume(body),
        )
        told = await transact(context.deps.pool, lambda conn: take_inbound(conn, context.deps.clock, inbound))
        await context.deliver_now(*told)
    return twiml.nothing()


# ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def voice_rep(context: Context, call: Call) -> Response:
    """The rep picked up: say who the lead is and ask for a key."""

    async def work(conn: Any) -> calls.Brief | None:
        await calls.rep_picked_up(conn, context.deps.clock, call.leg, call.get("CallSid"))
        return await calls.brief_of(conn, call.leg)

    brief = await transact(context.deps.pool, work)
    if brief is None:
        return twiml.say("This lead is no longer waiting for a call.")
    return twiml.ask_rep(brief, call.leg, context.deps.settings.public_url)


async def voice_accept(context: Context, call: Call) -> Response:
    """A key, or none. Only 1 connects, and only if the gate lets the lead's leg pass at this moment."""
    deps, digits = context.deps, call.form.get("Digits", "")
    if digits != "1":
        await _refused(context, call, "rep_declined" if digits else "rep_no_answer", None)
        return twiml.say(None)
    try:
        permit = await deps.leg_gate.claim_lead_leg(call.leg)
    except Exception as error:
        context.counters.add("bugs")
        log.error("gate failed", leg_id=call.leg, error=type(error).__name__)
        return twiml.say(_TROUBLE)
    if not permit.allowed or permit.to is None:
        await _refused(context, call, "not_permitted", permit.reason)
        return twiml.say(permit.say)
    await transact(deps.pool, lambda conn: calls.rep_accepted(conn, deps.clock, call.leg))
    return twiml.dial_lead(permit.to, permit.caller_id, permit.lead_leg_id, deps.settings.public_url)


async def _refused(context: Context, call: Call, result: calls.RepResult, why: str | None) -> None:
    report = _report(call, "voice/accept", result, f"accept:{call.get('CallSid')}:{call.leg}")
    told = await transact(
        context.deps.pool, lambda conn: calls.rep_refused(conn, context.deps.clock, report, result, why)
    )
    await context.deliver_now(told)


async def voice_leg(context: Context, call: Call) -> Response:
    """What the rep's phone does."""
    sid, status = call.get("CallSid"), call.get("CallStatus")
    if sid and status:
        report = _report(call, "voice/leg", status, f"{sid}:{status}")
        told = await transact(context.deps.pool, lambda conn: calls.take_rep_leg(conn, context.deps.clock, report))
        await context.deliver_now(told)
    return Response(status_code=204)


async def voice_lead_leg(context: Context, call: Call) -> Response:
    """What the lead's phone does."""
    sid, status = call.get("CallSid"), call.get("CallStatus")
    if sid and status:
        await _lead_leg(context, _report(call, "voice/lead-leg", status, f"{sid}:{status}"))
    return Response(status_code=204)


async def voice_done(context: Context, call: Call) -> Response:
    """The dialling is over: the second source for how it ended, in case the first one was lost."""
    status = call.get("DialCallStatus")
    if status:
        await _lead_leg(context, _report(call, "voice/done", status, f"dial:{call.get('CallSid')}:{call.leg}:{status}"))
    return twiml.say(None)


async def voice_amd(context: Context, call: Call) -> Response:
    sid, answered_by = call.get("CallSid"), call.get("AnsweredBy")
    if sid and answered_by:
        report = _report(call, "voice/amd", answered_by, f"amd:{sid}:{answered_by}")
        await transact(context.deps.pool, lambda conn: calls.note_machine(conn, report))
    return Response(status_code=204)


async def _lead_leg(context: Context, report: CallReport) -> None:
    told = await transact(context.deps.pool, lambda conn: calls.take_lead_leg(conn, context.deps.clock, report))
    await context.deliver_now(told)


def _report(call: Call, kind: Any, status: str, key: str) -> CallReport:
    answered_by = call.get("AnsweredBy") or ""
    return CallReport(
        key=key,
        kind=kind,
        leg_id=call.leg,
        call_id=call.get("DialCallSid") if kind == "voice/done" else call.get("CallSid"),
        status=status[:40],
        code=call.get("SipResponseCode") or call.get("ErrorCode"),
        machine=answered_by.startswith("machine") or answered_by == "fax",
    )
