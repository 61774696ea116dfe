"""Where the simulated people live: every zone and country of the zone database, every US state, and their numbers.

The rows of the United States, Canada and Australia are written down by hand, so that the truth of a lead does not come
from the tables that the product looks places up in.
"""

from collections import defaultdict
from dataclasses import dataclass
from importlib.resources import files

import phonenumbers
from phonenumbers import PhoneNumberType

from bench.simulation.facts import Home


@dataclass(frozen=True, slots=True)
class Address:
    """A home with what a form can say about it. `exact`: the number says the zone, and not only the country."""

    home: Home
    postcode: str | None
    number: str | None
    exact: bool = True


# region, post code, zone, area code; * where the area code reaches over several zones
_US = """
AL 35203 Chicago 205|AK 99501 Anchorage 907*|AK 99546 Adak 907*|AZ 85004 Phoenix 602|AZ 86515 Denver 928*
AR 72201 Chicago 501|CA 90012 Los_Angeles 213|CA 94103 Los_Angeles 415|CO 80202 Denver 303|CT 06103 New_York 860
DE 19801 New_York 302|DC 20001 New_York 202|FL 33130 New_York 305|FL 32501 Chicago 850*|GA 30303 New_York 404
HI 96813 Honolulu 808|ID 83702 Boise 208*|ID 83814 Los_Angeles 208*|IL 60601 Chicago 312
IN 46204 Indiana/Indianapolis 317|IN 46402 Chicago 219*|IA 50309 Chicago 515|KS 67202 Chicago 316|KS 67735 Denver 785*
KY 40202 Kentucky/Louisville 502|KY 42101 Chicago 270*|LA 70112 Chicago 504|ME 04101 New_York 207|MD 21201 New_York 410
MA 02108 New_York 617|MI 48226 Detroit 313|MI 49938 Menominee 906*|MN 55401 Chicago 612|MS 39201 Chicago 601
MO 63101 Chicago 314|MT 59101 Denver 406|NE 68102 Chicago 402|NE 69361 Denver 308*|NV 89101 Los_Angeles 702
NV 89883 Denver 775*|NH 03101 New_York 603|NJ 07102 New_York 973|NM 87102 Denver 505|NY 10001 New_York 212
NC 28202 New_York 704|ND 58102 Chicago 701*|ND 58601 Denver 701*|OH 43215 New_York 614|OK 73102 Chicago 405
OR 97204 Los_Angeles 503|OR 97914 Boise 541*|PA 19103 New_York 215|PR 00901 Puerto_Rico 787|RI 02903 New_York 401
SC 29401 New_York 843|SD 57104 Chicago 605*|SD 57701 Denver 605*|TN 37203 Chicago 615|TN 37902 New_York 865
TX 75201 Chicago 214|TX 79901 Denver 915|UT 84101 Denver 801|VT 05401 New_York 802|VA 23219 New_York 804
WA 98101 Los_Angeles 206|WV 25301 New_York 304|WI 53202 Chicago 414|WY 82001 Denver 307
"""
_CANADA = """
NL A1C5M2 St_Johns 709*|NL A0P1E0 Goose_Bay 709*|NS B3J1S9 Halifax 902|PE C1A4P3 Halifax 902|NB E1C1A1 Moncton 506
QC H3B1A7 Toronto 514|ON M5H2N2 Toronto 416|ON P9N1A1 Winnipeg 807*|MB R3C0V8 Winnipeg 204|SK S4P3Y2 Regina 306*
SK S9V0A1 Edmonton 306*|AB T2P1J9 Edmonton 403|BC V6B1A1 Vancouver 604|BC V1C2A1 Edmonton 250*
BC V1G1A1 Dawson_Creek 250*|YT Y1A1A1 Whitehorse 867*
NT X1A1A1 Inuvik 867*|NU X0A0H0 Iqaluit 867*|NU X0C0G0 Rankin_Inlet 867*
"""
_AUSTRALIA = """
NSW 2000 Sydney 292345|NSW 2880 Broken_Hill 880*|NSW 2898 Lord_Howe 265|ACT 2600 Sydney 261|VIC 3000 Melbourne 392345
TAS 7000 Hobart 362|QLD 4000 Brisbane 732345|SA 5000 Adelaide 882345*|WA 6000 Perth 892345*|WA 6443 Eucla 890*
NT 0800 Darwin 889*
"""
# fixed lines of cities, where a country has several zones: the number says which
_CITIES = """
RU Europe/Kaliningrad 74012|RU Europe/Moscow 7495|RU Europe/Samara 7846|RU Asia/Yekaterinburg 7343|RU Asia/Omsk 73812
RU Asia/Novosibirsk 7383|RU Asia/Irkutsk 73952|RU Asia/Chita 73022|RU Asia/Vladivostok 7423|RU Asia/Magadan 74132
RU Asia/Kamchatka 74152|BR America/Sao_Paulo 5511|BR America/Manaus 5592|BR America/Rio_Branco 5568
MX America/Mexico_City 5255|MX America/Tijuana 52664|MX America/Hermosillo 52662|MX America/Cancun 52998
ID Asia/Jakarta 6221|ID Asia/Makassar 62411|ID Asia/Jayapura 62967|ES Europe/Madrid 3491|ES Atlantic/Canary 34928
PT Europe/Lisbon 35121|PT Atlantic/Azores 351296|CL America/Santiago 5622|CL America/Punta_Arenas 5661
CN Asia/Shanghai 8610|AR America/Argentina/Buenos_Aires 5411
"""
_LENGTH = {"RU": 11, "BR": 12, "MX": 12, "ID": 11, "ES": 11, "PT": 12, "CL": 11, "CN": 12, "AR": 12}


