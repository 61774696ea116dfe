"""Plan files: what is wrong in one is named by file, line and field; the default plan has every required number."""

import re
from typing import Any

import pytest

from speedlead.cited import in_words
from speedlead.composer import Composer, House
from speedlead.domain.plan import Plan, Step, parse_duration, parse_times
from speedlead.planbook import PlanError, load_plan, packaged_plan, parse_plan

GOOD = """\
id: small
version: 3
intents: {hot: [demo_request], warm: [webinar], cold: [newsletter]}
hours:
  call: {mon: 09:00-18:00, tue: ["09:00-12:00", "13:00-18:00"]}
targets:
  - {id: hot, when: {lead_type: hot}, assign: 30s, attempts: [3m, 10m], source: REQ 39}
tracks:
  hot:
    steps:
      - {id: call-1, channel: call}
      - {id: email-1, channel: email, after: call-1, delay: 7m, template: missed_you}
  warm: {steps: [{id: email-1, channel: email, template: useful}]}
  cold: {steps: [{id: email-1, channel: email, template: useful}]}
"""

FAULTS = [
    # (what, text of the good plan, what stands there instead, line, field, what the message says)
    ("a wrong duration", "delay: 7m", "delay: 7 minutes", 12, "tracks.hot.steps.1.delay", "a duration such as 30s"),
    ("an unknown key", "delay: 7m", "delya: 7m", 12, "tracks.hot.steps.1.delya", "Extra inputs are not permitted"),
    ("an unknown channel", "channel: call}", "channel: fax}", 11, "tracks.hot.steps.0.channel", "'call', 'email'"),
    ("a missing template", ", template: missed_you", "", 12, "tracks.hot.steps.1", "template is missing"),
    ("an anchor that comes later", "{id: call-1, channel: call}", "{id: call-1, channel: call, after: email-1}",
     10, "tracks.hot", "expected 'lead' or an earlier step"),
    ("a step twice", "{id: email-1, channel: email, after: call-1", "{id: call-1, channel: email, after: call-1",
     10, "tracks.hot", "the id is used twice"),
    ("delay and days", "delay: 7m", "delay: 7m, local_days: 1", 12, "tracks.hot.steps.1", "either delay or local_days"),
    ("a wrong weekday", "{mon: 09:00", "{monday: 09:00", 5, "hours.call", "expected a weekday mon..sun, got 'monday'"),
    ("overlapping hours", "13:00-18:00", "11:00-18:00", 5, "hours.call", "tue: hours overlap"),
    ("hours that end before they begin", "mon: 09:00-18:00", "mon: 18:00-09:00", 5, "hours.call", "a start before its"),
    ("minutes that are none", "mon: 09:00-18:00", "mon: 09:60-18:00", 5, "hours.call", "minutes 00 to 59"),
    ("two lead types for one intent", "warm: [webinar]", "warm: [demo_request]", 1, "plan", "has two lead types"),
    ("a lead type that is none", "warm: [webinar]", "tepid: [webinar]", 3, "intents.tepid", "'hot', 'warm' or 'cold'"),
    ("a missing track", "  warm: {steps: [{id: email-1, channel: email, template: useful}]}\n", "", 1, "plan",
     "tracks: missing warm"),
    ("a track without steps", "{steps: [{id: email-1, channel: email, template: useful}]}\n  cold",
     "{steps: []}\n  cold", 13, "tracks.warm.steps", "at least 1 item"),
    ("attempts that go backwards", "[3m, 10m]", "[10m, 3m]", 7, "targets.0", "must not go backwards"),
    ("a target that says nothing", "assign: 30s, attempts: [3m, 10m], ", "", 7, "targets.0", "expected assign"),
    ("a target without its source", ", source: REQ 39", "", 7, "targets.0", "Field required"),
    ("a region that is none", "{lead_type: hot}", "{region: [XX]}", 7, "targets.0.when.region", "'XX' is not a"),
    ("a part of no country", "{lead_type: hot}", "{region: [US-ZZ]}", 7, "targets.0.when.region", "not a part of US"),
    ("a time that is none", "{lead_type: hot}", "{time: [noon]}", 7, "targets.0.when.time.0", "'weekday', 'weekend'"),
    ("a condition without words", "{lead_type: hot}", "{segment: []}", 7, "targets.0.when.segment", "word at least"),
    ("a replaced target that is none", "assign: 30s,", "assign: 30s, replaces: warm,", 1, "plan", "another target"),
    ("a target twice", "targets:\n", "targets:\n  - {id: hot, when: {}, assign: 1m, source: x}\n", 1, "plan",
     "an id that stands once"),
    ("hours of no day", "{mon: 09:00-18:00, tue: [\"09:00-12:00\", \"13:00-18:00\"]}", "{}", 5, "hours.call",
     "one weekday at least, got none"),
    ("a day of no hours", "mon: 09:00-18:00", "mon: []", 5, "hours.call", "mon: expected hours, got none"),
    ("a version of nothing", "version: 3", "version: 0", 2, "version", "greater than or equal to 1"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "field", "says"), [pytest.param(*f[1:], id=f[0]) for f in FAULTS])
