"""A mapping as its file says it: what comes, how it is signed, and where each of our fields is in it.

`docs/mappings.md` says the same in words.
"""

import re
from collections.abc import Mapping as Table
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from speedlead.intake import Inquiry
from speedlead.mappings.values import Path, Value
from speedlead.roi.currencies import amount, currency

Kind = Literal["lead", "status", "ticket", "revenue", "change"]
Scheme = Literal["hmac", "stripe", "standard", "token", "basic", "none"]
KINDS: tuple[str, ...] = get_args(Kind)
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")

LEAD_FIELDS = tuple(name for name in Inquiry.model_fields if name != "extra")
FIELDS: Table[str, tuple[str, ...]] = {
    "lead": LEAD_FIELDS,
    "status": ("status", "at", "until", "scope", "reason", "note", "owner"),
    "ticket": ("reference", "date", "amount", "currency", "minutes", "told_at"),
    "revenue": ("reference", "date", "amount", "currency", "told_at"),
    "change": (),
}
NEEDED: Table[str, tuple[str, ...]] = {
    "lead": (),
    "status": (),
    "ticket": ("reference",),
    "revenue": ("reference", "amount", "currency"),
    "change": (),
}
# what changed over there is read there, so these are the systems that we have an adapter for (docs/crm.md)
CRMS = ("hubspot", "salesforce")
_PLACES = ("{body}", "{timestamp}", "{method}", "{url}")


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise ValueError("expected up to 40 of a-z, 0-9, - and _, such as typeform or contact-form")
    return text


def _header(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,80}", text):
        raise ValueError("expected the name of a header, such as X-Signature")
    return text.lower()


def _span(text: object) -> object:
    found = re.fullmatch(r"(\d{1,4})\s*([smh])", text) if isinstance(text, str) else None
    if found is None:
        return text
    return timedelta(seconds=int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]])


def _sum(text: object) -> object:
    """As text, because YAML's 0.1 is no amount of money."""
    if not isinstance(text, str):
        raise ValueError('expected an amount in quotation marks, such as "12.50"')
    return text


