"""Which language a lead reads. Pure: what it asked for, else what is spoken where it is, else the house's own."""

import re

_TAG = re.compile(r"^[a-zA-Z]{2,3}(?:[-_][a-zA-Z0-9]{1,8})*$")
# the language most people do business in, of the countries with one; others get the house's own
_SPOKEN = {
    "de": "AT CH DE LI",
    "fr": "BF BJ CD CF CG CI FR GA GF GN GP LU MC ML MQ NC NE PF RE SN TD TG",
    "es": "AR BO CL CO CR CU DO EC ES GQ GT HN MX NI PA PE PY SV UY VE",
    "it": "IT SM VA",
    "pt": "AO BR CV GW MZ PT ST TL",
    "en": "AG AU BB BS BZ CA GB GD GH GI GY IE IN JM KE KN LC LR MT MU NG NZ PH SG SL TT UG US VC ZA ZM ZW",
}
_BY_COUNTRY = {country: language for language, countries in _SPOKEN.items() for country in countries.split()}


def language_of(tag: str | None) -> str | None:
    """The language of a tag such as `de-AT`; None for what is no tag."""
    return tag[:3].rstrip("-_").split("-")[0].split("_")[0].lower() if tag and _TAG.match(tag) else None


def preferred(accept_language: str | None) -> str | None:
    """The tag that a browser's Accept-Language wants most (RFC 9110, 12.5.4); None when it says nothing usable."""
    best, weight = None, 0.0
    for part in (accept_language or "")[:500].split(","):
        tag, _, rest = part.strip().partition(";")
        try:
            q = float(rest.strip().removeprefix("q=")) if rest.strip() else 1.0
        except ValueError:
            continue
        if _TAG.match(tag.strip()) and q > weight:
            best, weight = tag.strip()[:35], q
    return best


def choose(wished: str | None, country: str | None, offered: frozenset[str], fallback: str) -> str:
    """The lead's own wish, if we write that language; else its country's; else `fallback`."""
    for language in (language_of(wished), _BY_COUNTRY.get(country or "")):
        if language in offered:
            assert language is not None
            return language
    return fallback
