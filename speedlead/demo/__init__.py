"""A week of leads in a minute, on a virtual clock: the production parts, wired to servers of their own."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from speedlead.settings import Settings


async def run_demo(settings: "Settings", picture: "Path | None" = None) -> int:
    """See `speedlead.demo.run`; imported here so that `speedlead.demo.world` alone does not draw pictures."""
    from speedlead.demo import run

    return await run.run_demo(settings, picture)
