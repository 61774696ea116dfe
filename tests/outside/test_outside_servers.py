"""Servers of somebody else's, by configuration alone: TLS both ways, an API key, a namespace that may not be ready."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from temporalio.api.operatorservice.v1 import RemoveSearchAttributesRequest

from speedlead import doctor
from speedlead.app import TO_MEND, open_parts
from speedlead.embedded.stack import Stack
from speedlead.settings import Settings
from speedlead.temporal_link import TemporalRefused, check_namespace, connect_as_set
from tests.servers import local_settings
from tests.tls import Authority, Listener, ends_tls, server_context

# what RFC 7541 (appendix B) makes of these characters in a header
HUFFMAN = {
    "0": "00000", "1": "00001", "2": "00010", "a": "00011", "c": "00100", "e": "00101", "i": "00110", "o": "00111",
    "s": "01000", "t": "01001", " ": "010100", "r": "101100", "B": "1011101",
}  # fmt: skip
KEY = "cat0sits1at2oats"


def as_header(text: str) -> bytes:
    bits = "".join(HUFFMAN[letter] for letter in text)
    whole = len(bits) - len(bits) % 8  # the last bits share their byte with padding
    return int(bits[:whole], 2).to_bytes(whole // 8, "big")


@pytest_asyncio.fixture(scope="module")
async def stack(tmp_path_factory: Any) -> AsyncIterator[Stack]:
    async with Stack(local_settings(tmp_path_factory.mktemp("outside")), ("postgres", "temporal")) as running:
        yield running


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


# ── Temporal ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest_asyncio.fixture
async def cloud(stack: Stack, authority: Authority) -> AsyncIterator[Listener]:
    """The server behind TLS that wants a certificate of the client's, as Temporal Cloud does with mTLS."""
    context = server_context(authority.issue("127.0.0.1"), clients_of=authority.certificate, alpn="h2")
    onward = partial(asyncio.open_connection, "127.0.0.1", stack.settings.temporal_port)
    async with ends_tls(context, onward) as listener:
        yield listener


def reached(folder: Path, port: int, authority: Authority, **changes: object) -> Settings:
    certificate, key = authority.issue("client")
    values: dict[str, object] = {
        "temporal_address": f"127.0.0.1:{port}",
        "temporal_tls_server_ca_cert_path": authority.certificate,
        "temporal_tls_client_cert_path": certificate,
        "temporal_tls_client_key_path": key,
    }
    return local_settings(folder, **(values | changes))


async def test_a_certificate_and_an_api_key_open_the_server(
    cloud: Listener, authority: Authority, tmp_path: Path
) -> None:
    settings = reached(tmp_path, cloud.port, authority, temporal_api_key=KEY)
    await check_namespace(await connect_as_set(settings), settings)
    assert as_header(f"Bearer {KEY}") in bytes(cloud.heard)


async def test_without_an_api_key_none_is_sent(cloud: Listener, authority: Authority, tmp_path: Path) -> None:
    settings = reached(tmp_path, cloud.port, authority)
    await check_namespace(await connect_as_set(settings), settings)
    assert cloud.heard
    assert as_header("Bearer ") not in bytes(cloud.heard)


@pytest.mark.parametrize("missing", ["the client's certificate", "the authority", "TLS", "the name"])
async def test_a_server_that_is_not_reached_safely_is_refused_in_one_line(
    cloud: Listener, authority: Authority, tmp_path: Path, stack: Stack, missing: str
) -> None:
    changes: dict[str, object] = {
        "the client's certificate": {"temporal_tls_client_cert_path": None, "temporal_tls_client_key_path": None},
        "the authority": {"temporal_tls_server_ca_cert_path": Authority(tmp_path, "stranger").certificate},
        "TLS": dict.fromkeys(f"temporal_tls_{name}_path" for name in ("server_ca_cert", "client_cert", "client_key")),
        "the name": {"temporal_tls_server_name": "elsewhere.example"},
    }[missing]  # type: ignore[assignment]
    settings = reached(stack.settings.data_dir, cloud.port, authority, **changes)
    with pytest.raises(TO_MEND) as caught:
        async with open_parts(settings, stack.database_url):
            pass
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"SPEEDLEAD_TEMPORAL_ADDRESS: no Temporal at 127.0.0.1:{cloud.port}")
    assert ("(without TLS)" in line) == (missing == "TLS")


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, "expected a file that can be read, got"), ("hello", "expected PEM with a PRIVATE KEY in")],
)
async def test_a_key_file_of_no_use_is_named(
    cloud: Listener, authority: Authority, tmp_path: Path, text: str | None, expected: str
) -> None:
    path = tmp_path / "own.key"
    if text is not None:
        path.write_text(text)
    settings = reached(tmp_path, cloud.port, authority, temporal_tls_client_key_path=path)
    with pytest.raises(TemporalRefused, match=f"SPEEDLEAD_TEMPORAL_TLS_CLIENT_KEY_PATH: {expected} {path}"):
        await connect_as_set(settings)
    found = {finding.what: finding async for finding in doctor.findings(settings)}
    assert expected in found["temporal"].detail


