"""The conversation assistant, decided: what a model may propose, and what becomes of a proposal (docs/assistant.md).

A model proposes one act with words; nothing of it is done before `judge` has passed it. Whatever is doubtful is handed
over to a person of ours (REQ 96). Channels, models and rows are other rooms' business: SMS, chat, mail and voice ask
the same questions here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from speedlead.domain.assistant_signs import (
    angry,
    asks_for_person,
    asks_whether_human,
    in_other_language,
    says_computer,
    wants_silence,
)
from speedlead.domain.assistant_voice import Phrase, Spoken, number_said, without_links
from speedlead.domain.assistant_words import Refusal, Source, has_link, refused

Channel = Literal["sms", "email", "chat", "voice"]
Act = Literal["reply", "ask", "offer_slots", "book", "hand_over", "stop"]
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Because = Literal["asked_for_person", "doubt", "angry", "not_in_facts", "other_language", "asked_to_stop"]

# characters of a whole message; of a text: three segments
LONGEST: dict[Channel, int] = {"sms": 459, "chat": 700, "email": 1500, "voice": 500}
# more than this of the lead's is no question but a paste
LONGEST_HEARD = 2000
# a proposal whose own words fail only by these loses them: the words of the house go alone
_DROPPABLE = frozenset({"not_in_facts", "other_language", "too_long"})


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Learned(_Part):
    """What the lead answered to a question of the script, as the model understood it; ids of both."""

    question: str = Field(max_length=40)
    answer: str = Field(max_length=40)


class Proposal(_Part):
    """One act of a model. `facts`: ids of the facts that its words rest on; `because`: why it hands over."""

    act: Act
    text: str = Field("", max_length=1000)
    facts: tuple[str, ...] = Field((), max_length=6)
    question: str | None = Field(None, max_length=40)
    learned: tuple[Learned, ...] = Field((), max_length=6)
    slot: int | None = Field(None, ge=1, le=9)
    because: Because | None = None
    sure: bool = True


class Phrases(_Part):
    """What the house says itself, in the language of the facts. `{company}` must stand in the introduction."""

    introduction: Phrase = (
        "This is the automatic assistant of {company}: a computer, not a person. Write PERSON and one of us takes over."
    )
    handed_over: Phrase = "I am handing this to a person of our team, who reads it all and answers you here."
    offer: Phrase = "These times are free. Answer with the number of one:"
    booked: Phrase = "Booked: {when}. You get an invitation."

    @model_validator(mode="after")
    def _has_places(self) -> Self:
        for name, place in (("introduction", "{company}"), ("booked", "{when}")):
            if place not in getattr(self, name):
                raise ValueError(f"{name}: expected {place} in it")
        if not says_computer(self.introduction):
            raise ValueError("introduction: expected it to say that this is a computer, and no person")
        return self


class Fact(_Part):
    id: Id
    say: Phrase


class Facts(_Part):
    """What the assistant may say (a file of the house), and `never`: words that no message of its may have.

    `ask`: ids of questions of the reps' script that it may ask, in this order.
    """

    version: int = Field(ge=1)
    owner: Phrase
    review_by: date
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "en"
    facts: tuple[Fact, ...] = Field(min_length=1, max_length=80)
    never: tuple[Annotated[str, Field(min_length=2, max_length=60)], ...] = ()
    ask: tuple[Id, ...] = Field((), max_length=8)
    phrases: Phrases = Phrases()
    spoken: Spoken = Spoken()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        ids = [fact.id for fact in self.facts]
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"facts: the id {twice!r} stands twice; expected another")
        missing = set(Phrases.model_fields) - self.phrases.model_fields_set
        if self.language != "en" and missing:
            names = ", ".join(sorted(missing))
            raise ValueError(f"phrases: expected {names} in {self.language!r} too; the usual words are English")
        return self

    def of(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(fact.say for fact in self.facts if fact.id in names)


@dataclass(frozen=True, slots=True)
class Line:
    """`who` wrote it: the lead, the assistant, or a person or program of ours."""

    who: Literal["lead", "assistant", "us"]
    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A free time by the number that the lead may choose it with. `offered`: the lead has seen it."""

    number: int
    at: datetime
    text: str
    offered: bool = False


