"""Which sites may send which form, and what the script that is served consists of."""

import re

import pytest

from speedlead.widget.origins import parse_origins
from speedlead.widget.script import PARTS, script, tag

SHOP, SPRING = "https://www.shop.example", "https://spring.shop.example:8443"


def test_a_site_may_send_every_form_or_the_one_that_names_it() -> None:
    found = parse_origins([f"{SHOP}:443/", f"spring={SPRING.upper()}", "http://localhost:3000"])
    assert found.everywhere == {SHOP, "http://localhost:3000"}
    assert set(found.by_form) == {"spring"}
    asked = [(SHOP, "demo"), (SHOP, "spring"), (SPRING, "spring"), (SPRING, None), (SPRING, "demo"), ("null", None)]
    assert [found.may(*pair) for pair in asked] == [True, True, True, True, False, False]


@pytest.mark.parametrize(
    "text",
    ["www.shop.example", "https://", "https://*.shop.example", "http://shop.example", f"{SHOP}/form", f"{SHOP}?x",
     "https://me@shop.example", "null", "ftp://shop.example", f"api={SHOP}", f"Spring={SHOP}", f"={SHOP}",
     "https://shop.example:0x1", "https://bücher.example", "https://shop example", f"phone={SHOP}"],
)  # fmt: skip
def test_what_is_no_origin_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match=r"origins like https://www\.example\.com"):
        parse_origins([text])


def test_the_script_is_small_and_runs_in_browsers_of_2017() -> None:
    body = script().body.decode()
    assert len(script().packed) < 9216
    code = re.sub(r'"[^"]*"', '""', body)
    for newer in (
        "?.",
        "??",
        "catch{",
        ".flat(",
        ".at(",
        "replaceAll",
        "#this",
        "finally",
        "...",
        "innerHTML",
        "eval(",
    ):
        assert newer not in code, newer
    assert len(PARTS) == 6
    assert "Thank you, we have it." in body  # what stands in quotes keeps its blanks
    assert "// " not in re.sub(r'["`][^"`]*["`]', "", body)


def test_the_tag_of_one_version_has_its_checksum() -> None:
    pinned = tag("https://leads.example", pinned=True)
    assert f'src="https://leads.example/widget/{script().version}.js" integrity="{script().integrity}"' in pinned
    assert 'crossorigin="anonymous"' in pinned
    assert "integrity" not in tag("https://leads.example", pinned=False)
