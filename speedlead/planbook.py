"""Reads plan files. Errors name the file, the line and the field, and what was expected."""

from importlib.resources import files
from pathlib import Path

from speedlead.checked_yaml import FileFault, parse, read_text
from speedlead.domain.plan import Plan
from speedlead.jurisdictions import check_jurisdiction

DEFAULT_PLAN = "inbound"


class PlanError(FileFault):
    """A plan file that cannot be used; the text is for the person who wrote the file."""


def packaged_plan(name: str = DEFAULT_PLAN) -> Path:
    return Path(str(files("speedlead") / "plans" / f"{name}.yaml"))


def load_plan(path: Path | None = None) -> Plan:
    """The plan of a YAML file, the packaged default without one. Raises PlanError."""
    file = path or packaged_plan()
    try:
        return parse_plan(read_text(file), str(file))
    except FileFault as fault:
        raise PlanError(str(fault)) from None


def parse_plan(text: str, name: str) -> Plan:
    """Raises PlanError with one line per fault: `inbound.yaml:31: tracks.hot.steps.2.delay: expected …`."""
    try:
        return parse(Plan, text, name, whole="plan", context=check_jurisdiction)
    except FileFault as fault:
        raise PlanError(str(fault)) from None
