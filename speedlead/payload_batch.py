"""Batches of payloads as JSON, as the Temporal UI posts them to a codec server."""

import json
import re
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from temporalio.api.common.v1 import Payload, Payloads

from speedlead.payload_codec import LeadCodec

_ID = re.compile(rb"[0-9a-f-]{36}")


class PayloadBatch:
    def __init__(self, payloads: list[Payload]) -> None:
        self._payloads = payloads

    def __len__(self) -> int:
        return len(self._payloads)

    @classmethod
    def read(cls, body: bytes) -> "PayloadBatch":
        """Raises ValueError for anything but {"payloads": [{"metadata": {…}, "data": …}]}.

        {} is a batch of none: protobuf leaves empty lists out, and the CLI sends it with a query that has no input.
        """
        try:
            given: Any = json.loads(body)
            if given != {} and not isinstance(given["payloads"], list):
                raise TypeError
            return cls(list(ParseDict(given, Payloads(), ignore_unknown_fields=True).payloads))
        except (ValueError, LookupError, ParseError, RecursionError, TypeError) as error:
            raise ValueError(type(error).__name__) from None

    def leads(self) -> set[str]:
        """Ids of the leads under whose keys they are."""
        found = (payload.metadata.get("lead", b"") for payload in self._payloads)
        return {lead.decode() for lead in found if _ID.fullmatch(lead)}

    async def through(self, codec: LeadCodec, *, decode: bool) -> dict[str, Any]:
        """The answer. Raises UnknownKey."""
        done = await (codec.decode(self._payloads) if decode else codec.encode(self._payloads))
        return dict(MessageToDict(Payloads(payloads=done)))
