"""A person who opens a page while the database is down reads a page, not a problem document."""

from typing import Any

from starlette.responses import Response

from speedlead.gateway.page_errors import answered
from speedlead.store.transactions import StoreUnavailable


async def test_without_the_database_a_person_reads_a_page() -> None:
    async def page(request: Any) -> Response:
        raise StoreUnavailable("ConnectionRefusedError")

    answer = await answered(page)(None)  # type: ignore[arg-type]  # the handler never looks
    assert answer.status_code == 503
    assert b"Please try again in a moment" in bytes(answer.body)
    assert b"ConnectionRefused" not in bytes(answer.body)
