"""Times that a lead may choose: never over something busy, beyond a shift, out of the law's hours, or in a gap."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedlead.booking.rulebook import BookingError, load_booking
from speedlead.domain.booking import BookingRules, aligned, common, joined, open_spans, starts
from speedlead.domain.calendar import permitted
from speedlead.domain.hours import NEVER, Policy, ZonePolicy
from speedlead.times import local

ZONES = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago"]
# around changes of the clock: two of New York, Berlin's, Lord Howe's half hour, Santiago's at midnight
DAYS = [
    datetime(year, month, day, tzinfo=UTC)
    for year, month, day in ((2027, 3, 13), (2026, 10, 31), (2027, 3, 27), (2027, 4, 3), (2026, 9, 5), (2026, 11, 23))
]
RULES = BookingRules.model_validate({"notice": "30m", "horizon": "3d", "before": "5m"})

minutes = st.integers(0, 3 * 1440).map(lambda n: timedelta(minutes=n))
spans = st.lists(st.tuples(minutes, minutes.map(lambda n: n / 20 + timedelta(minutes=1))), max_size=6)
weeks = st.tuples(st.integers(0, 1380), st.integers(1, 1440)).map(
    lambda pair: {day: ((pair[0], min(pair[0] + pair[1], 1440)),) for day in range(7)}
)


@given(
    day=st.sampled_from(DAYS), theirs=st.sampled_from(ZONES), ours=st.sampled_from(ZONES), law=weeks, shift=weeks,
    taken=spans, length=st.sampled_from([900, 1800, 5400]), step=st.sampled_from([900, 1800, 3600]),
    before=st.sampled_from([0, 300]), after=st.sampled_from([0, 600]),
)  # fmt: skip
def test_every_time_that_is_offered_is_lawful_on_shift_free_and_real(
    day: datetime, theirs: str, ours: str, law: dict[int, tuple[tuple[int, int], ...]],
    shift: dict[int, tuple[tuple[int, int], ...]], taken: list[tuple[timedelta, timedelta]], length: int, step: int,
    before: int, after: int,
) -> None:  # fmt: skip
    rules = RULES.model_copy(update={"length": length, "step": step, "before": before, "after": after})
    lawful, on_shift = [ZonePolicy(theirs, Policy(law, NEVER), "law")], [ZonePolicy(ours, Policy(shift, NEVER), "team")]
    end = day + timedelta(days=4)
    busy = [(day + at, day + at + long) for at, long in taken]
    both = list(common(joined(open_spans(lawful, day, end)), joined(open_spans(on_shift, day, end))))
    found = starts(both, busy, rules, theirs, day)
    assert found == sorted(set(found))
    for at in found:
        over = at + timedelta(seconds=length)
        shown = local(at, theirs)
        # on full steps of a clock that really shows this time
        assert (shown.hour * 3600 + shown.minute * 60 + shown.second) % step == 0
        assert day + timedelta(minutes=30) <= at <= day + timedelta(days=3)
        for minute in range(length // 60):
            assert permitted(at + timedelta(minutes=minute), [*lawful, *on_shift])
        free_from, free_until = at - timedelta(seconds=before), over + timedelta(seconds=after)
        assert not any(start < free_until and free_from < until for start, until in busy)


@given(day=st.sampled_from(DAYS), zone=st.sampled_from(ZONES), taken=spans)
def test_no_time_that_fits_is_left_out(day: datetime, zone: str, taken: list[tuple[timedelta, timedelta]]) -> None:
    busy = [(day + at, day + at + long) for at, long in taken]
    whole = [(day, day + timedelta(days=4))]
    found = set(starts(whole, busy, RULES, zone, day))
    at = aligned(day + timedelta(seconds=RULES.notice), RULES.step, zone)
    while at <= day + timedelta(seconds=RULES.horizon):
        free_from, free_until = at - timedelta(minutes=5), at + timedelta(minutes=40)  # 5 before, 30 long, 10 after
        fits = not any(start < free_until and free_from < until for start, until in busy)
        shown = local(at, zone)
        if (shown.hour * 60 + shown.minute) % 30 == 0:
            assert (at in found) == fits
        at += timedelta(minutes=5)


def test_a_time_that_a_change_of_the_clock_skips_is_no_time_and_one_that_it_repeats_is_two() -> None:
    night = datetime(2027, 3, 14, 5, tzinfo=UTC)  # midnight in New York; at 2:00 it becomes 3:00
    rules = RULES.model_copy(update={"notice": 0})
    shown = [local(at, "America/New_York").hour for at in starts([(night, night + timedelta(hours=3))], [], rules,
             "America/New_York", night)]  # fmt: skip
    assert shown == [0, 0, 1, 1, 3, 3]
    night = datetime(2026, 11, 1, 4, tzinfo=UTC)
    shown = [local(at, "America/New_York").hour for at in starts([(night, night + timedelta(hours=4))], [], rules,
             "America/New_York", night)]  # fmt: skip
    assert shown == [0, 0, 1, 1, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("length: 1m", "1: length: expected a length from 5m to 8h"),
        ("step: 7m", "1: step: expected a step of 5m or more that a day is made of"),
        ("notice: 2d\nhorizon: 1d", "notice: expected less than horizon"),
        ("teams:\n  sales: []", "2: teams.sales:"),
        ("hours: 9", "1: hours:"),
    ],
)
def test_a_wrong_rule_is_named_with_its_line(tmp_path_factory: pytest.TempPathFactory, text: str, said: str) -> None:
    file = tmp_path_factory.mktemp("booking") / "booking.yaml"
    file.write_text(text)
    with pytest.raises(BookingError) as refused:
        load_booking(file)
    assert said in str(refused.value)
