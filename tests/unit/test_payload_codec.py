"""What Temporal carries is encrypted under keys that can be changed, and under one per lead that can be destroyed."""

import base64
import os
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import ActivitySerializationContext, WorkflowSerializationContext

from speedlead.contracts import OutcomeSignal
from speedlead.payload_codec import ENCODING, ERASED, LeadCiphers, LeadCodec
from speedlead.payload_keys import PayloadKeys, UnknownKey, parse_keys
from speedlead.settings import SettingsError, read_settings
from speedlead.temporal import Undecodable, encrypting

OLD, NEW = b"o" * 32, b"n" * 32
LEAD, OTHER = str(uuid4()), str(uuid4())
SECRET = Payload(metadata={"encoding": b"json/plain"}, data=b'"zebra crossing"')


class Salts:
    def __init__(self) -> None:
        self.known = {LEAD: b"1" * 16, OTHER: b"2" * 16}
        self.asked = 0

    async def __call__(self, lead_id: str) -> bytes | None:
        self.asked += 1
        return self.known.get(lead_id)


def codec(
    keys: dict[str, bytes], salts: Callable[[str], Awaitable[bytes | None]] | None = None, lead: str | None = LEAD
) -> LeadCodec:
    made = LeadCodec(LeadCiphers(PayloadKeys(keys), salts or Salts()))
    return made if lead is None else made.with_context(WorkflowSerializationContext("default", f"lead-{lead}"))


async def sealed(made: LeadCodec) -> Payload:
    return (await made.encode([SECRET]))[0]


async def test_only_the_key_id_and_the_lead_stand_readable() -> None:
    payload = await sealed(codec({"new": NEW}))
    assert dict(payload.metadata) == {"encoding": ENCODING, "key-id": b"new", "lead": LEAD.encode()}
    assert b"zebra" not in payload.SerializeToString()
    assert await codec({"new": NEW}).decode([payload]) == [SECRET]
    assert (await sealed(codec({"new": NEW}))).data != payload.data


async def test_the_newest_key_encrypts_and_older_ones_still_decrypt() -> None:
    before = await sealed(codec({"old": OLD}))
    both = codec({"new": NEW, "old": OLD})
    assert await both.decode([before]) == [SECRET]
    assert (await sealed(both)).metadata["key-id"] == b"new"


async def test_a_key_that_is_missing_is_named_with_the_setting() -> None:
    before = await sealed(codec({"old": OLD}))
    with pytest.raises(UnknownKey, match="'old' is not in SPEEDLEAD_PAYLOAD_KEYS, which has new"):
        await codec({"new": NEW}).decode([before])


async def test_a_wrong_key_under_a_known_id_is_named() -> None:
    before = await sealed(codec({"old": OLD}))
    with pytest.raises(UnknownKey, match="'old' in SPEEDLEAD_PAYLOAD_KEYS is another than"):
        await codec({"old": NEW}).decode([before])


@pytest.mark.parametrize("changed", ["data", "lead"])
async def test_a_payload_that_was_changed_is_refused(changed: str) -> None:
    payload = await sealed(codec({"new": NEW}))
    if changed == "data":
        payload.data = payload.data[:-1] + bytes([payload.data[-1] ^ 1])
    else:
        payload.metadata["lead"] = OTHER.encode()
    with pytest.raises(UnknownKey):
        await codec({"new": NEW}).decode([payload])


async def test_a_destroyed_key_leaves_a_word_and_no_error() -> None:
    salts = Salts()
    payload = await sealed(codec({"new": NEW}, salts))
    del salts.known[LEAD]
    assert await codec({"new": NEW}, salts).decode([payload]) == [ERASED]
    assert await encrypting(PayloadKeys({"new": NEW}), salts).decode([payload]) == ["[erased]"]
    # a workflow that is just ending can still say so
    late = await sealed(codec({"new": NEW}, salts))
    assert "lead" not in late.metadata
    assert await codec({"new": NEW}, salts).decode([late]) == [SECRET]


async def test_two_leads_have_two_keys_and_each_is_looked_up_once() -> None:
    salts = Salts()
    ciphers = LeadCiphers(PayloadKeys({"new": NEW}), salts)
    for _ in range(3):
        for lead in (LEAD, OTHER):
            made = LeadCodec(ciphers).with_context(WorkflowSerializationContext("default", f"lead-{lead}"))
            assert await made.decode(await made.encode([SECRET])) == [SECRET]
    assert salts.asked == 2


async def test_an_activity_s_payload_has_the_key_of_its_workflow() -> None:
    context = ActivitySerializationContext("default", None, None, None, f"lead-{LEAD}", None, False)
    payload = await sealed(codec({"new": NEW}, lead=None).with_context(context))
    assert payload.metadata["lead"] == LEAD.encode()


@pytest.mark.parametrize("metadata", [{}, {"key-id": b""}, {"key-id": b"new"}, {"key-id": b"\xff", "data": b"x" * 40}])
async def test_an_encrypted_payload_that_is_none_is_refused_by_whoever_reads_it(metadata: dict[str, bytes]) -> None:
    payload = Payload(metadata={"encoding": ENCODING} | metadata, data=metadata.pop("data", b""))
    converter = encrypting(PayloadKeys({"new": NEW}), Salts())
    [value] = await converter.decode([payload])
    assert value == Undecodable("an encrypted payload without key-id or content")
    with pytest.raises(Exception, match="unreadable"):
        await converter.decode([payload], [OutcomeSignal])


async def test_switched_off_it_still_reads_what_was_encrypted() -> None:
    payload = await sealed(codec({"new": NEW}))
    converter = encrypting(PayloadKeys({"new": NEW}), Salts(), encrypts=False)
    assert await converter.decode([payload]) == ["zebra crossing"]
    assert (await converter.encode(["zebra"]))[0].data == b'"zebra"'


GOOD = base64.b64encode(NEW).decode()


def test_keys_are_read_in_order_with_comments() -> None:
    assert list(parse_keys(f"# since May\nk2:{GOOD}\n\nk1:{base64.b64encode(OLD).decode()}  # before")) == ["k2", "k1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nonsense", "id:key for key number 1"),
        (f"k1:{GOOD},k 2:{GOOD}", "id:key for key number 2"),
        ("k1:c2hvcnQ=", "32 bytes in base64 for key 'k1'"),
        ("k1:***", "32 bytes in base64 for key 'k1'"),
        (f"k1:{GOOD},k1:{GOOD}", "'k1' stands twice"),
        ("# nothing", "at least one id:key"),
    ],
)
def test_wrong_keys_stop_the_start_without_being_printed(
    text: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEEDLEAD_PAYLOAD_KEYS", text)
    with pytest.raises(SettingsError) as caught:
        read_settings(os.environ)
    [line] = caught.value.lines
    assert line.startswith("SPEEDLEAD_PAYLOAD_KEYS: ")
    assert expected in line
    assert GOOD not in line