def test_a_fault_is_named_by_file_line_and_field(old: str, new: str, line: int, field: str, says: str) -> None:
    assert GOOD.count(old) >= 1
    with pytest.raises(PlanError) as refused:
        parse_plan(GOOD.replace(old, new, 1), "small.yaml")
    text = str(refused.value)
    assert re.match(rf"small\.yaml:{line}: {re.escape(field)}", text), text
    assert says in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(GOOD + "id: again\n", "the key 'id' stands twice", id="a key twice"),
        pytest.param("id: [", "not readable as YAML", id="not YAML"),
        pytest.param("? [a, b]\n: c\n", "expected a word as key", id="a list as key"),
        pytest.param(GOOD.replace("id: small", "id: 2026-13-45"), "not readable as YAML", id="a date that is none"),
        pytest.param("- a\n- b\n", "expected a mapping", id="a list"),
        pytest.param("", "expected a mapping", id="an empty file"),
        pytest.param(GOOD + "---\n" + GOOD, "not readable as YAML", id="two documents"),
    ],
)
def test_a_file_that_is_no_plan_is_refused_with_its_name(text: str, says: str) -> None:
    with pytest.raises(PlanError, match=r"^small\.yaml") as refused:
        parse_plan(text, "small.yaml")
    assert says in str(refused.value)


def test_every_fault_of_a_file_is_named_at_once() -> None:
    with pytest.raises(PlanError) as refused:
        parse_plan(GOOD.replace("delay: 7m", "delay: x").replace("version: 3", "version: x"), "small.yaml")
    assert len(str(refused.value).splitlines()) == 2


def test_a_file_that_cannot_be_read_is_a_plan_error(tmp_path: Any) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        load_plan(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"id: caf\xe9")
    with pytest.raises(PlanError, match="cannot be read"):
        load_plan(tmp_path / "latin.yaml")


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("7m", 420), ("4h", 14400), ("1d", 86400), (0, 0)])
def test_durations(text: object, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["7", "m", "-1m", "1.5h", "7 m", "1h30m", None, True, -1, [], ""])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)


def test_times_of_day_reach_to_midnight() -> None:
    assert parse_times("00:00-24:00") == (0, 1440)
    with pytest.raises(ValueError, match="within one day"):
        parse_times("00:00-24:01")


def test_a_stored_plan_reads_back_the_same() -> None:
    plan = load_plan()
    assert Plan.model_validate(plan.model_dump(mode="json", by_alias=True)) == plan
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan


# ── the default plan ─────────────────────────────────────────────────────────────────────────────────────────────────

PLAN = load_plan()
TARGETS = {
    # id: (REQ, what it applies to, assign, attempts)
    "hot": ("REQ 39", {"lead_type": "hot"}, 30, (180, 600, 1800)),
    "warm": ("REQ 40", {"lead_type": "warm"}, 120, (900,)),
    "cold": ("REQ 41", {"lead_type": "cold"}, 900, (14400,)),
    "saas-demo": ("REQ 18", {"segment": ("b2b_saas",), "intent": ("demo_request",)}, None, (300,)),
    "saas-content": ("REQ 18", {"segment": ("b2b_saas",), "intent": ("content_download",)}, None, (900,)),
    "b2c-high-intent": (
        "REQ 19", {"segment": ("b2c_ecommerce",), "intent": ("cart_abandoned", "pricing")}, None, (120,)
    ),
    "b2c-general": ("REQ 19", {"segment": ("b2c_ecommerce",)}, None, (300,)),
    "enterprise-named": ("REQ 20", {"segment": ("enterprise_named",)}, None, (900,)),
    "enterprise-cold": ("REQ 20", {"segment": ("enterprise",)}, None, (1800,)),
    "paid-ads": ("REQ 21", {"source": ("paid_ads",)}, None, (180,)),
    "organic": ("REQ 21", {"source": ("organic",)}, None, (600,)),
    "referral": ("REQ 21", {"source": ("referral",)}, None, (1800,)),
    "trade-show": ("REQ 21", {"source": ("trade_show",)}, None, ()),
    "chat": ("REQ 22", {"channel": ("chat",)}, None, (900,)),
    "email": ("REQ 22", {"channel": ("email",)}, None, (3600,)),
    "phone": ("REQ 22", {"channel": ("phone",)}, None, (300,)),
    "messenger": ("REQ 22, house default", {"channel": ("messenger", "sms")}, None, (900,)),
}  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_of_the_default_plan_is_the_required_one(name: str) -> None:
    source, when, assign, attempts = TARGETS[name]
    target = {t.id: t for t in PLAN.targets}[name]
    assert (target.source, target.assign, target.attempts) == (source, assign, attempts)
    assert target.when.model_dump(exclude_none=True) == when
    assert target.same_business_day is (name == "trade-show")
    assert target.replaces == ("type" if name == "trade-show" else None)