@dataclass(frozen=True, slots=True)
class Asking:
    """A question of the script that may be asked, and its answers by id."""

    id: str
    ask: str
    answers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Limits:
    """Budgets. `turns`: the lead's message that is handed over; a `day` is the last 24 hours of the whole house.

    `turn_tokens`: what one turn may take, and what a turn under way counts as. `cost`: in the currency that the house
    gave the model's prices in; `seconds`: of one turn.
    """

    turns: int = 3
    turn_tokens: int = 12_000
    lead_tokens: int = 20_000
    day_turns: int = 500
    day_tokens: int = 1_000_000
    day_cost: float = 5.0
    seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Spent:
    lead_tokens: int = 0
    day_turns: int = 0
    day_tokens: int = 0
    day_cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Situation:
    """One message of a lead that waits for words. `lines`: the conversation, oldest first; the last one is the lead's.

    `turn`: from 1. `introduced`: the lead has been told that this is a computer. `wants_no_more`: the words of the last
    line opt out. `slots`: what may be offered or booked now; none where booking is off. `can_mail`: what a call
    cannot say may go by mail.
    """

    channel: Channel
    company: str
    facts: Facts
    lines: tuple[Line, ...]
    turn: int = 1
    introduced: bool = False
    wants_no_more: bool = False
    questions: tuple[Asking, ...] = ()
    slots: tuple[Slot, ...] = ()
    spent: Spent = Spent()
    limits: Limits = Limits()
    can_mail: bool = False

    @property
    def heard(self) -> str:
        return self.lines[-1].text


@dataclass(frozen=True, slots=True)
class Say:
    """Checked words that may be sent. `question`: was asked in them; `slots`: are offered in them.

    `by_mail`: what a call left out because it has an address in it.
    """

    act: Literal["reply", "ask", "offer_slots"]
    text: str
    question: str | None = None
    slots: tuple[Slot, ...] = ()
    learned: tuple[Learned, ...] = ()
    by_mail: str | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """A time that the lead has seen and chosen; `text` is said once it is booked."""

    slot: Slot
    text: str
    learned: tuple[Learned, ...] = ()


@dataclass(frozen=True, slots=True)
class HandOver:
    """A person of ours goes on, and the assistant is silent from now on. `text`: what is said about it, if anything.

    `detail`: the words that were refused, for people of ours alone.
    """

    reason: str
    text: str | None = None
    learned: tuple[Learned, ...] = ()
    detail: str | None = None


Verdict = Say | Book | HandOver


# seconds by which a person of ours answers where the plan has no target; by mail and text it says so itself (REQ 22)
TARGETS_S = {"chat": 15 * 60, "call": 15 * 60}


def in_time(now: datetime, at_work: datetime, target: timedelta) -> bool:
    """Can a person of ours answer by the target? Then the assistant keeps out of it. `at_work`: when one is next."""
    return at_work <= now + target


def before(situation: Situation) -> HandOver | None:
    """What needs no model, and must not get one: the lead's wish, its anger, and the budgets."""
    heard, limits, spent = situation.heard, situation.limits, situation.spent
    if situation.wants_no_more or wants_silence(heard):
        return HandOver("asked_to_stop")
    if asks_for_person(heard):
        return hand_over(situation, "asked_for_person")
    if angry(heard):
        return hand_over(situation, "angry")
    if len(heard) > LONGEST_HEARD:
        return hand_over(situation, "message_too_long")
    if in_other_language(heard, situation.facts.language):
        return hand_over(situation, "other_language")
    chooses = any(slot.offered for slot in situation.slots)
    if situation.turn >= limits.turns and not (chooses and situation.turn == limits.turns):
        return hand_over(situation, "turns_used")
    if spent.lead_tokens >= limits.lead_tokens:
        return hand_over(situation, "lead_budget_used")
    if (
        spent.day_turns >= limits.day_turns
        or spent.day_tokens >= limits.day_tokens
        or (spent.day_cost and spent.day_cost >= limits.day_cost)
    ):
        return hand_over(situation, "day_budget_used")
    return None


def judge(proposal: Proposal, situation: Situation, instructions: str = "") -> Verdict:
    """What becomes of a proposal. `instructions`: what the model was told, none of which may be repeated."""
    learned = _understood(proposal, situation)
    if not proposal.sure and proposal.act not in ("hand_over", "stop"):
        return hand_over(situation, "doubt", learned)
    if situation.turn >= situation.limits.turns and proposal.act != "book":
        return hand_over(situation, "turns_used", learned)
    match proposal.act:
        case "stop":
            return HandOver("asked_to_stop", learned=learned)
        case "hand_over":
            return hand_over(situation, proposal.because or "doubt", learned)
        case "book":
            return _book(proposal, situation, learned)
        case "reply" | "ask" | "offer_slots":
            return _say(proposal.act, proposal, situation, learned, instructions)


