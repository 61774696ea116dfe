"""Twilio's webhooks: SMS reports, SMS from leads, and what a call does next.

Reports and texts are kept and acted on (speedlead.gateway.webhooks); a call's question is answered now or never.
A forged one is 403, a database that is down 503, so that it comes again; nothing else is an error to Twilio.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from speedlead.composer import Composer
from speedlead.composing.assemble import read_composer
from speedlead.composing.languages import choose
from speedlead.contact_marks import marks_of
from speedlead.gateway import inbound_calls, twiml
from speedlead.gateway.assistant_voice import SOCKET, open_voice
from speedlead.gateway.context import Context, log
from speedlead.gateway.problems import Problem
from speedlead.gateway.voice_relay import Relay
from speedlead.gateway.webhook_keys import Key, twilio_keys
from speedlead.gateway.webhooks import Act, Acted, Job, Reader, Verifier, ask, count, endpoint, receive, take
from speedlead.help_words import LANGUAGES, asks_for_help, help_text
from speedlead.intake_text import many_lines
from speedlead.logging import about_touch
from speedlead.optout import answered_by_provider, asks_to_resume, confirmation, opt_out_scope, says_more
from speedlead.ports import Clock, SendError, SendErrorKind
from speedlead.providers.errors import delivery_ruling
from speedlead.providers.signatures import verify_twilio
from speedlead.store import calls
from speedlead.store.calls import CallReport
from speedlead.store.deliveries import Report
from speedlead.store.inbound import Inbound, take_inbound
from speedlead.store.leads import LeadStore
from speedlead.store.notification_reports import take_any_report
from speedlead.store.transactions import transact
from speedlead.store.voicemail import wished
from speedlead.store.webhooks import Received

MAX_BYTES = 65_536
# as the sender's address names them: https://www.twilio.com/docs/messaging/channels
_MESSENGERS = {"whatsapp": "WhatsApp", "rcs": "RCS"}
_LEAVING = "A machine answered. Our message is being left for them; you are free."
_TROUBLE = "Sorry, something went wrong on our side. Please call the lead yourself."


@dataclass(frozen=True, slots=True)
class Call:
    """One verified request: its form fields, the touch or leg that its URL names, and the clock as it came."""

    form: dict[str, str]
    query: dict[str, str]
    clock: Clock

    def get(self, name: str) -> str | None:
        return self.form.get(name) or None

    @property
    def leg(self) -> str:
        return self.query.get("leg", "")[:200]

    @property
    def touch(self) -> str:
        """The touch, or the leg of one, that our own address names."""
        return self.leg or self.query.get("touch", "")[:200]

    @property
    def about(self) -> tuple[str, ...]:
        """The lead, by its touch or leg, and the numbers at both ends."""
        lead = self.touch.partition(".")[0][:60]
        return tuple(part for part in (lead, self.get("From"), self.get("To")) if part)


def add_twilio_webhooks(app: FastAPI, context: Context) -> None:
    keys = twilio_keys(context.deps.settings, context.deps.credentials)
    verify = partial(_signed_by, context, keys)
    doors = {path: _reported(context, path, verify, read) for path, read in READERS.items()}
    composer = read_composer(context.deps.settings)
    house = inbound_calls.House(composer, open_voice(context.deps.settings))
    questions = QUESTIONS | {"voice/voicemail": partial(voice_voicemail, composer)} | inbound_calls.questions(house)
    doors |= {path: _asked(context, path, verify, answer) for path, answer in questions.items()}
    for path, door in doors.items():
        app.router.add_route(f"/webhooks/twilio/{path}", door, methods=["POST"], include_in_schema=False)
    if house.voice is not None:
        app.router.add_websocket_route(SOCKET, Relay(context, house.voice, keys).serve)


Handler = Callable[[Context, Call], Job]
Answerer = Callable[[Context, Call], Awaitable[Response]]
Door = Callable[[Request], Awaitable[Response]]


def _reported(context: Context, path: str, verify: Verifier, read: Reader) -> Door:
    async def serve(request: Request) -> Response:
        received = await receive(context, request, "twilio", path, MAX_BYTES, verify)
        with about_touch(_call(received, context.deps.clock).touch):
            return await take(context, received, read)

    return endpoint(context, serve, path)


def _asked(context: Context, path: str, verify: Verifier, answer: Answerer) -> Door:
    async def serve(request: Request) -> Response:
        received = await receive(context, request, "twilio", path, MAX_BYTES, verify)
        call = _call(received, context.deps.clock)
        with about_touch(call.touch):
            return await ask(context, replace(received, about=call.about), lambda: answer(context, call))

    return endpoint(context, serve, path)


def _signed_by(context: Context, keys: tuple[Key, ...], request: Request, body: bytes) -> str:
    url, signature = signed_url(request, context), request.headers.get("x-twilio-signature")
    for key in keys:
        if verify_twilio(key.secret, url, body, signature, key.algorithm):
            return key.name
    count(context, "twilio", "forged")
    raise Problem(403, "The signature is not right.")


def _reader(handler: Handler) -> Reader:
    async def read(context: Context, received: Received, clock: Clock) -> Job:
        call = _call(received, clock)
        return replace(handler(context, call), about=call.about)

    return read


def _call(received: Received, clock: Clock) -> Call:
    form = parse_qsl(received.body.decode("utf-8", "replace"), keep_blank_values=True)
    query = parse_qsl(received.query, keep_blank_values=True)
    return Call({k: many_lines(v) for k, v in form}, {k: many_lines(v) for k, v in query}, clock)


def signed_url(request: Request, context: Context) -> str:
    """What the provider called: our public address and the bytes of path and query, not what a proxy made of them."""
    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope.get("query_string", b"")
    path = raw_path.partition(b"?")[0].decode("latin-1")
    return context.deps.settings.public_url + path + (f"?{query.decode('latin-1')}" if query else "")


# ── SMS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def sms_status(context: Context, call: Call) -> Job:
    sid, status, code = call.get("MessageSid"), call.get("MessageStatus"), call.get("ErrorCode")
    acts: tuple[Act, ...] = ()
    if sid and status:
        failed = status in ("failed", "undelivered")
        report = Report(
            provider="twilio",
            key=f"{sid}:{status}",
            kind="sms/status",
            touch_id=call.query.get("touch") or None,
            provider_id=sid,
            status=status,
            payload={"sid": sid, "status": status, "code": code},
            fault=delivery_ruling(code) if failed else None,
            code=code,
        )
        acts = (lambda conn: take_any_report(conn, call.clock, report),)
    return Job(Response(status_code=204), acts)


def sender_of(address: str) -> tuple[str, str | None]:
    """(the number, the messenger that it wrote from): a messenger's numbers come through the door of the texts."""
    scheme, _, number = address.partition(":")
    return (number, _MESSENGERS[scheme]) if scheme in _MESSENGERS and number.startswith("+") else (address, None)


