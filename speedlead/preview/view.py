"""One preview, ready to be shown: the foreseen week with its words and its picture."""

from dataclasses import dataclass
from typing import Any

from speedlead.domain.schedule import Asker
from speedlead.foresight import Foresight, Prospect, Week
from speedlead.preview import picture, words
from speedlead.preview.hours import Bands, bands


@dataclass(frozen=True)
class Preview:
    title: str
    prospect: Prospect
    week: Week
    lines: list[words.Line]
    facts: list[tuple[str, str]]
    bands: Bands
    # the plan that begins when this one is over, and nobody was reached
    then: str | None = None

    def svg(self, *, style: bool = True) -> str:
        return picture.draw(self.week, self.prospect, self.lines, self.bands, self.title, then=self.then, style=style)

    def json(self) -> dict[str, Any]:
        return words.as_json(self.week, self.prospect, self.lines, self.then)


def make(foresight: Foresight, prospect: Prospect) -> Preview:
    week, plan = foresight.week(prospect), foresight.plan
    start, end = picture.span(week, prospect)
    asker = Asker(week.place, prospect.consents, plan.hours, marketing=plan.program == "nurture")
    return Preview(
        f"{'Somebody' if plan.program else f'A {prospect.lead_type} lead'} that never answers: "
        f"plan {plan.id} version {plan.version}",
        prospect,
        week,
        words.lines(week, plan.tracks[prospect.lead_type]),
        words.facts(week, prospect, plan),
        bands(foresight.placer, asker, start, end, by_phone=prospect.has_phone),
        plan.then.get("exhausted") if week.end_reason == "plan_completed" else None,
    )
