"""Carries out what somebody asked of many leads on the page: begun at once, gone on with after a stop of the worker."""

from datetime import timedelta
from typing import Any

import asyncpg

from speedlead.chores.runner import Chore
from speedlead.ports import Clock
from speedlead.steering import AlreadyRunning, Leads, Steering
from speedlead.store import steering as rows

NAME = "steering"
# leads that did not answer are asked again that often
_EVERY = timedelta(seconds=30)


def steering_chore(pool: "asyncpg.Pool[Any]", leads: Leads, clock: Clock) -> Chore:
    steering = Steering(pool, leads, clock)

    async def round_() -> str | None:
        done = [text for run_id in await rows.in_background(pool) if (text := await _one(steering, run_id))]
        return "; ".join(done) or None

    return Chore(NAME, _EVERY, round_, wake=rows.CHANNEL)


async def _one(steering: Steering, run_id: str) -> str | None:
    try:
        run = await steering.carry_out(run_id)
    except AlreadyRunning:  # a command goes on with it
        return None
    return f"{run.action}: {run.done} of {run.total} done, {run.refused} refused"
