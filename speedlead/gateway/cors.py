"""Whose pages' scripts may read our answers: the origins of the settings and no others, without cookies (CORS)."""

from starlette.requests import Request
from starlette.responses import Response

from speedlead.gateway.guards import origin_of
from speedlead.gateway.problems import Problem
from speedlead.settings import Settings
from speedlead.widget.origins import parse_origins

# as long as Chromium keeps it
KEPT_S = 7200


class Cors:
    """`ours`: origins of our own pages. `forms`: every form that has a door."""

    def __init__(self, settings: Settings, ours: frozenset[str]) -> None:
        self._named = parse_origins(settings.widget_origins)
        # the sandbox shows the widget on a page of another origin
        sandbox = {settings.sandbox_url, settings.sandbox_url.replace("127.0.0.1", "localhost")}
        self._ours = ours | (sandbox if settings.uses_sandbox else set())
        self.forms = frozenset({"demo", *self._named.by_form})

    def allowed(self, request: Request, form: str | None) -> bool:
        """True for a page that may ask, and where no page does: only browsers send an Origin."""
        origin = request.headers.get("origin")
        return origin is None or self._may(origin, form)

    def may_return(self, url: str, form: str) -> bool:
        """May a form's sender be sent on to this address?"""
        return self._may(origin_of(url), form)

    def need(self, request: Request, form: str | None) -> None:
        """Raises Problem 403."""
        if not self.allowed(request, form):
            raise Problem(403, "This site may not ask: it is not in SPEEDLEAD_WIDGET_ORIGINS.", reason="origin")

    def headers(self, request: Request, form: str | None) -> dict[str, str]:
        """What every answer carries, also one that says no."""
        origin = request.headers.get("origin")
        if origin is None or not self._may(origin, form):
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin", "Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "Retry-After",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }  # fmt: skip

    def preflight(self, request: Request, form: str | None, methods: str) -> Response:
        headers = self.headers(request, form)
        if "Access-Control-Allow-Origin" not in headers:
            return Response(status_code=403, headers=headers)
        headers |= {
            "Access-Control-Allow-Methods": methods, "Access-Control-Max-Age": str(KEPT_S),
            "Access-Control-Allow-Headers": "Content-Type, Idempotency-Key",
        }  # fmt: skip
        return Response(status_code=204, headers=headers)

    def _may(self, origin: str, form: str | None) -> bool:
        return bool(origin) and (origin in self._ours or self._named.may(origin, form))
