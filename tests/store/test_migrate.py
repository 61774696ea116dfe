"""Migrations: in order, once, all or nothing per file, safe at once from many processes, edits refused."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from speedlead.store.migrate import DIRECTORY, MigrationError, migrate, pending, read_migrations, split_statements


def put(folder: Path, name: str, up: str, down: str = "", options: str = "") -> None:
    (folder / name).write_text(f"-- migrate:up{options}\n{up}\n\n-- migrate:down\n{down}\n")


async def tables(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        return {row["tablename"] for row in rows} - {"schema_migrations", "schema_migration_checksums"}
    finally:
        await connection.close()


async def test_files_are_applied_once_in_the_order_of_their_versions(tmp_path: Path, empty_database_url: str) -> None:
    put(tmp_path, "10_b.sql", "alter table a add column more int;", "drop table a;")
    put(tmp_path, "9_a.sql", "create table a (id int);")
    assert await pending(empty_database_url, tmp_path) == ["9_a.sql", "10_b.sql"]
    assert await migrate(empty_database_url, tmp_path) == ["9_a.sql", "10_b.sql"]
    assert await migrate(empty_database_url, tmp_path) == []
    assert await pending(empty_database_url, tmp_path) == []
    assert await tables(empty_database_url) == {"a"}  # and nothing below `migrate:down` ran


async def test_a_file_that_fails_leaves_nothing_behind(tmp_path: Path, empty_database_url: str) -> None:
    put(tmp_path, "1_a.sql", "create table a (id int);")
    put(tmp_path, "2_b.sql", "create table b (id int); select nonsense;")
    with pytest.raises(MigrationError, match=r"2_b\.sql: .*nonsense"):
        await migrate(empty_database_url, tmp_path)
    assert await tables(empty_database_url) == {"a"}
    put(tmp_path, "2_b.sql", "create table b (id int);")
    assert await migrate(empty_database_url, tmp_path) == ["2_b.sql"]


async def test_a_file_and_its_record_are_one_transaction(tmp_path: Path, empty_database_url: str) -> None:
    # the statements succeed and the record does not: the version is there already
    put(tmp_path, "1_a.sql", "create table a (id int); insert into schema_migrations values ('1');")
    with pytest.raises(MigrationError, match="duplicate key"):
        await migrate(empty_database_url, tmp_path)
    assert await tables(empty_database_url) == set()


async def test_an_applied_file_must_not_be_edited(tmp_path: Path, empty_database_url: str) -> None:
    put(tmp_path, "1_a.sql", "create table a (id int);")
    await migrate(empty_database_url, tmp_path)
    put(tmp_path, "1_a.sql", "create table a (id bigint);")
    with pytest.raises(MigrationError, match=r"1_a\.sql was edited after it was applied"):
        await migrate(empty_database_url, tmp_path)


async def test_line_ends_of_a_checkout_do_not_count_as_an_edit(tmp_path: Path, empty_database_url: str) -> None:
    put(tmp_path, "1_a.sql", "create table a (id int);")
    await migrate(empty_database_url, tmp_path)
    file = tmp_path / "1_a.sql"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert await migrate(empty_database_url, tmp_path) == []


async def test_what_dbmate_applied_is_taken_over(tmp_path: Path, empty_database_url: str) -> None:
    put(tmp_path, "1_a.sql", "create table a (id int);")
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute("create table a (id int); create table schema_migrations (version varchar primary key)")
    await connection.execute("insert into schema_migrations values ('1')")
    await connection.close()
    assert await migrate(empty_database_url, tmp_path) == []


async def test_many_starters_at_once(tmp_path: Path, empty_database_url: str) -> None:
    put(tmp_path, "1_a.sql", "create table a (id int); select pg_sleep(0.2);")
    put(tmp_path, "2_i.sql", "create index concurrently a_id on a (id);", options=" transaction:false")
    async with asyncio.timeout(30):
        results = await asyncio.gather(*[migrate(empty_database_url, tmp_path) for _ in range(4)])
    assert sorted(results) == [[], [], [], ["1_a.sql", "2_i.sql"]]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("first.sql", "-- migrate:up\n", "expected a name like"),
        ("1_a.sql", "create table a (id int);", "no line '-- migrate:up'"),
        ("1_a.sql", "-- migrate:down\n\n-- migrate:up\n", "comes before"),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(MigrationError, match=message):
        read_migrations(tmp_path)


def test_a_version_exists_once(tmp_path: Path) -> None:
    put(tmp_path, "1_a.sql", "")
    put(tmp_path, "1_b.sql", "")
    with pytest.raises(MigrationError, match="the same version"):
        read_migrations(tmp_path)


def test_statements_of_a_file_without_transaction_run_one_by_one() -> None:
    sql = "-- why\ncreate index a;\n\ninsert into t values ('x;y');\n-- the end\n"
    assert split_statements(sql) == ["-- why\ncreate index a", "insert into t values ('x;y')"]


async def test_the_packaged_migrations_apply(empty_database_url: str) -> None:
    assert await migrate(empty_database_url) == [path.name for path in sorted(DIRECTORY.glob("*.sql"))]
