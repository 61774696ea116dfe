"""Which entries may be one person: what is compared at all, the points, and which of two open leads goes on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedlead.domain.duplicates import (
    BothInTalk,
    OpenLead,
    Someone,
    company_of,
    keys_of,
    likeness,
    mailbox,
    to_close,
    words_of,
)

NUMBER = ("+13105550148",)


def someone(name: str | None = "Ann Lee", **more: object) -> Someone:
    return Someone("x", name, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("address", "box"),
    [
        ("Ann.Lee+news@GoogleMail.com", "annlee@gmail.com"),
        ("ann.lee@outlook.com", "ann.lee@outlook.com"),
        ("ann.lee+a@outlook.com", "ann.lee@outlook.com"),
        ("ann_lee@pm.me", "annlee@proton.me"),
        # whose rules we do not know
        ("Ann.Lee+a@acme.example", "ann.lee+a@acme.example"),
        ("+@gmail.com", "+@gmail.com"),
    ],
)
def test_an_address_is_read_as_its_provider_reads_it(address: str, box: str) -> None:
    assert mailbox(address) == box


@pytest.mark.parametrize(
    ("one", "other", "reasons", "proposed"),
    [
        # a couple, a switchboard: one number alone is nobody
        (someone(phones=NUMBER), someone("Bo Lee", phones=NUMBER), ("same_number", "other_name"), False),
        (someone(phones=NUMBER), someone("Lee, Ann", phones=NUMBER), ("same_number", "same_name"), True),
        (someone(phones=NUMBER), someone("A. Lee", phones=NUMBER), ("same_number", "near_name"), True),
        (someone(phones=NUMBER), someone(None, phones=NUMBER), ("same_number", "no_name"), True),
        (someone("René Múller"), someone("Rene Muller"), ("same_name",), False),
        (
            someone("Jon Smith", company="Acme Inc.", postcode="90 210"),
            someone("John Smith", company="ACME, LLC", postcode="90210"),
            ("near_name", "same_company", "same_postcode"), False,
        ),
        (
            someone(company="Acme Inc.", postcode="90 210"), someone(company="The Acme Company", postcode="90210"),
            ("same_name", "same_company", "same_postcode"), True,
        ),
        (someone(domains=("acme.com",)), someone(domains=("acme.com",)), ("same_name", "same_mail_domain"), True),
        (
            someone(emails=("a.b@gmail.com",)), someone("Bo", emails=("ab@gmail.com",)),
            ("same_mailbox", "other_name"), True,
        ),
    ],
)  # fmt: skip
def test_what_speaks_for_it_and_against_it(
    one: Someone, other: Someone, reasons: tuple[str, ...], proposed: bool
) -> None:
    like = likeness(one, other)
    assert (like.reasons, like.proposed) == (reasons, proposed)
    assert likeness(other, one) == like
    assert like.certain == (reasons[0] == "same_mailbox" and "other_name" not in reasons)


words = st.sampled_from(["ann", "lee", "jon", "john", "a", "smith", "Ann", "Lée"])
people = st.builds(
    Someone, st.just("x"), st.none() | st.lists(words, max_size=3).map(" ".join),
    st.sampled_from([None, "Acme", "Acme Inc", "Group"]),
    st.lists(st.sampled_from(["a.b@gmail.com", "ab+c@gmail.com", "ann@acme.com"]), max_size=2).map(tuple),
    st.lists(st.sampled_from(["+1", "+2"]), max_size=2).map(tuple), st.sampled_from([(), ("acme.com",)]),
    st.sampled_from([None, "1", "2"]),
)  # fmt: skip


@given(people, people)
def test_whoever_would_be_proposed_is_compared_but_for_another_spelling_of_the_initials(
    one: Someone, other: Someone
) -> None:
    like = likeness(one, other)
    assert 0 <= like.points <= 100
    if like.proposed and "near_name" not in like.reasons:
        assert keys_of(one) & keys_of(other)


@given(st.text(max_size=30))
def test_every_name_can_be_read(text: str) -> None:
    assert words_of(text) == words_of(" ".join(words_of(text)))
    assert company_of(text) == company_of(company_of(text)) or not company_of(text)


AT = datetime(2026, 11, 23, tzinfo=UTC)


def lead(name: str, hours: int, stage: str = "attempting", **more: Any) -> OpenLead:
    return OpenLead(name, stage, AT + timedelta(hours=hours), **more)


def test_the_newer_lead_ends_unless_it_is_with_a_person() -> None:
    assert to_close([lead("a", 0)]) is None
    assert to_close([lead("a", 1), lead("b", 0)]) == "a"
    assert to_close([lead("a", 1, "booked"), lead("b", 0)]) == "b"
    assert to_close([lead("a", 1, answer_owed=True), lead("b", 0)]) == "b"
    # nobody waits for a program, whatever its stage
    assert to_close([lead("a", 1), lead("b", 0, "converted", program="customer")]) == "b"
    assert to_close([lead("a", 0, "nurturing", program="nurture"), lead("b", 1, program="customer")]) == "a"
    with pytest.raises(BothInTalk):
        to_close([lead("a", 1, "booked"), lead("b", 0, "connected")])
