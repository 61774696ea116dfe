"""`speedlead law`: the answer that the gate would give, with its reasons, and clear words for what cannot be read."""

import json
import os
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from speedlead.commands.law import app
from speedlead.domain.placing import Consents, Placed, Placer, Question
from speedlead.domain.zones import Evidence
from speedlead.lawbook import load
from speedlead.place_finder import PlaceFinder
from tests.unit.test_lawbook import FLORIDA, OFF


def law(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "160", "TERMINAL_WIDTH": "160"} | environment)


def told(*arguments: str, **environment: str) -> Any:
    done = law("show", "--json", *arguments, **environment)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def channel(answer: Any, name: str) -> Any:
    return next(each for each in answer["channels"] if each["channel"] == name)


CALIFORNIAN_WITH_A_NUMBER_OF_FLORIDA = (
    "--phone", "+13055550148", "--country", "US", "--postcode", "90210", "--at", "2026-11-20T23:10-05:00",
)  # fmt: skip


def test_it_is_a_command_of_speedlead() -> None:
    command = [sys.executable, "-m", "speedlead", "law", "show", *CALIFORNIAN_WITH_A_NUMBER_OF_FLORIDA]
    done = subprocess.run(command, env=os.environ | {"COLUMNS": "80"}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "call: not now" in done.stdout


def test_it_says_where_why_which_rows_and_when_next() -> None:
    answer = told(*CALIFORNIAN_WITH_A_NUMBER_OF_FLORIDA)
    place = answer["place"]
    assert [(zone["zone"], zone["local"][11:16], zone["business_hours"]) for zone in place["zones"]] == [
        ("America/Los_Angeles", "20:10", True),
        ("America/New_York", "23:10", False),
    ]
    assert {each["name"]: each["why"] for each in place["jurisdictions"]}["US-FL"] == ["phone number of US-FL"]
    assert [each["name"] for each in place["jurisdictions"] if each["by_area_code_only"]] == ["US-FL"]
    call = channel(answer, "call")
    assert (call["verdict"], call["at"], call["until"]) == (
        "later", "2026-11-21T16:00:00+00:00", "2026-11-22T01:00:00+00:00")  # fmt: skip
    assert call["local"] == {
        "America/Los_Angeles": "2026-11-21T08:00:00", "America/New_York": "2026-11-21T11:00:00"}  # fmt: skip
    assert [reason["code"] for reason in call["reasons"]] == ["quiet_hours:us-fed", "quiet_hours:us-fl"]
    florida = next(row for row in call["rows"] if row["id"] == "us-fl")
    assert (florida["caps"], florida["certainty"], florida["consent_satisfied"]) == (["3 calls in 24 h"], "A", True)
    assert {window["hours"][0] for window in florida["windows"]} == {"08:00-20:00"}
    assert channel(answer, "sms")["verdict"] == "never"
    assert channel(answer, "email")["verdict"] == "now"


def test_the_table_says_the_same_to_a_person() -> None:
    done = law("show", *CALIFORNIAN_WITH_A_NUMBER_OF_FLORIDA, "--channel", "call")
    assert done.exit_code == 0, done.stderr
    for text in ("call: not now", "quiet hours where the lead is (us-fl)", "lawful next: Sat 21 Nov, 08:00 Los Angeles",
                 "3 calls in 24 h", "phone number of US-FL, for law only", "s. 501.616(6)(a),(b)"):  # fmt: skip
        assert text in done.stdout, text
    assert "5550148" not in done.stdout


class NoClosures:
    def closed(self, jurisdictions: tuple[str, ...]) -> frozenset[date]:
        return frozenset()


@pytest.mark.parametrize("at", ["2026-11-20T23:10-05:00", "2026-11-22T15:00-05:00", "2026-11-24T15:00-05:00"])
def test_it_answers_as_the_gate_does(at: str) -> None:
    place = PlaceFinder().find(Evidence(phone_e164="+12155550148"))
    consents = Consents(call_requested=True, sms=False, call=False, inquiry=True)
    moment = datetime.fromisoformat(at)
    gate = Placer(load(), NoClosures(), {}).check(Question("call", moment, None, place, None, None, consents), moment)
    assert isinstance(gate, Placed)
    answer = channel(told("--phone", "+12155550148", "--at", at), "call")
    assert (datetime.fromisoformat(answer["at"]), answer["verdict"]) == (
        gate.at, "now" if gate.at == moment else "later")  # fmt: skip
    assert tuple(reason["code"] for reason in answer["reasons"]) == gate.reasons


def test_calls_made_before_count_against_limits() -> None:
    calls = [part for at in ("10:00", "10:07", "10:27") for part in ("--called-at", f"2026-11-24T{at}-05:00")]
    answer = channel(told("--phone", "+13055550148", "--at", "2026-11-24T14:00-05:00", *calls), "call")
    assert (answer["at"], answer["reasons"][0]["code"]) == ("2026-11-25T15:00:00+00:00", "frequency_cap:us-fl")


@pytest.mark.parametrize(
    ("arguments", "verdict", "code"),
    [
        (("--no-call-requested",), "never", "no_consent:us-fl"),
        (("--no-call-requested", "--consent", "call"), "now", None),
        (("--inquired-at", "2026-08-01T12:00Z"), "never", "no_consent:us-fed"),
    ],
)
def test_consents_count(arguments: tuple[str, ...], verdict: str, code: str | None) -> None:
    answer = channel(told("--phone", "+13055550148", "--at", "2026-11-24T14:00-05:00", *arguments), "call")
    assert answer["verdict"] == verdict
    assert (answer["reasons"][0]["code"] if answer["reasons"] else None) == code


def test_an_unknown_place_gets_no_call_and_the_option_that_said_nothing_is_named() -> None:
    answer = told("--phone", "+18005550100", "--at", "2026-11-24T14:00Z", "--postcode", "10115")
    assert answer["place"]["known"] is False
    assert answer["place"]["unused"] == ["post code", "phone number"]
    assert [channel(answer, name)["verdict"] for name in ("call", "sms", "email")] == ["never", "never", "now"]
    assert "Nobody knows where the lead is" in law("show", "--at", "2026-11-24T14:00Z").stdout


def test_a_row_that_is_not_in_force_is_shown_as_such() -> None:
    rows = channel(told("--phone", "+12155550148", "--at", "2026-10-17T15:00-04:00"), "call")["rows"]
    assert {row["id"]: row["in_force"] for row in rows} == {"us-fed": True, "us-pa-old": True, "us-pa-new": False}


def test_a_wall_clock_with_its_zone_is_an_instant() -> None:
    assert told("--at", "2026-11-20T23:10[America/New_York]")["at"] == "2026-11-21T04:10:00+00:00"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--phone", "12"), "--phone: expected a valid number with its country code"),
        (("--phone", "+1212"), "--phone: expected a valid number with its country code"),
        (("--at", "2026-11-20T23:10"), "--at: expected an offset or a zone as well"),
        (("--at", "soon"), "--at: expected a moment such as 2026-11-20T23:10-05:00"),
        (("--at", "2026-02-30T23:10Z"), "--at: expected a moment such as"),
        (("--at", "2027-03-14T02:30[America/New_York]"), "--at: expected a time that exists"),
        (("--at", "2027-11-07T01:30[America/New_York]"), "--at: expected a time that happens once"),
        (("--at", "2027-11-07T01:30[Mars/Base]"), "unknown time zone 'Mars/Base'"),
        (("--tz", "Mars/Base"), "--tz: expected an IANA zone such as America/New_York, got 'Mars/Base'"),
        (("--country", "Atlantis"), "--country: expected a country code (ISO 3166) or name"),
        (("--channel", "fax"), "--channel: expected call or sms or email, got 'fax'"),
        (("--consent", "email"), "--consent: expected call or sms, got 'email'"),
        (("--agreed-at", "noon"), "--agreed-at: expected a moment such as"),
    ],
)
def test_what_cannot_be_read_is_named(arguments: tuple[str, ...], expected: str) -> None:
    done = law("show", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_rows_of_ones_own_are_used_and_explained(tmp_path: Path) -> None:
    (tmp_path / "florida.yaml").write_text(FLORIDA.replace("    effective_from: 2027-01-01\n", ""), "utf-8")
    (tmp_path / "off.yaml").write_text(OFF, "utf-8")
    own = {"SPEEDLEAD_LAW_FILE": str(tmp_path)}
    answer = told("--phone", "+13055550148", "--at", "2026-11-24T14:00-05:00", **own)
    assert answer["law"] == load(tmp_path).version
    call = channel(answer, "call")
    assert call["reasons"][0]["code"] == "no_consent:us-fl"  # the file asks for a ticked one
    florida = next(row for row in call["rows"] if row["id"] == "us-fl")
    assert florida["changed"]["by"] == "jane@acme.example"
    dakota = told("--phone", "+16055550148", "--at", "2026-11-22T14:00-06:00", **own)
    assert channel(dakota, "call")["switched_off"][0]["reason"] == "counsel: no such rule"
    assert channel(dakota, "call")["verdict"] == "now"  # a Sunday
    shown = law("show", "--phone", "+16055550148", "--at", "2026-11-22T14:00-06:00", **own).stdout
    assert "us-sd is switched off by jane@acme.example: counsel: no such rule" in shown


def test_a_file_is_checked_before_it_is_used(tmp_path: Path) -> None:
    file = tmp_path / "law.yaml"
    file.write_text(FLORIDA + OFF.partition("\n")[2], "utf-8")
    good = law("check", str(file))
    assert good.exit_code == 0
    assert good.stdout.splitlines()[:2] == [
        "us-fl (US-FL) from 2027-01-01: replaced by jane@acme.example: counsel read the amended statute",
        "us-sd (US-SD): switched off by jane@acme.example: counsel: no such rule",
    ]
    file.write_text(FLORIDA.replace("09:00-19:00", "19:00-09:00"), "utf-8")
    bad = law("check", str(file))
    assert bad.exit_code == 1
    assert bad.stderr.startswith(f"{file}:6: row us-fl: field hours: '19:00-09:00' ends before it starts")
    assert law("check", str(tmp_path / "none.yaml")).exit_code == 1
    used = law("show", "--phone", "+13055550148", SPEEDLEAD_LAW_FILE=str(file))
    assert used.exit_code == 2
    assert "field hours" in used.stderr
