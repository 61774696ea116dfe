"""What other systems are told: CloudEvents 1.0 in JSON, each event with a schema of its own (docs/webhooks.md)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

Include = Literal["contact", "owner"]
INCLUDES: Mapping[Include, str] = {
    "contact": "Name, company, e-mail addresses and phone numbers of the lead",
    "owner": "Name and e-mail address of the owner",
}
# what people typed in the place of a code stays in the house
_CODE = re.compile(r"[a-z0-9_]{1,40}")


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Lead(_Part):
    """The lead as it stands when this is sent, which a retry or a replay sees anew. Instants are UTC."""

    id: str
    status: str = Field(description="new, acknowledged, assigned, attempting, connected, booked, qualified, nurturing, "
                        "converted, closed or exhausted")  # fmt: skip
    open: bool
    erased: bool
    type: Literal["hot", "warm", "cold"]
    intent: str
    source: str
    segment: str | None
    country: str | None
    owner_id: str | None
    plan: str
    close_reason: str | None
    created_at: datetime
    acknowledged_at: datetime | None
    assigned_at: datetime | None
    accepted_at: datetime | None
    first_attempt_due: datetime | None
    first_attempt_at: datetime | None
    first_contact_at: datetime | None
    decided_at: datetime | None
    next_touch_at: datetime | None
    closed_at: datetime | None
    url: str = Field(description="The lead's page, for people of ours")


class Contact(_Part):
    name: str | None
    company: str | None
    emails: list[str]
    phones: list[str] = Field(description="E.164")


class Owner(_Part):
    id: str
    name: str
    email: str


class Inquiry(_Part):
    """`number` 1 began the lead."""

    number: int | None = None
    intent: str | None = None
    source: str | None = None
    lead_type: str | None = None


class Touch(_Part):
    channel: str | None = None
    step: str | None = None
    purpose: str | None = Field(None, description="acknowledgement, plan, manual, meeting or assistant")


class Assigned(_Part):
    owner_id: str | None = None
    how: str | None = Field(None, description="assigned, reassigned or escalated")
    reason: str | None = None


class Accepted(_Part):
    owner_id: str | None = None


class Reply(_Part):
    channel: str | None = None


class Outcome(_Part):
    outcome: str | None = None
    call_result: str | None = None
    owner_id: str | None = Field(None, description="Who logged it, where a rep did")
    reason: str | None = None


class Breach(_Part):
    target: str | None = None
    phase: str | None = Field(None, description="What was slow")
    due: datetime | None = None


class Status(_Part):
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True, serialize_by_alias=True)

    before: str = Field(alias="from")
    after: str = Field(alias="to")
    seconds: int | None = Field(None, description="How long it had the status of before; null where nobody knows")


class OptOut(_Part):
    scope: str | None = Field(None, description="all, call, sms or email")


class Closed(_Part):
    reason: str | None = None


class Corrected(_Part):
    fields: list[str] = Field(default=[], description="name, email, phone")


class Nothing(_Part):
    """No more than what is in `lead`."""


# type -> (what it says beside the lead, when it is told)
EVENTS: Mapping[str, tuple[type[_Part], str]] = {
    "lead.created": (Inquiry, "An inquiry has begun a lead"),
    "lead.inquiry": (Inquiry, "Another inquiry of a lead that is open"),
    "lead.acknowledged": (Touch, "The acknowledgement has gone out"),
    "lead.assigned": (Assigned, "The lead has an owner, or another one"),
    "lead.accepted": (Accepted, "The owner has taken it"),
    "lead.attempted": (Touch, "A touch has gone out, or the lead's phone rings"),
    "lead.contacted": (Nothing, "Somebody has spoken to the lead for the first time"),
    "lead.replied": (Reply, "The lead wrote to us"),
    "lead.outcome": (Outcome, "A call result or an outcome was logged"),
    "lead.booked": (Outcome, "The outcome is a meeting"),
    "lead.qualified": (Outcome, "The outcome is qualified: the lead is handed over as an opportunity"),
    "lead.converted": (Outcome, "The outcome is a customer, also after the lead was closed"),
    "lead.breach": (Breach, "A target was missed"),
    "lead.status_changed": (Status, "The lead's status is another one"),
    "lead.opted_out": (OptOut, "The lead wants no more of a channel, or of any"),
    "lead.closed": (Closed, "Nothing more is planned for the lead"),
    "lead.erased": (Nothing, "The person was erased: please erase what you have. Sent to every endpoint"),
}
TEST = "endpoint.test"
# of a lead that a CRM is to be told of anew; no webhook has it
SNAPSHOT = "lead.snapshot"
# somebody of ours has put right who the lead is; CRMs alone have it, for they keep a copy that people look at
CORRECTED = "lead.corrected"


def event_of(row: Mapping[str, Any], contact: Contact | None, owner: Owner | None, source: str) -> dict[str, Any]:
    """The event as JSON values. `row`: see `store.hook_queue.to_send`; `source`: our public address."""
    lead = Lead.model_validate(dict(row) | {
        "id": row["lead_id"], "status": row["stage"], "open": row["closed_at"] is None, "type": row["lead_type"],
        "erased": row["erased_wall"] is not None, "plan": f"{row['plan_id']} v{row['plan_version']}",
        "close_reason": _code(row["close_reason"])})  # fmt: skip
    data: dict[str, Any] = {"lead": lead.model_dump(mode="json"), "details": _details(row)}
    if contact is not None:
        data["contact"] = contact.model_dump(mode="json")
    if owner is not None:
        data["owner"] = owner.model_dump(mode="json")
    return envelope(row["id"], row["type"], row["lead_id"], row["at"], data, source, row["seq"])


def envelope(
    event_id: str, kind: str, subject: str, at: datetime, data: dict[str, Any], source: str, seq: int | None = None
) -> dict[str, Any]:
    made = {"specversion": "1.0", "id": event_id, "source": source, "type": kind, "subject": subject,
            "time": at.isoformat(), "datacontenttype": "application/json"}  # fmt: skip
    # CloudEvents' extension `sequence`: to be compared as text
    return made | ({} if seq is None else {"sequence": f"{seq:020d}"}) | {"data": data}


def _details(row: Mapping[str, Any]) -> dict[str, Any]:
    story: dict[str, Any] = row["story"] or {}
    known = {**story, **row["data"], "seconds": row["seconds"], "step": row["step"], "how": row["kind"],
             "owner_id": story.get("rep_id"), "reason": _code(row["reason"]),
             "scope": story.get("scope") or story.get("channel")}  # fmt: skip
    model = Corrected if row["type"] == CORRECTED else EVENTS.get(row["type"], (Nothing, ""))[0]
    return model.model_validate(known).model_dump(mode="json")


def _code(text: str | None) -> str | None:
    return text if text is not None and _CODE.fullmatch(text) else None


def schema() -> dict[str, Any]:
    """JSON Schema of every event."""
    models = [_model(kind, details, told) for kind, (details, told) in EVENTS.items()]
    test = create_model("EndpointTest", __base__=_Envelope, __doc__="Somebody has asked for a test.",
                        type=(Literal[TEST], ...), data=(dict[str, str], ...))  # type: ignore[arg-type]  # fmt: skip
    union: Any = models[0]
    for model in [*models[1:], test]:
        union = union | model
    made = TypeAdapter(union).json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Webhooks of speedlead", **made}


class _Envelope(BaseModel):
    specversion: Literal["1.0"]
    id: str = Field(description="The same at every try; equal to the header webhook-id")
    source: str = Field(description="The public address of this installation")
    subject: str = Field(description="The lead's id; of a test, the endpoint's")
    time: datetime = Field(description="When it happened")
    datacontenttype: Literal["application/json"]
    sequence: str | None = Field(None, description="Later events have a greater one, compared as text")


def _model(kind: str, details: type[_Part], told: str) -> type[BaseModel]:
    name = "".join(part.capitalize() for part in re.split(r"[._]", kind))
    data = create_model(f"{name}Data", lead=(Lead, ...), details=(details, ...),
                        contact=(Contact | None, Field(None, description="Where the endpoint includes contact")),
                        owner=(Owner | None, Field(None, description="Where the endpoint includes owner")))  # fmt: skip
    return create_model(name, __base__=_Envelope, __doc__=f"{told}.", type=(Literal[kind], ...), data=(data, ...))  # type: ignore[arg-type]
