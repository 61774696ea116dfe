"""Why this rep, and why not that one: the newest decision about a lead, as rows tell it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead import wording

PARTS = ("geography", "expertise", "load", "availability", "performance")


@dataclass(frozen=True, slots=True)
class Considered:
    """One rep as the decision saw them. `parts`: name to 0..1, as in PARTS; `refused`: why not, as codes."""

    rep_id: str
    name: str
    score: float
    parts: dict[str, float]
    refused: tuple[str, ...]
    chosen: bool

    @property
    def why_not(self) -> str:
        return "; ".join(wording.reason(code) for code in self.refused)


@dataclass(frozen=True, slots=True)
class Why:
    """`considered` is empty where the lead had an owner already. `since`: who owns it now was set by hand or a call."""

    at: datetime
    rep_name: str | None
    reason: str
    gave_up: tuple[str, ...]
    weights: dict[str, float]
    considered: tuple[Considered, ...]
    since: bool
    # the peak hours whose weights these are
    peak: str | None = None

    @property
    def sentence(self) -> str:
        who = self.rep_name or "Nobody"
        text = f"{who}: {wording.reason(self.reason)}" if self.rep_name else "Nobody may have this lead"
        if self.reason == "offered":
            return wording.sentence(self.reason)
        lacks = "; ".join(wording.reason(code) for code in self.gave_up)
        text += f", although {who} {lacks}" if lacks else ""
        return text + (f" (by the rules of the peak hours {self.peak})" if self.peak else "")


async def why_this_rep(conn: Any, lead_id: str) -> Why | None:
    """None when routing has not decided yet."""
    row = await conn.fetchrow(
        """select a.at, a.rep_id::text as rep_id, a.reason, a.gave_up, a.peak, a.weights::text as weights,
               a.candidates::text as candidates, r.name, l.owner_id is distinct from a.rep_id as since
           from assignment a join lead l on l.id = a.lead_id left join rep r on r.id = a.rep_id
           where a.lead_id = $1::text::uuid order by a.at desc, a.id desc limit 1""",
        lead_id,
    )
    if row is None:
        return None
    names = {rep["id"]: rep["name"] for rep in await conn.fetch("select id::text as id, name from rep")}
    considered = [
        Considered(
            rep_id=one["rep"],
            name=names.get(one["rep"], "somebody who was erased"),
            score=one["score"],
            parts={name: one[name] for name in PARTS},
            refused=tuple(one["no"]),
            chosen=one["rep"] == row["rep_id"],
        )
        for one in json.loads(row["candidates"])
    ]
    considered.sort(key=lambda one: not one.chosen)
    weights = json.loads(row["weights"])
    return Why(
        at=row["at"],
        rep_name=row["name"],
        reason=row["reason"],
        gave_up=tuple(row["gave_up"]),
        # as one reads them; jsonb keeps no order
        weights={name: weights[name] for name in PARTS},
        considered=tuple(considered),
        since=row["since"],
        peak=row["peak"],
    )
