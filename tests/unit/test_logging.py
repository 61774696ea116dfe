"""Logs are one JSON object a line off a terminal, and never hold what people wrote or how they are reached."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from speedlead.logging import configure_logging, get_logger


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_fields_become_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", json=True)
    get_logger("x").info("message sent", lead_id="7f3a")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["lead_id"], line["level"], line["logger"]) == ("message sent", "7f3a", "info", "x")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("field", ["body", "phone", "email", "token", "api_key"])
def test_private_fields_are_dropped_wherever_they_come_from(capsys: pytest.CaptureFixture[str], field: str) -> None:
    configure_logging("info", json=True)
    get_logger("x").warning("a", **{field: "hunter2"})
    logging.getLogger("y").warning("b", extra={field: "hunter2", "lead_id": "7f3a"})
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first[field] == second[field] == "[private]"
    assert second["lead_id"] == "7f3a"


def test_a_lower_level_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("warning", json=True)
    get_logger("x").info("nothing")
    logging.getLogger("y").info("nothing")
    assert capsys.readouterr().err == ""


def test_an_exception_has_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", json=True)
    try:
        raise ValueError("why")
    except ValueError:
        get_logger("x").exception("failed")
    assert "ValueError: why" in json.loads(capsys.readouterr().err)["exception"]
