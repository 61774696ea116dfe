"""What a CRM is asked to be, by a file (docs/crm.md). Secrets are read from the files that it names."""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationInfo, field_validator, model_validator

from speedlead.checked_yaml import parse, read_text
from speedlead.domain.crm import CONVERTED, Words
from speedlead.domain.outcomes import Outcome, Stage
from speedlead.hooks.address import Allowed, endpoint_url
from speedlead.hooks.endpoint import MAX_NAME, Word
from speedlead.hooks.events import Lead

Kind = Literal["hubspot", "salesforce"]
KINDS: tuple[str, ...] = get_args(Kind)
# what is worth a line in the record's history over there
ACTIVITIES = ("lead.inquiry", "lead.acknowledged", "lead.attempted", "lead.replied", "lead.outcome", "lead.corrected",
              "lead.opted_out")  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]*")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_LONGEST_SECRET = 16_384

FieldName = Annotated[str, Field(pattern=_FIELD.pattern)]
Texts = Annotated[dict[FieldName, Word], Field(max_length=50)]
# nothing of these is a default of the other system that we know to be there
_HUBSPOT_STATUSES = {
    "new": "NEW", "acknowledged": "NEW", "assigned": "OPEN", "attempting": "ATTEMPTED_TO_CONTACT",
    "connected": "CONNECTED", "booked": "CONNECTED", "qualified": "OPEN_DEAL", "nurturing": "BAD_TIMING",
    "exhausted": "BAD_TIMING", "closed/unqualified": "UNQUALIFIED", "closed/not_interested": "UNQUALIFIED",
}  # fmt: skip
_HUBSPOT_OUTCOMES = {"OPEN_DEAL": "qualified", "UNQUALIFIED": "unqualified", "BAD_TIMING": "not_now"}
_SALESFORCE_STATUSES = {
    "new": "Open - Not Contacted", "acknowledged": "Open - Not Contacted", "assigned": "Open - Not Contacted",
    "attempting": "Working - Contacted", "connected": "Working - Contacted", "booked": "Working - Contacted",
    "closed/unqualified": "Closed - Not Converted", "closed/not_interested": "Closed - Not Converted",
}  # fmt: skip
_SALESFORCE_OUTCOMES = {CONVERTED: "qualified", "Closed - Not Converted": "unqualified"}


