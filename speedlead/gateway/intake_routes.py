"""The two doors for inquiries: `POST /api/leads` for machines with the API key, `POST /f/{form_key}` for forms.

A plain form is answered with pages, the widget's (it asks for JSON) with JSON. All answer after the commit. The answer
is the same for known and unknown people, new inquiries and repeats.
"""

import asyncio
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import urlsplit

import asyncpg
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from speedlead.booking.links import form_booking_url
from speedlead.chat_links import chat_url
from speedlead.composing.languages import preferred
from speedlead.contact_marks import marks_of
from speedlead.gateway import answers
from speedlead.gateway.context import Context
from speedlead.gateway.forms import read_form, read_object
from speedlead.gateway.guards import origin_of
from speedlead.gateway.limits import client_address, read_body, sender_of
from speedlead.gateway.problems import Problem, unavailable, wrong_field
from speedlead.gateway.rendering import FORM_FIELDS, form_page, thanks_page
from speedlead.intake import Inquiry, Rules, field_problems, read_inquiry
from speedlead.plan_shelf import in_use, running
from speedlead.store.intake import Submission, Taken, take_inquiry
from speedlead.store.transactions import StoreUnavailable

API_FORM_KEY = "api"
# a hidden field: people leave it empty, programs that fill in every field do not
TRAP = "website"
REDIRECT = "redirect"
# what stands for the header of that name where a form is sent without a script
KEY_FIELD = "idempotency_key"
MAX_IDEMPOTENCY_KEY = 200
# how long the answer page waits for the promised time, which the acknowledgement works out
PROMISE_WAIT_S = 0.6
PROMISE_POLL_S = 0.04


def add_intake_routes(app: FastAPI, context: Context) -> None:
    schema = Inquiry.model_json_schema()
    schema.get("properties", {}).pop("extra", None)
    schema["additionalProperties"] = True
    docs = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}

    @app.post("/api/leads", status_code=202, openapi_extra=docs, summary="Hand in an inquiry")
    async def post_lead(request: Request) -> Response:
        return await _from_api(request, context)

    async def post_form(request: Request) -> Response:
        wants_json = "application/json" in request.headers.get("accept", "")
        return await (_from_widget if wants_json else _from_form)(request, context)

    async def may_post(request: Request) -> Response:
        return context.cors.preflight(request, request.path_params["form_key"], "POST")

    app.router.add_route("/f/{form_key}", post_form, methods=["POST"], include_in_schema=False)
    app.router.add_route("/f/{form_key}", may_post, methods=["OPTIONS"], include_in_schema=False)


async def _from_api(request: Request, context: Context) -> Response:
    address = client_address(request, context.proxies)
    try:
        context.guard.need_key(request)
    except Problem:
        context.by_address.check(sender_of(address))  # guessing keys is what this limits
        raise
    context.by_key.check("api")
    fields = read_object(await read_body(request, context.deps.settings.intake_max_bytes))
    inquiry = _checked(fields, context.api_rules)
    taken = await _take(request, context, inquiry, API_FORM_KEY, address, _idempotency_key(request))
    context.counters.add("inquiries", door="api")
    return JSONResponse({"lead_id": taken.lead_id}, 202)


async def _from_form(request: Request, context: Context) -> Response:
    """Answers with pages, also for what goes wrong: the one who reads them is a person."""
    settings = context.deps.settings
    form_key = request.path_params["form_key"]
    try:
        address = client_address(request, context.proxies)
        context.by_address.check(sender_of(address))
        if form_key not in context.cors.forms:
            return answers.message("No such form", "This form does not exist (any more).", status=404)
        values, fields = await _form_fields(request, context)
        redirect = _redirect(str(fields.pop(REDIRECT, "") or ""), request, context)
        key = _idempotency_key(request, str(fields.pop(KEY_FIELD, "") or ""))
        trap = fields.pop(TRAP, "")
        if trap:
            context.counters.add("bots_trapped")
            return redirect or thanks_page(settings, None)
        try:
            inquiry = read_inquiry(fields, context.form_rules)
        except ValidationError as error:
            context.counters.add("inquiries_refused", door="form")
            typed = {name: found[-1] for name, found in values.items() if name in FORM_FIELDS}
            more = [(name, text) for name, found in values.items() if name not in FORM_FIELDS for text in found]
            wrong = {p.field: f"{p.reason}; expected {p.expected}" for p in field_problems(error)}
            return form_page(settings, form_key=form_key, values=typed, more=more, errors=wrong)
        taken = await _take(request, context, inquiry, form_key, address, key)
    except Problem as problem:
        title = "Please try again" if problem.status in (429, 503) else "That did not work"
        return answers.message(title, problem.detail, status=problem.status, headers=problem.headers_to_send())
    context.counters.add("inquiries", door="form")
    return redirect or thanks_page(settings, await _promise(context, taken.lead_id))


