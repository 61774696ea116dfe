"""Points, lanes and lists: pure rules, and files that make no sense."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from speedlead.commands import score
from speedlead.domain.breaker import Breaker
from speedlead.domain.knowing import NAMES, Company, Fact, Value, best, of_outside
from speedlead.domain.lanes import HEAT, judge
from speedlead.domain.lifecycle import OF_STAGE, stands
from speedlead.domain.outcomes import Stage
from speedlead.domain.sla import LeadFacts
from speedlead.enrichment.companies import CompaniesError, load_companies
from speedlead.enrichment.mail_domains import domain_of, free_services, kind_of
from speedlead.enrichment.rulebook import LanesError, load_lanes

RULES = load_lanes().rules
HEAD = "version: 1\nlanes: {hot: 60, warm: 30, cold: 0}\n"
values = {str: st.sampled_from(["a", "b", "US", "FR"]), int: st.integers(0, 5000), bool: st.booleans()}
known = st.fixed_dictionaries({}, optional={name: values[kind] for name, kind in NAMES.items()})


@given(st.sampled_from(["hot", "warm", "cold"]), known, st.booleans())
def test_a_type_is_only_lowered_by_a_rule_that_may(lead_type: str, knows: dict[str, Value], again: bool) -> None:
    judged = judge(RULES, LeadFacts(lead_type, "other", "web"), knows, again=again)
    lowers = any(rule.lowers for rule in judged.hits)
    assert judged.points == sum(rule.points for rule in judged.hits)
    if not lowers or again:
        assert HEAT[judged.lead_type] >= HEAT[lead_type]
        assert judged.lane != "low" or lead_type == "cold"
    assert judged.lane in (judged.lead_type, "low")


@given(known)
def test_nothing_known_is_no_reason(knows: dict[str, Value]) -> None:
    hits = {rule.id for rule in judge(RULES, LeadFacts("cold", "other", "web"), {}).hits}
    assert hits == {"asked-cold"}
    more = {rule.id for rule in judge(RULES, LeadFacts("cold", "other", "web"), knows).hits}
    assert hits <= more


def test_a_phone_of_another_country_is_told_only_where_both_are_known() -> None:
    def abroad(**knows: Value) -> bool:
        return any(rule.id == "phone-abroad" for rule in judge(RULES, LeadFacts("hot", "x", "y"), knows).hits)

    assert abroad(country="FR", phone_country="US")
    assert not abroad(country="FR", phone_country="FR")
    assert not abroad(phone_country="US")


@pytest.mark.parametrize(
    ("text", "line", "fault"),
    [
        ("rules: [{id: a, points: 0, why: x, when: {tier: [a]}}]", 3, "a number other than 0"),
        ("rules: [{id: a, points: 5, why: x, when: {}}]", 3, "one condition at least"),
        ("rules: [{id: a, points: 5, why: x, lowers: true, when: {tier: [a]}}]", 3, "points below 0"),
        ("rules: [{id: a, points: 5, why: x, when: {time: [mon]}}]", 3, "does not depend on the hour"),
        ("rules: [{id: a, points: 5, why: x, when: {region: [XX]}}]", 3, "not a country"),
        ("rules: [{id: a, points: 5, why: x, when: {employees: {at_least: 9, at_most: 3}}}]", 3, "no more than"),
        ("rules:\n- {id: a, points: 5, why: x, when: {tier: [a]}}\n- {id: a, points: 5, why: x, when: {tier: [b]}}", 4,
         "'a' stands twice"),
        ("rules: []\nluck: 1", 4, "luck"),
    ],
)  # fmt: skip
def test_rules_that_make_no_sense_are_refused_by_line(text: str, line: int, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(HEAD + text)
    with pytest.raises(LanesError, match=fault) as error:
        load_lanes(file)
    assert str(error.value).startswith(f"{file}:{line}:")


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("a@gmail.com", "free_mail"), ("a@YAHOO.co.uk", "free_mail"), ("a@mx.gmx.de", "free_mail"),
        ("a@mailinator.com", "disposable"), ("a@b.guerrillamail.com", "disposable"), ("a@acme.example", "company"),
        ("a@notgmail.com", "company"), ("a@bücher.example", "company"), ("a@localhost", None), ("a@", None),
        ("x7@privaterelay.appleid.com", "free_mail"), ("a@..ü", None),
        (None, None),
    ],
)  # fmt: skip
def test_kinds_of_mail(address: str | None, kind: str | None) -> None:
    assert kind_of(domain_of(address)) == kind


def test_domains_are_written_as_the_intake_writes_them() -> None:
    """Python's own codec takes straße.de for strasse.de, which is another company."""
    assert domain_of("a@straße.de") == "xn--strae-oqa.de"
    assert domain_of("BÜCHER.example") == "xn--bcher-kva.example"


