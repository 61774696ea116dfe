"""`POST /in/{mapping}`: what any system sends, read by its mapping. Verified as bytes, kept, then acted on.

The answer says what was made of it. What a mapping cannot use is taken all the same, kept with the reason and shown:
the sender could do nothing about it, and it is acted on again when the mapping is mended.
"""

import time
from collections.abc import Mapping as Table
from dataclasses import replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from speedlead.gateway.context import Context, log
from speedlead.gateway.limits import client_address, sender_of
from speedlead.gateway.mapped_acts import Told, acts_of
from speedlead.gateway.problems import Problem
from speedlead.gateway.webhooks import Job, Unreadable, count, endpoint, receive, take
from speedlead.mappings.making import Made, Unusable, contact_points, key_of, make, named_in, parts_of
from speedlead.mappings.model import Mapping
from speedlead.mappings.payload import MAX_BYTES, read_payload
from speedlead.mappings.payload import Unreadable as NoPayload
from speedlead.mappings.signing import Forged, Sent, verified_by
from speedlead.ports import Clock
from speedlead.store import mapped
from speedlead.store.transactions import StoreUnavailable, transact
from speedlead.store.webhooks import Received

# refusals are counted as they come and written this often
REFUSALS_EVERY_S = 10.0


def add_mapped_door(app: FastAPI, context: Context) -> None:
    door = _Door(context)
    app.router.add_route(
        "/in/{mapping}", endpoint(context, door.serve, "in"), methods=["POST"], include_in_schema=False
    )


class _Door:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._refused: dict[str, tuple[int, float]] = {}

    async def serve(self, request: Request) -> Response:
        context = self._context
        mapping = context.mappings.mappings.get(request.path_params["mapping"])
        if mapping is None or context.mappings.why_closed(mapping):
            # the reason is told on our page alone
            context.by_address.check(sender_of(client_address(request, context.proxies)))
            raise Problem(404, "There is no such mapping here, or it is closed.")
        if mapping.signature.scheme == "none":
            context.by_address.check(sender_of(client_address(request, context.proxies)))
        forged: list[Forged] = []
        try:
            received = await receive(
                context, request, "mapping", mapping.name, MAX_BYTES, partial(self._signed, mapping, forged)
            )
        except Problem:
            context.by_address.check(sender_of(client_address(request, context.proxies)))
            if forged:
                await self._note_refusal(mapping.name, forged[0].why)
            raise
        context.by_key.check(f"in:{mapping.name}")
        headers = {name.lower(): value for name, value in request.headers.items()}
        # a token in the query is a secret, and nothing else of it is used
        received = replace(received, query="")
        received = await _identified(context, mapping, received, headers)
        told = Told()
        response = await take(context, received, partial(read, told=told))
        return response if response.status_code != 204 else JSONResponse(told.said(), 202)

    def _signed(self, mapping: Mapping, forged: list[Forged], request: Request, body: bytes) -> str:
        context = self._context
        path, query = request.scope.get("raw_path", b"").decode("latin-1"), request.url.query
        sent = Sent(
            request.method, f"{context.deps.settings.public_url}{path}{f'?{query}' if query else ''}", query,
            {name.lower(): value for name, value in request.headers.items()}, body,
        )  # fmt: skip
        try:
            secrets = context.mappings.secrets_of(mapping)
            return verified_by(mapping.signature, secrets, sent, context.deps.clock.wall())
        except Forged as error:
            count(context, mapped.PROVIDER, error.why)
            forged.append(error)
            said = {"forged": "The signature is not right.",
                    "stale": "The time stamp of the signature is too old, or ahead of our clock."}  # fmt: skip
            raise Problem(403, said[error.why]) from None

    async def _note_refusal(self, name: str, why: str) -> None:
        """So that whoever has set the wrong secret sees it. Nothing of what was sent."""
        many, at = self._refused.get(name, (0, -REFUSALS_EVERY_S))
        now = time.monotonic()
        if now - at < REFUSALS_EVERY_S:
            self._refused[name] = many + 1, at
            return
        self._refused[name] = 0, now
        wall = self._context.deps.clock.wall()
        try:
            await transact(self._context.deps.pool, lambda conn: mapped.refused(conn, name, why, many + 1, wall))
        except StoreUnavailable:
            log.warning("refusal not noted", mapping=name)


async def _identified(context: Context, mapping: Mapping, received: Received, headers: Table[str, str]) -> Received:
    """Known by its ids where the mapping says where they are, so that another try is the same; else by its moment.

    The moment, because the same may be meant twice: a person who asks again tomorrow is heard again, and a price that
    is changed and changed back is the first one. Where nothing is made of it, its bytes are enough.
    """
    try:
        payload = await read_payload(received.content_type, received.body)
        received = replace(received, about=named_in(mapping, payload, context.form_rules))
        keys = [key_of(mapping, part, headers) for part in parts_of(mapping, payload)]
    except (NoPayload, Unusable):
        keys = []
    if keys and all(keys):
        said = "\0".join(key for key in keys if key)
    elif keys or mapping.id is None:
        said = f"{received.digest}\0{received.received_wall.isoformat()}\0{time.monotonic_ns()}"
    else:
        return received
    return replace(received, digest=sha256(f"in\0{mapping.name}\0{said}".encode()).hexdigest())


async def read(context: Context, received: Received, clock: Clock, *, told: Told | None = None) -> Job:
    """What a kept request asks for. Of several parts those that can be used are, and the others are named."""
    told = told or Told()
    mapping = context.mappings.mappings.get(received.path)
    try:
        if mapping is None:
            raise Unusable("there is no such mapping any more")
        payload = await read_payload(received.content_type, received.body)
        made, faults = made_of(context, mapping, payload, clock.business(0))
        if faults and not made:
            raise Unusable("; ".join(faults))
    except (NoPayload, Unusable) as error:
        told.reason = str(error)
        raise Unreadable(str(error)) from None
    if not made:
        told.reason = "passed over: the mapping's `where` is not met"
    told.faults = faults
    return Job(
        Response(status_code=204), acts_of(context, mapping, made, received, clock, told),
        tuple(dict.fromkeys((*received.about, *contact_points(made, mapping.of)))),
    )  # fmt: skip


def made_of(context: Context, mapping: Mapping, payload: Any, now: datetime) -> tuple[list[Made], list[str]]:
    """What the parts mean, and why nothing could be made of the others. Raises Unusable."""
    made, faults = [], []
    for number, part in enumerate(parts_of(mapping, payload), 1):
        try:
            # a header is not kept, and its id is what the request is known by
            key = key_of(mapping, part, {})
            # as for a plain form: what the sender cannot correct is noted, and never a reason to lose a lead
            one = make(mapping, part, context.form_rules, now, key, context.mappings.ticket_cost)
            made.append(replace(one, number=number))
        except Unusable as error:
            faults.append(f"part {number}: {error}" if mapping.each is not None else str(error))
    return made, faults
