"""The JSON API about leads: read from rows, log outcomes as rows, ask the running lead for everything else."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from speedlead import contracts
from speedlead.cadence_errors import LeadNotFound, LeadRefused, LeadUnavailable
from speedlead.domain.outcomes import CallResult, Outcome
from speedlead.domain.steering import LONGEST_REASON
from speedlead.gateway.access.table import May
from speedlead.gateway.access.who import machine_or_person
from speedlead.gateway.context import Context
from speedlead.gateway.forms import JSON_TYPES, read_form, read_object
from speedlead.gateway.limits import read_body
from speedlead.gateway.problems import Problem, wrong_field
from speedlead.ids import update_id
from speedlead.intake import FieldProblem
from speedlead.intake_text import many_lines, one_line
from speedlead.store.answers import AnswerRefused, Draft, write_answer
from speedlead.store.conversations import conversation
from speedlead.store.outcomes import Logged, OutcomeRefused, log_outcome
from speedlead.store.transactions import transact

MAX_BYTES = 65_536

# update name -> the model of its request
UPDATES: dict[str, type[contracts.Contract]] = {
    "accept": contracts.AcceptRequest,
    "decline": contracts.DeclineRequest,
    "reassign": contracts.ReassignRequest,
    "pause": contracts.PauseRequest,
    "resume": contracts.ResumeRequest,
    "skip": contracts.SkipRequest,
    "call_now": contracts.CallNowRequest,
    "stop": contracts.StopRequest,
    "correct": contracts.CorrectRequest,
    "change_plan": contracts.ChangePlanRequest,
}


class OutcomeBody(BaseModel):
    """`at` is the moment a callback was asked for; the note stays a row and never travels."""

    model_config = ConfigDict(extra="forbid")

    call_result: CallResult | None = None
    outcome: Outcome | None = None
    at: AwareDatetime | None = None
    until: AwareDatetime | None = None
    scope: Literal["all", "call", "sms", "email"] = "all"
    reason: str | None = Field(None, max_length=80, pattern=r"^[a-z0-9_:-]+$")
    note: str | None = Field(None, max_length=5000)
    rep_id: uuid.UUID | None = None
    touch_id: str | None = Field(None, max_length=200, pattern=r"^[!-~]+$")


class MessageBody(BaseModel):
    """A message to the lead, written by a person of ours; the gate decides when it is sent, if at all."""

    model_config = ConfigDict(extra="forbid")

    channel: Literal["email", "sms", "chat"]
    body: str = Field(min_length=1, max_length=20_000)
    subject: str | None = Field(None, max_length=500)
    rep_id: uuid.UUID | None = None
    conversation: uuid.UUID | None = None


def add_api_routes(app: FastAPI, context: Context) -> None:
    pool = context.deps.pool

    @app.get("/api/leads/{lead_id}", summary="One lead")
    async def get_lead(request: Request, lead_id: uuid.UUID) -> Response:
        from speedlead.store.views import lead_view

        context.guard.allow(request)
        return as_json(_found(await transact(pool, lambda conn: lead_view(conn, str(lead_id)))))

    @app.get("/api/leads/{lead_id}/timeline", summary="What happened, when and why")
    async def get_timeline(request: Request, lead_id: uuid.UUID) -> Response:
        from speedlead.store.views import timeline

        context.guard.allow(request)
        await _state(context, str(lead_id))
        return as_json({"timeline": await transact(pool, lambda conn: timeline(conn, str(lead_id)))})

    @app.get("/api/leads/{lead_id}/explain", summary="What comes next, when, and why not yet")
    async def get_explain(request: Request, lead_id: uuid.UUID) -> Response:
        from speedlead.store.views import explain

        context.guard.allow(request)
        return as_json(_found(await transact(pool, lambda conn: explain(conn, str(lead_id)))))

    @app.post("/api/leads/{lead_id}/outcomes", status_code=202, summary="Log a call result or an outcome",
              openapi_extra=_body_docs(OutcomeBody))  # fmt: skip
    async def post_outcome(request: Request, lead_id: uuid.UUID) -> Response:
        context.guard.allow(request)
        return await _outcome(request, context, str(lead_id))

    @app.get("/api/leads/{lead_id}/messages", summary="What the lead and we wrote, oldest first")
    async def get_messages(request: Request, lead_id: uuid.UUID) -> Response:
        context.guard.allow(request)
        talk = _found(await transact(pool, lambda conn: conversation(conn, str(lead_id))))
        return as_json(
            {"messages": talk.lines, "answer_by": talk.answer_by, "blocked": talk.blocked, "due_at": talk.due_at}
        )

    @app.post("/api/leads/{lead_id}/messages", status_code=202, summary="Write to the lead by hand",
              openapi_extra=_body_docs(MessageBody))  # fmt: skip
    async def post_message(request: Request, lead_id: uuid.UUID) -> Response:
        context.guard.allow(request)
        return await _message(request, context, str(lead_id))

    def add_update(name: str, model: type[contracts.Contract]) -> None:
        summary = f"Ask the running lead: {name.replace('_', ' ')}"

        @app.post(f"/api/leads/{{lead_id}}/{name}", summary=summary, name=name, openapi_extra=_update_docs(model))
        async def post_update(request: Request, lead_id: uuid.UUID) -> Response:
            context.guard.allow(request)
            return await _update(request, context, str(lead_id), name, model)

    for name, model in UPDATES.items():
        add_update(name, model)


async def _outcome(request: Request, context: Context, lead_id: str) -> Response:
    deps = context.deps
    body = _validated(OutcomeBody, _in_own_name(request, OutcomeBody, await _fields(request)))
    if body.call_result is None and body.outcome is None:
        raise wrong_field("outcome", "neither call_result nor outcome was given", "a call_result, an outcome, or both")
    key = request.headers.get("idempotency-key")
    logged = Logged(
        lead_id=lead_id,
        call_result=body.call_result,
        outcome=body.outcome,
        at=body.at,
        until=body.until,
        scope=body.scope,
        reason=body.reason,
        note=(many_lines(body.note) or None) if body.note else None,
        rep_id=str(body.rep_id) if body.rep_id else None,
        touch_id=body.touch_id,
        outcome_id=str(uuid.uuid5(uuid.UUID(lead_id), key[:500])) if key else None,
    )
    try:
        state = _found(await transact(deps.pool, lambda conn: log_outcome(conn, deps.clock, logged)))
    except OutcomeRefused as error:
        if error.field is not None:
            raise wrong_field(error.field, error.reason, error.expected) from None
        raise Problem(409, "The lead is closed.", reason=error.reason) from None
    context.counters.add("outcomes")
    if state.open:
        await context.deliver_now(lead_id)
    return as_json(asdict(state), 202)


async def _message(request: Request, context: Context, lead_id: str) -> Response:
    deps = context.deps
    body = _validated(MessageBody, _in_own_name(request, MessageBody, await _fields(request)))
    key = request.headers.get("idempotency-key")
    draft = Draft(
        lead_id=lead_id,
        channel=body.channel,
        body=many_lines(body.body),
        subject=one_line(body.subject) or None if body.subject else None,
        rep_id=str(body.rep_id) if body.rep_id else None,
        answer_id=str(uuid.uuid5(uuid.UUID(lead_id), f"message:{key[:500]}")) if key else None,
        conversation=str(body.conversation) if body.conversation else None,
    )
    try:
        written = _found(await transact(deps.pool, lambda conn: write_answer(conn, deps.clock, draft)))
    except AnswerRefused as error:
        if error.field is not None:
            raise wrong_field(error.field, error.reason, error.expected) from None
        raise Problem(409, "The lead is closed.", reason=error.reason) from None
    await context.deliver_now(lead_id)
    return as_json(asdict(written), 202)


async def _update(
    request: Request, context: Context, lead_id: str, name: str, model: type[contracts.Contract]
) -> Response:
    # a control character in a workflow's history could never be written to a row
    fields = {
        name: one_line(text) if isinstance(text, str) else text for name, text in (await _fields(request)).items()
    }
    if "reason" not in model.model_fields:
        _check_reason(fields.pop("reason", None))
    body = _validated(model, _in_own_name(request, model, fields))
    closed = await _state(context, lead_id)
    if closed:
        raise Problem(409, "The lead is closed.", reason="lead_closed")
    await _check_rows(context, lead_id, body)
    try:
        status = await context.deps.leads.update(
            lead_id, name, body.model_dump(mode="json"), key=update_id(request.scope["speedlead.line"].request_id, name)
        )
    except LeadRefused as error:
        if error.field is not None:
            raise wrong_field(error.field, error.reason, "see the lead's state") from None
        raise Problem(409, f"The lead refused: {error.reason}", reason=error.reason) from None
    except LeadNotFound:
        # the row says open: its start message is still on its way
        raise Problem(503, "The lead has not started yet.", reason="not_started", retry_after_s=2) from None
    except LeadUnavailable:
        raise Problem(503, "The lead does not answer at this moment.", reason="no_answer", retry_after_s=2) from None
    context.counters.add("updates", update=name)
    return JSONResponse(status.model_dump(mode="json"))


def _check_reason(reason: object) -> None:
    """Of an update that does not carry it to the lead: why it was asked stands in the audit alone."""
    if reason is not None and not (isinstance(reason, str) and 0 < len(reason) <= LONGEST_REASON):
        raise wrong_field("reason", "not a reason", f"1 to {LONGEST_REASON} characters")


async def _check_rows(context: Context, lead_id: str, body: contracts.Contract) -> None:
    """What can be told from rows is told before the workflow is asked, with the field's name."""
    rep_id = getattr(body, "rep_id", None)
    if rep_id is not None and not await _exists(context, "select 1 from rep where id::text = $1 and active", rep_id):
        raise wrong_field("rep_id", "unknown rep", "the id of an active rep")
    if isinstance(body, contracts.ChangePlanRequest) and not await _exists(
        context, "select 1 from plan where id = $1 and version = $2", body.plan_id, body.version
    ):
        raise wrong_field("version", "unknown plan version", "a plan that was published, and its version")
    if isinstance(body, contracts.PauseRequest) and body.until is not None:
        query = "select clock_offset_us from lead where id = $1"
        offset = await transact(context.deps.pool, lambda conn: conn.fetchval(query, lead_id))
        if body.until <= context.deps.clock.business(offset):
            raise wrong_field("until", "not in the future", "a moment after now, or nothing")


