"""draft"""
from datetime import UTC, datetime

import pytest

from speedlead.closures import HolidayClosures
from speedlead.demo.play import play
from speedlead.demo.stories import STORIES, quiet_tuesday
from speedlead.demo.world import World
from speedlead import times
import time

@pytest.mark.timeout(120)
async def test_all(world: World) -> None:
    tuesday = quiet_tuesday(datetime.now(UTC), HolidayClosures())
    print(tuesday)
    t = time.time()
    for p in await play(world, STORIES, tuesday, print):
        print(p.story.title, p.lead.card.stage, p.lead.card.close_reason, p.lead.promise_text)
        for e in p.entries:
            if e.kind != "call_progress":
                print("   ", times.clock(e.at, p.story.zone, seconds=True), e.kind, e.step, e.channel, '|', e.what, '|', e.result, '|', e.reason, e.reason_text, e.next_at)
    print(time.time() - t)

    for r in await world.pool.fetch("select p.name, t.step, t.state, t.reason, t.reasons, t.planned_at, t.placed_at, t.sent_at, t.next_at, t.versions from touch t join lead l on l.id=t.lead_id join person p on p.id=l.person_id where t.step in ('call-1','day-6-call','day-2-call','day-4-call') order by 1, sent_at"):
        print(dict(r))
    for r in await world.pool.fetch("select kind, audience, reason, at, due_at, dedupe from notice"):
        print(dict(r))
