"""Which sites' pages may send a form by script, and which forms there are. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

# browsers write names of other scripts as xn--…, so nothing else would ever match
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_FORM = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
# what other doors write into an inquiry's form_key
_TAKEN = frozenset({"api", "mail", "phone", "sms"})
EXPECTED = "origins like https://www.example.com or form=https://www.example.com, separated by commas"


@dataclass(frozen=True, slots=True)
class Origins:
    """`everywhere`: may send any form; `by_form`: one form alone."""

    everywhere: frozenset[str]
    by_form: dict[str, frozenset[str]]

    def may(self, origin: str, form: str | None) -> bool:
        """`form` None: what is no form's own, such as a conversation."""
        if origin in self.everywhere:
            return True
        named = self.by_form.values() if form is None else (self.by_form.get(form, frozenset()),)
        return any(origin in origins for origins in named)


def parse_origins(items: Sequence[str]) -> Origins:
    """Raises ValueError with what is wrong and what was expected."""
    everywhere: set[str] = set()
    by_form: dict[str, set[str]] = {}
    for item in items:
        form, equals, origin = item.rpartition("=")
        if equals and (not _FORM.fullmatch(form) or form in _TAKEN):
            raise ValueError(f"{EXPECTED}; {form[:60]!r} is no name for a form (a-z, 0-9, - and _)")
        (by_form.setdefault(form, set()) if equals else everywhere).add(_origin(origin))
    return Origins(frozenset(everywhere), {form: frozenset(origins) for form, origins in by_form.items()})


def _origin(text: str) -> str:
    """As a browser writes it into its Origin header."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"{EXPECTED}; {text[:60]!r} is none") from None
    host = parts.hostname or ""
    local = host in ("localhost", "127.0.0.1", "::1")
    whole = parts.scheme in ("http", "https") and host and not (parts.path.strip("/") or parts.query or parts.fragment)
    if not whole or "@" in parts.netloc or not _HOST.fullmatch(host):
        raise ValueError(f"{EXPECTED}; {text[:60]!r} is none")
    if parts.scheme == "http" and not local:
        raise ValueError(f"{EXPECTED}; what people write must not travel plainly to {text[:60]!r}")
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != default else "")
