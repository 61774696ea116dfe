"""Reads the file of our people's calendars on CalDAV servers. Errors name file, line and field, never a secret."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from speedlead.booking.rulebook import BookingError
from speedlead.checked_yaml import FileFault, parse, read_text
from speedlead.domain.plan import PlanData

_LOCAL = ("127.0.0.1", "localhost", "::1")


class Account(PlanData):
    """One rep's calendar: the address of the calendar itself, and what opens it. https, or this machine."""

    rep: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    url: str
    username: str = Field(min_length=1)
    password: SecretStr

    @field_validator("rep")
    @classmethod
    def _small(cls, value: str) -> str:
        return value.lower()

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
        if not safe or not parts.hostname or parts.username is not None or parts.query or parts.fragment:
            raise ValueError("expected the address of a calendar, https://…/, without a name and password in it")
        return value if value.endswith("/") else value + "/"


class AccountFile(PlanData):
    calendars: tuple[Account, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> "AccountFile":
        reps = [account.rep for account in self.calendars]
        if twice := sorted({rep for rep in reps if reps.count(rep) > 1}):
            raise ValueError(f"calendars: {', '.join(twice)}: stands twice; one calendar is written to for each")
        return self


def load_accounts(path: Path | None) -> dict[str, Account]:
    """By the rep's address; none without a file. Raises BookingError."""
    if path is None:
        return {}
    try:
        found = parse(AccountFile, read_text(path), str(path), whole="calendars")
    except FileFault as fault:
        raise BookingError(str(fault)) from None
    return {account.rep: account for account in found.calendars}
