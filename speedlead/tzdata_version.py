"""Which release of the zone database is in use, and that it is the pinned wheel and not the system's files.

`zoneinfo` prefers /usr/share/zoneinfo over the wheel, and a system that is a few months old gives wrong times (British
Columbia, Alberta, Manitoba and others changed their law in 2026). `PYTHONTZPATH=""` or `zoneinfo.reset_tzpath(to=())`
at the start of the process makes the wheel the only source; nothing here changes the process, it only looks.
"""

import re
import zoneinfo
from datetime import UTC, datetime
from functools import lru_cache
from importlib import import_module
from importlib.resources import files
from typing import Any

_IANA = re.compile(r"(\d{4})(z*[a-z])")
_WHEEL = re.compile(r"(\d{4})\.(\d+)(?:\.post\d+)?")


class OlderData(Exception):
    """This process would decide by older zone rules than those that touches of this database were placed by."""

    def __init__(self, installed: str, recorded: str) -> None:
        year, number = order(recorded)
        super().__init__(
            f"tzdata {installed} is older than {recorded}, by which touches of this database have been placed: install "
            f"tzdata {year}.{number} or newer (make install of the newest version, or its image), then start again"
        )


def order(name: str) -> tuple[int, int]:
    """(year, number in the year) of a release named by IANA ('2026f', after 'z' 'za') or as a wheel ('2026.6').

    Raises ValueError for anything else.
    """
    if iana := _IANA.fullmatch(name):
        return int(iana[1]), 26 * (len(iana[2]) - 1) + ord(iana[2][-1]) - ord("a") + 1
    if wheel := _WHEEL.fullmatch(name):
        return int(wheel[1]), int(wheel[2])
    raise ValueError(f"tzdata release {name!r}: expected a name such as 2026f or 2026.6")


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
