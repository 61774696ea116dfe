"""The judge of a nurture plan: mail alone, where the law or a tick lets it, in business hours, rarely, with an end."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import yaml

from bench.simulation.checker import DAY, Checker, Wrong, duration
from bench.simulation.facts import Finding, Lead, Story

AFTER_AN_INQUIRY = timedelta(days=181)
"""How long Canada lets an inquiry stand for a consent to commercial mail (CASL s.10(10)); six months at the least."""
LONGEST = timedelta(days=760)


class SlowChecker(Checker):
    def __init__(self, plan: Path) -> None:
        super().__init__(plan)
        self._gap = duration(yaml.safe_load(plan.read_text("utf-8"))["message_gap"])

    def check(self, lead: Lead, story: Story, begins: datetime) -> list[Finding]:  # type: ignore[override]
        """`begins`: what the plan counts from; the lead wrote to us before."""
        counted = replace(lead, submitted=begins)
        found = [*self._allowed(lead, story), *self._manners(lead, story), *self._apart(story)]
        found += [*self._spacings(counted, story), *self._ends(counted, story)]
        return [Finding(f"nurture_{kind}", lead.number, step, text) for kind, step, text in found]

    def _allowed(self, lead: Lead, story: Story) -> Iterator[Wrong]:
        """Who has ticked it; else where every place that the lead named lets us without."""
        countries = {named.home.country for named in lead.named}
        for touch in story.touches:
            if touch.channel != "email":
                yield "not_a_mail", touch.step, f"a {touch.channel}"
            fresh = touch.at < lead.submitted + AFTER_AN_INQUIRY
            free = {"US", *(("CA",) if fresh else ())}
            if not lead.said.consent_marketing and not (countries and countries <= free):
                yield "no_consent", touch.step, f"advertising in {', '.join(sorted(countries)) or 'no known place'}"

    def _apart(self, story: Story) -> Iterator[Wrong]:
        mails = sorted(story.touches, key=lambda touch: touch.at)
        for before, after in pairwise(mails):
            if after.at - before.at < self._gap:
                yield "too_often", after.step, f"{(after.at - before.at) / DAY:.1f} days after {before.step}"

    def _ends(self, lead: Lead, story: Story) -> Iterator[Wrong]:
        steps = [touch.step for touch in story.touches] + [passed.step for passed in story.passed]
        for spacing in self._tracks[lead.lead_type]:
            if steps.count(spacing.step) != 1:
                yield "limbo", spacing.step, f"the step ended {steps.count(spacing.step)} times"
        if story.handed_over:
            yield "limbo", None, "somebody of ours was told, although nobody asked for anything"
        if story.end_at is None or story.end_at - lead.submitted > LONGEST:
            yield "limbo", None, f"it ends at {story.end_at}"
