"""Business closures: the corrections to what the library says of a whole country."""

from datetime import date

import pytest

from speedlead.closures import HolidayClosures, version


@pytest.fixture(scope="module")
def closures() -> HolidayClosures:
    return HolidayClosures(range(2026, 2029))


def test_a_known_state_has_its_own_list(closures: HolidayClosures) -> None:
    national = closures.closed(("US",))
    assert date(2026, 11, 26) in national
    assert date(2027, 7, 5) in national  # observed
    # a state's list replaces the national one: Texas works on Columbus Day and rests on San Jacinto Day
    texas = closures.closed(("US", "US-TX"))
    assert date(2026, 11, 26) in texas
    assert date(2026, 10, 12) in national - texas
    assert date(2026, 4, 21) in texas - national
    assert closures.closed(("US", "FR")) == national | closures.closed(("FR",))


def test_britain_without_a_nation_means_england(closures: HolidayClosures) -> None:
    assert date(2027, 3, 29) in closures.closed(("GB",))  # Easter Monday, missing from the library's United Kingdom
    assert closures.closed(("GB",)) == closures.closed(("GB", "GB-ENG"))
    assert date(2027, 3, 29) not in closures.closed(("GB", "GB-SCT"))


def test_malaysia_without_a_state_means_every_state(closures: HolidayClosures) -> None:
    assert date(2026, 11, 8) in closures.closed(("MY",))  # Deepavali, missing from the library's Malaysia
    assert date(2027, 1, 1) in closures.closed(("MY",))


def test_unknown_places_have_no_closures_and_answers_are_kept(closures: HolidayClosures) -> None:
    assert closures.closed(()) == frozenset()
    assert closures.closed(("ZZ", "US-XX")) == closures.closed(("US",))
    assert closures.closed(("US",)) is closures.closed(("US",))
    assert version().count(".") >= 1


@pytest.mark.parametrize(
    ("island", "day"),
    [
        ("GB-IM", date(2026, 7, 6)),  # Tynwald Day
        ("GB-GG", date(2028, 5, 9)),  # Liberation Day
        ("GB-JE", date(2028, 5, 9)),
    ],
)
def test_an_island_of_the_crown_keeps_its_own_holidays(island: str, day: date) -> None:
    closures = HolidayClosures()
    assert day in closures.closed(("GB", island))
    assert day not in closures.closed(("GB",))
    assert date(2026, 12, 25) in closures.closed(("GB", island))


def test_a_number_of_several_states_keeps_the_days_of_each() -> None:
    closed = HolidayClosures().closed(("AU", "AU-SA", "AU-WA", "AU-NT"))
    of_one_state = {date(2026, 3, 9), date(2026, 6, 1), date(2026, 8, 3)}  # Adelaide Cup, WA Day, NT Picnic Day
    assert of_one_state <= closed
    assert not of_one_state & HolidayClosures().closed(("AU",))
