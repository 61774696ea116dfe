"""`/u/{token}`: the link in every mail. A GET only shows a button, because mail scanners follow links.

A POST unsubscribes, from the button or from the mail program's own one-click button (RFC 8058).
"""

from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from speedlead.gateway import answers
from speedlead.gateway.context import Context
from speedlead.gateway.limits import client_address, read_body, sender_of
from speedlead.gateway.problems import Problem
from speedlead.store.optouts import unsubscribe
from speedlead.store.transactions import StoreUnavailable, transact
from speedlead.tokens import read_token

KIND = "unsubscribe"
_MAX_BYTES = 4096


def add_unsubscribe_routes(app: FastAPI, context: Context) -> None:
    async def handle(request: Request) -> Response:
        deps = context.deps
        token = request.path_params["token"]
        try:
            lead_id = read_token(deps.credentials.secret_bytes, KIND, token)
            if lead_id is None:
                # a right link is never refused: the mail providers of many people press it from few addresses
                context.by_address.check(sender_of(client_address(request, context.proxies)))
                text = "This link is not complete. Please use the one in the mail."
                return answers.message("Unknown link", text, status=404)
            if request.method != "POST":
                return answers.unsubscribe(f"/u/{token}", deps.settings.company_name)
            await read_body(request, _MAX_BYTES)
        except Problem as problem:
            return answers.message(
                "Please try again", problem.detail, status=problem.status, headers=problem.headers_to_send()
            )

        async def work(conn: Any) -> list[str]:
            return await unsubscribe(conn, deps.clock, lead_id)

        try:
            told = await transact(deps.pool, work)
        except StoreUnavailable:
            return answers.message(
                "Please try again", "This did not work at this moment.", status=503, headers={"Retry-After": "5"}
            )
        context.counters.add("unsubscribed")
        await context.deliver_now(*told)
        return answers.message("Unsubscribed", "You will get no more e-mail from us.", status=200)

    app.router.add_route("/u/{token}", handle, methods=["GET", "POST"], include_in_schema=False)
