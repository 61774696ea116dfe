"""From the environment to `Settings`, or one line for each mistake."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from speedlead.secret_files import SUFFIX, read_secret_files
from speedlead.settings.base import PREFIX, SettingsError
from speedlead.settings.table import extra, is_secret, secret_file_variables, variables
from speedlead.settings.whole import Settings


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings of `os.environ`, after refusing unknown names in `environment`. Raises SettingsError."""
    known = [*variables(), *secret_file_variables()]
    unknown = sorted(name for name in environment if name.upper().startswith(PREFIX) and name.upper() not in known)
    lines = [_unknown_line(name, known) for name in unknown]
    secrets = read_secret_files(environment, [name.removesuffix(SUFFIX) for name in secret_file_variables()])
    lines += secrets.mistakes
    try:
        settings = Settings(**{name.removeprefix(PREFIX).lower(): value for name, value in secrets.values.items()})  # type: ignore[arg-type]
    except ValidationError as error:
        # a default that is computed from a wrong value is not a mistake of its own
        lines += [_line(item) for item in error.errors() if item["type"] != "default_factory_not_called"]
    if lines:
        raise SettingsError(lines)
    for line in secrets.warnings:
        print(line, file=sys.stderr)
    return settings


def load_settings() -> Settings:
    """For a `main()`: the settings, or one line per mistake on stderr and exit code 2."""
    try:
        return read_settings(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


def _unknown_line(name: str, known: list[str]) -> str:
    import difflib  # only on this path

    near = difflib.get_close_matches(name.upper(), known, n=1)
    return f"{name}: unknown setting" + (f", did you mean {near[0]}?" if near else "; `speedlead settings` lists all")


def _line(item: Any) -> str:
    if not item["loc"]:
        return str(item["ctx"]["error"])
    name = str(item["loc"][0])
    name = name if name in Settings.model_fields else name.removeprefix(PREFIX).lower()
    field = Settings.model_fields[name]
    if item["type"] == "value_error":
        expected = str(item["ctx"]["error"])
    else:
        expected = extra(field, "expected") or item["msg"].removeprefix("Input should be ")
    got = "a value that is not shown" if is_secret(field) else repr(item["input"])
    return f"{PREFIX}{name.upper()}: expected {expected}, got {got}"
