"""A definition as text: read from YAML with a line for every fault, and written for people to go on from."""

from collections.abc import Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from speedlead.checked_yaml import parse
from speedlead.domain.experiment import DAY, Arm, Experiment, Segment
from speedlead.jurisdictions import check_jurisdiction

MAX_TEXT = 20_000
BEGINNING = """\
id: short-first-mail
title: A shorter first mail to hot leads
segment: {lead_type: hot}        # also source, channel, region, intent, segment, season; leave out what does not matter
arms:                            # two or three; the first is the control: what everybody gets now
  - {key: control, share: 50}
  - {key: short, share: 50, changes: {hot.email-1.template: useful}}
question:
  metric: converted              # or qualified
  within: 30d                    # after the inquiry
  usual: 6%                      # of the persons, now
  effect: 2%                     # points, the least difference that would be acted upon
  guardrails: {opt_out: 1%, breach: 2%, complaint: 0.5%}   # points that each may get worse by
"""


def read(text: str, name: str) -> Experiment:
    """Raises FileFault with one line per fault."""
    return parse(Experiment, text, name, whole="experiment", context=check_jurisdiction)


def text_of(one: Experiment) -> str:
    """Reads back as the same experiment."""
    data: dict[str, Any] = one.model_dump(mode="json", exclude_defaults=True)
    if one.question is not None:
        asked = data["question"]
        asked["within"] = f"{one.question.within // DAY}d" if one.question.within % DAY == 0 else one.question.within
        for name in ("usual", "effect", "false_alarms", "power"):
            if name in asked:
                asked[name] = percent(asked[name])
        asked["guardrails"] = {name: percent(limit) for name, limit in asked["guardrails"].items()}
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=118, default_flow_style=None)


def segment_of(**words: Sequence[str]) -> Segment:
    """Of fields with words, the empty ones left out. Raises ValueError naming the field."""
    given = {name: tuple(said) for name, said in words.items() if said}
    try:
        return Segment.model_validate(given, context=check_jurisdiction)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise ValueError(f"{fault['loc'][0]}: {fault['msg'].removeprefix('Value error, ')}") from None


def segment_words(segment: Segment) -> str:
    """Who takes part: `hot leads; channel form or chat; region US`."""
    said = segment.model_dump(exclude_none=True)
    lead_type = said.pop("lead_type", "all")
    return "; ".join([f"{lead_type} leads", *(f"{name} {' or '.join(words)}" for name, words in said.items())])


def arm_words(arm: Arm, *, control: bool = False) -> str:
    """What an arm gets, as its definition says it."""
    if arm.weights is not None:
        return "routing weights " + ", ".join(f"{name} {weight:g}" for name, weight in arm.weights.by_part().items())
    parts = [f"plan {arm.plan}"] if arm.plan else ["the plan in use"] if control or arm.changes else []
    parts += [f"{place} = {value}" for place, value in arm.changes.items()]
    return ", ".join(parts) or "what everybody gets"


def days(seconds: int) -> str:
    """`30 days`, `1.5 days`."""
    many = f"{seconds / DAY:g}"
    return f"{many} day" if many == "1" else f"{many} days"


def percent(share: float) -> str:
    """`2.5%`, without zeros that say nothing."""
    return f"{share * 100:.6g}%"
