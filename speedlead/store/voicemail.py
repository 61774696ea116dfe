"""What to do when a machine answers for the lead: asked once, by the gate, when it lets the lead's leg pass.

A recorded or artificial voice needs a consent of its own everywhere (47 CFR 64.1200(a); ePrivacy Directive, art. 13).
No inquiry and no other tick is one, and the rows of law for `call_automated` bring further hours and caps.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

import asyncpg

from speedlead.domain.law import LONGEST_CAP
from speedlead.domain.placing import PastTouch, Placed, Question
from speedlead.domain.plan import Voicemail
from speedlead.store.asking import Asking
from speedlead.store.reach import consents_of, evidence_of

Voicemails = Literal["stay", "hang_up", "leave"]


async def wished(connection: Any, lead_id: str) -> Voicemail:
    """What the plan says that the lead is on."""
    found = await connection.fetchval(
        """select p.body -> 'tracks' -> l.lead_type -> 'voicemail' from lead l
           join plan p on p.id = l.plan_id and p.version = l.plan_version where l.id = $1""",
        lead_id,
    )
    return Voicemail.model_validate(found or {})


async def when_a_machine_answers(connection: Any, asking: Asking, lead: asyncpg.Record, now: datetime) -> Voicemails:
    """`leave` only where it is proven lawful at this moment; otherwise the rep stays on the line and may speak."""
    do = (await wished(connection, lead["id"])).do
    return "stay" if do == "leave" and not await _may_be_left(connection, asking, lead, now) else do


async def _may_be_left(connection: Any, asking: Asking, lead: asyncpg.Record, now: datetime) -> bool:
    ticked = await connection.fetchval(
        "select exists (select from inquiry where lead_id = $1 and consent_recorded and phone = $2)",
        lead["id"], lead["phone"],
    )  # fmt: skip
    left = await connection.fetch(
        """select g.claimed_at from leg g join touch t on t.id = g.touch_id
           where t.address = $1 and g.voicemail = 'leave' and g.claimed_at > $2 order by 1""",
        lead["phone"], now - LONGEST_CAP,
    )  # fmt: skip
    question = Question(
        channel="call_automated",
        earliest=now,
        latest=None,
        place=asking.places.find(evidence_of(lead)),
        hours=None,
        slot=None,
        consents=replace(consents_of(lead), recorded=bool(ticked)),
        history=tuple(PastTouch(min(row["claimed_at"], now), "call_automated") for row in left),
    )
    answer = asking.placer.check(question, now)
    return isinstance(answer, Placed) and answer.at <= now
