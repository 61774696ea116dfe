"""The assistant of this installation, if it has one. Nothing of it is imported or read while no model is set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

from speedlead.assistant.desk import AssistantDesk, House, Prices
from speedlead.assistant.factbook import FactsError, check_spoken, load_facts
from speedlead.assistant.turn import Model
from speedlead.booking.offers import Offers
from speedlead.domain.assistant import Limits
from speedlead.ports import Clock
from speedlead.scriptbook import DEFAULT_SCRIPT, load_scripts
from speedlead.settings import Settings
from speedlead.settings.assistant import parse_prices

if TYPE_CHECKING:
    from speedlead.assistant.pydantic_model import PydanticModel


def house_of(settings: Settings) -> House:
    """Raises FactsError, ScriptError."""
    file = settings.assistant_facts_file
    if file is None:
        raise FactsError("SPEEDLEAD_ASSISTANT_FACTS_FILE: expected a file with what the assistant may say")
    script = load_scripts(settings.templates_dir)[DEFAULT_SCRIPT][0]
    prices = parse_prices(settings.assistant_prices) if settings.assistant_prices is not None else None
    limits = Limits(
        turns=settings.assistant_turns,
        lead_tokens=settings.assistant_lead_tokens,
        day_turns=settings.assistant_day_turns,
        day_tokens=settings.assistant_day_tokens,
        day_cost=settings.assistant_day_cost,
        seconds=settings.assistant_seconds,
    )
    facts = load_facts(file, script)
    if settings.assistant_voice:
        check_spoken(facts, file)
    return House(settings.company_name, facts, script, limits, Prices(*prices) if prices is not None else None)


def model_of(settings: Settings) -> "PydanticModel":
    """Raises FactsError where the extra is not installed: it is what somebody has to mend before the start."""
    assert settings.assistant_model is not None
    try:
        from speedlead.assistant.pydantic_model import open_model
    except ImportError as error:
        raise FactsError(
            f"SPEEDLEAD_ASSISTANT_MODEL: expected the extra as well: pip install 'speedlead[assistant]' ({error.name})"
        ) from None
    key = settings.assistant_key
    return open_model(
        settings.assistant_model,
        url=settings.assistant_url,
        key=key.get_secret_value() if key is not None else None,
        seconds=settings.assistant_seconds,
        most_tokens=Limits().turn_tokens,
    )


@asynccontextmanager
async def open_assistant(
    settings: Settings, pool: "asyncpg.Pool[Any]", clock: Clock, offers: Offers | None
) -> AsyncIterator[AssistantDesk | None]:
    """For a worker: with its connections to the model until the block ends. Raises FactsError, ScriptError."""
    if settings.assistant_model is None:
        yield None
        return
    model = model_of(settings)
    try:
        yield build_assistant(settings, pool, clock, offers, model)
    finally:
        await model.close()


def build_assistant(
    settings: Settings, pool: "asyncpg.Pool[Any]", clock: Clock, offers: Offers | None, model: Model
) -> AssistantDesk:
    """Raises FactsError, ScriptError."""
    return AssistantDesk(pool, house_of(settings), model, clock, offers)
