"""Which program follows the end of a lead, and from when on it counts (docs/nurture.md). Pure."""

from dataclasses import dataclass
from datetime import datetime

from speedlead.domain.plan import PROGRAM_AFTER, Ending, Program


@dataclass(frozen=True, slots=True)
class Began:
    """`opens`: what its plan counts from: the end of the lead, or the date that the lead named."""

    program: Program
    opens: datetime

    @classmethod
    def of(cls, ending: Ending, program: str | None, until: datetime | None, at: datetime) -> "Began | None":
        """`program`: what the plan that is named for this end is for; None where it is for something else."""
        wanted = PROGRAM_AFTER[ending]
        if program != wanted:
            return None
        asked_for = until if ending == "not_now" and until is not None else at
        return cls(wanted, max(at, asked_for))


def ended_as(reason: str, stage: str) -> Ending | None:
    """How a lead ended, as far as a plan can name something to follow; None: nothing ever follows."""
    if stage == "converted":
        return "converted"
    if reason == "not_now":
        return "not_now"
    return "exhausted" if stage == "exhausted" else None
