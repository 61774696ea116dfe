"""Who gets a lead: examples of each reason, and what holds for every team."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedlead.checked_yaml import parse
from speedlead.domain.routing_rules import RoutingRules
from speedlead.domain.scoring import (
    GIVEN_UP_FOR,
    Candidate,
    Fitting,
    Track,
    Wanted,
    decide,
    geography,
    performance,
    refused,
)
from speedlead.planbook import load_plan
from speedlead.routingbook import RoutingError, check_claim, load_routing

AT = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
RULES = load_routing()
WANTED = Wanted(AT, AT, places=("US", "US-NY"), postcode="10001", product="crm", language="de-AT")
ANNA = Candidate("anna", capacity=10, there_at=AT)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"weight": 0}, "no_share"), ({"open_leads": 10}, "rep_full"), ({"presence": "away"}, "rep_away"),
        ({"presence": "away", "away_until": AT + timedelta(minutes=1)}, "rep_away"),
        ({"presence": "busy"}, "rep_busy"), ({"there_at": None}, "no_common_hours"),
        ({"there_at": AT + timedelta(minutes=1)}, "off_shift"), ({"channels": ("email",)}, "other_channel"),
        ({"territories": ("US-TX", "DE")}, "other_territory"), ({"territories": ("US:941",)}, "other_territory"),
        ({"products": ("erp",)}, "other_product"), ({"languages": ("en", "fr")}, "other_language"),
        ({"lane": "low"}, "other_lane"),
    ],
)  # fmt: skip
def test_what_speaks_against_a_rep(changes: dict[str, Any], reason: str) -> None:
    assert refused(ANNA, WANTED) == ()
    assert refused(replace(ANNA, **changes), WANTED) == (reason,)


@pytest.mark.parametrize(
    "changes",
    [
        {"presence": "away", "away_until": AT}, {"territories": ("US",)}, {"territories": ("DE", "US-NY")},
        {"territories": ("US:100",)}, {"products": ("crm",)}, {"languages": ("de",)}, {"lane": "main"},
    ],
)  # fmt: skip
def test_what_does_not(changes: dict[str, Any]) -> None:
    assert refused(replace(ANNA, **changes), WANTED) == ()


def test_a_low_lead_goes_past_the_main_lane() -> None:
    low = replace(WANTED, low=True)
    assert refused(replace(ANNA, lane="main"), low) == ("other_lane",)
    assert refused(replace(ANNA, lane="low"), low) == ()


def test_busy_is_about_now() -> None:
    assert refused(replace(ANNA, presence="busy"), replace(WANTED, now=AT - timedelta(hours=1))) == ()


def test_the_more_exactly_a_territory_names_the_place_the_better() -> None:
    named = [replace(ANNA, territories=(t,)) for t in ("US:100-01", "US-NY", "US")]
    near, far = replace(ANNA, hours_apart=0.0), replace(ANNA, hours_apart=-9.0)
    scores = [geography(candidate, WANTED) for candidate in (*named, near, far)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 5


def test_a_wish_is_given_up_before_a_lead_has_no_owner_and_the_reason_is_kept() -> None:
    texan = replace(ANNA, territories=("US-TX",))
    off = replace(ANNA, rep_id="off", there_at=AT + timedelta(hours=3))
    assert decide([texan, off], WANTED, RULES).rep_id == "off"
    alone = decide([texan], WANTED, RULES)
    assert (alone.rep_id, alone.gave_up) == ("anna", ("other_territory",))
    strict = RULES.model_copy(update={"give_up": ("language", "shift")})
    assert decide([texan], WANTED, strict).rep_id is None
    full = replace(ANNA, open_leads=10)
    assert decide([full], WANTED, RULES).rep_id is None


def test_nobody_waits_for_hours_while_somebody_is_there() -> None:
    soon = replace(ANNA, there_at=AT + timedelta(hours=20))
    sooner = replace(ANNA, rep_id="ben", there_at=AT + timedelta(hours=2))
    assert decide([soon, sooner], WANTED, RULES).rep_id == "ben"


def test_equals_take_turns() -> None:
    waiting = [replace(ANNA, rep_id=str(n), last_assigned=AT - timedelta(hours=n)) for n in range(4)]
    assert decide(waiting, WANTED, RULES).rep_id == "3"
    assert decide([*waiting, replace(ANNA, rep_id="new")], WANTED, RULES).rep_id == "new"


def test_shares_follow_the_weights() -> None:
    team = {
        "one": replace(ANNA, rep_id="one", capacity=999),
        "three": replace(ANNA, rep_id="three", weight=3, capacity=999),
    }
    for _ in range(400):
        chosen = decide(list(team.values()), WANTED, RULES).rep_id
        assert chosen is not None
        team[chosen] = replace(team[chosen], open_leads=team[chosen].open_leads + 1)
    assert team["three"].open_leads == pytest.approx(300, abs=4)


def test_one_lucky_lead_is_no_record() -> None:
    house = Track(1000, 200, 1000, 900)
    lucky, proven = performance(Track(1, 1, 1, 1), house, 20), performance(Track(100, 40, 100, 95), house, 20)
    poor = performance(Track(100, 5, 100, 60), house, 20)
    assert 0 < poor < 0.5 < lucky < proven < 1
    assert performance(Track(), Track(), 20) == 0.5


moments = st.none() | st.integers(0, 600).map(lambda minutes: AT + timedelta(minutes=minutes))
tracks = st.builds(
    lambda of, won, timely: Track(of, min(won, of), of, min(timely, of)),
    st.integers(0, 300), st.integers(0, 300), st.integers(0, 300),
)  # fmt: skip
candidates = st.builds(
    Candidate, rep_id=st.uuids().map(str), capacity=st.integers(1, 40), open_leads=st.integers(0, 45),
    weight=st.integers(0, 5), presence=st.sampled_from(["available", "busy", "away"]), away_until=moments,
    territories=st.sampled_from([(), ("US",), ("US-NY",), ("US:9",), ("DE",)]),
    products=st.sampled_from([(), ("crm",), ("erp",)]), languages=st.sampled_from([(), ("de",), ("en",)]),
    channels=st.sampled_from([("call", "email"), ("email",)]), lane=st.sampled_from(["all", "main", "low"]),
    there_at=moments, hours_apart=st.none() | st.floats(-26, 26), track=tracks,
)  # fmt: skip
teams = st.lists(candidates, max_size=12, unique_by=lambda candidate: candidate.rep_id)
wishes = st.builds(replace, st.just(WANTED), low=st.booleans(), product=st.sampled_from([None, "crm"]))
final = {"passed_over", "no_share", "rep_full", "rep_away", "other_channel"}


@given(teams, wishes)
def test_whoever_is_chosen_may_have_it_and_fits_best(team: list[Candidate], wanted: Wanted) -> None:
    decision = decide(team, wanted, RULES)
    by_rep = {score.rep_id: score for score in decision.scores}
    assert by_rep.keys() == {candidate.rep_id for candidate in team}
    assert all(
        0 <= score.total <= 1 and all(0 <= part <= 1 for part in score.parts.values()) for score in by_rep.values()
    )
    able = [score for score in by_rep.values() if not final & set(score.refused)]
    assert (decision.rep_id is None) == (not able)
    if decision.rep_id is None:
        return
    chosen = by_rep[decision.rep_id]
    assert chosen in able
    # nobody who lacks no more than the chosen one fits better
    assert not [s for s in able if set(s.refused) <= set(chosen.refused) and s.total > chosen.total]
    free = [s for s in able if not s.refused]
    assert not free or chosen in free


@given(teams, wishes, st.randoms())
def test_the_order_of_the_team_changes_nothing(team: list[Candidate], wanted: Wanted, chance: Any) -> None:
    before = decide(team, wanted, RULES)
    chance.shuffle(team)
    assert decide(team, wanted, RULES) == before


@given(teams.filter(bool), wishes, st.integers(1, 20))
def test_more_leads_never_make_anybody_more_likely(team: list[Candidate], wanted: Wanted, more: int) -> None:
    chosen = decide(team, wanted, RULES).rep_id
    other = team[0]
    fuller = [replace(other, open_leads=other.open_leads + more), *team[1:]]
    if chosen != other.rep_id:
        assert decide(fuller, wanted, RULES).rep_id != other.rep_id or other.weight == 0


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("weights: {geography: 0, expertise: 0, load: 0, availability: 0, performance: 0}", "one weight above 0"),
        ("weights: {geography: -1, expertise: 0, load: 1, availability: 0, performance: 0}", "weights.geography"),
        ("give_up: [shift, shift]", "'shift' stands twice"), ("give_up: [capacity]", "give_up.0"),
        ("low_quality: [{lead_type: cold, time: [mon]}]", "does not depend on the hour"), ("luck: 1", "luck"),
        ("low_quality: [{region: [XX]}]", "not a country"),
    ],
)  # fmt: skip
def test_rules_that_make_no_sense_are_refused_by_line(text: str, fault: str, tmp_path: Any) -> None:
    file = tmp_path / "own.yaml"
    rest = (
        ""
        if text.startswith("weights")
        else ("weights: {geography: 1, expertise: 1, load: 1, availability: 1, performance: 1}\n")
    )
    file.write_text(rest + text)
    with pytest.raises(RoutingError, match=fault) as error:
        load_routing(file)
    assert str(error.value).startswith(f"{file}:{2 if rest else 1}:")


def test_every_wish_has_its_reasons() -> None:
    assert set(RULES.give_up) == set(GIVEN_UP_FOR)
    assert parse(RoutingRules, RULES.model_dump_json(), "own", whole="routing").weights == RULES.weights


NOW_OF_A_REP = st.fixed_dictionaries(
    {
        "open_leads": st.integers(0, 12), "capacity": st.integers(0, 12), "weight": st.integers(0, 3),
        "presence": st.sampled_from(["available", "busy", "away"]),
        "last_assigned": st.none() | st.integers(0, 99).map(lambda n: AT - timedelta(minutes=n)),
    }
)  # fmt: skip
REP = st.fixed_dictionaries(
    {
        "territories": st.sampled_from([(), ("US",), ("US-NY",), ("US:100",), ("DE",)]),
        "products": st.sampled_from([(), ("crm",), ("erp",)]), "languages": st.sampled_from([(), ("de",), ("en",)]),
        "channels": st.sampled_from([("call", "email"), ("email",)]), "lane": st.sampled_from(["all", "main", "low"]),
        "there_at": st.sampled_from([None, AT, AT + timedelta(hours=2)]),
        "hours_apart": st.none() | st.floats(-12, 12), "track": st.builds(Track, *(st.integers(0, 30),) * 4),
    }
)  # fmt: skip


@given(st.lists(st.tuples(REP, NOW_OF_A_REP, NOW_OF_A_REP, st.booleans()), min_size=1, max_size=8))
def test_what_was_worked_out_before_the_lock_changes_no_decision(team: list[Any]) -> None:
    before = [Candidate(f"r{n}", **rep, **was) for n, (rep, was, _, _) in enumerate(team)]
    then = [Candidate(f"r{n}", **rep, **now) for n, (rep, _, now, _) in enumerate(team)]
    # some have left meanwhile
    there = [rep for rep, (_, _, _, stayed) in zip(then, team, strict=True) if stayed]
    fitting = Fitting(before, WANTED, RULES)
    for people in (then, there):
        assert fitting.decide(people) == decide(people, WANTED, RULES)


def test_an_offer_to_several_needs_a_time_to_take_it() -> None:
    plan, everybody = load_plan(), {"claim": {"offer": 3}}
    rules = RULES.model_validate(RULES.model_dump() | everybody)
    check_claim(rules, plan)
    silent = plan.model_copy(update={"accept": {"hot": 60}})
    with pytest.raises(RoutingError, match="claim: warm, cold leads are offered to several, but the plan inbound"):
        check_claim(rules, silent)
    hot = RULES.model_validate(RULES.model_dump() | {"claim": {"offer": 3, "when": [{"lead_type": "hot"}]}})
    check_claim(hot, silent)
    check_claim(RULES, silent)
