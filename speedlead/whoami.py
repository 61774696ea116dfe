"""Who sits at the command line. There is no account for it: the account of this machine says who it was."""

import getpass
import os
import socket

_AT = "command line: "


def whoami() -> str:
    """`anna@web-1`, as the operating system has it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = f"uid {os.getuid()}"
    return "".join(char for char in f"{user}@{socket.gethostname()}" if char.isprintable())[:120]


def command_line() -> str:
    """`command line: anna@web-1`: what the audit keeps as the role. Whoever reads it splits it at the colon."""
    return _AT + whoami()
