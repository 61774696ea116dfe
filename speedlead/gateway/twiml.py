"""What a call does next, as TwiML. The SDK writes the XML, so a lead's own words are escaped."""

from urllib.parse import quote

from starlette.responses import Response
from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from speedlead import wording
from speedlead.store.calls import Brief

# ring and key take 26 s at most: 20 s of ringing and this
KEY_TIMEOUT_S = 6
LEAD_RING_S = 25
BRIEF_CHARS = 120
# which voice reads a language out; another than these is read by Twilio's own choice
VOICES = {"en": "en-US", "de": "de-DE", "fr": "fr-FR", "es": "es-ES", "it": "it-IT", "pt": "pt-PT"}
LEG_EVENTS = "initiated ringing answered completed"


def ask_rep(brief: Brief, leg_id: str, public_url: str) -> Response:
    """Tells the rep who it is and waits for one key; without a key the answer is asked for all the same."""
    response = VoiceResponse()
    gather = Gather(
        num_digits=1,
        timeout=KEY_TIMEOUT_S,
        action=_url(public_url, "accept", leg_id),
        method="POST",
        action_on_empty_result=True,
    )
    gather.say(spoken(brief))
    response.append(gather)
    response.hangup()
    return xml(response)


def spoken(brief: Brief) -> str:
    """Short: the lead waits while it is read out."""
    who = " from ".join(part for part in (brief.name or "a new lead", brief.company) if part)
    about = wording.INTENTS.get(brief.intent, brief.intent.replace("_", " "))
    said = " ".join((brief.message or "").split())
    if len(said) > BRIEF_CHARS:
        said = said[:BRIEF_CHARS].rstrip() + " and so on"
    return f"New lead: {who}. About: {about}. " + (f"They wrote: {said}. " if said else "") + "Press 1 to be connected."


def dial_lead(number: str, caller_id: str, lead_leg_id: str, public_url: str, voicemail: str) -> Response:
    """Connects the rep to the lead. A machine that picks up is reported aside, without holding up the call: at once, or
    at the end of its greeting where a message is to be left.
    """
    response = VoiceResponse()
    done = _url(public_url, "done", lead_leg_id)
    dial = Dial(caller_id=caller_id, timeout=LEAD_RING_S, answer_on_bridge=True, action=done, method="POST")
    dial.number(
        number,
        status_callback=_url(public_url, "lead-leg", lead_leg_id),
        status_callback_event=LEG_EVENTS,
        machine_detection="DetectMessageEnd" if voicemail == "leave" else "Enable",
        amd_status_callback=_url(public_url, "amd", lead_leg_id),
    )
    response.append(dial)
    return xml(response)


def leave_message(lead_leg_id: str, public_url: str, *, text: str = "", spoken: str = "", play: str = "") -> Response:
    """Plays a recording or reads a text in the language `spoken`; that the next document is asked for proves that all
    of it was said.
    """
    response = VoiceResponse()
    if play:
        response.play(play)
    else:
        response.say(text, language=VOICES.get(spoken))
    response.redirect(_url(public_url, "left", lead_leg_id), method="POST")
    return xml(response)


def voicemail_url(public_url: str, lead_leg_id: str) -> str:
    return _url(public_url, "voicemail", lead_leg_id)


def say(text: str | None) -> Response:
    """Says something, if anything, and hangs up."""
    response = VoiceResponse()
    if text:
        response.say(text)
    response.hangup()
    return xml(response)


def nothing() -> Response:
    """The answer to an SMS that we do not answer in words."""
    return xml(MessagingResponse())


def text(body: str) -> Response:
    """Answers an SMS with one text."""
    response = MessagingResponse()
    response.message(body)
    return xml(response)


def xml(response: VoiceResponse | MessagingResponse) -> Response:
    return Response(str(response), media_type="application/xml")


def _url(public_url: str, step: str, leg_id: str) -> str:
    # whole addresses: that a status callback may be relative stands nowhere in Twilio's pages
    return f"{public_url}/webhooks/twilio/voice/{step}?leg={quote(leg_id, safe='')}"
