"""Errors as RFC 9457 problem details: what was wrong, in which field, and what was expected."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from speedlead.intake import FieldProblem

_TITLES = {
    400: "The request cannot be read",
    401: "An API key is needed",
    403: "Not allowed from here",
    404: "There is no such thing",
    405: "Not this method",
    409: "The lead's state does not allow it",
    413: "Too large",
    415: "Not this kind of content",
    422: "Some fields are not right",
    429: "Too many requests",
    503: "Not available at this moment",
}


class Problem(Exception):
    """Raised anywhere below a route; becomes an application/problem+json answer."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        reason: str | None = None,
        retry_after_s: float | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.headers = headers or {}

    def headers_to_send(self) -> dict[str, str]:
        headers = dict(self.headers)
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(max(1, round(self.retry_after_s + 0.499)))
        return headers

    def response(self) -> Response:
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": _TITLES.get(self.status, "Error"),
            "status": self.status,
            "detail": self.detail,
        }
        if self.reason is not None:
            body["reason"] = self.reason
        if self.errors:
            body["errors"] = [asdict(error) for error in self.errors]
        return Response(json.dumps(body), self.status, self.headers_to_send(), "application/problem+json")


def wrong_field(field: str, reason: str, expected: str) -> Problem:
    return Problem(422, f"{field}: {reason}", errors=[FieldProblem(field, reason, expected)])


def unavailable() -> Problem:
    return Problem(503, "The database does not answer; nothing was stored. Please send it again.", retry_after_s=2)
