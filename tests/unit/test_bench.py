"""The parts of the bench that can be wrong without anybody noticing."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

from rich.console import Console

from bench.cost import actions_in
from bench.night import NightLeads
from bench.report import show, write
from bench.result import Line, Result, quantile
from speedlead.intake import Rules, read_inquiry

METRICS = """# TYPE action counter
action{action_type="command_StartTimer",namespace="default",service_name="history"} 3
action{action_type="command_StartTimer",namespace="other",service_name="history"} 1
action{action_type="grpc_StartWorkflowExecution",namespace="default"} 1e+00
activity_end_to_end_latency{action_type="no"} 7
"""


def test_there_is_a_place_where_it_is_night_at_any_hour_of_the_year() -> None:
    for hour in range(0, 365 * 24, 7):
        leads = NightLeads(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour))
        read_inquiry(leads.form(), Rules(intents=("demo_request",)))


def test_people_of_a_run_are_all_different() -> None:
    leads = NightLeads()
    forms = [leads.form() for _ in range(3000)]
    assert len({form["email"] for form in forms}) == len({form["phone"] for form in forms}) == 3000
    for form in forms[::97]:
        read_inquiry(form, Rules(intents=("demo_request",)))


def test_the_last_of_few_samples_is_their_p99() -> None:
    assert quantile([3, 1, 2], 0.99) == 3
    assert quantile([3, 1, 2], 0.5) == 2
    assert quantile(range(1000), 0.99) == 990


def test_actions_are_read_from_the_servers_counter_alone() -> None:
    assert actions_in(METRICS) == {"command_StartTimer": 4, "grpc_StartWorkflowExecution": 1}


def test_a_row_without_a_floor_is_shown_and_written(tmp_path: Path) -> None:
    results = {"c": Result([Line("c", "one", "ms", 1.5), Line("c", "two", "", 6, 3, "≤ 2", False)], ["a note"])}
    console = Console(width=120, record=True, file=StringIO())
    about = {
        "packages": {},
        "processor": "p",
        "cores": 2,
        "system": "s",
        "python": "3",
        "temporal": "t",
        "postgres": "p",
    }
    show(console, results, about, {"c": [0.1, 0.2]})
    write(tmp_path / "out" / "bench.json", results, about, {"c": [0.1, 0.2]})
    text = console.export_text()
    assert "1.50 ms" in text
    assert "2.00" in text
    assert "a note" in text
    assert '"ratio": 2.0' in (tmp_path / "out" / "bench.json").read_text()
