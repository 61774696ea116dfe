"""Connecting to Temporal, and the one data converter that everything uses."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.client import Client, Interceptor
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.runtime import Runtime
from temporalio.service import TLSConfig

from speedlead.payload_codec import UNREADABLE, LeadCiphers, LeadCodec
from speedlead.payload_keys import PayloadKeys, Salt


@dataclass(frozen=True)
class Undecodable:
    """Stands where a payload could not be read, so that a handler can refuse it with a reason."""

    why: str


class TolerantPayloadConverter(PydanticPayloadConverter):
    """Handlers of a lead take anything and have no type hints; what cannot be decoded reaches them as `Undecodable`.

    With the stock converter a signal with an unreadable payload is dropped with a log line only, and nobody who looks
    at the lead learns of it.
    """

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        if type_hints is not None:
            return super().from_payloads(payloads, type_hints)
        return [self._decode(payload) for payload in payloads]

    def _decode(self, payload: Payload) -> Any:
        if payload.metadata.get("encoding") == UNREADABLE:
            return Undecodable(why=payload.data.decode())
        try:
            return super().from_payloads([payload])[0]
        except Exception as error:
            return Undecodable(why=type(error).__name__)


DATA_CONVERTER: DataConverter = replace(pydantic_data_converter, payload_converter_class=TolerantPayloadConverter)


def encrypting(keys: PayloadKeys, salt: Salt, *, encrypts: bool = True) -> DataConverter:
    """The same converter, with payloads and the messages of failures encrypted; else it only reads such."""
    codec = LeadCodec(LeadCiphers(keys, salt), encrypts=encrypts)
    if not encrypts:
        return replace(DATA_CONVERTER, payload_codec=codec)
    failures = DefaultFailureConverterWithEncodedAttributes
    return replace(DATA_CONVERTER, payload_codec=codec, failure_converter_class=failures)


async def connect(
    address: str,
    namespace: str = "default",
    *,
    lazy: bool = False,
    tls: TLSConfig | bool = False,
    api_key: str | None = None,
    runtime: Runtime | None = None,
    interceptors: Sequence[Interceptor] = (),
    converter: DataConverter = DATA_CONVERTER,
) -> Client:
    """A client with our data converter. Raises RuntimeError when the server does not answer.

    `lazy` connects at the first call instead: a gateway takes forms in while Temporal is away. Workers cannot wait so.
    """
    return await Client.connect(
        address, namespace=namespace, data_converter=converter, lazy=lazy, tls=tls, api_key=api_key,
        runtime=runtime, interceptors=interceptors,
    )  # fmt: skip
