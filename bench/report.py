"""The table on the screen and the same as JSON, with the machine it was measured on."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.result import Result
from speedlead.embedded.postgres_files import find_programs
from speedlead.embedded.temporal_server import find_program

PACKAGES = ("temporalio", "pydantic", "asyncpg", "fastapi", "uvicorn", "aiohttp", "tzdata", "holidays")


def machine() -> dict[str, object]:
    """What the figures depend on, without names of people or hosts."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "temporal": _first_line([str(find_program()), "--version"]),
        "postgres": _first_line([str(find_programs() / "postgres"), "--version"]),
    }


def show(console: Console, results: dict[str, Result], about: dict[str, object], loads: dict[str, list[float]]) -> None:
    table = Table(title="speedlead, measured against the least that the same machine can do", title_justify="left")
    table.add_column("row")
    table.add_column("what", overflow="fold")
    for name in ("speedlead", "floor", "ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("aim", no_wrap=True)
    table.add_column("met", no_wrap=True)
    for result in results.values():
        for line in result.lines:
            table.add_row(
                line.row, line.what, _number(line.value, line.unit),
                "" if line.floor is None else _number(line.floor, line.unit),
                "" if line.ratio is None else f"{line.ratio:.2f}", line.aim,
                {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[line.met],
            )  # fmt: skip
        table.add_section()
    console.print(table)
    for note in dict.fromkeys(note for result in results.values() for note in result.notes):
        console.print(note, soft_wrap=True)
    if "a" in results:
        _phases(console, "where the time of an acknowledgement goes", results["a"].details["where_the_time_goes"])
        _phases(console, "and of the floor", results["a"].details["where_the_floor_goes"])
    packages = about["packages"]
    assert isinstance(packages, dict)
    console.print(
        f"{about['processor']}, {about['cores']} cores, {about['system']}, Python {about['python']}, "
        f"{about['temporal']}, {about['postgres']}, "
        + ", ".join(f"{name} {number}" for name, number in packages.items()),
        soft_wrap=True,
    )
    console.print(
        "load average (1 min) before and after: "
        + ", ".join(f"{row} {before:.1f} -> {after:.1f}" for row, (before, after) in loads.items()),
        soft_wrap=True,
    )


def _phases(console: Console, title: str, phases: Any) -> None:
    console.print(f"{title} (p50, p90 in ms):")
    for phase in phases:
        console.print(f"   {phase['p50_ms']:7.1f} {phase['p90_ms']:7.1f}  {phase['phase']}", soft_wrap=True)


def write(file: Path, results: dict[str, Result], about: dict[str, object], loads: dict[str, list[float]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    whole = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": about,
        "rows": {
            row: {
                "lines": [line.__dict__ | {"ratio": line.ratio} for line in result.lines],
                "notes": result.notes, "details": result.details, "load_average_before_after": loads[row],
            }
            for row, result in results.items()
        },
    }  # fmt: skip
    file.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _number(value: float, unit: str) -> str:
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _first_line(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[0]
