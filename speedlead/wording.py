"""Plain English for every code that people meet: stages, results, reasons, story kinds. Pages, CLI and demo share it.

A code that is not listed is shown with its underscores as spaces, so that a new one is never hidden.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from speedlead.domain.outcomes import BAD_DATA, CallResult, Outcome
from speedlead.wording_reasons import REASONS

_CODE = re.compile(r"[a-z0-9_-]+(:\s?[a-z0-9_-]+)*")
_CONSENTS = {"email": "e-mail", "sms": "SMS", "call": "calls"}

STAGES = {
    "new": "new",
    "acknowledged": "acknowledged",
    "assigned": "assigned",
    "attempting": "being contacted",
    "connected": "spoken to",
    "booked": "meeting booked",
    "qualified": "qualified",
    "nurturing": "later, kept warm",
    "converted": "customer",
    "closed": "closed",
    "exhausted": "plan finished, no answer",
}

INTENTS = {
    "demo_request": "demo request",
    "pricing": "pricing",
    "talk_to_sales": "talk to sales",
    "cart_abandoned": "abandoned cart",
    "content_download": "download",
    "webinar": "webinar",
    "phone_call": "phone call",
    "newsletter": "newsletter",
    "research": "research",
    "other": "something else",
}

CALL_RESULTS: dict[str, str] = {
    CallResult.NO_ANSWER: "no answer",
    CallResult.BUSY: "busy",
    CallResult.VOICEMAIL_LEFT: "voicemail, message left",
    CallResult.VOICEMAIL_NOT_LEFT: "voicemail, no message left",
    CallResult.GATEKEEPER: "somebody else answered",
    CallResult.CONNECTED: "spoke to the lead",
    CallResult.DISCONNECTED: "number not in service",
    CallResult.WRONG_NUMBER: "wrong number",
    CallResult.FAILED: "the call failed",
    CallResult.ABANDONED: "dropped before the lead could speak to us",
}

OUTCOMES: dict[str, str] = {
    Outcome.MEETING_BOOKED: "meeting booked",
    Outcome.CALLBACK_REQUESTED: "asked to be called back",
    Outcome.QUALIFIED: "qualified",
    Outcome.UNQUALIFIED: "not a fit",
    Outcome.NOT_NOW: "not now, later",
    Outcome.NOT_INTERESTED: "not interested",
    Outcome.DO_NOT_CONTACT: "does not want to be contacted",
    Outcome.CONVERTED: "became a customer",
}

CHANNELS = {"email": "e-mail", "sms": "SMS", "call": "call", "chat": "chat", "task": "task", "all": "every channel"}

FIELDS = {
    "name": "Your name",
    "email": "E-mail",
    "phone": "Phone",
    "company": "Company",
    "message": "Your message",
    "intent": "What is it about",
    "country": "Country",
    "postcode": "Postcode",
    "source": "Source",
    "tz": "Time zone",
    "consent_sms": "SMS",
    "consent_call": "Calls",
    "consent_recorded": "Recorded messages",
    "consent_marketing": "News by e-mail",
    "consent_ai_voice": "Calls with an artificial voice",
}

# what the widget saw of who filled in a form
SPAM_SIGNS = {
    "trap": "filled in a field that people do not see",
    "fast": "sent within a second and a half",
    "untouched": "no field was touched",
}
# of an answer that goes into the page of a visitor
CHAT_STATES = {
    "waits": "waits for the visitor's page, and goes by e-mail if it does not ask",
    "shown": "shown in the page",
    "said": "said in the call",
    "unsaid": "not said: the call was over",
}

TOUCH_STATES = {
    "claimed": "on its way",
    "sent": "sent",
    "skipped": "skipped",
    "deferred": "put off",
    "failed": "failed",
    "in_doubt": "not certain that it was sent",
}

STORY = {
    "created": "The inquiry arrived",
    "inquiry": "An inquiry arrived",
    "repeat": "The same form came again",
    "acknowledged": "The inquiry was acknowledged",
    "enriched": "What is known about person and company was looked up",
    "not_enriched": "Nothing more was looked up: the lead went on without",
    "fact_wrong": "Somebody said that something we thought we knew is wrong",
    "classified": "The lead was classified",
    "assigned": "An owner was found",
    "held": "It gets an owner later, on purpose",
    "offered": "It was offered to several: the first who accepts has it",
    "routed": "An owner was found",
    "reassigned": "The lead was given to another owner",
    "unassigned": "No rep was free",
    "accepted": "The rep accepted",
    "declined": "The rep declined",
    "escalated": "It was escalated",
    "notified": "Somebody was told",
    "placed": "The next step was set",
    "settled": "Steps were settled",
    "paused": "The plan was paused",
    "resumed": "The plan goes on",
    "skipped": "A step was skipped",
    "stopped": "The plan was stopped",
    "plan_stopped": "The plan was stopped",
    "plan_changed": "The plan was changed",
    "plan_change_waits": "The plan changes when the touch under way has ended",
    "plan_change_refused": "The plan could not be changed",
    "call_now": "A call was asked for at once",
    "inquiry_heard": "The plan takes the new inquiry into account",
    "reply_heard": "The plan has stopped for the reply",
    "reply_passed": "The plan goes on: nobody wrote this reply",
    "rep_leg": "The rep did not take the call",
    "skipped_by_hand": "Somebody skipped a step",
    "cannot_place": "No permitted time was found for a step",
    "acknowledgement_failed": "The acknowledgement could not be sent",
    "opt_in": "The lead agreed to SMS again",
    "help_asked": "The lead texted HELP; it was told who we are and how to stop",
    "reply": "The lead wrote back",
    "answer": "Somebody wrote to the lead",
    "feedback": "The lead said how we did",
    "called_us": "The lead called us",
    "assistant_said": "The automatic assistant answered the lead",
    "assistant_handed_over": "The automatic assistant left the lead to a person",
    "assistant_kept_out": "The automatic assistant did not answer",
    "ai_voice_agreed": "The lead agreed to speak with an artificial voice",
    "ai_voice_ended": "The consent to an artificial voice ended",
    "reopened": "Somebody wrote to a lead that was closed: a new one begins",
    "address_learned": "The lead wrote from another address, which is now known",
    "opt_out": "The lead opted out",
    "outcome": "The rep logged an outcome",
    "meeting_new": "The lead has booked a meeting",
    "meeting_moved": "The meeting was moved",
    "meeting_cancelled": "The meeting was called off",
    "no_show": "The lead did not come to the meeting",
    "delivery": "A message could not be delivered",
    "call_progress": "The call ended",
    "stage": "The stage changed",
    "breach": "A target was missed",
    "rejected_message": "A message to the workflow was refused",
    "restarted": "The workflow was started again from the records",
    "healed": "The watchdog looked after the lead",
    "corrected": "The lead's data were corrected",
    "closed": "The lead was closed",
    "merged": "Another entry of the same person became part of this one",
    "merge_undone": "Two entries that were taken for one person are two again",
    "program_began": "The program after the inquiry began",
    "started": "The workflow started",
}

# where to look when a notice is of no single lead
NOTICE_PAGES = {"audit_done": "/audit-report"}

NOTICES = {
    "assigned": "A lead is yours",
    "new_lead": "A lead is yours",
    "call_task": "Please call this lead",
    "nobody_available": "No rep is available for this lead",
    "nobody_accepted": "Nobody has taken this lead, or its call: everybody who could was asked",
    "asked_next": "A lead is yours now: please take it, nobody else has",
    "lead_moved_on": "A lead went on to somebody else: it was not taken in time",
    "claim_offer": "A lead for the first of you who accepts",
    "lead_taken": "A lead that was offered to you was taken by somebody else",
    "due_soon": "Half of the time for this lead is over, and nothing has gone out",
    "flow_check_failed": "The flow check failed: a form would not go the whole way now",
    "flow_check_works": "The flow check works again",
    "leads_of_other_code": "Leads that this version cannot go on with are started again from the records",
    "workflows_failing": "Workflows fail, and starting them again would not help: look at them in Temporal",
    "leads_in_limbo": "Open leads were found that nothing moved on: see what the watchdog did",
    "audit_done": "The audit of the week has findings",
    "hook_off": "A webhook endpoint was switched off: nothing is sent to it any more",
    "hook_gave_up": "A webhook was given up: the endpoint has not taken an event for days",
    "sla_share": "Fewer first attempts than 95 % were in time in the last hour",
    "nobody_on_call": "Nobody is on call: everybody whose turn it could be is off",
    "on_call_instead": "You are on call in somebody's place",
    "away_after_missed": "A call was not taken: the rep counts as away for 15 minutes",
    "new_inquiry": "Your lead sent another inquiry",
    "reassigned": "A lead is now yours",
    "acknowledgement_failed": "An inquiry could not be acknowledged: please write to the lead",
    "send_in_doubt": "We do not know whether a message went out",
    "send_failed": "A message could not be sent",
    "call_in_doubt": "We do not know how a call ended",
    "call_personally": "Please call this lead yourself: we do not know whether our call went out",
    "reply_after_close": "A closed lead wrote back",
    "wrote_by_messenger": "They wrote by WhatsApp or the like, where we cannot write: please call, text or mail",
    "opt_out_from_unknown": "Somebody we cannot find opted out: please look",
    "missed_call": "Somebody called whom we do not call back, and nobody was there",
    "reply_from_unknown": "Somebody we cannot find wrote to us: please look",
    "calendar_failing": "The calendar of one of us cannot be read: see People",
    "provider_config": "Our provider account has to be repaired",
    "provider_down": "A provider does not answer: messages and calls wait",
    "provider_busy": "The provider takes no more calls for now",
    "queue_stands": "Nothing is taken from a queue for half an hour and more: does a worker run for it?",
    "calls_queued": "Calls wait at the provider before they are dialled: ask for more calls a second",
    "template_error": "A message could not be written: please mend its template",
    "content_refused": "The provider refuses what we write",
    "not_reached": "What we send to one of us does not arrive: see People",
    "channel_off": "A channel that tells our people does not work: please repair its address",
    "notification_test": "This is a test: notifications reach you",
    "webhook_failed": "What a provider told us could not be used: see `speedlead webhook list --failed`",
    "rep_task": "Please contact this lead yourself",
    "write_personally": "Please write to this lead yourself",
    "task": "Please contact this lead yourself",
    "escalation": "Nobody has taken this lead yet",
    "escalated": "Nobody has taken this lead yet",
    "reply_received": "The lead wrote back: please answer",
    "meeting_new": "A lead has booked a meeting with you",
    "meeting_moved": "A lead has moved its meeting",
    "meeting_cancelled": "A lead has called its meeting off",
    "meeting_over": "A meeting is over: please say what came of it, or that nobody came",
    "meeting_missed": "Nobody came to a meeting, and nobody said anything: the lead is called again",
    "meeting_not_in_calendar": "A meeting could not be written into a calendar; it stands all the same",
    "reply_overdue": "The lead still waits for an answer",
    "answer_sent": "The lead was answered: please log what came of it",
    "assistant_handed_over": "The automatic assistant left a lead to you: please read and answer",
    "assistant_call": "The automatic assistant spoke with a lead on the telephone: please read and answer",
    "answer_not_sent": "Your message to the lead was not sent",
    "answer_not_seen": "The visitor left before your message appeared, and there is no way to mail it",
    "answer_not_arrived": "Your message did not reach the lead: please try another way",
    "waiting_for_outcome": "Please log what came of the call",
    "meeting_booked": "The meeting should be over: what came of it?",
    "nurturing": "It is time to come back to this lead",
    "no_channel": "Nothing can be sent to this lead: please decide",
    "breach": "A target was missed",
    "missed": "A target was missed",
    "inquiry": "The lead sent another inquiry",
    "opt_out": "The lead opted out",
    "inquiry_after_opt_out": "Somebody who had opted out wrote to us: please decide",
    "callback": "The lead wants to be called",
    "owner_task": "It is time to get in touch: the plan leaves it to you",
    "customer_handed_over": "A customer is yours: please look after them from now on",
    "leads_joined": "Another open lead of the same person ended as a duplicate: this one goes on",
    "systems_disagree": "Systems tell each other of a lead in a circle: their words for its status do not fit",
    "program_missing": "A lead ended, and the plan that its plan names for that was never published",
}

# what a rep owes a lead now (`domain/rep_queue.py`)
WORK = {
    "accept": "Accept",
    "answer": "Answer",
    "call": "Call",
    "write": "Write",
    "outcome": "Log the outcome",
    "later": "Planned",
}

# notices that offer a task: the rep may accept or decline it
OFFERS = frozenset({"call_task", "rep_task", "new_lead", "asked_next", "claim_offer"})

# what is known of a lead (`domain/knowing.py`), by whom, and what it led to
FACTS = {
    "mail_domain": "Mail domain",
    "free_mail": "Free mail service",
    "disposable_mail": "Throw-away address",
    "company": "Company",
    "employees": "People there",
    "industry": "Industry",
    "tier": "Tier",
    "named_account": "Named account",
    "note": "Note",
    "country": "Country",
    "region": "Region",
    "phone_country": "Country of the phone",
    "leads_before": "Leads before this one",
    "qualified_before": "Qualified before",
    "bought_before": "Bought before",
    "bad_before": "Bad before",
    "leads_of_company": "Leads of colleagues",
    "bought_by_company": "Colleagues who bought",
}
FACT_SOURCES = {
    "own_table": "our table of companies",
    "history": "our own records",
    "mail_lists": "lists of mail services",
    "places": "what the form says of the place",
    "phone": "the phone number",
    "http": "the outside source",
}
LANES = {"hot": "hot", "warm": "warm", "cold": "cold", "low": "low quality"}
LIFE = {
    "inquiry": "inquiry",
    "lead": "lead with an owner",
    "working": "being contacted",
    "engaged": "in touch",
    "qualified": "qualified",
    "customer": "customer",
    "nurture": "kept warm",
    "lost": "lost",
}
# why a lead is not a fit, where its data are to blame
BAD_REASONS = {code: REASONS[code] for code in BAD_DATA}

# what was to be done in time, as a breach names it
TARGETS = {
    "first_attempt": "the first attempt",
    "assignment": "finding an owner",
    "acceptance": "taking the lead",
    "qualification": "the outcome of the talk",
    "follow_up": "coming back to the lead",
}

WAITS = {
    "call": "the end of the call that is being made",
    "later": "the day that was agreed, if one was, and the owner, who is reminded then",
    "reply": "the owner, who has to answer and log what comes of it",
    "meeting": "the meeting, and the owner, who then logs what came of it",
    "relay": "a message that is on its way to the workflow",
    "closed": "nothing: the lead is closed",
    "paused": "the end of the pause, or somebody who resumes it",
    "clock": "the time of the next step",
    "person": "the owner, who has to log an outcome",
    "nobody": "the workflow, which has not said yet what comes next",
}

_ALWAYS = ("an opt-out: it stops every message at once", "an outcome that the rep logs")
CHANGES = {
    "call": ("the result of the call", *_ALWAYS),
    "later": ("a reply of the lead", *_ALWAYS),
    "reply": _ALWAYS,
    "meeting": ("a reply of the lead", *_ALWAYS),
    "relay": ("the delivery of that message, within seconds",),
    "closed": ("a new inquiry of the same person: it starts a new lead",),
    "paused": ("somebody who resumes or stops it", "a reply of the lead", *_ALWAYS),
    "clock": ("a reply of the lead", *_ALWAYS, "somebody who pauses it, skips the step, or asks for a call now"),
    "person": _ALWAYS,
    "nobody": ("a reply of the lead", *_ALWAYS),
}


def changes(waits_for: str) -> tuple[str, ...]:
    """What would change the next step, for a key of `WAITS`."""
    return CHANGES[waits_for]


def plain(code: str) -> str:
    """The code itself, readable."""
    return code.replace("_", " ").replace("-", " ")


def counted(count: int, one: str) -> str:
    """'1 lead', '1,200 leads'."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def is_code(text: str) -> bool:
    """Of our closed lists by its looks, not typed by a person."""
    return _CODE.fullmatch(text) is not None


