"""The frozen models that cross Temporal: one in, one out, add-only.

Ids and non-personal facts only: what a person wrote, and how to reach them, stays in Postgres and is read by id.
`extra="ignore"` lets an older worker read a newer message.
"""

from speedlead.contracts.activities import (
    AcceptResult,
    Acknowledged,
    AcknowledgeRequest,
    BreachRequest,
    CallOffRequest,
    CheckRequest,
    CloseRequest,
    CloseResult,
    DialRequest,
    EnrichRequest,
    EnrichResult,
    EscalateRequest,
    EscalateResult,
    LoadPlanRequest,
    NotifyRequest,
    PlaceRequest,
    PlaceResult,
    ReassignTo,
    RecordRequest,
    RouteRequest,
    RouteResult,
    SettleTaskRequest,
    SkipRow,
    SkipStepsRequest,
    TakePlanRequest,
    TakeRequest,
    TouchRequest,
    TouchResult,
    TouchState,
    TurnRequest,
    TurnResult,
    WaitRequest,
    Way,
)
from speedlead.contracts.base import Channel, Code, Contract, Id, LeadType, Soon, Steered
from speedlead.contracts.signals import (
    AnswerSignal,
    AssignedSignal,
    CallProgressSignal,
    DeliverySignal,
    InquirySignal,
    OptOutSignal,
    OutcomeSignal,
    ReplanSignal,
    ReplySignal,
    Signal,
)
from speedlead.contracts.start import LeadClosed, LeadStart, Reach, Resume, StepRow, Undelivered, WrittenAnswer
from speedlead.contracts.updates import (
    AcceptRequest,
    CallNowRequest,
    ChangePlanRequest,
    CorrectRequest,
    DeclineRequest,
    LeadStatus,
    PauseRequest,
    ReassignRequest,
    ResumeRequest,
    SkipRequest,
    StopRequest,
)

__all__ = [  # noqa: RUF022
    "AcceptResult", "Acknowledged", "AcknowledgeRequest", "BreachRequest", "CallOffRequest", "CheckRequest",
    "CloseRequest", "CloseResult", "DialRequest", "EnrichRequest", "EnrichResult", "EscalateRequest",
    "EscalateResult", "LoadPlanRequest", "NotifyRequest", "PlaceRequest", "PlaceResult", "ReassignTo",
    "RecordRequest", "RouteRequest", "RouteResult", "SettleTaskRequest", "SkipRow", "SkipStepsRequest",
    "TakePlanRequest", "TakeRequest", "TouchRequest", "TouchResult", "TouchState", "TurnRequest", "TurnResult",
    "WaitRequest", "Way", "Channel", "Code", "Contract", "Id", "LeadType", "Soon", "Steered", "AnswerSignal",
    "AssignedSignal", "CallProgressSignal",
    "DeliverySignal", "InquirySignal", "OptOutSignal", "OutcomeSignal", "ReplanSignal", "ReplySignal", "Signal",
    "LeadClosed", "LeadStart", "Reach", "Resume", "StepRow", "Undelivered", "WrittenAnswer", "AcceptRequest",
    "CallNowRequest", "ChangePlanRequest", "CorrectRequest", "DeclineRequest", "LeadStatus", "PauseRequest",
    "ReassignRequest", "ResumeRequest", "SkipRequest", "StopRequest",
]  # fmt: skip
