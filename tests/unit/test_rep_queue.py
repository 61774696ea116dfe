"""What a rep owes, and in which order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedlead.domain.rep_queue import SOON, Situation, Work, owed, place_in_queue

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def away(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def lead(**known: Any) -> Situation:
    return Situation(now=NOW, created_at=known.pop("created_at", away(-60)), **known)


@pytest.mark.parametrize(
    ("known", "work", "at"),
    [
        ({"offered": True, "offered_due": away(1), "asked": True}, Work.ACCEPT, away(1)),
        ({"offered": True, "first_attempt_due": away(2)}, Work.ACCEPT, away(2)),
        ({"asked": True, "answer_due": away(8), "undecided": True, "next_at": away(3)}, Work.ANSWER, away(8)),
        ({"asked": True, "next_at": away(3)}, Work.ANSWER, away(3)),
        ({"undecided": True, "next_at": away(60)}, Work.OUTCOME, away(60)),
        ({"undecided": True, "calling": True}, Work.CALL, None),
        ({"first_attempt_due": away(-1), "next_at": away(5)}, Work.CALL, away(-1)),
        ({"next_is_call": True, "next_at": NOW + SOON}, Work.CALL, NOW + SOON),
        ({"next_is_call": True, "next_at": away(30.1)}, Work.LATER, away(30.1)),
        ({"next_at": away(1)}, Work.LATER, away(1)),  # an e-mail goes by itself
        ({}, Work.LATER, None),
    ],
)  # fmt: skip
def test_a_lead_waits_for_the_first_that_holds(known: dict[str, Any], work: Work, at: datetime | None) -> None:
    found = owed(lead(**known))
    assert (found.work, found.at) == (work, at)


SITUATIONS = st.builds(
    lead,
    offered=st.booleans(), asked=st.booleans(), calling=st.booleans(), undecided=st.booleans(),
    next_is_call=st.booleans(),
    **{
        name: st.none() | st.integers(-600, 600).map(away)
        for name in ("offered_due", "answer_due", "first_attempt_due", "next_at")
    },
)  # fmt: skip


@given(st.lists(SITUATIONS, max_size=12))
def test_the_queue_goes_by_kind_then_by_deadline_and_loses_nobody(leads: list[Situation]) -> None:
    ordered = [owed(one) for one in sorted(leads, key=place_in_queue)]
    assert [one.work for one in ordered] == sorted(one.work for one in ordered)
    for work in Work:
        times = [one.at for one in ordered if one.work is work]
        dated = [at for at in times if at is not None]
        assert dated == sorted(dated)
        assert times == [*dated, *[None] * (len(times) - len(dated))]
