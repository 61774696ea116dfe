"""Lines name their lead and touch; a touch id that is no touch id names nothing."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from speedlead.ids import new_id
from speedlead.logging import about_touch, configure_logging, get_logger
from workers.lead_in_logs import ids_of

LEAD = new_id()


@contextmanager
def configured() -> Iterator[None]:
    """Within a test alone: pytest has handlers of its own."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure_logging("info", json=True)
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_about_a_call_s_leg_names_touch_and_lead(capsys: pytest.CaptureFixture[str]) -> None:
    with configured():
        with about_touch(f"{LEAD}.call-2.rep-1"):
            get_logger("test.lines").warning("webhook failed")
        get_logger("test.lines").warning("after it")
    first, second = lines(capsys)
    assert (first["lead_id"], first["touch_id"]) == (LEAD, f"{LEAD}.call-2")
    assert "lead_id" not in second


@pytest.mark.parametrize("name", ["", "no touch", "a.b.c.d", "..", "+14155552671"])
def test_what_is_no_touch_names_nothing(capsys: pytest.CaptureFixture[str], name: str) -> None:
    with configured(), about_touch(name):
        get_logger("test.lines").warning("x")
    [line] = lines(capsys)
    assert "touch_id" not in line


def test_a_line_of_a_workflow_names_the_lead_instead_of_a_field_of_fields(capsys: pytest.CaptureFixture[str]) -> None:
    details = {"workflow_id": f"lead-{LEAD}", "attempt": 2, "run_id": "r"}
    with configured():
        logging.getLogger("test.lines").warning("message rejected", extra={"temporal_workflow": details})
    [line] = lines(capsys)
    assert (line["lead_id"], line["attempt"]) == (LEAD, 2)
    assert "temporal_workflow" not in line


def test_the_request_of_an_activity_says_of_what_it_is() -> None:
    assert ids_of(SimpleNamespace(lead_id=LEAD, step="sms-1")) == {"lead_id": LEAD, "touch_id": f"{LEAD}.sms-1"}
    assert ids_of(SimpleNamespace(lead_id=LEAD)) == {"lead_id": LEAD}
    assert ids_of(None) == {}
