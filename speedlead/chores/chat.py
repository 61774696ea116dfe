"""Answers in a page that nobody looks at any more go by mail."""

from datetime import timedelta
from typing import Any

import asyncpg

from speedlead.chores.runner import Chore
from speedlead.ports import Clock
from speedlead.store.chat import mail_the_untaken
from speedlead.store.transactions import transact


def chat_chore(pool: "asyncpg.Pool[Any]", clock: Clock) -> Chore:
    async def round_() -> str | None:
        # the relay delivers what this writes
        told = await transact(pool, lambda conn: mail_the_untaken(conn, clock))
        return f"{len(told)} answers go by mail" if told else None

    return Chore("chat", timedelta(seconds=30), round_)
