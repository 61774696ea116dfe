"""The salts of leads' payload keys. A salt that is gone means that the lead was erased."""

import uuid
from typing import Any

import asyncpg

from speedlead.payload_keys import Salt


def salts_in(pool: "asyncpg.Pool[Any]") -> Salt:
    async def salt(lead_id: str) -> bytes | None:
        try:
            known = str(uuid.UUID(lead_id))
        except ValueError:
            return None  # a workflow id that somebody made up
        found: bytes | None = await pool.fetchval("select salt from lead_key where lead_id = $1", known)
        return found

    return salt
