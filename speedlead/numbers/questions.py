"""The questions that reports ask of facts: what is counted, and which times are taken, by which groups.

What a fact is stands in the view `fact_of_lead`, here `m`. Names in braces are values: `{at}` is the instant at which
the figures are taken, `{zone}` the zone of the report.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from speedlead.numbers.metrics import GROUPS, METRICS

# a lead's own time at the instant of the figures: the wall's, but for leads of the demo
AT = "moment_of({at}::timestamptz, m.clock_offset)"


@dataclass(frozen=True)
class Question:
    """`sums`: an aggregate each, that adds up; `times`: seconds of a fact, or null. `where`: which facts, whenever.

    `each`: joins what a fact has several of, so that each counts.
    """

    sums: dict[str, str]
    times: dict[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    where: str = "true"
    each: str = ""

    @property
    def judges(self) -> bool:
        """The same facts may add up to something else as time goes on."""
        return any("{at}" in text for text in self.sums.values())

    @property
    def key(self) -> tuple[str, ...]:
        return (*self.keys, "", *self.sums.values(), "", *self.times.values(), self.where, self.each)


def when(condition: str) -> str:
    return f"count(*) filter (where {condition})"


OUTCOMES = {
    "leads": "count(*)", "acknowledged": "count(m.acknowledgement_s)", "assigned": "count(m.assignment_s)",
    "attempted": "count(m.first_attempt_s)", "contacted": "count(m.first_contact_s)", "booked": when("m.booked"),
    "qualified": when("m.qualified"), "converted": "count(m.conversion_s)", "repeated": "count(m.repeat_cycle_s)",
}  # fmt: skip

# of each rep the team, by place in two lists, and the one of leads that nobody had
TEAM = "({teams}::text[])[array_position({team_reps}::uuid[], m.rep_id)]"

# an hour (by UTC's), a day or a week of the report's zone; of the hour that a clock change repeats there are two
MOMENTS = {name: f"moment_{name}(m.created_at, {{zone}}::text)" for name in ("hour", "day", "week")}


def compared(metrics: Sequence[str], groups: Sequence[str]) -> Question:
    """How far leads came, with some of TIMES; of those with a target, how many are judged, and in time."""
    sums, times = dict(OUTCOMES), {}
    for name in metrics:
        found = METRICS[name]
        times[name] = f"m.{found.column}"
        if found.in_time is not None:
            # known: it has happened, or its time is up
            sums[f"judged {name}"] = when(f"m.{found.in_time} is not null or m.{found.due} <= {AT}")
            sums[f"in time {name}"] = when(f"m.{found.in_time}")
    return Question(sums, times, tuple(_key(name) for name in groups))


def _key(name: str) -> str:
    if name == "team":
        return TEAM
    return MOMENTS.get(name) or f"m.{GROUPS[name]}::text"


ATTEMPTS = Question({"leads": "count(*)"}, keys=("m.call_contacts::text",), where="m.call_contacts is not null")

_BUCKET = f"(m.first_attempt_s is not null or m.first_attempt_judged <= {AT})"
BUCKETS = Question(
    {"leads": when(_BUCKET), "contacted": when(f"m.first_contact_s is not null and {_BUCKET}"),
     "qualified": when(f"m.qualified and {_BUCKET}"), "converted": when(f"m.conversion_s is not null and {_BUCKET}")},
    keys=("m.response_bucket",),
)  # fmt: skip
BUCKET_NAMES = ("0-5", "5-15", "15-60", "60+", "none")

# phase, stage, and the columns of a fact without their `_s` and `_from`
PHASE_COLUMNS = (
    ("acknowledgement", "inbound", "acknowledgement"), ("closed_hours", "routing", "closed_hours"),
    ("assignment", "routing", "owner"), ("acceptance", "routing", "taking"),
    ("first_attempt", "qualification", "trying"), ("contact", "qualification", "contact"),
    ("decision", "qualification", "judging"), ("sale", "conversion", "sale"),
)  # fmt: skip


def _phase(column: str) -> dict[str, str]:
    lasts = f"m.is_open and m.{column}_from <= {AT}"
    return {
        f"lasting {column}": when(lasts),
        f"lasting_s {column}": f"coalesce(sum(metric_s(m.{column}_from, {AT})) filter (where {lasts}), 0)",
        f"closed {column}": f"count(m.{column}_from) filter (where not m.is_open)",
        f"begun {column}": f"count(m.{column}_from)",
    }


# all eight from one look at the facts
PHASES = Question(
    {name: text for _, _, column in PHASE_COLUMNS for name, text in _phase(column).items()},
    {column: f"m.{column}_s" for _, _, column in PHASE_COLUMNS},
)

SKIPS = Question({"leads": "count(*)"}, keys=("m.skips::text",), where="m.skips is not null")

QUALITY = Question({
    "leads": "count(*)", "known": "count(m.valid)", "valid": when("m.valid"), "email_given": when("m.email_given"),
    "email_works": when("m.email_works"), "phone_given": when("m.phone_given"), "phone_works": when("m.phone_works"),
    "joined": "coalesce(sum(m.joined), 0)", "known_people": when("m.known_person"),
    "possible_duplicates": when("m.possible_duplicate"),
})  # fmt: skip

REPS = Question(
    {"leads": "count(*)", "hot": when("m.lead_type = 'hot'"), "outside": when("m.cover = 'outside'"),
     "attempted": "count(m.first_attempt_s)",
     "judged": when(f"m.first_attempt_in_time is not null or m.first_attempt_judged <= {AT}"),
     "in_time": when("m.first_attempt_in_time"), "touches": "coalesce(sum(m.touches), 0)",
     "contacted": "count(m.first_contact_s)", "qualified": when("m.qualified"), "converted": "count(m.conversion_s)"},
    {"speed": "m.first_attempt_open_s", "reaction": "m.reaction_s"},
    keys=("m.rep_id::text",),
)  # fmt: skip

_OLD = f"m.created_at + interval '48 hours' <= {AT}"
_UNREACHED = f"{_OLD} and m.unreached_48h"
TOUCHES_48H = Question({
    "leads": when(_OLD), "touches": f"coalesce(sum(m.touches_48h) filter (where {_OLD}), 0)",
    "calls": f"coalesce(sum(m.calls_48h) filter (where {_OLD}), 0)", "unreached": when(_UNREACHED),
    "unreached_touches": f"coalesce(sum(m.touches_48h) filter (where {_UNREACHED}), 0)",
    "unreached_calls": f"coalesce(sum(m.calls_48h) filter (where {_UNREACHED}), 0)",
    "enough": when(f"{_UNREACHED} and m.touches_48h >= 6"), "given_up": when("m.given_up"),
    "given_up_touches": "coalesce(sum(m.touches) filter (where m.given_up), 0)",
    "given_up_calls": "coalesce(sum(m.calls) filter (where m.given_up), 0)",
})  # fmt: skip

PROMISES = Question(
    {"promised": when("m.promised"), "due": when(f"m.kept is not null or m.promise_due <= {AT}"),
     "kept": when("m.kept"), "waiting": when(f"m.kept is null and m.promise_due > {AT}")},
    {"late": "case when not m.kept then m.late_s end"},
)  # fmt: skip

BREACHES = Question(
    {"missed": "count(*)", "still_open": when("(b.breach ->> 2)::boolean")}, {"late": "(b.breach ->> 3)::float8"},
    keys=("b.breach ->> 0", "b.breach ->> 1"), where="m.breaches is not null",
    each="cross join lateral jsonb_array_elements(m.breaches) b (breach)",
)  # fmt: skip

FEEDBACK = Question({
    "answers": "count(m.said_more)", "of_speed": "count(m.said_fast)", "fast": when("m.said_fast"),
    "of_contact": "count(m.said_helpful)", "helpful": when("m.said_helpful"), "remarks": when("m.said_more"),
    "leads": "count(*)",
})  # fmt: skip

# by the day on which the lead came, so that the first and the last one of each text are known, whatever is taken off
TEXTS = Question(
    {"leads": "count(*)", "touches": "coalesce(sum((x.text ->> 2)::int), 0)",
     "contacted": "count(m.first_contact_s)", "qualified": when("m.qualified")},
    keys=("x.text ->> 0", "x.text ->> 1", MOMENTS["day"]),
    where="m.texts is not null", each="cross join lateral jsonb_array_elements(m.texts) x (text)",
)  # fmt: skip
