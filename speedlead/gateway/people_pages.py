"""Our people, for managers: who is there, and one person's hours, time off, skills and calendar.

A change goes the way of `speedlead rep import`: the same checks, the same diff, shown before it is saved.
"""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.calendarbook import load_calendars
from speedlead.domain.standing import standing
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.people_form import (
    CHANNELS,
    DAYS,
    WORDS,
    Fault,
    FormFaults,
    Typed,
    entry_of,
    read_typed,
    somebody_new,
    typed_of,
)
from speedlead.gateway.rendering import render
from speedlead.store.capacity import By
from speedlead.store.notification_reports import unreached
from speedlead.store.our_people import Person, people, person
from speedlead.store.rep_import import Change, import_reps
from speedlead.store.transactions import transact

SAID = {"saved": "Saved.", "same": "Nothing was changed: it was so already."}
MEANWHILE = "Somebody else has changed this person meanwhile. Please look at what would change now."
# after so long, what a calendar said is no longer what it says
STALE_AFTER = timedelta(days=1)
# rows for time off beside those that there are
EMPTY_ROWS = 2


class PeoplePages:
    def __init__(self, deps: GatewayDeps) -> None:
        """Raises CalendarError."""
        self._deps = deps
        self._calendars, _ = load_calendars(deps.settings.calendars_file)

    async def everybody(self, request: Request) -> Response:
        async def read(conn: Any) -> tuple[list[Person], set[str]]:
            return await people(conn, self._calendars), {row["rep_id"] for row in await unreached(conn)}

        found, lost = await transact(self._deps.pool, read)
        now = self._deps.clock.business(0)
        context = {
            "people": [(one, standing(one.usual, one.not_there, now)) for one in found],
            "lost": lost,
            "now": now,
            "stale": self._stale,
        }
        return render("people.html", context)

    async def one(self, request: Request) -> Response:
        found = await self._person(request)
        if found is None:
            return missing("There is no such person", "The address is incomplete.")
        lost = await transact(self._deps.pool, lambda conn: unreached(conn, found.rep.rep_id))
        return self._form(found, typed_of(found), said=SAID.get(request.query_params.get("said", ""), ""), lost=lost)

    async def add(self, request: Request) -> Response:
        return self._form(None, somebody_new())

    async def change(self, request: Request) -> Response:
        """First shows what would change; saves that, and only that, when it comes back with `action=save`."""
        new = "rep_id" not in request.path_params
        found = None if new else await self._person(request)
        if found is None and not new:
            return missing("There is no such person", "The address is incomplete.")
        items = [(name, text) for name, text in (await request.form()).multi_items() if isinstance(text, str)]
        given = dict(items)
        typed = read_typed(items, found.rep.email if found else None)
        if given.get("action") == "edit":
            return self._form(found, typed)
        try:
            entry = entry_of(typed)
        except FormFaults as faults:
            return self._form(found, typed, faults=faults.faults)
        seen = given.get("seen") if given.get("action") == "save" else None

        by = By(signed_in(request).account_id, "on the page of people", self._deps.clock.wall())

        async def write(conn: Any) -> tuple[list[Change], bool]:
            changes = await import_reps(conn, [entry], by, dry_run=True)
            agreed = seen == _mark(changes)
            if agreed:
                await import_reps(conn, [entry], by, dry_run=False)
            return changes, agreed

        changes, saved = await transact(self._deps.pool, write)
        if new and not any(change.new for change in changes):
            fault = Fault("email", "expected an address that none of our people has yet")
            return self._form(None, typed, faults=[fault])
        if saved or not changes:
            return await self._saved(request, entry.email, "saved" if changes else "same")
        kept = [(name, text) for name, text in items if name not in ("csrf", "action", "seen")]
        context = {
            "person": found, "change": changes[0], "kept": kept, "seen": _mark(changes), "words": WORDS,
            "problem": MEANWHILE if seen else None, "name": typed.plain["name"],
        }  # fmt: skip
        return render("person_check.html", context, 409 if seen else 200)

    async def _saved(self, request: Request, email: str, said: str) -> Response:
        rep_id = await self._deps.pool.fetchval("select id::text from rep where lower(email) = $1", email)
        request.scope["speedlead.line"].about_rep(rep_id)
        return RedirectResponse(f"/people/{rep_id}?said={said}", status_code=303)

    async def _person(self, request: Request) -> Person | None:
        rep_id = parse_id(request.path_params["rep_id"])
        if rep_id is None:
            return None
        return await transact(self._deps.pool, lambda conn: person(conn, self._calendars, rep_id))

    def _form(
        self, found: Person | None, typed: Typed, *, faults: Sequence[Fault] = (), said: str = "",
        lost: Sequence[Any] = (),
    ) -> Response:  # fmt: skip
        by_field: dict[str, str] = {}
        for fault in faults:
            by_field.setdefault(fault.field, fault.text)
        now = self._deps.clock.business(0)
        context = {
            "person": found, "typed": typed, "faults": by_field, "said_text": said, "days": DAYS, "channels": CHANNELS,
            "labels": WORDS, "rows": [*typed.off, *[("", "")] * EMPTY_ROWS], "now": now, "stale": self._stale,
            "lost": lost, "standing": standing(found.usual, found.not_there, now) if found else None,
        }  # fmt: skip
        return render("person.html", context, 422 if faults else 200)

    def _stale(self, one: Person) -> bool:
        if one.calendar_host is None or not one.failures:
            return False
        return one.read_wall is None or self._deps.clock.wall() - one.read_wall > STALE_AFTER


def _mark(changes: Sequence[Change]) -> str:
    """What somebody agreed to; also of the addresses that are not shown."""
    return hashlib.sha256(repr(changes).encode()).hexdigest()


def add_people_pages(app: FastAPI, deps: GatewayDeps) -> None:
    pages = PeoplePages(deps)
    app.router.routes.extend([
        Route("/people", answered(pages.everybody)),
        Route("/people/add", answered(pages.add)),
        Route("/people/add", answered(pages.change), methods=["POST"]),
        Route("/people/{rep_id}", answered(pages.one)),
        Route("/people/{rep_id}", answered(pages.change), methods=["POST"]),
    ])  # fmt: skip
