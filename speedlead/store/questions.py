"""What leads asked, and until when a person of ours owes them an answer: apart from the acknowledgement (REQ 37).

A question is a row of `reply` that a person wrote: `received_at` is when it was asked, then `due_at` and `answered_at`.
"""

from datetime import datetime
from typing import Any


async def questions_answered(
    conn: Any, lead_id: str, at: datetime, how: str, *, conversation: str | None = None
) -> None:
    """All that the lead had asked by then. `how`: the touch that answered, or `outcome`.

    An answer in one `conversation` of a page (an inquiry) leaves open what was asked in another: nobody there sees it.
    """
    await conn.execute(
        """update reply set answered_at = $2, answered_by = $3
           where lead_id = $1 and not automatic and answered_at is null and received_at <= $2
               and ($4::text::uuid is null or inquiry_id is null or inquiry_id = $4::text::uuid)""",
        lead_id, at, how, conversation,
    )  # fmt: skip
