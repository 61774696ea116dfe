"""Which release of the zone database is in use, and that it is the pinned wheel and not the system's files.

`zoneinfo` prefers /usr/share/zoneinfo over the wheel, and a system that is a few months old gives wrong times (British
Columbia, Alberta, Manitoba and others changed their law in 2026). `PYTHONTZPATH=""` or `zoneinfo.reset_tzpath(to=())`
at the start of the process makes the wheel the only source; nothing here changes the process, it only looks.
"""

import zoneinfo
from datetime import UTC, datetime
from functools import lru_cache
from importlib import import_module
from importlib.resources import files
from typing import Any


@lru_cache(maxsize=1)
def release() -> str:
    """IANA release of the tzdata wheel, such as '2026f'. Raises ModuleNotFoundError when the wheel is not installed."""
    return str(import_module("tzdata").IANA_VERSION)


def assert_wheel() -> str:
    """The release in use. Raises RuntimeError, with what to do, unless `zoneinfo` reads the tzdata wheel."""
    if zoneinfo.TZPATH:
        raise RuntimeError(
            f"zoneinfo reads {zoneinfo.TZPATH[0]} instead of the pinned tzdata wheel: set PYTHONTZPATH='' "
            "or call zoneinfo.reset_tzpath(to=()) first thing at start"
        )
    # A zone cached from the system's files before the path was reset would still be answered: compare one with the
    # wheel.
    name = "America/Vancouver"
    with zone_file(name).open("rb") as file:
        from_wheel = zoneinfo.ZoneInfo.from_file(file, key=name)
    probe = datetime(2026, 12, 1, 12, tzinfo=UTC)
    if probe.astimezone(zoneinfo.ZoneInfo(name)).utcoffset() != probe.astimezone(from_wheel).utcoffset():
        raise RuntimeError(f"{name} was read before the tzdata wheel was chosen: restart with PYTHONTZPATH=''")
    return release()


def zone_file(name: str) -> Any:
    """A file of the wheel's zoneinfo folder (`zone.tab`, `Europe/Berlin`), as an importlib resource."""
    return files("tzdata").joinpath("zoneinfo", *name.split("/"))
