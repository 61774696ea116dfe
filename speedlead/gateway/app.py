"""The gateway: one ASGI app with intake, JSON API, webhooks, pages, health and counters."""

import asyncio

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from speedlead.gateway.access.account_pages import add_account_pages
from speedlead.gateway.access.doorkeeper import protect
from speedlead.gateway.access.oidc import add_company_sign_in
from speedlead.gateway.access.sign_in import add_sign_in
from speedlead.gateway.api_list import add_api_list
from speedlead.gateway.api_routes import add_api_routes
from speedlead.gateway.audit_report_page import add_audit_report_page
from speedlead.gateway.booking_page import Doors, add_booking_page
from speedlead.gateway.chat_routes import add_chat_routes
from speedlead.gateway.codec_server import add_codec_server
from speedlead.gateway.context import Context, log
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.duplicates_page import add_duplicates_page
from speedlead.gateway.erase_page import add_erase_page
from speedlead.gateway.experiment_pages import add_experiment_pages
from speedlead.gateway.feedback_page import add_feedback_page
from speedlead.gateway.goal_page import add_goal_page
from speedlead.gateway.guards import PageGuard
from speedlead.gateway.hand_over_page import add_hand_over_page
from speedlead.gateway.hooks_pages import add_hook_pages
from speedlead.gateway.hygiene_page import add_hygiene_page
from speedlead.gateway.intake_routes import add_intake_routes
from speedlead.gateway.mapped_door import add_mapped_door
from speedlead.gateway.mapping_pages import add_mapping_pages
from speedlead.gateway.meeting_page import add_meeting_page
from speedlead.gateway.notification_pages import add_notification_pages
from speedlead.gateway.oncall_page import add_oncall_page
from speedlead.gateway.opt_out_page import add_opt_out_page
from speedlead.gateway.page_errors import broken, not_available, nothing_here, reads_pages
from speedlead.gateway.pages import add_pages
from speedlead.gateway.people_pages import add_people_pages
from speedlead.gateway.plan_pages import add_plan_pages
from speedlead.gateway.presence import add_presence
from speedlead.gateway.problems import Problem, unavailable
from speedlead.gateway.quality_pages import add_quality_pages
from speedlead.gateway.review_pages import add_review_pages
from speedlead.gateway.roi_page import add_roi_page
from speedlead.gateway.scenario_page import add_scenario_page
from speedlead.gateway.scores_page import add_scores_page
from speedlead.gateway.security_headers import SecurityHeaders
from speedlead.gateway.start_page import add_start_page
from speedlead.gateway.steering_page import add_steering_page
from speedlead.gateway.take_page import add_take_pages
from speedlead.gateway.unsubscribe import add_unsubscribe_routes
from speedlead.gateway.voice_consent_page import add_voice_consent_page
from speedlead.gateway.webhooks_booking import add_booking_webhooks
from speedlead.gateway.webhooks_sendgrid import add_sendgrid_webhooks
from speedlead.gateway.webhooks_twilio import add_twilio_webhooks
from speedlead.gateway.whatif_page import add_whatif_page
from speedlead.gateway.widget_routes import add_widget_routes
from speedlead.intake import FieldProblem
from speedlead.store.transactions import StoreUnavailable
from speedlead.watch.ready import Ready
from speedlead.watch.tracing import TracedRequests, tracer

READY_S = 4.5