async def _from_widget(request: Request, context: Context) -> Response:
    """`{promise, book, chat, mail}`: the promised time in words, addresses of what the visitor may do next, or null.

    They name the post, not the lead: whoever types somebody's address into a form sees nothing of that lead, and who
    says word for word what another post has said gets neither address.
    """
    form_key = request.path_params["form_key"]
    cors = context.cors.headers(request, form_key)
    try:
        address = client_address(request, context.proxies)
        context.by_address.check(sender_of(address))
        if form_key not in context.cors.forms:
            raise Problem(404, "This form does not exist (any more).")
        context.cors.need(request, form_key)
        _, fields = await _form_fields(request, context)
        key = _idempotency_key(request, str(fields.pop(KEY_FIELD, "") or ""))
        fields.pop(REDIRECT, None)
        if fields.pop(TRAP, ""):  # the script knows more about who filled it in, so nothing is thrown away here
            fields["spam_signs"] = f"{fields.get('spam_signs', '')} trap".strip()
        inquiry = _checked(fields, context.form_rules)
        taken = await _take(request, context, inquiry, form_key, address, key)
    except Problem as problem:
        if problem.status == 422:
            context.counters.add("inquiries_refused", door="widget")
        refusal = problem.response()
        refusal.headers.update(cors)
        return refusal
    context.counters.add("inquiries", door="widget")
    deps = context.deps
    url, secret, post = deps.settings.public_url, deps.credentials.secret_bytes, taken.inquiry_id
    answer = {
        "promise": await _promise(context, taken.lead_id),
        "book": form_booking_url(url, secret, post) if post and deps.offers is not None else None,
        "chat": chat_url(url, secret, post) if post else None,
        "mail": inquiry.email is not None,  # an answer finds them when they have left the page
    }
    return JSONResponse(answer, 202, headers=cors)


async def _form_fields(request: Request, context: Context) -> tuple[dict[str, list[str]], dict[str, object]]:
    """Every field with all its values; and as an inquiry takes them. Raises Problem."""
    body = await read_body(request, context.deps.settings.intake_max_bytes)
    values = await read_form(request.headers.get("content-type", ""), body)
    # of a known field the last value counts, as a hidden field before a tick box makes it; others keep them all
    single = {*Inquiry.model_fields, TRAP, REDIRECT, KEY_FIELD}
    fields: dict[str, object] = {
        name: found[-1] if len(found) == 1 or name in single else found for name, found in values.items()
    }
    if tag := preferred(request.headers.get("accept-language")):
        fields.setdefault("browser_lang", tag)
    return values, fields


def _checked(fields: Mapping[str, object], rules: Rules) -> Inquiry:
    try:
        return read_inquiry(fields, rules)
    except ValidationError as error:
        raise Problem(422, "Some fields are not right.", errors=field_problems(error)) from None


async def _take(
    request: Request, context: Context, inquiry: Inquiry, form_key: str, address: str, key: str | None
) -> Taken:
    deps = context.deps
    submission = Submission(
        inquiry=inquiry,
        form_key=form_key,
        remote_address=address,
        user_agent=_printable(request.headers.get("user-agent")),
        idempotency_key=key,
        marks=marks_of(deps.credentials.secret_bytes, inquiry.email, inquiry.phone),
    )
    try:
        taken = await take_inquiry(deps.pool, deps.clock, in_use(deps.plan), submission, running(deps.plan))
    except StoreUnavailable:
        context.counters.add("store_unavailable")
        raise unavailable() from None
    if taken.repeat:
        context.counters.add("inquiries_repeated")
    elif taken.start is not None:
        await context.start_now(taken.start)
    else:
        await context.deliver_now(taken.lead_id)
    return taken


def _idempotency_key(request: Request, field: str = "") -> str | None:
    key = request.headers.get("idempotency-key", field)
    if not key.strip():
        return None
    if len(key) > MAX_IDEMPOTENCY_KEY:
        raise wrong_field("Idempotency-Key", "too long", f"at most {MAX_IDEMPOTENCY_KEY} characters")
    return key if key.isascii() and key.isprintable() else sha256(key.encode("utf-8", "replace")).hexdigest()


def _printable(text: str | None) -> str | None:
    return "".join(c for c in text[:300] if c.isprintable()) if text else None


def _redirect(target: str, request: Request, context: Context) -> Response | None:
    """303 to where the form's page asked for, if that is the site that holds the form, or ours; else our own page."""
    if not target or any(c in target for c in "\\\r\n\t") or not target.isprintable():
        return None
    if target.startswith("/") and not target.startswith("//"):
        return RedirectResponse(target, 303)
    # a browser writes this header itself: another site cannot make us send its visitors to a third one
    found, asking = origin_of(target), origin_of(request.headers.get("origin", ""))
    form_key = request.path_params["form_key"]
    allowed = found in {*context.guard.origins, asking} or context.cors.may_return(target, form_key)
    return RedirectResponse(target, 303) if found and allowed and "@" not in urlsplit(target).netloc else None


async def _promise(context: Context, lead_id: str) -> str | None:
    """The promised time if it becomes known in time and still lies ahead; the same wait for everybody."""

    try:
        async with asyncio.timeout(PROMISE_WAIT_S):
            while True:
                await asyncio.sleep(PROMISE_POLL_S)
                row = await context.deps.pool.fetchrow(
                    "select promise_text, promised_at, clock_offset_us from lead where id = $1", lead_id
                )
                if row is None:
                    return None
                at, now = row["promised_at"], context.deps.clock.business(row["clock_offset_us"])
                if row["promise_text"] and (at is None or at > now):
                    return str(row["promise_text"])
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None