def sms_inbound(context: Context, call: Call) -> Job:
    sid, address, body = call.get("MessageSid"), call.get("From"), call.form.get("Body", "")
    if not (sid and address):
        return Job(twiml.nothing())
    sender, messenger = sender_of(address)
    # sent with Advanced Opt-Out only, so we judge the words ourselves as well
    kind = (call.get("OptOutType") or "").upper()
    scope = opt_out_scope(body, "sms") or ("sms" if kind == "STOP" else None)
    inbound = Inbound(
        provider="twilio",
        key=f"inbound:{sid}",
        channel="sms",
        sender=sender,
        body=body,
        provider_id=sid,
        opt_out=scope,
        resumes=kind == "START" or asks_to_resume(body),
        wants_help=kind == "HELP" or asks_for_help(body),
        marks=marks_of(context.deps.credentials.secret_bytes, None, sender),
        asks_more=scope is not None and kind != "STOP" and says_more(body),
        messenger=messenger,
    )
    settings = context.deps.settings
    # only what the provider does not confirm itself, and only while its request is open: later it would be too late
    theirs = messenger is None and answered_by_provider(body)
    ours = scope not in (None, "email") and kind != "STOP" and not theirs

    async def act(conn: Any) -> Acted:
        heard = await take_inbound(conn, call.clock, inbound, context.deps.returns)
        if heard.stranger is not None:
            context.counters.add("strangers", channel="sms", became=heard.stranger)
        words = None
        if ours and heard.opted_out:
            words = confirmation(body, settings.company_name)
        elif heard.helped and kind != "HELP":
            language = choose(heard.language, heard.country, LANGUAGES, "en")
            words = help_text(body, settings.company_name, settings.company_phone, settings.sendgrid_from, language)
        return Acted(heard.told, twiml.text(words) if words else None)

    return Job(twiml.nothing(), (act,))


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
    return twiml.dial_lead(permit.to, permit.caller_id, permit.lead_leg_id, deps.settings.public_url, permit.voicemail)


