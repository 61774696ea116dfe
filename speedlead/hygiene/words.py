"""What was found, in words: the same on the page, in a file and on the command line. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from speedlead import times, wording
from speedlead.domain.hygiene import FIELDS
from speedlead.store.hygiene_findings import Shown

FIELD_WORDS: Mapping[str, str] = dict(zip(FIELDS, ("name", "company", "e-mail", "phone", "place"), strict=True))
WHAT: Mapping[str, str] = {"name": "Name", "company": "Company", "email": "E-mail address", "phone": "Number"}
# how a provider says that a message went nowhere
_FAULTS: Mapping[str, str] = {
    "failed": "nothing arrives there", "undelivered": "nothing arrives there", "dropped": "the provider gave it up",
    "blocked": "mail to it is refused",
}  # fmt: skip


def what(one: Shown, zone: str) -> str:
    """What is the matter, in a line; days are those of `zone`."""
    if "since" in one.detail:
        return f"{_SINCE[one.kind]} {day(datetime.fromisoformat(one.detail['since']), zone)}"
    return _WORDS[one.kind](one.detail)


def _ways(detail: Mapping[str, Any]) -> str:
    return "; ".join(_way(way) for way in detail["ways"])


def _way(detail: Mapping[str, Any]) -> str:
    code, _, number = str(detail["why"]).partition(":")
    why = _FAULTS.get(code)
    return f"{detail['way']}: " + (f"{why} ({number})" if why and number else why or wording.reason(detail["why"]))


def _silent(detail: Mapping[str, Any]) -> str:
    return f"{detail['way']}: {detail['calls']} calls on {detail['days']} days, nobody picked up"


_SINCE: Mapping[str, str] = {
    "owner_gone": "nothing was done since", "no_owner": "nobody has it since", "no_outcome": "nothing was done since",
}  # fmt: skip
_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "unreachable": _ways,
    "mail_bad": _way,
    "phone_bad": _way,
    "phone_silent": _silent,
    "mail_typo": lambda detail: f"{detail['way']}: is {detail['meant']} meant?",
    "mail_throw_away": lambda detail: str(detail["way"]),
    "missing": lambda detail: ", ".join(FIELD_WORDS[name] for name in detail["lacks"]),
    "no_domain": lambda detail: f"{detail['people']} {'person names' if detail['people'] == 1 else 'people name'} it",
}


def who(one: Shown) -> str:
    """A company's name, or a person's."""
    return str(one.detail.get("company") or one.name or "somebody without a name")


def day(at: datetime, zone: str) -> str:
    return f"{times.local(at, zone):%-d %b %Y}"
