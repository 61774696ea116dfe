"""Reads the rules of lanes. Errors name the file, the line and the field, and what was expected."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from speedlead.checked_yaml import FileFault, parse, read_text
from speedlead.domain.lanes import LaneRules
from speedlead.jurisdictions import check_jurisdiction


class LanesError(FileFault):
    """A file of rules that cannot be used; the text is for the person who wrote the file."""


@dataclass(frozen=True, slots=True)
class LaneBook:
    """The rules, and the file as it was written."""

    rules: LaneRules
    source: str
    file: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.source.encode()).hexdigest()


def load_lanes(path: Path | None = None) -> LaneBook:
    """The rules of a YAML file, or the packaged ones. Raises LanesError with one line per fault."""
    file = path or Path(str(files("speedlead") / "enrichment" / "lanes.yaml"))
    try:
        text = read_text(file)
        return LaneBook(parse(LaneRules, text, str(file), whole="lanes", context=check_jurisdiction), text, str(file))
    except FileFault as fault:
        raise LanesError(str(fault)) from None
