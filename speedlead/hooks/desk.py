"""What people do with endpoints, by the page and the command line: add, change, rotate, test, bring in a file."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import asyncpg

from speedlead import ids
from speedlead.credentials import Credentials
from speedlead.crm.sending import CrmSender, in_short
from speedlead.domain.hooks import Secrets
from speedlead.hooks.address import AddressRefused, Allowed, check_host, endpoint_url, parse_allowed
from speedlead.hooks.endpoint import Endpoint
from speedlead.hooks.events import TEST, envelope
from speedlead.hooks.sealing import Private, seal, unseal
from speedlead.hooks.sending import Answer, Sender, opened
from speedlead.hooks.signing import new_secret
from speedlead.payload_keys import PayloadKeys
from speedlead.payloads import keys_of
from speedlead.ports import Clock
from speedlead.settings import Settings
from speedlead.store import hook_queue, hooks
from speedlead.store.hook_queue import Try
from speedlead.store.hooks import EndpointRow


class HookRefused(ValueError):
    """`field` and what was expected of it."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field, self.text = field, text


@dataclass(frozen=True, slots=True)
class HookChange:
    """`fields`: (name, before, after); before None where the endpoint is new. `secret`: one that was made for it."""

    endpoint_id: str
    name: str
    new: bool
    fields: tuple[tuple[str, str | None, str], ...]
    secret: str | None = None


@dataclass(frozen=True)
class HookDesk:
    keys: PayloadKeys
    clock: Clock
    allowed: Allowed
    sender: Callable[[], AbstractAsyncContextManager[Sender]]
    public_url: str

    def private(self, row: EndpointRow) -> Private:
        """Raises UnknownKey."""
        return unseal(self.keys, row.id, row.sealed)

    async def check(self, asked: Endpoint) -> None:
        """Where its name leads now. Raises HookRefused."""
        try:
            await check_host(endpoint_url(asked.url, self.allowed), self.allowed)
        except AddressRefused as refused:
            raise HookRefused("url", str(refused)) from None

    async def put(
        self, conn: Any, asked: Endpoint, endpoint_id: str | None = None, *, dry_run: bool = False
    ) -> HookChange | None:
        """Adds it, or changes the one with this id; None where nothing changes. Raises HookRefused."""
        row = None if endpoint_id is None else await hooks.endpoint(conn, endpoint_id, lock=True)
        if endpoint_id is not None and row is None:
            raise HookRefused("endpoint", "expected one that is there")
        if row is not None and row.kind != "webhook":
            raise HookRefused("name", f"{row.name} is a CRM; `speedlead crm add` changes it")
        wall, before = self.clock.wall(), self.private(row) if row else None
        made = new_secret() if asked.secret is None and before is None else None
        secrets = before.secrets if before else Secrets(asked.secret or made or "")
        if before is not None and asked.secret not in (None, before.secrets.secret):
            secrets = before.secrets.rotated(asked.secret or "", wall)
        private = Private(asked.url, secrets)
        fields = _differences(row, before, asked, private)
        if row is not None and not fields:
            return None
        key = row.id if row else ids.new_id()
        if not dry_run:
            try:
                async with conn.transaction():
                    await hooks.put(
                        conn, key, name=asked.name, sealed=seal(self.keys, key, private), events=asked.events,
                        only_leads=asked.only_leads.given(), include=asked.include, active=asked.active, wall=wall,
                    )  # fmt: skip
                    if row is not None and asked.active != (row.state == "on"):
                        await hooks.set_state(conn, key, "on" if asked.active else "off", wall)
                    await hook_queue.wake(conn)
            except asyncpg.UniqueViolationError:
                raise HookRefused("name", f"expected one that is not taken, got {asked.name!r}") from None
        return HookChange(key, asked.name, row is None, fields, made)

    async def bring_in(self, conn: Any, asked: Sequence[Endpoint], *, dry_run: bool) -> list[HookChange]:
        """All of a file in the caller's transaction, by their names; what the file does not name stays as it is."""
        known = {row.name: row.id for row in await hooks.endpoints(conn)}
        found = [await self.put(conn, one, known.get(one.name), dry_run=dry_run) for one in asked]
        return [change for change in found if change is not None]

    async def rotate(self, conn: Any, row: EndpointRow) -> str:
        """The new secret; the old one signs for another day beside it."""
        if row.kind != "webhook":
            raise HookRefused("secret", "a CRM has made its own; `speedlead crm add` takes another one")
        made, now = new_secret(), await hooks.endpoint(conn, row.id)
        while now is not None:
            private = self.private(now)
            changed = Private(private.url, private.secrets.rotated(made, self.clock.wall()))
            if await hooks.reseal(conn, row.id, now.sealed, seal(self.keys, row.id, changed)):
                return made
            now = await hooks.endpoint(conn, row.id)
        raise HookRefused("endpoint", "expected one that is there")

    async def test(self, conn: Any, row: EndpointRow) -> Answer:
        """One request now, whatever its state; it is in the log and changes nothing else. A CRM is checked."""
        wall, event_id = self.clock.wall(), ids.new_id()
        event = envelope(event_id, TEST, row.id, wall, {"endpoint": row.name}, self.public_url)
        async with self.sender() as sender:
            if row.kind == "webhook":
                answer = await sender.send(self.private(row), event, wall)
            else:
                answer = in_short(*await CrmSender(conn, self.clock.wall).check(sender, row, self.private(row)))
        await hook_queue.log(
            conn,
            Try(row.id, None, None, event_id, TEST, wall, answer.ms, answer.status, answer.error, answer.excerpt),
        )
        return answer


def desk_of(settings: Settings, credentials: Credentials, clock: Clock) -> HookDesk:
    allowed = parse_allowed(settings.hook_hosts)
    return HookDesk(keys_of(settings, credentials), clock, allowed, lambda: opened(allowed), settings.public_url)


def _differences(
    row: EndpointRow | None, before: Private | None, asked: Endpoint, private: Private
) -> tuple[tuple[str, str | None, str], ...]:
    """In words, without a secret; addresses without their query, which may hold a token."""
    new = {"url": shown(asked.url), "events": " ".join(asked.events), "leads": _words(asked.only_leads.given()),
           "include": " ".join(asked.include), "active": "yes" if asked.active else "no"}  # fmt: skip
    if row is None or before is None:
        return tuple((name, None, text) for name, text in new.items() if text)
    old = {"name": row.name, "url": shown(before.url), "events": " ".join(row.events), "leads": _words(row.only_leads),
           "include": " ".join(row.include), "active": "yes" if row.state == "on" else "no"}  # fmt: skip
    new["name"] = asked.name
    found = [(name, old[name], new[name]) for name in old if old[name] != new[name]]
    if before.url != asked.url and shown(before.url) == shown(asked.url):
        found.append(("url", "as it was", "with another query"))
    if before.secrets.secret != private.secrets.secret:
        found.append(("secret", "as it was", "another; the old one signs for 24 hours more"))
    return tuple(found)


def _words(only_leads: dict[str, list[str]]) -> str:
    return "; ".join(f"{name} {' '.join(values)}" for name, values in sorted(only_leads.items()))


def shown(url: str) -> str:
    address, mark, _ = url.partition("?")
    return address + (f"{mark}…" if mark else "")