def reason(code: str | None, channel_code: str | None = None) -> str:
    """'no_phone' -> 'there is no phone number'; 'us-fl: quiet_hours' keeps the law's key behind. Empty for None.

    What a person typed as a reason stands as it was typed.
    """
    if not code:
        return ""
    if not is_code(code):
        return code
    if channel_code in _CONSENTS and code.partition(":")[0] == "no_consent":
        law = code.partition(":")[2]
        there = f"there is no consent to {_CONSENTS[channel_code]}"
        return f"{there} ({law})" if law and law != channel_code else there
    if code in REASONS:
        return REASONS[code]
    if code in CALL_RESULTS or code in OUTCOMES:
        return CALL_RESULTS.get(code) or OUTCOMES[code]
    head, colon, tail = code.partition(":")
    if head in TARGETS and tail.strip() in REASONS:
        return f"{TARGETS[head]}: {REASONS[tail.strip()]}"
    if colon and tail.strip() in REASONS:
        return f"{REASONS[tail.strip()]} ({head.strip()})"
    if colon and head.strip() in REASONS:
        return f"{REASONS[head.strip()]} ({tail.strip()})"
    return plain(code)


def reasons(codes: Iterable[str], channel_code: str | None = None) -> str:
    """All of them in a line, each once; one that another says with its law behind is not said alone."""
    return in_line(reason(code, channel_code) for code in codes)


