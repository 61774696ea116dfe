"""Names of countries and their parts as people type them, and the post codes that say which part."""

import re
from collections.abc import Mapping

from speedlead.phone_place import CANADA_ZONES

US_TERRITORIES = frozenset({"PR", "GU", "VI", "AS", "MP"})
CROWN: Mapping[str, str] = {"GG": "GB", "JE": "GB", "IM": "GB"}
"""Islands that share the United Kingdom's numbers; its law is applied to them, their holidays are their own."""

_ALIASES = {
    "USA": "US", "UNITED STATES OF AMERICA": "US", "AMERICA": "US", "UK": "GB", "UNITED KINGDOM": "GB", "BRITAIN": "GB",
    "GREAT BRITAIN": "GB", "ENGLAND": "GB", "SCOTLAND": "GB", "WALES": "GB", "NORTHERN IRELAND": "GB", "UAE": "AE",
    "DEUTSCHLAND": "DE", "ESPAÑA": "ES", "BRASIL": "BR", "SOUTH KOREA": "KR", "KOREA": "KR", "CZECHIA": "CZ",
    "HOLLAND": "NL", "RUSSIAN FEDERATION": "RU", "VIET NAM": "VN", "TÜRKIYE": "TR", "TURKIYE": "TR", "MÉXICO": "MX",
}  # fmt: skip

_US = (
    "ALABAMA AL,ALASKA AK,ARIZONA AZ,ARKANSAS AR,CALIFORNIA CA,COLORADO CO,CONNECTICUT CT,DELAWARE DE,"
    "DISTRICT OF COLUMBIA DC,FLORIDA FL,GEORGIA GA,HAWAII HI,IDAHO ID,ILLINOIS IL,INDIANA IN,IOWA IA,KANSAS KS,"
    "KENTUCKY KY,LOUISIANA LA,MAINE ME,MARYLAND MD,MASSACHUSETTS MA,MICHIGAN MI,MINNESOTA MN,MISSISSIPPI MS,"
    "MISSOURI MO,MONTANA MT,NEBRASKA NE,NEVADA NV,NEW HAMPSHIRE NH,NEW JERSEY NJ,NEW MEXICO NM,NEW YORK NY,"
    "NORTH CAROLINA NC,NORTH DAKOTA ND,OHIO OH,OKLAHOMA OK,OREGON OR,PENNSYLVANIA PA,RHODE ISLAND RI,"
    "SOUTH CAROLINA SC,SOUTH DAKOTA SD,"
    "TENNESSEE TN,TEXAS TX,UTAH UT,VERMONT VT,VIRGINIA VA,WASHINGTON WA,WEST VIRGINIA WV,WISCONSIN WI,WYOMING WY,"
    "PUERTO RICO PR"
)
_CANADA = (
    "NEWFOUNDLAND AND LABRADOR NL,NEWFOUNDLAND NL,NOVA SCOTIA NS,PRINCE EDWARD ISLAND PE,NEW BRUNSWICK NB,QUEBEC QC,"
    "QUÉBEC QC,ONTARIO ON,MANITOBA MB,SASKATCHEWAN SK,ALBERTA AB,BRITISH COLUMBIA BC,YUKON YT,NORTHWEST TERRITORIES NT,"
    "NUNAVUT NU"
)
_AUSTRALIA = (
    "NEW SOUTH WALES NSW,VICTORIA VIC,QUEENSLAND QLD,SOUTH AUSTRALIA SA,WESTERN AUSTRALIA WA,TASMANIA TAS,"
    "NORTHERN TERRITORY NT,AUSTRALIAN CAPITAL TERRITORY ACT"
)


def _names(table: str) -> dict[str, str]:
    return {name: code for name, _, code in (entry.rpartition(" ") for entry in table.split(","))}


US_STATES: Mapping[str, str] = _names(_US)
CANADA_PROVINCES: Mapping[str, str] = _names(_CANADA)
AUSTRALIA_STATES: Mapping[str, str] = _names(_AUSTRALIA)
AUSTRALIA_ZONES: Mapping[str, tuple[str, ...]] = {
    "NSW": ("Australia/Sydney", "Australia/Adelaide", "Australia/Lord_Howe"),  # Broken Hill keeps Adelaide's time
    "ACT": ("Australia/Sydney",),
    "VIC": ("Australia/Melbourne",),
    "TAS": ("Australia/Hobart",),
    "QLD": ("Australia/Brisbane",),
    "SA": ("Australia/Adelaide",),
    "WA": ("Australia/Perth", "Australia/Eucla"),
    "NT": ("Australia/Darwin",),
}


