"""Segments of a text message: the limits of both encodings, what costs two, and what never straddles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedlead.composing.segments import Counted, count, plain_letters


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 1), ("a" * 160, "GSM-7", 160, 1), ("a" * 161, "GSM-7", 161, 2), ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3), ("€" * 80, "GSM-7", 160, 1), ("€" * 81, "GSM-7", 162, 2),
        # 152 and an escape pair: the pair goes to the next segment as a whole
        ("a" * 152 + "€" + "a" * 10, "GSM-7", 164, 2), ("a" * 152 + "€" * 77, "GSM-7", 306, 3),
        ("ж" * 70, "UCS-2", 70, 1), ("ж" * 71, "UCS-2", 71, 2), ("ж" * 134, "UCS-2", 134, 2),
        ("ж" * 135, "UCS-2", 135, 3),
        ("😀" * 35, "UCS-2", 70, 1), ("😀" * 36, "UCS-2", 72, 2),
        # 67 is odd: a surrogate pair does not fit into the last place, so a segment holds 33 of them
        ("😀" * 66, "UCS-2", 132, 2), ("😀" * 67, "UCS-2", 134, 3), ("[]{}~^|\\\f", "GSM-7", 18, 1),
        ("\n", "GSM-7", 1, 1),
    ],
)  # fmt: skip
def test_the_limits_of_both_encodings(text: str, encoding: str, units: int, segments: int) -> None:
    counted = count(text)
    assert (counted.encoding, counted.units, counted.segments) == (encoding, units, segments)


def test_the_letters_that_make_it_dear_are_named_once() -> None:
    assert count("ж–aж") == Counted("UCS-2", 4, 1, "ж–")


@given(st.text(max_size=400))
def test_more_text_never_takes_fewer_segments_and_never_less_than_the_sum_asks_for(text: str) -> None:
    counted = count(text)
    many = 153 if counted.encoding == "GSM-7" else 67
    assert (
        counted.segments >= -(-counted.units // (many + 7 if counted.units <= 160 else many)) or counted.segments == 1
    )
    assert count(text + "a").segments >= counted.segments
    if counted.segments > 1:
        assert (counted.segments - 1) * (many - 1) < counted.units <= counted.segments * many


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("“Hi” – it’s us…", '"Hi" - it\'s us...'), ("10\u202f000\u00a0€", "10 000 €"),
        ("reçu, mañana a más tardar", "recu, mañana a mas tardar"), ("Ångström", "Ångström"),
        # what cannot be saved keeps its accents
        ("reçu ж", "reçu ж"), ("Łódź", "Łódź"), ("李雷", "李雷"),
    ],
)  # fmt: skip
def test_letters_are_made_plain_where_that_saves_half(text: str, sent: str) -> None:
    assert plain_letters(text) == sent


@given(st.text(max_size=200))
def test_plain_letters_stay_plain_and_never_cost_more(text: str) -> None:
    sent = plain_letters(text)
    assert plain_letters(sent) == sent
    assert count(sent).encoding == "GSM-7" or count(text).encoding == "UCS-2"
