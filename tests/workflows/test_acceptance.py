"""Who takes a lead: in time, too late, nobody, several at once; on a real server with a virtual clock."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from speedlead.cadence_errors import LeadRefused
from speedlead.demo.moments import Moment
from speedlead.demo.world import World
from tests.workflows.leads import ADA, ended, notices, tuesday_at

pytestmark = pytest.mark.timeout(90)
# nothing rings for her: whoever owns the lead has to take it by a click
BY_MAIL = {name: value for name, value in ADA.items() if name not in ("phone", "consent_sms", "consent_call")}


@pytest.fixture
def silent(world: World) -> World:
    world.reps_accept = False
    return world


async def asked(world: World, lead: str) -> list[tuple[int, str, float]]:
    """(level, how it ended, seconds from the lead's opening to being asked) in order."""
    rows = await world.pool.fetch(
        """select o.level, coalesce(o.result, 'open') as result, o.asked_at - l.open_at as after
           from offer o join lead l on l.id = o.lead_id where o.lead_id = $1 order by o.id""",
        lead,
    )
    return [(row["level"], row["result"], round(row["after"].total_seconds())) for row in rows]


async def breaches(world: World, lead: str) -> dict[str, str]:
    rows = await world.pool.fetch("select target, phase from breach where lead_id = $1", lead)
    return {row["target"]: row["phase"] for row in rows}


async def owner(world: World, lead: str) -> dict[str, Any]:
    row = await world.pool.fetchrow(
        """select r.id, r.manager, l.accepted_at, l.assigned_at from lead l join rep r on r.id = l.owner_id
           where l.id = $1""",
        lead,
    )
    assert row is not None
    return dict(row)


def does(world: World, update: str, **body: str) -> Callable[[str], Awaitable[None]]:
    """The owner of the moment asks for it; `rep_id` says who else."""

    async def happens(lead: str) -> None:
        rep = await world.pool.fetchval("select owner_id from lead where id = $1", lead)
        await world.leads.update(lead, update, {"rep_id": rep} | body)

    return happens


async def test_who_accepts_in_time_keeps_the_lead_and_nobody_else_is_asked(world: World) -> None:
    lead = await world.submit(tuesday_at(15), **BY_MAIL)
    await ended(world, lead)
    assert [row[:2] for row in await asked(world, lead)] == [(1, "accepted")]
    assert (await owner(world, lead))["accepted_at"] is not None
    assert "acceptance" not in await breaches(world, lead)


async def test_a_silent_owner_loses_the_lead_to_a_backup_then_to_a_manager_who_keeps_it(silent: World) -> None:
    lead = await silent.submit(tuesday_at(15), **BY_MAIL)
    await ended(silent, lead)
    steps = await asked(silent, lead)
    assert [row[:2] for row in steps] == [(1, "silent"), (2, "silent"), (3, "silent")]
    # a minute each
    for (_, _, at), expected in zip(steps, (0, 60, 120), strict=True):
        assert expected <= at <= expected + 5
    last = await owner(silent, lead)
    assert (last["manager"], last["accepted_at"]) == (True, None)
    told = await notices(silent, lead)
    assert told.count("rep: lead_moved_on") == 2
    assert told.count("rep: asked_next") == 2
    assert "manager: nobody_accepted" in told
    found = await breaches(silent, lead)
    assert found["acceptance"] == "acceptance"
    assert found["first_attempt"] == "acceptance"
    away = await silent.pool.fetchval(
        "select count(*) from notice where kind = 'away_after_missed' and lead_id = $1", lead
    )
    assert away == 6  # each of the three, and the managers about each


async def test_a_backup_accepts_and_the_first_one_is_too_late(silent: World) -> None:
    refused: list[str] = []
    first: list[str] = []

    async def remembers(lead: str) -> None:
        first.append(await silent.pool.fetchval("select owner_id from lead where id = $1", lead))

    async def second_then_first(lead: str) -> None:
        await does(silent, "accept")(lead)
        with pytest.raises(LeadRefused) as refusal:
            await silent.leads.update(lead, "accept", {"rep_id": first[0]})
        refused.append(refusal.value.reason)
        assert refusal.value.field is None

    moments = (Moment("routed", remembers), Moment("escalated", second_then_first))
    lead = await silent.submit(tuesday_at(15), moments=moments, **BY_MAIL)
    await ended(silent, lead)
    assert [row[:2] for row in await asked(silent, lead)] == [(1, "silent"), (2, "accepted")]
    has_it = await owner(silent, lead)
    assert has_it["id"] != first[0]
    assert refused[0].startswith("Your time to take this lead was over at ")
    assert refused[0].endswith("has it. Nothing was changed.")


async def test_somebody_who_was_never_asked_is_refused(silent: World) -> None:
    refused: list[str] = []

    async def a_stranger(lead: str) -> None:
        mine = await silent.pool.fetchval("select owner_id from lead where id = $1", lead)
        other = await silent.pool.fetchval("select id from rep where active and not manager and id <> $1 limit 1", mine)
        with pytest.raises(LeadRefused) as refusal:
            await silent.leads.update(lead, "accept", {"rep_id": other})
        refused.append(refusal.value.reason)
        assert await silent.pool.fetchval("select owner_id from lead where id = $1", lead) == mine
        await does(silent, "accept")(lead)

    lead = await silent.submit(tuesday_at(15), moments=(Moment("routed", a_stranger),), **BY_MAIL)
    await ended(silent, lead)
    assert refused[0].startswith("This lead is not yours to take; ")
    assert [row[:2] for row in await asked(silent, lead)] == [(1, "accepted")]


async def test_who_declines_hands_the_lead_on_at_once(silent: World) -> None:
    moments = (Moment("write_personally", does(silent, "decline")), Moment("escalated", does(silent, "accept")))
    lead = await silent.submit(tuesday_at(15), moments=moments, **BY_MAIL)
    await ended(silent, lead)
    (level, result, _), (_, second, at) = await asked(silent, lead)
    assert (level, result, second) == (1, "declined", "accepted")
    assert at < 10
    assert "rep: away_after_missed" not in await notices(silent, lead)


async def test_an_outcome_of_the_owner_takes_the_lead(silent: World) -> None:
    async def logs(lead: str) -> None:
        mine = await silent.pool.fetchval("select owner_id from lead where id = $1", lead)
        await silent.call(
            "POST", f"{silent.url}/api/leads/{lead}/outcomes", {"call_result": "no_answer", "rep_id": mine}
        )

    lead = await silent.submit(tuesday_at(15), moments=(Moment("write_personally", logs),), **BY_MAIL)
    await ended(silent, lead)
    assert [row[:2] for row in await asked(silent, lead)] == [(1, "accepted")]
    assert "first_attempt" not in await breaches(silent, lead)


async def test_a_key_press_takes_the_lead_and_rings_nobody_twice(silent: World) -> None:
    lead = await silent.submit(tuesday_at(15), **ADA)
    await ended(silent, lead)
    assert [row[:2] for row in await asked(silent, lead)] == [(1, "accepted")]
    assert await breaches(silent, lead) == {}
    assert (await owner(silent, lead))["accepted_at"] is not None


async def test_a_lead_of_the_night_is_taken_from_its_opening_on(silent: World) -> None:
    lead = await silent.submit(tuesday_at(3), **BY_MAIL)  # 22:00 in New York
    await ended(silent, lead)
    steps = await asked(silent, lead)
    assert [row[:2] for row in steps] == [(1, "silent"), (2, "silent"), (3, "silent")]
    assert [at // 30 for _, _, at in steps] == [0, 2, 4]


async def test_an_owner_is_reminded_at_half_time_of_what_only_a_person_can_do(world: World) -> None:
    lead = await world.submit(tuesday_at(15), **BY_MAIL)
    await ended(world, lead)
    row = await world.pool.fetchrow(
        """select n.at - l.open_at as after from notice n join lead l on l.id = n.lead_id
           where kind = 'due_soon' and l.id = $1""",
        lead,
    )
    assert row is not None
    assert timedelta(seconds=85) < row["after"] < timedelta(seconds=95)
    assert await breaches(world, lead) == {"first_attempt": "own_work"}
    told = await notices(world, lead)
    assert told.count("rep: breach") == told.count("manager: breach") == 1


async def test_who_asks_for_a_call_is_rung_first_although_they_said_that_they_are_busy(world: World) -> None:
    callers: list[str] = []

    async def asks(lead: str) -> None:
        rep = await world.pool.fetchval(
            """update rep set presence = 'busy' where id = (select r.id from rep r, lead l where l.id = $1
                   and r.id is distinct from l.owner_id and not r.manager order by r.id limit 1) returning id""",
            lead,
        )
        callers.append(rep)
        await world.leads.update(lead, "call_now", {"by": "ops", "rep_id": rep})

    lead = await world.submit(tuesday_at(15), moments=(Moment("call-1", asks),), **ADA)
    await ended(world, lead)
    rows = await world.pool.fetch(
        """select g.rep_id from leg g join touch t on t.id = g.touch_id
           where t.lead_id = $1 and t.step = 'callback-1' and g.role = 'rep' order by g.claimed_at""",
        lead,
    )
    assert [row["rep_id"] for row in rows][:1] == callers
