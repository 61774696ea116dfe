"""Drafts of plans: text as somebody wrote it, until it is published and never changes again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Draft:
    """`published_version` says what became of it; such a draft cannot be changed."""

    draft_id: int
    yaml: str
    author: str
    note: str
    created_wall: datetime
    changed_wall: datetime
    published_id: str | None
    published_version: int | None


class DraftRefused(ValueError):
    """There is no such draft, or it was published, or changed by somebody else."""


_DRAFT = """select id as draft_id, yaml, author, note, created_wall, changed_wall, published_id, published_version
from plan_draft """


async def add_draft(conn: Any, text: str, *, author: str, note: str, wall: datetime) -> int:
    return int(
        await conn.fetchval(
            """insert into plan_draft (yaml, author, note, created_wall, changed_wall) values ($1, $2, $3, $4, $4)
               returning id""",
            text, author, note, wall,
        )
    )  # fmt: skip


async def draft_of(conn: Any, draft_id: int) -> Draft:
    """Raises DraftRefused."""
    row = await conn.fetchrow(_DRAFT + "where id = $1", draft_id)
    if row is None:
        raise DraftRefused(f"draft {draft_id}: there is no such draft")
    return Draft(**row)


async def drafts(conn: Any, limit: int = 50) -> list[Draft]:
    """Those that are not published first, then the newest."""
    rows = await conn.fetch(_DRAFT + "order by published_version is not null, changed_wall desc limit $1", limit)
    return [Draft(**row) for row in rows]


async def change_draft(conn: Any, draft: Draft, text: str, *, author: str, wall: datetime) -> None:
    """`draft` as it was read. Raises DraftRefused when it is another one by now."""
    changed = await conn.execute(
        """update plan_draft set yaml = $2, author = $3, changed_wall = $4
           where id = $1 and changed_wall = $5 and published_version is null""",
        draft.draft_id, text, author, wall, draft.changed_wall,
    )  # fmt: skip
    if changed == "UPDATE 0":
        raise DraftRefused(f"draft {draft.draft_id}: somebody else has changed or published it meanwhile")


async def draft_published(conn: Any, draft: Draft, plan_id: str, version: int) -> None:
    """Raises DraftRefused when it was published before, or changed since it was checked."""
    changed = await conn.execute(
        """update plan_draft set published_id = $2, published_version = $3
           where id = $1 and published_version is null and changed_wall = $4""",
        draft.draft_id, plan_id, version, draft.changed_wall,
    )  # fmt: skip
    if changed == "UPDATE 0":
        raise DraftRefused(f"draft {draft.draft_id}: somebody else has changed or published it meanwhile")
