"""What the templates of one lead need: its rows, read in one transaction, and its own present."""

from datetime import timedelta
from typing import Any

from speedlead.gateway import rendering
from speedlead.gateway.deps import GatewayDeps
from speedlead.store import views
from speedlead.store.assignments import why_this_rep
from speedlead.store.conversations import conversation
from speedlead.store.transactions import transact

# REQ 28: every inquiry is acknowledged within 30 seconds
ACKNOWLEDGE_WITHIN = timedelta(seconds=30)


async def lead_context(deps: GatewayDeps, lead_id: str) -> dict[str, Any] | None:
    """None when there is no such lead."""

    async def read(conn: Any) -> dict[str, Any]:
        return {
            "view": await views.lead_view(conn, lead_id),
            "explained": await views.explain(conn, lead_id),
            "entries": await views.timeline(conn, lead_id),
            "talk": await conversation(conn, lead_id),
            "routing": await why_this_rep(conn, lead_id),
        }

    found = await transact(deps.pool, read)
    view = found["view"]
    if view is None or found["explained"] is None or found["talk"] is None:
        return None
    return found | {
        "now": deps.clock.business(view.card.clock_offset_us),
        "ack_due": view.card.created_at + ACKNOWLEDGE_WITHIN,
        "temporal_url": rendering.workflow_url(deps.settings, lead_id),
    }