def hand_over(
    situation: Situation, reason: str, learned: tuple[Learned, ...] = (), detail: str | None = None
) -> HandOver:
    """Said where the lead has heard the assistant or asks for a person; of one who never heard it, it knows nothing."""
    if reason == "asked_to_stop":
        return HandOver(reason, None, learned, detail)
    says = situation.introduced or reason == "asked_for_person"
    phrases = situation.facts.spoken if situation.channel == "voice" else situation.facts.phrases
    return HandOver(reason, _whole(situation, phrases.handed_over) if says else None, learned, detail)


def chosen(situation: Situation) -> Slot | None:
    """The offered time that the lead named by nothing but its number: no model is asked about that."""
    said = situation.heard.strip().strip(".!()#").strip()
    if situation.channel == "voice":
        said = str(number_said(said))
    return next((slot for slot in situation.slots if slot.offered and said == str(slot.number)), None)


def booked(situation: Situation, slot: Slot, learned: tuple[Learned, ...] = ()) -> Book:
    phrases = situation.facts.spoken if situation.channel == "voice" else situation.facts.phrases
    return Book(slot, _whole(situation, phrases.booked.replace("{when}", slot.text)), learned)


def _book(proposal: Proposal, situation: Situation, learned: tuple[Learned, ...]) -> Verdict:
    slot = next((one for one in situation.slots if one.number == proposal.slot and one.offered), None)
    if slot is None:  # it was never offered, or is taken by now
        return hand_over(situation, "slot_not_offered", learned)
    return booked(situation, slot, learned)


def _say(
    act: Literal["reply", "ask", "offer_slots"], proposal: Proposal, situation: Situation,
    learned: tuple[Learned, ...], instructions: str,
) -> Verdict:  # fmt: skip
    facts, own = situation.facts, proposal.text.strip()
    question = next((one for one in situation.questions if one.id == proposal.question), None)
    unknown = set(proposal.facts) - {fact.id for fact in facts.facts}
    if act == "ask" and question is None:
        return hand_over(situation, "question_not_in_script", learned)
    if act == "offer_slots" and not situation.slots:
        return hand_over(situation, "no_free_time", learned)
    if unknown or (act == "reply" and not (own and proposal.facts)):
        return hand_over(situation, "not_in_facts", learned, own)
    source = Source(facts.of(proposal.facts), facts.language, facts.never, instructions, situation.heard)
    wrong: Refusal | None = refused(own, source) if own else None
    if wrong is not None and (act == "reply" or wrong not in _DROPPABLE):
        return hand_over(situation, wrong, learned, own)
    by_mail = None
    if situation.channel == "voice" and wrong is None and has_link(own):
        if not situation.can_mail:
            return hand_over(situation, "cannot_be_said", learned, own)
        # a mail may be read by somebody who was not in the call
        by_mail = f"{_introduction(situation)}\n{own}"
        own = f"{without_links(own)} {facts.spoken.mailed}".strip()
    parts = [own] if own and wrong is None else []
    if act == "ask" and question is not None:
        parts.append(question.ask)
    if act == "offer_slots":
        parts.append(_offer(situation))
    text = _whole(situation, "\n".join(parts))
    if len(text) > LONGEST[situation.channel]:
        return hand_over(situation, "too_long", learned, own)
    slots = situation.slots if act == "offer_slots" else ()
    return Say(act, text, question.id if question is not None and act == "ask" else None, slots, learned, by_mail)


def _offer(situation: Situation) -> str:
    facts, slots = situation.facts, situation.slots
    if situation.channel == "voice":
        return " ".join([facts.spoken.offer, *(f"Number {slot.number}: {slot.text}." for slot in slots)])
    return "\n".join([facts.phrases.offer, *(f"{slot.number}) {slot.text}" for slot in slots)])


def _whole(situation: Situation, text: str) -> str:
    """With who speaks, in the first message and whenever somebody asks (AI Act art. 50, Cal. B&P Code 17941)."""
    if situation.introduced and not asks_whether_human(situation.heard):
        return text
    if situation.channel == "voice":
        return f"{situation.facts.spoken.introduces(situation.company)} {text}"
    return f"{_introduction(situation)}\n{text}"


def _introduction(situation: Situation) -> str:
    return situation.facts.phrases.introduction.replace("{company}", situation.company)


def _understood(proposal: Proposal, situation: Situation) -> tuple[Learned, ...]:
    """Answers that the script has; anything else a model says it learned is nothing."""
    known = {question.id: question.answers for question in situation.questions}
    return tuple(one for one in proposal.learned if one.answer in known.get(one.question, {}))
