"""Which of our mails does a mail answer? Our Message-IDs name the lead, so an answer finds it from any address. Pure.

A Message-ID of ours is `<{step}.{reply token}@{domain}>`: the same on every attempt of a touch, and signed like the
reply address. Every mail also refers to `<{reply token}@{domain}>`, the root of the lead's thread: mail programs copy
it into their References (RFC 5322, 3.6.4), so an answer names the lead even if a Message-ID was replaced on its way.
"""

import re
from collections.abc import Iterator, Mapping

_ID = re.compile(r"<([^<>\s@]{1,200})@[^<>\s@]{1,255}>")
# enough for any conversation; a header may hold thousands
_MOST = 50


def message_id(touch_id: str, reply_token: str, domain: str) -> str:
    """For the header Message-ID."""
    return f"<{touch_id.rpartition('.')[2]}.{reply_token}@{domain}>"


def thread_root(reply_token: str, domain: str) -> str:
    """For the header References."""
    return f"<{reply_token}@{domain}>"


def tokens(headers: Mapping[str, str]) -> Iterator[str]:
    """What may be reply tokens in a mail's In-Reply-To and References, the mail that it answers first.

    Header names in lower case. Whoever reads them checks each token's signature.
    """
    direct = _ID.findall(headers.get("in-reply-to", "")[:10_000])
    before = _ID.findall(headers.get("references", "")[-10_000:])
    for local in [*direct, *reversed(before)][:_MOST]:
        yield local.rpartition(".")[2]