def country_alias(name: str) -> str | None:
    """ISO code of a usual name that the ISO list does not have; `name` in capitals."""
    return _ALIASES.get(name)


def australia_state(code: str) -> str | None:
    """State of a four-digit post code (Australia Post's ranges)."""
    number = int(code)
    if 200 <= number <= 299 or 2600 <= number <= 2618 or 2900 <= number <= 2920:
        return "ACT"
    if 800 <= number <= 999:
        return "NT"
    return {
        "1": "NSW",
        "2": "NSW",
        "3": "VIC",
        "8": "VIC",
        "4": "QLD",
        "9": "QLD",
        "5": "SA",
        "6": "WA",
        "7": "TAS",
    }.get(code[0])


_FIRST_LETTER = {
    "A": "NL", "B": "NS", "C": "PE", "E": "NB", "G": "QC", "H": "QC", "J": "QC", "K": "ON", "L": "ON", "M": "ON",
    "N": "ON", "P": "ON", "R": "MB", "S": "SK", "T": "AB", "V": "BC", "X": "NT", "Y": "YT",
}  # fmt: skip
# Where a province has more than one zone, most of its post codes have only one.
_PLAIN = {"G": "America/Toronto", "H": "America/Toronto", "J": "America/Toronto", "K": "America/Toronto",
          "L": "America/Toronto", "M": "America/Toronto", "N": "America/Toronto", "V": "America/Vancouver"}  # fmt: skip
_SPECIAL: Mapping[str, tuple[str, ...]] = {
    "G4T": ("America/Halifax",),
    "G0G": ("America/Toronto", "America/Blanc-Sablon"),
    "V0A": ("America/Vancouver", "America/Edmonton"),
    "V0B": ("America/Vancouver", "America/Edmonton", "America/Creston"),
    "V1A": ("America/Edmonton",),
    "V1C": ("America/Vancouver", "America/Edmonton"),
    "V0C": ("America/Vancouver", "America/Dawson_Creek", "America/Fort_Nelson"),
    "V1G": ("America/Dawson_Creek",),
    "V1J": ("America/Dawson_Creek",),
    "X0A": ("America/Iqaluit",),
    "X0B": ("America/Cambridge_Bay",),
    "X0C": ("America/Rankin_Inlet",),
}
_NUNAVUT = frozenset({"X0A", "X0B", "X0C"})  # the Northwest Territories have the letter's other codes


def canada_postcode(code: str) -> tuple[str | None, tuple[str, ...]]:
    """(province, zones) of a post code without spaces, or of its first half; (None, ()) for anything else."""
    if not re.fullmatch(r"[A-Z][0-9][A-Z]([0-9][A-Z][0-9])?", code) or code[0] not in _FIRST_LETTER:
        return None, ()
    province = "NU" if code[:3] in _NUNAVUT else _FIRST_LETTER[code[0]]
    if special := _SPECIAL.get(code[:3]):
        return province, special
    if plain := _PLAIN.get(code[0]):
        return province, (plain,)
    return province, CANADA_ZONES[province]


_SCOTLAND = frozenset("AB DD DG EH FK G HS IV KA KW KY ML PA PH TD ZE".split())
_WALES = frozenset("CF LD LL NP SA".split())


_ISLANDS = {"GY": "GG", "JE": "JE", "IM": "IM"}


def uk_nation(code: str) -> str | None:
    """ENG, SCT, WLS, NIR or an island from a post code without spaces, by its area letters; None for anything else."""
    found = re.fullmatch(r"([A-Z]{1,2})[0-9][0-9A-Z]?([0-9][A-Z]{2})?", code)
    if found is None:
        return None
    area = found[1]
    if area in _ISLANDS:
        return _ISLANDS[area]
    return "NIR" if area == "BT" else "SCT" if area in _SCOTLAND else "WLS" if area in _WALES else "ENG"
