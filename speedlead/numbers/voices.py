"""What leads say of our speed and of the contact, for the leads of a report (REQ 130)."""

from dataclasses import dataclass

from speedlead.numbers.filters import Filter
from speedlead.numbers.read import Numbers

_SAID = """
select count(f.lead_id)::int as answers, count(f.fast)::int as of_speed, (count(*) filter (where f.fast))::int as fast,
    count(f.helpful)::int as of_contact, (count(*) filter (where f.helpful))::int as helpful,
    (count(*) filter (where f.remarked))::int as remarks, count(*)::int as leads
from {leads} left join metric_feedback f on f.lead_id = m.lead_id"""


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
        [row] = await self._rows(_SAID, wanted)
        return Said(**row)
