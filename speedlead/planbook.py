"""Reads plan files. Errors name the file, the line and the field, and what was expected."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from speedlead.checked_yaml import FileFault, parse, read_text
from speedlead.domain.plan import PROGRAM_AFTER, Ending, Plan
from speedlead.jurisdictions import check_jurisdiction

DEFAULT_PLAN = "inbound"


class PlanError(FileFault):
    """A plan file that cannot be used; the text is for the person who wrote the file."""


def packaged_plan(name: str = DEFAULT_PLAN) -> Path:
    return Path(str(files("speedlead") / "plans" / f"{name}.yaml"))


def load_plan(path: Path | None = None) -> Plan:
    """The plan of a YAML file, the packaged default without one. Raises PlanError."""
    if path is None:
        return _packaged()
    try:
        return parse_plan(read_text(path), str(path))
    except FileFault as fault:
        raise PlanError(str(fault)) from None


@cache
def _packaged() -> Plan:
    # it is the same as long as the process lives
    return load_plan(packaged_plan())


def load_programs(plan: Plan, path: Path | None = None) -> tuple[Plan, ...]:
    """The plans that go on when this one is over (`then`), and those that go on after them.

    Each is a file beside the plan's own, `path`, else a packaged one. Raises PlanError.
    """
    if plan.program is not None:
        raise PlanError(
            f"{path}: program: a {plan.program} plan begins by itself; expected a plan that answers inquiries"
        )
    found: dict[str, Plan] = {}
    waiting = [(path or packaged_plan(), plan)]
    while waiting:
        file, before = waiting.pop()
        for ending, name in before.then.items():
            if name not in found:
                found[name] = load_plan(_program_file(file, ending, name))
                waiting.append((file, found[name]))
            fits(before, ending, found[name])
    return tuple(found.values())


def fits(before: Plan, ending: Ending, plan: Plan) -> None:
    """Raises PlanError when `plan` is not for how the other one ends."""
    wanted = PROGRAM_AFTER[ending]
    if plan.program != wanted:
        raise PlanError(
            f"plan {before.id}: then.{ending}: expected a plan with program: {wanted}, and {plan.id} "
            + (f"is for {plan.program}" if plan.program else "answers inquiries")
        )


def _program_file(beside: Path, ending: str, name: str) -> Path:
    for file in (beside.with_name(f"{name}.yaml"), packaged_plan(name)):
        if file.is_file():
            return file
    raise PlanError(f"{beside}: then.{ending}: expected a plan of that name beside it, {name}.yaml; there is none")


def parse_plan(text: str, name: str) -> Plan:
    """Raises PlanError with one line per fault: `inbound.yaml:31: tracks.hot.steps.2.delay: expected …`."""
    try:
        return parse(Plan, text, name, whole="plan", context=check_jurisdiction)
    except FileFault as fault:
        raise PlanError(str(fault)) from None
