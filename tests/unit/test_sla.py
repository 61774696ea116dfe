"""Which targets apply to a lead, and which of them is the deadline (X4, X5)."""

from dataclasses import replace

import pytest

from speedlead.domain.sla import LeadFacts, applying, assign_deadline, attempt_deadlines
from speedlead.planbook import load_plan
from tests.unit.leads import HOUR, MINUTE, NOW, SECOND

PLAN = load_plan()
HOT = LeadFacts("hot", "demo_request", "organic")


@pytest.mark.parametrize(
    ("facts", "target", "minutes"),
    [
        (HOT, "hot", 3),
        (replace(HOT, source="paid_ads"), "hot", 3),
        (LeadFacts("warm", "webinar", "paid_ads"), "paid-ads", 3),
        (LeadFacts("warm", "webinar", "organic"), "organic", 10),
        (LeadFacts("warm", "webinar", "referral"), "warm", 15),
        (LeadFacts("cold", "newsletter", "direct"), "cold", 240),
        (LeadFacts("cold", "newsletter", "referral"), "referral", 30),
        (replace(HOT, intent="pricing", segment="b2c_ecommerce"), "b2c-high-intent", 2),
        (replace(HOT, segment="b2c_ecommerce"), "hot", 3),
        (LeadFacts("cold", "other", "direct", "b2c_ecommerce"), "b2c-general", 5),
        (LeadFacts("cold", "other", "direct", "enterprise"), "enterprise-cold", 30),
        (LeadFacts("cold", "other", "direct", "enterprise_named"), "enterprise-named", 15),
        (LeadFacts("cold", "other", "direct", channel="phone"), "phone", 5),
        (LeadFacts("cold", "other", "direct", channel="chat"), "chat", 15),
        (LeadFacts("cold", "other", "direct", channel="email"), "email", 60),
    ],
)
def test_the_earliest_target_that_applies_is_the_deadline(facts: LeadFacts, target: str, minutes: int) -> None:
    first = attempt_deadlines(PLAN, facts, NOW)[0]
    assert (first.target, first.at) == (target, NOW + minutes * MINUTE)


def test_every_target_that_applies_is_reported() -> None:
    facts = replace(HOT, segment="b2b_saas", source="paid_ads", channel="phone")
    assert [d.target for d in attempt_deadlines(PLAN, facts, NOW)] == ["hot", "paid-ads", "phone", "saas-demo"]


def test_hot_leads_have_deadlines_for_three_attempts() -> None:
    at = [attempt_deadlines(PLAN, HOT, NOW, attempt=n) for n in (1, 2, 3, 4)]
    assert [d[0].at if d else None for d in at] == [NOW + 3 * MINUTE, NOW + 10 * MINUTE, NOW + 30 * MINUTE, None]


def test_a_trade_show_replaces_the_lead_types_target_and_nothing_else() -> None:
    facts = replace(HOT, source="trade_show", segment="enterprise")
    assert {t.id for t in applying(PLAN, facts)} == {"trade-show", "enterprise-cold"}
    plain = replace(HOT, source="trade_show")
    evening = NOW + 7 * HOUR
    assert [(d.target, d.at) for d in attempt_deadlines(PLAN, plain, NOW, end_of_day=lambda: evening)] == [
        ("trade-show", evening)
    ]
    assert attempt_deadlines(PLAN, plain, NOW) == ()


@pytest.mark.parametrize(("lead_type", "seconds"), [("hot", 30), ("warm", 120), ("cold", 900)])
def test_assignment_has_a_deadline_of_its_own(lead_type: str, seconds: int) -> None:
    deadline = assign_deadline(PLAN, LeadFacts(lead_type, "x", "direct"), NOW)
    assert deadline is not None
    assert deadline.at == NOW + seconds * SECOND
