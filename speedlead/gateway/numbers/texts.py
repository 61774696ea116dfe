"""The panel of what leads were told by: versions of templates and scripts in use (REQ 164)."""

from speedlead import wording
from speedlead.gateway.numbers.asking import Asking
from speedlead.gateway.numbers.panels import Panel, Shown
from speedlead.gateway.numbers.tables import Column, Table, count, share
from speedlead.numbers.quality import QualityNumbers


async def texts(asking: Asking) -> Shown:
    rows = await asking.of(QualityNumbers).versions(asking.filters)
    table = Table(
        (Column("Channel"), Column("Template or script"), count("Touches"), count("Leads"), share("Spoken to"),
         share("Qualified"), Column("First lead came"), Column("Last lead came")),
        [(wording.CHANNELS.get(row.channel, row.channel), row.made_from or _none(row.channel), row.touches, row.leads,
          row.contacted / row.leads, row.qualified / row.leads, row.first_on.isoformat(),
          row.last_on.isoformat()) for row in rows],
    )  # fmt: skip
    if not rows:
        return Shown(table, words="Nothing went out to leads of this period.")
    words = (
        "A text that comes late in the plan meets leads that did not answer earlier ones, so its shares are lower "
        "without it being worse. To compare two versions, run an experiment."
    )
    return Shown(table, None, words)


def _none(channel: str) -> str:
    return "not kept" if channel == "call" else "written by hand"


PANEL = Panel("texts", "Templates and scripts in use", "texts", texts, broad=True)
