"""Mapping files: what is read out of a payload, what is wrong in a file, and that no payload breaks anything."""

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from speedlead.commands.mapping import app
from speedlead.intake import Rules
from speedlead.mappings.book import MappingError, MappingShelf, load_mapping, load_mappings
from speedlead.mappings.dry_run import dry_run, sample_of
from speedlead.mappings.making import Unusable
from speedlead.mappings.model import Mapping, Signature
from speedlead.mappings.signing import Forged, Secret, Sent, verified_by
from speedlead.mappings.values import Value, find

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
RULES = Rules(("demo_request", "pricing"), lenient=True)
PACKAGED = load_mappings()
GOOD = """name: crm
kind: lead
about: of a CRM
source: its manual
signature: {scheme: hmac, header: X-Signature}
id: id
fields:
  email: email
"""
PAYLOAD = {
    "name": "Lovelace, Ada", "first": "Ada", "last": None, "list": ["a", 2, True], "deep": {"x": 1}, "big": 10**40,
    "stage": " WON ", "day": "23.11.2026 16:00", "stamp": 1795446000, "zero": 0, "no": False, "long": "x" * 10_001,
}  # fmt: skip


@pytest.mark.parametrize(
    ("value", "found", "note"),
    [
        ("first", "Ada", ""),
        ("nowhere.at[0].all", None, ""),
        ({"path": ["last", "first"]}, "Ada", ""),
        ({"join": ["first", "last"]}, "Ada", ""),
        ({"constant": "web"}, "web", ""),
        ({"path": "last", "default": "none"}, "none", ""),
        ({"path": "name", "split": {"on": ",", "take": 2}}, "Ada", ""),
        ({"path": "name", "split": {"on": ",", "take": -1}}, "Ada", ""),
        ({"path": "name", "split": {"on": ",", "take": 3}}, None, ""),
        ("list", "a, 2, true", ""),
        ("zero", 0, ""),
        ("no", False, ""),
        ("deep", None, "an object, expected a text or a number"),
        ("big", None, "a number out of range"),
        ("long", None, "longer than 10000 characters"),
        ("join(' ', [first, last])", None, ""),
        ({"path": "stage", "words": {"Won": "converted"}}, "converted", ""),
        ({"path": "first", "words": {"Won": "converted"}}, None, "a word that the mapping does not have: 'Ada'"),
        ({"path": "first", "words": {"Won": "converted"}, "otherwise": "other"}, "other", ""),
        ({"path": "day", "date": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}, "2026-11-23T16:00:00+01:00", ""),
        ({"path": "stamp", "date": "seconds"}, "2026-11-23T15:00:00+00:00", ""),
        ({"path": "day", "date": "iso"}, None, "not a date, expected iso"),
        ({"path": "big", "date": "seconds"}, None, "a number out of range"),
    ],
)  # fmt: skip
def test_a_value_is_found_or_left_out_with_its_reason(value: Any, found: Any, note: str) -> None:
    got = find(Value.model_validate(value), PAYLOAD)
    assert (got.value, got.note) == (found, note)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind: lead", "kind: leads", ":2: kind: "),
        ("  email: email", "  mail: email", "fields.mail: expected one of name, company, email"),
        ("  email: email", "  name: name", "fields: expected email or phone"),
        ("  email: email", "  email: answers[?", ":8: fields.email.path.0: expected a JMESPath"),
        ("  email: email", "  email: {path: a, words: {Yes: true, No: false}}", "valid string"),
        ("  email: email", "  email: {path: a, zone: Europe/Berlin}", "expected `date` beside `zone`"),
        ("  email: email", "  email: {path: a, date: '%d.%m.%Y'}", "expected `zone`"),
        ("  email: email", "  email: email\n  email: mail", "the key 'email' stands twice"),
        ("header: X-Signature", "encoding: hex", ":5: signature: expected `header`"),
        ("header: X-Signature", "header: X-Signature, signed: '{timestamp}'", "expected {body} in `signed`"),
        ("header: X-Signature", "header: X-Signature, signed: '{timestamp}{body}'", "`timestamp` together, or neither"),
        ("header: X-Signature", "header: X-Signature, signed: '{body}{secret}'", "expected no other braces"),
        ("scheme: hmac, header: X-Signature", "scheme: token", "expected one of `header`, `query` and `path`"),
        ("scheme: hmac, header: X-Signature", "scheme: none, header: X", "expected no `header` with the scheme none"),
        ("name: crm", "name: other", "name: expected crm, as the file is called"),
        ("id: id", "secret: ../credentials", "expected up to 40 of a-z"),
        ("id: id", "id: {header: X-Id}\neach: items", "id: expected a path"),
        ("id: id", "where: startswith(id, 'a')", ":6: where: expected a function of JMESPath, which has no s"),
        ("id: id", "where: a || b[?contains(@)]", "expected 2 arguments of contains(), got 1"),
        ("scheme: hmac, header: X-Signature}", "scheme: none}\nwho: {external_id: id}", "another scheme than none"),
        ("kind: lead", "kind: revenue", "fields.email: expected one of reference, date, amount, currency"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_what_was_expected(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    file = tmp_path / "crm.yaml"
    file.write_text(GOOD)
    assert load_mapping(file).name == "crm"
    assert GOOD.count(old) == 1
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(MappingError) as error:
        load_mapping(file)
    assert told in str(error.value)
    assert str(error.value).startswith(str(file))


def test_a_changed_file_is_read_again_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "crm.yaml"
    file.write_text(GOOD)
    shelf = MappingShelf(tmp_path, every_s=0)
    first = shelf.mappings["crm"]
    assert shelf.mappings["crm"] is first
    for age, text in enumerate((GOOD + "nonsense: 1\n", GOOD.replace("kind: lead", "kind: lead\nrest: true"))):
        file.write_text(text)
        os.utime(file, ns=(age, age))
        assert ("crm.yaml" in (shelf.problem or ""), shelf.mappings["crm"].rest) == (age == 0, age == 1)
    (tmp_path / "new.yaml").write_text(GOOD.replace("name: crm", "name: new"))
    assert "new" in shelf.mappings


def test_the_mapping_of_the_manual_can_be_used(tmp_path: Path) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "mappings.md").read_text()
    file = tmp_path / "my-crm.yaml"
    file.write_text(manual.partition("```yaml\n")[2].partition("```")[0])
    person = {"id": 1, "email": "ada@example.com", "title": "CTO at Acme at night", "topic": "demo please"}
    payload = {"contacts": [{"type": "contact.created", "contact": person}, {"type": "contact.deleted"}]}
    (part,) = dry_run(load_mapping(file), payload, RULES, NOW, None).parts
    made = dict(part.made)
    assert (made["company"], made["intent"], part.left_out) == ("Acme", "demo_request", ())
    file.with_suffix(".yml").write_text(file.read_text())
    with pytest.raises(MappingError, match="expected one file of a name"):
        load_mappings(tmp_path)


def test_what_a_lead_lost_is_kept_however_many_fields_there_are() -> None:
    payload = {f"field_{number}": number for number in range(60)} | {"email": "ada@example.com", "phone": "12"}
    (part,) = dry_run(PACKAGED["form"], payload, RULES, NOW, None).parts
    made = dict(part.made)
    assert made["kept: phone_as_sent"] == "12"
    assert "not a valid phone number" in made["kept: left_out"]


def test_stripes_coins_are_those_of_the_currency_or_nothing_is_booked() -> None:
    sample = json.loads(sample_of(PACKAGED["stripe-invoice"])[1])  # type: ignore[index]
    for code, paid in (("eur", "60.38 EUR"), ("jpy", "6,038 JPY"), ("kwd", "6.038 KWD"), ("isk", None), ("ugx", None)):
        sample["data"]["object"]["currency"] = code
        (part,) = dry_run(PACKAGED["stripe-invoice"], sample, RULES, NOW, None).parts
        assert dict(part.made).get("amount") == paid, code
        assert bool(part.reason) == (paid is None)


def test_an_event_of_hubspot_is_known_by_more_than_a_number_that_may_be_given_twice() -> None:
    event = json.loads(sample_of(PACKAGED["hubspot-status"])[1])[0]  # type: ignore[index]
    parts = dry_run(PACKAGED["hubspot-status"], [event, event | {"objectId": 7}, dict(event)], RULES, NOW, None).parts
    assert parts[0].key == parts[2].key != parts[1].key


def test_packaged_mappings_make_something_of_the_sample_that_comes_with_them() -> None:
    for name, mapping in PACKAGED.items():
        found = sample_of(mapping)
        assert found is not None, name
        assert mapping.about
        assert mapping.source
        assert mapping.signature.scheme != "none", "nobody has to be believed who signs nothing"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(data=st.data(), odd=_JSON)
def test_no_payload_breaks_a_mapping(data: st.DataObject, odd: Any) -> None:
    """A sample with any part of it put out of order: something is made of it, or a reason is given."""
    mapping = data.draw(st.sampled_from([one for one in PACKAGED.values() if one.name != "wordpress"]))
    found = sample_of(mapping)
    assert found is not None
    payload = json.loads(found[1])
    places: list[tuple[Any, Any]] = []

    def walk(part: Any) -> None:
        items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        for key, inner in items:
            places.append((part, key))
            walk(inner)

    walk(payload)
    for where, key in data.draw(st.lists(st.sampled_from(places), max_size=3)):
        where[key] = odd
    try:
        run = dry_run(mapping, payload, RULES, NOW, (Decimal(5), "EUR"))
    except Unusable:
        return
    assert all(part.made or part.reason for part in run.parts)


@pytest.mark.parametrize("signed_by", ["header", "query", "path"])
def test_a_token_is_looked_for_where_it_has_to_be_and_nowhere_else(signed_by: str) -> None:
    how = Signature.model_validate({"scheme": "token", signed_by: "key"})
    secrets = (Secret("new", "s" * 20), Secret("old", "t" * 20))

    def by(token: str, place: str = signed_by) -> str:
        sent = Sent("POST", "https://x/in/crm", f"a=1&key={token}" if place == "query" else "&" * 60,
                    {"key": token} if place == "header" else {}, json.dumps({"key": token}).encode()
                    if place == "path" else b"")  # fmt: skip
        return verified_by(how, secrets, sent, NOW)

    assert (by("s" * 20), by("t" * 20)) == ("new", "old")
    others = [place for place in ("header", "query", "path") if place != signed_by]
    for token, place in (
        ("", signed_by),
        ("s" * 19, signed_by),
        ("é" * 20, signed_by),
        *(("s" * 20, o) for o in others),
    ):
        with pytest.raises(Forged):
            by(token, place)
    with pytest.raises(Forged):
        verified_by(how, (), Sent("POST", "", "key=", {"key": ""}, b'{"key": ""}'), NOW)


def cost_of(mapping: Mapping, **fields: Any) -> str:
    (part,) = dry_run(mapping, {"id": "1", "email": "ada@example.com", **fields}, RULES, NOW, None).parts
    return dict(part.made).get("amount") or part.reason


def test_a_ticket_costs_what_its_rates_say(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text("""name: desk
kind: ticket
about: a helpdesk
source: its manual
signature: {scheme: basic}
who: {email: email}
cost: {per_ticket: "4", per_hour: "30", currency: EUR}
fields: {reference: id, minutes: minutes, amount: amount, currency: currency}
""")
    desk = load_mapping(file)
    assert cost_of(desk, minutes=50) == "29 EUR"
    assert cost_of(desk, minutes="20", amount=7.5, currency="usd") == "7.50 USD"
    assert cost_of(desk) == "minutes: expected one, found nothing"
    assert cost_of(desk, minutes=-1) == "minutes: expected 0 to 100000"
    assert cost_of(desk, amount=-7, currency="EUR") == "amount: expected a cost of 0 or more"
    assert cost_of(desk, amount="1.234,50", currency="EUR").startswith("amount: expected an amount in EUR")
    assert cost_of(PACKAGED["helpdesk"]) == "cost: expected rates in the mapping, or SPEEDLEAD_TICKET_COST"
    file.write_text(file.read_text().replace('"4"', "0.1"))
    with pytest.raises(MappingError, match="in quotation marks"):
        load_mapping(file)


def test_the_command_tries_a_sample_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEEDLEAD_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data" / "mapping-secrets").mkdir(parents=True)
    (tmp_path / "data" / "mapping-secrets" / "form").write_text("a-long-enough-secret\n")
    sample, headers, own = tmp_path / "one.json", tmp_path / "headers.txt", tmp_path / "crm.yaml"
    run = CliRunner()

    def said(*arguments: str) -> tuple[int, str]:
        result = run.invoke(app, list(arguments))
        return result.exit_code, result.output

    sample.write_text('{"id": 7, "email": "ada@example.com", "phone": "12"}')
    headers.write_text("Authorization: Bearer a-long-enough-secret\nContent-Type: application/json\n")
    code, text = said("try", "form", "--sample", str(sample), "--headers", str(headers))
    assert code == 0, text
    assert "signature: right, by form" in text
    assert "→ email: ada@example.com" in text
    assert "left out: phone: not a valid phone number" in text
    headers.write_text("Authorization: Bearer something-else\n")
    assert "signature: not right" in said("try", "form", "--sample", str(sample), "--headers", str(headers))[1]
    sample.write_text('{"email": "nobody"}')
    assert said("try", "form", "--sample", str(sample))[0] == 1
    assert said("try", "form", "--sample", str(tmp_path / "gone.json"))[0] == 2
    assert said("try", str(own))[0] == 2
    assert said("try", "zendesk-ticket")[0] == 1, "nobody has said what a ticket costs"
    own.write_text(GOOD.replace("id: id\n", ""))
    code, text = said("check", str(own))
    assert code == 0
    assert "whoever has seen a request could send it again" in text
    own.write_text(GOOD.replace("hmac", "hmacc"))
    assert said("check", str(own))[0] == 1
    code, text = said("list")
    assert code == 0
    assert "form                lead      token     /in/form                open" in text
    monkeypatch.setenv("SPEEDLEAD_MAPPINGS_UNSIGNED", "form")
    assert said("list")[0] == 2
