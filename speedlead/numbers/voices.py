"""What leads say of our speed and of the contact, for the leads of a report (REQ 130)."""

from dataclasses import dataclass

from speedlead.numbers.filters import Filter
from speedlead.numbers.questions import FEEDBACK
from speedlead.numbers.read import Numbers


@dataclass(frozen=True, slots=True)
class Said:
    """`answers`: leads that said anything; `fast` of `of_speed` found us fast enough, `helpful` of `of_contact`."""

    answers: int
    of_speed: int
    fast: int
    of_contact: int
    helpful: int
    remarks: int
    leads: int


class Voices(Numbers):
    async def said(self, wanted: Filter) -> Said:
        row = await self._one(FEEDBACK, wanted)
        return Said(**{name: round(value) for name, value in row.sums.items()})
