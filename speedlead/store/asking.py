"""The last question before a touch goes out: lawful at this moment, and below the caps of its number?

Claims and the lead's own leg ask the same way (docs/adr/0004).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from speedlead.domain.hours import Weekly
from speedlead.domain.placing import Impossible, Placed, Placer
from speedlead.domain.schedule import Asker, Channel
from speedlead.domain.zones import Place
from speedlead.place_finder import PlaceFinder
from speedlead.store.reach import consents_of, evidence_of, history_until


@dataclass(frozen=True, slots=True)
class Asking:
    placer: Placer
    places: PlaceFinder

    async def permitted(
        self,
        connection: Any,
        lead: asyncpg.Record,
        *,
        channel: Channel,
        number: str | None,
        now: datetime,
        touch_id: str,
        hours: Weekly | None,
        transactional: bool = False,
        conversation: bool = False,
    ) -> tuple[Placed | Impossible, Place]:
        """`lead` was read under its person's lock. `number`: what will ring or get the text, under its own lock; None
        for a mail, which no cap counts. `hours` None: business hours do not matter.
        `conversation`: a person of ours answers by hand.
        """
        place = self.places.find(evidence_of(lead, number))
        consents = consents_of(lead, conversation=conversation)
        # what one of us writes by hand is an answer, also to somebody in a nurture program
        marketing = lead["program"] == "nurture" and not (conversation or transactional)
        asker = Asker(place, consents, {} if hours is None else {channel: hours}, marketing=marketing)
        history = await history_until(connection, number, now, touch_id)
        question = asker.question(channel, now, history=history, transactional=transactional)
        return self.placer.check(question, now), place
