"""Figures of the house against rows that are known."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry, generate_latest

from speedlead.ids import new_id
from speedlead.planbook import load_plan
from speedlead.store.figures import FIGURES, read_figures
from speedlead.store.plans import PlanStore
from speedlead.store.pool import open_pool
from speedlead.watch.house import House

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


class Clock:
    now = NOW

    def wall(self) -> datetime:
        return self.now

    def business(self, offset_us: int) -> datetime:
        return self.now + timedelta(microseconds=offset_us)


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator["asyncpg.Pool[Any]"]:
    opened = await open_pool(database_url, size=4)
    await PlanStore(opened).publish(load_plan())
    yield opened
    await opened.close()


async def lead(pool: Any, age_s: float, acknowledged_after_s: float | None = None, **columns: object) -> str:
    lead_id, person, at = new_id(), new_id(), NOW - timedelta(seconds=age_s)
    plan = load_plan()
    await pool.execute("insert into person (id, created_at) values ($1, $2)", person, at)
    row: dict[str, object] = {
        "id": lead_id, "person_id": person, "form_key": "demo", "lead_type": "hot", "intent": "demo_request",
        "source": "website", "plan_id": plan.id, "plan_version": plan.version, "created_at": at, "created_wall": at,
        "acknowledged_at": None if acknowledged_after_s is None else at + timedelta(seconds=acknowledged_after_s),
    } | columns  # fmt: skip
    marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await pool.execute(f"insert into lead ({', '.join(row)}) values ({marks})", *row.values())
    return lead_id


async def figures(pool: Any) -> dict[str, dict[tuple[str, ...], float]]:
    found, failed = await read_figures(pool, NOW)
    assert failed == 0
    return {name: dict(rows) for name, rows in found.items()}


async def test_an_empty_house_has_figures_and_none_fails(pool: Any) -> None:
    found = await figures(pool)
    assert set(found) == {figure.name for figure in FIGURES}
    assert found["messages_oldest_seconds"] == {(): 0}
    assert found["unacknowledged_oldest_seconds"] == {(): 0}
    assert found["leads_open"] == {}


async def test_what_waits_what_is_late_and_what_is_in_doubt(pool: Any) -> None:
    waiting = await lead(pool, 45)
    late = await lead(pool, 7200, 0.2, first_attempt_due=NOW - timedelta(minutes=10))
    await lead(pool, 7200, 0.2, first_attempt_due=NOW - timedelta(minutes=10),
               first_attempt_at=NOW - timedelta(minutes=11), next_why="next_step")  # fmt: skip
    await lead(pool, 600, source="flow_check")
    await pool.execute(
        "insert into message (id, lead_id, kind, payload, created_wall) values ($1, $2, 'start', '{}', $3)",
        new_id(), waiting, NOW - timedelta(seconds=44),
    )  # fmt: skip
    await pool.execute(
        """insert into touch (id, lead_id, person_id, step, channel, purpose, state, claimed_wall, reason)
           select $1::text || t.step, $1::uuid, person_id, t.step, t.channel, 'plan', t.state, t.at, t.reason
           from lead, (values ('a', 'email', 'in_doubt', $2::timestamptz, null), ('b', 'sms', 'in_doubt',
               $2 - interval '2 days', null), ('c', 'call', 'deferred', $2, 'quiet_hours'))
               t (step, channel, state, at, reason) where id = $1::uuid""",
        late, NOW - timedelta(hours=1),
    )  # fmt: skip
    found = await figures(pool)
    assert found["leads_open"] == {("hot",): 3}
    assert found["unacknowledged_oldest_seconds"] == {(): 45}
    assert found["leads_without_what_next"] == {(): 1}
    assert found["first_attempts_hour"] == {("late",): 1, ("in_time",): 1}
    assert found["messages_undelivered"] == {(): 1}
    assert found["messages_oldest_seconds"] == {(): 44}
    assert found["touches_in_doubt"] == {("email",): 1}
    assert found["touches_deferred"] == {("quiet_hours",): 1}


async def test_a_figure_that_fails_takes_no_other_along(pool: Any) -> None:
    await pool.execute("alter table limbo rename to limbo_away")
    found, failed = await read_figures(pool, NOW)
    assert failed == 1
    assert set(found) == {figure.name for figure in FIGURES} - {"leads_in_limbo"}


async def test_acknowledgements_count_once_and_those_that_are_missing_too(pool: Any, tmp_path: Path) -> None:
    clock, registry = Clock(), CollectorRegistry()
    clock.now = NOW - timedelta(minutes=5)
    house = House(pool, clock, tmp_path)
    house.register(registry)
    clock.now = NOW
    await lead(pool, 90, 0.2)
    await lead(pool, 90, 12)
    await lead(pool, 90)
    await lead(pool, 30, 0.2)  # too young to be judged
    nobody = await lead(pool, 90)
    await pool.execute(
        """insert into touch (id, lead_id, person_id, step, channel, purpose, state)
           select $1::text || '.ack-1', $1::uuid, person_id, 'ack-1', 'email', 'acknowledgement', 'skipped'
           from lead where id = $1::uuid""", nobody)  # fmt: skip
    for _ in range(2):
        await house.refresh()
        clock.now += timedelta(seconds=15)
    text = generate_latest(registry).decode()

    def bucket(le: str) -> float:
        [line] = [one for one in text.splitlines() if f'le="{le}",type="hot"' in one]
        return float(line.split()[-1])

    assert (bucket("0.1"), bucket("0.25"), bucket("10.0"), bucket("20.0"), bucket("+Inf")) == (0, 1, 1, 2, 3)


async def put_off(pool: Any, lead_id: str, state: str, next_at: datetime | None, until: datetime | None) -> None:
    """As the gate does it; `until` stays when the touch is claimed."""
    await pool.execute(
        """insert into touch (id, lead_id, person_id, step, channel, purpose, state, next_at, put_off_to)
           select $1::text || '.ack-1', $1::uuid, person_id, 'ack-1', 'sms', 'acknowledgement', $2, $3, $4
           from lead where id = $1::uuid""", lead_id, state, next_at, until)  # fmt: skip


async def test_a_quiet_hour_is_no_late_acknowledgement(pool: Any, tmp_path: Path) -> None:
    """A number in Hawaii at night, with the text that it asked for."""
    hours = NOW + timedelta(hours=5)
    clock, registry = Clock(), CollectorRegistry()
    clock.now = NOW - timedelta(minutes=5)
    house = House(pool, clock, tmp_path)
    house.register(registry)
    clock.now = NOW
    await put_off(pool, await lead(pool, 90), "deferred", hours, hours)
    await house.refresh()
    assert 'speedlead_acknowledgement_seconds_count{type="hot"} 0.0' in generate_latest(registry).decode()
    assert (await figures(pool))["unacknowledged_oldest_seconds"] == {(): 0}
    # the morning: 20 s in which nobody claimed it, and 40 s since another's hour came and a provider has it
    await put_off(pool, await lead(pool, 18_000), "deferred", NOW - timedelta(seconds=20),
                  NOW - timedelta(seconds=20))  # fmt: skip
    assert (await figures(pool))["unacknowledged_oldest_seconds"] == {(): 20}
    await put_off(pool, await lead(pool, 18_000), "claimed", None, NOW - timedelta(seconds=40))
    assert (await figures(pool))["unacknowledged_oldest_seconds"] == {(): 40}


async def test_a_provider_that_does_not_confirm_puts_nothing_off(pool: Any) -> None:
    await put_off(pool, await lead(pool, 75), "deferred", NOW, None)
    assert (await figures(pool))["unacknowledged_oldest_seconds"] == {(): 75}


async def test_what_nobody_runs_any_more_raises_no_alarm(pool: Any) -> None:
    old = NOW - timedelta(hours=9)
    for name, due in (("audit.weekly", NOW - timedelta(minutes=6)), ("flow.check", None), ("renamed", None)):
        await pool.execute(
            """insert into chore (name, started_wall, ended_wall, succeeded_wall, next_wall, failures_in_a_row)
               values ($1, $2, $2, $2, $3, 4)""", name, old, due)  # fmt: skip
    await pool.execute("insert into flow_check (at_wall, ok, form_ms) values ($1, false, 288)", old)
    found = await figures(pool)
    assert found["chore_overdue_seconds"] == {("audit.weekly",): 360}
    assert found["chore_failures_in_a_row"] == {("audit.weekly",): 4}
    assert set(found["chore_success_age_seconds"]) == {("audit.weekly",)}
    assert [found[f"flow_check_{name}"] for name in ("ok", "age_seconds", "seconds")] == [{}, {}, {}]
    await pool.execute("update chore set next_wall = $1 where name = 'flow.check'", NOW)
    found = await figures(pool)
    assert (found["flow_check_ok"], found["flow_check_age_seconds"]) == ({(): 0}, {(): 9 * 3600})


async def test_a_database_that_is_away_is_said_and_old_figures_are_dropped(pool: Any, tmp_path: Path) -> None:
    registry = CollectorRegistry()
    house = House(pool, Clock(), tmp_path)
    house.register(registry)
    await lead(pool, 90, 0.2)
    await house.refresh()
    assert 'speedlead_leads_open{type="hot"} 1.0' in generate_latest(registry).decode()
    house.is_away()
    text = generate_latest(registry).decode()
    assert "speedlead_database_up 0.0" in text
    assert "speedlead_leads_open{" not in text


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_labels_are_codes(figure: Any) -> None:
    assert set(figure.labels) <= {
        "type",
        "reason",
        "target",
        "met",
        "channel",
        "audience",
        "kind",
        "state",
        "chore",
        "stage",
    }
