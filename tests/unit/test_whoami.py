"""Who sits at the command line, as the audit keeps it."""

import getpass
import os
import socket

import pytest

from speedlead.whoami import command_line, whoami


def test_it_is_the_user_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "anna\n")
    monkeypatch.setattr(socket, "gethostname", lambda: "web-1")
    assert (whoami(), command_line()) == ("anna@web-1", "command line: anna@web-1")


def test_a_user_without_a_name_is_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 10001")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert whoami().startswith(f"uid {os.getuid()}@")