def create_app(deps: GatewayDeps) -> FastAPI:
    """`app.state.context` holds the counters, limits and guards that the routes share."""
    # the interactive documentation loads scripts from elsewhere, which our own policy forbids
    # its own spans and logs hold paths with tokens, addresses and what exceptions say; ours do not (watch/tracing.py)
    app = FastAPI(
        title="speedlead",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        telemetry={
            "tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False,
        },
    )  # fmt: skip
    context = Context(deps)
    app.state.context = context
    _add_errors(app, context)
    _add_health(app, context)
    add_intake_routes(app, context)
    add_widget_routes(app)
    add_chat_routes(app, context)
    add_api_list(app, context)
    add_api_routes(app, context)
    add_twilio_webhooks(app, context)
    add_sendgrid_webhooks(app, context)
    add_booking_webhooks(app, context)
    add_mapped_door(app, context)
    add_unsubscribe_routes(app, context)
    add_feedback_page(app, context)
    add_take_pages(app, context)
    doors = Doors(context)
    add_booking_page(app, doors)
    # before the pages, whose /leads/{lead_id}/{action} would take it
    add_meeting_page(app, doors)
    add_opt_out_page(app, context)
    add_voice_consent_page(app, deps)
    add_erase_page(app, deps)
    add_pages(app, deps)
    add_company_sign_in(app, context, add_sign_in(app, context))
    add_account_pages(app, deps)
    add_notification_pages(app, context)
    add_people_pages(app, deps)
    add_hand_over_page(app, deps)
    add_plan_pages(app, deps)
    add_experiment_pages(app, deps)
    add_presence(app, deps)
    add_oncall_page(app, deps)
    add_hook_pages(app, deps)
    add_mapping_pages(app, context)
    add_codec_server(app, context)
    add_audit_report_page(app, deps)
    add_scores_page(app, deps)
    add_duplicates_page(app, context)
    add_hygiene_page(app, deps)
    add_steering_page(app, deps)
    add_roi_page(app, deps)
    add_scenario_page(app, deps)
    # before the reviews, whose /review/{week} would take it
    add_goal_page(app, deps)
    add_review_pages(app, deps)
    add_whatif_page(app, deps)
    add_quality_pages(app, deps)
    add_start_page(app, deps)
    protect(app, context)
    app.add_middleware(PageGuard, guard=context.guard)
    app.add_middleware(SecurityHeaders)
    if (spans := tracer()) is not None:
        app.add_middleware(TracedRequests, tracer=spans)
    return app


def _add_errors(app: FastAPI, context: Context) -> None:
    @app.exception_handler(Problem)
    async def on_problem(request: Request, error: Problem) -> Response:
        context.counters.add("problems", status=str(error.status))
        return error.response()

    @app.exception_handler(StoreUnavailable)
    async def on_no_store(request: Request, error: StoreUnavailable) -> Response:
        context.counters.add("store_unavailable")
        return not_available() if reads_pages(request) else unavailable().response()

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        fields = [
            FieldProblem(".".join(str(part) for part in item["loc"][1:]) or "body", item["type"], item["msg"])
            for item in error.errors()
        ]
        return Problem(422, "Some fields are not right.", errors=fields).response()

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        if error.status_code in (404, 405) and reads_pages(request):
            return nothing_here(error.status_code)
        return Problem(error.status_code, str(error.detail), headers=dict(error.headers or {})).response()

    @app.exception_handler(Exception)
    async def on_bug(request: Request, error: Exception) -> Response:
        context.counters.add("bugs")
        # the route's pattern: a path may hold a token
        route = getattr(request.scope.get("route"), "path", "unknown")
        log.error("request failed", error=type(error).__name__, path=route)
        return broken() if reads_pages(request) else Problem(500, "Something on our side went wrong.").response()


def _add_health(app: FastAPI, context: Context) -> None:
    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        try:
            async with asyncio.timeout(READY_S):
                ready = await context.deps.ready()
        except Exception as error:
            ready = Ready({type(error).__name__: False})
        return JSONResponse(ready.said(), 200 if ready.ok else 503)

    async def metrics(request: Request) -> Response:
        figures = context.deps.figures
        text = context.counters.text() if figures is None else await figures()
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    app.router.add_route("/healthz", healthz, include_in_schema=False)
    app.router.add_route("/readyz", readyz, include_in_schema=False)
    app.router.add_route("/metrics", metrics, include_in_schema=False)
