"""OpenTelemetry traces from a form to the provider, sent only where an endpoint is set; else nothing of it is imported.

A span holds ids, names and codes. What an exception says may quote a lead, so its text never leaves this process: its
type does. No context is taken over from outside and none is given to providers.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    import aiohttp
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Tracer
    from temporalio.contrib.opentelemetry import TracingInterceptor

# what is looked at by machines every few seconds would be most of all traces
_UNTRACED = ("/healthz", "/readyz", "/metrics", "/static/")


@dataclass(frozen=True)
class Tracing:
    """`interceptor` goes to `Client.connect`: workflows, activities, signals and updates then carry the context."""

    interceptor: "TracingInterceptor"
    close: Callable[[], None]


def open_tracing(endpoint: str | None, process: str) -> Tracing | None:
    """`endpoint`: of an OTLP receiver (HTTP, protobuf); headers and the like come from OTEL_*. None without one."""
    if endpoint is None:
        return None
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
    from temporalio.contrib.opentelemetry import TracingInterceptor

    class WithoutWords(SpanExporter):
        def __init__(self, exporter: SpanExporter) -> None:
            self._exporter = exporter

        def export(self, spans: "Sequence[ReadableSpan]") -> SpanExportResult:
            return self._exporter.export([without_words(span) for span in spans])

        def shutdown(self) -> None:
            self._exporter.shutdown()

    provider = TracerProvider(resource=Resource.create({"service.name": "speedlead", "process.role": process}))
    sender = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=3)
    provider.add_span_processor(BatchSpanProcessor(WithoutWords(sender), schedule_delay_millis=1000))
    tracer = provider.get_tracer("speedlead")
    # the one place that gateway and providers find it
    trace.set_tracer_provider(provider)
    return Tracing(TracingInterceptor(tracer, always_create_workflow_spans=True), provider.shutdown)


def tracer() -> "Tracer | None":
    """Of this process; None unless traces are sent."""
    sdk = sys.modules.get("opentelemetry.sdk.trace")
    if sdk is None:
        return None
    from opentelemetry import trace

    provider = trace.get_tracer_provider()
    return provider.get_tracer("speedlead") if isinstance(provider, sdk.TracerProvider) else None


def without_words(span: "ReadableSpan") -> "ReadableSpan":
    """The span without what exceptions say."""
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import Status

    return ReadableSpan(
        name=span.name, context=span.context, parent=span.parent, resource=span.resource, attributes=span.attributes,
        links=span.links, kind=span.kind, instrumentation_scope=span.instrumentation_scope,
        status=Status(span.status.status_code), start_time=span.start_time, end_time=span.end_time,
        events=[
            Event(event.name, {name: value for name, value in (event.attributes or {}).items()
                               if name not in ("exception.message", "exception.stacktrace")}, event.timestamp)
            for event in span.events
        ],
    )  # fmt: skip


class TracedRequests:
    """One span for each request of the gateway, named by its route: a path may hold a token."""

    def __init__(self, app: ASGIApp, tracer: "Tracer") -> None:
        self._app, self._tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from opentelemetry.context import Context
        from opentelemetry.trace import SpanKind

        if scope["type"] != "http" or scope["path"].startswith(_UNTRACED):
            await self._app(scope, receive, send)
            return
        method = scope["method"]
        with self._tracer.start_as_current_span(method, context=Context(), kind=SpanKind.SERVER) as span:
            span.set_attribute("http.request.method", method)

            async def told(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                await send(message)

            try:
                await self._app(scope, receive, told)
            finally:
                # addresses of webhooks have nothing in their path
                plain = scope["path"] if scope["path"].startswith("/webhooks/") else "unknown"
                route = getattr(scope.get("route"), "path", plain)
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)


def requests_to_providers(tracer: "Tracer") -> "aiohttp.TraceConfig":
    """A span for each request to a provider: method, host and status; a path or query may hold a number."""
    import aiohttp
    from opentelemetry.trace import SpanKind, Status, StatusCode

    async def begun(_: Any, context: SimpleNamespace, what: aiohttp.TraceRequestStartParams) -> None:
        context.span = tracer.start_span(f"{what.method} {what.url.host}", kind=SpanKind.CLIENT)
        context.span.set_attribute("http.request.method", what.method)
        context.span.set_attribute("server.address", what.url.host or "")

    async def answered(_: Any, context: SimpleNamespace, what: aiohttp.TraceRequestEndParams) -> None:
        context.span.set_attribute("http.response.status_code", what.response.status)
        context.span.end()

    async def failed(_: Any, context: SimpleNamespace, what: aiohttp.TraceRequestExceptionParams) -> None:
        context.span.set_status(Status(StatusCode.ERROR))
        context.span.set_attribute("error.type", type(what.exception).__name__)
        context.span.end()

    config = aiohttp.TraceConfig()
    config.on_request_start.append(begun)
    config.on_request_end.append(answered)
    config.on_request_exception.append(failed)
    return config


@contextmanager
def traced(endpoint: str | None, process: str) -> Iterator[Tracing | None]:
    """For the life of a process; what was not sent yet is sent at its end."""
    tracing = open_tracing(endpoint, process)
    try:
        yield tracing
    finally:
        if tracing is not None:
            tracing.close()
