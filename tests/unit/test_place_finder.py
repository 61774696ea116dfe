"""Real leads: what each kind of evidence says about where they are."""

import subprocess
import sys
import time

import pytest

from speedlead.domain.zones import Evidence
from speedlead.phone_place import place_of_phone
from speedlead.place_finder import PlaceFinder


@pytest.fixture(scope="module")
def finder() -> PlaceFinder:
    found = PlaceFinder()
    found.warm_up()
    return found


NY, CHI, LA = "America/New_York", "America/Chicago", "America/Los_Angeles"


@pytest.mark.parametrize(
    ("evidence", "zones", "jurisdictions"),
    [
        (Evidence(country="US", postcode="10001", phone_e164="+12125550100"), (NY,), ("US", "US-NY")),
        (Evidence(country="us", postcode="10001-1234"), (NY,), ("US", "US-NY")),
        (Evidence(phone_e164="+18505550100"), (NY, CHI), ("US", "US-FL")),  # the table says New York alone
        (Evidence(phone_e164="+14485550100"), (NY, CHI), ("US", "US-FL")),  # an overlay has no exchanges
        (Evidence(phone_e164="+18505550100", postcode="32501"), (CHI,), ("US", "US-FL")),
        (Evidence(phone_e164="+18504310100"), (NY, CHI), ("US", "US-FL")),  # Tallahassee, wrong in the table
        (Evidence(phone_e164="+13645550100"), (NY, CHI), ("US", "US-KY")),
        (Evidence(country="US", region="Tennessee"), (NY, CHI), ("US", "US-TN")),
        (Evidence(country="USA", region="tn"), (NY, CHI), ("US", "US-TN")),
        (Evidence(country="US", postcode="86040"), ("America/Phoenix", "America/Denver"), ("US", "US-AZ")),
        (Evidence(phone_e164="+17875550100"), ("America/Puerto_Rico",), ("US", "US-PR")),
        (Evidence(phone_e164="+18005550100"), (), ()),  # freephone: anywhere
        (Evidence(phone_e164="+12125550100", tz="America/Chicago"), (NY, CHI), ("US", "US-NY")),
        (Evidence(phone_e164="+15146641234"), ("America/Toronto",), ("CA", "CA-QC")),
        (Evidence(phone_e164="+17098961234"), ("America/St_Johns", "America/Goose_Bay"), ("CA", "CA-NL")),
        (Evidence(country="CA", postcode="V6B 1A1"), ("America/Vancouver",), ("CA", "CA-BC")),
        (Evidence(country="CA", region="Ontario", postcode="M5V"), ("America/Toronto",), ("CA", "CA-ON")),
        (Evidence(phone_e164="+442071838750"), ("Europe/London",), ("GB",)),
        (Evidence(country="UK", postcode="EH1 1AA"), ("Europe/London",), ("GB", "GB-SCT")),
        (Evidence(phone_e164="+35315551234"), ("Europe/Dublin",), ("IE",)),
        (Evidence(phone_e164="+74012123456"), ("Europe/Kaliningrad",), ("RU",)),  # the table says Bucharest
        (
            Evidence(phone_e164="+61889811234"),  # Darwin, missing from the table
            ("Australia/Adelaide", "Australia/Darwin", "Australia/Perth"),
            ("AU", "AU-SA", "AU-WA", "AU-NT", "AU-NSW"),
        ),
        (
            Evidence(phone_e164="+61851205123"),  # Broken Hill, where the table says Sydney
            ("Australia/Adelaide", "Australia/Darwin", "Australia/Perth"),
            ("AU", "AU-SA", "AU-WA", "AU-NT", "AU-NSW"),
        ),
        (
            Evidence(phone_e164="+61851091234"),  # an exchange of Perth: its numbers are used in the whole area
            ("Australia/Adelaide", "Australia/Darwin", "Australia/Perth"),
            ("AU", "AU-SA", "AU-WA", "AU-NT", "AU-NSW"),
        ),
        (Evidence(phone_e164="+61891234567", region="WA"), ("Australia/Perth",), ("AU", "AU-WA")),
        (Evidence(phone_e164="+61298765432"), ("Australia/Sydney",), ("AU",)),
        (Evidence(phone_e164="+441624661234"), ("Europe/Isle_of_Man",), ("GB", "GB-IM")),
        (Evidence(phone_e164="+441481712345"), ("Europe/Guernsey",), ("GB", "GB-GG")),
        (Evidence(country="Jersey"), ("Europe/Jersey",), ("GB", "GB-JE")),
        (Evidence(country="GB", postcode="IM1 1AA"), ("Europe/London",), ("GB", "GB-IM")),
        (Evidence(country="GB", postcode="GY1 1AA"), ("Europe/London",), ("GB", "GB-GG")),
        (Evidence(phone_e164="+61412345678", postcode="2000", region="NSW"), None, ("AU", "AU-NSW")),
        (Evidence(country="AU", postcode="0800"), ("Australia/Darwin",), ("AU", "AU-NT")),
        (Evidence(phone_e164="+60123456789"), ("Asia/Kuala_Lumpur",), ("MY",)),
        (Evidence(phone_e164="+919876543210"), ("Asia/Kolkata",), ("IN",)),
        (Evidence(tz="Asia/Calcutta"), ("Asia/Kolkata",), ("IN",)),
        (Evidence(tz="US/Eastern"), (NY,), ("US",)),
        (Evidence(tz="Europe/Berlin"), ("Europe/Berlin",), ("DE",)),
        (Evidence(phone_e164="+5511987654321"), ("America/Sao_Paulo",), ("BR",)),
        (Evidence(country="ES", phone_e164="+34922123456"), ("Atlantic/Canary",), ("ES",)),
        (Evidence(country="DE", region="DE-BY"), ("Europe/Berlin",), ("DE", "DE-BY")),
        (Evidence(country="DE", region="Bavaria"), ("Europe/Berlin",), ("DE",)),  # a name is not looked up
        (Evidence(country="US", region="DE-BY", postcode="10001"), (NY,), ("US", "US-NY")),
        (Evidence(country="CA", postcode="X0C 0G0"), ("America/Rankin_Inlet",), ("CA", "CA-NU")),
        (Evidence(tz="UTC"), (), ()),  # what a browser says that hides the place
        (Evidence(tz="Etc/GMT+5"), (), ()),
        (Evidence(tz="Mars/Base", country="Atlantis", postcode="10001", phone_e164="call me"), (), ()),
        (Evidence(postcode="10115"), (), ()),  # five digits of which country?
    ],
)
def test_evidence(
    finder: PlaceFinder, evidence: Evidence, zones: tuple[str, ...] | None, jurisdictions: object
) -> None:
    place = finder.find(evidence)
    if zones is not None:
        assert set(place.zones) == set(zones)
    assert place.jurisdictions == jurisdictions
    assert place.known is bool(place.zones)


