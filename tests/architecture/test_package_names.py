"""`workflows`, `activities` and `workers` are common names: nothing that we install may ship them too."""

import re
from pathlib import Path

import pytest

from speedlead import doctor

ROOT = Path(__file__).parents[2]


def test_no_installed_distribution_ships_our_package_names() -> None:
    assert doctor.foreign_distributions() == []


def test_a_foreign_distribution_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"workflows": ["speedlead", "other-thing"], "fastapi": ["fastapi"]}
    monkeypatch.setattr("importlib.metadata.packages_distributions", lambda: found)
    assert doctor.foreign_distributions() == ["other-thing (workflows)"]


def test_the_lock_has_hashes_and_names_no_host() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert re.findall(r"https?://|--index-url|--extra-index-url|--find-links", text) == []
    pins = re.findall(r"^([a-z0-9][a-z0-9._-]*)==", text, re.MULTILINE | re.IGNORECASE)
    assert len(pins) > 50
    assert text.count("\n    --hash=sha256:") >= len(pins)
