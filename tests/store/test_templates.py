"""Versions of templates: stored once, and a text that changes needs a higher one."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from speedlead.app import open_parts
from speedlead.composer import ComposeError
from speedlead.composing.book import Edition, load_book
from speedlead.store.pool import open_pool
from speedlead.store.templates import TemplateConflict, publish
from tests.servers import local_settings

ONE = Edition("sms", "missed_you", "en", 1, "a", "Ann", date(2030, 1, 1), "text", "own/sms/missed_you.en.txt")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Any]:
    pool = await open_pool(database_url, size=2)
    yield pool
    await pool.close()


async def stored(pool: Any) -> list[tuple[int, str]]:
    return [tuple(row) for row in await pool.fetch("select version, source from template_version order by version")]


async def test_every_version_is_kept_and_an_older_one_may_come_back(pool: Any) -> None:
    two = replace(ONE, version=2, sha256="b", source="other")
    for edition in (ONE, ONE, two, ONE, two):
        await publish(pool, [edition])
    assert await stored(pool) == [(1, "text"), (2, "other")]


async def test_a_new_owner_or_review_date_needs_no_new_version(pool: Any) -> None:
    await publish(pool, [ONE])
    await publish(pool, [replace(ONE, owner="Ben", review_by=date(2031, 1, 1))])
    assert len(await stored(pool)) == 1


@pytest.mark.parametrize("version", [1, 2, 3])
async def test_a_changed_text_needs_a_version_above_the_newest(pool: Any, version: int) -> None:
    await publish(pool, [ONE])
    await publish(pool, [replace(ONE, version=3, sha256="c")])
    with pytest.raises(TemplateConflict) as error:
        await publish(pool, [replace(ONE, version=version, sha256="changed")])
    assert str(error.value) == (
        "own/sms/missed_you.en.txt:1: version: the text is not the one that is stored as "
        f"version {version}; expected a version of at least 4"
    )
    await publish(pool, [replace(ONE, version=4, sha256="changed")])


async def test_the_packaged_texts_are_stored_as_they_are(pool: Any) -> None:
    editions = load_book().editions()
    await publish(pool, editions)
    await publish(pool, editions)
    assert await pool.fetchval("select count(*) from template_version") == len(editions)


async def test_a_gateway_alone_starts_with_no_faulty_text_and_stores_none(
    database_url: str, pool: Any, tmp_path: Path
) -> None:
    file = tmp_path / "own" / "sms" / "missed_you.en.txt"
    file.parent.mkdir(parents=True)
    # it can be read and rendered: only who reads it as the linter does sees that nobody could opt out
    file.write_text("---\nversion: 9\nowner: Ann\nreview_by: 2030-01-01\n---\nAbout {{ inquiry }}\n", "utf-8")
    settings = local_settings(tmp_path / "data", templates_dir=tmp_path / "own")
    with pytest.raises(ComposeError) as error:
        async with open_parts(settings, database_url, lazy=True):
            pass
    lines = str(error.value).splitlines()
    assert len(lines) == 1
    assert "missed_you.en.txt:6: the way to opt out is missing" in lines[0]
    assert await stored(pool) == []