def test_a_russian_mobile_may_be_anywhere_in_russia_and_nowhere_else(finder: PlaceFinder) -> None:
    zones = finder.find(Evidence(phone_e164="+79161234567")).zones
    assert len(zones) == 11
    assert {"Europe/Kaliningrad", "Europe/Moscow", "Asia/Kamchatka"} <= set(zones)
    assert "Asia/Almaty" not in zones


def test_a_country_with_many_zones_counts_each_offset_once(finder: PlaceFinder) -> None:
    zones = finder.find(Evidence(country="US")).zones
    assert len(zones) == 8
    assert {NY, CHI, LA, "Pacific/Honolulu", "America/Phoenix"} <= set(zones)


def test_a_number_of_another_state_is_presumed_there(finder: PlaceFinder) -> None:
    place = finder.find(Evidence(country="US", postcode="90210", phone_e164="+13055550100"))
    assert (place.zones, place.business_zones) == ((LA, NY), (LA,))
    assert (place.jurisdictions, place.presumed) == (("US", "US-CA"), ("US-FL",))


def test_evidence_of_two_countries_keeps_them_apart(finder: PlaceFinder) -> None:
    place = finder.find(Evidence(tz="Asia/Kolkata", country="US", phone_e164="+12125550100"))
    assert place.zones == ("Asia/Kolkata", NY)
    assert place.zones_in("IN") == ("Asia/Kolkata",)
    assert place.zones_in("US") == (NY,)


def test_the_reasons_hold_no_personal_data(finder: PlaceFinder) -> None:
    evidence = Evidence(NY, "US", "New York", "10001", "+12125550100")
    said = " ".join(finder.find(evidence).why)
    assert "10001" not in said
    assert "5550100" not in said


@pytest.mark.parametrize("number", ["", "hello", "+1", "+999123", "+80012345678", "+870773111632", "12125550100"])
def test_what_is_no_number_says_nothing(number: str) -> None:
    assert place_of_phone(number, lambda _: None, lambda _: ()) is None


def test_every_state_and_area_code_has_zones(finder: PlaceFinder) -> None:
    assert len(finder._state_zones) >= 51
    assert finder._code_states["850"] == "FL"
    assert finder._code_states["203"] == "CT"
    assert all("/" in zone for zones in finder._code_zones.values() for zone in zones)
    assert all(finder._code_zones[code] for code in finder._code_states)


def test_an_answer_takes_less_than_a_millisecond(finder: PlaceFinder) -> None:
    evidence = Evidence(NY, "US", "NY", "10001", "+12125550100")
    finder.find(evidence)
    start = time.perf_counter()
    for _ in range(200):
        finder.find(evidence)
    assert (time.perf_counter() - start) / 200 < 0.001


def test_the_geocoder_is_never_loaded() -> None:
    """It costs 105 MB."""
    code = (
        "import sys; from speedlead.place_finder import *; PlaceFinder().warm_up();"
        "print([m for m in sys.modules if 'phonenumbers.geo' in m])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONTZPATH": ""}, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_a_number_without_a_state_follows_the_law_of_every_state_in_its_zones(finder: PlaceFinder) -> None:
    freephone = finder.find(Evidence(tz=NY, phone_e164="+18005550199"))
    assert {"US", "US-FL", "US-CT", "US-KY", "US-NY"} <= set(freephone.jurisdictions)
    assert "US-CA" not in freephone.jurisdictions
    assert "US-NY" in finder.find(Evidence(tz=NY, phone_e164="+79123456789")).jurisdictions
    assert finder.find(Evidence(tz=NY, phone_e164="+12125550199")).jurisdictions == ("US", "US-NY")
    assert finder.find(Evidence(tz=NY)).jurisdictions == ("US",)  # nobody calls
