"""Which leads somebody meets: `all`, `own` (the rep's, nobody's, and those offered to the rep), `converted` (and the
own), `none`.
"""

from typing import Any

from speedlead.store import views
from speedlead.store.view_models import VISIBLE


async def is_visible(conn: Any, lead_id: str, leads: str, rep_id: str | None) -> bool:
    """True for a lead that does not exist as well: what is not there is said where it is looked for."""
    if leads == "all":
        return True
    condition = VISIBLE.format(leads="$2::text", rep="$3::text")
    found = f"select {condition} from lead l where l.id = $1::text::uuid"  # noqa: S608  # a constant of ours
    row = await conn.fetchval(found, lead_id, leads, rep_id)
    if row is False and leads == "own" and rep_id is not None:
        # a colleague's lead whose call was offered to this rep, until it is answered
        return lead_id in await views.offered(conn, rep_id)
    return row is not False
