"""Plays a week under an older release of the zone data and stores its histories, to be replayed under the pinned one.

    .venv/bin/pip install --no-deps --target /tmp/tzdata-2026d tzdata==2026.4
    PYTHONPATH=/tmp/tzdata-2026d .venv/bin/python -m tests.replay.record_older_zones

Manitoba keeps -05:00 all year from 2026e on; by 2026d a Winnipeg winter is -06:00, so that every local hour of a lead
there is another instant. Record again when `make record-histories` is due, with the same release.
"""

import os
import zoneinfo

os.environ["PYTHONTZPATH"] = ""
zoneinfo.reset_tzpath(to=())

import asyncio  # noqa: E402
import logging  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from datetime import UTC, datetime, time, timedelta  # noqa: E402
from pathlib import Path  # noqa: E402

from temporalio.worker import Worker  # noqa: E402

from speedlead.closures import HolidayClosures  # noqa: E402
from speedlead.demo.play import play  # noqa: E402
from speedlead.demo.stories import CONSENT, TUE, Story, instant, quiet_tuesday  # noqa: E402
from speedlead.demo.world import open_world  # noqa: E402
from speedlead.ids import workflow_id  # noqa: E402
from speedlead.tzdata_version import assert_wheel  # noqa: E402
from tests.replay.local_time import ReadsLocalTime, call  # noqa: E402
from tests.replay.record import write_history  # noqa: E402
from tests.servers import databases, local_settings, skipping_temporal  # noqa: E402

OLDER = "2026d"
FOLDER = Path(__file__).parent / "older_zones"
ZONE = "America/Winnipeg"
WINNIPEG = Story(
    "winnipeg",
    "Hot, late in the evening, never answers",
    ZONE,
    TUE,
    time(22, 30),
    {"name": "Gabrielle Roy", "email": "gabrielle.roy@example.com", "phone": "+12045550123", "country": "CA",
     "region": "MB", "tz": ZONE, "intent": "demo_request", "message": "Can you show me how it works?", **CONSENT},
)  # fmt: skip


async def record() -> list[Path]:
    now = datetime.now(UTC)
    # only in winter do the two releases differ
    january = datetime(now.year + 1, 1, 8, tzinfo=UTC)
    tuesday = quiet_tuesday(january, HolidayClosures())
    with tempfile.TemporaryDirectory() as name:
        settings = local_settings(
            Path(name) / "data", callbacks="before", virtual_clock=True, company_phone="+14155550100"
        )
        async with (
            databases(Path(name) / "postgres") as made,
            made.fresh() as database_url,
            skipping_temporal() as temporal,
        ):
            async with open_world(settings, database_url, temporal.client) as world:
                [played] = await play(world, (WINNIPEG,), tuesday)
                lead = temporal.client.get_workflow_handle(workflow_id(played.lead.card.lead_id))
                week = await write_history(lead, FOLDER / "winnipeg.json")
            begins = instant(tuesday, time(6, 30), ZONE)
            async with Worker(temporal.client, task_queue="local", workflows=[ReadsLocalTime], activities=[call]):
                handle = await temporal.client.start_workflow(
                    ReadsLocalTime.run, ZONE, id="local", task_queue="local",
                    start_delay=max(timedelta(0), begins - datetime.now(UTC)),
                )  # fmt: skip
                await handle.result()
                return [week, await write_history(handle, FOLDER / "reads_local_time.json")]


def main() -> None:
    if assert_wheel() != OLDER:
        sys.exit(f"tzdata {assert_wheel()} is in use, {OLDER} is needed: see the top of this file")
    logging.disable(logging.WARNING)
    for file in asyncio.run(record()):
        sys.stdout.write(f"{file.name}: {file.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main()
