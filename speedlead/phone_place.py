"""Zones and jurisdictions of a phone number: the `phonenumbers` zone table with corrections that were measured.

The table of exchanges is good (99.97 % of US prefixes); what follows an unlisted exchange is not: a split area code is
answered with one zone, overlays have no exceptions at all, and a few entries are wrong. A number outside North America
that is not geographical says only its country. `phonenumbers.geocoder` is never imported: 105 MB for nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumberType
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

# Area codes that hold more than one offset, with their overlays; their zones come from the post codes of their state.
SPLIT_US = frozenset(
    "208 986 219 270 364 308 423 729 541 458 574 605 606 620 701 775 785 812 930 850 448 906 907 928".split()
)
# Exchanges that the table puts into the wrong one of their area code's zones.
WRONG_EXCHANGES = frozenset({"1850431", "1850681", "1812478", "1208962", "1928645"})

_BC = ("America/Vancouver", "America/Edmonton", "America/Dawson_Creek", "America/Creston")
_NORTH = (
    "America/Whitehorse", "America/Inuvik", "America/Cambridge_Bay", "America/Rankin_Inlet", "America/Iqaluit",
    "America/Resolute",
)  # fmt: skip

CANADA_ZONES: Mapping[str, tuple[str, ...]] = {
    "NL": ("America/St_Johns", "America/Goose_Bay"),
    "NS": ("America/Halifax",),
    "PE": ("America/Halifax",),
    "NB": ("America/Moncton",),
    "QC": ("America/Toronto", "America/Halifax", "America/Blanc-Sablon"),
    "ON": ("America/Toronto", "America/Winnipeg", "America/Atikokan"),
    "MB": ("America/Winnipeg",),
    "SK": ("America/Regina", "America/Edmonton"),
    "AB": ("America/Edmonton",),
    "BC": _BC,
    "YT": ("America/Whitehorse",),
    "NT": ("America/Inuvik", "America/Edmonton"),
    "NU": ("America/Iqaluit", "America/Rankin_Inlet", "America/Cambridge_Bay", "America/Resolute"),
}
_CANADA_CODES = {
    "NL": "709 879", "NS": "902 782", "NB": "506 428", "QC": "418 581 367 438 514 263 450 579 354 819 873 468",
    "ON": "416 437 647 942 905 289 365 742 613 343 753 705 249 683 519 226 548 382 807", "MB": "204 431 584",
    "SK": "306 639 474", "AB": "403 587 825 368 780 568", "BC": "604 778 236 672 250 257",
}  # fmt: skip
CANADA_PROVINCE = {code: province for province, codes in _CANADA_CODES.items() for code in codes.split()}
_SPLIT_CANADA: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys("250 778 236 672 257".split(), _BC),
    **dict.fromkeys("709 879".split(), CANADA_ZONES["NL"]),
    **dict.fromkeys("418 581 367".split(), CANADA_ZONES["QC"]),
    **dict.fromkeys("306 639 474".split(), CANADA_ZONES["SK"]),
    "807": CANADA_ZONES["ON"],
    "867": _NORTH,
}
# Overlays too young for the post code data.
_YOUNG_US = {
    "235": "MO", "274": "WI", "324": "FL", "329": "NY", "350": "CA", "353": "WI", "357": "CA", "369": "CA", "436": "OH",
    "457": "LA", "465": "NY", "471": "MS", "483": "AL", "621": "TX", "624": "NY", "645": "FL", "656": "FL", "686": "VA",
    "728": "FL", "729": "TN", "738": "CA", "748": "CO", "821": "SC", "837": "CA", "861": "IL", "924": "MN",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PhonePlace:
    """`zones` may be empty: then only the country is known. `geographic` False: any place in the country.

    `states`: parts of the country that the number may belong to; none: nothing says which.
    """

    country: str
    states: tuple[str, ...]
    zones: tuple[str, ...]
    geographic: bool
    landline: bool


def place_of_phone(
    e164: str,
    state_of_code: Callable[[str], str | None],
    zones_of_code: Callable[[str], tuple[str, ...]],
) -> PhonePlace | None:
    """None for what is no usable number (invalid, satellite, freephone). The two functions know US area codes."""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return None
    kind = phonenumbers.number_type(number)
    country = phonenumbers.region_code_for_number(number)
    if country is None or country == "001" or kind in _PLACELESS:
        return None
    digits = f"{number.country_code}{phonenumbers.national_significant_number(number)}"
    landline = kind == PhoneNumberType.FIXED_LINE
    if number.country_code == 1:
        return _north_america(digits, country, state_of_code, zones_of_code)
    if digits.startswith("7401"):  # the table says Bucharest, which has summer time
        return PhonePlace("RU", (), ("Europe/Kaliningrad",), geographic=True, landline=landline)
    if not phonenumbers.is_number_geographical(number):
        return PhonePlace(country, (), (), geographic=False, landline=False)
    _, zones = _longest_prefix(digits)
    if country == "AU" and digits.startswith("618"):
        return PhonePlace("AU", _AUSTRALIA_08, _zones_08(zones), geographic=True, landline=landline)
    return PhonePlace(country, (), zones, geographic=True, landline=landline)


# South Australia, Western Australia, the Northern Territory, and Broken Hill in New South Wales share one code. The
# numbers of an exchange are used all over it, so the table's one zone for an exchange is no promise.
_AUSTRALIA_08 = ("SA", "WA", "NT", "NSW")


def _zones_08(listed: tuple[str, ...]) -> tuple[str, ...]:
    """The table has neither Darwin nor, for Broken Hill, the time that is kept there: Adelaide's."""
    listed = tuple(zone for zone in listed if zone != "Australia/Sydney")
    return tuple(dict.fromkeys((*listed, "Australia/Adelaide", "Australia/Perth", "Australia/Darwin")))


_PLACELESS = frozenset(
    {
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.PERSONAL_NUMBER,
        PhoneNumberType.UNKNOWN,
    }
)


def _north_america(
    digits: str,
    country: str,
    state_of_code: Callable[[str], str | None],
    zones_of_code: Callable[[str], tuple[str, ...]],
) -> PhonePlace:
    code = digits[1:4]
    prefix, zones = _longest_prefix(digits)
    if country == "CA":
        province = CANADA_PROVINCE.get(code)
        if len(prefix) <= 4:  # no exchange is listed
            zones = _SPLIT_CANADA.get(code) or (zones if len(prefix) == 4 else CANADA_ZONES.get(province or "", ()))
        return PhonePlace("CA", (province,) if province else (), zones, geographic=bool(zones), landline=False)
    state = (state_of_code(code) or _YOUNG_US.get(code)) if country == "US" else None
    wrong = any(digits.startswith(exchange) for exchange in WRONG_EXCHANGES)
    if country == "US" and (wrong or len(prefix) < 4 or (len(prefix) == 4 and code in SPLIT_US)):
        zones = zones_of_code(code)
    elif len(prefix) < 4:
        zones = ()
    return PhonePlace(country, (state,) if state else (), zones, geographic=bool(zones), landline=False)


def _longest_prefix(digits: str) -> tuple[str, tuple[str, ...]]:
    for length in range(min(TIMEZONE_LONGEST_PREFIX, len(digits)), 0, -1):
        if zones := TIMEZONE_DATA.get(digits[:length]):
            return digits[:length], tuple(zones)
    return "", ()
