"""What crosses Temporal: it reads back the same, an older worker reads a newer message, and nobody's data is in it."""

import inspect
from datetime import timedelta, timezone
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from speedlead import contracts as c
from speedlead.domain.plan import Step
from speedlead.temporal import DATA_CONVERTER, Undecodable
from tests.unit.leads import CADENCE, DAY, NOW

REACH = c.Reach(has_email=True, has_phone=True)
STEP = Step(id="call-1", channel="call", by="3m")  # type: ignore[arg-type]
SKIP = c.SkipRow(step="sms-1", channel="sms", reason="no_consent", at=NOW)
OUTCOME = c.OutcomeSignal(message_id="m", call_result="connected", outcome="not_now", until=NOW + DAY)  # type: ignore[arg-type]
STEERED = c.Steered(
    update_id="u", update="pause", at=NOW, by="ann", reason="x", asked={"until": "2026-11-23T09:00:00Z"}
)
WAY = c.Way(step="ack-1", channel="email", state=c.TouchState.SENT, at=NOW)
EXAMPLES: list[c.Contract] = [
    STEERED, WAY, c.Acknowledged(ways=(WAY,), promised_at=NOW),
    c.LeadStart(lead_id="7f3a", lead_type="hot", intent="pricing", source="organic", submitted_at=NOW, reach=REACH,
                plan=CADENCE, resume=c.Resume(steps=(c.StepRow(step="call-1", state="sent", at=NOW),), seen=("m",),
                                undelivered=(c.Undelivered(step="sms-1", then="again", after_s=3600, at=NOW),),
                                        attempts={"call-1": 2}, answers=(c.WrittenAnswer(number=1, channel="sms"),))),
    c.LeadClosed(lead_id="7f3a", reason="converted", at=NOW),
    c.InquirySignal(message_id="m", number=2, lead_type="hot", reach=REACH), OUTCOME,
    c.ReplySignal(channel="sms", automatic=True, until=NOW), c.OptOutSignal(scope="sms"),
    c.AssignedSignal(rep_id="r-1"),
    c.AnswerSignal(number=1, channel="email"),
    c.DeliverySignal(touch_id="7f3a.email-1", status="bounced"),
    c.CallProgressSignal(touch_id="t", leg_id="t.rep-1-1", result="busy", at=NOW), c.ReplanSignal(),
    c.AcceptRequest(rep_id="r"), c.DeclineRequest(rep_id="r"), c.ReassignRequest(rep_id="r"), c.PauseRequest(until=NOW),
    c.ResumeRequest(), c.SkipRequest(step="call-2"), c.CallNowRequest(), c.StopRequest(), c.CorrectRequest(),
    c.ChangePlanRequest(plan_id="inbound", version=2),
    c.LeadStatus(lead_id="7f3a", stage="new", lead_type="hot", owner_id=None, next_step=None, next_at=NOW, why="x",
                 paused_until=None, plan="inbound v1", rejected_messages=0),
    c.AcknowledgeRequest(lead_id="7f3a", inquiry_number=1, lead_type="hot"),
    c.EnrichRequest(lead_id="7f3a", lead_type="hot"), c.EnrichResult(lane="hot", problem="lookup_slow"),
    c.RouteRequest(lead_id="7f3a", lead_type="hot", submitted_at=NOW), c.RouteResult(owner_id=None, open_at=NOW), SKIP,
    c.TakeRequest(lead_id="7f3a", rep_id="r"), c.AcceptResult(taken=False, owner_id="r", why="late"),
    c.EscalateRequest(lead_id="7f3a", reason="silent", level=2, asked=("r",), asked_at=NOW),
    c.EscalateResult(owner_id="r", level=2), c.BreachRequest(lead_id="7f3a", target="acceptance", due_at=NOW),
    c.PlaceRequest(
        lead_id="7f3a", steps=(STEP,), due=NOW, track_steps=(STEP,), lead_time=26, opened=NOW, anchors={"x": NOW}
    ),
    c.PlaceResult(at=NOW, reasons=("holiday",), versions={"law": "1"}),
    c.TouchRequest(lead_id="7f3a", step="email-1", channel="email", template="useful", planned_at=NOW, skips=(SKIP,)),
    c.TurnRequest(lead_id="7f3a", reply_id="r"), c.TurnResult(act="reply", answer=1, channel="sms"),
    c.TouchResult(state=c.TouchState.SENT, at=NOW, call_result="connected", ways=(WAY,)),  # type: ignore[arg-type]
    c.DialRequest(lead_id="7f3a", step="call-1", level=1, ring_s=20, planned_at=NOW),
    c.CallOffRequest(lead_id="7f3a", step="call-1", reason="paused"),
    c.SettleTaskRequest(lead_id="7f3a", step="call-1", leg_id="7f3a.call-1.rep-1-1", at=NOW),
    c.CheckRequest(lead_id="7f3a", step="call-1"), c.SkipStepsRequest(lead_id="7f3a", skips=(SKIP,)),
    c.WaitRequest(lead_id="7f3a", until=NOW, why="owner_task"),
    c.NotifyRequest(lead_id="7f3a", key="k", audience="rep", kind="new_lead"),
    c.RecordRequest(lead_id="7f3a", key="k", kind="outcome", outcome=OUTCOME, at=NOW, steered=STEERED),
    c.ReassignTo(lead_id="7f3a", rep_id="r", reason="x"), c.LoadPlanRequest(lead_id="7f3a", plan_id="p", version=1),
    c.TakePlanRequest(lead_id="7f3a", plan_id="p", version=2, before="p v1", skips=(SKIP,), at=NOW),
    c.CloseRequest(lead_id="7f3a", reason="x", stage="closed"), c.CloseResult(closed=True, at=NOW),
]  # fmt: skip
KINDS = [kind for _, kind in inspect.getmembers(c, inspect.isclass) if issubclass(kind, c.Contract)]


