"""Both kinds of endpoint over HTTP, as they answer and as they fail: one request a try, and a code for each fault."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from speedlead.assistant.pydantic_model import open_model
from speedlead.assistant.turn import Turned, take_turn
from speedlead.domain.assistant import HandOver, Limits, Say
from tests.assistant.talking import situation

PRICE = {"act": "reply", "facts": ["price_basic"], "text": "The basic plan costs $49 a month and includes 5 users."}


@asynccontextmanager
async def endpoint(answer: Callable[[dict[str, Any]], Awaitable[web.Response]]) -> AsyncIterator[tuple[str, list[Any]]]:
    heard: list[Any] = []

    async def handle(request: web.Request) -> web.Response:
        body = await request.json()
        heard.append((request.path, request.headers.get("Authorization") or request.headers.get("x-api-key"), body))
        return await answer(body)

    app = web.Application()
    app.router.add_post("/{rest:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", heard
    finally:
        await runner.cleanup()


async def asked(name: str, url: str, heard: str, key: str | None = None, **changed: Any) -> Turned:
    model = open_model(name, url=url, key=key, seconds=5, most_tokens=5000)
    try:
        return await take_turn(model, situation(heard, **changed))
    finally:
        await model.close()


def openai(fields: dict[str, Any], name: str) -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": json.dumps(fields)}}
    return {
        "id": "r1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "tool_calls",
                     "message": {"role": "assistant", "content": None, "tool_calls": [call]}}],
        "usage": {"prompt_tokens": 700, "completion_tokens": 40, "total_tokens": 740},
    }  # fmt: skip


def anthropic(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {
        "id": "r1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "tool_use",
        "stop_sequence": None, "usage": {"input_tokens": 700, "output_tokens": 40},
        "content": [{"type": "tool_use", "id": "t1", "name": name, "input": fields}],
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
async def test_an_endpoint_is_asked_once_with_our_key_and_its_tokens_are_counted(kind: str) -> None:
    async def answer(body: dict[str, Any]) -> web.Response:
        tool = body["tools"][0]
        name = tool["function"]["name"] if kind == "openai" else tool["name"]
        return web.json_response((openai if kind == "openai" else anthropic)(PRICE, name))

    async with endpoint(answer) as (url, heard):
        turned = await asked(f"{kind}:small", url, "How much is it? Write to me@secret.example", key="k-1")
    assert isinstance(turned.verdict, Say)
    assert turned.usage is not None
    assert (turned.usage.model, turned.usage.tokens_in, turned.usage.tokens_out) == ("small", 700, 40)
    ((_, key, body),) = heard
    assert key in ("Bearer k-1", "k-1")
    assert "secret" not in json.dumps(body)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "model_key_refused"), (429, "model_busy"), (500, "model_down"), (200, "model_nonsense")],
)
async def test_an_endpoint_that_fails_is_not_asked_again(status: int, reason: str) -> None:
    async def answer(_: dict[str, Any]) -> web.Response:
        return web.json_response({"error": {"message": "no"}}, status=status)

    async with endpoint(answer) as (url, heard):
        turned = await asked("openai:small", url, "How much?")
    assert isinstance(turned.verdict, HandOver)
    assert (turned.verdict.reason, len(heard)) == (reason, 1)


async def test_nobody_there_and_nobody_answering() -> None:
    away = await asked("openai:small", "http://127.0.0.1:9", "How much?")
    assert away.verdict.reason == "model_down"  # type: ignore[union-attr]
    over = asyncio.Event()

    async def answer(_: dict[str, Any]) -> web.Response:
        await over.wait()
        return web.Response()

    async with endpoint(answer) as (url, _):
        turned = await asked("openai:small", url, "How much?", limits=Limits(seconds=0.3))
        over.set()
    assert turned.verdict.reason == "model_slow"  # type: ignore[union-attr]


def test_a_kind_that_we_do_not_speak_is_refused() -> None:
    with pytest.raises(ValueError, match="openai:model or anthropic:model"):
        open_model("gemini:x", url=None, key=None, seconds=5, most_tokens=5000)
