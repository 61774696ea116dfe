"""Does a mail come from whom it says? What SendGrid's Inbound Parse found out about it. Pure.

A mail that answers one of ours in its thread is believed; whoever is known by the address alone, or not at all, may be
somebody else.
"""

import re
from typing import Literal

Doubt = Literal["spam", "unverified", "ours"]

SPAM_SCORE = 5.0
"""From here on SpamAssassin, which Inbound Parse runs when its box for spam is ticked, calls a mail spam."""
_DKIM = re.compile(r"@([\w.-]+)\s*:\s*pass\b", re.IGNORECASE)
# addresses behind which nobody reads
_NOBODY = re.compile(
    r"^(mailer-daemon|postmaster|(no|donot|do-not|do_not)[-_.]?reply|bounces?|abuse)([-+._].*)?@", re.IGNORECASE
)


def doubt_of(sender: str, *, spf: str, dkim: str, spam_score: str) -> Doubt | None:
    """`unverified`: SPF says no, and no signature of the sender's domain says yes. What was not checked is no doubt."""
    if _number(spam_score) >= SPAM_SCORE:
        return "spam"
    domain = sender.rpartition("@")[2].lower()
    signed = any(_same_house(domain, found.lower()) for found in _DKIM.findall(dkim))
    return "unverified" if spf.strip().lower() in ("fail", "softfail") and not signed else None


def is_nobody(sender: str) -> bool:
    return _NOBODY.match(sender) is not None


def _same_house(domain: str, signer: str) -> bool:
    return domain == signer or domain.endswith(f".{signer}") or signer.endswith(f".{domain}")


def _number(text: str) -> float:
    try:
        return float(text.strip()[:20])
    except ValueError:
        return 0.0
