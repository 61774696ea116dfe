"""The page /audit-report: the newest audit of rules, hand-overs and texts."""

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route

from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_errors import answered
from speedlead.gateway.rendering import render
from speedlead.store.audit_findings import newest
from speedlead.store.transactions import transact

PATH = "/audit-report"


def add_audit_report_page(app: FastAPI, deps: GatewayDeps) -> None:
    async def show(_: Request) -> Response:
        return render("audit_report.html", {"report": await transact(deps.pool, newest)})

    app.router.routes.append(Route(PATH, answered(show)))
