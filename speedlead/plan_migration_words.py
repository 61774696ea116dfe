"""A row of a migration table in words."""

from collections.abc import Sequence
from datetime import timedelta

from speedlead import wording
from speedlead.plan_migration import LeadMove, StepMove


def stands_at(row: StepMove) -> str:
    place = wording.step(row.before) or wording.reason(row.before) or row.before
    return f"{place} (paused)" if row.paused else place


def moves_by(row: StepMove) -> str:
    """`not at all`, `7 min later`, `between 2 min earlier and 1 h later`; empty where there is no next touch."""
    if row.least is None or row.most is None:
        return ""
    least, most = _words(row.least), _words(row.most)
    by = least if least == most else f"between {least} and {most}"
    return f"{by}, once resumed" if row.paused else by


def closing(moves: Sequence[LeadMove]) -> str:
    """What cannot be taken back, in a sentence; empty where every lead goes on."""
    sentences = []
    if ends := sum(one.closes and not one.paused for one in moves):
        sentences.append(f"{_have_nothing(ends)} closed at once; that cannot be taken back.")
    if ends := sum(one.closes and one.paused for one in moves):
        sentences.append(f"{_have_nothing(ends)} closed when resumed.")
    return " ".join(sentences)


def _have_nothing(ends: int) -> str:
    return "1 of them has nothing left there and is" if ends == 1 else f"{ends} of them have nothing left there and are"


def passed_over(row: StepMove) -> str:
    return ", ".join(wording.step(step) or step for step in row.passed_over)


def _words(by: timedelta) -> str:
    seconds = round(abs(by.total_seconds()))
    if not seconds:
        return "not at all"
    days, hours, minutes = seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds % 60, "s")]
    said = " ".join(f"{count} {unit}" for count, unit in [part for part in parts if part[0]][:2])
    return f"{said} {'later' if by > timedelta(0) else 'earlier'}"
