"""A call to our number, as TwiML: the owner's phone rings, else one of those on shift; else a promise to call back.

Where the house has an assistant that speaks, it takes the call of an open lead before that promise, if nobody can be
there in time and the lead agrees to it (docs/assistant.md).

A rep takes the call with a key, so a rep's voicemail never counts. Law asks for nothing here: the lead called us.
Which addresses the number needs stands in docs/operations.md.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import Response
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from speedlead import wording
from speedlead.composer import Composer
from speedlead.composing.languages import choose
from speedlead.domain.opening import Opening
from speedlead.gateway import assistant_voice
from speedlead.gateway.assistant_voice import FACTS_IN, Voice
from speedlead.gateway.context import Context, home_country
from speedlead.gateway.twiml import KEY_TIMEOUT_S, VOICES, say, xml
from speedlead.plan_shelf import in_use
from speedlead.records import LeadRecord
from speedlead.store import inbound_calls as store
from speedlead.store import voice_calls as talks
from speedlead.store.inbound_calls import Ringing
from speedlead.store.leads import LeadStore
from speedlead.store.transactions import transact

if TYPE_CHECKING:
    from speedlead.gateway.webhooks_twilio import Call

RING_S = 20
_OURS = "This is the line for callers. Your leads are on your page."
_SID = re.compile(r"^CA[0-9a-f]{32}\Z")
_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")

Answerer = Callable[[Context, "Call"], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class House:
    """What callers hear. `voice` None: there is no assistant that speaks."""

    composer: Composer
    voice: Voice | None = None


def questions(house: House) -> dict[str, Answerer]:
    answers: dict[str, Answerer] = {
        "voice/inbound": partial(inbound, house),
        "voice/inbound-rep": inbound_rep,
        "voice/inbound-accept": inbound_accept,
        "voice/inbound-done": partial(inbound_done, house),
        "voice/inbound-over": inbound_over,
    }
    if house.voice is not None:
        answers["voice/inbound-key"] = partial(inbound_key, house, house.voice)
        answers["voice/inbound-talked"] = partial(inbound_talked, house, house.voice)
    return answers


async def inbound(house: House, context: Context, call: "Call") -> Response:
    sid, deps = call.get("CallSid") or "", context.deps
    if not _SID.match(sid):
        return say(None)
    ringing = await transact(
        deps.pool, lambda conn: store.begin(conn, deps.clock, deps.returns, sid, call.get("From") or "")
    )
    if ringing.state == "ours":
        return say(_OURS)
    return await _ring(house, context, ringing)


async def inbound_rep(context: Context, call: "Call") -> Response:
    """The rep picked up, and the caller still waits: say who it is and ask for a key."""
    ringing = await _turn(context, call)
    if ringing is None or ringing.state != "ringing":
        return say("The caller is gone.")
    about = f" About: {wording.intent(ringing.about)}." if ringing.about else ""
    response = VoiceResponse()
    gather = Gather(
        num_digits=1, timeout=KEY_TIMEOUT_S, action=_url(context, "inbound-accept", ringing), method="POST",
        action_on_empty_result=True,
    )  # fmt: skip
    gather.say(f"A call from {ringing.who}.{about} Press 1 to take it.")
    response.append(gather)
    response.hangup()
    return xml(response)


async def inbound_accept(context: Context, call: "Call") -> Response:
    ringing = await _turn(context, call)
    if ringing is None or call.form.get("Digits") != "1":
        return say(None)
    deps = context.deps
    secret = deps.credentials.secret_bytes
    connect, told = await transact(
        deps.pool,
        lambda conn: store.accepted(conn, deps.clock, in_use(deps.plan), ringing.call_id, ringing.turn, secret),
    )
    await context.deliver_now(told)
    # an empty document lets the two speak
    return xml(VoiceResponse()) if connect else say("The caller is gone.")


async def inbound_done(house: House, context: Context, call: "Call") -> Response:
    """One phone is done with: the two have spoken, or the next one rings, or nobody is left."""
    ringing = await _turn(context, call, ahead=1)
    if ringing is None or ringing.state == "connected":
        return say(None)
    return await (_missed if _gone(call) else _ring)(house, context, ringing)


async def inbound_key(house: House, voice: Voice, context: Context, call: "Call") -> Response:
    """The answer to the question whether an artificial voice may speak: the key 1, or no."""
    ringing = await _turn(context, call)
    if ringing is None:
        return say(None)
    if call.form.get("Digits") != "1" or _gone(call):
        return await _missed(house, context, ringing)
    await assistant_voice.note_consent(voice, context, ringing.call_id)
    # looked at once more: there may be somebody by now, and who has opted out has not agreed
    return await _assisted(house, context, ringing, may_ask=False) or await _missed(house, context, ringing)


async def inbound_talked(house: House, voice: Voice, context: Context, call: "Call") -> Response:
    """The socket is closed: the last words, then a person of ours who is there by now, or a promise."""
    ringing, deps = await _turn(context, call), context.deps
    if ringing is None:
        return say(None)
    call_id = ringing.call_id
    ending = await transact(deps.pool, lambda conn: talks.ending_of(conn, call_id))
    if ending is None or _gone(call):
        await _nobody_listens(context, call_id)
        return say(None)
    words = ending.words
    answer_id = words.answer_id if words is not None else None
    if answer_id is not None:
        await transact(deps.pool, lambda conn: talks.was_said(conn, deps.clock, answer_id))
    if not ending.agreed or (words is not None and words.act == "book"):
        await _nobody_listens(context, call_id)
        return say(words.text if words is not None and ending.agreed else voice.spoken.goodbye)
    if words is not None:
        await transact(deps.pool, lambda conn: store.ring_again(conn, deps.clock, deps.returns, call_id))
        ringing = await _turn(context, call) or ringing
    goes_on = _ring if ringing.state == "ringing" else _missed
    return await goes_on(house, context, ringing, before=words.text if words is not None else None)


async def inbound_over(context: Context, call: "Call") -> Response:
    """The number's status callback: the second source for the end of a call that nobody took."""
    deps = context.deps
    if _gone(call):
        call_id = await transact(deps.pool, lambda conn: store.call_of(conn, call.get("CallSid") or ""))
        if call_id is not None:
            await _nobody_listens(context, call_id)
    return Response(status_code=204)


