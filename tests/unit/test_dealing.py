"""When a lead gets its owner: nights, peaks, and what is not given up for one that waits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from speedlead.checked_yaml import FileFault, parse
from speedlead.domain.dealing import Hold, for_waiting, hold
from speedlead.domain.routing_rules import Deal, Peak, RoutingRules
from speedlead.domain.scoring import Candidate, Wanted, decide
from speedlead.routingbook import RoutingError, load_routing

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)  # Tuesday, 10:00 in New York
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PEAK = Peak.model_validate(
    {"id": "rush", "zone": "America/New_York", "hours": {"tue": "09:00-12:00"}, "hold": ["cold"]}
)
LEAD: dict[str, Any] = {"open_at": NOW, "due": NOW + 4 * HOUR, "now": NOW, "there": True, "deal": Deal(), "peak": None}


@pytest.mark.parametrize(("kind", "before"), [("hot", 120), ("warm", 90), ("cold", 60)])
def test_at_night_the_hotter_a_lead_the_sooner_it_is_dealt(kind: str, before: int) -> None:
    night = LEAD | {"open_at": NOW + 12 * HOUR, "there": False}
    assert hold(kind, **night) == Hold("waits_for_shift", NOW + 12 * HOUR - before * SECOND)


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"there": False}, {"open_at": NOW + HOUR, "there": True},
        # shortly before the opening there is nothing to wait for
        {"open_at": NOW + 2 * MINUTE, "there": False},
    ],
)  # fmt: skip
def test_otherwise_it_has_its_owner_at_once(changes: dict[str, Any]) -> None:
    assert hold("hot", **(LEAD | changes)) is None


@pytest.mark.parametrize(
    ("kind", "changes", "until"),
    [
        ("cold", {}, NOW + 2 * HOUR),
        ("cold", {"due": None}, NOW + 2 * HOUR),
        # its owner still has to have time for it
        ("cold", {"due": NOW + HOUR}, NOW + HOUR - 5 * MINUTE),
        ("cold", {"due": NOW + 5 * MINUTE}, None),
        ("warm", {}, None),
    ],
)
def test_a_peak_holds_leads_back_while_they_can_wait(kind: str, changes: dict[str, Any], until: datetime) -> None:
    expected = Hold("waits_for_peak", until) if until else None
    assert hold(kind, **(LEAD | {"peak": PEAK} | changes)) == expected


def test_the_rules_of_a_peak_hold_in_its_hours_and_no_longer() -> None:
    own = {"geography": 0, "expertise": 0, "load": 1, "availability": 0, "performance": 0}
    peak = PEAK.model_copy(update={"give_up": ("lane",)})
    rules = RoutingRules.model_validate(
        load_routing().model_dump() | {"peaks": [peak.model_dump() | {"weights": own}, PEAK.model_dump() | {"id": "b"}]}
    )
    in_it, which = rules.at(NOW)
    assert which is not None
    assert (which.id, in_it.weights.by_part(), in_it.give_up) == ("rush", own, ("lane",))
    before, none = rules.at(NOW - HOUR - SECOND)
    assert (before.weights, before.give_up, none) == (load_routing().weights, load_routing().give_up, None)
    assert rules.at(NOW + 2 * HOUR)[1] is None
    assert rules.at(NOW + 2 * HOUR - SECOND)[1] is not None


def test_a_peak_follows_the_clock_of_its_zone() -> None:
    july = datetime(2026, 7, 21, 13, 0, tzinfo=UTC)  # Tuesday, 09:00 in New York
    assert PEAK.holds(july)
    assert not PEAK.holds(july - SECOND)
    assert PEAK.ends(july) == july + 3 * HOUR


def test_nobody_off_shift_or_busy_gets_a_lead_that_waits_already() -> None:
    there = Candidate("anna", capacity=9, there_at=NOW)
    wanted = Wanted(NOW, NOW)
    rules = load_routing()
    assert for_waiting(decide([there], wanted, rules)).rep_id == "anna"
    for changes in ({"there_at": NOW + HOUR}, {"presence": "busy"}):
        absent = decide([replace(there, **changes)], wanted, rules)  # type: ignore[arg-type]
        assert absent.rep_id == "anna"
        waits = for_waiting(absent)
        assert (waits.rep_id, waits.scores) == (None, absent.scores)
    other = decide([replace(there, products=("erp",))], replace(wanted, product="crm"), rules)
    assert for_waiting(other).rep_id == "anna"


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ("deal: {hot: 60s, warm: 90s, cold: 60s}", "deal: expected hot before warm before cold"),
        ("deal: {hot: soon}", "deal.hot: expected a duration"),
        ("peaks: [{id: a, zone: Mars/Base, hours: {mon: 09:00-12:00}, hold: [cold]}]", "peaks.0.zone: unknown"),
        ("peaks: [{id: a, zone: Europe/Paris, hours: {mon: 9-12}, hold: [cold]}]", "peaks.0.hours: expected times"),
        ("peaks: [{id: a, zone: Europe/Paris, hours: {mon: 09:00-12:00}}]", "peaks.0: expected weights, give_up or"),
        ("peaks: [{id: a, zone: Europe/Paris, hours: {mon: 09:00-12:00}, hold: [lukewarm]}]", "peaks.0.hold.0: "),
        ("peaks: [{id: a, zone: Europe/Paris, hours: {mon: 09:00-12:00}, hold: [cold, cold]}]", "'cold' stands twice"),
    ],
)
def test_what_a_file_may_not_say_is_named_with_its_line(changed: str, fault: str) -> None:
    text = "weights: {geography: 1, expertise: 1, load: 1, availability: 1, performance: 1}\n" + changed
    with pytest.raises(FileFault, match=r"routing\.yaml:2: ") as raised:
        parse(RoutingRules, text, "routing.yaml", whole="routing")
    assert fault in str(raised.value)


def test_two_peaks_of_one_name_are_refused(tmp_path: Any) -> None:
    file = tmp_path / "routing.yaml"
    one = "{id: a, zone: Europe/Paris, hours: {mon: 09:00-12:00}, hold: [cold]}"
    file.write_text(
        f"weights: {{geography: 1, expertise: 1, load: 1, availability: 1, performance: 1}}\npeaks: [{one}, {one}]\n"
    )
    with pytest.raises(RoutingError, match="'a' stands twice"):
        load_routing(file)
