"""In which order files run, so that no process is left alone with a slow one at the end, and browsers come last."""

import pytest

# from half a minute down to ten seconds; they wait more than they compute, and what computes runs beside them
SLOW = [
    f"tests/{name}.py"
    for name in (
        "e2e/test_backup", "e2e/test_kill", "simulation/test_faults", "workflows/test_preview", "e2e/test_drain",
        "e2e/test_up", "e2e/test_upgrade", "e2e/test_rep_page", "workflows/test_other_code", "workflows/test_refusals",
        "e2e/test_flow_check", "e2e/test_outages", "e2e/test_lost_temporal", "e2e/test_plan_migrate",
        "workflows/test_placing_again", "workflows/test_explained", "workflows/test_steering", "workflows/test_tasks",
        "workflows/test_stories", "workflows/test_while_phones_ring", "workflows/test_change_plan", "e2e/test_demo",
        "workflows/test_turns_in_line", "workflows/test_turns", "e2e/test_worker_versions", "e2e/test_stack",
        "workflows/test_without_calls", "workflows/test_acceptance", "workflows/test_nurture",
        "unit/test_calendar_properties",
    )
]  # fmt: skip
_RANK = {name: place for place, name in enumerate(SLOW)}


def in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """Files stay whole, and the tests of a file in their order."""
    return sorted(items, key=lambda item: (_in_browser(item), _RANK.get(item.location[0], len(SLOW))))


def _in_browser(item: pytest.Item) -> bool:
    # last: Playwright keeps an event loop running in its thread from its first use to the end of the session
    return "playwright" in getattr(item, "fixturenames", ())