async def end_forgotten(context: Context) -> None:
    """No report of the end has come: the caller is owed a call all the same."""
    deps = context.deps
    for call_id in await transact(deps.pool, lambda conn: store.forgotten(conn, deps.clock)):
        await _nobody_listens(context, call_id)


async def _nobody_listens(context: Context, call_id: str) -> None:
    deps = context.deps
    secret = deps.credentials.secret_bytes
    _, told = await transact(
        deps.pool, lambda conn: store.missed(conn, deps.clock, deps.returns, call_id, lambda *_: ("", ""), secret)
    )
    await context.deliver_now(told)


def _gone(call: "Call") -> bool:
    return call.get("CallStatus") in ("completed", "canceled", "failed", "busy", "no-answer")


async def _ring(house: House, context: Context, ringing: Ringing, before: str | None = None) -> Response:
    """`before`: what is said first."""
    if ringing.phone is None or ringing.state != "ringing":
        return await _assisted(house, context, ringing) or await _missed(house, context, ringing, before)
    response = VoiceResponse()
    if before:
        response.say(before, language=assistant_voice.LANGUAGE)
    done = _url(context, "inbound-done", ringing)
    dial = Dial(timeout=RING_S, answer_on_bridge=True, action=done, method="POST")
    dial.number(ringing.phone, url=_url(context, "inbound-rep", ringing), method="POST")
    response.append(dial)
    return xml(response)


async def _assisted(house: House, context: Context, ringing: Ringing, *, may_ask: bool = True) -> Response | None:
    """The assistant takes the call, or asks whether it may; None where it is not for it."""
    voice = house.voice
    if voice is None:
        return None
    may, lead_id = await assistant_voice.may_speak(context, ringing.call_id)
    if lead_id is None or language_of(house.composer, await LeadStore(context.deps.pool).read(lead_id)) != FACTS_IN:
        return None
    if may == "ask" and may_ask:
        return assistant_voice.ask(voice, _url(context, "inbound-key", ringing))
    if may != "speak":
        return None
    return await assistant_voice.connect(voice, context, ringing.call_id, _url(context, "inbound-talked", ringing))


async def _missed(house: House, context: Context, ringing: Ringing, before: str | None = None) -> Response:
    """`before`: what is said first."""
    deps, composer = context.deps, house.composer

    def speak(opening: Opening | None, now: datetime, lead: LeadRecord | None) -> tuple[str, str]:
        language = language_of(composer, lead)
        words = composer.book.words[language]
        phrase = words.calls["sorry" if opening is None else "missed"]
        promise = "" if opening is None else words.promised(opening.due, now, opening.zone, opening.channel)
        return phrase.format(company=composer.house.company, promise=promise), language

    secret = deps.credentials.secret_bytes
    (said, language), told = await transact(
        deps.pool, lambda conn: store.missed(conn, deps.clock, deps.returns, ringing.call_id, speak, secret)
    )
    await context.deliver_now(told)
    response = VoiceResponse()
    if before:
        response.say(before, language=assistant_voice.LANGUAGE)
    if said:
        response.say(said, language=VOICES.get(language, language))
    response.hangup()
    return xml(response)


def language_of(composer: Composer, lead: LeadRecord | None) -> str:
    """The caller's own, where it is known; else that of the number's country; else the house's."""
    house, number = composer.house.language, lead.phone if lead is not None else None
    if lead is None or number is None:
        return house
    country = lead.evidence.country or home_country(number)
    return choose(lead.language, country, frozenset(composer.book.words), house)


async def _turn(context: Context, call: "Call", ahead: int = 0) -> Ringing | None:
    """None for a call that is not ours: a URL of an earlier installation, or made by hand."""
    call_id, turn = call.query.get("call", ""), call.query.get("turn", "")
    if not (_UUID.match(call_id) and re.fullmatch(r"\d", turn)):
        return None
    try:
        return await transact(context.deps.pool, lambda conn: store.turn_of(conn, call_id, int(turn) + ahead))
    except LookupError:
        return None


def _url(context: Context, step: str, ringing: Ringing) -> str:
    query = urlencode({"call": ringing.call_id, "turn": ringing.turn})
    return f"{context.deps.settings.public_url}/webhooks/twilio/voice/{step}?{query}"
