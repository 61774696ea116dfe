"""Which contacts are reviewed, by what, and what a mean of few reviews says. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Annotated, Self

from pydantic import Field, model_validator

from speedlead.domain.experiment import Percent
from speedlead.domain.plan import PlanData

HIGHEST = 2
# of the normal distribution, for 95 %
_Z = 1.959964


class Criterion(PlanData):
    """`marks`: what 0, 1 and 2 mean."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    title: str = Field(min_length=1, max_length=80)
    marks: tuple[
        Annotated[str, Field(min_length=1, max_length=80)],
        Annotated[str, Field(min_length=1, max_length=80)],
        Annotated[str, Field(min_length=1, max_length=80)],
    ]


class QualityRules(PlanData):
    """What `speedlead/quality/default.yaml` has. `share`: of the contacts of each rep and week, rounded up.

    `most`: contacts a week, of all reps together.
    """

    share: Percent = Field(0.05, ge=0, le=1)
    most: int = Field(30, ge=1, le=1000)
    criteria: tuple[Criterion, ...] = Field(min_length=3, max_length=5)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        ids = [criterion.id for criterion in self.criteria]
        if len(set(ids)) < len(ids):
            raise ValueError("criteria: expected ids that stand once each")
        return self


@dataclass(frozen=True, slots=True)
class Contact:
    """Something of one of our people with a lead: a talk, or an answer in writing. `key` never changes."""

    key: str
    rep_id: str


def draw(contacts: Sequence[Contact], rules: QualityRules, lot: Callable[[str], bytes]) -> list[Contact]:
    """Of one week. `lot` draws a lot for a key, always the same: who draws again gets the same contacts.

    Each rep's are taken in the order of their lots. Where `most` is less than all that, everybody has a first one
    before anybody has a second, and lots decide again; so each rep's are a random sample of that rep's, and figures are
    compared by rep, not added up.
    """
    of: dict[str, list[tuple[bytes, Contact]]] = {}
    for contact in contacts:
        of.setdefault(contact.rep_id, []).append((lot(contact.key), contact))
    ranked = [
        (rank, drawn, contact.key, contact)
        for mine in of.values()
        for rank, (drawn, contact) in enumerate(sorted(mine, key=lambda one: (one[0], one[1].key)))
        # what is a whole number but for the last bit of a float is that number
        if rank < ceil(rules.share * len(mine) - 1e-9)
    ]
    return [contact for *_, contact in sorted(ranked, key=lambda one: one[:3])[: rules.most]]


@dataclass(frozen=True, slots=True)
class Score:
    """Mean of `reviewed` contacts, 0 to 1, and in between what it lies with 95 %; None without any."""

    reviewed: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None


def score(reviewed: int, mean: float | None) -> Score:
    """Wilson's interval (E. B. Wilson, 1927), as if each contact were all right or all wrong.

    Marks in between vary less than that, so it is too wide rather than too narrow, and it holds for few contacts and
    for those that all have the same mark.
    """
    if not reviewed or mean is None:
        return Score(0)
    middle, spread = _Z * _Z / (2 * reviewed), mean * (1 - mean) / reviewed + _Z * _Z / (4 * reviewed * reviewed)
    whole = 1 + 2 * middle
    half = _Z * sqrt(max(0.0, spread))
    return Score(reviewed, mean, max(0.0, (mean + middle - half) / whole), min(1.0, (mean + middle + half) / whole))
