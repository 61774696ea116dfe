"""Row d: what an open lead costs in memory, and whether two thousand of them slow the next one down."""

import asyncio
import os
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.bare import bare_worker
from bench.house import House, open_house
from bench.result import Line, Report, Result, quantile, spread
from bench.speed import paced
from speedlead.cadence_client import CadenceClient
from speedlead.embedded.ports import free_ports
from speedlead.embedded.temporal_server import TemporalServer
from speedlead.temporal import connect

AT_A_TIME = 16
ASK_WITHIN_MS = 1000.0


async def measure(report: Report, *, quick: bool) -> Result:
    number, probe_s = (60, 2.0) if quick else (2000, 8.0)
    result = Result()
    floor_kb = await _floor(report, number)
    async with open_house() as house:
        await house.warm_up(20)
        await asyncio.sleep(2)
        before, empty_ms = await _rss(house), await paced(house, house.post, probe_s)
        since = datetime.now(UTC)
        for n in range(0, number, 100):
            report(f"{n} of {number} leads are open", 0.3 + 0.5 * n / number)
            await asyncio.gather(*[_few(house, min(100, number - n) // AT_A_TIME + 1) for _ in range(AT_A_TIME)])
        await house.settled(since, 600)
        await asyncio.sleep(2)
        after = await _rss(house)
        made = int(await house.pool.fetchval("select count(*) from lead where closed_at is null"))
        opened = int(await house.pool.fetchval("select count(*) from lead where created_wall >= $1", since))
        report("asking and posting with all of them open", 0.85)
        full_ms = await paced(house, house.post, probe_s)
        asked_ms = await _asked(house, 20 if quick else 200)
        result.notes.append(house.leads.note)
    per_lead = {part: (after[part] - before[part]) / opened for part in before}
    result.lines = [
        Line("d", f"worker's memory per open lead, at {made:,}", "kB", per_lead["app"], floor_kb["worker"]),
        Line("d", "Temporal server's memory per open lead", "kB", per_lead["temporal"], floor_kb["temporal"]),
        Line("d", f"form to provider with {made:,} open, p50", "ms", quantile(full_ms, 0.5), quantile(empty_ms, 0.5)),
        Line("d", f"answer of an open lead to a query with {made:,} open, p99", "ms", quantile(asked_ms, 0.99), None,
             f"< {ASK_WITHIN_MS:.0f} ms", quantile(asked_ms, 0.99) < ASK_WITHIN_MS),
    ]  # fmt: skip
    result.details = {
        "open_leads": made, "rss_kb_before": before, "rss_kb_after": after, "per_lead_kb": per_lead,
        "floor_per_workflow_kb": floor_kb, "form_to_provider_ms_before": spread(empty_ms),
        "form_to_provider_ms_after": spread(full_ms), "query_ms": spread(asked_ms),
    }  # fmt: skip
    result.notes.append(
        f"d: resident memory; app {before['app'] / 1024:.0f} -> {after['app'] / 1024:.0f} MB (gateway and worker, at "
        f"most 2,000 workflows cached), Temporal {before['temporal'] / 1024:.0f} -> {after['temporal'] / 1024:.0f} MB. "
        f"Floor of the memory: {number:,} bare open workflows in a worker and a server of their own. Floor of the "
        "speed: the same forms before those leads came."
    )
    return result


async def _few(house: House, number: int) -> None:
    for _ in range(number):
        await house.post(api=True)


async def _asked(house: House, number: int) -> list[float]:
    """Milliseconds until leads all over the set say how they are: many have left the worker's cache."""
    leads = CadenceClient(house.client)
    rows = await house.pool.fetch("select id::text as id from lead order by random() limit $1", number)
    found = []
    for row in rows:
        began = time.perf_counter()
        await leads.status(row["id"])
        found.append((time.perf_counter() - began) * 1000)
    return found


async def _floor(report: Report, number: int) -> dict[str, float]:
    """kB per bare open workflow: in this process, which is their worker, and in a server of their own."""
    report("bare open workflows", 0.0)
    with tempfile.TemporaryDirectory(prefix="speedlead-bench-", ignore_cleanup_errors=True) as folder:
        port, ui = free_ports(2)
        server = TemporalServer(Path(folder), port=port, ui_port=ui)
        await server.start()
        assert server.child is not None
        try:
            async with bare_worker(await connect(server.address)) as bare:
                for n in range(20):
                    await bare.wait_open(f"warm-{n}")
                await asyncio.sleep(2)
                before = rss_kb(0), rss_kb(server.child.pid)
                for n in range(0, number, AT_A_TIME):
                    report(f"{n} of {number} bare workflows are open", 0.3 * n / number)
                    await asyncio.gather(*[bare.wait_open(f"open-{n + k}") for k in range(min(AT_A_TIME, number - n))])
                await asyncio.sleep(3)
                after = rss_kb(0), rss_kb(server.child.pid)
        finally:
            await server.stop()
    return {"worker": (after[0] - before[0]) / number, "temporal": (after[1] - before[1]) / number}


async def _rss(house: House) -> dict[str, float]:
    return {part: rss_kb(house.stack.pid(part)) for part in ("app", "temporal")}


def rss_kb(pid: int) -> float:
    """Resident memory of a process of this machine; 0 is this one."""
    asked = ["ps", "-o", "rss=", "-p", str(pid or os.getpid())]
    return float(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
