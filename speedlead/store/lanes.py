"""Versions of the rules of lanes: immutable once used, because judgements name them."""

from datetime import datetime
from typing import Any

from speedlead.enrichment.rulebook import LaneBook, LanesError
from speedlead.store import audit
from speedlead.whoami import command_line


async def use_lanes(pool: Any, book: LaneBook, wall: datetime) -> None:
    """Stores a version that is new, with a line in the audit. Safe at every start and by several processes at once.

    Raises LanesError when the text is another than the one that is stored under its version, and for a version that
    is older than one in use and was never used itself.
    """
    async with pool.acquire() as conn, conn.transaction():
        version = book.rules.version
        new = await conn.fetchval(
            """insert into lane_rules (version, sha256, source, used_wall) select $1, $2, $3, $4
               where not exists (select from lane_rules where version >= $1) on conflict do nothing returning true""",
            version, book.sha256, book.source, wall,
        )  # fmt: skip
        if new:
            change = audit.Change(None, command_line(), None, "lanes use", f"v{version}", {"sha256": book.sha256[:12]})
            await audit.end(conn, await audit.begin(conn, change, None, wall), None, 0)
            return
        known = await conn.fetchval("select sha256 from lane_rules where version = $1", version)
        if known != book.sha256:
            newest = await conn.fetchval("select max(version) from lane_rules")
            raise LanesError(
                f"{book.file}:1: version: the rules are not the ones that are stored as version {version}; expected a "
                f"version of at least {newest + 1}"
            )
