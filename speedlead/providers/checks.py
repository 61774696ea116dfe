"""What a check of a provider's account says, and the two ways in which asking can fail."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["ok", "info", "warn", "wrong"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, how it is, what was found; `mend`: the setting or page where it is put right."""

    what: str
    level: Level
    detail: str
    mend: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


class Refused(Exception):
    """The provider answered, but not with what was asked for. `status` is the HTTP status."""

    def __init__(self, status: int, code: int | None = None) -> None:
        super().__init__(f"HTTP {status}" + (f", code {code}" if code and code != status else ""))
        self.status = status


class Silent(Exception):
    """No answer in time, or none that can be read; asking on is of no use."""


async def unless_refused(check: Callable[[], Awaitable[list[Check]]], what: str, mend: str) -> list[Check]:
    """The check's lines; one warning instead when these credentials may not look it up (an account that has less)."""
    try:
        return await check()
    except Refused as refused:
        return [Check(what, "warn", f"cannot be looked up with these credentials ({refused})", mend)]


def same_address(what: str, expected: str, found: str | None, mend: str) -> Check:
    """A webhook address has to be exact: signatures are computed over it."""
    if found == expected:
        return Check(what, "ok", expected)
    return Check(what, "wrong", f"expected {expected}, found {found or 'nothing'}", mend)
