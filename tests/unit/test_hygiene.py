"""What is found and what is put right, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedlead.domain.hygiene import (
    SILENT_CALLS,
    SILENT_DAYS,
    UNDECIDED,
    WITHOUT_OWNER,
    Mail,
    Person,
    Phone,
    Stuck,
    findings_of,
    meant_domain,
    repairs_of,
    stuck_of,
)
from speedlead.hygiene.reading import Reader
from speedlead.hygiene.words import day

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
ANN = Person("p", "Ann", None, "Ann", None, (), (), "l", True, True)
WORKS, BOUNCED = (
    Mail("a@acme.example", None, "a@acme.example", "company"),
    Mail("b@x.example", "bounced:550", "b", "company"),
)
RINGS, DEAD = Phone("+13105550148", None, "+13105550148"), Phone("+13105550149", "disconnected", "+13105550149")
LEAD = Stuck("l", "p", NOW, True, True, NOW - timedelta(days=30), NOW - UNDECIDED, None, None, False, False)
SOON, PAST = NOW + timedelta(minutes=1), NOW - timedelta(minutes=1)
READER = Reader("US")


@pytest.mark.parametrize(("mails", "phones", "kinds"), [
    ((), (), []),
    ((WORKS,), (RINGS,), []),
    # another way of the same kind works: nobody's work
    ((WORKS, BOUNCED), (RINGS, DEAD), []),
    ((BOUNCED,), (RINGS,), ["mail_bad"]),
    ((WORKS,), (DEAD,), ["phone_bad"]),
    ((BOUNCED,), (DEAD,), ["unreachable"]),
    ((BOUNCED,), (), ["unreachable"]),
    # it was put right
    ((replace(BOUNCED, bad="corrected"),), (RINGS,), []),
    ((replace(WORKS, normal=None),), (RINGS,), ["mail_bad"]),
    ((replace(WORKS, kind="disposable"),), (), ["mail_throw_away"]),
    ((replace(WORKS, kind="disposable"), WORKS), (), []),
    ((Mail("a@gmial.com", None, "a@gmial.com", "disposable"),), (), ["mail_typo"]),
    ((Mail("A@GMIAL.COM", None, "a@gmial.com", "disposable"),), (), ["mail_typo"]),
    ((Mail("a@mail.com", None, "a@mail.com", "free_mail"),), (), []),
    ((), (replace(RINGS, calls=SILENT_CALLS, days=SILENT_DAYS),), ["phone_silent"]),
    ((), (replace(RINGS, calls=SILENT_CALLS - 1, days=SILENT_DAYS),), []),
    ((), (replace(RINGS, calls=SILENT_CALLS, days=SILENT_DAYS - 1),), []),
    ((), (replace(RINGS, calls=9, days=9, connected=True),), []),
])  # fmt: skip
def test_what_is_the_matter_with_how_somebody_is_reached(mails: Any, phones: Any, kinds: list[str]) -> None:
    assert [one.kind for one in findings_of(replace(ANN, mails=mails, phones=phones), ("name", "place"))] == kinds


@pytest.mark.parametrize(("barred", "kinds"), [
    ((), ["phone_bad", "mail_typo"]), (("email",), ["phone_bad"]), (("call",), ["phone_bad", "mail_typo"]),
    (("call", "sms"), ["mail_typo"]), (("all",), []), (("call", "email", "sms"), []),
])  # fmt: skip
def test_nobody_looks_for_a_way_to_somebody_who_does_not_want_it(barred: Any, kinds: list[str]) -> None:
    mail = Mail("a@gmial.com", None, "a@gmial.com", None)
    person = replace(ANN, mails=(mail,), phones=(DEAD,), barred=barred)
    assert [one.kind for one in findings_of(person, ())] == kinds
    silent = replace(ANN, phones=(replace(RINGS, calls=SILENT_CALLS, days=SILENT_DAYS),), barred=barred)
    assert bool(findings_of(silent, ())) is not ({"call", "all"} & set(barred) != set())


def test_only_an_open_lead_lacks_something_and_only_what_is_critical() -> None:
    bare = replace(ANN, name=None, place=False)
    assert [one.state for one in findings_of(bare, ("name", "phone"))] == ["name phone"]
    assert findings_of(bare, ("company",))[0].detail["lacks"] == ["company"]
    assert findings_of(replace(bare, is_open=False), ("name", "phone")) == []


@pytest.mark.parametrize(("lead", "kind"), [
    (LEAD, "no_outcome"),
    (replace(LEAD, last_at=NOW - UNDECIDED + timedelta(seconds=1)), None),
    (replace(LEAD, waits_until=SOON), None),
    (replace(LEAD, waits_until=PAST), "no_outcome"),
    (replace(LEAD, paused_until=SOON), None),
    (replace(LEAD, decided=True), None),
    (replace(LEAD, in_program=True), None),
    (replace(LEAD, has_owner=False), "no_owner"),
    (replace(LEAD, has_owner=False, opened_at=NOW - WITHOUT_OWNER + timedelta(seconds=1)), None),
    (replace(LEAD, has_owner=False, in_program=True), None),
    (replace(LEAD, owner_active=False, in_program=True, waits_until=SOON), "owner_gone"),
])  # fmt: skip
def test_where_an_open_lead_is_stuck(lead: Stuck, kind: str | None) -> None:
    assert stuck_of(lead) == kind


@pytest.mark.parametrize(("typed", "meant"), [
    ("gmial.com", "gmail.com"), ("gmai.com", "gmail.com"), ("gmail.co", "gmail.com"), ("gmail.con", "gmail.com"),
    ("ggmail.com", "gmail.com"), ("outlok.com", "outlook.com"), ("gmail.com", None), ("gmx.de", None),
    ("gmali.co", None), ("acme.example", None), ("", None),
])  # fmt: skip
def test_one_slip_beside_a_large_service_is_seen(typed: str, meant: str | None) -> None:
    assert meant_domain(typed) == meant


def test_a_day_is_that_of_the_house() -> None:
    assert day(datetime(2026, 11, 22, 17, tzinfo=UTC), "Pacific/Auckland") == "23 Nov 2026"


def read(**fields: Any) -> Person:
    row = {"person_id": "p", "name": None, "company": None, "lead_id": None, "is_open": False, "place": False,
           "country": None, "barred": (), "mails": (), "phones": ()}  # fmt: skip
    return READER.people([row | fields])[0]


@pytest.mark.parametrize(("fields", "after"), [
    ({"mails": [["A.B@Straße.example", None]]}, ["a.b@xn--strae-oqa.example"]),
    # an address that is used no more is left alone, and so is what is none
    ({"mails": [["A@Acme.example", "bounced"], ["a@@acme.example", None], ["..a@acme.example", None]]}, []),
    ({"phones": [["0030 1234567", None, 0, 0, False]], "country": "DE"}, []),
    ({"phones": [["030 1234567", None, 0, 0, False]], "country": "DE"}, ["+49301234567"]),
    # an extension would be lost
    ({"phones": [["+1 310 555 0148 ext. 5", None, 0, 0, False]]}, []),
    # of our own country, and nobody said that the lead is there
    ({"phones": [["(310) 555-0148", None, 0, 0, False]]}, []),
    ({"name": "  Zoe\u0308\u200e  Lee"}, ["Zoë Lee"]),
    ({"name": "  "}, []),
])  # fmt: skip
def test_only_how_it_is_written_changes(fields: Any, after: list[str]) -> None:
    assert [one.after for one in repairs_of(read(**fields))] == after


@given(st.lists(st.text(max_size=40), max_size=3), st.one_of(st.emails(), st.text(max_size=30)))
def test_what_was_put_right_is_right(names: list[str], mail: str) -> None:
    for repair in repairs_of(read(name=" ".join(names), mails=[[mail, None]])):
        again = {"name": repair.after} if repair.what == "name" else {"mails": [[repair.after, None]]}
        assert repairs_of(read(**again)) == []
        assert repair.after.replace(" ", "")
