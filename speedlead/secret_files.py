"""Secrets by file: where `SPEEDLEAD_X` holds a secret, `SPEEDLEAD_X_FILE` may name a file that holds it instead.

That is how Docker, Kubernetes and systemd hand secrets over: what stands in the environment is inherited by every child
and shown by `docker inspect`.
"""

import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SUFFIX = "_FILE"
_LONGEST = 16_384
# a container has nobody but its own user; there files keep the mode that they have outside
CONTAINER = "/run/secrets"


@dataclass
class SecretFiles:
    """`values`: variable -> secret; `mistakes` and `warnings` are whole lines and name file and variable."""

    values: dict[str, str] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_secret_files(environment: Mapping[str, str], secret: Collection[str]) -> SecretFiles:
    """`secret`: the variables that hold a secret. An empty `_FILE` is no value, like every empty variable."""
    found = SecretFiles()
    given = {name.upper(): value for name, value in environment.items() if value}
    for variable in secret:
        name = variable + SUFFIX
        if name not in given:
            continue
        if variable in given:
            found.mistakes.append(f"{name}: expected no value beside {variable}")
            continue
        path = Path(given[name]).expanduser()
        try:
            found.values[variable] = read_secret_file(path)
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError as error:
            found.mistakes.append(f"{name}: expected a file that can be read, got {path}: {error.strerror}")
        except ValueError as error:
            found.mistakes.append(f"{name}: expected {error} in {path}")
        else:
            if mode & stat.S_IRWXO and not path.is_relative_to(CONTAINER):
                found.warnings.append(f"{name}: {path} is open to everybody (mode {mode:04o}); run: chmod o= '{path}'")
    return found


def read_secret_file(path: Path) -> str:
    """One line, without the line end that editors add. Raises OSError, or ValueError with what is expected."""
    # never more than a secret's length: the name may be that of a device or of a log
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        raw = file.read(_LONGEST + 1) or b""
    try:
        text = raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("a secret as UTF-8 text") from None
    if len(raw) > _LONGEST or "\n" in text or "\0" in text:
        raise ValueError("a secret of one line")
    if not text.strip():
        raise ValueError("a secret, not an empty file,")
    return text
