"""`/account/notifications`: by what a rep is told outside the house, which devices take web push, and a test."""

from typing import Any

import phonenumbers
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from speedlead.gateway.access.who import signed_in
from speedlead.gateway.context import Context, home_country
from speedlead.gateway.forms import read_object
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered
from speedlead.gateway.problems import Problem
from speedlead.gateway.rendering import render
from speedlead.ids import new_id
from speedlead.intake import FieldProblem
from speedlead.intake_text import one_line
from speedlead.providers.assemble import push_keys
from speedlead.providers.webpush import NoDevice, read_device
from speedlead.store import push_devices
from speedlead.store.notification_reports import unreached
from speedlead.store.rows import put_notice
from speedlead.store.transactions import transact

PATH = "/account/notifications"
NO_REP = "No rep has your e-mail address, so there is nobody to tell."
SAID = {
    "saved": "Saved.",
    "removed": "This device hears nothing more.",
    "tested": "A test is on its way; it reaches you as a notice of a hot lead would, in your hours.",
}
MAX_NAME = 80


class NotificationPages:
    def __init__(self, context: Context) -> None:
        self._deps = context.deps
        settings = self._deps.settings
        self._home = home_country(settings.company_phone or settings.twilio_from)
        self._public_key = push_keys(settings, self._deps.credentials).public

    async def show(self, request: Request) -> Response:
        return await self._page(request, status=200)

    async def save(self, request: Request) -> Response:
        rep_id = self._rep(request)
        form = await request.form()
        typed = str(form.get("mobile") or "").strip()
        mobile = e164(typed, self._home) if typed else None
        if rep_id is None:
            return await self._page(request, problem=NO_REP, status=409)
        if typed and mobile is None:
            return await self._page(request, problem="Please give a number such as +13105550148.", typed=typed)
        wants = {name: form.get(name) == "yes" for name in ("sms", "push", "email")}
        await transact(self._deps.pool, lambda conn: push_devices.set_wishes(conn, rep_id, mobile, **wants))
        return _back("saved")

    async def add_device(self, request: Request) -> Response:
        """What `static/push.js` sends: the browser's subscription, {endpoint, keys: {p256dh, auth}, name}."""
        rep_id = self._rep(request)
        if rep_id is None:
            raise Problem(409, NO_REP)
        body = read_object(await request.body())
        given = body.get("keys")
        keys: dict[str, Any] = given if isinstance(given, dict) else {}
        endpoint, p256dh, auth = (
            str(value or "") for value in (body.get("endpoint"), keys.get("p256dh"), keys.get("auth"))
        )
        try:
            device = read_device(endpoint, p256dh, auth)
        except NoDevice as error:
            field, _, expected = str(error).partition(": ")
            raise Problem(422, f"{error}.", errors=[FieldProblem(field, "not_a_subscription", expected)]) from None
        name = one_line(str(body.get("name") or "a browser"))[:MAX_NAME]
        wall = self._deps.clock.wall()
        await transact(
            self._deps.pool,
            lambda conn: push_devices.put_device(
                conn, rep_id, endpoint=device.endpoint, p256dh=device.p256dh, auth=device.auth, name=name, wall=wall
            ),
        )
        return JSONResponse({"registered": True}, 201)

    async def remove_device(self, request: Request) -> Response:
        rep_id, device_id = self._rep(request), parse_id(request.path_params["device_id"])
        if rep_id is not None and device_id is not None:
            await transact(self._deps.pool, lambda conn: push_devices.drop_device(conn, rep_id, device_id))
        return _back("removed")

    async def test(self, request: Request) -> Response:
        rep_id = self._rep(request)
        if rep_id is None:
            return await self._page(request, problem=NO_REP, status=409)
        now = self._deps.clock.business(0)
        # once a minute: a button that is pressed twice is no second alarm
        dedupe = f"notification_test:{rep_id}:{now:%Y-%m-%dT%H:%M}"
        await transact(
            self._deps.pool,
            lambda conn: put_notice(
                conn, audience="rep", kind="notification_test", at=now, dedupe=dedupe, rep_id=rep_id
            ),
        )
        return _back("tested")

    def _rep(self, request: Request) -> str | None:
        """The account's own rep: a manager who works for somebody does not move that person's phone."""
        return signed_in(request).own_rep_id

    async def _page(self, request: Request, *, problem: str = "", typed: str = "", status: int = 422) -> Response:
        rep_id = self._rep(request)

        async def read(conn: Any) -> tuple[Any, Any, Any]:
            if rep_id is None:
                return None, (), ()
            wishes, devices = await push_devices.wishes(conn, rep_id), await push_devices.devices(conn, rep_id)
            return wishes, devices, await unreached(conn, rep_id)

        wishes, devices, lost = await transact(self._deps.pool, read)
        settings = self._deps.settings
        return render("notifications.html", {
            "wishes": wishes,
            "devices": devices,
            "lost": lost,
            "no_rep": NO_REP,
            "problem": problem,
            "typed": typed,
            "public_key": self._public_key,
            "said_text": SAID.get(request.query_params.get("said", "")),
            "team_channels": [name for name, hook in (("Slack", settings.slack_webhook_url),
                                                      ("Microsoft Teams", settings.teams_webhook_url)) if hook],
            "now": self._deps.clock.wall(),
            "form_id": new_id(),
        }, status)  # fmt: skip


def e164(text: str, country: str) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _back(code: str) -> Response:
    return RedirectResponse(f"{PATH}?said={code}", status_code=303)


def add_notification_pages(app: FastAPI, context: Context) -> None:
    pages = NotificationPages(context)
    app.router.routes.extend([
        Route(PATH, answered(pages.show)),
        Route(PATH, answered(pages.save), methods=["POST"]),
        Route(f"{PATH}/devices", answered(pages.add_device), methods=["POST"]),
        Route(f"{PATH}/devices/{{device_id}}/remove", answered(pages.remove_device), methods=["POST"]),
        Route(f"{PATH}/test", answered(pages.test), methods=["POST"]),
    ])  # fmt: skip
