"""Counters of this process in the text format that Prometheus reads."""

from collections import Counter


class Counters:
    """Names and label values come from closed lists of our own code, so the set is bounded."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()
        # a rate is blind to a series that begins at one: what alerts look at is there from the start
        for name in ("bugs", "store_unavailable"):
            self._counts[name, ()] = 0
        for provider in ("twilio", "sendgrid"):
            for result in ("forged", "stale"):
                self._counts["webhooks", (("provider", provider), ("result", result))] = 0

    def add(self, name: str, **labels: str) -> None:
        """Adds one to `speedlead_<name>_total{labels}`."""
        self._counts[name, tuple(sorted(labels.items()))] += 1

    def value(self, name: str, **labels: str) -> int:
        return self._counts[name, tuple(sorted(labels.items()))]

    def text(self) -> str:
        lines: list[str] = []
        named: set[str] = set()
        for (name, labels), count in sorted(self._counts.items()):
            full = f"speedlead_{name}_total"
            if full not in named:
                named.add(full)
                lines.append(f"# TYPE {full} counter")
            inner = ",".join(f'{key}="{value}"' for key, value in labels)
            lines.append(f"{full}{{{inner}}} {count}" if inner else f"{full} {count}")
        return "\n".join(lines) + "\n"
