"""Processes of an earlier Postgres that still work in its data folder: after a killed supervisor or postmaster.

Postgres's own check of `postmaster.pid` trusts any live process id, also a zombie's or a stranger's, and would refuse
to start. We hold the lock of the data folder, so whoever still has it as working folder is a leftover.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

FAST_S = 5.0


def clear(cluster: Path) -> None:
    """Stop leftovers in `cluster`, then remove its stale `postmaster.pid`. Blocks for at most some ten seconds."""
    if not Path("/proc/self").exists():
        return  # no way to tell; Postgres's own check decides
    pid_file = cluster / "postmaster.pid"
    postmaster = _recorded(pid_file)
    if postmaster is not None and postmaster in working_in(cluster):
        _end([postmaster], cluster, signal.SIGINT)
    _end(working_in(cluster), cluster, signal.SIGTERM)
    pid_file.unlink(missing_ok=True)


def working_in(folder: Path) -> list[int]:
    """Ids of live processes whose working folder is `folder`; zombies have none."""
    found: list[int] = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                if os.readlink(f"/proc/{entry.name}/cwd") == str(folder):
                    found.append(int(entry.name))
    return found


def _recorded(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _end(pids: list[int], cluster: Path, number: signal.Signals) -> None:
    """Signal, wait, and kill what does not go: without a postmaster nothing of theirs can reach the disk any more."""
    for step in (number, signal.SIGKILL):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, step)
        deadline = time.monotonic() + FAST_S
        while time.monotonic() < deadline:
            alive = set(working_in(cluster))
            pids = [pid for pid in pids if pid in alive]
            if not pids:
                return
            time.sleep(0.02)
