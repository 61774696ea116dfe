"""Open leads of a running house go to another version of their plan and back, by the commands that a person types."""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from speedlead.settings import PREFIX
from tests.e2e.house import PLANS, House, open_house

pytestmark = [pytest.mark.timeout(400)]

PLAN = PLANS / "moving.yaml"
# what stands between the first touch and the second: in version 1, and in version 2 under another name
BEFORE, AFTER = timedelta(seconds=80), timedelta(seconds=300)
AS_WRITTEN = {"hot": ["call-1", "email-1", "sms-1"], "warm": ["email-1", "sms-1"]}
CLOSE = timedelta(milliseconds=50)


def version_2() -> str:
    """The second touch later, of warm leads under another name, and nobody calls hot leads any more."""
    text = PLAN.read_text()
    for old, new in (
        ("      - {id: call-1, channel: call, after: lead}\n", ""),
        ("after: call-1, delay: 80s", "after: lead, delay: 300s"),
        (
            "- {id: sms-1, channel: sms, after: email-1, delay: 80s",
            "- {id: text, channel: sms, after: email-1, delay: 300s",
        ),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


async def speedlead(house: House, *words: str) -> tuple[int, str]:
    """(exit code, what it printed), with the settings of the house as a person at its host has them."""
    settings = house.stack.settings
    own = settings.to_environment() | {PREFIX + "DATA_DIR": str(settings.data_dir), "COLUMNS": "160"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "speedlead", *words, env={**os.environ, **own},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = (await process.communicate())[0].decode()
    return process.returncode or 0, said


async def sent(house: House, leads: Sequence[str], step: str) -> None:
    async def all_sent() -> bool:
        went = [t["lead"] for t in await house.touches(leads) if t["step"] == step and t["state"] == "sent"]
        return sorted(went) == sorted(leads)

    await house.until(f"{step} went to {len(leads)} leads", all_sent, 60)


async def stays_due(house: House, lead: str, step: str) -> None:
    async def deferred() -> bool:
        return [(t["step"], t["state"]) for t in await house.touches([lead]) if t["step"] == step] == [
            (step, "deferred")
        ]

    await house.until(f"{step} stays due", deferred, 30)


async def coming(house: House, leads: Sequence[str]) -> dict[str, tuple[str, datetime]]:
    """What each lead says comes next, and when."""
    rows = await house.fetch(
        "select id::text as id, next_step, next_touch_at from lead where id = any($1::text[]::uuid[])", list(leads)
    )
    return {row["id"]: (row["next_step"], row["next_touch_at"]) for row in rows}


async def comes(house: House, leads: Sequence[str], step: str) -> dict[str, tuple[str, datetime]]:
    async def all_wait() -> Any:
        found = await coming(house, leads)
        return found if {name for name, at in found.values() if at} == {step} else None

    found: dict[str, tuple[str, datetime]] = await house.until(f"{len(leads)} leads wait for {step}", all_wait, 30)
    return found


def row(said: str, lead_type: str, stands_at: str) -> list[str]:
    """The cells of one line of the table."""
    lines = [[cell.strip() for cell in line.strip("│┃ ").split("│")] for line in said.splitlines() if "│" in line]
    found = [line for line in lines if line[:2] == [lead_type, stands_at]]
    assert len(found) == 1, said
    return found[0]


def in_words(by: timedelta) -> str:
    minutes, seconds = divmod(round(by.total_seconds()), 60)
    return f"{minutes} min {seconds} s later"


async def test_leads_move_as_the_preview_said_and_back_and_nothing_goes_twice_or_is_lost(tmp_path: Path) -> None:
    async with open_house(tmp_path / "house", "moving.yaml") as house:
        warm = await house.submit("warm", "warm", "warm")
        (called,) = await house.submit("hot")
        await sent(house, warm, "email-1")
        await sent(house, [called], "call-1")
        await house.fetch("update rep set presence = 'away'")
        (uncalled,) = await house.submit("hot")  # a call is owed to this one, and version 2 has none
        await stays_due(house, uncalled, "call-1")
        before = await comes(house, warm, "sms-1") | await comes(house, [called], "email-1")

        (tmp_path / "v2.yaml").write_text(version_2())
        code, said = await speedlead(house, "plan", "publish", str(tmp_path / "v2.yaml"), "--note", "Fewer calls")
        assert (code, "moving version 2 is published" in said) == (0, True), said

        code, said = await speedlead(house, "plan", "migrate", "moving:1", "moving:1", "--dry-run")
        assert (code, said.strip()) == (2, "TO: expected another version than moving:1"), said
        code, said = await speedlead(house, "plan", "migrate", "moving:1", "moving:2", "--dry-run")
        assert (code, "Nothing was changed." in said) == (0, True), said
        assert "5 open leads on moving:1" in said
        assert row(said, "warm", "sms 1")[2:6] == ["3", "0", "text", "3 min 40 s later"], said
        hot_moves_by = row(said, "hot", "e-mail 1")[5]
        assert await coming(house, warm) == {lead: before[lead] for lead in warm}, "to look changes nothing"

        code, said = await speedlead(house, "plan", "migrate", "moving:1", "moving:2", "--note", "Fewer calls", "--yes")
        assert (code, "4 can go to moving:2" in said, "4 done, 0 refused" in said) == (0, True, True), said
        assert "call-1 is still due" in " ".join(said.split()), "of the one that stays"
        moved = await comes(house, warm, "text")
        for lead in warm:
            assert abs(moved[lead][1] - before[lead][1] - (AFTER - BEFORE)) < CLOSE, "as the preview said"
        plans = await house.fetch("select id::text as id, plan_version from lead")
        assert {r["id"]: r["plan_version"] for r in plans} == {**dict.fromkeys([*warm, called], 2), uncalled: 1}
        moved |= await comes(house, [called], "email-1")
        assert in_words(moved[called][1] - before[called][1]) == hot_moves_by, "as the preview said"

        code, said = await speedlead(house, "plan", "migrate", "moving:2", "moving:1", "--note", "Back", "--yes")
        assert (code, "4 done, 0 refused" in said) == (0, True), said
        back = await comes(house, warm, "sms-1") | await comes(house, [called], "email-1")
        for lead, (step, at) in back.items():
            assert (step, abs(at - before[lead][1]) < CLOSE) == (before[lead][0], True), "as if it had never moved"
        assert (await house.states(warm))["sent"] == 6, "an acknowledgement and a mail each: nothing went meanwhile"

        await house.fetch("update rep set presence = 'available'")
        leads = [*warm, called, uncalled]
        await house.all_closed(leads, 200)
        house.assert_nothing_went_twice(leads)
        accepted = {touch for _, touch, _ in house.accepted(leads)}
        for lead in leads:
            made = [t for t in await house.touches([lead]) if t["purpose"] == "plan" and t["state"] == "sent"]
            kind = "warm" if lead in warm else "hot"
            assert [t["step"] for t in made] == AS_WRITTEN[kind], await house.picture([lead])
            assert {t["id"] for t in made} <= accepted, "sent, and the provider has it"
        asked = await house.fetch("select action, reason from steering_run order by created_wall")
        assert [tuple(r) for r in asked] == [("change_plan", "Fewer calls"), ("change_plan", "Back")]
