"""Every patch id of workflow code, and where it is in its life (CONTRIBUTING, "before you change a workflow").

A patch keeps the old way for leads that have gone it:

    if workflow.patched("ring-twice"):   # new leads, and old ones that are not there yet
        ...new...
    else:
        ...old...

1. `active`: both ways stand in the code. Leads from before it may be open.
2. `deprecated`: no lead from before it is open. The old way is gone; `workflow.deprecate_patch(id)` stands in its
   place.
3. `removed`: no history of the retention (30 days) has its marker. Nothing in the code names it; its line stays here,
   so that the id is never used again for another change.

`speedlead worker patches` counts what a patch waits for: open leads from before its present life without its marker
(active) or with it (deprecated).
tests/replay/test_patches.py holds the code to this list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

Life = Literal["active", "deprecated", "removed"]


@dataclass(frozen=True)
class Patch:
    """`since`: the day on which its present life began; the next one waits for what is said above."""

    id: str
    life: Life
    since: date
    why: str


PATCHES: Sequence[Patch] = (
    Patch(
        "facts-during-a-wait",
        "active",
        date(2026, 11, 22),
        "what came while the workflow waited for an activity was overwritten, or waited for its end",
    ),
    Patch(
        "asked-still-when-hotter",
        "active",
        date(2026, 11, 22),
        "who was asked to take a lead that became hotter lost it by the short window, counted from the first asking",
    ),
    Patch(
        "enriched-before-assignment",
        "active",
        date(2026, 11, 22),
        "what is known of a company and a person was not looked up before the lead got its owner",
    ),
    Patch(
        "assistant-turns",
        "active",
        date(2026, 11, 22),
        "no assistant was asked about a message of the lead",
    ),
    Patch(
        "waits-in-rows",
        "active",
        date(2026, 11, 22),
        "a wait for an owner's task or for a program's end stood in the workflow alone, so pages could not show it",
    ),
)