async def _refused(context: Context, call: Call, result: calls.RepResult, why: str | None) -> None:
    report = _report(call, "voice/accept", result, f"accept:{call.get('CallSid')}:{call.leg}")
    told = await transact(
        context.deps.pool, lambda conn: calls.rep_refused(conn, context.deps.clock, report, result, why)
    )
    await context.deliver_now(told)


def voice_leg(context: Context, call: Call) -> Job:
    """What the rep's phone does."""
    sid, status = call.get("CallSid"), call.get("CallStatus")
    acts: tuple[Act, ...] = ()
    if sid and status:
        report = _report(call, "voice/leg", status, f"{sid}:{status}")
        acts = (lambda conn: calls.take_rep_leg(conn, call.clock, report),)
    return Job(Response(status_code=204), acts)


def voice_lead_leg(context: Context, call: Call) -> Job:
    """What the lead's phone does."""
    sid, status = call.get("CallSid"), call.get("CallStatus")
    acts: tuple[Act, ...] = ()
    if sid and status:
        report = _report(call, "voice/lead-leg", status, f"{sid}:{status}")
        acts = (lambda conn: calls.take_lead_leg(conn, call.clock, report),)
    return Job(Response(status_code=204), acts)


def voice_done(context: Context, call: Call) -> Job:
    """The dialling is over: the second source for how it ended, in case the first one was lost."""
    status = call.get("DialCallStatus")
    if not status:
        return Job(twiml.say(None))
    report = _report(call, "voice/done", status, f"dial:{call.get('CallSid')}:{call.leg}:{status}")

    async def act(conn: Any) -> Acted:
        told = await calls.take_lead_leg(conn, call.clock, report)
        leaving = await calls.is_leaving(conn, call.leg)
        return Acted((told,) if told else (), twiml.say(_LEAVING) if leaving else None)

    return Job(twiml.say(None), (act,))


async def voice_amd(context: Context, call: Call) -> Response:
    """Who answered for the lead. A machine is hung up on or left a message, where the gate has said so before."""
    deps, sid, answered_by = context.deps, call.get("CallSid"), call.get("AnsweredBy")
    if sid and answered_by:
        report = _report(call, "voice/amd", answered_by, f"amd:{sid}:{answered_by}")
        do = await transact(deps.pool, lambda conn: calls.machine_answered(conn, report))
        try:
            if do == "leave":
                await deps.line.redirect(sid, twiml.voicemail_url(deps.settings.public_url, call.leg))
            elif do == "hang_up":
                await deps.line.hang_up(sid)
        except SendError as error:
            log.warning("machine not dealt with", leg_id=call.leg, do=do, evidence=error.evidence)
            # in doubt it may be speaking already: then what it asks for next will tell
            if do == "leave" and error.kind is not SendErrorKind.IN_DOUBT:
                await transact(deps.pool, lambda conn: calls.nothing_left(conn, call.leg))
    return Response(status_code=204)


async def voice_voicemail(composer: Composer, context: Context, call: Call) -> Response:
    """The words for the machine, or nothing where in the meantime the lead may no longer be reached."""
    deps = context.deps
    lead_id = await transact(deps.pool, lambda conn: calls.message_for(conn, call.leg))
    if lead_id is None:
        return twiml.say(None)
    voicemail = await wished(deps.pool, lead_id)
    if voicemail.play is not None:
        return twiml.leave_message(call.leg, deps.settings.public_url, play=voicemail.play)
    lead = await LeadStore(deps.pool).read(lead_id)
    name = voicemail.say or ""
    spoken = composer.find("voicemail", name, composer.language(lead)).language
    message = composer.compose("voicemail", name, lead, unsubscribe_url="", language=spoken)
    return twiml.leave_message(call.leg, deps.settings.public_url, text=message.text, spoken=spoken)


async def voice_left(context: Context, call: Call) -> Response:
    report = _report(call, "voice/left", "left", f"left:{call.get('CallSid')}:{call.leg}")
    told = await transact(context.deps.pool, lambda conn: calls.message_left(conn, context.deps.clock, report))
    await context.deliver_now(told)
    return twiml.say(None)


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


READERS: dict[str, Reader] = {
    "sms/status": _reader(sms_status),
    "sms/inbound": _reader(sms_inbound),
    "voice/leg": _reader(voice_leg),
    "voice/lead-leg": _reader(voice_lead_leg),
    "voice/done": _reader(voice_done),
}
QUESTIONS: dict[str, Answerer] = {
    "voice/rep": voice_rep,
    "voice/accept": voice_accept,
    "voice/amd": voice_amd,
    "voice/left": voice_left,
}
