"""What the rooms of settings are made of: the prefix, kinds of values with their checks, the error.

A check raises ValueError with what was expected; `reading` makes a line of it.
"""

import ipaddress
import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "SPEEDLEAD_"


class SettingsError(Exception):
    """The environment is wrong; `lines` has one clear sentence per mistake, never a secret value."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Room(BaseSettings):
    """The settings of one room; alone it is never made, `Settings` has all of them."""

    # built when it is first used: a room alone never is
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", populate_by_name=True, defer_build=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # no .env file is read, and files of secrets by `speedlead.secret_files`: theirs would only take time
        return init_settings, env_settings


def either(ours: str, theirs: str) -> AliasChoices:
    """Our name first, then the one that others' tools read as well."""
    return AliasChoices(PREFIX + ours, theirs)


def _absolute(value: Path) -> Path:
    # children may be started from another folder
    return Path(os.path.abspath(value.expanduser()))


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an address like https://leads.example.com")
    return value.rstrip("/")


def _listed(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _networks(items: list[str]) -> list[str]:
    for item in items:
        try:
            ipaddress.ip_network(item)
        except ValueError:
            raise ValueError("networks like 10.0.0.0/8, separated by commas") from None
    return items


def _reachable(items: list[str]) -> list[str]:
    from speedlead.hooks.address import parse_allowed

    parse_allowed(items)
    return items


def _e164(value: str) -> str:
    if not (value.startswith("+") and value[1:].isdigit() and 7 <= len(value[1:]) <= 15):
        raise ValueError("a number in E.164 form such as +14155552671")
    return value


Port = Annotated[int, Field(ge=1, le=65535, json_schema_extra={"expected": "a port number 1..65535"})]
Count = Annotated[int, Field(ge=1, json_schema_extra={"expected": "a whole number of at least 1"})]
Rate = Annotated[float, Field(gt=0, le=10_000, json_schema_extra={"expected": "a number above 0, at most 10000"})]
Switch = Annotated[bool, Field(json_schema_extra={"expected": "true or false"})]
# a file or a folder
Place = Annotated[Path, AfterValidator(_absolute)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Phone = Annotated[str, AfterValidator(_e164)]
# separated by commas
Names = Annotated[list[str], NoDecode, BeforeValidator(_listed)]
Networks = Annotated[Names, AfterValidator(_networks)]
Hosts = Annotated[Names, AfterValidator(_reachable)]
