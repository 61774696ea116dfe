"""`speedlead demo`: two of its leads on servers of its own, the picture, and Ctrl-C."""

import io
import os
import signal
import sqlite3
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from speedlead.demo.picture import draw
from speedlead.demo.run import play_stories
from speedlead.demo.stories import BOOKS, OPTS_OUT
from speedlead.demo.timeline import print_timeline
from tests.servers import local_settings

SVG = "{http://www.w3.org/2000/svg}"


def processes(folder: Path) -> list[str]:
    """Command lines that name the folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


def touches_sent(folder: Path) -> int:
    """What the running demo's sandbox has taken so far."""
    try:
        [file] = folder.glob("speedlead-demo-*/sandbox.db")
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as book:
            return int(book.execute("select count(*) from message").fetchone()[0])
    except (ValueError, sqlite3.OperationalError):
        return 0  # there is no demo, or no book, yet


@pytest.mark.timeout(120)
async def test_two_leads_live_their_weeks_and_are_drawn(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    screen = Console(file=io.StringIO(), width=170)
    played = await play_stories((OPTS_OUT, BOOKS), local_settings(tmp_path), folder, screen)
    assert [one.lead.card.close_reason for one in played] == ["opted_out", "converted"]
    steps = [[entry.step for entry in one.entries if entry.kind == "sent"] for one in played]
    assert steps[0] == ["ack-1", "call-1", "call-2", "call-3", "email-1", "sms-1"]
    assert steps[1] == ["ack-1", "call-1", "call-2"]
    for one in played:
        print_timeline(screen, one)
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "A person calls you by 11:19 (Los Angeles time)." in text
    assert "The lead opted out" in text
    assert processes(folder) == []
    drawn = ElementTree.fromstring(draw(played))  # noqa: S314 (our own text)
    words = " ".join("".join(element.itertext()) for element in drawn.iter(f"{SVG}text"))
    for expected in ("Maya Cruz", "11:22 no answer", "11:54 opts out", "Owen Hughes", "15:17 spoke to the lead",
                     "15:32 meeting booked", "became a customer"):  # fmt: skip
        assert expected in words
    calls = [step for one in steps for step in one if step and step.startswith("call-")]
    legend = 2
    # each call has a mark on the strip and one in the list
    assert len(drawn.findall(f".//{SVG}circle")) == 2 * len(calls) + legend


@pytest.mark.timeout(90)
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "speedlead", "demo"]
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=output, stderr=output)
    deadline = time.monotonic() + 60
    while not touches_sent(tmp_path):
        assert process.poll() is None, (tmp_path / "output").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert any("start-dev" in command for command in processes(tmp_path))
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0, (tmp_path / "output").read_text()
    assert processes(tmp_path) == []
    assert list(tmp_path.glob("speedlead-demo-*")) == []
