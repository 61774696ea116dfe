"""What is encrypted in Temporal is read with its own command line through the codec server, by who has the key."""

import asyncio
import base64
import json

import pytest

from speedlead.embedded.temporal_server import find_program
from tests.e2e.house import House

pytestmark = [pytest.mark.timeout(120)]

ENCRYPTED = base64.b64encode(b"binary/encrypted").decode()


async def temporal(house: House, lead: str, *words: str, key: str | None = None) -> tuple[int, str]:
    """(exit code, what it printed) of a command about the lead's workflow; with a key through the codec."""
    through = ["--codec-endpoint", f"{house.url}/codec", "--codec-auth", f"Bearer {key}"] if key else []
    process = await asyncio.create_subprocess_exec(
        find_program(), "workflow", *words, "--workflow-id", f"lead-{lead}", "--command-timeout", "8s",
        "--address", house.stack.settings.temporal_address or "", *through,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = (await process.communicate())[0].decode()
    return process.returncode or 0, said


async def test_a_lead_is_read_with_the_key_and_by_nobody_else(house: House) -> None:
    (lead,) = await house.submit("cold")

    async def under_way() -> bool:
        return bool((await temporal(house, lead, "describe"))[0] == 0)

    await house.until("the lead has a workflow", under_way, 30)
    code, stored = await temporal(house, lead, "show", "--output", "json")
    assert code == 0, stored
    assert ENCRYPTED in stored
    assert "newsletter" not in base64_read(stored)
    code, refused = await temporal(house, lead, "show", "--output", "json", key="wrong")
    assert (code != 0, "newsletter" in base64_read(refused)) == (True, False), refused
    code, read = await temporal(house, lead, "show", "--output", "json", key=house.key)
    assert (code, ENCRYPTED in read) == (0, False), read
    assert "newsletter" in base64_read(read)
    # a query without input is a batch of no payloads on its way there
    code, said = await temporal(house, lead, "query", "--type", "status", "--output", "json", key=house.key)
    assert code == 0, said
    assert lead in said


def base64_read(text: str) -> str:
    """What stands in the payloads of a history."""
    try:
        data = json.loads(text)
    except ValueError:
        return text
    found: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("data"), str):
                found.append(base64.b64decode(value["data"]).decode(errors="replace"))
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(data)
    return "\n".join(found)
