"""Releases of the zone data in their order, however they are named."""

import pytest

from speedlead.doctor import zone_data
from speedlead.tzdata_version import OlderData, order, release


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("2026a", "2026b"), ("2025z", "2026a"), ("2026z", "2026za"), ("2026za", "2026zb"), ("2026zz", "2026zza"),
        ("2026.9", "2026.10"), ("2026.4", "2026e"), ("2026d", "2026.5"), ("2025.3", "2026.1"), ("1999a", "2000a"),
        ("2026.6", "2027a"), ("2020.4.post1", "2020.5"),
    ],
)  # fmt: skip
def test_a_later_release_comes_later_by_either_name(older: str, newer: str) -> None:
    assert order(older) < order(newer)


@pytest.mark.parametrize(("iana", "wheel"), [("2026d", "2026.4"), ("2026f", "2026.6"), ("2026za", "2026.27")])
def test_both_names_of_a_release_are_the_same(iana: str, wheel: str) -> None:
    assert order(iana) == order(wheel)


@pytest.mark.parametrize("name", ["", "test", "2026", "2026F", "2026ab", "26a", "2026.", "v2026.1"])
def test_what_is_no_release_is_said_so(name: str) -> None:
    with pytest.raises(ValueError, match=r"expected a name such as 2026f or 2026\.6"):
        order(name)


def test_the_installed_release_has_a_place_in_the_order() -> None:
    assert order(release()) >= order("2026f")


def test_the_refusal_names_both_and_what_to_do() -> None:
    text = str(OlderData("2026d", "2026f"))
    assert text.count("\n") == 0
    for part in ("2026d", "2026f", "install tzdata 2026.6 or newer"):
        assert part in text


@pytest.mark.parametrize(
    ("newest", "ok", "part"),
    [
        (None, None, "no worker has used this database yet"),
        ("2026d", True, "the newest used with this database is 2026d"),
        ("2026e", True, "the newest used with this database is 2026e"),
        ("2026f", False, "tzdata 2026e is older than 2026f"),
    ],
)
def test_the_doctor_says_whether_a_worker_may_start(newest: str | None, ok: bool | None, part: str) -> None:
    found = zone_data("2026e", newest)
    assert found.ok is ok
    assert part in found.detail
    assert "2026e" in found.detail
