"""What is measured, and exactly how: one entry for each metric of docs/metrics.md, REQUIREMENTS 1.12 and 1.13.

A metric is a column of the view `metric_lead`, or a view of its own (migration …310_numbers.sql). Times are seconds.
"""

from dataclasses import dataclass
from typing import Literal

Clock = Literal["elapsed", "business", "none"]
Unit = Literal["seconds", "hours", "days", "share", "count", "money"]


@dataclass(frozen=True, slots=True)
class Metric:
    """`events`: from what to what, or what is counted. `unit`: what people read it in; values are seconds or counts.

    `column`: of `view`, for a time with mean, median, P90 and P95. `in_time`: a boolean of the view, with `due`: when
    it is known at the latest. `target`: in words. `goal`: the share that has to be in time. `left_out`: which rows.
    """

    name: str
    title: str
    question: str
    events: str
    clock: Clock
    unit: Unit
    source: str
    view: str = "metric_lead"
    column: str | None = None
    in_time: str | None = None
    due: str | None = None
    target: str | None = None
    goal: float | None = None
    left_out: str = ""


ALL_LEADS = "flow checks; leads that were spam, a test or a duplicate"
_NOT_YET = "leads where it has not happened"
_AGAIN = "leads that got hotter after an attempt, which opened their clock again"

_TIMES = (
    Metric("acknowledgement", "Time to acknowledgement", "How soon does a lead hear that we have the inquiry?",
           "created_at to acknowledged_at", "elapsed", "seconds", "REQ 28", column="acknowledgement_s",
           in_time="acknowledgement_in_time", due="acknowledgement_due", goal=1.0,
           target="30 seconds from when it lawfully may go",
           left_out="leads with no channel for one, until they get one all the same"),
    Metric("assignment", "Time to assignment", "How soon does a lead have an owner?",
           "open_at (created_at, if later) to assigned_at", "business", "seconds", "REQ 39-41, X4",
           column="assignment_s", in_time="assignment_in_time", due="assignment_due",
           target="the plan's `assign` for the lead", goal=0.95, left_out=_NOT_YET),
    Metric("acceptance", "Time to acceptance", "How soon does somebody take the lead?",
           "the later of open_at and assigned_at to accepted_at", "business", "seconds", "REQ 73, X3",
           column="acceptance_s", left_out=_NOT_YET),
    Metric("first_attempt", "Time to first attempt", "How long does a lead wait for a person of ours?",
           "created_at to tried_at, the first attempt of all", "elapsed", "seconds", "REQ 114, 120",
           column="first_attempt_s", in_time="hot_in_time", due="hot_due", target="5 minutes, hot leads alone",
           left_out=f"{_NOT_YET}; of the share: leads that got hotter after an attempt"),
    Metric("first_attempt_business", "Response within target", "Do we answer within the target, while we are there?",
           "open_at to first_attempt_at, the newest of a lead that got hotter", "business", "seconds",
           "REQ 120, 121, X5, X8",
           column="first_attempt_open_s", in_time="first_attempt_in_time", due="first_attempt_judged",
           target="the lead's earliest target, first_attempt_due", goal=0.95,
           left_out=f"{_NOT_YET} (late once it is due); leads closed before it was due"),
    Metric("first_contact", "Time to first contact", "How long until somebody has spoken to the lead?",
           "created_at to first_contact_at", "elapsed", "seconds", "X8, X9", column="first_contact_s",
           left_out=_NOT_YET),
    Metric("first_contact_business", "Time to first contact, within cover", "The same, while we are there?",
           "open_at to first_contact_at", "business", "seconds", "X8, X9", column="first_contact_open_s",
           left_out=f"{_NOT_YET}; {_AGAIN}"),
    Metric("qualification", "Time to qualification decision", "How long does the decision take once we have spoken?",
           "first_contact_at to the first outcome qualified, unqualified or converted", "elapsed", "hours", "REQ 124",
           column="qualification_s", left_out=f"{_NOT_YET}; decisions before or without a contact"),
    Metric("decision", "Time to decision", "How long until we or the lead have decided anything?",
           "created_at to decided_at", "elapsed", "hours", "X8", column="decision_s",
           left_out=f"{_NOT_YET}; leads of erased people that were open"),
    Metric("handling", "Handling time", "How long until a lead is passed to the next sales stage?",
           "created_at to the first outcome qualified, meeting_booked or converted", "elapsed", "hours",
           "REQ 113, X15", column="handling_s", left_out=_NOT_YET),
    Metric("conversion", "Time to conversion", "How long until a lead becomes a customer?",
           "created_at to the first outcome converted", "elapsed", "hours", "REQ 115, 147", column="conversion_s",
           left_out=_NOT_YET),
    Metric("cycle", "Cycle time", "How long from entry to a closed decision?",
           "created_at to closed_at, or to the sale of a lead whose plan had run out", "elapsed", "days",
           "REQ 116, 118, X15", column="cycle_s",
           left_out="open leads; leads whose plan ran out without a sale; leads of erased people that were open"),
    Metric("repeat_cycle", "Time to repeat conversion", "How long until a customer buys again?",
           "the person's conversion before this one to this lead's", "elapsed", "days", "REQ 116, 162",
           column="repeat_cycle_s", left_out="leads that are not the person's second conversion or a later one"),
    Metric("reaction", "Own reaction", "How soon does a rep act on a lead that is theirs?",
           "the later of open_at and the moment this rep got the lead, to first_attempt_at", "business", "seconds",
           "REQ 125", column="reaction_s", left_out=f"{_NOT_YET}; leads that nobody had"),
)  # fmt: skip