Name = Annotated[str, AfterValidator(_name)]
Header = Annotated[str, AfterValidator(_header)]
Span = Annotated[timedelta, BeforeValidator(_span)]
Sum = Annotated[Decimal, BeforeValidator(_sum)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Timestamp(_Part):
    """When it was signed; older than `tolerance`, or as far ahead, it is refused."""

    header: Header
    unit: Literal["seconds", "milliseconds", "iso"] = "seconds"
    tolerance: Span = timedelta(minutes=5)

    @model_validator(mode="after")
    def _bounded(self) -> "Timestamp":
        if not timedelta(seconds=10) <= self.tolerance <= timedelta(hours=72):
            raise ValueError("expected a tolerance of 10s to 72h, such as 5m")
        return self


class Signature(_Part):
    """How we know who sent it.

    `hmac`: HMAC-SHA256 over `signed`, in `header`, behind `prefix`. `stripe`: `t=…,v1=…` in Stripe-Signature.
    `standard`: Standard Webhooks. `token`: the secret itself, in a header, in the query or at a path of the body.
    `basic`: the secret is `user:password`. `none`: nobody knows; only where SPEEDLEAD_MAPPINGS_UNSIGNED names it.
    """

    scheme: Scheme
    header: Header | None = None
    prefix: str = Field("", max_length=40)
    encoding: Literal["hex", "base64"] = "hex"
    signed: str = Field("{body}", max_length=200)
    timestamp: Timestamp | None = None
    query: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{1,40}$")
    path: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Signature":
        if self.scheme == "hmac":
            if self.header is None:
                raise ValueError("expected `header`: where the signature is")
            if "{body}" not in self.signed:
                raise ValueError("expected {body} in `signed`: else anything could be sent under one signature")
            left = self.signed
            for place in _PLACES:
                left = left.replace(place, "")
            if "{" in left or "}" in left:
                raise ValueError(f"expected no other braces in `signed` than {', '.join(_PLACES)}")
            if ("{timestamp}" in self.signed) != (self.timestamp is not None):
                raise ValueError("expected {timestamp} in `signed` and `timestamp` together, or neither")
        elif self.scheme == "token" and sum(x is not None for x in (self.header, self.query, self.path)) != 1:
            raise ValueError("expected one of `header`, `query` and `path`: where the token is")
        odd = {"hmac": {"header", "prefix", "encoding", "signed", "timestamp"}, "token": {"header", "prefix", "query",
               "path"}}.get(self.scheme, set())  # fmt: skip
        for name in sorted(self.model_fields_set - odd - {"scheme"}):
            raise ValueError(f"expected no `{name}` with the scheme {self.scheme}")
        return self


class Id(_Part):
    """Where the id of a delivery is: the same at every try of the sender. One of the two."""

    path: Path | None = None
    header: Header | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one(self) -> "Id":
        if (self.path is None) == (self.header is None):
            raise ValueError("expected either `path` or `header`")
        return self


class Who(_Part):
    """By what the lead is found, in this order. `external_id`: of their record, remembered with the lead."""

    lead_id: Value | None = None
    external_id: Value | None = None
    email: Value | None = None
    phone: Value | None = None


class Cost(_Part):
    """What a ticket costs us; the sum of both where both are given."""

    per_ticket: Sum | None = None
    per_hour: Sum | None = None
    currency: str

    @model_validator(mode="after")
    def _money(self) -> "Cost":
        if self.per_ticket is None and self.per_hour is None:
            raise ValueError("expected `per_ticket`, `per_hour` or both")
        code = currency(self.currency)
        for rate in (self.per_ticket, self.per_hour):
            if rate is not None and amount(str(rate), code) < 0:
                raise ValueError("expected a cost of 0 or more")
        object.__setattr__(self, "currency", code)
        return self


class Mapping(_Part):
    name: Name
    kind: Kind
    about: str = Field(min_length=1, max_length=2000, description="What it is for, and what to set at the sender")
    source: str = Field(min_length=1, max_length=500, description="Where the sender's payload is described")
    system: Name | None = Field(None, description="Whose ids `external_id` are; empty: the name of the mapping")
    signature: Signature
    secret: Name | None = Field(None, description="The file with the secret; empty: the name of the mapping")
    each: Path | None = Field(None, description="Leads to a list whose parts are mapped one by one")
    where: Path | None = Field(None, description="Parts for which this is nothing or false are passed over")
    id: Id | None = None
    who: Who = Who()
    fields: dict[str, Value]
    extra: dict[str, Value] = {}
    # everything else of a flat form, as the hidden fields of our own form are kept
    rest: bool = False
    amount_in: Literal["units", "minor"] = Field("units", description="minor: of the smallest coin, such as cents")
    negative: bool = Field(False, description="Amounts are taken back, as of a refund")
    cost: Cost | None = None
    unknown: Literal["wait", "pass"] = Field(
        "wait", description="What becomes of a message about somebody who is no lead of ours"
    )

    @model_validator(mode="after")
    def _has_its_fields(self) -> "Mapping":
        known = FIELDS[self.kind]
        for name in self.fields:
            if name not in known:
                raise ValueError(f"fields.{name}: expected {'one of ' + ', '.join(known) if known else 'none'}")
        for name in NEEDED[self.kind]:
            if name not in self.fields:
                raise ValueError(f"fields: expected {name}, which every {self.kind} needs")
        if self.kind == "lead":
            if not {"email", "phone"} & set(self.fields):
                raise ValueError("fields: expected email or phone: whoever has neither cannot be answered")
            if self.who.model_fields_set - {"external_id"}:
                raise ValueError("who: expected external_id alone; a lead is found by its fields email and phone")
        elif not self.who.model_fields_set:
            raise ValueError("who: expected lead_id, external_id, email or phone: whose it is")
        if self.kind == "change" and (self.system not in CRMS or self.who.external_id is None):
            raise ValueError(f"expected `system` ({' or '.join(CRMS)}) and `who.external_id`: which record it is")
        if self.kind == "status" and not {"status", "owner"} & set(self.fields):
            raise ValueError("fields: expected status, owner or both")
        return self

    @model_validator(mode="after")
    def _has_no_others(self) -> "Mapping":
        if self.kind != "lead" and (self.extra or self.rest):
            raise ValueError("extra: expected with the kind lead alone")
        if self.kind != "ticket" and self.cost is not None:
            raise ValueError("cost: expected with the kind ticket alone")
        if self.kind not in ("ticket", "revenue") and {"amount_in", "negative"} & self.model_fields_set:
            raise ValueError("amount_in: expected with the kinds ticket and revenue alone")
        if self.signature.scheme == "none" and (self.kind != "lead" or self.who.external_id is not None):
            raise ValueError("signature: expected another scheme than none: anybody could speak for a person we know")
        if self.each is not None and self.id is not None and self.id.header is not None:
            raise ValueError("id: expected a path: with `each` every part has an id of its own")
        return self

    @property
    def of(self) -> str:
        return self.system or self.name

    @property
    def secret_name(self) -> str:
        return self.secret or self.name


def field_values(mapping: Mapping) -> dict[str, Any]:
    """Everything that is looked up, by the name it has in the file."""
    who = {f"who.{name}": value for name, value in mapping.who if value is not None}
    extra = {f"extra.{name}": value for name, value in mapping.extra.items()}
    return who | dict(mapping.fields) | extra
