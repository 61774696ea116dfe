"""Is a sender of texts registered where carriers demand it? US long codes (A2P 10DLC) and toll-free numbers.

An unregistered one is not refused at once: the carriers drop its texts later (30034, 30032).
Sources: twilio.com/docs/messaging/compliance, and the resources Usa2p, BrandRegistrations, Tollfree/Verifications.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import phonenumbers

from speedlead.providers.checks import Check, Refused

Ask = Callable[[Awaitable[Any]], Awaitable[Any]]

_A2P = "Console > Messaging > Regulatory compliance > A2P 10DLC"
_TOLL_FREE = "Console > Messaging > Regulatory compliance > Toll-free verification"
_LOCAL = (
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
)


@dataclass(frozen=True, slots=True)
class Sender:
    """A number (E.164), a short code or a name that texts come from; `sid` (PN…) for numbers."""

    name: str
    sid: str | None = None

    @property
    def needs_campaign(self) -> bool:
        """A long code of the United States."""
        return self._type() in _LOCAL and phonenumbers.region_code_for_number(self._parsed()) == "US"

    @property
    def needs_verification(self) -> bool:
        """Toll-free in the North American plan."""
        parsed = self._parsed()
        return parsed is not None and parsed.country_code == 1 and (
            self._type() == phonenumbers.PhoneNumberType.TOLL_FREE
        )  # fmt: skip

    @property
    def one_way(self) -> bool:
        return not self.name.lstrip("+").isdigit()

    def _type(self) -> int | None:
        parsed = self._parsed()
        return None if parsed is None else int(phonenumbers.number_type(parsed))

    def _parsed(self) -> Any:
        try:
            return phonenumbers.parse(self.name)
        except phonenumbers.NumberParseException:
            return None


async def check_registration(client: Any, ask: Ask, service_sid: str | None, senders: list[Sender]) -> list[Check]:
    """A line for each kind of sender that needs a registration; `ask` raises Refused or Silent."""
    checks: list[Check] = []
    long_codes = [sender.name for sender in senders if sender.needs_campaign]
    if long_codes:
        checks.append(await _check_campaign(client, ask, service_sid, long_codes))
    checks += [await _check_toll_free(client, ask, sender) for sender in senders if sender.needs_verification]
    names = [sender.name for sender in senders if sender.one_way]
    if names:
        detail = "leads cannot answer them, not even with STOP, and some countries want them registered"
        checks.append(Check("sender names", "info", f"{', '.join(names)}: {detail}"))
    return checks


async def _check_campaign(client: Any, ask: Ask, service_sid: str | None, numbers: list[str]) -> Check:
    what = "A2P 10DLC"
    which = numbers[0] if len(numbers) == 1 else f"{len(numbers)} US numbers"
    if service_sid is None:
        detail = f"{which} is in no messaging service, so it has no campaign: its texts to the US are dropped (30034)"
        return Check(what, "wrong", detail, f"{_A2P}, then SPEEDLEAD_TWILIO_MESSAGING_SERVICE_SID")
    campaigns = await ask(client.messaging.v1.services(service_sid).us_app_to_person.list_async(limit=20))
    if not campaigns:
        detail = f"{which}: the messaging service has no campaign; texts to the US are dropped (30034)"
        return Check(what, "wrong", detail, _A2P)
    states = sorted({str(campaign.campaign_status) for campaign in campaigns})
    good = next((campaign for campaign in campaigns if campaign.campaign_status == "VERIFIED"), None)
    if good is None:
        return Check(what, "wrong", f"{which}: the campaign is {', '.join(states)}; expected VERIFIED", _A2P)
    try:
        brand = await ask(client.messaging.v1.brand_registrations(good.brand_registration_sid).fetch_async())
    except Refused as refused:
        return Check(what, "warn", f"{which}: campaign VERIFIED, its brand cannot be read ({refused})", _A2P)
    if brand.status != "APPROVED":
        why = f" ({brand.failure_reason})" if brand.failure_reason else ""
        return Check(what, "wrong", f"{which}: the brand is {brand.status}{why}; expected APPROVED", _A2P)
    return Check(what, "ok", f"{which}: campaign VERIFIED, brand APPROVED")


async def _check_toll_free(client: Any, ask: Ask, sender: Sender) -> Check:
    what = "toll-free"
    found = await ask(
        client.messaging.v1.tollfree_verifications.list_async(tollfree_phone_number_sid=sender.sid, limit=20)
    )
    states = {str(verification.status) for verification in found}
    if "TWILIO_APPROVED" in states:
        return Check(what, "ok", f"{sender.name} is verified")
    if not found:
        return Check(what, "wrong", f"{sender.name} is not verified: its texts are blocked (30032)", _TOLL_FREE)
    why = next((f" ({v.rejection_reason})" for v in found if v.rejection_reason), "")
    detail = (
        f"{sender.name} is {', '.join(sorted(states))}{why}; expected TWILIO_APPROVED, until then texts are blocked"
    )
    return Check(what, "wrong", detail, _TOLL_FREE)