def name(model: BaseModel) -> str:
    return type(model).__name__


async def through_temporal(value: Any, *hints: type) -> list[Any]:
    return await DATA_CONVERTER.decode(await DATA_CONVERTER.encode([value]), list(hints) or None)


@pytest.mark.parametrize("model", EXAMPLES, ids=name)
async def test_a_message_reads_back_the_same(model: c.Contract) -> None:
    assert await through_temporal(model, type(model)) == [model]


@pytest.mark.parametrize("model", EXAMPLES, ids=name)
async def test_an_older_worker_reads_a_message_with_newer_fields(model: c.Contract) -> None:
    newer = model.model_dump(mode="json") | {"a_field_of_tomorrow": {"x": 1}}
    assert await through_temporal(newer, type(model)) == [model]


def test_every_contract_has_an_example() -> None:
    shown = {type(model) for model in EXAMPLES} | {c.Resume, c.StepRow, c.Reach, c.WrittenAnswer, c.Undelivered}
    assert {kind for kind in KINDS if kind not in (c.Contract, c.Signal)} <= shown


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_contracts_are_frozen_and_carry_nobodys_data(kind: type[c.Contract]) -> None:
    assert kind.model_config["frozen"]
    assert kind.model_config["extra"] == "ignore"
    personal = {"name", "email", "phone", "company", "message", "address", "body", "subject", "text", "note", "number_"}
    assert not personal & set(kind.model_fields)


def test_a_callback_needs_its_moment() -> None:
    with pytest.raises(ValidationError, match="expected at, the moment the lead asked for"):
        c.OutcomeSignal.model_validate({"outcome": "callback_requested", "until": NOW})
    assert c.OutcomeSignal.model_validate({"outcome": "callback_requested", "at": NOW}).at == NOW


def test_an_outcome_says_something() -> None:
    with pytest.raises(ValidationError, match="expected call_result or outcome"):
        c.OutcomeSignal()


@pytest.mark.parametrize("field", ["at", "until"])
def test_an_instant_without_a_zone_is_refused(field: str) -> None:
    with pytest.raises(ValidationError, match="timezone"):
        c.OutcomeSignal.model_validate({"outcome": "not_now", field: "2026-11-24T15:00:00"})
    local = NOW.astimezone(timezone(timedelta(hours=-5)))
    assert getattr(c.OutcomeSignal.model_validate({"outcome": "not_now", field: local.isoformat()}), field) == NOW


@pytest.mark.parametrize("reason", ["", "x" * 81])
def test_a_reason_is_a_short_code(reason: str) -> None:
    with pytest.raises(ValidationError):
        c.StopRequest(reason=reason)


async def test_what_cannot_be_read_reaches_a_handler_without_hints_as_such() -> None:
    payload = (await DATA_CONVERTER.encode([{"a": 1}]))[0]
    payload.data = b"{not json"
    [value] = await DATA_CONVERTER.decode([payload])
    assert isinstance(value, Undecodable)
    with pytest.raises(ValidationError):
        await DATA_CONVERTER.decode([payload], [c.LeadClosed])
