"""Times from the inquiry and from the opening, on leads made by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from speedlead.lead_filter import FilterError
from speedlead.numbers.metrics import TIMES
from speedlead.numbers.read import Numbers
from speedlead.numbers.rows import Spread
from tests.numbers.cases import CAME, LATER, MONDAY, Lead, a_lead, after, period
from tests.store.hand_made import DANA, SAM


async def one(numbers: Numbers, metric: str, **fields: Any) -> Spread:
    [row] = await numbers.spread(metric, period(**fields))
    return row


@pytest.mark.parametrize("metric", TIMES)
async def test_an_empty_period_has_no_rows(numbers: Numbers, metric: str) -> None:
    assert await numbers.spread(metric, period()) == []


async def test_a_single_lead_is_every_percentile(numbers: Numbers, conn: Any) -> None:
    await a_lead(conn, first_attempt_at=after(minutes=4), open_at=CAME, first_attempt_due=after(minutes=3))
    row = await one(numbers, "first_attempt")
    assert (row.leads, row.count, row.mean, row.median, row.p90, row.p95) == (1, 1, 240, 240, 240, 240)


async def test_mean_median_p90_and_p95_are_interpolated(numbers: Numbers, conn: Any) -> None:
    for minutes in (1, 2, 3, 4, 10):
        await a_lead(conn, first_attempt_at=after(minutes=minutes))
    row = await one(numbers, "first_attempt")
    assert (row.mean, row.median) == (240, 180)
    assert (row.p90, row.p95) == (pytest.approx(240 + 0.6 * 360), pytest.approx(240 + 0.8 * 360))


async def test_the_two_clocks_differ_by_what_was_closed(numbers: Numbers, conn: Any) -> None:
    opened = after(hours=14)
    await a_lead(
        conn, open_at=opened, first_attempt_at=opened + timedelta(minutes=2),
        first_contact_at=opened + timedelta(minutes=3),
    )  # fmt: skip
    assert (await one(numbers, "first_attempt")).median == 14 * 3600 + 120
    assert (await one(numbers, "first_attempt_business")).median == 120
    assert (await one(numbers, "first_contact")).median == 14 * 3600 + 180
    assert (await one(numbers, "first_contact_business")).median == 180


async def test_an_attempt_before_the_opening_took_no_time(numbers: Numbers, conn: Any) -> None:
    await a_lead(conn, open_at=after(hours=14), first_attempt_at=after(minutes=1), first_attempt_due=after(hours=15))
    row = await one(numbers, "first_attempt_business")
    assert (row.median, row.judged, row.in_time) == (0, 1, 1)


@pytest.mark.parametrize(("late", "share"), [(0, 1.0), (0.001, 0.0)])
async def test_in_time_is_at_the_deadline_and_not_after(numbers: Numbers, conn: Any, late: float, share: float) -> None:
    due = after(minutes=3)
    await a_lead(conn, open_at=CAME, first_attempt_due=due, first_attempt_at=due + timedelta(seconds=late))
    assert (await one(numbers, "first_attempt_business")).share == share


async def test_what_is_not_due_yet_is_not_judged_and_what_is_overdue_is_late(numbers: Numbers, conn: Any) -> None:
    await a_lead(conn, open_at=CAME, first_attempt_due=after(minutes=3))
    early = await one(numbers, "first_attempt_business", at=after(minutes=2))
    assert (early.leads, early.count, early.judged, early.share) == (1, 0, 0, None)
    late = await one(numbers, "first_attempt_business", at=after(minutes=3))
    assert (late.judged, late.in_time, late.share) == (1, 0, 0.0)


async def test_a_lead_closed_before_anything_was_due_needed_no_attempt(numbers: Numbers, conn: Any) -> None:
    await a_lead(conn, open_at=CAME, first_attempt_due=after(minutes=3), closed_at=after(minutes=2))
    assert (await one(numbers, "first_attempt_business")).judged == 0


async def test_a_lead_of_the_demo_is_judged_by_its_own_clock(numbers: Numbers, conn: Any) -> None:
    await a_lead(conn, open_at=CAME, first_attempt_due=after(hours=5), clock_offset_us=3600 * 4 * 10**6)
    assert (await one(numbers, "first_attempt_business", at=after(minutes=59))).judged == 0
    assert (await one(numbers, "first_attempt_business", at=after(hours=1))).judged == 1


async def test_five_minutes_are_a_target_for_hot_leads_alone(numbers: Numbers, conn: Any) -> None:
    for lead_type in ("hot", "warm"):
        for minutes in (4, 6):
            await a_lead(conn, lead_type=lead_type, first_attempt_at=after(minutes=minutes))
    row = await one(numbers, "first_attempt")
    assert (row.count, row.judged, row.in_time) == (4, 2, 1)


async def test_a_lead_that_got_hotter_is_measured_from_its_newest_opening(numbers: Numbers, conn: Any) -> None:
    """We had called after nine minutes; two hours later a second form made it hot, and it was called within two."""
    await a_lead(conn, earlier_attempt_at=after(minutes=9), open_at=after(hours=2), first_contact_at=after(minutes=9),
                 first_attempt_at=after(hours=2, minutes=2), first_attempt_due=after(hours=2, minutes=3))  # fmt: skip
    within = await one(numbers, "first_attempt_business")
    assert (within.median, within.judged, within.in_time) == (120, 1, 1)
    first = await one(numbers, "first_attempt")
    assert (first.median, first.judged) == (540, 0), "it was not hot when it came"
    assert (await one(numbers, "first_contact")).median == 540
    assert (await one(numbers, "first_contact_business")).count == 0
    [bucket] = [row.bucket for row in await numbers.buckets(period()) if row.leads]
    assert bucket == "5-15"
    phases = {row.phase: row.median for row in await numbers.phases(period())}
    assert phases == {"acknowledgement": None, "contact": 0, "decision": None}


async def test_what_a_hotter_lead_is_owed_again_is_late_when_it_is_not_done(numbers: Numbers, conn: Any) -> None:
    await a_lead(conn, earlier_attempt_at=after(minutes=1), open_at=after(hours=2), first_attempt_due=after(hours=3))
    assert (await one(numbers, "first_attempt_business", at=after(hours=2))).judged == 0
    # it had its first attempt of all, whatever it is owed since
    assert [row.leads for row in await numbers.buckets(period(at=after(hours=2)))] == [1, 0, 0, 0, 0]
    late = await one(numbers, "first_attempt_business")
    assert (late.count, late.judged, late.in_time) == (0, 1, 0)
    [found] = await numbers.outcomes(period())
    assert found.attempted == 1


async def test_acknowledged_within_thirty_seconds(numbers: Numbers, conn: Any) -> None:
    for seconds in (2, 30, 31):
        await a_lead(conn, acknowledged_at=after(seconds=seconds))
    await a_lead(conn)
    nobody = await a_lead(conn)
    await nobody.touch("ack-1", None, "email", "skipped", purpose="acknowledgement", reason="no_email")
    row = await one(numbers, "acknowledgement")
    assert (row.leads, row.count, row.judged, row.in_time, row.median) == (5, 3, 4, 2, 30)


async def test_an_acknowledgement_that_the_law_put_off_is_due_when_it_may_go(numbers: Numbers, conn: Any) -> None:
    """A number in Hawaii at night: the text may go at eight, and the figure is still how long the lead has waited."""
    eight = after(hours=5)
    for seconds in (30, 31):
        at = after(hours=5, seconds=seconds)
        late = await a_lead(conn, acknowledged_at=at)
        await late.touch("ack-1", at, "sms", purpose="acknowledgement", put_off_to=eight)
        # what answers a second form has an hour of its own
        await late.touch("ack-2", at, "sms", purpose="acknowledgement", put_off_to=after(days=1))
    waiting = await a_lead(conn)
    await waiting.touch("ack-1-sms", None, "sms", "deferred", purpose="acknowledgement", put_off_to=eight)

    async def judged(**at: int) -> tuple[int, int, float | None]:
        row = await one(numbers, "acknowledgement", at=after(**at))
        return row.judged, row.in_time, row.median

    assert await judged(hours=5, seconds=29) == (2, 1, 18030.5)
    assert await judged(hours=5, seconds=30) == (3, 1, 18030.5)


async def test_assignment_and_acceptance_count_from_the_opening(numbers: Numbers, conn: Any) -> None:
    await a_lead(conn, open_at=after(hours=1), assigned_at=after(minutes=10), accepted_at=after(hours=1, seconds=40),
                 assign_due=after(hours=1, seconds=30))  # fmt: skip
    await a_lead(conn, open_at=CAME, assigned_at=after(seconds=50), accepted_at=after(seconds=60),
                 assign_due=after(seconds=30))  # fmt: skip
    row = await one(numbers, "assignment")
    assert (row.count, row.mean, row.judged, row.in_time) == (2, 25, 2, 1)
    assert (await one(numbers, "acceptance")).mean == 25


async def test_the_decision_counts_from_the_talk(numbers: Numbers, conn: Any) -> None:
    lead = await a_lead(conn, first_contact_at=after(hours=1), decided_at=after(hours=3))
    await lead.outcome(after(hours=1, minutes=2), "callback_requested")
    await lead.outcome(after(hours=3), "unqualified")
    early = await a_lead(conn, first_contact_at=after(hours=5), decided_at=after(hours=2))
    await early.outcome(after(hours=2), "qualified")
    row = await one(numbers, "qualification")
    assert (row.count, row.median) == (1, 2 * 3600)
    assert (await one(numbers, "decision")).mean == 2.5 * 3600
    # a meeting or a qualified lead goes to the next stage; an unqualified one does not
    assert (await one(numbers, "handling")).mean == 2 * 3600


async def sold(lead: Lead, at: datetime) -> None:
    await lead.outcome(at, "converted")


async def test_a_sale_after_the_period_counts_for_the_period_of_the_lead(numbers: Numbers, conn: Any) -> None:
    await sold(await a_lead(conn), after(days=20))
    assert (await one(numbers, "conversion")).median == 20 * 86_400
    [found] = await numbers.outcomes(period())
    assert found.converted == 1
    assert await numbers.outcomes(period(start=MONDAY + timedelta(days=19), end=MONDAY + timedelta(days=21))) == []


async def test_the_cycle_ends_with_a_decision(numbers: Numbers, conn: Any) -> None:
    await a_lead(conn, closed_at=after(days=2), stage="closed", close_reason="not_interested")
    await a_lead(conn, closed_at=after(days=8), stage="exhausted", close_reason="plan_completed")
    late = await a_lead(conn, closed_at=after(days=8), stage="exhausted", close_reason="plan_completed")
    await sold(late, after(days=12))
    await a_lead(conn, closed_at=after(days=3), decided_at=after(days=3), stage="closed", close_reason="erased")
    await a_lead(conn)
    row = await one(numbers, "cycle")
    assert (row.leads, row.count, row.mean) == (5, 2, 7 * 86_400)
    assert (await one(numbers, "decision")).count == 0


async def test_a_second_sale_to_the_same_person_is_a_repeat(numbers: Numbers, conn: Any) -> None:
    first = await a_lead(conn, created=CAME - timedelta(days=40), closed_at=CAME - timedelta(days=39))
    await sold(first, CAME - timedelta(days=39))
    again = await a_lead(conn, of=first)
    await sold(again, after(days=1))
    await sold(await a_lead(conn), after(days=1))
    row = await one(numbers, "repeat_cycle")
    assert (row.leads, row.count, row.median) == (2, 1, 40 * 86_400)
    [found] = await numbers.outcomes(period())
    assert (found.converted, found.repeated) == (2, 1)


async def test_what_does_not_count_is_left_out(numbers: Numbers, conn: Any) -> None:
    await a_lead(conn, source="flow_check", first_attempt_at=after(minutes=1))
    for reason in ("spam", "test", "duplicate", "no_budget"):
        lead = await a_lead(conn, closed_at=after(hours=1), close_reason="unqualified", stage="closed")
        await lead.outcome(after(hours=1), "unqualified", reason=reason)
    assert (await one(numbers, "first_attempt")).leads == 1


async def test_reaction_counts_from_when_the_lead_was_theirs(numbers: Numbers, conn: Any) -> None:
    """Sam let it lie for an hour; Dana called four minutes after she got it."""
    lead = await a_lead(conn, open_at=CAME, first_attempt_at=after(minutes=64), owner_id=SAM)
    await lead.given_to(SAM, after(seconds=3))
    await lead.given_to(DANA, after(minutes=60), "reassigned")
    await lead.given_to(SAM, after(hours=9), "reassigned")
    await a_lead(conn, open_at=CAME, first_attempt_at=after(minutes=2))
    row = await one(numbers, "reaction")
    assert (row.leads, row.count, row.median) == (2, 1, 240)
    assert {row.keys[0] for row in await numbers.spread("reaction", period(), "rep")} == {DANA, ""}


# ── groups, and what is asked for ────────────────────────────────────────────────────────────────────────────────────


async def test_the_hour_that_a_clock_change_repeats_is_two_hours_of_one_day(numbers: Numbers, conn: Any) -> None:
    """25 October 2026 has 25 hours in Berlin; 02:30 comes at 00:30 and at 01:30 UTC."""
    night = datetime(2026, 10, 25, tzinfo=UTC)
    for hours in (-2.5, -1.5, 0.5, 1.5, 22.5, 23.5):
        at = night + timedelta(hours=hours)
        await a_lead(conn, created=at, first_attempt_at=at + timedelta(hours=1))
    october = period(start=night - timedelta(days=2), end=night + timedelta(days=2), zone="Europe/Berlin")
    days = await numbers.spread("first_attempt", october, "day")
    assert [(row.group, row.leads, row.mean) for row in days] == [
        ("2026-10-24", 1, 3600), ("2026-10-25", 4, 3600), ("2026-10-26", 1, 3600),
    ]  # fmt: skip
    hours = await numbers.spread("first_attempt", october, "hour")
    assert [row.group for row in hours[2:4]] == ["2026-10-25T00:00Z", "2026-10-25T01:00Z"]


@pytest.mark.parametrize(
    ("by", "wanted"),
    [
        ("type", [("hot",), ("warm",)]), ("source", [("organic",), ("paid_ads",)]), ("channel", [("chat",), ("form",)]),
        ("country", [("DE",), ("US",)]), ("region", [("",), ("US-NY",)]), ("segment", [("",), ("clinic",)]),
        ("team", [("nobody's leads",), ("north",)]), ("rep", [("",), (SAM,)]), ("plan", [("inbound:3",)]),
        ("cover", [("inside",), ("outside",)]), ("target", [("hot",), ("warm",)]), ("week", [("2026-W47",)]),
        ("intent", [("demo_request",), ("pricing",)]),
        ("source+segment+channel", [("organic", "", "form"), ("paid_ads", "clinic", "chat")]),
    ],
)  # fmt: skip
async def test_groups(numbers: Numbers, conn: Any, by: str, wanted: list[tuple[str, ...]]) -> None:
    await a_lead(conn, country="US", region="US-NY", owner_id=SAM, open_at=CAME, first_attempt_target="hot")
    other = await a_lead(conn, lead_type="warm", source="paid_ads", country="DE", segment="clinic", intent="pricing",
                         open_at=after(hours=1), first_attempt_target="warm")  # fmt: skip
    await conn.execute("update inquiry set channel = 'chat' where lead_id = $1", other.id)
    found = [row.keys for row in await numbers.spread("first_attempt", period(), by)]
    if by == "plan":
        assert len(found) == 1
        assert found[0][0].startswith("inbound:")
    else:
        assert found == wanted


@pytest.mark.parametrize(
    "fields",
    [
        {"lead_type": "warm"}, {"source": "paid_ads"}, {"channel": "chat"}, {"country": "DE"}, {"region": "DE-BE"},
        {"rep_id": DANA}, {"team": "everybody"}, {"plan": "other"}, {"plan": "other", "plan_version": 2},
        {"start": CAME + timedelta(minutes=1)}, {"variant": "short-mail:short"},
    ],
)  # fmt: skip
async def test_filters(numbers: Numbers, conn: Any, fields: dict[str, Any]) -> None:
    await a_lead(conn, owner_id=SAM, first_attempt_at=after(minutes=1))
    await conn.execute("insert into plan (id, version, body, sha256) values ('other', 2, '{}', 'y')")
    wanted = await a_lead(
        conn, lead_type="warm", source="paid_ads", country="DE", region="DE-BE", owner_id=DANA, plan_id="other",
        plan_version=2, created=after(minutes=1), first_attempt_at=after(minutes=8),
        variants=["other:control", "short-mail:short"],
    )  # fmt: skip
    await conn.execute("update inquiry set channel = 'chat' where lead_id = $1", wanted.id)
    row = await one(numbers, "first_attempt", **fields)
    assert (row.leads, row.median) == (1, 420)


async def test_leads_that_nobody_had_are_a_team_of_their_own(numbers: Numbers, conn: Any) -> None:
    await a_lead(conn, owner_id=SAM)
    await a_lead(conn)
    assert [(await one(numbers, "decision", team=team)).leads for team in ("nobody's leads", "north")] == [1, 1]
    assert await numbers.spread("decision", period(team="nobody's leads", rep_id=SAM)) == []
    assert await numbers.spread("decision", period(team="south")) == [], "a team that nobody is in"


async def test_a_period_holds_its_first_instant_and_not_its_last(numbers: Numbers, conn: Any) -> None:
    await a_lead(conn, created=MONDAY)
    await a_lead(conn, created=MONDAY + timedelta(days=1))
    assert (await one(numbers, "decision")).leads == 1


@pytest.mark.parametrize(
    ("metric", "fields", "by", "said"),
    [
        ("speed", {}, None, "metric: expected acknowledgement, "), ("buckets", {}, None, "metric: expected"),
        ("cycle", {}, "colour", "by: expected type, "),
    ],
)  # fmt: skip
async def test_a_name_that_is_not_known_is_refused(
    numbers: Numbers, metric: str, fields: dict[str, Any], by: str | None, said: str
) -> None:
    with pytest.raises(FilterError, match=said):
        await numbers.spread(metric, period(**fields), by)


async def test_the_figures_are_the_same_a_week_later_once_everything_is_due(numbers: Numbers, conn: Any) -> None:
    await a_lead(conn, open_at=CAME, first_attempt_due=after(minutes=3), first_attempt_at=after(minutes=2))
    for metric in TIMES:
        later = await numbers.spread(metric, period(at=LATER + timedelta(days=7)))
        assert await numbers.spread(metric, period()) == later
