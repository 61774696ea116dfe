"""Reads the rules of routing. Errors name the file, the line and the field, and what was expected."""

from importlib.resources import files
from pathlib import Path

from speedlead.checked_yaml import FileFault, parse, read_text
from speedlead.domain.plan import Plan
from speedlead.domain.routing_rules import RoutingRules
from speedlead.jurisdictions import check_jurisdiction


class RoutingError(FileFault):
    """A routing file that cannot be used; the text is for the person who wrote the file."""


def packaged_routing() -> Path:
    return Path(str(files("speedlead") / "routing" / "default.yaml"))


def load_routing(path: Path | None = None) -> RoutingRules:
    """The rules of a YAML file, or the packaged ones. Raises RoutingError with one line per fault."""
    file = path or packaged_routing()
    try:
        return parse(RoutingRules, read_text(file), str(file), whole="routing", context=check_jurisdiction)
    except FileFault as fault:
        raise RoutingError(str(fault)) from None


def check_claim(rules: RoutingRules, plan: Plan, path: Path | None = None) -> None:
    """Raises RoutingError when leads are offered to several although the plan gives nobody a time to take them.

    Nobody would ever be given such a lead, and the open offers would keep it out of the waiting pool.
    """
    if rules.claim is None:
        return
    named = [when.lead_type for when in rules.claim.when]
    offered = [one for one in plan.tracks if not named or None in named or one in named]
    lacking = [one for one in offered if one not in plan.accept]
    if lacking:
        raise RoutingError(
            f"{path or 'routing'}: claim: {', '.join(lacking)} leads are offered to several, but the plan {plan.id} "
            f"v{plan.version} has no time to take them: expected accept with {', '.join(lacking)} in the plan"
        )
