"""What must hold for any policy, any zones and any instant; instants are drawn close to changes of the clocks."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from speedlead.domain.calendar import (
    NEVER,
    Cap,
    Interval,
    Policy,
    Weekly,
    ZonePolicy,
    add_local_days,
    next_admissible,
    next_permitted,
    offset_at,
    open_until,
    permitted,
    why_not,
)
from tests.unit.calendar_oracle import ZONES, changes_between
from tests.unit.calendar_oracle import next_permitted as oracle_next
from tests.unit.calendar_oracle import permitted as oracle_permitted

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# times of day at which the clocks change, and ordinary ones
MINUTES = st.one_of(
    st.sampled_from([0, 30, 60, 75, 90, 105, 120, 135, 150, 165, 180, 540, 1080, 1260, 1380, 1410, 1440]),
    st.integers(0, 1440),
)
INTERVALS = st.tuples(MINUTES, MINUTES).filter(lambda pair: pair[0] < pair[1])
# dates on which, or beside which, clocks change: the ones that `instants` is near
DAYS = sorted({at.date() for zone in ZONES for at in changes_between(zone, 2026, 2028)})
WEEKS: st.SearchStrategy[Weekly] = st.dictionaries(st.integers(0, 6), st.lists(INTERVALS, max_size=3).map(tuple))


@st.composite
def instants(draw: st.DrawFn, zone: str | None = None) -> datetime:
    """Mostly within two days of a change of the clocks of some zone, to the microsecond."""
    changes = changes_between(zone or draw(st.sampled_from(ZONES)), 2026, 2028) or (datetime(2026, 6, 1, tzinfo=UTC),)
    near = draw(st.sampled_from(changes))
    span = draw(st.sampled_from([3600, 26 * 3600, 9 * 86_400]))
    at = near + timedelta(seconds=draw(st.integers(-span, span)))
    return at.replace(microsecond=draw(st.sampled_from([0, 0, 1, 999_999])))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    days = st.frozensets(st.one_of(st.sampled_from(DAYS), st.dates(date(2026, 1, 1), date(2028, 12, 31))), max_size=8)
    business = draw(st.one_of(st.none(), WEEKS, st.just(dict.fromkeys(range(5), ((540, 1080),)))))
    return Policy(business, draw(WEEKS), draw(days), draw(days))


@st.composite
def rule_sets(draw: st.DrawFn, most: int = 3) -> list[ZonePolicy]:
    count = draw(st.integers(1, most))
    rules = []
    for number in range(count):
        since = draw(st.one_of(st.none(), st.dates(date(2026, 1, 1), date(2028, 12, 31))))
        until = draw(st.one_of(st.none(), st.dates(date(2026, 1, 1), date(2028, 12, 31))))
        rules.append(ZonePolicy(draw(st.sampled_from(ZONES)), draw(policies()), f"rule-{number}", since, until))
    return rules


SLOTS = st.one_of(st.none(), st.none(), INTERVALS)


@given(rule_sets(), instants(), SLOTS)
@settings(max_examples=400, deadline=None)
def test_the_answer_is_permitted_idempotent_and_not_early(
    rules: list[ZonePolicy], at: datetime, slot: Interval | None
) -> None:
    found = next_permitted(at, rules, slot=slot)
    assume(found is not None)
    assert found is not None
    assert found >= at
    assert permitted(found, rules, slot)
    assert why_not(found, rules, slot) == ()
    assert next_permitted(found, rules, slot=slot) == found
    assert found == at or (found.second, found.microsecond) == (0, 0)
    assert found <= at + timedelta(days=60)


@given(rule_sets(), instants(), SLOTS)
@settings(max_examples=400, deadline=None)
def test_permitted_and_its_reasons_agree_with_the_definition(
    rules: list[ZonePolicy], at: datetime, slot: Interval | None
) -> None:
    assert permitted(at, rules, slot) == oracle_permitted(at, rules, slot) == (why_not(at, rules, slot) == ())


@given(rule_sets(most=2), instants(), SLOTS)
@settings(max_examples=150, deadline=None)
def test_the_answer_is_the_one_a_scan_of_every_minute_finds(
    rules: list[ZonePolicy], at: datetime, slot: Interval | None
) -> None:
    latest = at + timedelta(hours=40)
    assert next_permitted(at, rules, slot=slot, latest=latest) == oracle_next(at, rules, slot, latest)


@given(rule_sets(most=1), instants(), st.data())
@settings(max_examples=200, deadline=None)
def test_nothing_before_the_answer_is_permitted(rules: list[ZonePolicy], at: datetime, data: st.DataObject) -> None:
    found = next_permitted(at, rules) or at + timedelta(days=60)
    if found == at:
        return
    gap = int((found - at).total_seconds() * 1_000_000)
    between = at + timedelta(microseconds=data.draw(st.integers(0, max(gap - 1, 0))))
    assert not permitted(between, rules)


@given(rule_sets(), instants(), st.integers(0, 10 * 86_400), SLOTS)
@settings(max_examples=200, deadline=None)
def test_asking_later_never_gives_an_earlier_answer(
    rules: list[ZonePolicy], at: datetime, later_s: int, slot: Interval | None
) -> None:
    first = next_permitted(at, rules, slot=slot)
    second = next_permitted(at + timedelta(seconds=later_s), rules, slot=slot)
    assume(first is not None and second is not None)
    assert first is not None
    assert second is not None
    assert first <= second


@given(rule_sets(), rule_sets(most=1), instants())
@settings(max_examples=200, deadline=None)
def test_order_does_not_matter_and_more_rules_are_never_earlier(
    rules: list[ZonePolicy], more: list[ZonePolicy], at: datetime
) -> None:
    latest = at + timedelta(days=20)
    found = next_permitted(at, rules, latest=latest)
    assert next_permitted(at, rules[::-1], latest=latest) == found
    with_more = next_permitted(at, rules + more, latest=latest)
    assert with_more is None or (found is not None and found <= with_more)


@given(policies(), WEEKS, st.sampled_from(ZONES), instants())
@settings(max_examples=200, deadline=None)
def test_more_quiet_and_more_holidays_are_never_earlier(policy: Policy, week: Weekly, zone: str, at: datetime) -> None:
    merged = {d: policy.quiet.get(d, ()) + week.get(d, ()) for d in range(7)}
    stricter = Policy(policy.business, merged, policy.holidays | {at.date()}, policy.quiet_dates)
    loose = next_permitted(at, [ZonePolicy(zone, policy, "x")])
    strict = next_permitted(at, [ZonePolicy(zone, stricter, "x")])
    assert strict is None or (loose is not None and loose <= strict)


@given(WEEKS, WEEKS, st.sampled_from(["UTC", "Asia/Kolkata", "Etc/GMT+9"]), instants(), st.integers(-20, 20))
@settings(max_examples=200, deadline=None)
def test_with_a_fixed_offset_whole_weeks_shift_the_answer(
    business: Weekly, quiet: Weekly, zone: str, at: datetime, weeks: int
) -> None:
    rule = [ZonePolicy(zone, Policy(business, quiet), "x")]
    shift = timedelta(weeks=weeks)
    found = next_permitted(at, rule)
    assert next_permitted(at + shift, rule) == (found and found + shift)


@given(rule_sets(), instants())
@settings(max_examples=150, deadline=None)
def test_a_window_is_open_to_its_end_and_shut_there(rules: list[ZonePolicy], at: datetime) -> None:
    found = next_permitted(at, rules)
    assume(found is not None)
    assert found is not None
    end = open_until(found, rules)
    if end is None:
        assert permitted(found + timedelta(days=8), rules)
        return
    assert not permitted(end, rules)
    for part in (0.0, 0.3, 0.7, 0.999):
        assert permitted(found + (end - found) * part, rules)


@given(
    st.sampled_from(ZONES),
    st.lists(st.integers(0, 3 * 86_400), max_size=6),
    st.integers(1, 3),
    st.sampled_from([3600, 86_400, 90_000]),
    st.booleans(),
    instants(),
)
@settings(max_examples=200, deadline=None)
def test_no_window_and_no_local_day_ever_holds_more_than_the_cap(
    zone: str, back: list[int], most: int, window_s: int, per_day: bool, at: datetime
) -> None:
    rules = [ZonePolicy(zone, Policy(dict.fromkeys(range(7), ((0, 1410),)), NEVER), "x")]
    cap = Cap(most, None, True, 300, "x") if per_day else Cap(most, window_s, False, 300, "x")
    history = [at - timedelta(seconds=seconds) for seconds in back]
    found = next_admissible(at, rules, [cap], history)
    assert found is not None

    def local_date(t: datetime) -> date:
        second = int((t - EPOCH) // timedelta(seconds=1))
        return (EPOCH + timedelta(seconds=second + offset_at(zone, second))).date()

    def admissible(t: datetime) -> bool:
        counted = [
            h for h in history if (local_date(h) == local_date(t) if per_day else t - h < timedelta(seconds=window_s))
        ]
        return (
            len(counted) < most and (not history or t >= max(history) + timedelta(seconds=300)) and permitted(t, rules)
        )

    assert admissible(found)
    step = (found - at) / 40
    assert not any(admissible(at + step * k) for k in range(40) if at + step * k < found)


@given(st.sampled_from(ZONES), instants(), st.integers(1, 7))
@settings(max_examples=200, deadline=None)
def test_a_local_day_begins_where_its_date_does(zone: str, at: datetime, days: int) -> None:
    start = add_local_days(at, days, [zone])

    def local_date(second: int) -> date:
        return (EPOCH + timedelta(seconds=second + offset_at(zone, second))).date()

    second = int(start.timestamp())
    wanted = local_date(int((at - EPOCH) // timedelta(seconds=1))) + timedelta(days=days)
    assert local_date(second) >= wanted > local_date(second - 1)
