"""A small year of leads is lawful, spaced and ends; and the judge finds every way in which we break the product."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from bench.simulation import product as product_side
from bench.simulation.checker import Checker
from bench.simulation.facts import Lead
from bench.simulation.leads import END, KINDS, START, changes, make
from bench.simulation.places import addresses, countries, zone_rows
from bench.simulation.product import Product, assemble
from bench.simulation.row import result
from bench.simulation.run import SEED, Seen, checker, simulate, slow_checker
from speedlead.domain import calendar, placing
from speedlead.domain.law import LawBook
from speedlead.domain.plan import Plan
from speedlead.foresight import Foresight
from speedlead.lawbook import load
from speedlead.planbook import load_plan

YEAR = range(0, 20_000, 67)  # 299 leads out of the whole
BROKEN = 6_000  # how many leads are looked through for those that a fault concerns


@pytest.fixture(scope="module")
def product() -> Product:
    return assemble()


@pytest.fixture(scope="module")
def judge() -> Checker:
    return checker()


@pytest.fixture(scope="module")
def leads() -> list[Lead]:
    return [make(number, SEED) for number in range(BROKEN)]


# ── the people ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_there_is_a_lead_in_every_zone_country_and_state_with_every_kind_of_evidence(leads: list[Lead]) -> None:
    assert {zone for _, zone in zone_rows()} == {lead.home.zone for lead in leads if lead.named}
    alone = {lead.said.country for lead in leads if lead.kind == "country"}
    assert set(countries()) <= {lead.home.country for lead in leads} | alone
    states = {lead.home.region for lead in leads if lead.home.country == "US" and lead.home.region}
    assert len(states) == 52
    assert {(lead.kind, lead.lead_type) for lead in leads} == {(k, t) for k in KINDS for t in ("hot", "warm", "cold")}
    assert len(addresses()) * len(KINDS) <= BROKEN


def test_a_lead_is_the_same_whenever_it_is_made(leads: list[Lead]) -> None:
    assert [make(number, SEED) for number in (0, 7, 4_711)] == [leads[number] for number in (0, 7, 4_711)]
    assert make(7, SEED + 1) != leads[7]


def test_leads_write_all_year_and_above_all_where_time_is_difficult(leads: list[Lead]) -> None:
    assert all(START - timedelta(days=5) <= lead.submitted <= END + timedelta(days=2) for lead in leads)
    assert len({lead.submitted.date() for lead in leads}) > 360
    near = sum(any(abs(at - lead.submitted) < timedelta(days=7) for at, _ in changes(lead.home.zone)) for lead in leads)
    assert near > BROKEN * 0.1


# ── the proof, small ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_small_year_has_no_unlawful_touch_none_too_near_and_no_lead_in_limbo(
    product: Product, judge: Checker
) -> None:
    seen = simulate(YEAR, product, judge, slow_checker())
    assert [finding for finding in seen.examples if not finding.told_apart] == []
    assert seen.leads == len(YEAR)
    assert min(seen.touches["call"], seen.touches["sms"], seen.touches["email"]) > 50
    assert min(seen.slow, seen.slow_mails // 4) > 50


def test_the_row_of_the_bench_says_what_was_found() -> None:
    seen = Seen(leads=2)
    seen.findings.update({"over_cap": 3, "beyond_evidence_over_cap": 5})
    assert [(n, met) for what, n, met in lines_of(seen) if what.startswith("findings")] == [(3, False), (3, False)]
    assert [n for what, n, _ in lines_of(seen) if what.startswith("told apart")] == [5]
    assert [(n, met) for what, n, met in lines_of(Seen()) if what.startswith("findings")] == [(0, True)]


def lines_of(seen: Seen) -> list[tuple[str, float, bool | None]]:
    return [(line.what, line.value, line.met) for line in result(seen, 1.0).lines]


# ── the judge has seen the opposite ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Fault:
    """A way to break the product; `concerns` picks leads on which it shows."""

    finds: set[str]
    concerns: Callable[[Lead], bool]
    law: Callable[[LawBook], LawBook] = lambda law: law
    plan: Callable[[Plan], Plan] = lambda plan: plan
    patch: Callable[[pytest.MonkeyPatch], None] = lambda monkeypatch: None


def in_state(*states: str) -> Callable[[Lead], bool]:
    return lambda lead: lead.home.country == "US" and lead.home.region in states


def callable_lead(lead: Lead) -> bool:
    return lead.said.consent_call and lead.said.consent_text


def without(*ids: str) -> Callable[[LawBook], LawBook]:
    return lambda law: replace(law, rows=tuple(row for row in law.rows if row.id not in ids))


def late_by_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    real = calendar._offset
    monkeypatch.setattr(calendar, "_offset", lambda info, at: real(info, at) - 3600 * (info.key == "America/Chicago"))


def without_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "_missing_consents", lambda *_: ())


def blind_for_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    class Never:
        def closed(self, _: Any) -> frozenset[Any]:
            return frozenset()

    monkeypatch.setattr(product_side, "HolidayClosures", Never)


def steps_of(plan: Plan, lead_type: str, change: Callable[[Any], Any]) -> Plan:
    track = plan.tracks[lead_type]  # type: ignore[index]
    return plan.model_copy(
        update={"tracks": plan.tracks | {lead_type: track.model_copy(update={"steps": change(track.steps)})}}
    )


def hurried(plan: Plan) -> Plan:
    return steps_of(
        plan, "hot", lambda steps: tuple(step.model_copy(update={"delay": step.delay // 2}) for step in steps)
    )


def forgetful(plan: Plan) -> Plan:
    return steps_of(plan, "cold", lambda steps: steps[:-1])


def round_the_clock(plan: Plan) -> Plan:
    return plan.model_copy(update={"hours": {channel: dict.fromkeys(range(7), ((0, 1440),)) for channel in plan.hours}})


FAULTS = {
    "a state's law is missing": Fault({"over_cap"}, in_state("FL", "OK"), law=without("us-fl", "us-ok")),
    "a country's law is missing": Fault(
        {"unlawful_hour", "over_cap"}, lambda lead: lead.home.country == "FR", law=without("fr", "fr-sms")
    ),
    "no cap counts": Fault(
        {"over_cap"},
        lambda lead: lead.home.country == "FR" or in_state("FL", "OK", "MD")(lead),
        law=lambda law: replace(law, rows=tuple(replace(row, caps=()) for row in law.rows)),
    ),
    "law has no holidays": Fault(
        {"legal_holiday"},
        in_state("PA", "AL", "LA", "MS", "RI"),
        law=lambda law: replace(law, dates=dict.fromkeys(law.dates, frozenset())),
        patch=blind_for_dates,
    ),
    "businesses have no holidays": Fault({"holiday"}, callable_lead, patch=blind_for_dates),
    "a zone is an hour off": Fault(
        {"outside_business_hours"}, lambda lead: lead.home.zone == "America/Chicago", patch=late_by_an_hour
    ),
    "consents are not asked for": Fault({"no_consent"}, lambda lead: True, patch=without_consent),
    "steps come twice as fast": Fault({"too_near"}, callable_lead, plan=hurried),
    "a step is forgotten": Fault({"limbo"}, callable_lead, plan=forgetful),
    "nobody keeps office hours": Fault(
        {"outside_business_hours", "weekend"}, callable_lead, plan=round_the_clock
    ),
}  # fmt: skip


@pytest.fixture
def fresh_zones() -> Iterator[None]:
    calendar.forget_zones()
    yield
    calendar.forget_zones()


@pytest.mark.parametrize("name", FAULTS)
def test_the_judge_finds(
    name: str, leads: list[Lead], judge: Checker, monkeypatch: pytest.MonkeyPatch, fresh_zones: None
) -> None:
    fault = FAULTS[name]
    fault.patch(monkeypatch)
    broken = assemble(fault.law(load()), fault.plan(load_plan()))
    concerned = [lead for lead in leads if fault.concerns(lead) and lead.said.phone]
    found: set[str] = set()
    for lead in concerned[:: max(1, len(concerned) // 100)]:
        found |= {finding.kind for finding in judge.check(lead, broken.story(lead))}
    assert fault.finds <= found


def rushed(plan: Plan) -> Plan:
    """The quarters of a slow plan become months of ten days, and nothing keeps its mails apart."""
    tracks = {name: replace_delays(track) for name, track in plan.tracks.items()}
    return plan.model_copy(update={"tracks": tracks, "message_gap": 0})


def replace_delays(track: Any) -> Any:
    steps = tuple(step.model_copy(update={"delay": step.delay // 9}) for step in track.steps)
    return track.model_copy(update={"steps": steps})


@pytest.mark.parametrize(
    ("found", "law", "plan"),
    [
        ("nurture_no_consent", lambda law: needing(law, "none"), lambda plan: plan),
        ("nurture_too_often", lambda law: law, rushed),
        ("nurture_too_near", lambda law: law, rushed),
    ],
)
def test_the_slow_judge_finds(
    found: str, law: Callable[[LawBook], LawBook], plan: Callable[[Plan], Plan], leads: list[Lead]
) -> None:
    whole = assemble(law(load()))
    broken = replace(whole, nurture=Foresight(
        plan=plan(whole.nurture.plan), placer=whole.nurture.placer, places=whole.nurture.places, team=(),
    ))  # fmt: skip
    judge = slow_checker()
    kinds = {
        f.kind
        for lead in leads[:40]
        for f in judge.check(lead, broken.slow_story(lead, lead.submitted), lead.submitted)
    }
    assert found in kinds


def needing(law: LawBook, consent: Any) -> LawBook:
    rows = tuple(replace(row, consent_needed=consent) if row.id == "house-email-marketing" else row for row in law.rows)
    return replace(law, rows=rows)