async def _exists(context: Context, query: str, *values: object) -> bool:
    return bool(await transact(context.deps.pool, lambda conn: conn.fetchval(query, *values)))


async def _state(context: Context, lead_id: str) -> bool:
    """Is the lead closed? Raises Problem 404."""
    query = "select closed_at is not null as closed from lead where id = $1"
    row = _found(await transact(context.deps.pool, lambda conn: conn.fetchrow(query, lead_id)))
    return bool(row["closed"])


async def _fields(request: Request) -> dict[str, Any]:
    """The body as JSON, or as a form (our pages send those), in which an empty field is one that was not given."""
    body = await read_body(request, MAX_BYTES)
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind in JSON_TYPES or kind.endswith("+json"):
        return read_object(body)
    if not body:
        return {}
    form = await read_form(content_type, body)
    return {name: values[-1] for name, values in form.items() if values[-1] != ""}


def _in_own_name(request: Request, model: type[BaseModel], fields: dict[str, Any]) -> dict[str, Any]:
    """What a person asks for is asked in that person's name; a machine says in whose."""
    who = machine_or_person(request)
    if who is None:
        return fields
    found = {name: value for name, value in fields.items() if name != "csrf"}
    if "by" in model.model_fields:
        found["by"] = who.account_id
    if "rep_id" in model.model_fields and model is not contracts.ReassignRequest:
        if found.get("rep_id") not in (None, who.rep_id) and not who.may(May.CHOOSE_REP):
            raise wrong_field("rep_id", "somebody else's", "your own id, or none")
        if found.get("rep_id") is None and who.rep_id is not None:
            found["rep_id"] = who.rep_id
    return found


