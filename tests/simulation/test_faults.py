"""A small bad day through the whole product: the bench's row `faults` with a hundred touches and workers killed."""

import dataclasses
from pathlib import Path

import pytest

from bench.faults.house import open_house
from bench.faults.judge import Accepted, Touch, judge, twice
from bench.faults.row import faults
from bench.faults.weather import within

LEADS, SEED = 36, 13  # a seed that kills on both sides of a request


@pytest.mark.kill
@pytest.mark.timeout(360)
async def test_on_a_bad_day_nothing_goes_twice_and_nothing_is_lost(tmp_path: Path) -> None:
    weather = dataclasses.replace(within(SEED), dies_before=0.03, dies_after=0.03)
    async with open_house(tmp_path, weather, SEED) as house:
        verdict = await faults(house, weather, LEADS, 240, lambda what, part: None)
        died = {path.name.partition("-")[0] for path in house.deaths.glob("*-*")}
    assert died == {"before", "after"}
    assert (verdict.duplicates, verdict.missed, verdict.wrong, verdict.unfinished) == ([], [], [], [])
    assert verdict.touches >= 3 * LEADS
    # the weather was what it should be: something had to be repeated, and most of it went out
    assert verdict.repeated + len(verdict.handed_over) > 0
    assert sum(n for state, n in verdict.states.items() if "sent" in state) > 0.9 * verdict.touches


# ── the judge itself ─────────────────────────────────────────────────────────────────────────────────────────────────


def mail(touch: str, leg: str | None = None, channel: str = "email", direction: str = "outbound-api") -> Accepted:
    return Accepted(channel, direction, touch, leg)


def row(touch: str, state: str = "sent", channel: str = "email", *, told: bool = False) -> Touch:
    return Touch(touch, channel, "plan", state, None, repeated=False, told=told)


ACK, ONE, TWO = row("l.ack-1"), row("l.email-1"), row("l.sms-1", channel="sms")
ALL = [mail("l.ack-1"), mail("l.email-1"), mail("l.sms-1")]


def test_what_the_provider_took_once_and_the_rows_say_is_sent_is_in_order() -> None:
    verdict = judge([ACK, ONE, TWO], ALL, leads=1)
    assert (verdict.duplicates, verdict.missed, verdict.wrong, verdict.unfinished) == ([], [], [], [])


@pytest.mark.parametrize(
    ("rows", "taken", "found"),
    [
        ([ACK, ONE, TWO], [*ALL, mail("l.sms-1")], "duplicates"),
        ([ACK, ONE, TWO], ALL[:2], "missed"),
        ([ACK, ONE], ALL[:2], "missed"),
        ([ACK, ONE, row("l.sms-1", "in_doubt")], ALL, "missed"),
        ([ACK, ONE, row("l.sms-1", "failed")], ALL[:2], "missed"),
        ([ACK, ONE, row("l.sms-1", "skipped")], ALL, "wrong"),
        ([ACK, ONE, row("l.sms-1", "claimed")], ALL, "unfinished"),
        ([ACK, ONE, row("l.sms-1", "in_doubt", told=True)], ALL[:2], "handed_over"),
    ],
)
def test_the_judge_sees(rows: list[Touch], taken: list[Accepted], found: str) -> None:
    assert len(getattr(judge(rows, taken, leads=1), found)) == 1


def test_a_rep_that_is_rung_after_another_is_no_repeat_and_the_leads_phone_rings_once() -> None:
    rings = [mail("l.call-1", f"l.call-1.rep-1-{n}", "call") for n in (1, 2)]
    dialled = mail("l.call-1", "l.call-1.lead-1-2", "call", "outbound-dial")
    assert twice([*rings, dialled]) == []
    assert len(twice([*rings, dialled, rings[0], dialled])) == 2
