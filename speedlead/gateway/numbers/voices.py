"""The panel of what leads say of us."""

from speedlead.gateway.numbers import charts
from speedlead.gateway.numbers.asking import Asking
from speedlead.gateway.numbers.charts import Bar
from speedlead.gateway.numbers.panels import Panel, Shown
from speedlead.gateway.numbers.tables import Column, Table, count, percent, share
from speedlead.numbers.chance import interval
from speedlead.numbers.voices import Voices

# of fewer answers a share says nothing
_FEW = 20


async def feedback(asking: Asking) -> Shown:
    said = await asking.of(Voices).said(asking.filters)
    parts = (("Answered fast enough", said.fast, said.of_speed), ("Contact was helpful", said.helpful, said.of_contact))
    table = Table(
        (Column("What leads say"), count("Yes"), count("Answers"), share("Share"), share("At least"), share("At most")),
        [(name, part, whole, part / whole if whole else None, *(interval(part, whole) if whole else (None, None)))
         for name, part, whole in parts],
    )  # fmt: skip
    if not said.answers:
        return Shown(table, words="No lead of this period has said yet how we did.")
    items = [
        Bar(name, part / whole, f"{percent(part / whole)} of {whole:,}", "" if whole >= _FEW else "soft")
        for name, part, whole in parts if whole
    ]  # fmt: skip
    words = (
        f"{said.answers:,} of {said.leads:,} leads said how we did, {said.remarks:,} in words. Who is asked and who "
        "answers is no random part: read the changes, not the level."
    )
    return Shown(table, charts.bars(items, words), words)


PANEL = Panel("feedback", "What leads say of us", "feedback", feedback)
