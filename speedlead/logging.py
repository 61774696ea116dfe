"""Logs: one line per event with named fields; text on a terminal, JSON otherwise.

Never a body, phone number, address or secret: such fields are dropped here even when somebody passes one. Workflow code
does not import this module; it uses `workflow.logger`, whose standard records end up in the same handler.
"""

import logging
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

from speedlead.ids import parse_touch, touch_id

PRIVATE_FIELDS = frozenset(
    "body text html subject phone email address to_address from_address name company message recipient "
    "password secret token api_key auth_token authorization signature database_url".split()
)


def _drop_private(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event.pop("color_message", None)  # uvicorn says everything twice
    for name in PRIVATE_FIELDS & event.keys():
        event[name] = "[private]"
    return event


def _flatten_workflow(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The SDK says of which workflow or activity a line is in a field of fields; what finds a lead is put on top."""
    for name in ("temporal_workflow", "temporal_activity"):
        details = event.pop(name, None)
        if isinstance(details, Mapping):
            workflow_id = str(details.get("workflow_id", ""))
            event.setdefault("lead_id", workflow_id.removeprefix("lead-"))
            event.setdefault("attempt", details.get("attempt"))
    return event


def _add_trace(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if "opentelemetry.sdk.trace" in sys.modules:
        from opentelemetry.trace import get_current_span

        if (context := get_current_span().get_span_context()).is_valid:
            event["trace_id"] = f"{context.trace_id:032x}"
    return event


def configure_logging(level: str = "info", *, json: bool | None = None) -> None:
    """Send all records to stderr. `json` None means: JSON unless stderr is a terminal."""
    as_json = not sys.stderr.isatty() if json is None else json
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _flatten_workflow,
        _add_trace,
        _drop_private,
    ]
    last: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        else [structlog.dev.ConsoleRenderer()]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # these log request lines with numbers and addresses in their paths
    for noisy in ("twilio.http_client", "python_http_client", "httpx", "aiohttp.access", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose keyword arguments become fields: `log.info("message sent", lead_id=…, touch_id=…)`."""
    return structlog.stdlib.get_logger(name)


@contextmanager
def about_touch(name: str) -> Iterator[None]:
    """Every line inside names the touch, or the touch of the call's leg, and its lead; `name` may be anything."""
    try:
        touch = parse_touch(name)
        ids = {"lead_id": touch.lead_id, "touch_id": touch_id(touch.lead_id, touch.step)}
    except ValueError:
        ids = {}
    with structlog.contextvars.bound_contextvars(**ids):
        yield
