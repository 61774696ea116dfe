"""What a replay has found, in words: the same for a terminal, a page and a file."""

from collections.abc import Callable

from speedlead import times, wording
from speedlead.whatif.told import Side, Told


def played(found: Told) -> str:
    text = f"{found.played:,} leads of the last {found.days} days were played"
    return f"{text}." if found.played == found.of_all else f"{text}, from all over these days, of {found.of_all:,}."


def moved(found: Told) -> str:
    return (
        f"The first touch comes sooner for {found.sooner:,} leads and later for {found.later:,}; "
        f"{found.won:,} get one that had none, {found.lost:,} lose theirs."
    )


def rows(found: Told) -> list[tuple[str, str, str]]:
    """(what, now, then)."""
    now, then = found.now, found.then

    def both(text: Callable[[Side], str]) -> tuple[str, str]:
        return text(now), text(then)

    def share(count: Callable[[Side], int]) -> tuple[str, str]:
        return both(lambda of: f"{count(of) / of.leads:.1%}")

    return [
        ("first touch, half of the leads within", *both(lambda of: _span(of.p50))),
        ("first touch, 95 % within", *both(lambda of: _span(of.p95))),
        ("first touch within 5 minutes", *share(lambda of: of.soon)),
        ("first touch after its deadline", *share(lambda of: of.late)),
        ("touches in 48 hours, each lead", *both(lambda of: f"{of.touches_48h / of.leads:.1f}")),
        ("calls in all", *both(lambda of: f"{of.calls:,}")),
        ("touches left out", *both(lambda of: f"{sum(of.skipped.values()):,}")),
        ("leads that nothing reaches", *both(lambda of: f"{of.unreached:,}")),
        ("leads not through the plan after 60 days", *both(lambda of: f"{of.unfinished:,}")),
        *((f"  left out: {wording.reason(why)}", f"{now.skipped.get(why, 0):,}", f"{then.skipped.get(why, 0):,}")
          for why in sorted({*now.skipped, *then.skipped})),
    ]  # fmt: skip


def _span(seconds: float | None) -> str:
    return "–" if seconds is None else times.span(seconds)