def zone_rows() -> list[tuple[str, str]]:
    """(country, zone) of the zone database."""
    lines = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8").splitlines()
    return [(line.split("\t")[0], line.split("\t")[2]) for line in lines if not line.startswith("#")]


def countries() -> list[str]:
    """Every ISO country, also those without a zone (nobody lives there)."""
    lines = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8").splitlines()
    return [line.split("\t")[0] for line in lines if not line.startswith("#")]


def addresses() -> list[Address]:
    """One or more for every zone, country, US state, Canadian province and Australian state."""
    found = [_written(row, "US", "America", "1", 11) for row in _rows(_US)]
    found += [_written(row, "CA", "America", "1", 11) for row in _rows(_CANADA)]
    found += [_written(row, "AU", "Australia", "61", 11) for row in _rows(_AUSTRALIA)]
    cities = {(country, zone): _filled(number, _LENGTH[country]) for country, zone, number in _rows(_CITIES)}
    written = {(address.home.country, address.home.zone) for address in found}
    zones_of: dict[str, list[str]] = defaultdict(list)
    for country, zone in zone_rows():
        zones_of[country].append(zone)
    for country, zone in zone_rows():
        if (country, zone) in written:
            continue
        number = cities.get((country, zone)) or (_example(country) if len(zones_of[country]) == 1 else None)
        exact = number is not None
        found.append(Address(Home(country, None, zone), None, number or mobile(country), exact))
    return found


def mobile(country: str) -> str | None:
    """A mobile number of the country that says nothing about the place in it; None where there is none."""
    number = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    if number is None or country in ("US", "CA") or phonenumbers.is_number_geographical(number):
        return None
    if phonenumbers.region_code_for_number(number) != country:  # shared with a neighbour, as in Western Sahara
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _rows(table: str) -> list[list[str]]:
    return [row.split() for row in table.strip().replace("\n", "|").split("|")]


def _written(row: list[str], country: str, continent: str, code: str, length: int) -> Address:
    region, postcode, place, number = row
    zone = "Pacific/Honolulu" if place == "Honolulu" else f"{continent}/{place}"
    digits = _filled(code + number.rstrip("*"), length)
    return Address(Home(country, region, zone), postcode, digits, not number.endswith("*"))


def _filled(digits: str, length: int) -> str:
    """Digits of an exchange that numbering plans keep free, as far as there is room."""
    return "+" + digits + "5550123456"[: length - len(digits)]


def _example(country: str) -> str | None:
    for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
        number = phonenumbers.example_number_for_type(country, kind)
        if number is not None and phonenumbers.region_code_for_number(number) == country:
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None
