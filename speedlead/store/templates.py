"""Versions of templates, words and scripts: immutable once stored, because touches and answers name them."""

from collections.abc import Sequence
from typing import Any

from speedlead.composer import ComposeError
from speedlead.composing.book import Edition


class TemplateConflict(ComposeError):
    """A text differs from what is stored under its version, or its version went back."""


async def publish(connection: Any, editions: Sequence[Edition]) -> None:
    """Stores what is new. Safe at every start and by several processes at once. Raises TemplateConflict."""
    if wrong := await conflicts(connection, editions):
        raise TemplateConflict("\n".join(wrong))
    await connection.execute(
        """insert into template_version (channel, id, language, version, sha256, owner, review_by, source)
           select * from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::date[],
               $8::text[]) on conflict do nothing""",
        *(list(column) for column in zip(
            *((e.channel, e.id, e.language, e.version, e.sha256, e.owner, e.review_by, e.source) for e in editions),
            strict=True,
        )),
    )  # fmt: skip
    # two processes with different texts under one new version, started at the same moment: one of them finds out here
    if wrong := await conflicts(connection, editions):
        raise TemplateConflict("\n".join(wrong))


async def conflicts(connection: Any, editions: Sequence[Edition]) -> list[str]:
    """One line for each file whose text changed without a higher version. An older version as it was stored is fine."""
    rows = await connection.fetch("select channel, id, language, version, sha256 from template_version")
    stored = {(row["channel"], row["id"], row["language"], row["version"]): row["sha256"] for row in rows}
    newest: dict[tuple[str, str, str], int] = {}
    for channel, name, language, version in stored:
        newest[channel, name, language] = max(version, newest.get((channel, name, language), 0))
    wrong = []
    for e in editions:
        known, last = stored.get((e.channel, e.id, e.language, e.version)), newest.get((e.channel, e.id, e.language), 0)
        if known != e.sha256 and e.version <= last:
            wrong.append(
                f"{e.file}:1: version: the text is not the one that is stored as version {e.version}; expected a "
                f"version of at least {last + 1}"
            )
    return wrong
