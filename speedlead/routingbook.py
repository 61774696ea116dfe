"""Reads the rules of routing. Errors name the file, the line and the field, and what was expected."""

from importlib.resources import files
from pathlib import Path

from speedlead.checked_yaml import FileFault, parse, read_text
from speedlead.domain.routing_rules import RoutingRules
from speedlead.jurisdictions import check_jurisdiction


class RoutingError(FileFault):
    """A routing file that cannot be used; the text is for the person who wrote the file."""


def load_routing(path: Path | None = None) -> RoutingRules:
    """The rules of a YAML file, or the packaged ones. Raises RoutingError with one line per fault."""
    file = path or Path(str(files("speedlead") / "routing" / "default.yaml"))
    try:
        return parse(RoutingRules, read_text(file), str(file), whole="routing", context=check_jurisdiction)
    except FileFault as fault:
        raise RoutingError(str(fault)) from None
