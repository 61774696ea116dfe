"""A person who opens a page while the database is down reads a page, not a problem document."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from speedlead.gateway.page_errors import answered, reads_pages
from speedlead.store.transactions import StoreUnavailable


async def test_without_the_database_a_person_reads_a_page() -> None:
    async def page(request: Any) -> Response:
        raise StoreUnavailable("ConnectionRefusedError")

    answer = await answered(page)(None)  # type: ignore[arg-type]  # the handler never looks
    assert answer.status_code == 503
    assert b"Please try again in a moment" in bytes(answer.body)
    assert b"ConnectionRefused" not in bytes(answer.body)


def _asks(path: str, accept: str) -> Request:
    return Request({"type": "http", "path": path, "headers": [(b"accept", accept.encode())], "server": ("x", 80)})


def test_a_browser_reads_a_page_and_a_program_a_problem_document() -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    assert reads_pages(_asks("/opps", browser))
    assert not reads_pages(_asks("/api/nothing", browser))
    assert not reads_pages(_asks("/opps", "*/*"))
