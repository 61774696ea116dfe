"""One turn of the assistant, whichever channel it is for: a situation in, checked words or a hand-over out.

    Situation (domain/assistant.py) -> take_turn(model, situation) -> Turned(verdict, usage)

It sends, books and stores nothing: whoever calls it does what the verdict says, by the ways of the house.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from speedlead.assistant.prompt import conversation_of, instructions_of
from speedlead.domain.assistant import (
    HandOver,
    Proposal,
    Situation,
    Verdict,
    before,
    booked,
    chosen,
    hand_over,
    judge,
)

Problem = Literal["model_down", "model_slow", "model_busy", "model_key_refused", "model_nonsense", "turn_budget_used"]
# the words of ours that were refused are shown to people of ours, not kept as a novel
_DETAIL = 300
# of a token, where nobody counted them
_LETTERS = 3


@dataclass(frozen=True, slots=True)
class Usage:
    """Of all requests of one turn. Tokens as the model's provider counts them; 0 where it says nothing."""

    model: str
    tokens_in: int = 0
    tokens_out: int = 0
    requests: int = 0
    ms: int = 0

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True, slots=True)
class Proposed:
    """`proposal` None: `problem` says why there is none."""

    proposal: Proposal | None
    usage: Usage
    problem: Problem | None = None


class Model(Protocol):
    @property
    def name(self) -> str: ...

    async def propose(self, instructions: str, conversation: str, refuse: Callable[[Proposal], str | None]) -> Proposed:
        """Never raises, but for a cancellation. `refuse`: why a proposal may not be; it is then asked once more.

        The last proposal comes back also where it was refused.
        """
        ...


@dataclass(frozen=True, slots=True)
class Turned:
    """`usage` None: no model was asked."""

    verdict: Verdict
    usage: Usage | None = None


async def take_turn(model: Model, situation: Situation) -> Turned:
    """Takes no longer than `situation.limits.seconds`, and never raises for what a model does."""
    early = before(situation)
    if early is not None:
        return Turned(early)
    slot = chosen(situation)
    if slot is not None:
        return Turned(booked(situation, slot))
    instructions = instructions_of(situation)

    def refuse(proposal: Proposal) -> str | None:
        verdict = judge(proposal, situation, instructions)
        wrong = isinstance(verdict, HandOver) and proposal.act not in ("hand_over", "stop") and proposal.sure
        return verdict.reason if isinstance(verdict, HandOver) and wrong else None

    began, shown = time.monotonic(), conversation_of(situation)
    try:
        async with asyncio.timeout(situation.limits.seconds):
            said = await model.propose(instructions, shown, refuse)
    except TimeoutError:
        # it read them, and its provider may bill it: budgets must not take a model that hangs for free
        read = (len(instructions) + len(shown)) // _LETTERS
        usage = Usage(model.name, read, requests=1, ms=round(1000 * (time.monotonic() - began)))
        return Turned(hand_over(situation, "model_slow"), usage)
    if said.proposal is None:
        return Turned(hand_over(situation, said.problem or "model_nonsense"), said.usage)
    verdict = judge(said.proposal, situation, instructions)
    if isinstance(verdict, HandOver) and verdict.detail is not None:
        verdict = HandOver(verdict.reason, verdict.text, verdict.learned, verdict.detail[:_DETAIL])
    return Turned(verdict, said.usage)