_COUNTED = (
    Metric("attempts", "Contact success by attempt", "Is a third call worth it, or a sixth?",
           "calls that are attempts, in the order of a lead; contact: the lead answered, no machine was recognised",
           "none", "share", "REQ 122, X6", view="metric_touch", column="call_number",
           left_out="mails and texts; calls that failed or that nobody of ours was on; calls to us"),
    Metric("buckets", "Conversion by response", "What does it cost to answer late?",
           "leads by created_at to tried_at: up to 5, 15, 60 minutes, more, none", "elapsed", "share",
           "REQ 123", column="response_bucket",
           left_out="of `none`: leads whose first attempt is not due yet, and those closed before it was due"),
    Metric("phases", "Where time is lost", "In which phase do leads wait?",
           "the stretch of a lead in each phase, from the events", "elapsed", "hours", "REQ 112, 117, 119, X14",
           view="metric_phase", column="seconds",
           left_out="phases that a lead has not come to; of leads that got hotter after an attempt, those before it"),
    Metric("breaches", "Breaches with the slow phase", "Which targets do we miss, and where does the time go?",
           "rows of breach, by target and phase", "business", "count", "REQ 73, 74, 119", view="metric_breach",
           column="late_s"),
    Metric("skips", "Skips and deferrals", "What keeps touches from happening?",
           "touches that were left out or put off, each once for a step and a reason", "none", "count", "REQ 119",
           view="metric_skip", left_out="deferrals of erased people, whose story is gone"),
    Metric("quality", "Data quality", "Can we reach who asks us, and do we ask twice?",
           "leads with a working address or number; inquiries that joined an open lead", "none", "share",
           "REQ 105-108", view="metric_quality", left_out="erased people, whose addresses are gone"),
    Metric("reps", "Reps side by side", "Who needs help, and with what?", "leads by who had them at the first attempt",
           "business", "seconds", "REQ 125", column="rep_id"),
    Metric("touches_48h", "Touches in the first 48 hours", "Do we try often enough at the start?",
           "touches besides acknowledgements until created_at + 48 hours", "elapsed", "count", "REQ 7, X6",
           view="metric_persistence", column="touches_48h", target="6 to 8 for a lead that is not reached",
           left_out="leads younger than 48 hours"),
    Metric("calls_48h", "Calls in the first 48 hours", "How many of them are calls?",
           "call attempts until created_at + 48 hours", "elapsed", "count", "REQ 7, X6", view="metric_persistence",
           column="calls_48h", target="none of its own: the default plan has 4 or 5",
           left_out="leads younger than 48 hours"),
    Metric("given_up", "Attempts before giving up", "How early do we stop?",
           "touches of a lead that was closed without a contact or a word from it", "none", "count", "REQ 7",
           view="metric_persistence", column="touches", target="more than the 1.3 of the average rep",
           left_out="open leads; leads that were spoken to, wrote back, opted out or have an outcome"),
    Metric("promises", "Promises kept", "Do we do what the acknowledgement says?",
           "the first touch after the inquiry against promised_at", "elapsed", "share", "REQ 30",
           view="metric_promise", column="kept", target="the moment that was told", goal=0.95,
           left_out="leads without a promise; promises not due yet; leads closed before theirs was due"),
    Metric("due", "Due in the next hours", "What is coming up?",
           "open leads: the next touch, the first attempt while there is none, unanswered replies", "business",
           "count", "REQ 126", view="metric_due"),
    Metric("snapshots", "Snapshots", "Where does a lead stand at entry, after the first talk and at each touch?",
           "the state at created_at, 10 minutes after first_contact_at, and at each touch", "elapsed", "count",
           "REQ 117", view="metric_snapshot", left_out="moments that have not come yet"),
    Metric("feedback", "What leads say of us", "Were we fast enough, and of help?",
           "of each lead the newest answer to each of the two questions, yes or no: a later answer about speed takes "
           "back nothing of what was said of the contact", "none", "share", "REQ 130",
           view="metric_feedback", column="fast", left_out="leads that gave no answer"),
    Metric("contact_quality", "Quality of contacts", "Are we good as well as fast?",
           "contacts drawn at random of each rep and week; marks reached of those that could be, the mean of whoever "
           "reviewed it", "none", "share", "REQ 17, 164", view="metric_contact_quality", column="value",
           left_out="contacts that were not drawn, or that nobody has reviewed yet"),
    Metric("texts", "Templates and scripts in use", "What are leads told by?",
           "touches that went out, by the version of the template or script that each is recorded with", "none",
           "count", "REQ 164", view="metric_text", column="made_from", left_out="calls that a rep only logged"),
    Metric("outcomes", "What became of the leads", "How many are reached, qualified and won?",
           "leads with each event, whenever it happened", "none", "share", "REQ 127, 128, 162"),
)  # fmt: skip

