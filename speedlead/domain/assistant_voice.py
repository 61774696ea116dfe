"""What changes when the assistant speaks in a call: the house's own phrases, and words that can be heard."""

import re
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from speedlead.domain.assistant_signs import plain, says_computer
from speedlead.domain.assistant_words import has_link

Phrase = Annotated[str, Field(min_length=1, max_length=400)]

_TAKES_BACK = re.compile(
    r"\b(take back|withdraw|revoke|cancel|end)\b.{0,20}\b(consent|agreement|permission)\b"
    r"|(\bnot|n't|\bdont|\bnever) (consent(ed)?\b|agreed?( to (this|that|it|speak|talk|an?)\b|\W*$))|\bno consent\b",
    re.IGNORECASE,
)
# of one turn: who waits on the telephone hangs up long before who waits for a text
SECONDS = 7.0
_ORDER = ("one first 1", "two second 2", "three third 3", "four fourth 4", "five fifth 5", "six sixth 6",
          "seven seventh 7", "eight eighth 8", "nine ninth 9")  # fmt: skip
_NUMBERS = {word: number for number, words in enumerate(_ORDER, 1) for word in words.split()}
_AROUND = frozenset("number option time slot the please ok okay yes i take want would like id d ll will choose".split())


class Spoken(BaseModel):
    """What the house says in a call. `question`: read out before the key that consents, and recorded with it.

    `introduction`, with `greeting` after it, begins a talk. `mailed`: in the place of an address, which then goes by
    mail.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: Phrase = (
        "Nobody of {company} is free to talk now. You can speak with a computer instead: a machine with an artificial "
        "voice, which writes down what you say. Press 1 if you agree to speak with this artificial voice, now and in "
        "later calls with us. Otherwise stay on the line."
    )
    introduction: Phrase = (
        "This is the automatic assistant of {company}: a computer with an artificial voice, not a person. "
        "Say person, and one of us takes over."
    )
    greeting: Phrase = "How can I help you?"
    handed_over: Phrase = "I am handing this to a person of our team, who reads all that you have said."
    offer: Phrase = "These times are free. Say or press the number of one."
    booked: Phrase = "It is booked: {when}. You get an invitation. Goodbye."
    mailed: Phrase = "I send you the address by mail."
    goodbye: Phrase = "I have understood that. Goodbye."

    @model_validator(mode="after")
    def _has_places(self) -> Self:
        for name, place in (("question", "{company}"), ("introduction", "{company}"), ("booked", "{when}")):
            if place not in getattr(self, name):
                raise ValueError(f"{name}: expected {place} in it")
        for name in ("question", "introduction"):
            if not says_computer(getattr(self, name)):
                raise ValueError(f"{name}: expected it to say that this is a computer")
        return self

    def asks(self, company: str) -> str:
        return self.question.replace("{company}", company)

    def begins(self, company: str) -> str:
        return f"{self.introduces(company)} {self.greeting}"

    def introduces(self, company: str) -> str:
        return self.introduction.replace("{company}", company)


def takes_back(heard: str) -> bool:
    """Does the lead say that it has not agreed to an artificial voice, or does so no more?"""
    return _TAKES_BACK.search(plain(heard)) is not None


def number_said(heard: str) -> int | None:
    """'The second one, please.' -> 2; None where anything else is said as well, or two numbers are."""
    words = [word for word in re.findall(r"[a-z]+|\d+", heard.lower()) if word not in _AROUND]
    if len(words) == 2 and words[1] == "one":
        words = words[:1]
    return _NUMBERS.get(words[0]) if len(words) == 1 else None


def without_links(text: str) -> str:
    """The sentences that can be said: nobody writes an address down that a voice spells."""
    sentences = re.split(r"(?<=[.!?])\s+", text)
    return " ".join(sentence for sentence in sentences if not has_link(sentence))
