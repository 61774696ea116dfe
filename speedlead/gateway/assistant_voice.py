"""The assistant in a call that nobody of ours takes, as TwiML: the question with its key, and the way to the socket."""

from dataclasses import dataclass

from starlette.responses import Response
from twilio.twiml.voice_response import Connect, Gather, VoiceResponse

from speedlead.domain.assistant_voice import SECONDS, Spoken
from speedlead.gateway.context import Context
from speedlead.gateway.twiml import KEY_TIMEOUT_S, VOICES, xml
from speedlead.settings import Settings
from speedlead.store import voice_calls as store
from speedlead.store.transactions import transact
from speedlead.store.voice_calls import May

SOCKET = "/webhooks/twilio/voice/relay"
# of the facts, where it speaks (assistant/factbook.py)
FACTS_IN = "en"
LANGUAGE = VOICES[FACTS_IN]


@dataclass(frozen=True, slots=True)
class Voice:
    """What the house says in such calls. `turn_s`: how long a model may take for one thing that the lead said."""

    company: str
    spoken: Spoken
    turn_s: float

    @property
    def question(self) -> str:
        return self.spoken.asks(self.company)


def open_voice(settings: Settings) -> Voice | None:
    """None where the assistant does not speak. Raises FactsError, ScriptError."""
    if not settings.assistant_voice:
        return None
    from speedlead.assistant.assemble import house_of

    house = house_of(settings)
    return Voice(house.company, house.facts.spoken, min(house.limits.seconds, SECONDS))


async def may_speak(context: Context, call_id: str) -> tuple[May, str | None]:
    deps = context.deps
    return await transact(deps.pool, lambda conn: store.may_speak(conn, deps.clock, deps.returns, call_id))


def ask(voice: Voice, action: str) -> Response:
    """Reads the question out and waits for one key; without a key the answer is asked for all the same."""
    response = VoiceResponse()
    gather = Gather(
        num_digits=1, timeout=KEY_TIMEOUT_S, action=action, method="POST", action_on_empty_result=True
    )  # fmt: skip
    gather.say(voice.question, language=LANGUAGE)
    response.append(gather)
    return xml(response)


async def note_consent(voice: Voice, context: Context, call_id: str) -> None:
    deps = context.deps
    await transact(deps.pool, lambda conn: store.agreed(conn, deps.clock, call_id, voice.question))


async def connect(voice: Voice, context: Context, call_id: str, action: str) -> Response | None:
    """None where a socket of this call has been open before. That it is a computer, nobody can talk over."""
    deps = context.deps
    key = await transact(deps.pool, lambda conn: store.connect(conn, deps.clock, call_id))
    if key is None:
        return None
    response, way = VoiceResponse(), Connect(action=action, method="POST")
    relay = way.conversation_relay(
        url=socket_url(deps.settings.public_url),
        welcome_greeting=voice.spoken.begins(voice.company),
        welcome_greeting_interruptible="none",
        language=LANGUAGE,
        dtmf_detection=True,
    )
    # parameters, as a socket's address has none
    relay.parameter(name="call", value=call_id)
    relay.parameter(name="key", value=key)
    response.append(way)
    return xml(response)


def socket_url(public_url: str) -> str:
    """wss where we are reached by https, which a provider demands; ws on one's own machine."""
    return "ws" + public_url.removeprefix("http") + SOCKET
