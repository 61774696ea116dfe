"""Every call result and every outcome has exactly one effect."""

from itertools import combinations

from speedlead.domain.outcomes import (
    BAD_NUMBER,
    ENDS_LEAD,
    KEEPS_OPEN,
    NOT_AN_ATTEMPT,
    NOT_REACHED,
    STOPS_PLAN,
    CallResult,
    Outcome,
    Stage,
)


def test_every_call_result_belongs_to_one_group() -> None:
    groups = [NOT_REACHED, BAD_NUMBER, NOT_AN_ATTEMPT, {CallResult.CONNECTED}]
    assert set().union(*groups) == set(CallResult)
    assert not any(a & b for a, b in combinations(groups, 2))


def test_every_outcome_ends_the_lead_keeps_it_open_or_names_a_moment() -> None:
    assert set(ENDS_LEAD) | set(KEEPS_OPEN) | {Outcome.CALLBACK_REQUESTED} == set(Outcome)
    assert not set(ENDS_LEAD) & set(KEEPS_OPEN)


def test_a_callback_and_an_opt_out_of_one_channel_do_not_stop_the_whole_plan() -> None:
    assert set(Outcome) - STOPS_PLAN == {Outcome.CALLBACK_REQUESTED, Outcome.DO_NOT_CONTACT}


def test_only_a_sale_and_a_qualified_lead_end_better_than_closed() -> None:
    assert {o.value: s for o, s in ENDS_LEAD.items() if s is not Stage.CLOSED} == {
        "qualified": Stage.QUALIFIED,
        "converted": Stage.CONVERTED,
    }
