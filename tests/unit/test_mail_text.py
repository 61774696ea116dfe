"""Reading mail that was written to stop us: nothing takes long, and nothing that a person said is lost."""

import unicodedata

import pytest

from speedlead.intake_text import many_lines, one_line
from speedlead.mail_text import text_of_html


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["<a ", "<!--", "</", "<style>", "&#", "<![", "<p style='"])
def test_half_a_megabyte_of_unended_html_is_read_at_once(piece: str) -> None:
    text_of_html(piece * (500_000 // len(piece)))


@pytest.mark.parametrize("odd", ["<![foo]>", "<![ endif]>", "<![if mso]>", "<!foo>"])
def test_what_word_processors_write_hides_no_word(odd: str) -> None:
    assert text_of_html(f"<p>Please</p>{odd}<p>STOP</p>").split() == ["Please", "STOP"]


def test_a_long_style_sheet_hides_no_word() -> None:
    assert text_of_html(f"<style>{'p {color: red}' * 8_000}</style><p>STOP</p>") == "STOP"


@pytest.mark.timeout(20)
def test_a_long_run_of_marks_is_read_at_once() -> None:
    marks = "a" + "\u0301\u0316" * 125_000
    assert unicodedata.normalize("NFC", one_line(marks)[:200])
    assert many_lines("e\u0301 " * 10) == " ".join(["é"] * 10)