_WORTH = (
    Metric("repeat_share", "Repeat conversion", "Do people buy again?",
           "sales to people who had bought before, of all sales; what was sold in a program after the lead counts for "
           "the lead", "none", "share", "REQ 60, 162", view="metric_repeat_conversion", column="number"),
    Metric("deal_value", "Average deal value", "Does a sale bring less when we are faster?",
           "revenue less refunds of each lead with a sale in the books, for each currency apart", "none", "money",
           "REQ 160", view="metric_deal", column="revenue",
           target="not less than in the period before by more than chance explains",
           left_out="sales that are not in the books"),
    Metric("lifetime_value", "Lifetime value", "What is a customer worth over time?",
           "revenue less support cost of all leads of each person with a sale in the books, for each currency apart: "
           "until now, and in the first 90 and 365 days from the first revenue", "elapsed", "money", "REQ 129",
           view="metric_value", column="value",
           left_out="costs booked to no lead; of the first 90 and 365 days: customers who have been for less"),
    Metric("risk", "Contracts at risk", "Where do late answers cost us contracts?",
           "first attempts that are late, by channel and client type; missed contracts: late leads x (share of "
           "customers of those in time - of those late), where both are 20 leads or more", "business", "count",
           "REQ 161", column="first_attempt_in_time",
           left_out="leads whose first attempt is not due yet, or closed before"),
    Metric("scenarios", "What works for whom", "Which approach works for which segment, in which channel?",
           "leads by plan and variant of an experiment, by type or segment, and by channel; the range holds the share "
           "of customers with 95 %", "elapsed", "share", "REQ 160, 163", column="plan"),
    Metric("changes", "Changes, before and after", "What did a change of ours do?",
           "the agreed figures of as many whole weeks before as after it, four at most; spoken to, decided and "
           "customers within 7 days of the inquiry", "elapsed", "count", "REQ 129, 133", view="metric_change",
           column="at_wall",
           left_out="changes of less than a week ago; of what comes within 7 days: leads younger than that"),
    Metric("change_values", "What customers bring, before and after changes",
           "Did a change of ours make better customers?",
           "revenue less support cost in the first 90 days of customers, of as many whole weeks before as after a "
           "change, four at most, whose first revenue was in the books within 30 days of the inquiry; each currency "
           "apart",
           "elapsed", "money", "REQ 129", view="metric_value", column="value_90d",
           left_out="changes of less than 127 days ago; who had bought before"),
)  # fmt: skip

METRICS: dict[str, Metric] = {metric.name: metric for metric in (*_TIMES, *_COUNTED, *_WORTH)}
TIMES: tuple[str, ...] = tuple(metric.name for metric in _TIMES)

# by what a table of times or outcomes can be told apart, and the column of `metric_lead`; `team` is worked out
GROUPS: dict[str, str] = {
    "type": "lead_type", "intent": "intent", "source": "source", "segment": "segment", "channel": "channel",
    "country": "country", "region": "region", "team": "team", "rep": "rep_id", "plan": "plan", "target": "target",
    "cover": "cover", "hour": "hour", "day": "day", "week": "week",
}  # fmt: skip
