"""`/widget.js` and `/widget/{version}.js`: the script that turns a form of any page into an intake form."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from speedlead.widget.script import script

# anybody's page may load it, and check it before it runs (SRI)
_FOR_ALL = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
_NEWEST = "public, max-age=300, stale-while-revalidate=86400"
_FOR_EVER = "public, max-age=31536000, immutable"


def add_widget_routes(app: FastAPI) -> None:
    async def newest(request: Request) -> Response:
        return _answer(request, _NEWEST)

    async def pinned(request: Request) -> Response:
        if request.path_params["name"] != f"{script().version}.js":
            words = "This version of the widget is not here. `speedlead widget` prints the tag of the one that is.\n"
            return PlainTextResponse(words, 404, {**_FOR_ALL, "Cache-Control": "no-store"})
        return _answer(request, _FOR_EVER)

    app.router.add_route("/widget.js", newest, methods=["GET"], include_in_schema=False)
    app.router.add_route("/widget/{name}", pinned, methods=["GET"], include_in_schema=False)


def _answer(request: Request, kept: str) -> Response:
    found = script()
    headers = {**_FOR_ALL, "Cache-Control": kept, "ETag": f'"{found.version}"', "Vary": "Accept-Encoding"}
    if found.version in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = found.body
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"], body = "gzip", found.packed
    return Response(body, headers=headers, media_type="text/javascript")
