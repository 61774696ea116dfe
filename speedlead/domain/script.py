"""A rep's qualification script: questions, and what each answer leads to (REQ 57-59). Pure data and one walk."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from speedlead.domain.outcomes import Outcome

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Text = Annotated[str, Field(min_length=1, max_length=400)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(_Part):
    """Leads to a question, or ends the script with an outcome to log; `disqualify`: why this is no lead for us."""

    id: Id
    say: Text
    next: Id | None = None
    outcome: Outcome | None = None
    disqualify: Text | None = None

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if sum(way is not None for way in (self.next, self.outcome, self.disqualify)) != 1:
            raise ValueError("expected exactly one of next: (a question's id), outcome: and disqualify: (why)")
        return self

    @property
    def suggests(self) -> Outcome | None:
        """The outcome to log when this answer ends the script."""
        return Outcome.UNQUALIFIED if self.disqualify is not None else self.outcome


class Question(_Part):
    """`ask` is what the rep says; `hint` is for the rep alone."""

    id: Id
    ask: Text
    hint: Text | None = None
    answers: list[Answer] = Field(min_length=2, max_length=8)

    @model_validator(mode="after")
    def _answers_differ(self) -> Self:
        ids = [answer.id for answer in self.answers]
        if len(set(ids)) < len(ids):
            raise ValueError("answers: expected ids that stand once each")
        return self


class Script(_Part):
    """The first question opens it. Every question can be reached, and every way through it ends."""

    id: Id
    version: int = Field(ge=1)
    owner: Text
    review_by: date
    title: Text
    opening: Text
    questions: list[Question] = Field(min_length=1, max_length=60)

    def question(self, name: str) -> Question | None:
        return next((question for question in self.questions if question.id == name), None)


def faults(script: Script) -> list[tuple[tuple[str | int, ...], str]]:
    """(where, what was expected) for every way in which the questions do not hang together."""
    ids = [question.id for question in script.questions]
    found: list[tuple[tuple[str | int, ...], str]] = []
    for at, question in enumerate(script.questions):
        if ids.index(question.id) != at:
            found.append((("questions", at, "id"), f"the id {question.id!r} stands twice; expected another"))
        found += [
            (("questions", at, "answers", number, "next"), f"there is no question {answer.next!r}; expected one of "
             f"{', '.join(ids)}")
            for number, answer in enumerate(question.answers)
            if answer.next is not None and answer.next not in ids
        ]  # fmt: skip
    if found:
        return found
    reached, circle = _reach(script)
    if circle is not None:
        return [
            (("questions", ids.index(circle)), f"the way from {circle!r} comes back to it; expected every way to end")
        ]
    return [
        (("questions", at), f"no answer leads to {name!r}; expected one, or no such question")
        for at, name in enumerate(ids)
        if name not in reached
    ]


def _reach(script: Script) -> tuple[set[str], str | None]:
    """The questions that can come up, and one that comes back to itself."""
    done: set[str] = set()
    on_the_way: list[str] = []

    def visit(name: str) -> str | None:
        if name in on_the_way:
            return name
        if name in done:
            return None
        on_the_way.append(name)
        question = script.question(name)
        assert question is not None
        for answer in question.answers:
            if answer.next is not None and (circle := visit(answer.next)) is not None:
                return circle
        on_the_way.pop()
        done.add(name)
        return None

    return done, visit(script.questions[0].id)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a conversation got: what was answered, in order; then the next question, or the answer that ended it."""

    answered: tuple[tuple[Question, Answer], ...]
    next: Question | None
    end: Answer | None


def follow(script: Script, given: Mapping[str, str]) -> Standing:
    """`given`: question id -> answer id. An answer that the script no longer has, counts as not given."""
    answered: list[tuple[Question, Answer]] = []
    question: Question | None = script.questions[0]
    while question is not None:
        chosen = next((answer for answer in question.answers if answer.id == given.get(question.id)), None)
        if chosen is None:
            return Standing(tuple(answered), question, None)
        answered.append((question, chosen))
        if chosen.next is None:
            return Standing(tuple(answered), None, chosen)
        question = script.question(chosen.next)
    raise AssertionError("a checked script leads from question to question, or ends")
