"""One panel of the page: a question, a picture, the table behind it, and words for when there is nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from markupsafe import Markup

from speedlead.gateway.numbers.asking import Asking
from speedlead.gateway.numbers.tables import Table
from speedlead.numbers.metrics import METRICS, Metric


@dataclass(frozen=True)
class Shown:
    """`words`: one sentence that says what to see; alone where there is nothing to draw. `open`: the table is shown."""

    table: Table
    picture: Markup | None = None
    words: str = ""


@dataclass(frozen=True)
class Panel:
    """`metric`: the name of its definition. `names_reps`: not for roles that meet no leads. `broad`: a whole row.

    `of_all`: of the whole house, whatever the filter says. `money`: for who may read what leads bring.
    """

    name: str
    title: str
    metric: str
    read: Callable[[Asking], Awaitable[Shown]]
    names_reps: bool = False
    broad: bool = False
    table_open: bool = False
    of_all: bool = False
    money: bool = False

    @property
    def definition(self) -> Metric:
        return METRICS[self.metric]


@dataclass(frozen=True)
class View:
    panel: Panel
    shown: Shown | None = None
    # when it was worked out, if that takes so long that it is done less often
    as_of: datetime | None = None
    state: Literal["there", "waits", "failed"] = "there"
