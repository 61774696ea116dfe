"""What people do with CRMs: bring them in by a file, check them, have leads told anew."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from speedlead import ids
from speedlead.crm.model import HubSpot, Salesforce, kept, read_secret
from speedlead.crm.salesforce_auth import signing_key
from speedlead.domain.hooks import Secrets
from speedlead.hooks.events import EVENTS, INCLUDES, SNAPSHOT
from speedlead.hooks.sealing import Private, seal, unseal
from speedlead.payload_keys import PayloadKeys
from speedlead.ports import Clock
from speedlead.store import hook_queue, hooks

Asked = HubSpot | Salesforce


class CrmRefused(ValueError):
    """`field` and what was expected of it."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")


@dataclass(frozen=True, slots=True)
class CrmChange:
    """`fields`: the names of what has changed; all of them where it is new."""

    endpoint_id: str
    name: str
    new: bool
    fields: tuple[str, ...]


async def bring_in(
    conn: Any, keys: PayloadKeys, clock: Clock, asked: Sequence[Asked], *, dry_run: bool
) -> list[CrmChange]:
    """All of a file in the caller's transaction; what it does not name stays as it is. Raises CrmRefused."""
    known = {row.name: row for row in await hooks.endpoints(conn)}
    changes = [await _put(conn, keys, clock, one, known.get(one.name), dry_run) for one in asked]
    if not dry_run:
        await hook_queue.wake(conn)
    return [change for change in changes if change is not None]


async def _put(
    conn: Any, keys: PayloadKeys, clock: Clock, asked: Asked, row: hooks.EndpointRow | None, dry_run: bool
) -> CrmChange | None:
    if row is not None and row.kind != asked.kind:
        raise CrmRefused(asked.name, f"expected a name that is not taken: {row.name} is a {row.kind}")
    before = unseal(keys, row.id, row.sealed) if row else None
    secret = _secret(asked) if asked.secret_file is not None else before.secrets.secret if before else None
    if secret is None:
        raise CrmRefused(asked.name, "expected `secret_file`: where its token, secret or private key is")
    private, key, wall = Private(asked.url, Secrets(secret)), row.id if row else ids.new_id(), clock.wall()
    fields = _changed(asked, row, before, private)
    if row is not None and not fields:
        return None
    if not dry_run:
        # everything is told, and with the person: a CRM is where people look it up
        await hooks.put(
            conn, key, name=asked.name, sealed=seal(keys, key, private), events=(*EVENTS, SNAPSHOT), only_leads={},
            include=tuple(INCLUDES), active=asked.active, wall=wall, kind=asked.kind, crm=kept(asked),
        )  # fmt: skip
        if row is not None and asked.active != (row.state == "on"):
            await hooks.set_state(conn, key, "on" if asked.active else "off", wall)
    return CrmChange(key, asked.name, row is None, fields)


def _secret(asked: Asked) -> str:
    assert asked.secret_file is not None
    try:
        secret = read_secret(asked.secret_file)
        if isinstance(asked, Salesforce) and asked.auth == "jwt":
            signing_key(secret)
    except ValueError as error:
        raise CrmRefused(f"{asked.name}.secret_file", str(error)) from None
    return secret


def _changed(asked: Asked, row: hooks.EndpointRow | None, before: Private | None, private: Private) -> tuple[str, ...]:
    settings = json.loads(json.dumps(kept(asked)))
    old = row.crm or {} if row else {}
    found = [name for name, value in settings.items() if old.get(name) != value]
    if before is None or before.url != private.url:
        found.append("url")
    if before is None or before.secrets.secret != private.secrets.secret:
        found.append("secret")
    if row is None or asked.active != (row.state == "on"):
        found.append("active")
    return tuple(found)
