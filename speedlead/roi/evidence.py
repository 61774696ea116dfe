"""The figures that are quoted for speed, as data with their sources (`evidence.yaml`): rows of kind FACT."""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from speedlead.checked_yaml import parse, read_text

_FILE = Path(__file__).parent / "evidence.yaml"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(_Data):
    """`row`: the number of the requirement; `used`: where this product takes it up."""

    row: int
    says: str
    source: str
    used: str = ""


class CaseTable(_Data):
    row: int
    title: str
    source: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @model_validator(mode="after")
    def _even(self) -> "CaseTable":
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"REQ {self.row}: expected {len(self.columns)} cells in every row")
        return self


class Evidence(_Data):
    note: str
    figures: tuple[Figure, ...]
    tables: tuple[CaseTable, ...]


@cache
def evidence() -> Evidence:
    return parse(Evidence, read_text(_FILE), str(_FILE), whole="evidence")