def _validated(model: Any, fields: Mapping[str, Any]) -> Any:
    unknown = sorted(set(fields) - set(model.model_fields))
    if unknown:
        known = "one of " + ", ".join(model.model_fields)
        problems = [FieldProblem(name[:80], "unknown field", known) for name in unknown]
        raise Problem(422, "Some fields are not known.", errors=problems)
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        problems = [FieldProblem(_place(item["loc"]), item["type"], _expected(item["msg"])) for item in found]
        raise Problem(422, "Some fields are not right.", errors=problems) from None


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc) or "body"


def _expected(message: str) -> str:
    return message.removeprefix("Input should be ")


def _found(value: Any) -> Any:
    if value is None:
        raise Problem(404, "There is no such lead.")
    return value


def _body_docs(model: type[BaseModel]) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}}


def _update_docs(model: type[BaseModel]) -> dict[str, Any]:
    docs = _body_docs(model)
    properties = docs["requestBody"]["content"]["application/json"]["schema"].setdefault("properties", {})
    why = {"type": "string", "maxLength": LONGEST_REASON, "description": "Why; stands in the audit"}
    properties.setdefault("reason", why)
    return docs


def as_json(value: Any, status: int = 200) -> Response:
    """Instants in ISO 8601; nothing of it may be kept by a cache."""
    return Response(json.dumps(value, default=_plain), status, {"Cache-Control": "no-store"}, "application/json")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "__dataclass_fields__"):
        return asdict(value)
    return str(value)
