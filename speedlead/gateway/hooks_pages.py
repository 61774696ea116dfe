"""The pages /hooks: which systems are told of leads, what they are told, and how that goes."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.domain.outcomes import Stage
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.hooks_form import CHOICES, LEADS, Typed, endpoint_of, read_typed, typed_of
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.hooks.desk import HookChange, HookRefused, desk_of, shown
from speedlead.hooks.events import INCLUDES
from speedlead.payload_keys import UnknownKey
from speedlead.store import crm, hook_queue, hooks
from speedlead.store.hooks import Backlog, EndpointRow
from speedlead.store.transactions import transact
from speedlead.wording import reason

PATH = "/hooks"
TRIES = 50
KINDS = {"webhook": "Webhook", "hubspot": "HubSpot", "salesforce": "Salesforce"}
SAID = {"saved": "Saved.", "same": "Nothing was changed: it was so already.", "removed": "The endpoint was removed.",
        "on": "It is on.", "off": "It is off."}  # fmt: skip
UNREADABLE = "Its address and secrets were encrypted by a key that is not set any more (SPEEDLEAD_PAYLOAD_KEYS)."


class HookPages:
    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps
        self._desk = desk_of(deps.settings, deps.credentials, deps.clock)

    # ── all of them ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def everything(self, request: Request) -> Response:
        async def read(conn: Any) -> tuple[list[EndpointRow], dict[str, Backlog]]:
            return await hooks.endpoints(conn), await hooks.backlogs(conn)

        rows, backlogs = await transact(self._deps.pool, read)
        found = [(row, self._address(row), backlogs.get(row.id, Backlog())) for row in rows]
        context = {"endpoints": found, "kinds": KINDS, "now": self._deps.clock.wall(), "said_text": _said(request)}
        return render("hooks.html", context)

    async def add(self, request: Request) -> Response:
        return self._form(Typed())

    async def add_it(self, request: Request) -> Response:
        typed = read_typed(await _items(request))
        change = await self._put(typed, None)
        if isinstance(change, dict):
            return self._form(typed, change)
        assert change is not None
        request.scope["speedlead.line"].about_hook(change.endpoint_id)
        return await self._one(change.endpoint_id, said="Added.", secret=change.secret)

    # ── one of them ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def one(self, request: Request) -> Response:
        return await self._one(request.path_params["hook_id"], said=_said(request))

    async def change(self, request: Request) -> Response:
        row = await self._row(request)
        if row is None:
            return _no_such()
        typed = read_typed(await _items(request))
        change = await self._put(typed, row.id)
        if isinstance(change, dict):
            return await self._one(row.id, typed=typed, faults=change)
        changed = {name for name, _, _ in change.fields} if change is not None else set()
        # its path may hold a token of the receiver's
        told = {"url": f"another one, at {urlsplit(typed.url).hostname}", "secret": "another one"}
        request.scope["speedlead.line"].tell({name: text for name, text in told.items() if name in changed})
        return RedirectResponse(f"{PATH}/{row.id}?said={'saved' if change else 'same'}", status_code=303)

    async def rotate(self, request: Request) -> Response:
        row = await self._row(request)
        if row is None:
            return _no_such()
        try:
            secret = await transact(self._deps.pool, lambda conn: self._desk.rotate(conn, row))
        except HookRefused:
            return _no_such()
        except UnknownKey:
            return await self._one(row.id)
        request.scope["speedlead.line"].tell({"secret": "another one"})
        return await self._one(row.id, said="The secret is another one. The old one signs for 24 hours more.",
                               secret=secret)  # fmt: skip

    async def test(self, request: Request) -> Response:
        row = await self._row(request)
        if row is None:
            return _no_such()
        try:
            answer = await self._desk.test(self._deps.pool, row)
        except UnknownKey:
            return await self._one(row.id)
        how = reason(answer.error) if answer.error else f"it answered {answer.status}"
        taken = answer.status is not None and 200 <= answer.status < 300
        return await self._one(row.id, said=f"The test was {'taken' if taken else 'not taken'}: {how}.")

    async def replay(self, request: Request) -> Response:
        row = await self._row(request)
        if row is None:
            return _no_such()
        given = dict(await _items(request))
        since, event_id = _moment(given.get("since", "")), parse_id(given.get("event", ""))
        given_up = given.get("given_up") == "yes"
        if since is None and event_id is None and not given_up:
            return await self._one(row.id, faults={"since": "expected a moment"})

        async def write(conn: Any) -> int:
            return await hook_queue.replay(conn, row.id, since=since, event_id=event_id, given_up=given_up)

        many = await transact(self._deps.pool, write)
        off = "" if row.state == "on" else ", when it is switched on"
        return await self._one(row.id, said=f"{many} events are sent again{off}.")

    async def switch(self, request: Request) -> Response:
        row = await self._row(request)
        if row is None:
            return _no_such()
        state: hooks.State = "on" if dict(await _items(request)).get("active") == "yes" else "off"
        wall = self._deps.clock.wall()

        async def write(conn: Any) -> None:
            await hooks.set_state(conn, row.id, state, wall)
            await hook_queue.wake(conn)

        await transact(self._deps.pool, write)
        return RedirectResponse(f"{PATH}/{row.id}?said={state}", status_code=303)

    async def remove(self, request: Request) -> Response:
        row = await self._row(request)
        if row is None:
            return _no_such()
        await transact(self._deps.pool, lambda conn: hooks.remove(conn, row.id))
        return RedirectResponse(f"{PATH}?said=removed", status_code=303)

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _put(self, typed: Typed, hook_id: str | None) -> HookChange | dict[str, str] | None:
        """What has changed, or field -> what was expected of it."""
        asked = endpoint_of(typed, self._desk.allowed)
        if isinstance(asked, dict):
            return asked
        try:
            await self._desk.check(asked)
            return await transact(self._deps.pool, lambda conn: self._desk.put(conn, asked, hook_id))
        except HookRefused as refused:
            return {refused.field: refused.text}
        except UnknownKey:
            return {"url": UNREADABLE}

    async def _row(self, request: Request) -> EndpointRow | None:
        hook_id = parse_id(request.path_params["hook_id"])
        if hook_id is None:
            return None
        return await transact(self._deps.pool, lambda conn: hooks.endpoint(conn, hook_id))

    def _address(self, row: EndpointRow) -> str:
        try:
            return shown(self._desk.private(row).url)
        except UnknownKey:
            return "–"

    def _form(self, typed: Typed, faults: dict[str, str] | None = None) -> Response:
        context = {"typed": typed, "faults": faults or {}, "choices": CHOICES, "includes": INCLUDES, "leads": LEADS}
        return render("hook_add.html", context, 422 if faults else 200)

    async def _one(
        self, hook_id: str, *, said: str = "", secret: str | None = None, typed: Typed | None = None,
        faults: dict[str, str] | None = None,
    ) -> Response:  # fmt: skip
        key = parse_id(hook_id)

        async def read(conn: Any) -> dict[str, Any] | None:
            row = await hooks.endpoint(conn, key or "")
            if row is None:
                return None
            backlog = (await hooks.backlogs(conn)).get(row.id, Backlog())
            tries, oldest = await hooks.tries(conn, row.id, TRIES), await hooks.oldest_event(conn)
            known = None
            if row.kind != "webhook":
                known = {"kind": KINDS[row.kind], "counted": await crm.counted(conn, row.id),
                         "look": await crm.looked(conn, row.id), "statuses": _in_order(row.crm or {})}  # fmt: skip
            return {"row": row, "backlog": backlog, "tries": tries, "oldest": oldest, "crm": known}

        found = await transact(self._deps.pool, read) if key else None
        if found is None:
            return _no_such()
        faults = dict(faults or {})
        try:
            private = self._desk.private(found["row"])
            typed = typed or typed_of(found["row"], private)
        except UnknownKey:
            typed, faults["url"] = typed or Typed(name=found["row"].name), UNREADABLE
        context = {"typed": typed, "faults": faults, "choices": CHOICES, "includes": INCLUDES, "leads": LEADS,
                   "said_text": said, "secret": secret, "now": self._deps.clock.wall(), **found}  # fmt: skip
        return render("hook.html", context, 422 if faults else 200)


def _in_order(settings: dict[str, Any]) -> list[tuple[str, str]]:
    """Statuses as a lead goes through them, and to what each is called in a CRM; jsonb keeps no order."""
    stages = list(Stage)
    return sorted(settings["statuses"].items(), key=lambda one: stages.index(Stage(one[0].partition("/")[0])))


async def _items(request: Request) -> list[tuple[str, str]]:
    return [(name, text) for name, text in (await request.form()).multi_items() if isinstance(text, str)]


def _moment(text: str) -> datetime | None:
    """UTC, as the page says."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


def _said(request: Request) -> str:
    return SAID.get(request.query_params.get("said", ""), "")


def _no_such() -> Response:
    return missing("There is no such endpoint", "Somebody may have removed it.")


def add_hook_pages(app: FastAPI, deps: GatewayDeps) -> None:
    """Not below /webhooks/, which is open to providers: they come from other sites, and no page does."""
    pages = HookPages(deps)
    one = f"{PATH}/{{hook_id}}"
    app.router.routes += [
        Route(PATH, answered(pages.everything)),
        Route(f"{PATH}/add", answered(pages.add)),
        Route(f"{PATH}/add", answered(pages.add_it), methods=["POST"]),
        Route(one, answered(pages.one)),
        Route(one, answered(pages.change), methods=["POST"]),
        *(
            Route(f"{one}/{name}", answered(getattr(pages, name)), methods=["POST"])
            for name in ("rotate", "test", "replay", "switch", "remove")
        ),
    ]
