"""The model behind pydantic-ai: any OpenAI-compatible or Anthropic endpoint, typed output, one more try, no tools.

Imported only where a worker has a model configured: the extra `assistant` is not part of a usual installation.
"""

import time
from collections.abc import Awaitable, Callable

from pydantic_ai import Agent, ModelRetry, UsageLimits
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelOverloadedError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelTimeoutError,
    UnexpectedModelBehavior,
    UsageLimitExceeded,
    UserError,
)
from pydantic_ai.models import Model as AnyModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RunUsage

from speedlead.assistant.turn import Problem, Proposed, Usage
from speedlead.domain.assistant import Proposal

_ANSWER_TOKENS = 600
_PROBLEMS: tuple[tuple[type[Exception], Problem], ...] = (
    (ModelTimeoutError, "model_slow"),
    (ModelAuthenticationError, "model_key_refused"),
    (ModelRateLimitError, "model_busy"),
    (ModelQuotaExceededError, "model_busy"),
    (ModelOverloadedError, "model_busy"),
    (ModelConnectionError, "model_down"),
    (ModelAPIError, "model_down"),
    (UsageLimitExceeded, "turn_budget_used"),
    (UnexpectedModelBehavior, "model_nonsense"),
    (AgentRunError, "model_nonsense"),
    (UserError, "model_nonsense"),
)


class PydanticModel:
    """`most_tokens`: of one turn, its second try among them."""

    def __init__(
        self, model: AnyModel, *, most_tokens: int, close: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._model = model
        self._close = close
        self._most_tokens = most_tokens
        self._limits = UsageLimits(request_limit=2, total_tokens_limit=most_tokens)

    @property
    def name(self) -> str:
        return self._model.model_name

    async def close(self) -> None:
        if self._close is not None:
            await self._close()

    async def propose(self, instructions: str, conversation: str, refuse: Callable[[Proposal], str | None]) -> Proposed:
        refused: list[Proposal] = []
        agent = Agent(
            self._model, output_type=Proposal, instructions=instructions, retries=1, name="assistant",
            model_settings=ModelSettings(max_tokens=_ANSWER_TOKENS, temperature=0.0),
        )  # fmt: skip

        @agent.output_validator
        def _check(proposal: Proposal) -> Proposal:
            reason = refuse(proposal)
            if reason is not None:
                refused.append(proposal)
                raise ModelRetry(f"refused: {reason}. Rest on the facts alone, or hand over.")
            return proposal

        usage, began = RunUsage(), time.monotonic()
        proposal: Proposal | None = None
        problem: Problem | None = None
        try:
            result = await agent.run(conversation, usage=usage, usage_limits=self._limits)
            proposal = result.output
        except tuple(kind for kind, _ in _PROBLEMS) as error:
            problem = next(code for kind, code in _PROBLEMS if isinstance(error, kind))
            if problem == "turn_budget_used" and usage.total_tokens <= self._most_tokens:
                problem = "model_nonsense"  # it had its second try, and what came was again no proposal
            if refused and problem == "model_nonsense":
                proposal, problem = refused[-1], None
        spent = Usage(
            self.name, usage.input_tokens or 0, usage.output_tokens or 0, usage.requests,
            round(1000 * (time.monotonic() - began)),
        )  # fmt: skip
        return Proposed(proposal, spent, problem)


def open_model(name: str, *, url: str | None, key: str | None, seconds: float, most_tokens: int) -> PydanticModel:
    """`name`: `openai:…` for every endpoint that speaks its API, or `anthropic:…`. Raises ValueError.

    The clients' own retries are off: one turn is one request, and one more where its answer was refused.
    """
    kind, _, model = name.partition(":")
    if kind == "openai" and model:
        from openai import AsyncOpenAI
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        client = AsyncOpenAI(api_key=key or "none", base_url=url, timeout=seconds, max_retries=0)
        chat = OpenAIChatModel(model, provider=OpenAIProvider(openai_client=client))
        return PydanticModel(chat, most_tokens=most_tokens, close=client.close)
    if kind == "anthropic" and model:
        from anthropic import AsyncAnthropic
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        anthropic = AsyncAnthropic(api_key=key or "none", base_url=url, timeout=seconds, max_retries=0)
        messages = AnthropicModel(model, provider=AnthropicProvider(anthropic_client=anthropic))
        return PydanticModel(messages, most_tokens=most_tokens, close=anthropic.close)
    raise ValueError("openai:model or anthropic:model, such as openai:gpt-5-mini")
