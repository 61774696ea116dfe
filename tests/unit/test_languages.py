"""Which language a lead is written to in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedlead.composing.languages import choose, language_of, preferred

OFFERED = frozenset({"en", "de", "fr", "es", "it", "pt"})


@pytest.mark.parametrize(
    ("wished", "country", "language"),
    [
        ("de-AT", None, "de"), ("DE", "FR", "de"), ("es_MX", None, "es"), (None, "AR", "es"), (None, "CH", "de"),
        (None, "SN", "fr"), (None, "JP", "en"), (None, None, "en"), ("nl", "DE", "de"), ("nl", None, "en"),
        (None, "IT", "it"), ("pt-BR", "US", "pt"), (None, "BR", "pt"),
        ("<script>", "DE", "de"), ("", "", "en"), ("deu", None, "en"),
    ],
)  # fmt: skip
def test_the_wish_comes_before_the_country_and_both_before_ours(wished: str, country: str, language: str) -> None:
    assert choose(wished, country, OFFERED, "en") == language


def test_a_language_that_we_do_not_write_is_never_chosen() -> None:
    assert choose("de", "DE", frozenset({"en"}), "en") == "en"


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de-AT"), ("en;q=0.5, fr;q=0.9", "fr"), ("*", None), ("", None), (None, None),
        ("de;q=x, es;q=0.1", "es"), ("de;q=0", None), ("en-US", "en-US"), (";;;,,,", None), ("<b>,fr", "fr"),
    ],
)  # fmt: skip
def test_the_browsers_first_choice(header: str | None, tag: str | None) -> None:
    assert preferred(header) == tag


@given(st.text(max_size=100))
def test_no_header_is_an_error(header: str) -> None:
    tag = preferred(header)
    assert tag is None or language_of(tag) is not None
