"""Every patch in workflow code is listed, and used as its life says (workflows/patches.py)."""

import ast
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from workflows.patches import PATCHES, Patch

CALLS = {"patched": "active", "deprecate_patch": "deprecated"}
ROOT = Path(__file__).parents[2]


def used(source: str) -> Iterator[tuple[int, str, str | None]]:
    """(line, life, id) of each use; id None where it is not written out."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in CALLS:
                given = node.args[0] if node.args else None
                text = given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None
                yield node.lineno, CALLS[name], text


def faults(sources: Sequence[tuple[str, str]], patches: Sequence[Patch]) -> list[str]:
    lives = {patch.id: patch.life for patch in patches}
    found = ["ids are given twice"] if len(lives) != len(patches) else []
    seen = set()
    for name, source in sources:
        for line, life, patch in used(source):
            seen.add(patch)
            if patch is None:
                found.append(f"{name}:{line}: expected the id as a text")
            elif lives.get(patch) != life:
                found.append(f"{name}:{line}: {patch} is used as {life} and listed as {lives.get(patch, 'nothing')}")
    return found + [f"{p.id} is listed as {p.life} and used nowhere" for p in patches if
                    p.life != "removed" and p.id not in seen]  # fmt: skip


def test_patches_in_the_code_are_the_listed_ones() -> None:
    rooms = ("workflows", "speedlead", "activities")
    sources = [(str(file), file.read_text()) for room in rooms for file in (ROOT / room).rglob("*.py")]
    assert (
        faults([(n, s) for n, s in sources if "patch" in s and not n.endswith("workflows/patches.py")], PATCHES) == []
    )


@pytest.mark.parametrize(
    ("source", "life", "says"),
    [
        ("workflow.patched('a')", None, "s.py:1: a is used as active and listed as nothing"),
        ("workflow.patched('a')", "deprecated", "s.py:1: a is used as active and listed as deprecated"),
        ("workflow.patched('a')", "removed", "s.py:1: a is used as active and listed as removed"),
        ("workflow.deprecate_patch('a')", "active", "s.py:1: a is used as deprecated and listed as active"),
        ("workflow.patched(name)", None, "s.py:1: expected the id as a text"),
        ("pass", "active", "a is listed as active and used nowhere"),
        ("pass", "removed", None),
        ("patched('a')", "active", None),
    ],
)
def test_a_patch_that_is_not_used_as_it_is_listed_is_found(source: str, life: str | None, says: str | None) -> None:
    patches = [Patch("a", life, date(2026, 1, 1), "for a test")] if life else []  # type: ignore[arg-type]
    assert faults([("s.py", source)], patches) == ([says] if says else [])
