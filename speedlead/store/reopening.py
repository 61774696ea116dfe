"""A reply to a lead that has closed: a new inquiry of the same person, which a person of ours answers (REQ 37).

It gets no acknowledgement of its own: a form's receipt would be an odd answer to somebody who answers us. What they
are owed instead stands in the reply's `due_at`.
"""

import hashlib
from datetime import datetime
from typing import Any

from speedlead import ids
from speedlead.domain.plan import Plan
from speedlead.store.rows import put_message
from speedlead.store.story import tell_story

SOURCE = "reply"  # of the lead and its inquiry


async def reopen(
    conn: Any, plan: Plan, last: Any, *, owner_id: str | None, channel: str, sender: str, body: str, now: datetime,
    wall: datetime,
) -> str:  # fmt: skip
    """Opens a lead like `last`, the person's newest, and returns its id; the caller holds the person's lock.

    The known owner first, `owner_id`, and what is known of the place. The plan stands still from the beginning.
    """
    lead_id, lead_type = ids.new_id(), plan.lead_type(last["intent"])
    way = "email" if channel == "chat" else channel
    await conn.execute(
        """insert into lead (id, person_id, form_key, lead_type, intent, source, segment, country, region, postcode, tz,
               owner_id, plan_id, plan_version, plan_stopped, clock_offset_us, created_at, created_wall)
           select $1, l.person_id, l.form_key, $3, l.intent, $4, l.segment, l.country, l.region, l.postcode, l.tz,
               r.id, $5, $6, 'replied', l.clock_offset_us, $7, $8
           from lead l left join rep r on r.id = $9 and r.active where l.id = $2""",
        lead_id, last["id"], lead_type, SOURCE, plan.id, plan.version, now, wall, owner_id,
    )  # fmt: skip
    await conn.execute(
        """insert into inquiry (id, lead_id, person_id, number, form_key, intent, lead_type, source, channel, email,
               phone, message, fingerprint, submitted_at, submitted_wall)
           values ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)""",
        ids.new_id(), lead_id, last["person_id"], last["form_key"], last["intent"], lead_type, SOURCE,
        channel, sender if channel == "email" else None, sender if channel == "sms" else None,
        body, hashlib.sha256(body.encode()).digest(), now, wall,
    )  # fmt: skip
    await conn.execute(
        """insert into touch (id, lead_id, person_id, step, channel, purpose, state, reason, reasons, planned_at,
               placed_at, settled_at)
           values ($1, $2, $3, 'ack-1', $4, 'acknowledgement', 'skipped', $5, array[$5], $6, $6, $6)""",
        f"{lead_id}.ack-1", lead_id, last["person_id"], way, "person_answers", now,
    )  # fmt: skip
    await put_message(conn, lead_id, "start")
    await tell_story(
        conn, lead_id, kind="reopened", at=now, dedupe="inquiry-1",
        data={"number": 1, "intent": last["intent"], "source": SOURCE, "lead_type": lead_type, "before": last["id"]},
    )  # fmt: skip
    return lead_id
