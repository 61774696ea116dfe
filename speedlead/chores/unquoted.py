"""What Postgres says of an error may quote a row, such as somebody's address, and the table `chore` keeps it."""

from dataclasses import replace

import asyncpg

from speedlead.chores.runner import Chore


def unquoted(chore: Chore) -> Chore:
    """The same chore; of what Postgres refuses only the error's type comes out."""

    async def run() -> str | None:
        try:
            return await chore.run()
        except asyncpg.PostgresError as error:
            raise type(error)("what Postgres said is left out: it may quote a row") from None

    return replace(chore, run=run)
