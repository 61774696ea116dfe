"""A scripted model behind the real pydantic-ai, and situations for it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from speedlead.assistant.factbook import load_facts, questions_of
from speedlead.assistant.pydantic_model import PydanticModel
from speedlead.domain.assistant import Line, Situation, Slot
from speedlead.scriptbook import load_scripts

EXAMPLE = Path(__file__).parents[2] / "speedlead" / "assistant" / "facts.example.yaml"
SCRIPT = load_scripts()["inbound"][0]
FACTS = load_facts(EXAMPLE, SCRIPT)
MONDAY = datetime(2026, 11, 23, 15, tzinfo=UTC)
SLOTS = tuple(
    Slot(n, MONDAY + timedelta(hours=n), f"Mon 23 Nov, {9 + n}:00 (New York time)", offered=True) for n in (1, 2)
)


def model(*answers: Any, seen: list[list[ModelMessage]] | None = None) -> PydanticModel:
    """Answers in turn, the last one again and again: a dict is a structured result, a text is plain words."""
    asked = 0

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        nonlocal asked
        said = answers[min(asked, len(answers) - 1)]
        asked += 1
        if seen is not None:
            seen.append(list(messages))
        if isinstance(said, Exception):
            raise said
        if isinstance(said, Callable):  # type: ignore[arg-type]
            said = said()
        if isinstance(said, str):
            return ModelResponse(parts=[TextPart(said)])
        fields = dict(said)
        name = fields.pop("tool", info.output_tools[0].name)
        return ModelResponse(parts=[ToolCallPart(name, json.dumps(fields))])

    return PydanticModel(FunctionModel(answer, model_name="scripted"), most_tokens=20_000)


def situation(heard: str, **changed: Any) -> Situation:
    questions = questions_of(FACTS, SCRIPT, {})
    return Situation(**{"channel": "sms", "company": "Acme", "facts": FACTS, "lines": (Line("lead", heard),),
                        "questions": questions, **changed})  # fmt: skip