def test_the_default_plan_has_no_other_targets_and_the_aims_of_req_27() -> None:
    assert {t.id for t in PLAN.targets} == set(TARGETS)
    assert {a.id: a.seconds for a in PLAN.aims} == {
        "webinar-weekday": 480, "webinar-off-hours": 1200, "service-weekday": 360, "service-weekend": 900,
        "saas-all": 360, "chatbot": 480,
    }  # fmt: skip
    assert {a.source for a in PLAN.aims} == {"REQ 27"}


def test_where_a_number_is_from_is_told_in_words() -> None:
    told = [in_words(cited.source) for cited in (*PLAN.targets, *PLAN.aims)]
    assert not [text for text in told if "REQ" in text]
    assert in_words("REQ 22, house default") == "a trade article: by channel, house default"
    assert in_words("ours since May") == "ours since May"


@pytest.mark.parametrize(
    ("intent", "lead_type"),
    [
        ("demo_request", "hot"), ("pricing", "hot"), ("talk_to_sales", "hot"), ("cart_abandoned", "hot"),
        ("content_download", "warm"), ("webinar", "warm"),
        ("newsletter", "cold"), ("research", "cold"), ("other", "cold"), ("never heard of", "cold"),
    ],
)  # fmt: skip
def test_the_lead_type_of_an_intent(intent: str, lead_type: str) -> None:
    assert PLAN.lead_type(intent) == lead_type


HOT_STEPS: dict[str, dict[str, object]] = {
    "call-1": {"channel": "call", "after": "lead", "delay": 0, "by": 180, "instead": "rep_task"},  # REQ 46, 39
    "call-2": {"channel": "call", "after": "call-1", "delay": 420, "by": 600},  # REQ 47
    "call-3": {"channel": "call", "after": "call-2", "delay": 1200, "by": 1800},  # REQ 48
    "email-1": {"channel": "email", "after": "call-3"},  # REQ 49
    "sms-1": {"channel": "sms", "after": "email-1", "delay": 600},  # REQ 51
    "call-4": {"channel": "call", "after": "call-1", "delay": 14400, "min_gap": 3600},  # REQ 50, X2
}


@pytest.mark.parametrize("name", HOT_STEPS)
def test_the_first_day_of_a_hot_lead(name: str) -> None:
    step = {s.id: s for s in PLAN.tracks["hot"].steps}[name]
    assert {key: getattr(step, key) for key in HOT_STEPS[name]} == HOT_STEPS[name]


@pytest.mark.parametrize("lead_type", ["hot", "warm"])
def test_the_first_week_has_a_touch_a_day_in_turn_and_at_different_times_of_day(lead_type: str) -> None:
    week = [s for s in PLAN.tracks[lead_type].steps if s.id.startswith("day-")]  # type: ignore[index]
    assert [s.id for s in week] == [f"day-{n}-{'call' if n % 2 == 0 else 'email'}" for n in range(2, 8)]  # REQ 52
    assert all(s.local_days == 1 for s in week)
    for channel in ("call", "email"):  # REQ 53
        slots = [s.slot for s in week if s.channel == channel]
        assert None not in slots
        assert len(set(slots)) == len(slots)


def test_warm_leads_get_their_own_steps_over_a_day_and_cold_ones_a_longer_rhythm() -> None:
    warm = {s.id: s for s in PLAN.tracks["warm"].steps}
    assert (warm["call-1"].by, warm["call-2"].delay) == (900, 14400)  # REQ 40
    cold = PLAN.tracks["cold"].steps
    assert (cold[0].channel, cold[0].by, cold[0].instead) == ("email", 14400, "rep_task")  # REQ 41
    assert sum(s.local_days for s in cold) > sum(s.local_days for s in PLAN.tracks["hot"].steps)


def test_first_attempts_of_the_default_plan_fit_their_targets() -> None:
    for lead_type, track in PLAN.tracks.items():
        target = next(t for t in PLAN.targets if t.when.lead_type == lead_type)
        calls: list[Step] = [s for s in track.steps if s.by is not None]
        assert tuple(s.by for s in calls) == target.attempts


def test_calls_texts_and_mails_of_the_default_plan_go_in_business_hours_only() -> None:
    assert PLAN.hours["call"] == PLAN.hours["sms"] == dict.fromkeys(range(5), ((540, 1080),))  # REQ 61-63
    assert set(PLAN.hours["email"]) == set(range(5))


def test_every_template_of_the_packaged_plan_is_there() -> None:
    composer = Composer(House("Acme"))
    templates = set(PLAN.templates())
    assert templates
    for channel, template in templates:
        composer.check(channel, template)
    assert packaged_plan().is_file()
