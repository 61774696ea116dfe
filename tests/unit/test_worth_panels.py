"""What the panels about worth and changes say, as pure functions of figures."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import get_args

import pytest

from speedlead.gateway.numbers import marks
from speedlead.gateway.numbers.timeline import Slot, timeline
from speedlead.gateway.numbers.worth import BETTER, FELL, FELL_FASTER, WORSE, _verdict, guardrail, missed
from speedlead.numbers.books import Money
from speedlead.numbers.changes import Change, Kind, Mark
from speedlead.numbers.filters import Filter
from speedlead.numbers.worth import Risk, Scenario, Worth
from speedlead.roi.evidence import evidence
from speedlead.roi.scenarios import share_of, shares

AT = datetime(2026, 11, 16, 9, tzinfo=UTC)


def worth(mean: float, *, deals: int = 40, median: float = 60.0, currency: str = "EUR") -> Worth:
    money = Money(currency, deals, Decimal(0), mean, 100.0, deals, Decimal(0), 0, None, 0, None)
    return Worth("all", "", 1000, deals, 0, 0, deals, median, (money,))


@pytest.mark.parametrize(
    ("now", "old", "says"),
    [
        (worth(800), worth(1000, median=90), FELL_FASTER),
        (worth(800, median=90), worth(1000), FELL),
        (worth(1200), worth(1000, median=90), "rose by more than chance explains"),
        (worth(980), worth(1000, median=90), "as before, as far as chance allows"),
        (worth(1), worth(1000, deals=29), "under 30 deals in one of them: nothing can be said"),
        (worth(1), worth(1000, currency="USD"), "under 30 deals in one of them: nothing can be said"),
        (worth(1), None, "under 30 deals in one of them: nothing can be said"),
    ],
)
def test_deal_value_is_guarded_against_the_period_before(now: Worth, old: Worth | None, says: str) -> None:
    assert guardrail(now, now.money[0], old) == says


def test_missed_contracts_are_estimated_from_enough_leads_alone() -> None:
    row = Risk("form", "enterprise", 100, 90, 50, 20, 6, 0)
    assert missed(row) == pytest.approx(40 * (20 / 50 - 6 / 40))
    assert missed(replace(row, won_late=30)) == 0, "late leads bought more often: nothing was missed"
    assert missed(replace(row, judged=69)) is None, "19 late leads"


def test_a_scenario_is_judged_against_what_else_met_the_same_leads() -> None:
    good = Scenario("inbound:1", "", "type", "hot", "form", 200, 60, 0, 0, 60)
    bad = replace(good, plan="inbound:2", won=20)
    assert [_verdict(one, [good, bad]) for one in (good, bad)] == [BETTER, WORSE]
    assert _verdict(good, [good, replace(bad, won=58)]) == "not told apart from chance"
    assert _verdict(good, [good]) == "nothing else was tried here"
    assert _verdict(replace(good, leads=19), [good, bad]) == "under 20 leads: too few"


def test_every_kind_of_change_has_a_title() -> None:
    assert set(marks.KINDS) == set(get_args(Kind))

    def title(kind: str, *changes: tuple[str, int]) -> str:
        return marks.title(Mark(AT, kind, tuple(Change(AT, kind, what, many) for what, many in changes)))

    assert title("plan", ("inbound:5", 1)) == "Plan inbound:5"
    assert title("routing", ("file", 1)) == "Routing file"
    assert title("people", ("added", 2), ("hours", 1), ("added", 1)) == "People: 3 added, 1 with other hours"
    assert title("text", *((f"email/{n}", 1) for n in range(5))) == "Texts email/0, email/1, email/2 and 2 more"


def test_marks_lie_where_they_happened_and_nothing_typed_is_markup() -> None:
    drawn = str(timeline([Slot("<b>", 0.5), Slot("2", None), Slot("3", 1.0), Slot("4", 0.2)], [1.0, 1.02, 3.0], "<i>"))
    assert [part for part in ('x1="25.00%"', 'x1="25.50%"', 'x1="75.00%"') if part not in drawn] == []
    assert "<b>" not in drawn
    assert "<i>" not in drawn
    assert str(timeline([], [], "x")).startswith("<svg")
    listed = str(marks._listed([], AT))
    assert listed == '<ol class="marks"></ol>'


@pytest.mark.parametrize(("cell", "share"), [("8 %", 0.08), ("−35 %", -0.35), ("+28 %", 0.28), ("24 h", None)])
def test_the_share_of_a_cell(cell: str, share: float | None) -> None:
    assert share_of(cell) == (share if share is None else pytest.approx(share))


def test_every_case_table_has_a_picture() -> None:
    assert [len(shares(table)) for table in evidence().tables] == [10, 10, 10, 4]


def test_a_period_moves_by_whole_weeks_into_last_year() -> None:
    wanted = Filter.of({"period": "7d", "source": "organic"}, AT)
    year, before = wanted.a_year_before(), wanted.before()
    assert (year.start.weekday(), wanted.start - year.start) == (wanted.start.weekday(), timedelta(weeks=52))
    assert (before.end, before.start) == (wanted.start, wanted.start - timedelta(days=7))
    assert (year.source, year.taken_at, year.query()["from"]) == ("organic", AT, "2025-11-10T09:00:00Z")
