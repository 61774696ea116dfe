"""The running product as others see it: one trace from form to provider, lines with ids, every figure that is used."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from speedlead.embedded.ports import free_ports
from tests.e2e.house import House, open_house
from tests.watch.collector import Collector, collecting
from tests.watch.names import metrics_that_are_used


@pytest_asyncio.fixture(scope="module")
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("watched")
    async with open_house(folder, otlp_endpoint=collector.url, watch_port=free_ports(1)[0]) as running:
        yield running


async def test_one_trace_leads_from_the_form_to_the_provider(house: House, collector: Collector) -> None:
    status, body, _ = await house.post("warm", name="Ludmilla Quince", message="Do not show this to anybody")
    assert status == 202
    lead_id = body["lead_id"]

    def trace_of_the_lead() -> bytes:
        starts = collector.named("StartWorkflow:LeadWorkflow")
        ours = [span for span in starts if f"lead-{lead_id}" in {v.value.string_value for v in span.attributes}]
        return ours[0].trace_id if ours else b""

    async def whole() -> bool:
        names = {span.name for span in collector.trace(trace_of_the_lead())}
        return {"POST /api/leads", "StartWorkflow:LeadWorkflow", "RunWorkflow:LeadWorkflow",
                "StartActivity:acknowledge", "RunActivity:acknowledge", "POST 127.0.0.1"} <= names  # fmt: skip

    await house.until("the whole trace", whole, 30)
    spans = collector.trace(trace_of_the_lead())
    by_id = {span.span_id: span for span in spans}

    def way(span: object) -> list[str]:
        names = []
        while span is not None:
            names.append(span.name)  # type: ignore[attr-defined]
            span = by_id.get(span.parent_span_id)  # type: ignore[attr-defined]
        return names

    # the mail to the provider, back to the request of the form
    assert ["POST 127.0.0.1", "RunActivity:acknowledge", "StartActivity:acknowledge", "StartWorkflow:LeadWorkflow",
            "POST /api/leads"] in [way(span) for span in spans]  # fmt: skip
    told = {value.value.string_value for span in spans for value in span.attributes}
    assert f"lead-{lead_id}" in told
    everything = b"".join(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw for raw in collector.raw)
    for private in (b"Ludmilla", b"Quince", b"person1@", b"+1212555", b"Do not show"):
        assert private not in everything


async def test_every_figure_of_dashboard_and_alerts_is_there(house: House) -> None:
    port = house.stack.settings.watch_port
    await house.submit("hot", "cold")

    async def scraped() -> str:
        async with house.http.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert answer.status == 200
            return await answer.text()

    text = await scraped()
    there = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    # what counts from its first event on
    for_now = {"speedlead_bugs_total", "speedlead_store_unavailable_total", "speedlead_webhooks_total",
               "temporal_workflow_task_execution_failed_total", "temporal_activity_execution_failed_total",
               "speedlead_inquiries_total"}  # fmt: skip
    used = metrics_that_are_used()
    assert len(used) > 25
    assert used - there - for_now == set()
    assert "person" not in text
    assert "+1212" not in text
    key = {"Authorization": f"Bearer {house.key}"}
    async with house.http.get(f"{house.url}/metrics", headers=key) as answer:
        assert 'speedlead_part_ready{part="worker"} 1.0' in await answer.text()
    async with house.http.get(f"http://127.0.0.1:{port}/readyz") as answer:
        assert (await answer.json())["parts"] == {
            "postgres": True, "temporal": True, "migrations": True, "worker": True,
        }  # fmt: skip


async def test_lines_about_a_lead_name_it_and_its_trace(house: House) -> None:
    await house.faults(email={"429": 1})
    try:
        [lead] = await house.submit("cold")
        log = house.stack.data_dir / "logs" / "app.log"

        async def refused() -> list[dict[str, object]]:
            await asyncio.sleep(0)
            lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
            return [line for line in lines if line["event"].startswith("send refused") and line.get("lead_id") == lead]

        [line, *_] = await house.until("a line of a refused mail", refused, 30)
    finally:
        await house.faults()
    assert str(line["touch_id"]).startswith(f"{lead}.ack-1")
    assert line["activity"] == "acknowledge"
    assert len(str(line["trace_id"])) == 32
