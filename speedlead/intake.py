"""What a form or an API client sent, checked and normalised. Pure: `read_inquiry` raises ValidationError or nothing.

    name email phone company message intent source country region postcode tz segment channel
    consent_sms consent_call consent_recorded consent_marketing consent_text consent_ai_voice consent_ai_voice_text
    utm_* and everything else: kept in `extra`

An e-mail address or a phone number is required; consent never is.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, NoReturn

from email_validator import EmailNotValidError, validate_email
from phonenumbers import (
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneNumberFormat,
    PhoneNumberType,
    format_number,
    is_valid_number,
    number_type,
    parse,
)
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from speedlead.domain.calendar import parse_zone
from speedlead.domain.flow_check import is_disguise
from speedlead.intake_text import bounded_extra, many_lines, one_line, slug
from speedlead.regions import country_in, subdivision

OTHER = "other"
# the ways in which somebody comes to us (REQ 22, 23); a plan may name more
CHANNELS = frozenset({"form", "api", "chat", "email", "phone", "messenger", "sms"})

# what an advertising click leaves in the address; fbclid is not among them, Facebook adds it to every link
_PAID_CLICKS = ("gclid", "gbraid", "wbraid", "dclid", "msclkid", "ttclid", "li_fat_id")
_PAID_MEDIA = frozenset(
    "cpc ppc cpm cpv cpa paid paidsearch paid_search paid-search paidsocial paid_social paid-social display "
    "retargeting remarketing ads banner".split()
)
_OTHER_MEDIA = {
    "organic": "organic", "referral": "referral", "affiliate": "affiliate", "email": "email", "e-mail": "email",
    "newsletter": "email", "social": "social", "organic_social": "social",
}  # fmt: skip
_COUNTRY_ALIASES = {"UK": "GB", "USA": "US", "EL": "GR"}
_TRUE, _FALSE = frozenset({"1", "true", "on", "yes", "y"}), frozenset({"", "0", "false", "off", "no", "n"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What depends on the installation: the plan's intents, where the company is, what the sender can correct."""

    intents: Collection[str]
    # national phone numbers without any hint of a country are read as numbers of this one
    home_country: str = "US"
    default_source: str = "website"
    default_channel: str = "form"
    channels: Collection[str] = CHANNELS
    # what a form's hidden fields say (zone, region, segment, channel) nobody can correct, so a wrong one is only noted
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong field, in words for whoever sent it."""

    field: str
    reason: str
    expected: str


def _bad(reason: str, expected: str) -> NoReturn:
    # both are fixed texts: what was sent is never repeated in an error
    raise PydanticCustomError("inquiry", "{reason}", {"reason": reason, "expected": expected})


def _text(limit: int, *, lines: bool = False, digits: bool = False) -> BeforeValidator:
    expected = f"text of at most {limit} characters"

    def check(value: object) -> str | None:
        if digits and isinstance(value, int) and not isinstance(value, bool):
            value = str(value) if abs(value) < 10**20 else "?" * (limit + 1)
        if value is None:
            return None
        if not isinstance(value, str):
            _bad("not text", expected)
        cleaned = many_lines(value) if lines else one_line(value)
        if len(cleaned) > limit:
            _bad("too long", expected)
        return cleaned or None

    return BeforeValidator(check)


def _flag(value: object) -> bool:
    if isinstance(value, bool) or value is None:
        return bool(value)
    word = str(value).strip().lower() if isinstance(value, int | str) and len(str(value)[:9]) < 9 else "?"
    if word not in _TRUE | _FALSE:
        _bad("neither yes nor no", "true or false")
    return word in _TRUE


Line = Annotated[str | None, _text(200)]
Flag = Annotated[bool, BeforeValidator(_flag)]


class Inquiry(BaseModel):
    """One inquiry, normalised: lower-case e-mail with an ASCII domain, phone in E.164, country of two letters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Line = None
    company: Line = None
    email: Annotated[str | None, _text(320)] = None
    # before the phone: they say of which country a national number is
    country: Annotated[str | None, _text(40)] = None
    region: Annotated[str | None, _text(100)] = None
    tz: Annotated[str | None, _text(64)] = None
    phone: Annotated[str | None, _text(60, digits=True)] = None
    message: Annotated[str | None, _text(10_000, lines=True)] = None
    intent: Annotated[str | None, _text(60)] = OTHER
    source: Annotated[str | None, _text(200)] = None
    segment: Annotated[str | None, _text(60)] = None
    channel: Annotated[str | None, _text(60)] = None
    postcode: Annotated[str | None, _text(16, digits=True)] = None
    consent_sms: Flag = False
    consent_call: Flag = False
    consent_recorded: Flag = False
    consent_marketing: Flag = False
    consent_text: Annotated[str | None, _text(4000, lines=True)] = None
    # the words next to the box: without them nobody could say what was agreed to
    consent_ai_voice: Flag = False
    consent_ai_voice_text: Annotated[str | None, _text(1000, lines=True), Field(validate_default=True)] = None
    extra: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _set_aside(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, Mapping):
            _bad("not an object", "an object with the fields of an inquiry")
        fields = {str(key): item for key, item in value.items()}
        known = {name: fields.pop(name) for name in [*cls.model_fields] if name in fields and name != "extra"}
        rules = _rules(info)
        region = known.get("region")
        if isinstance(region, str) and not known.get("country"):
            known["country"] = _country_code(country_in(region) or "")  # 'US-TX' names its country
        if rules.lenient:
            for name in _wrong_hidden(known, rules):
                fields[f"{name}_unknown"] = known.pop(name)
        known["extra"] = bounded_extra(fields)
        if not known.get("source"):
            known["source"] = _infer_source(known["extra"]) or rules.default_source
        if not known.get("channel"):
            known["channel"] = rules.default_channel
        return known

    @field_validator("email")
    @classmethod
    def _email(cls, value: str | None) -> str | None:
        if value is None:
            return None
        expected = "an e-mail address such as name@example.com"
        try:
            found = validate_email(value, check_deliverability=False)
        except (EmailNotValidError, ValueError):
            _bad("not an e-mail address", expected)
        address = f"{found.local_part}@{found.ascii_domain}".lower()
        if len(address) > 254:
            _bad("too long", expected)
        return address

    @field_validator("country")
    @classmethod
    def _country(cls, value: str | None) -> str | None:
        if value is None:
            return None
        code = _country_code(value)
        if code is None:
            _bad("not a country code", "two letters (ISO 3166), such as US or DE")
        return code

    @field_validator("region")
    @classmethod
    def _region(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None or "country" not in info.data:  # a wrong country has its own error
            return None
        country = info.data["country"]
        if country is None:
            _bad("no country to look for it in", "a code with its country, such as US-TX, or the field country")
        try:
            return subdivision(country, value)
        except ValueError as error:
            _bad("not a known region", str(error))

    @field_validator("tz")
    @classmethod
    def _tz(cls, value: str | None) -> str | None:
        if value is not None and not _is_zone(value):
            _bad("not a time zone", "an IANA zone such as America/New_York")
        return value

    @field_validator("phone")
    @classmethod
    def _phone(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        places = (info.data.get("country"), _zone_countries().get(info.data.get("tz") or ""), _rules(info).home_country)
        return _e164(value, [place for place in dict.fromkeys(places) if place])

    @field_validator("intent")
    @classmethod
    def _intent(cls, value: str | None, info: ValidationInfo) -> str:
        intents = {*_rules(info).intents, OTHER}
        if value is None:
            return OTHER
        if value not in intents:
            _bad("not a known intent", "one of " + ", ".join(sorted(intents)))
        return value

    @field_validator("source")
    @classmethod
    def _source(cls, value: str | None, info: ValidationInfo) -> str:
        source = slug(value or "")
        if is_disguise(source, info.data.get("email"), info.data.get("phone")):
            source = ""
        return source or _rules(info).default_source

    @field_validator("segment")
    @classmethod
    def _segment(cls, value: str | None) -> str | None:
        if value is not None and not (value := slug(value)):
            _bad("not a segment", "a word such as enterprise or b2b_saas")
        return value

    @field_validator("channel")
    @classmethod
    def _channel(cls, value: str | None, info: ValidationInfo) -> str:
        rules = _rules(info)
        channel = slug(value or "") or rules.default_channel
        if channel not in {*rules.channels, rules.default_channel}:
            _bad("not a known channel", "one of " + ", ".join(sorted(rules.channels)))
        return channel

    @field_validator("postcode")
    @classmethod
    def _postcode(cls, value: str | None) -> str | None:
        return value.upper() if value else None

    @model_validator(mode="after")
    def _reachable(self) -> "Inquiry":
        if self.email is None and self.phone is None:
            _bad("neither e-mail nor phone was given", "an e-mail address or a phone number")
        return self

    @field_validator("consent_ai_voice_text")
    @classmethod
    def _has_words(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("consent_ai_voice") and value is None and not _rules(info).lenient:
            _bad("missing", "the words that were shown next to the box, with consent_ai_voice")
        return value

    @property
    def agreed_to_ai_voice(self) -> str | None:
        """The words that were agreed to, for the number that was given with them."""
        return self.consent_ai_voice_text if self.consent_ai_voice and self.phone is not None else None

    @property
    def call_requested(self) -> bool:
        """A phone given next to a shown consent text, or with a ticked box, asks for a call about this inquiry."""
        return self.phone is not None and (self.consent_call or self.consent_text is not None)

    def fingerprint(self, form_key: str) -> bytes:
        """The same for posts that say the same through the same form."""
        said = json.dumps([form_key, self.model_dump()], sort_keys=True)
        return hashlib.sha256(said.encode("utf-8", "backslashreplace")).digest()


def read_inquiry(fields: object, rules: Rules) -> Inquiry:
    """Raises pydantic's ValidationError, whatever `fields` holds; `field_problems` puts it into words."""
    return Inquiry.model_validate(fields, context=rules)


def field_problems(error: ValidationError) -> list[FieldProblem]:
    """What was wrong, field by field; a missing e-mail and phone is told at the e-mail."""
    found = []
    for item in error.errors(include_url=False, include_input=False):
        ctx = item.get("ctx", {})
        nowhere = "email" if "e-mail" in str(ctx.get("expected")) else "body"
        field = ".".join(str(part) for part in item["loc"]) or nowhere
        found.append(FieldProblem(field, item["msg"], str(ctx.get("expected") or item["msg"])))
    return found


def _rules(info: ValidationInfo) -> Rules:
    return info.context if isinstance(info.context, Rules) else Rules(intents=())


def _is_zone(name: str) -> bool:
    try:
        return parse_zone(name) == name
    except ValueError:
        return False


def _country_code(text: str) -> str | None:
    code = _COUNTRY_ALIASES.get(text.upper(), text.upper())
    return code if code in SUPPORTED_REGIONS else None


def _wrong_hidden(known: Mapping[str, object], rules: Rules) -> list[str]:
    """Names of the hidden fields that cannot be used. What is not text, or too long, is for the field's own check."""
    texts = {name: one_line(value) for name, value in known.items() if isinstance(value, str)}
    wrong = [name for name in ("tz",) if texts.get(name) and not _is_zone(texts[name])]
    if (channel := texts.get("channel")) and slug(channel) not in {*rules.channels, ""}:
        wrong.append("channel")
    if (segment := texts.get("segment")) and not slug(segment):
        wrong.append("segment")
    if region := texts.get("region"):
        country = _country_code(texts.get("country", ""))
        try:
            if country is None or len(region) > 100:
                raise ValueError
            subdivision(country, region)
        except ValueError:
            wrong.append("region")
    return wrong


def _e164(text: str, countries: list[str]) -> str:
    """The first reading that is a valid number. A national number is tried in each country in turn."""
    expected = "a phone number with its country code, such as +1 415 555 2671"
    written = [text, "+" + text[2:]] if text.startswith("00") else [text]
    for candidate in written:
        for country in countries:
            try:
                number = parse(candidate, country)
            except NumberParseException:
                continue
            if not is_valid_number(number):
                continue
            if number_type(number) == PhoneNumberType.PREMIUM_RATE:
                # somebody would earn on every call and text we make
                _bad("a premium-rate number", expected)
            return str(format_number(number, PhoneNumberFormat.E164))
    _bad("not a valid phone number", expected)


def _infer_source(extra: Mapping[str, object]) -> str | None:
    """Where a visitor came from, by the marks that links carry."""
    if any(extra.get(name) for name in _PAID_CLICKS):
        return "paid_ads"
    medium = slug(str(extra.get("utm_medium") or ""))
    if medium in _PAID_MEDIA:
        return "paid_ads"
    if medium in _OTHER_MEDIA:
        return _OTHER_MEDIA[medium]
    if extra.get("fbclid"):
        return "social"
    return slug(str(extra.get("utm_source") or "")) or None


@cache
def _zone_countries() -> dict[str, str]:
    """Zone to country, from the zone data in use."""
    table: dict[str, str] = {}
    for line in (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            code, _, zone = line.split("\t")[:3]
            table.setdefault(zone, code)
    return table
