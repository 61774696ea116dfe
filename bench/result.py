"""One line of the table, and the small arithmetic on samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Line:
    """`value` and `floor` have the same unit and were measured in the same run; `aim` is said in words."""

    row: str
    what: str
    unit: str
    value: float
    floor: float | None = None
    aim: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor if self.floor else None


@dataclass
class Result:
    """What a row measured: lines for the table, notes under it, and details for the JSON file alone."""

    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    details: dict[str, object] = field(default_factory=dict)


Report = Callable[[str, float], None]
"""Called with what is going on and how much of the row is done, 0 to 1."""


def quantile(samples: Sequence[float], part: float) -> float:
    """The value below which `part` of the samples lie, without interpolation; of few samples p99 is the largest."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def spread(samples: Sequence[float]) -> dict[str, float]:
    """For the JSON file; in the unit of the samples."""
    return {"count": len(samples), "p50": quantile(samples, 0.5), "p90": quantile(samples, 0.9),
            "p99": quantile(samples, 0.99), "max": max(samples)}  # fmt: skip
