"""A mail or a text from somebody whom we do not know: a lead like one from a form (REQ 22, 111).

The same transaction as a form's. It has no consent to texts or calls; a text is answered by text all the same, as who
texts us wants it. From then on the sender is known: what they write next is a reply to their lead.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from speedlead.domain.plan import Plan
from speedlead.intake import Rules, read_inquiry
from speedlead.mail_trust import is_nobody
from speedlead.ports import Clock
from speedlead.store.intake import Submission, take_in
from speedlead.store.reps import is_one_of_us
from speedlead.store.rows import put_notice

if TYPE_CHECKING:
    from speedlead.store.inbound import Inbound

Stranger = Literal["lead", "automatic", "ours", "spam", "unverified", "too_many", "unreadable"]
"""What became of it. Only for `unverified`, `too_many` and `unreadable` a person of ours is told to look."""

HOUR = timedelta(hours=1)
# one house writing to us for the first time from so many addresses within an hour is a machine; so is everybody at once
MOST_OF_A_DOMAIN, MOST_OF_ALL = 20, 200
# mail providers whose domain says nothing about who writes
_FREE_MAIL = frozenset(
    "gmail.com googlemail.com outlook.com hotmail.com live.com yahoo.com icloud.com me.com aol.com gmx.de gmx.net "
    "web.de proton.me protonmail.com orange.fr free.fr mail.com zoho.com".split()
)
DOORS = {"email": "mail", "sms": "sms"}
_MOST_MESSAGE = 10_000


async def take_stranger(
    conn: Any, clock: Clock, plan: Plan, inbound: "Inbound", reply_id: str
) -> tuple[Stranger, str | None]:
    """(what became of it, the lead whose workflow has a message). The reply's row is there already, without a lead."""
    why = await _no_lead(conn, clock, inbound)
    lead_id = None
    if why is None:
        lead_id = await _lead(conn, clock, plan, inbound)
        why = "unreadable" if lead_id is None else None
    if lead_id is not None:
        await conn.execute(
            """update reply set lead_id = $2, person_id = (select person_id from lead where id = $2) where id = $1""",
            reply_id, lead_id,
        )  # fmt: skip
        return "lead", lead_id
    assert why is not None
    if why in ("unverified", "too_many", "unreadable"):
        # a flood is one thing to know, not thousands
        at = clock.business(0)
        dedupe = f"too_many:{inbound.channel}:{at:%Y-%m-%d}" if why == "too_many" else f"reply_from_unknown:{reply_id}"
        await put_notice(conn, audience="ops", kind="reply_from_unknown", at=at, reason=why, dedupe=dedupe)
    return why, None


async def _no_lead(conn: Any, clock: Clock, inbound: "Inbound") -> Stranger | None:
    if inbound.automatic or (inbound.channel == "email" and is_nobody(inbound.sender)):
        return "automatic"
    if inbound.doubt is not None:
        return inbound.doubt
    if await is_one_of_us(conn, inbound.sender):
        return "ours"
    domain = inbound.sender.rpartition("@")[2] if inbound.channel == "email" else ""
    row = await conn.fetchrow(
        """select count(*) as all, count(*) filter (where split_part(email, '@', 2) = $3) as domain
           from inquiry where form_key = $1 and submitted_wall > $2""",
        DOORS[inbound.channel], clock.wall() - HOUR, domain,
    )  # fmt: skip
    of_domain = 0 if domain in _FREE_MAIL else row["domain"]
    return "too_many" if row["all"] >= MOST_OF_ALL or of_domain >= MOST_OF_A_DOMAIN else None


async def _lead(conn: Any, clock: Clock, plan: Plan, inbound: "Inbound") -> str | None:
    """None where no answer could go: what looks like an address or a number is none."""
    fields: dict[str, object] = {
        "email" if inbound.channel == "email" else "phone": inbound.sender,
        "name": inbound.name,
        "message": (inbound.said or inbound.body or inbound.subject or "")[:_MOST_MESSAGE],
        "source": f"inbound_{inbound.messenger.lower() if inbound.messenger else inbound.channel}",
        "channel": "messenger" if inbound.messenger else inbound.channel,
    }
    more = {"subject": inbound.subject, "browser_lang": inbound.language}
    fields |= {name: value for name, value in more.items() if value}
    intents = tuple(name for names in plan.intents.values() for name in names)
    try:
        inquiry = read_inquiry(fields, Rules(intents, default_channel=inbound.channel))
    except ValidationError:
        return None
    key = inbound.provider_id[:200]
    submission = Submission(inquiry, DOORS[inbound.channel], idempotency_key=key, marks=inbound.marks)
    return (await take_in(conn, clock, plan, submission)).lead_id
