"""Faults strike as asked, and the same seed strikes the same touches."""

import time

import pytest

from speedlead.ports import SendError
from speedlead.sandbox.faults import FaultPlan, Faults
from tests.sandbox.world import LEAD, World


async def send(late: World, number: int = 1) -> bool:
    try:
        await late.texter.send(touch_id=f"lead.sms-{number}", to=LEAD, body="hi", validity_s=300)
    except SendError:
        return False
    return True


async def test_the_same_seed_breaks_the_same_touches(late: World) -> None:
    runs = []
    for _ in range(2):
        await late.put("/api/faults", {"sms": {"429": 0.3, "drop_after_accept": 0.2}, "seed": 42})
        runs.append([await send(late, number) for number in range(30)])
    assert runs[0] == runs[1]
    assert 5 < runs[0].count(False) < 25


def test_a_probability_is_met_over_many_draws_whatever_their_order() -> None:
    faults = Faults(FaultPlan.model_validate({"sms": {"429": 0.2}, "seed": 3}))
    keys = [f"lead-{n}.sms-1" for n in range(2000)]
    first = {key for key in keys if faults.request("sms", key, ("429",))}
    assert 330 < len(first) < 470
    faults.set(faults.plan)
    assert {key for key in reversed(keys) if faults.request("sms", key, ("429",))} == first


async def test_lost_callbacks_never_arrive_but_the_status_moves(late: World) -> None:
    await late.put("/api/faults", {"callbacks": {"lost": 1}})
    await send(late)
    sid = (await late.messages())[0]["id"]
    deadline = time.monotonic() + 3
    while (await late.messages())[0]["status"] != "delivered":
        assert time.monotonic() < deadline
    assert late.gateway.hooks == []
    # what a person wrote is not a callback that gets lost
    await late.act(sid, "reply", "hello")
    await late.until(lambda: len(late.gateway.got("/sms/inbound")) == 1)


async def test_callbacks_can_come_twice(late: World) -> None:
    await late.put("/api/faults", {"callbacks": {"twice": 1}})
    await send(late)
    await late.until(lambda: len(late.gateway.got("/sms/status")) == 6)


async def test_callbacks_can_come_late_and_out_of_order(late: World) -> None:
    await late.put("/api/faults", {"callbacks": {"late_s": 0.3, "shuffle": True}, "seed": 1})
    started = time.monotonic()
    for number in range(5):
        await send(late, number)
    await late.until(lambda: len(late.gateway.got("/sms/status")) == 15)
    assert time.monotonic() - started > 0.3
    orders = {
        tuple(h.form["MessageStatus"] for h in late.gateway.got("/sms/status") if h.query["touch"] == f"lead.sms-{n}")
        for n in range(5)
    }
    assert orders != {("queued", "sent", "delivered")}


async def test_of_a_silent_touch_no_report_ever_comes_and_of_others_all(late: World) -> None:
    await late.put("/api/faults", {"sms": {"silent": 0.5}, "seed": 2})
    for number in range(12):
        await send(late, number)
    told = Faults(FaultPlan.model_validate({"sms": {"silent": 0.5}, "seed": 2}))
    loud = {f"lead.sms-{n}" for n in range(12) if not told.silent("sms", f"lead.sms-{n}")}
    assert 0 < len(loud) < 12
    await late.until(lambda: len(late.gateway.got("/sms/status")) == 3 * len(loud))
    assert {hook.query["touch"] for hook in late.gateway.got("/sms/status")} == loud


async def test_some_reports_can_be_late_and_others_not(late: World) -> None:
    await late.put("/api/faults", {"callbacks": {"late": 0.5, "late_s": 1.5}, "seed": 1})
    started = time.monotonic()
    for number in range(8):
        await send(late, number)
    await late.until(lambda: len(late.gateway.got("/sms/status")) > 0)
    assert time.monotonic() - started < 1.5
    await late.until(lambda: len(late.gateway.got("/sms/status")) == 24)
    assert time.monotonic() - started > 1.5


async def test_a_gateway_that_is_broken_is_told_again(late: World) -> None:
    late.gateway.status = 503
    await send(late)
    await late.until(lambda: len(late.gateway.hooks) > 0)
    late.gateway.status = 204
    late.gateway.hooks.clear()
    await late.until(lambda: len(late.gateway.got("/sms/status")) == 3)


@pytest.mark.parametrize("plan", [{"sms": {"429": 2}}, {"sms": {"boom": 1}}, {"letters": {}}])
async def test_a_wrong_plan_is_refused(late: World, plan: dict[str, object]) -> None:
    assert await late.put("/api/faults", plan) == 400
