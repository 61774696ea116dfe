"""Is the SendGrid account ready? Read-only look-ups through the SDK; one line for each thing that mail needs.

Shapes of the answers: the official OpenAPI documents (sendgrid-oai: scopes, domain_authentication, verified_senders,
webhooks, tracking_settings).
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from speedlead.providers.checks import Check, Refused, Silent, same_address, unless_refused
from speedlead.providers.http import DEFAULT_TIMEOUT_S

EVENTS = "/webhooks/sendgrid/events"
INBOUND = "/webhooks/sendgrid/inbound"
# what we act on, as SendGrid's settings call them; opens and clicks are no signal of a person
NEEDED_EVENTS = (
    "processed", "deferred", "delivered", "bounce", "dropped", "spam_report", "unsubscribe", "group_unsubscribe",
)  # fmt: skip
_KEYS = "SendGrid > Settings > API Keys"
_SENDERS = "SendGrid > Settings > Sender Authentication"
_EVENT_HOOK = "SendGrid > Settings > Mail Settings > Event Webhooks"
_PARSE = "SendGrid > Settings > Inbound Parse"


@dataclass(frozen=True, slots=True)
class SendgridWanted:
    """What our settings say that the account should hold. `public_keys`: base64, those whose signatures we believe."""

    public_url: str
    from_address: str
    reply_domain: str
    public_keys: tuple[str, ...]

    @property
    def from_domain(self) -> str:
        return self.from_address.rpartition("@")[2].lower()


class SendgridReader:
    """GETs through the SDK's client, in a thread: it has no time limit of its own and no async form."""

    def __init__(self, api_key: str, base_url: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self._client = SendGridAPIClient(api_key, host=base_url.rstrip("/")).client
        self._client.timeout = timeout_s
        self._timeout_s = timeout_s

    async def get(self, path: str, **query: Any) -> Any:
        """The answer's JSON. Raises Refused or Silent."""
        try:
            # the client's limit is for each read; a server that drips bytes is stopped by the outer one
            async with asyncio.timeout(self._timeout_s + 1):
                answer = await asyncio.to_thread(self._client._(path).get, query_params=query or None)
            return json.loads(answer.body)
        except HTTPError as error:
            raise Refused(int(error.status_code)) from None
        except OSError as error:  # also TimeoutError and urllib's URLError
            name = type(getattr(error, "reason", error)).__name__
            raise Silent(f"did not answer ({name}; the limit is {self._timeout_s:.0f} s)") from None
        except ValueError as error:
            raise Silent(f"gave an answer that is not SendGrid's ({type(error).__name__})") from None


async def check_sendgrid(reader: SendgridReader, wanted: SendgridWanted) -> AsyncIterator[Check]:
    try:
        async for check in _checks(reader, wanted):
            yield check
    except Silent as silent:
        yield Check("sendgrid", "wrong", f"SendGrid {silent}", "network and proxy, SPEEDLEAD_SENDGRID_BASE_URL")
    except (KeyError, TypeError, AttributeError) as error:
        detail = f"SendGrid gave an answer that is not SendGrid's ({type(error).__name__})"
        yield Check("sendgrid", "wrong", detail, "SPEEDLEAD_SENDGRID_BASE_URL")


async def _checks(reader: SendgridReader, wanted: SendgridWanted) -> AsyncIterator[Check]:
    mend = f"SPEEDLEAD_SENDGRID_API_KEY; {_KEYS}"
    try:
        scopes = set((await reader.get("scopes"))["scopes"])
    except Refused as refused:
        yield Check("sendgrid key", "wrong", f"refused ({refused}); expected a key of this account", mend)
        return
    if "mail.send" not in scopes:
        yield Check("sendgrid key", "wrong", "accepted, but may not send; expected the scope mail.send", mend)
    else:
        yield Check("sendgrid key", "ok", "accepted, may send mail")
    looks = (
        ("sender of mail", _check_sender, "Sender Authentication"),
        ("event webhook", _check_events, "Mail Settings"),
        ("replies", _check_parse, "Inbound Parse"),
        ("footer", _check_footer, "Tracking"),
    )
    for what, look, permission in looks:
        may = f"{_KEYS}: a key that may read {permission}"
        for check in await unless_refused(partial(look, reader, wanted), what, may):
            yield check


async def _check_sender(reader: SendgridReader, wanted: SendgridWanted) -> list[Check]:
    what, domain = "sender of mail", wanted.from_domain
    mend = f"SPEEDLEAD_SENDGRID_FROM; {_SENDERS}"
    found = {str(d["domain"]).lower(): d for d in await reader.get("whitelabel/domains", limit=200)}
    mine = found.get(domain)
    if mine is not None and mine["valid"]:
        return [Check(what, "ok", f"{domain} is an authenticated domain")]
    if mine is not None:
        records = (mine.get("dns") or {}).values()
        lacking = [f"{r['host']} {str(r['type']).upper()} {r['data']}" for r in records if not r.get("valid")]
        detail = f"{domain} is not validated; missing in DNS: {'; '.join(lacking) or 'press Verify'}"
        return [Check(what, "wrong", detail, _SENDERS)]
    senders = (await reader.get("verified_senders", limit=200))["results"]
    verified = {str(s["from_email"]).lower(): bool(s["verified"]) for s in senders}
    if verified.get(wanted.from_address.lower()):
        detail = f"{wanted.from_address} is verified, its domain {domain} is not: mail may land in spam"
        return [Check(what, "warn", detail, f"{_SENDERS} > Authenticate your domain")]
    others = ", ".join(sorted(found)) or "none"
    detail = f"{wanted.from_address} is not verified; expected {domain} among the authenticated domains, found {others}"
    return [Check(what, "wrong", detail, mend)]


async def _check_events(reader: SendgridReader, wanted: SendgridWanted) -> list[Check]:
    what, expected = "event webhook", wanted.public_url + EVENTS
    hooks = [hook for hook in (await reader.get("user/webhooks/event/settings/all"))["webhooks"] if hook]
    ours = next((hook for hook in hooks if hook.get("url") == expected), None)
    if ours is None:
        return [same_address(what, expected, ", ".join(str(hook.get("url")) for hook in hooks), _EVENT_HOOK)]
    if not ours.get("enabled"):
        return [Check(what, "wrong", f"{expected} is switched off; expected enabled", _EVENT_HOOK)]
    lacking = [name for name in NEEDED_EVENTS if not ours.get(name)]
    if lacking:
        return [Check(what, "wrong", f"{expected} leaves out {', '.join(lacking)}; expected all of "
                      f"{', '.join(NEEDED_EVENTS)}", _EVENT_HOOK)]  # fmt: skip
    key = ours.get("public_key")
    return [Check(what, "ok", expected), _check_signature("event signature", [key] if key else [], wanted, _EVENT_HOOK)]


def _check_signature(what: str, keys: list[str], wanted: SendgridWanted, page: str) -> Check:
    """A webhook that is not signed by a key of our settings is refused by our gateway."""
    setting = "SPEEDLEAD_SENDGRID_WEBHOOK_PUBLIC_KEY"
    if not keys:
        return Check(what, "wrong", "not signed; expected signature verification to be on", page)
    if not wanted.public_keys:
        return Check(what, "wrong", f"signed, but {setting} is empty, so that all of it is refused", setting)
    if not set(keys) & set(wanted.public_keys):
        return Check(what, "wrong", "signed with a key that is not in our settings, so that all of it is refused",
                     f"{setting}: put the key of {page} there")  # fmt: skip
    return Check(what, "ok", "signed with a key of our settings")


async def _check_parse(reader: SendgridReader, wanted: SendgridWanted) -> list[Check]:
    what, host = "replies", wanted.reply_domain
    found = (await reader.get("user/webhooks/parse/settings"))["result"]
    ours = next((setting for setting in found if str(setting["hostname"]).lower() == host), None)
    if ours is None:
        others = ", ".join(str(setting["hostname"]) for setting in found) or "nothing"
        detail = f"expected an Inbound Parse setting for {host}, found {others}"
        return [Check(what, "wrong", detail, f"{_PARSE}, or SPEEDLEAD_SENDGRID_REPLY_DOMAIN")]
    checks = [same_address(what, wanted.public_url + INBOUND, ours.get("url"), f"{_PARSE} > {host}")]
    if ours.get("send_raw"):
        checks.append(Check(what, "wrong", f"{host} posts raw messages, which we do not read; expected parsed fields",
                            f"{_PARSE} > {host}: POST the raw, full MIME message off"))  # fmt: skip
    if host == wanted.from_domain:
        checks.append(Check(what, "warn", f"all mail to {host} goes to SendGrid; expected a host used for nothing else",
                            "SPEEDLEAD_SENDGRID_REPLY_DOMAIN, such as reply." + host))  # fmt: skip
    policies = (await reader.get("user/webhooks/security/policies")).get("policies") or []
    keys = [p["signature"]["public_key"] for p in policies if (p.get("signature") or {}).get("public_key")]
    signature = _check_signature("reply signature", keys, wanted, "the security policy of Inbound Parse")
    if signature.level == "ok":
        # the settings do not say which policy a host uses (tsg_webhooks_v3.json); only a reply can show it
        detail = f"a security policy has a key of our settings; whether {host} uses it is not told"
        signature = Check(signature.what, "ok", detail)
    return [*checks, signature]


async def _check_footer(reader: SendgridReader, _wanted: SendgridWanted) -> list[Check]:
    if (await reader.get("tracking_settings/subscription")).get("enabled"):
        return [Check("footer", "warn", "SendGrid adds an unsubscribe footer of its own beside ours; expected off",
                      "SendGrid > Settings > Tracking > Subscription Tracking")]  # fmt: skip
    return [Check("footer", "ok", "SendGrid adds none of its own")]
