"""The way to the configured Temporal server (TLS, API key), and whether its namespace has what leads need."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client, Interceptor
from temporalio.converter import DataConverter
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode, TLSConfig

from speedlead.settings import PREFIX, Settings
from speedlead.temporal import DATA_CONVERTER, connect
from workflows.attributes import ATTRIBUTES


class TemporalRefused(Exception):
    """The server or its namespace cannot be used as it is configured; the message names the setting and the remedy."""


async def connect_as_set(
    settings: Settings,
    *,
    lazy: bool = False,
    runtime: Runtime | None = None,
    interceptors: Sequence[Interceptor] = (),
    converter: DataConverter = DATA_CONVERTER,
) -> Client:
    """Raises RuntimeError when the server does not answer, TemporalRefused for a certificate file of no use."""
    key = settings.temporal_api_key
    tls = _tls(settings) if settings.uses_temporal_tls else False
    return await connect(
        settings.temporal_address,
        settings.temporal_namespace,
        lazy=lazy,
        tls=tls,
        api_key=None if key is None else key.get_secret_value(),
        runtime=runtime,
        interceptors=interceptors,
        converter=converter,
    )


def _tls(settings: Settings) -> TLSConfig:
    return TLSConfig(
        server_root_ca_cert=_pem(settings, "temporal_tls_server_ca_cert_path", "CERTIFICATE"),
        client_cert=_pem(settings, "temporal_tls_client_cert_path", "CERTIFICATE"),
        client_private_key=_pem(settings, "temporal_tls_client_key_path", "PRIVATE KEY"),
        domain=settings.temporal_tls_server_name,
    )


def _pem(settings: Settings, name: str, kind: str) -> bytes | None:
    path: Path | None = getattr(settings, name)
    if path is None:
        return None
    try:
        text = path.read_bytes()
    except OSError as error:
        raise TemporalRefused(f"{PREFIX}{name.upper()}: expected a file that can be read, got {path}: "
                              f"{error.strerror}") from None  # fmt: skip
    if f"{kind}-----".encode() not in text:
        raise TemporalRefused(f"{PREFIX}{name.upper()}: expected PEM with a {kind} in {path}")
    return text


def unreachable(settings: Settings, error: Exception) -> str:
    """One line for a server that does not let us in."""
    why = str(error).strip().splitlines()[-1][:300] if str(error).strip() else type(error).__name__
    how = "TLS" if settings.uses_temporal_tls else "without TLS"
    return f"{PREFIX}TEMPORAL_ADDRESS: no Temporal at {settings.temporal_address} ({how}): {why}"


async def wrong_attributes(client: Client, namespace: str) -> dict[str, bool]:
    """Search attributes that the namespace lacks, or (True) has with another type. Raises RPCError."""
    answer = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
    return {
        name: name in answer.custom_attributes
        for name, kind in ATTRIBUTES.items()
        if answer.custom_attributes.get(name) != IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{kind.upper()}")
    }


def mending(wrong: Mapping[str, bool], namespace: str) -> str:
    """The commands that put the attributes right: no type can be changed, so one with another is taken away first."""
    other = [name for name, there in wrong.items() if there]
    removal = f"temporal operator search-attribute remove --namespace {namespace} " if other else ""
    removal += " ".join(f"--name {name}" for name in other) + (" && " if other else "")
    pairs = " ".join(f"--name {name} --type {ATTRIBUTES[name]}" for name in wrong)
    return f"{removal}temporal operator search-attribute create --namespace {namespace} {pairs}"


async def check_namespace(client: Client, settings: Settings) -> None:
    """Raises TemporalRefused before a worker starts in a namespace where every lead would be stuck."""
    namespace = settings.temporal_namespace
    try:
        wrong = await wrong_attributes(client, namespace)
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            raise TemporalRefused(
                f"{PREFIX}TEMPORAL_NAMESPACE: expected a namespace of {settings.temporal_address}, got {namespace!r}; "
                "deploy/temporal/prepare-namespace.sh makes it"
            ) from None
        if error.status in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED):
            raise TemporalRefused(f"{PREFIX}TEMPORAL_API_KEY: not accepted by {settings.temporal_address} for the "
                                  f"namespace {namespace!r}: {error.message}") from None  # fmt: skip
        raise TemporalRefused(unreachable(settings, error)) from None
    if wrong:
        raise TemporalRefused(
            f"{PREFIX}TEMPORAL_NAMESPACE: the namespace {namespace!r} lacks search attributes, or has them with other "
            f"types: {', '.join(wrong)}. Run: {mending(wrong, namespace)}"
        )