def in_line(texts: Iterable[str]) -> str:
    """`reasons`, of reasons that are words already."""
    said = list(dict.fromkeys(texts))
    return "; ".join(one for one in said if one and not any(other.startswith(f"{one} (") for other in said))


def sentence(code_or_text: str | None) -> str:
    """A reason at the beginning of a line: 'There is no phone number'."""
    text = reason(code_or_text)
    return text[:1].upper() + text[1:]


def fact(name: str) -> str:
    return FACTS.get(name, plain(name))


def fact_value(name: str, value: object) -> str:
    """As a person reads it: 'yes', '1,200', 'Acme Ltd'."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def stage(code: str) -> str:
    return STAGES.get(code, plain(code))


def intent(code: str) -> str:
    return INTENTS.get(code, plain(code))


def channel(code: str | None) -> str:
    return CHANNELS.get(code, plain(code)) if code else ""


def result(code: str | None) -> str:
    """A call result, an outcome or a touch state."""
    if not code:
        return ""
    found = (words.get(code) for words in (CALL_RESULTS, OUTCOMES, TOUCH_STATES, CHAT_STATES, REASONS))
    return next((text for text in found if text), None) or plain(code)


def spam_signs(codes: str | None) -> str | None:
    """A sentence for the codes that a form came with; what is none of them was typed by somebody, and says nothing."""
    signs = [SPAM_SIGNS[code] for code in dict.fromkeys((codes or "").split()) if code in SPAM_SIGNS]
    return f"Perhaps a program sent this form: {', '.join(signs)}." if signs else None


def story(kind: str) -> str:
    return STORY.get(kind, plain(kind).capitalize())


def told(kind: str, reason_code: str | None, data: Mapping[str, Any]) -> tuple[str, str | None]:
    """What a line of the story says, and why; None where the reason is in its own words."""
    if kind == "notified":
        return _TOLD.get(data.get("audience", ""), story(kind)), notice(reason_code or "")
    if kind == "opt_out":
        scope = data.get("channel") or data.get("scope")
        return story(kind) + (f" of {channel(scope)}" if scope else ""), ""
    if kind == "outcome" and not data.get("rep_id"):
        return "An outcome was logged", None  # by the lead's own booking, another system, a program
    if kind == "reply_heard" and reason_code == "automatic":
        return STORY["reply_passed"], None
    if kind == "reply" and data.get("channel") == "call":
        return "The lead spoke to us", None
    if kind == "call_progress" and data.get("leg") == "rep":
        return STORY["rep_leg"], None
    if kind == "feedback":
        return story(kind), feedback(data.get("fast"), data.get("helpful"))
    if kind == "accepted" and reason_code:
        return story(kind), step(reason_code)
    if kind.startswith("assistant_"):
        return story(kind), assistant(reason_code, data)
    return story(kind), None


def assistant(reason_code: str | None, data: Mapping[str, Any]) -> str | None:
    """'booked what the lead chose; gpt-5-mini: 412 tokens, 0.000350, 1.2 s'."""
    acts = {"reply": "from the given facts", "ask": "asked a question", "offer_slots": "offered times",
            "book": "booked the time that the lead chose"}  # fmt: skip
    why = reason(reason_code) if reason_code else acts.get(data.get("act", ""))
    cost = f", {data['cost']}" if data.get("cost") else ""
    spent = f"{data['model']}: {data.get('tokens', 0)} tokens{cost}" if data.get("model") else None
    return "; ".join(one for one in (why, spent) if one) or None


def feedback(fast: bool | None, helpful: bool | None) -> str:
    """'Answered fast enough; the contact was not helpful'."""
    said = [
        None if fast is None else "answered fast enough" if fast else "not answered fast enough",
        None if helpful is None else "the contact was helpful" if helpful else "the contact was not helpful",
    ]
    text = "; ".join(one for one in said if one)
    return text[:1].upper() + text[1:]


_TOLD = {"rep": "The owner was told", "manager": "A manager was told", "ops": "Operations were told"}


def notice(kind: str) -> str:
    return NOTICES.get(kind, plain(kind).capitalize())


# which meeting of the lead, and which change of it, is in the mail's own words (`booking_mails.DueMail.step`)
_MEETING = re.compile(r"meeting-\d+-(?P<kind>[a-z_]+)-\d+(-(?P<minutes>\d+)m)?")
_MEETING_MAILS = {"missed": "missed: come back", "cancelled": "called off"}


def _span(minutes: int) -> str:
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def step(code: str | None) -> str:
    """'day-2-call' -> 'day 2 call', 'ack-1-sms' -> 'acknowledgement 1 sms', 'meeting-1-moved-2' -> 'meeting moved'."""
    if code and (mail := _MEETING.fullmatch(code)):
        before = f", {_span(int(mail['minutes']))} before" if mail["minutes"] else ""
        return f"meeting {_MEETING_MAILS.get(mail['kind'], plain(mail['kind']))}{before}"
    if code and code.startswith("ack-"):
        code = f"acknowledgement{code.removeprefix('ack')}"
    return code.replace("-", " ").replace("_", " ").replace("email", "e-mail") if code else ""


def touch(state: str, channel_code: str, call_result: str | None = None) -> str:
    """One line for a touch: 'Call: no answer', 'E-mail sent', 'SMS skipped'."""
    name = channel(channel_code)
    name = name[:1].upper() + name[1:]
    if channel_code == "call" and call_result:
        return f"{name}: {result(call_result)}"
    if channel_code == "call" and state in ("sent", "claimed"):
        return "Call made" if state == "sent" else "Call under way"
    return f"{name}{':' if state == 'in_doubt' else ''} {TOUCH_STATES.get(state, plain(state))}"


def field(name: str) -> str:
    """The label of a form field."""
    return FIELDS.get(name, plain(name))