class _Crm(BaseModel):
    """`statuses`, `outcomes`: see `domain.crm.Words`. `fields`: theirs -> a field of `lead` in our events."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    url: str
    secret_file: Path | None = Field(None, exclude=True)
    activities: tuple[str, ...] = ACTIVITIES
    fields: Texts = {}
    constants: Texts = {}
    owners: bool = True
    # of whoever is erased here: the record is deleted, or every field that we fill is emptied, or they are asked to
    erase: Literal["delete", "blank", "ask"] = "delete"
    active: bool = Field(True, exclude=True)

    @field_validator("name")
    @classmethod
    def _name(cls, name: str) -> str:
        if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
            raise ValueError(f"expected letters, digits, blanks and ._-, {MAX_NAME} at most")
        return name

    @field_validator("url")
    @classmethod
    def _url(cls, url: str, info: ValidationInfo) -> str:
        url = url.rstrip("/")
        found = endpoint_url(url, info.context if isinstance(info.context, Allowed) else Allowed())
        if found.path not in ("", "/") or found.query_string:
            raise ValueError("expected an address without a path, such as https://api.hubapi.com")
        return url

    @field_validator("activities")
    @classmethod
    def _activities(cls, activities: tuple[str, ...]) -> tuple[str, ...]:
        for one in activities:
            if one not in ACTIVITIES:
                raise ValueError(f"{one!r}: expected some of {', '.join(ACTIVITIES)}")
        return activities

    @field_validator("fields")
    @classmethod
    def _fields(cls, fields: dict[str, str]) -> dict[str, str]:
        for theirs, ours in fields.items():
            if ours not in Lead.model_fields:
                raise ValueError(f"{theirs}: expected one of {', '.join(Lead.model_fields)}, got {ours!r}")
        return fields

    @field_validator("statuses", check_fields=False)
    @classmethod
    def _statuses(cls, statuses: dict[str, str]) -> dict[str, str]:
        for ours in statuses:
            if ours.partition("/")[0] not in list(Stage):
                raise ValueError(f"{ours!r}: expected a status of ours ({', '.join(Stage)}), or closed/<reason>")
        return statuses

    @field_validator("outcomes", check_fields=False)
    @classmethod
    def _outcomes(cls, outcomes: dict[str, str]) -> dict[str, str]:
        for theirs, ours in outcomes.items():
            # a callback has a time, which no status has
            if ours not in list(Outcome) or ours == Outcome.CALLBACK_REQUESTED:
                raise ValueError(f"{theirs}: expected an outcome of ours, got {ours!r}")
        return outcomes


Statuses = Annotated[dict[str, Word], Field(max_length=100)]


class HubSpot(_Crm):
    """`version`: a date (2026-03), or v3, which HubSpot supports until September 2027."""

    kind: Literal["hubspot"]
    url: str = "https://api.hubapi.com"
    version: str = Field("2026-03", pattern=r"^(\d{4}-\d{2}|v3)$")
    id_field: FieldName = "speedlead_person_id"
    activity_id_field: FieldName = "speedlead_event_id"
    status_field: FieldName = "hs_lead_status"
    statuses: Statuses = _HUBSPOT_STATUSES
    outcomes: Statuses = _HUBSPOT_OUTCOMES

    @property
    def words(self) -> Words:
        return Words(self.statuses, self.outcomes)


class Salesforce(_Crm):
    """`url`: My Domain. `auth`: client_credentials with the consumer's secret, or jwt with its private key (PEM)."""

    kind: Literal["salesforce"]
    version: str = Field("62.0", pattern=r"^\d{2,3}\.0$")
    id_field: FieldName = "SpeedleadId__c"
    activity_id_field: FieldName = "SpeedleadEventId__c"
    status_field: FieldName = "Status"
    statuses: Statuses = _SALESFORCE_STATUSES
    outcomes: Statuses = _SALESFORCE_OUTCOMES
    auth: Literal["client_credentials", "jwt"] = "client_credentials"
    client_id: Word
    username: Word | None = None
    audience: Literal["https://login.salesforce.com", "https://test.salesforce.com"] = "https://login.salesforce.com"

    @model_validator(mode="after")
    def _whole(self) -> "Salesforce":
        if self.auth == "jwt" and self.username is None:
            raise ValueError("expected `username`: as whom the JWT signs in")
        return self

    @property
    def words(self) -> Words:
        return Words(self.statuses, self.outcomes)


Crm = Annotated[HubSpot | Salesforce, Field(discriminator="kind")]
_ONE: TypeAdapter[HubSpot | Salesforce] = TypeAdapter(Crm)


class CrmFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    crm: tuple[Crm, ...]

    @model_validator(mode="after")
    def _once(self) -> "CrmFile":
        if not self.crm:
            raise ValueError("expected at least one CRM")
        names = [one.name for one in self.crm]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"each name once; {name!r} stands twice")
        return self


def read_file(file: Path, allowed: Allowed) -> tuple[HubSpot | Salesforce, ...]:
    """Raises FileFault, with a line for each fault."""
    return parse(CrmFile, read_text(file), str(file), whole="the file", context=allowed).crm


def kept(asked: HubSpot | Salesforce) -> dict[str, Any]:
    """As it is kept beside the endpoint: without name, address and secret, which stand there."""
    return asked.model_dump(mode="json", exclude={"name", "url"})


def restored(name: str, url: str, settings: Mapping[str, Any]) -> HubSpot | Salesforce:
    """Its address was looked at when it was given, and is again at each request."""
    known = {**settings, "name": name, "url": url}
    return _ONE.validate_python(known, context=_ANYWHERE)


class _Anywhere(Allowed):
    def holds(self, host: str) -> bool:
        return True


_ANYWHERE = _Anywhere((ip_network("0.0.0.0/0"), ip_network("::/0")))


def read_secret(file: Path) -> str:
    """A token of one line, or a private key of many. Raises ValueError with what was expected."""
    try:
        raw = file.expanduser().read_bytes()[: _LONGEST_SECRET + 1]
        text = raw.decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"expected a file that can be read, got {file}: {type(error).__name__}") from None
    if not text or len(raw) > _LONGEST_SECRET or not (text.isprintable() or text.startswith("-----BEGIN ")):
        raise ValueError(f"expected a secret of one line, or a private key in PEM, in {file}")
    return text