def test_the_list_of_services_has_domains_only() -> None:
    assert all(domain_of(f"a@{name}") == name for name in free_services())
    assert len(free_services()) > 300


def test_the_surest_fact_counts_and_of_equals_ours() -> None:
    facts = [
        Fact("company", "theirs", "http", 0.9), Fact("company", "ours", "own_table", 0.9),
        Fact("country", "FR", "http", 0.7), Fact("country", "US", "places", 0.5),
    ]  # fmt: skip
    assert best(facts) == {"company": "ours", "country": "FR"}


@given(
    st.dictionaries(st.sampled_from([*NAMES, "x"]), st.none() | st.booleans() | st.integers() | st.floats() | st.text())
)
def test_what_a_stranger_says_is_a_fact_or_nothing(answer: dict[str, object]) -> None:
    for fact in of_outside(answer):
        assert fact.name in ("company", "employees", "industry", "country")
        assert not isinstance(fact.value, str) or (0 < len(fact.value) <= 200 and fact.value.isprintable())


def test_half_a_person_is_not_a_company_of_nobody() -> None:
    assert of_outside({"employees": 0.5}) == []
    assert [fact.value for fact in of_outside({"employees": 1.5})] == [1]


def test_a_source_that_fails_rests_and_is_tried_by_one() -> None:
    breaker = Breaker(failures=2, rest_s=60)
    breaker.failed(0)
    assert breaker.may(1)
    breaker.failed(1)
    assert not breaker.may(60)
    assert [breaker.may(61), breaker.may(61)] == [True, False]
    breaker.worked()
    assert breaker.may(62)


def test_every_stage_has_its_place_in_the_lifecycle() -> None:
    assert set(OF_STAGE) == set(Stage)
    assert stands("closed", {}) == "lost"
    assert stands("exhausted", {}) == "nurture"


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("gmail.com,,,,,,,", "where anybody gets an address"), ("nothing,,,,,,,", "expected the domain"),
        ("co.uk,,,,,,,", "expected the domain"), ("acme.example,,many,,,,,", "employees: expected a whole number"),
        ("acme.example,,,,Tier A,,,", "tier: expected a word"),
        ("acme.example,,,,,maybe,,", "named: expected yes or no"),
        ("acme.example,,,,,,,\nwww.ACME.example,,,,,,,", "stands twice"), ("acme.example", "expected 8 cells"),
    ],
)  # fmt: skip
def test_companies_that_make_no_sense_are_refused_by_line(row: str, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text(f"domain,name,employees,industry,tier,named,owner,note\n{row}\n")
    with pytest.raises(CompaniesError, match=fault) as error:
        load_companies(file)
    assert str(error.value).startswith(f"{file}:{2 + row.count(chr(10))}:")


@pytest.mark.parametrize("between", [",", ";"])
def test_companies_as_a_spreadsheet_writes_them(between: str, tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    rows = (("domain", "name", "employees", "named"), ("www.MÜLLER.example", "Müller GmbH", "40", "Yes"))
    file.write_bytes("".join(between.join(row) + "\r\n" for row in rows).encode("utf-8-sig"))
    (listed,) = load_companies(file)
    assert listed.company == Company("xn--mller-kva.example", "Müller GmbH", 40, named=True)


def test_a_number_that_nobody_can_mean_is_refused_in_a_sentence() -> None:
    answer = CliRunner().invoke(score.app, ["sample", f"employees={'9' * 5000}"])
    assert (answer.exit_code, answer.exception.__class__) == (2, SystemExit)
    assert "employees: expected a whole number of at most 10 digits" in answer.output
