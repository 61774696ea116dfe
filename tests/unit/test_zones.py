"""How clues become a belief and a legal union."""

from hypothesis import given
from hypothesis import strategies as st

from speedlead.domain.zones import UNKNOWN, Clue, combine

NY, CHI, LA, PHX = "America/New_York", "America/Chicago", "America/Los_Angeles", "America/Phoenix"


def test_nothing_known_is_unknown() -> None:
    assert combine([]) == UNKNOWN
    assert combine([Clue("postcode", (), ("US",), "empty")]) == UNKNOWN


def test_clues_that_agree_narrow_each_other() -> None:
    place = combine(
        [Clue("mobile", (NY, CHI), ("US", "US-FL"), "phone"), Clue("postcode", (CHI,), ("US", "US-FL"), "zip")]
    )
    assert (place.zones, place.business_zones) == ((CHI,), (CHI,))
    assert place.jurisdictions == ("US", "US-FL")
    assert place.why == ("zip", "phone")


def test_clues_that_disagree_both_count_for_law_and_the_stronger_for_business() -> None:
    place = combine([Clue("mobile", (NY,), ("US", "US-FL"), "phone"), Clue("tz", (LA,), ("US",), "browser")])
    assert (place.zones, place.business_zones) == ((LA, NY), (LA,))
    assert place.jurisdictions == ("US", "US-FL")
    assert place.presumed == ()
    assert "against it: law follows both" in place.why[-1]


def test_a_number_against_an_address_is_only_presumed() -> None:
    place = combine([Clue("mobile", (NY,), ("US", "US-FL"), "phone"), Clue("postcode", (LA,), ("US", "US-CA"), "zip")])
    assert place.jurisdictions == ("US", "US-CA")
    assert place.presumed == ("US-FL",)


def test_every_zone_and_jurisdiction_says_what_names_it() -> None:
    clues = [Clue("tz", (LA,), ("US",), "browser"), Clue("mobile", (NY,), ("US", "US-FL"), "phone"),
             Clue("country", (NY, LA), ("US",), "country")]  # fmt: skip
    assert dict(combine(clues).named_by) == {
        LA: ("browser",), NY: ("phone",), "US": ("browser", "phone"), "US-FL": ("phone",)}  # fmt: skip
    assert dict(combine(clues[2:]).named_by)["US"] == ("country",)


def test_a_country_never_widens_what_is_known_inside_it_but_another_country_does() -> None:
    everywhere = Clue("country", (NY, CHI, LA), ("US",), "country")
    inside = combine(
        [Clue("tz", ("Asia/Kolkata",), ("IN",), "browser"), Clue("mobile", (NY,), ("US",), "phone"), everywhere]
    )
    assert inside.zones == ("Asia/Kolkata", NY)
    outside = combine([Clue("tz", ("Asia/Kolkata",), ("IN",), "browser"), everywhere])
    assert outside.zones == ("Asia/Kolkata", NY, CHI, LA)
    assert outside.zones_in("IN") == ("Asia/Kolkata",)
    assert outside.zones_in("US") == (NY, CHI, LA)
    assert outside.zones_in("FR") == outside.zones


def test_zones_with_equal_offsets_are_one_under_the_strongest_clues_name() -> None:
    same = {"Europe/Dublin": "Europe/London"}
    place = combine(
        [Clue("landline", ("Europe/London",), ("IE",), "phone"), Clue("tz", ("Europe/Dublin",), ("IE",), "browser")],
        lambda zone: same.get(zone, zone),
    )
    assert place.zones == ("Europe/Dublin",)


CLUES = st.lists(
    st.builds(
        Clue,
        st.sampled_from(["tz", "postcode", "region", "landline", "mobile", "country"]),
        st.lists(st.sampled_from([NY, CHI, LA, PHX]), min_size=1, unique=True).map(tuple),
        st.sampled_from([("US",), ("US", "US-FL"), ("CA",)]),
        st.just("clue"),
    ),
    min_size=1,
    max_size=5,
)


@given(CLUES)
def test_the_belief_is_in_the_law_and_every_located_clue_is_heard(clues: list[Clue]) -> None:
    place = combine(clues)
    assert place.known
    assert place.business_zones
    assert set(place.business_zones) <= set(place.zones)
    for clue in clues:
        assert clue.source == "country" or set(clue.zones) & set(place.zones)
        assert set(clue.jurisdictions) <= {*place.jurisdictions, *place.presumed}
    assert not set(place.jurisdictions) & set(place.presumed)