async def test_a_namespace_that_does_not_exist_is_named(stack: Stack) -> None:
    address = f"127.0.0.1:{stack.settings.temporal_port}"
    settings = local_settings(stack.settings.data_dir, temporal_address=address, temporal_namespace="nowhere")
    with pytest.raises(
        TemporalRefused, match=r"SPEEDLEAD_TEMPORAL_NAMESPACE: expected a namespace of .+ got 'nowhere'"
    ):
        async with open_parts(settings, stack.database_url):
            pass


async def test_a_namespace_without_the_attributes_is_refused_with_the_remedy(stack: Stack) -> None:
    settings = local_settings(stack.settings.data_dir, temporal_address=f"127.0.0.1:{stack.settings.temporal_port}")
    client = await connect_as_set(settings)
    await check_namespace(client, settings)
    await client.operator_service.remove_search_attributes(
        RemoveSearchAttributesRequest(namespace="default", search_attributes=["LeadOwner", "SlaBreached"])
    )
    with pytest.raises(TemporalRefused) as caught:
        async with open_parts(settings, stack.database_url):
            pass
    line = str(caught.value)
    assert "LeadOwner, SlaBreached" in line
    command = line.partition("Run: temporal ")[2].split()
    assert command, line
    # the command does what it says
    program = Path(doctor._temporal_program().detail.rpartition(" in ")[2])
    done = await asyncio.create_subprocess_exec(program, *command, "--address", settings.temporal_address)
    assert await done.wait() == 0
    for _ in range(100):
        try:
            await check_namespace(client, settings)
            break
        except TemporalRefused:
            await asyncio.sleep(0.1)
    await check_namespace(client, settings)


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest_asyncio.fixture
async def far_postgres(stack: Stack, authority: Authority) -> AsyncIterator[Listener]:
    parts = dict(part.split("=") for part in stack.database_url.partition("?")[2].split("&"))
    socket = f"{parts['host']}/.s.PGSQL.{parts.get('port', '5432')}"
    onward = partial(asyncio.open_unix_connection, socket)
    async with ends_tls(server_context(authority.issue("127.0.0.1")), onward, asks_first=True) as listener:
        yield listener


def far(port: int, authority: Path, stack: Stack) -> str:
    database = stack.database_url.partition("?")[0].rpartition("/")[2]
    return f"postgresql://postgres@127.0.0.1:{port}/{database}?sslmode=verify-full&sslrootcert={authority}"


async def test_a_database_elsewhere_is_reached_by_tls_and_its_name_is_checked(
    far_postgres: Listener, authority: Authority, stack: Stack, tmp_path: Path
) -> None:
    settings = Settings(database_url=far(far_postgres.port, authority.certificate, stack), database_password="p/w")  # type: ignore[arg-type]
    assert settings.database_url is not None
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    assert await connection.fetchval("select count(*) from lead") == 0
    await connection.close()

    stranger = Authority(tmp_path, "stranger").certificate
    found = [finding async for finding in doctor._reach_database(far(far_postgres.port, stranger, stack), settings)]
    assert [finding.ok for finding in found] == [False]
    assert "CERTIFICATE_VERIFY_FAILED" in found[0].detail
