"""The conversation assistant (docs/assistant.md): off while no model is set."""

import re
from decimal import Decimal, InvalidOperation
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from speedlead.settings.base import PREFIX, Count, Place, Room, WebAddress


def parse_prices(text: str) -> tuple[Decimal, Decimal]:
    """(of a million tokens in, of a million out). Raises ValueError."""
    try:
        prices = [Decimal(part.strip()) for part in text.split(",")]
    except InvalidOperation:
        prices = []
    if len(prices) != 2 or not all(price.is_finite() and 0 <= price <= 10_000 for price in prices):
        raise ValueError("two prices of a million tokens, in and out, such as 0.25,2")
    return prices[0], prices[1]


class Assistant(Room):
    assistant_model: str | None = Field(
        None,
        description="Model of the conversation assistant: openai:name for every endpoint that speaks its API, or "
        "anthropic:name; empty: there is no assistant",
    )
    assistant_facts_file: Place | None = Field(
        None, description="What the assistant may say, and nothing else; needed with a model"
    )
    assistant_url: WebAddress | None = Field(None, description="Address of the model's API; empty: its provider's own")
    assistant_key: SecretStr | None = Field(None, description="API key for it; an endpoint of your own may need none")
    assistant_turns: int = Field(
        3, ge=2, le=8, description="Message of a lead at which the assistant hands over to a person"
    )
    assistant_seconds: float = Field(20, gt=0, le=25, description="Seconds that a model may take for one message")
    assistant_lead_tokens: Count = Field(20_000, description="Tokens for one lead")
    assistant_day_turns: Count = Field(500, description="Messages that the assistant may answer in 24 hours")
    assistant_day_tokens: Count = Field(1_000_000, description="Tokens for all leads in 24 hours")
    assistant_prices: str | None = Field(
        None, description="Prices of a million tokens, in and out, such as 0.25,2; empty: money is not counted"
    )
    assistant_day_cost: float = Field(
        5, gt=0, description="Money for all leads in 24 hours, in the currency of the prices"
    )
    assistant_voice: bool = Field(
        False, description="The assistant also speaks in calls of leads who have agreed to an artificial voice"
    )

    @model_validator(mode="after")
    def _assistant_has_facts(self) -> Self:
        if self.assistant_voice and self.assistant_model is None:
            raise ValueError(f"{PREFIX}ASSISTANT_VOICE: expected {PREFIX}ASSISTANT_MODEL with it")
        if self.assistant_model is not None and self.assistant_facts_file is None:
            raise ValueError(f"{PREFIX}ASSISTANT_FACTS_FILE: expected a file of facts with {PREFIX}ASSISTANT_MODEL")
        return self

    @field_validator("assistant_model")
    @classmethod
    def _model(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"(openai|anthropic):\S+", value):
            raise ValueError("openai:model or anthropic:model, such as openai:gpt-5-mini")
        return value

    @field_validator("assistant_prices")
    @classmethod
    def _prices(cls, value: str | None) -> str | None:
        if value is not None:
            parse_prices(value)
        return value
