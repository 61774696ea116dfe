"""One side of a call while it runs, and where the next TwiML document is."""

from urllib.parse import parse_qs, urljoin, urlsplit

from speedlead.sandbox.store import Row
from speedlead.sandbox.twiml import Verb

# the next URL, its method, and what to tell it
Following = tuple[str, str, dict[str, str]]


class Leg:
    """The rep's side of one call while it runs; `seconds` is played time, the same in both callback modes."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.url = str(row.extra.get("url", ""))
        self.keys: list[str] = []
        self.notes: list[str] = []
        self.seconds = 0.0
        self.gone = False  # the rep hung up

    def next(self, verb: Verb, more: dict[str, str]) -> Following:
        """Where a verb's action leads; relative to the current document, which is also the default."""
        return urljoin(self.url, verb.attributes.get("action", "")), verb.attributes.get("method", "POST"), more


def leg_of(url: str | None) -> str | None:
    """The `leg` parameter of one of our URLs."""
    return next(iter(parse_qs(urlsplit(url or "").query).get("leg", [])), None)
