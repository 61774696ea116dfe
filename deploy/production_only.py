"""Prints the installed packages that speedlead does not need: the lock also has those for tests and for one machine."""

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, distributions

from pip._vendor.packaging.requirements import Requirement

KEPT = {"pip"}


def name_of(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def needed(
    name: str, extras: frozenset[str] = frozenset(), seen: set[tuple[str, frozenset[str]]] | None = None
) -> set[str]:
    """`name` and all that it requires on this machine, extras of its own requirements included."""
    seen = set() if seen is None else seen
    if (name, extras) in seen:
        return set()
    seen.add((name, extras))
    found = {name}
    try:
        requires = distribution(name).requires
    except PackageNotFoundError:
        sys.exit(f"{name}: expected in requirements.lock, because pyproject.toml requires it; make the lock anew")
    for text in requires or ():
        requirement = Requirement(text)
        asked = [{"extra": extra} for extra in extras or {""}]
        if requirement.marker is None or any(requirement.marker.evaluate(environment) for environment in asked):
            found |= needed(name_of(requirement.name), frozenset(requirement.extras), seen)
    return found


if __name__ == "__main__":
    installed = {name_of(each.metadata["Name"]) for each in distributions()}
    print("\n".join(sorted(installed - needed("speedlead") - KEPT)))
