"""Acts again on webhooks that were kept and not done: those that failed, and those that somebody asked to repeat.

Any number of gateways may do so at once. What was done before is known by its own key and changes nothing.
"""

import asyncio
from datetime import timedelta

import asyncpg

from speedlead.gateway import mapped_door, webhooks_booking, webhooks_sendgrid, webhooks_twilio
from speedlead.gateway.context import Context, log
from speedlead.gateway.inbound_calls import end_forgotten
from speedlead.gateway.webhooks import LEASE, AsOf, Reader, Unreadable, count, finish, settle
from speedlead.store import webhooks as store
from speedlead.store.transactions import StoreUnavailable, transact
from speedlead.store.webhooks import Received, Waiting

POLL_S = 1.0
LONGEST_POLL_S = 15.0
PURGE_EVERY_S = 3600.0
CALLS_EVERY_S = 60.0
# what nobody looked after until then is deleted as well: it holds personal data
UNDONE_DAYS = 30


async def run_replay(context: Context) -> None:
    """Until cancelled. Survives the loss of Postgres."""
    loop = asyncio.get_running_loop()
    pause, purged, looked = POLL_S, -PURGE_EVERY_S, -CALLS_EVERY_S
    while True:
        try:
            while await replay_next(context):
                pass
            if loop.time() - purged >= PURGE_EVERY_S:
                await purge(context)
                purged = loop.time()
            if loop.time() - looked >= CALLS_EVERY_S:
                await end_forgotten(context)
                looked = loop.time()
            pause = POLL_S
        except (StoreUnavailable, asyncpg.PostgresError) as error:
            log.warning("webhook replay waits", error=type(error).__name__)
            pause = min(pause * 2, LONGEST_POLL_S)
        await asyncio.sleep(pause)


async def replay_next(context: Context) -> bool:
    """Takes one that is due and acts on it. False when none is due."""
    wall = context.deps.clock.wall()
    waiting = await transact(context.deps.pool, lambda conn: store.next_waiting(conn, wall, LEASE))
    if waiting is not None:
        await _replay(context, waiting)
    return waiting is not None


async def _replay(context: Context, waiting: Waiting) -> None:
    received = waiting.received
    clock = AsOf(context.deps.clock, received.received_wall)
    read = reader_of(received)
    if read is None:
        # a question of a call, or a path that this version does not know
        await _give_up(context, waiting, "never acted on again")
        return
    try:
        job = await read(context, received, clock)
    except Unreadable as error:
        await _give_up(context, waiting, str(error))
        return
    except Exception as error:
        context.counters.add("bugs")
        log.error("webhook failed again", webhook_id=waiting.id, path=received.path, error=type(error).__name__)
        await settle(context, waiting.id, received, waiting.tries, type(error).__name__)
        return
    if await finish(context, waiting.id, received, job.acts, tries=waiting.tries):
        count(context, received.provider, "replayed")


async def _give_up(context: Context, waiting: Waiting, reason: str) -> None:
    await transact(context.deps.pool, lambda conn: store.settle(conn, waiting.id, "failed", reason=reason))


def reader_of(received: Received) -> Reader | None:
    if received.provider == "mapping":
        return mapped_door.read
    rooms = {
        "twilio": webhooks_twilio.READERS,
        "sendgrid": webhooks_sendgrid.READERS,
        **{source: {webhooks_booking.PATH: read} for source, read in webhooks_booking.READERS.items()},
    }
    return rooms[received.provider].get(received.path)


async def purge(context: Context) -> int:
    """Deletes what is older than the settings allow; how many."""
    wall, days = context.deps.clock.wall(), context.deps.settings.webhook_keep_days
    done_before, others_before = wall - timedelta(days=days), wall - timedelta(days=max(days, UNDONE_DAYS))
    return await transact(context.deps.pool, lambda conn: store.purge(conn, done_before, others_before))
