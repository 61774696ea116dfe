"""An event told to a CRM instead of being posted: the requests it takes, as one answer for the courier."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

import asyncpg
import structlog

from speedlead.crm.adapter import Adapter, Finding, Memory
from speedlead.crm.calls import Refused, Rest
from speedlead.crm.hubspot import HubSpotApi
from speedlead.crm.model import HubSpot, restored
from speedlead.crm.salesforce import SalesforceApi
from speedlead.domain.crm import Record, may_delete
from speedlead.hooks.sealing import Private
from speedlead.hooks.sending import MAX_EXCERPT, TIMEOUT_S, Answer, NoAnswer, Sender
from speedlead.store import crm as rows
from speedlead.store.hooks import EndpointRow

log = structlog.get_logger(__name__)

ERASED = "lead.erased"
_CHECK_S = 60.0
# tokens, and addresses or numbers that a refusal repeats
_PRIVATE = re.compile(r"[^\s\"'<>@]+@[^\s\"'<>@]+|\+?\d[\d ().-]{6,}\d|(?:pat-|00D|eyJ)[\w.!-]{10,}")


@dataclass
class CrmSender:
    """`memories`: what is known of each endpoint in this process, by its id and what was asked of it."""

    pool: "asyncpg.Pool[Any]"
    wall: Callable[[], datetime]
    memories: dict[str, tuple[str, Memory]] = field(default_factory=dict)
    # only one process at a time sends
    locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def adapter(self, sender: Sender, row: EndpointRow, private: Private) -> Adapter:
        asked = restored(row.name, private.url, row.crm or {})
        known = self.memories.get(row.id)
        if known is None or known[0] != row.sealed + json.dumps(row.crm, sort_keys=True):
            known = self.memories[row.id] = (row.sealed + json.dumps(row.crm, sort_keys=True), Memory())
        secret = private.secrets.secret
        if isinstance(asked, HubSpot):
            rest = Rest(sender, private.url, {"Authorization": f"Bearer {secret}"})
            return HubSpotApi(rest, asked, known[1])
        return SalesforceApi(Rest(sender, private.url), asked, known[1], secret, self.wall)

    async def send(self, sender: Sender, row: EndpointRow, private: Private, event: dict[str, Any]) -> Answer:
        begun = time.monotonic()

        def answer(status: int | None, error: str | None = None, **more: Any) -> Answer:
            return Answer(status, error, round(1000 * (time.monotonic() - begun)), **more)

        try:
            async with asyncio.timeout(TIMEOUT_S):
                note = await self._tell(self.adapter(sender, row, private), row, event)
            return answer(200, excerpt=note)
        except NoAnswer as none:
            return answer(None, none.code)
        except TimeoutError:
            return answer(None, "too_slow")
        except Refused as refused:
            # 410 of one of their records is nothing that switches the whole endpoint off
            status = 404 if refused.status == 410 else refused.status
            error = "crm_limit" if refused.limit else None
            return answer(status if status >= 300 else 400, error, asked=refused.asked, excerpt=said(refused))
        except (ValueError, TypeError, KeyError, AttributeError, LookupError) as error:
            # not what their documents say: it waits, and somebody looks
            log.error("crm answer not understood", endpoint=row.id, event_id=event["id"], error=type(error).__name__)
            return answer(None, "internal")

    async def check(
        self, sender: Sender, row: EndpointRow, private: Private, *, make: bool = False
    ) -> tuple[list[Finding], int]:
        """What was looked at, what is wrong with it, and how many milliseconds it took."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(_CHECK_S):
                found = await self.adapter(sender, row, private).check(make)
        except NoAnswer as none:
            found = [Finding(private.url, none.code)]
        except TimeoutError:
            found = [Finding(private.url, "too_slow")]
        except Refused as refused:
            found = [Finding(private.url, said(refused))]
        return found, round(1000 * (time.monotonic() - begun))

    async def _tell(self, adapter: Adapter, row: EndpointRow, event: dict[str, Any]) -> str | None:
        lead_id = event["subject"]
        about = await rows.about_of(self.pool, row.kind, lead_id)
        # two leads of a person are told at a time, and are one record
        async with self.locks.setdefault(f"{row.id} {about}", asyncio.Lock()):
            if event["type"] == ERASED:
                await self._forget(adapter, row, about, event)
                return None
            if event["data"]["lead"]["erased"]:
                # what happened before is told no more: that they are erased comes behind it
                return None
            return await self._tell_one(adapter, row, about, event)

    async def _tell_one(self, adapter: Adapter, row: EndpointRow, about: str, event: dict[str, Any]) -> str | None:
        lead_id = event["subject"]
        before = known = await rows.record(self.pool, row.id, about)
        speaks = known is None or await rows.speaks(self.pool, row.id, about, lead_id)

        async def keep(record: Record) -> None:
            nonlocal before
            if speaks:
                async with self.pool.acquire() as conn, conn.transaction():
                    await rows.told(conn, row.id, lead_id, before, record, self.wall())
            before = record

        told = await adapter.tell(event if speaks else _of_an_older_lead(event, known), about, known, keep)
        await keep(told.record)
        return told.note

    async def _forget(self, adapter: Adapter, row: EndpointRow, about: str, event: dict[str, Any]) -> None:
        found: list[Record | None] = [*await rows.of_erased(self.pool, row.id, about, event["subject"])]
        customer = await rows.is_customer(self.pool, event["subject"])
        for record in found or [None]:
            shared = record is not None and await rows.is_shared(self.pool, row.id, record)
            ours = may_delete(record, customer=customer, shared=shared)
            await adapter.forget(event, record.about if record else about, record, ours)
            if record is not None:
                await rows.forget(self.pool, row.id, record.about)


def _of_an_older_lead(event: dict[str, Any], known: Record | None) -> dict[str, Any]:
    """Its touches are told; status and owner stay those of the newer one."""
    assert known is not None
    lead = event["data"]["lead"] | {"status": known.stage, "owner_id": known.owner_id}
    return event | {"data": event["data"] | {"lead": lead}}


def said(refused: Refused) -> str:
    """For the log: their code, the fields and what they said, without what looks like a person's or a secret."""
    fields = f" ({', '.join(refused.fields)})" if refused.fields else ""
    line = " ".join(f"{refused.code}{fields}: {refused.text}".split())
    return _PRIVATE.sub("…", "".join(c for c in line if c.isprintable()))[:MAX_EXCERPT]


def in_short(found: Sequence[Finding], ms: int) -> Answer:
    """A check as one line of the log."""
    wrong = [f"{one.what}: {one.wrong}" for one in found if one.wrong is not None]
    return Answer(
        None if wrong else 200, "crm_check" if wrong else None, ms, excerpt="; ".join(wrong)[:MAX_EXCERPT] or None
    )
